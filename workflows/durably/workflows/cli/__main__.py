"""`python -m durably.workflows.cli` is the command `durably`."""

from durably.workflows.cli import main

main()
