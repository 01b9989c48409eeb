"""What time will do to an execution: waits end, retries become READY, callbacks and it itself time out.

Deadlines stand in heaps. An operation that moves on leaves its entry behind, which is found to be
stale when it comes to the top; so a change costs nothing but the new entry.
"""

import heapq
from collections.abc import Mapping
from datetime import datetime, timedelta

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType, OperationUpdate
from durably.workflows.local import callbacks, rules

_STARTED = OperationStatus.STARTED


class Deadlines:
    """The deadlines of one execution, whose operations, requests and heartbeats it looks at."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        requests: Mapping[str, OperationUpdate],
        heartbeats: Mapping[str, datetime],
        timeout_seconds: int | None,
    ) -> None:
        self._operations = operations
        self._requests = requests
        self._heartbeats = heartbeats
        self._timeout_seconds = timeout_seconds
        self._due: list[tuple[datetime, str]] = []  # waits and retries
        self._timeouts: list[tuple[datetime, str]] = []

    def __bool__(self) -> bool:
        return bool(self._due or self._timeouts)

    def arm(self, operation: Operation) -> None:
        """Note the deadline that an operation has now, if it has one."""
        when = self._deadline(operation)
        if when is not None:
            waits = operation.type is OperationType.WAIT or operation.type is OperationType.STEP
            heapq.heappush(self._due if waits else self._timeouts, (when, operation.id))

    def clear(self) -> None:
        """Forget all of them: the execution has ended."""
        self._due.clear()
        self._timeouts.clear()

    def next(self, *, timeouts: bool) -> datetime | None:
        """The next deadline; without `timeouts` the next end of a wait or a retry delay."""
        heaps = (self._due, self._timeouts) if timeouts else (self._due,)
        for heap in heaps:
            while heap and not self._is_current(*heap[0]):
                heapq.heappop(heap)
        return min((heap[0][0] for heap in heaps if heap), default=None)

    def pass_by(self, now: datetime) -> dict[str, Operation]:
        """Take out all deadlines up to `now`; returns the operations as these make them, by id."""
        changed: dict[str, Operation] = {}
        for heap in (self._due, self._timeouts):
            while heap and heap[0][0] <= now:
                entry = heapq.heappop(heap)
                if self._is_current(*entry):
                    changed[entry[1]] = self._after(self._operations[entry[1]], now)
        return changed

    def _is_current(self, when: datetime, operation_id: str) -> bool:
        return self._deadline(self._operations[operation_id]) == when

    def _deadline(self, operation: Operation) -> datetime | None:
        kind = operation.type
        if operation.status is OperationStatus.PENDING:
            return operation.next_attempt_at
        if operation.status is not _STARTED or operation.started_at is None:
            return None
        if kind is OperationType.WAIT:
            return operation.ends_at
        if kind is OperationType.CALLBACK:
            timeouts = self._callback_timeouts(operation)
            return timeouts[0][0] if timeouts else None
        if kind is OperationType.EXECUTION and self._timeout_seconds is not None:
            return operation.started_at + timedelta(seconds=self._timeout_seconds)
        return None

    def _after(self, operation: Operation, now: datetime) -> Operation:
        """An operation after its deadline."""
        if operation.type is OperationType.EXECUTION:
            message = f"Execution timed out after {self._timeout_seconds} seconds."
            error = ErrorObject(message, "Execution.Timeout")
        elif operation.type is OperationType.CALLBACK:
            error = self._callback_timeouts(operation)[0][1]
        else:
            return rules.elapsed(operation, now)
        return rules.settle(operation, OperationStatus.TIMED_OUT, now, error=error)

    def _callback_timeouts(self, operation: Operation) -> list[tuple[datetime, ErrorObject]]:
        return callbacks.timeouts(
            operation, self._requests.get(operation.id), self._heartbeats.get(operation.id)
        )
