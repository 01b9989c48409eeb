"""The command `durably`: runs workflows on this machine, and goes on with those that were interrupted.

click and rich come with the extra `local`; nothing outside this package imports them, and this module
imports neither, so that it can say what is missing.
"""

import importlib.util
import sys


def main() -> None:
    """Run the command. Exit codes: 0 success, 1 a failure, 2 wrong usage, 130 interrupted."""
    missing = [name for name in ("click", "rich") if importlib.util.find_spec(name) is None]
    if missing:
        sys.exit(
            f"durably: the command needs {' and '.join(missing)}, which the extra `local` brings. "
            "Install it: pip install 'durably[local]'"
        )
    from durably.workflows.cli.commands import durably_command

    durably_command(prog_name="durably")
