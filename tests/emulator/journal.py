"""What handlers have logged, by execution: what CloudWatch would have of it.

A record is a JSON object. Those of the `logging` module come in Lambda's text format as `message`, beside
their level and their extras; what a handler prints as a line of JSON is taken as it is. The execution
that a record belongs to is what it calls `durableExecutionArn` (or, as the SDK's logger does,
`executionArn`).
"""

import json
import logging
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Record = dict[str, Any]

_PLAIN = frozenset(vars(logging.makeLogRecord({})))


class Journal(logging.Handler):
    """Collects records. `forward` is told of each, for a process whose journal is another's."""

    def __init__(self, forward: Callable[[Record], object] = lambda record: None) -> None:
        super().__init__(logging.INFO)
        self._forward = forward
        self._records: dict[str, list[Record]] = defaultdict(list)
        self._guard = threading.Lock()

    def write(self, record: Record) -> None:
        arn = record.get("durableExecutionArn") or record.get("executionArn") or ""
        with self._guard:
            self._records[arn].append(record)
            self._forward(record)

    def emit(self, record: logging.LogRecord) -> None:
        extras = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        text = f"[{record.levelname}]\t{record.getMessage()}"
        self.write(
            json.loads(json.dumps({**extras, "level": record.levelname, "message": text}, default=str))
        )

    def of(self, arn: str) -> list[Record]:
        """The records of an execution, in order."""
        with self._guard:
            return list(self._records[arn])


JOURNAL = Journal()


def log_line(record: Record) -> None:
    """What a handler or a plugin prints: a JSON object on one line, as Lambda takes it from stdout."""
    JOURNAL.write(json.loads(json.dumps(record)))
