"""The command `durably`: runs workflows on this machine, and goes on with those that were interrupted.

click and rich come with the extra `local`; nothing outside this package imports them, and this module
imports neither, so that it can say what is missing.
"""

import importlib.util
import os
import sys


def main() -> None:
    """Run the command. Exit codes: 0 success, 1 a failure, 2 wrong usage, 130 interrupted."""
    _open_standard_streams()
    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"durably: the command needs {' and '.join(missing)}, which the extra `local` brings. "
            "Install it: pip install 'durably[local]'"
        )
    try:
        from durably.workflows.cli.commands import durably_command
    except KeyboardInterrupt:
        sys.exit(130)
    durably_command(prog_name="durably")


def _open_standard_streams() -> None:
    """Put something in the place of standard streams that are closed, as a daemon's may be.

    A file that is opened later, such as the database, must not become one of them. The input is empty then,
    a result cannot be written, and what is told to nobody is dropped.
    """
    for descriptor, mode in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # the lowest number that is free, which is this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115  # it is that of the process from now on
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
