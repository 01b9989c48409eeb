"""What is said when something fails: where an error came from, and tracebacks without our own frames."""

import logging
import sys
import traceback
from pathlib import Path

import durably.actors
import durably.workflows
from durably.actors.model import ErrorObject, Operation, OperationType
from durably.workflows.cli.progress import FAILURES, Progress, label

_OURS = tuple(
    str(Path(file).parent) for file in (durably.actors.__file__, durably.workflows.__file__) if file
)


def origin(operations: list[Operation], error: ErrorObject | None) -> tuple[str, Operation] | None:
    """The path and the record of the operation in which `error` arose, if it came from one.

    Contexts pass on the message of what failed in them, so it is the innermost operation that failed with
    this message; of several, the one that failed first.
    """
    progress = Progress()
    progress.apply({operation.id: operation for operation in operations})
    candidates = [
        operation
        for operation in operations
        if operation.status in FAILURES
        and operation.type is not OperationType.EXECUTION
        and operation.error is not None
        and error is not None
        and operation.error.message == error.message
    ]
    outer = {operation.parent_id for operation in candidates}
    innermost = [operation for operation in candidates if operation.id not in outer]
    if not innermost:
        return None
    first = min(
        innermost, key=lambda operation: operation.ended_at.timestamp() if operation.ended_at else 0.0
    )
    return " > ".join(map(label, progress.path(first))), first


def user_traceback(error: BaseException) -> str:
    """The traceback of an error, with the frames of user code only; of a syntax error, its place."""
    report = traceback.TracebackException.from_exception(error)
    chain: traceback.TracebackException | None = report
    while chain is not None:
        chain.stack = traceback.StackSummary.from_list(
            [frame for frame in chain.stack if not frame.filename.startswith((*_OURS, "<frozen"))]
        )
        chain = chain.__cause__ or chain.__context__
    return "".join(report.format()).rstrip()


class ConsoleLog(logging.Handler):
    """Writes log records to whatever standard error is by then, with trimmed tracebacks.

    That is everybody's warnings and errors, and what workflows log at INFO (they use the root logger).
    """

    def __init__(self, level: int) -> None:
        super().__init__(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        if record.levelno < logging.WARNING and record.name != "root":
            return
        try:
            text = f"{record.levelname}: {record.getMessage()}"
            if record.exc_info and record.exc_info[1] is not None:
                text += "\n" + user_traceback(record.exc_info[1])
            sys.stderr.write(text + "\n")
        except Exception:
            self.handleError(record)


def log_to_console(*, quiet: bool) -> None:
    """Show what is logged (if `quiet`, from warnings on), unless the user's code has set up logging."""
    root = logging.getLogger()
    if not root.handlers:
        root.addHandler(ConsoleLog(logging.WARNING if quiet else logging.INFO))
        root.setLevel(logging.INFO)
