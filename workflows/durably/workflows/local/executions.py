"""One execution as the service holds it: its operations, its token, what is due and what is news.

Every change passes through `_commit`: first into the store, then into memory. So what a caller has
been told is durable, and a store that fails leaves the execution as it was. No method costs more than
what it changes or returns, whatever the length of the history.

An execution is used by several threads: the invocation that checkpoints, whoever completes a
callback, and the driver. Its lock makes each call atomic.
"""

import base64
import functools
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

import attrs

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.local import callbacks, rules
from durably.workflows.local.clock import Clock
from durably.workflows.local.deadlines import Deadlines
from durably.workflows.local.errors import INVALID_TOKEN, invalid
from durably.workflows.local.records import Commit, InvocationRecord, StoredExecution
from durably.workflows.local.rules import Change
from durably.workflows.local.transitions import Scope

MAX_PAGE_BYTES = 4 * 1024 * 1024
"""What the operations of one page may weigh: an invocation event is limited to 6 MB."""

_STARTED = OperationStatus.STARTED


class Journal(Protocol):
    """Where an execution's commits go before they count."""

    def write(self, arn: str, commit: Commit) -> None:
        """Make `commit` durable, all of it or nothing."""
        ...


Observer = Callable[[str, Mapping[str, Operation]], None]
"""Told an ARN and what has changed in that execution, as soon as it is durable; of one that is read from
the store, first all of it. It is called while the execution is locked, so it must return at once."""


@attrs.frozen(slots=True)
class Invocation:
    """What a new invocation of the handler is given."""

    token: str
    operations: tuple[Operation, ...]
    next_marker: str
    updated_operation_ids: tuple[str, ...]


def function_not_found(name: str) -> ErrorObject:
    """The error of a chained invoke of a function that is not there."""
    return ErrorObject(f"Function not found: {name}.", "ResourceNotFoundException")


class Execution:
    """An execution, from its input to its result."""

    def __init__(
        self,
        stored: StoredExecution,
        clock: Clock,
        journal: Journal | None = None,
        preflight: Callable[[str], ErrorObject | None] = function_not_found,
        observer: Observer | None = None,
    ) -> None:
        self.record = stored.record
        self.arn = stored.record.arn
        self.operations: dict[str, Operation] = {}
        self.requests: dict[str, OperationUpdate] = dict(stored.requests)
        self._heartbeats: dict[str, datetime] = dict(stored.heartbeats)
        self._deadlines = Deadlines(
            self.operations, self.requests, self._heartbeats, stored.record.timeout_seconds
        )
        self._id = stored.record.operation_id
        self._clock = clock
        self._journal = journal
        self._observer = observer
        callback_id = functools.partial(callbacks.callback_id, self.arn)
        self._scope = Scope(callback_id, preflight, stored.record.parent_arn is not None)
        self._lock = threading.RLock()
        self._order: list[str] = []
        self._unseen: dict[str, None] = {}
        self._pending = 0
        self._sequence = stored.sequence
        self._invocation = ""
        self._token: str | None = None
        self._withdrawn = False
        self._last: tuple[str, str, CheckpointResponse] | None = None
        self._merge({operation.id: operation for operation in stored.operations})
        self._unseen.clear()

    # What it looks like

    @property
    def summary(self) -> Operation:
        """The EXECUTION operation: input, status (STARTED while it goes on), result, error, times."""
        return self.operations[self._id]

    @property
    def is_finished(self) -> bool:
        """Whether it has come to its end: it takes no more checkpoints and is invoked no more."""
        return self.summary.status.is_terminal

    @property
    def has_pending(self) -> bool:
        """Whether something outside the handler will change one of its operations."""
        return self._pending > 0

    @property
    def has_news(self) -> bool:
        """Whether operations have changed that no event and no response has carried yet."""
        return bool(self._unseen)

    @property
    def is_withdrawn(self) -> bool:
        """Whether its invocation was told to end before it was done; see `withdraw`."""
        return self._withdrawn

    def snapshot(self) -> list[Operation]:
        """All operations as they stand, the EXECUTION operation first, in order of their creation."""
        with self._lock:
            return list(self.operations.values())

    def what_is_left(self) -> object:
        """A value, equal for two executions that go on alike after an invocation: tokens are not in it.

        Nor is the order of operations: it only says which page has which.
        """
        with self._lock:
            operations = frozenset(map(repr, self.operations.values()))
            return operations, repr(self.requests), repr(self._heartbeats), (*self._unseen,), self._withdrawn

    # What an invocation does

    def begin(self, max_operations: int = 1000) -> Invocation:
        """Begin an invocation: every token given before is void from here on.

        Raises:
            ServiceError: 400, if the execution is finished.
        """
        with self._lock:
            if self.is_finished:
                raise invalid("The execution is finished: it cannot be invoked again.")
            self.elapse()
            self._invocation = uuid.uuid4().hex
            self._last = None
            token = self._next_token()
            operations, marker = self._page(0, max_operations)
            updated = tuple(self._unseen)
            self._unseen.clear()
            return Invocation(token, operations, marker, updated)

    def checkpoint(
        self, token: str, updates: Sequence[OperationUpdate], client_token: str | None = None
    ) -> CheckpointResponse:
        """Apply `updates`, all or none, and answer with what has changed since the last answer.

        The same call made again (same `client_token` and `token`) gets the same answer and changes
        nothing. What is due by now is part of the answer.

        Raises:
            ServiceError: 400, for an old token or an update that is not allowed.
        """
        with self._lock:
            last = self._last
            if last is not None and client_token is not None and last[:2] == (client_token, token):
                return last[2]
            self.elapse()
            if token != self._token:
                raise invalid(INVALID_TOKEN)
            if updates:
                now = self._clock.now()
                batch = rules.apply(self.operations, updates, now, self._scope)
                if batch.end is None:
                    self._commit(batch.changes, batch.operations, now)
                else:
                    self._finish_with(batch, batch.end, now)
            operations = tuple([self.operations[operation_id] for operation_id in self._unseen])
            self._unseen.clear()
            if self._withdrawn:
                self._token = None
                return CheckpointResponse(None, operations)
            following = self._next_token()
            if self.is_finished:
                self._token = None
            response = CheckpointResponse(following, operations)
            if client_token is not None:
                self._last = (client_token, token, response)
            return response

    def state(self, token: str, marker: str = "", max_items: int = 1000) -> StatePage:
        """One page of the operations, beginning at `marker`.

        Raises:
            ServiceError: 400, for an old token or a marker that no answer has named.
        """
        with self._lock:
            if token != self._token:
                raise invalid(INVALID_TOKEN)
            if marker and not (marker.isascii() and marker.isdigit() and int(marker) <= len(self._order)):
                raise invalid("Invalid marker.")
            operations, following = self._page(int(marker or 0), max(1, min(max_items, 1000)))
            return StatePage(operations, following)

    def withdraw(self) -> None:
        """Answer the next checkpoint without a token: its updates count, and nothing after them."""
        with self._lock:
            self._withdrawn = True

    def end_invocation(self, invocation: InvocationRecord) -> None:
        """Note that an invocation has ended; its token is void."""
        with self._lock:
            self._token = None
            self._commit((), {}, self._clock.now(), invocation=invocation)

    # What time and the outside world do

    def next_due(self, *, timeouts: bool = True) -> datetime | None:
        """When time will next change something, or `None` if it never will.

        Without `timeouts` only waits and retries count, not what should happen in time but may not.
        """
        with self._lock:
            return self._deadlines.next(timeouts=timeouts)

    def elapse(self) -> bool:
        """Do what is due by now: waits end, retries become READY, callbacks and the execution time out.

        Returns:
            Whether anything changed.
        """
        with self._lock:
            if not self._deadlines:
                return False
            now = self._clock.now()
            changed = self._deadlines.pass_by(now)
            if changed:
                try:
                    self._commit([Change(operation) for operation in changed.values()], changed, now)
                except BaseException:
                    for operation_id in changed:  # they are still due
                        self._deadlines.arm(self.operations[operation_id])
                    raise
            return bool(changed)

    def settle(
        self,
        operation_id: str,
        status: OperationStatus,
        result: str | None = None,
        error: ErrorObject | None = None,
    ) -> None:
        """Give a callback or a chained invoke its outcome.

        Raises:
            ServiceError: 400, if it has one, or the execution is finished.
        """
        with self._lock:
            self.elapse()
            operation = self._open(operation_id)
            now = self._clock.now()
            settled = rules.settle(operation, status, now, result, error)
            self._commit([Change(settled)], {operation_id: settled}, now)

    def heartbeat(self, operation_id: str) -> None:
        """Put off the heartbeat timeout of a callback.

        Raises:
            ServiceError: 400, if the callback has its outcome, or the execution is finished.
        """
        with self._lock:
            self.elapse()
            operation = self._open(operation_id)
            if operation.status is not _STARTED:
                raise invalid(f"The callback is {operation.status.value} already.")
            now = self._clock.now()
            self._commit((), {}, now, heartbeats={operation_id: now})
            self._deadlines.arm(operation)

    def finish(
        self, status: OperationStatus, result: str | None = None, error: ErrorObject | None = None
    ) -> None:
        """Bring the execution to its end; one that is finished stays as it is."""
        with self._lock:
            if not self.is_finished:
                now = self._clock.now()
                finished = rules.settle(self.summary, status, now, result, error)
                self._commit([Change(finished)], {self._id: finished}, now)

    # How it does it

    def _open(self, operation_id: str) -> Operation:
        if self.is_finished:
            raise invalid(f"The execution is {self.summary.status.value} already.")
        operation = self.operations.get(operation_id)
        if operation is None or not (
            operation.type is OperationType.CALLBACK or operation.type is OperationType.CHAINED_INVOKE
        ):
            raise invalid("No such callback.")
        return operation

    def _finish_with(self, batch: rules.Batch, end: OperationUpdate, now: datetime) -> None:
        status = (
            OperationStatus.SUCCEEDED if end.action is OperationAction.SUCCEED else OperationStatus.FAILED
        )
        finished = rules.settle(self.summary, status, now, end.payload, end.error)
        self._commit([*batch.changes, Change(finished, end)], {**batch.operations, self._id: finished}, now)

    def _commit(
        self,
        changes: Sequence[Change],
        operations: Mapping[str, Operation],
        now: datetime,
        heartbeats: Mapping[str, datetime] | None = None,
        invocation: InvocationRecord | None = None,
    ) -> None:
        if self._journal is not None:
            commit = Commit(now, changes, operations, self._sequence, heartbeats or {}, invocation)
            self._journal.write(self.arn, commit)
        for change in changes:
            update = change.update
            if update is not None and (
                update.type is OperationType.CALLBACK or update.type is OperationType.CHAINED_INVOKE
            ):
                self.requests[update.id] = update
        if heartbeats:
            self._heartbeats.update(heartbeats)
        self._merge(operations)

    def _merge(self, operations: Mapping[str, Operation]) -> None:
        mine, order, unseen = self.operations, self._order, self._unseen
        for operation_id, operation in operations.items():
            before = mine.get(operation_id)
            if before is None:
                order.append(operation_id)
            elif rules.is_pending(before):
                self._pending -= 1
            mine[operation_id] = operation
            unseen[operation_id] = None
            if rules.is_pending(operation):
                self._pending += 1
                self._deadlines.arm(operation)
            elif operation.type is OperationType.EXECUTION:
                unseen.pop(operation_id)  # the service tells nobody about the execution itself
                if operation.status.is_terminal:
                    self._token = None
                    self._deadlines.clear()
                else:
                    self._deadlines.arm(operation)
            elif operation_id in self.requests and operation.status.is_terminal:
                del self.requests[operation_id]
                self._heartbeats.pop(operation_id, None)
        if self._observer is not None and operations:
            self._observer(self.arn, operations)

    def _next_token(self) -> str:
        self._sequence += 1
        text = f"{self._id}:{self._invocation}:{self._sequence}"
        self._token = base64.b64encode(text.encode()).decode()
        return self._token

    def _page(self, start: int, max_items: int) -> tuple[tuple[Operation, ...], str]:
        page: list[Operation] = []
        weight = 0
        for operation_id in self._order[start : start + max_items]:
            operation = self.operations[operation_id]
            weight += 500 + len(operation.result or "") + len(operation.input_payload or "")
            if page and weight > MAX_PAGE_BYTES:
                break
            page.append(operation)
        following = start + len(page)
        return tuple(page), str(following) if following < len(self._order) else ""
