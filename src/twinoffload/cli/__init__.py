"""The command line: one module for each command, which parses and prints; everything else is the library's."""

from twinoffload.cli.app import main

__all__ = ["main"]
