"""The command line: one module for each command, which parses and prints; everything else is the library's."""

from twinoffload.cli.app import app, main

__all__ = ["app", "main"]
