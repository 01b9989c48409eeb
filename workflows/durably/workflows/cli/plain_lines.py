"""The display in a pipe or a log file: one line for each thing worth knowing, and no control characters.

Operations in a map, and in any context with very many, are not told one by one: their counts are, every
few seconds, beside the first failures and retries among them.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TextIO

from durably.actors.model import Operation, OperationStatus
from durably.workflows.cli.progress import FAILURES, Feed, Progress, describe, label, who

INTERVAL = 0.25
"""Seconds between two looks at the feed."""
COUNTS_EVERY = 2.0
"""Seconds between two lines of counts."""
MOST_EXAMPLES = 20
"""How many failures and retries among many operations are told one by one."""


class PlainLines:
    """Writes what happens to all executions of a feed, at each `refresh`."""

    interval = INTERVAL

    def __init__(self, feed: Feed, names: Mapping[str, str], out: TextIO) -> None:
        self._feed = feed
        self._names = names
        self._out = out
        self._executions: dict[str, Progress] = {}
        self._began = self._counted = time.monotonic()
        self._moved: dict[tuple[str, str | None], None] = {}
        self._examples = 0
        self._crowded: dict[tuple[str, str], bool] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._counted = 0.0
        self.refresh()

    def refresh(self) -> None:
        """Take in the news, and write what is worth it."""
        news: dict[tuple[str, str], None] = {}  # each operation once, as it is by now
        for arn, changes in self._feed.drain():
            known = arn in self._executions
            progress = self._executions.setdefault(arn, Progress())
            progress.apply(changes)
            if not known and progress.operations:
                self._write(arn, f"goes on after {progress.summary()}")
            else:
                news.update(dict.fromkeys((arn, key) for key in changes))
        now = datetime.now(UTC)
        for arn, key in news:
            operation = self._executions[arn].operations.get(key)
            if operation is not None:
                self._tell(arn, operation, now)
        if time.monotonic() - self._counted >= COUNTS_EVERY:
            self._write_counts()

    def _tell(self, arn: str, operation: Operation, now: datetime) -> None:
        progress = self._executions[arn]
        if self._is_crowded(arn, progress, operation):
            crowd = self._crowd_around(progress, operation)
            self._moved[arn, crowd] = None
            notable = operation.status in FAILURES or operation.status is OperationStatus.PENDING
            if not notable or self._examples > MOST_EXAMPLES:
                return
            self._examples += 1
            if self._examples > MOST_EXAMPLES:
                self._write(arn, "... further failures and retries among many operations are only counted")
                return
        elif operation.status is OperationStatus.READY:
            return
        group = progress.groups.get(operation.id)
        what = describe(operation, now)
        if group is not None and progress.is_crowd(operation.id):
            what = f"{what}, {group.counts()}" if operation.status.is_terminal else group.counts()
        self._write(arn, f"{self._path(progress, operation)}: {what}")

    def _is_crowded(self, arn: str, progress: Progress, operation: Operation) -> bool:
        """Whether it is one of many, however deep."""
        if progress.is_crowd(operation.parent_id):
            return True
        if operation.parent_id is None or operation.parent_id not in progress.operations:
            return False
        known = self._crowded.get((arn, operation.parent_id))
        if known is None:
            parent = progress.operations[operation.parent_id]
            known = self._crowded[arn, operation.parent_id] = self._is_crowded(arn, progress, parent)
        return known

    def _crowd_around(self, progress: Progress, operation: Operation) -> str | None:
        """The outermost context whose operations are only counted."""
        for outer in progress.path(operation):
            if progress.is_crowd(outer.parent_id):
                return outer.parent_id
        return operation.parent_id

    def _write_counts(self) -> None:
        self._counted = time.monotonic()
        for arn, context_id in self._moved:
            progress = self._executions[arn]
            operation = progress.operations.get(context_id) if context_id is not None else None
            if operation is not None and operation.status.is_terminal:
                continue  # its own line has said it
            where = "the handler" if operation is None else self._path(progress, operation)
            self._write(arn, f"{where}: {progress.groups[context_id].counts()}")
        self._moved.clear()

    def _path(self, progress: Progress, operation: Operation) -> str:
        return " > ".join(map(label, progress.path(operation)))

    def _write(self, arn: str, text: str) -> None:
        whose = "" if len(self._names) == 1 and arn in self._names else f"{who(arn, self._names)}: "
        self._out.write(f"[{time.monotonic() - self._began:7.1f} s] {whose}{text}\n")
        self._out.flush()
