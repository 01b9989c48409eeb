"""Where executions are kept: the interface, and the store that keeps them as long as it lives.

A store gets every commit before it counts, and gives executions back as they were. It decides
nothing; the rules are elsewhere.
"""

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

import attrs

from durably.actors.model import Operation, OperationUpdate
from durably.workflows.local.errors import not_found
from durably.workflows.local.history import HistoryEvent, events_of
from durably.workflows.local.records import Commit, ExecutionRecord, StoredExecution
from durably.workflows.local.rules import Change

_T = TypeVar("_T")


@attrs.frozen(slots=True)
class ExecutionSummary:
    """An execution in a list: who it is, and its EXECUTION operation for how it stands."""

    record: ExecutionRecord
    operation: Operation


class Store(Protocol):
    """What the service needs of a store. Used from any thread."""

    def create(self, stored: StoredExecution, now: datetime, source: bytes | None = None) -> None:
        """Add an execution and its first event; `source` is the code of its `code_hash`."""
        ...

    def write(self, arn: str, commit: Commit) -> None:
        """Make a commit durable, all of it or nothing."""
        ...

    def load(self, arn: str) -> StoredExecution:
        """An execution as it stands.

        Raises:
            ServiceError: 404, if there is none.
        """
        ...

    def summaries(self) -> Sequence[ExecutionSummary]:
        """All executions, oldest first."""
        ...

    def record(self, arn: str) -> ExecutionRecord:
        """An execution's identity.

        Raises:
            ServiceError: 404, if there is no such execution.
        """
        ...

    def history(
        self, arn: str, start: int | None = None, count: int | None = None, *, backwards: bool = False
    ) -> Sequence[HistoryEvent]:
        """The events of an execution from number `start` on, at most `count`; all, if neither is given.

        Oldest first; `backwards`, newest first.

        Raises:
            ServiceError: 404, if there is no such execution.
        """
        ...

    def source(self, code_hash: str) -> bytes | None:
        """The code that was stored under its hash."""
        ...

    def change_code(self, arn: str, code_hash: str, source: bytes) -> None:
        """Let an execution go on with other code."""
        ...

    def close(self) -> None:
        """Release everything; a second call does nothing."""
        ...


def first_commit(stored: StoredExecution, now: datetime) -> Commit:
    """The commit that brings an execution into being."""
    changes = [Change(operation) for operation in stored.operations]
    return Commit(now, changes, {operation.id: operation for operation in stored.operations})


@attrs.define
class _Entry:
    record: ExecutionRecord
    operations: dict[str, Operation] = attrs.field(factory=dict[str, Operation])
    requests: dict[str, OperationUpdate] = attrs.field(factory=dict[str, OperationUpdate])
    heartbeats: dict[str, datetime] = attrs.field(factory=dict[str, datetime])
    events: list[HistoryEvent] = attrs.field(factory=list[HistoryEvent])
    sequence: int = 0


class MemoryStore:
    """Keeps executions until the process ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._sources: dict[str, bytes] = {}

    def create(self, stored: StoredExecution, now: datetime, source: bytes | None = None) -> None:
        record = stored.record
        with self._lock:
            self._entries[record.arn] = _Entry(record)
            if source is not None and record.code_hash is not None:
                self._sources[record.code_hash] = source
        self.write(record.arn, first_commit(stored, now))

    def write(self, arn: str, commit: Commit) -> None:
        with self._lock:
            entry = self._entries[arn]
            entry.operations.update(commit.operations)
            entry.heartbeats.update(commit.heartbeats)
            entry.sequence = commit.sequence
            for event in events_of(commit, len(entry.events) + 1):
                entry.events.append(event)
                if event.operation is not None and event.request is not None:
                    entry.requests[event.operation.id] = event.request

    def load(self, arn: str) -> StoredExecution:
        with self._lock:
            entry = self._find(arn)
            operations = tuple(entry.operations.values())
            return StoredExecution(
                entry.record,
                operations,
                entry.sequence,
                open_only(entry.requests, entry.operations),
                open_only(entry.heartbeats, entry.operations),
            )

    def summaries(self) -> Sequence[ExecutionSummary]:
        with self._lock:
            return [
                ExecutionSummary(entry.record, entry.operations[entry.record.operation_id])
                for entry in self._entries.values()
            ]

    def record(self, arn: str) -> ExecutionRecord:
        with self._lock:
            return self._find(arn).record

    def history(
        self, arn: str, start: int | None = None, count: int | None = None, *, backwards: bool = False
    ) -> Sequence[HistoryEvent]:
        with self._lock:
            events = self._find(arn).events  # number n is at n - 1
            if backwards:
                stop = len(events) if start is None else min(start, len(events))
                first = 0 if count is None else max(0, stop - count)
                return tuple(reversed(events[first:stop]))
            first = 0 if start is None else start - 1
            return tuple(events[first : None if count is None else first + count])

    def source(self, code_hash: str) -> bytes | None:
        with self._lock:
            return self._sources.get(code_hash)

    def change_code(self, arn: str, code_hash: str, source: bytes) -> None:
        with self._lock:
            entry = self._find(arn)
            entry.record = attrs.evolve(entry.record, code_hash=code_hash)
            self._sources[code_hash] = source

    def close(self) -> None:
        """There is nothing to release."""

    def _find(self, arn: str) -> _Entry:
        entry = self._entries.get(arn)
        if entry is None:
            raise not_found(f"There is no execution {arn}.")
        return entry


def open_only(by_id: Mapping[str, _T], operations: Mapping[str, Operation]) -> dict[str, _T]:
    """What belongs to operations that have no outcome yet."""
    return {key: value for key, value in by_id.items() if not operations[key].status.is_terminal}
