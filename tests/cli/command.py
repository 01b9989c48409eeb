"""Runs `durably` as a user does: a process of its own, in a folder of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

DURABLY = [sys.executable, "-m", "durably.workflows.cli"]

SLOW = """
# It leaves a line in `log` for each step that runs, and the last step waits for the file `gate`.
import time
from pathlib import Path
from durably.workflows import durable_execution

HERE = Path(__file__).parent

def note(text):
    with (HERE / "log").open("a") as log:
        log.write(text + "\\n")
    return text

def last(step):
    note("last")
    while not (HERE / "gate").exists():
        time.sleep(0.01)
    return "last"

@durable_execution
def handler(event, context):
    first = context.step(lambda step: note("first"), name="first")
    return [first, context.step(last, name="last"), "old"]
"""


def environment() -> dict[str, str]:
    """The environment of a user who has installed the library."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("DURABLY_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def durably(
    folder: Path, *arguments: str, stdin: str = "", command: list[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder` to its end."""
    return subprocess.run(
        [*(command or DURABLY), *arguments],
        cwd=folder,
        env=environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class Running:
    """A command that is under way, read line by line on its standard error."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*DURABLY, *arguments],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.seen = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def read_until(self, text: str) -> None:
        """Wait for a line with `text`."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.seen += line
            if text in line:
                return
        raise AssertionError(f"it ended without {text!r}:\n{self.seen}")

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)

    def end(self) -> tuple[int, str, str]:
        """Wait for the end: the exit code, standard output, and all of standard error."""
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, self.seen + err
