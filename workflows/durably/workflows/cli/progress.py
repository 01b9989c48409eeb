"""How an execution stands, kept up to date change by change.

The service tells a `Feed` what has changed, on the thread that made the change, which must not wait for
a display. The display drains it when it draws. A change costs the same however many operations there
are, and so does what a display asks: counts, the newest, the open and the failed operations of a context.
"""

import re
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import islice

import attrs

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationStatus,
    OperationSubType,
    OperationType,
)
from durably.workflows.types import DurableExecutionArn

FAILURES = frozenset({OperationStatus.FAILED, OperationStatus.TIMED_OUT, OperationStatus.STOPPED})
MANY = 50
"""A context with more operations than this is shown by their counts, as a map always is."""


class Feed:
    """The observer of a service, read by one display."""

    def __init__(self) -> None:
        self._news: deque[tuple[str, Mapping[str, Operation]]] = deque()

    def __call__(self, arn: str, operations: Mapping[str, Operation]) -> None:
        self._news.append((arn, operations))

    def drain(self) -> Iterator[tuple[str, Mapping[str, Operation]]]:
        """What has come in since the last time, in order."""
        while self._news:
            yield self._news.popleft()


@attrs.define(slots=True)
class Group:
    """The operations directly in one context: all by their place, and those open and failed."""

    places: dict[str, int] = attrs.field(factory=dict[str, int])
    open: dict[str, None] = attrs.field(factory=dict[str, None])
    failed: list[str] = attrs.field(factory=list[str])

    @property
    def done(self) -> int:
        """How many have ended well."""
        return len(self.places) - len(self.open) - len(self.failed)

    def counts(self) -> str:
        """The counts in words."""
        text = f"{self.done:,} of {len(self.places):,} done"
        if self.failed:
            text += f", {len(self.failed):,} failed"
        if self.open:
            text += f", {len(self.open):,} under way"
        return text

    def worth_showing(self, few: int) -> list[str]:
        """The newest few of the failed, of the open and of all, in their order."""
        chosen = {
            *self.failed[-few:],
            *islice(reversed(self.open), few),
            *islice(reversed(self.places), few),
        }
        return sorted(chosen, key=self.places.__getitem__)


class Progress:
    """One execution."""

    def __init__(self) -> None:
        self.root: Operation | None = None
        """The EXECUTION operation."""
        self.operations: dict[str, Operation] = {}
        self.groups: dict[str | None, Group] = {}
        """What each context contains directly; under None what the handler itself called."""
        self.waiting: dict[str, None] = {}
        """Operations that nothing but time or the outside world moves on: waits, retries, callbacks."""

    def apply(self, changes: Mapping[str, Operation]) -> None:
        """Take in what has changed."""
        for operation in changes.values():
            if operation.type is OperationType.EXECUTION:
                self.root = operation
            else:
                self._apply(operation)

    def _apply(self, operation: Operation) -> None:
        key, status = operation.id, operation.status
        self.operations[key] = operation
        group = self.groups.get(operation.parent_id)
        if group is None:
            group = self.groups[operation.parent_id] = Group()
        if key not in group.places:
            group.places[key] = len(group.places)
            group.open[key] = None
        if status.is_terminal and key in group.open:
            del group.open[key]
            if status in FAILURES:
                group.failed.append(key)
        if is_waiting(operation):
            self.waiting[key] = None
        else:
            self.waiting.pop(key, None)

    def is_crowd(self, parent_id: str | None) -> bool:
        """Whether what this context contains is too much to be shown one by one."""
        parent = self.operations.get(parent_id) if parent_id is not None else None
        group = self.groups.get(parent_id)
        return (parent is not None and is_batch(parent)) or (group is not None and len(group.places) > MANY)

    def path(self, operation: Operation) -> list[Operation]:
        """The operation and the contexts around it, outermost first."""
        path = [operation]
        while path[-1].parent_id is not None and path[-1].parent_id in self.operations:
            path.append(self.operations[path[-1].parent_id])
        return path[::-1]

    def summary(self) -> str:
        """How it stands in a few words."""
        count = len(self.operations)
        text = f"{count:,} operation{'' if count == 1 else 's'}"
        return text + (f", {len(self.waiting):,} waiting" if self.waiting else "")


def is_batch(operation: Operation) -> bool:
    """Whether it is a map or parallel."""
    return operation.sub_type in (OperationSubType.MAP, OperationSubType.PARALLEL)


def is_waiting(operation: Operation) -> bool:
    """Whether nothing happens to it until its time comes, or somebody from outside."""
    if operation.status is OperationStatus.STARTED:
        return operation.type in (OperationType.WAIT, OperationType.CALLBACK, OperationType.CHAINED_INVOKE)
    return operation.status is OperationStatus.PENDING


def who(arn: str, names: Mapping[str, str]) -> str:
    """What people call an execution: its name, or the function, if it was invoked by another one."""
    if arn in names:
        return names[arn]
    parts = DurableExecutionArn.from_arn(arn)
    return arn if parts is None else parts.function_name


def label(operation: Operation) -> str:
    """What people call it."""
    return operation.name or _words(operation.sub_type) or operation.type.value.lower()


def _words(sub_type: str | None) -> str:
    """`WaitForCondition` as people write it."""
    if sub_type == OperationSubType.CHAINED_INVOKE:
        return "invoke"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", sub_type or "").lower()


def describe(operation: Operation, now: datetime) -> str:
    """What it does or has come to, in a few words."""
    status, attempts = operation.status, operation.attempt
    if status is OperationStatus.SUCCEEDED:
        again = f", attempt {attempts}" if attempts > 1 else ""
        return f"done{_took(operation)}{again}"
    if status is OperationStatus.PENDING:
        why = f" after {describe_error(operation.error)}" if operation.error is not None else ""
        return f"sleeps {_when(operation.next_attempt_at, now)}, then attempt {attempts + 1}{why}"
    if status in FAILURES:
        word = "failed" if status is OperationStatus.FAILED else status.value.lower().replace("_", " ")
        tries = f" in attempt {attempts}" if attempts > 1 else ""
        return f"{word}{tries}: {describe_error(operation.error)}"
    if status.is_terminal:
        return str(status.value).lower()
    if operation.type is OperationType.WAIT:
        return f"waits {_when(operation.ends_at, now)}"
    if operation.type is OperationType.CALLBACK:
        return "waits for its callback"
    return "running" + (f", attempt {attempts + 1}" if attempts else "")


def describe_error(error: ErrorObject | None) -> str:
    """Type, without its module, and the first line of the message."""
    if error is None:
        return "no error was recorded"
    kind = type_of(error)
    message = (error.message or "").strip().partition("\n")[0]
    if len(message) > 300:
        message = message[:300] + "..."
    if kind and message:
        return f"{kind}: {message}"
    return kind or message or "an error without a message"


def type_of(error: ErrorObject | None) -> str:
    """The error's class, without its module."""
    return ((error.type if error is not None else None) or "").rpartition(".")[2]


def _took(operation: Operation) -> str:
    if operation.started_at is None or operation.ended_at is None:
        return ""
    return f" in {duration(operation.ended_at - operation.started_at)}"


def duration(span: timedelta) -> str:
    """A span of time as people read it."""
    seconds = span.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {seconds:02} s"


def _when(when: datetime | None, now: datetime) -> str:
    if when is None:
        return "later"
    local = when.astimezone()
    day = "" if local.date() == now.astimezone().date() else f"{local:%Y-%m-%d} "
    return f"until {day}{local:%H:%M:%S} ({duration(max(when - now, timedelta()))})"
