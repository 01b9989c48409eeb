"""One use of the service by a command: standard output kept clean, a display, and Ctrl-C.

Standard output carries results only. What user code prints goes to standard error, at the level of file
descriptors too, so that it holds for the processes that a step starts.
"""

import contextlib
import os
import shlex
import signal
import sys
from collections.abc import Generator, Sequence
from pathlib import Path

import click

from durably.actors.model import OperationStatus, OperationType
from durably.workflows.cli.failures import origin, user_traceback
from durably.workflows.cli.plain_lines import PlainLines
from durably.workflows.cli.progress import Feed, describe_error, type_of
from durably.workflows.local import (
    DatabaseInUseError,
    ExecutionFailedError,
    HandlerNotFoundError,
    LocalExecution,
    LocalService,
    LocalServiceError,
    ServiceError,
)

INTERRUPTED = 130
"""The exit code after Ctrl-C or SIGTERM, as of a process that SIGINT ended."""


def say(text: str) -> None:
    """Tell the user something, on standard error."""
    click.echo(text, err=True)


class Results:
    """Standard output while it carries results only."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, text: str) -> None:
        """Write all of `text`.

        Raises:
            SystemExit: 1, when nobody reads any more, or it cannot be written.
        """
        left = memoryview(text.encode())
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except BrokenPipeError:  # whoever read has enough, as `head` does
            raise SystemExit(1) from None
        except OSError as error:
            say(
                f"Error: cannot write the result to standard output: {error.strerror}. It is kept: name the "
                "execution to `durably recover`, and it is printed again."
            )
            raise SystemExit(1) from error


@contextlib.contextmanager
def clean_stdout() -> Generator[Results]:
    """Standard output for results; meanwhile everything else that is written there goes to standard error."""
    sys.stdout.flush()
    saved = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield Results(saved)
    finally:
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def errors_explained() -> Generator[None]:
    """Turn what the service cannot do into a message and exit code 1, Ctrl-C and SIGTERM into their own."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except LocalServiceError as error:
        explain(error)
        raise SystemExit(1) from error
    except ServiceError as error:
        say(f"Error: {error.message}")
        raise SystemExit(1) from error
    except KeyboardInterrupt:  # before anything had started, or after everything had ended
        say("Interrupted.")
        raise SystemExit(INTERRUPTED) from None


def explain(error: LocalServiceError) -> None:
    """Say what the service cannot do; of code that does not import, the traceback in it."""
    if isinstance(error, HandlerNotFoundError) and error.__cause__ is not None:
        say(user_traceback(error.__cause__))
    hint = " Another one is named by --database." if isinstance(error, DatabaseInUseError) else ""
    say(f"Error: {error}{hint}")


class Session:
    """Waits for executions of a service, shows them, and reports how they ended."""

    def __init__(self, database: Path, feed: Feed | None) -> None:
        """`feed` is that of the service; without one nothing but errors is shown."""
        self._database = database
        self._feed = feed

    def finish(self, service: LocalService, executions: Sequence[LocalExecution]) -> None:
        """Wait until all have ended.

        Raises:
            SystemExit: 130, if the user had enough of it. Those unfinished can be recovered.
        """
        try:
            self._watch(executions)
        except KeyboardInterrupt:
            try:
                say("Interrupted: what runs is finished and recorded. Once more Ctrl-C, and it is not.")
                service.close()
            except KeyboardInterrupt:
                self._say_how_to_go_on(executions)
                sys.stderr.flush()
                os._exit(INTERRUPTED)  # a step that runs on cannot be ended otherwise; checkpoints are safe
            if self._say_how_to_go_on(executions):
                raise SystemExit(INTERRUPTED) from None

    def report(self, execution: LocalExecution) -> bool:
        """Say how one has ended; returns whether it has a result."""
        try:
            execution.result(0)
        except ExecutionFailedError as failed:
            found = origin(execution.operations(), failed.error)
            say(f"{execution.name} {failed.status.value}: {describe_error(failed.error)}")
            if found is not None:
                path, operation = found
                tries = f", attempt {operation.attempt}" if operation.attempt > 1 else ""
                say(f"  in {path}{tries}: {type_of(operation.error)}")
            return False
        except LocalServiceError as error:
            explain(error)
            self._say_how_to_go_on([execution])
            return False
        except ServiceError as error:
            say(f"Error: {error.message}")
            self._say_how_to_go_on([execution])
            return False
        if self._feed is not None:
            say(f"{execution.name} SUCCEEDED")
            self._tell_what_runs_on(execution)
        return True

    def _tell_what_runs_on(self, execution: LocalExecution) -> None:
        """Say that functions which it has invoked are unfinished, though it has its result."""
        left = [
            operation.name or "invoke"
            for operation in execution.operations()
            if operation.type is OperationType.CHAINED_INVOKE and operation.status is OperationStatus.STARTED
        ]
        if left:
            names, database = ", ".join(left[:5]), shlex.quote(str(self._database))
            say(f"  It did not wait for {names}. To go on: durably recover --database {database}")

    def _watch(self, executions: Sequence[LocalExecution]) -> None:
        names = {execution.arn: execution.name for execution in executions}
        if self._feed is None:
            for execution in executions:
                while not execution.wait(1.0):
                    pass
            return
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from durably.workflows.cli.live_tree import LiveTree

            display: LiveTree | PlainLines = LiveTree(self._feed, names)
        else:
            display = PlainLines(self._feed, names, sys.stderr)
        with display:
            for execution in executions:
                while not execution.wait(display.interval):
                    display.refresh()

    def _say_how_to_go_on(self, executions: Sequence[LocalExecution]) -> bool:
        """Name the command that goes on with what is unfinished; returns whether there is anything."""
        names = [execution.name for execution in executions if execution.status == "RUNNING"]
        if names:
            one = f"{names[0]} " if len(names) == 1 else ""
            say(f"To go on: durably recover {one}--database {shlex.quote(str(self._database))}")
        return bool(names)
