"""`python -m twinoffload`: the command line."""

from twinoffload.cli import main

main()
