"""A child process of the tests, which ends when its standard input does: no test run leaves one behind.

    python -m tests.emulator.child emulator start-server --port 5000 ...
    python -m tests.emulator.child functions 0 tests.emulator.handlers ...

The first is AWS's `dex-local-runner`, with its own arguments; the second serves our handlers.
"""

import os
import sys
import threading


def _end_with_parent() -> None:
    while os.read(0, 4096):  # not through sys.stdin, which is closed when the interpreter ends
        pass
    os._exit(0)


def main() -> int:
    threading.Thread(target=_end_with_parent, daemon=True).start()
    role, *arguments = sys.argv[1:]
    sys.argv[1:] = arguments
    if role == "emulator":
        from aws_durable_execution_sdk_python_testing import cli

        return cli.main()
    from tests.emulator import functions

    return functions.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
