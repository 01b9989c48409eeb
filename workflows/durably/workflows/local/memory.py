"""One execution in memory, without threads and without a driver: for tests, benchmarks, simulations.

You invoke the handler yourself, as often as you like, and say when time passes::

    service = MemoryExecution({"items": 3})
    output = invoke(handler, service.event(), None, service)   # {"Status": "PENDING"}
    service.advance()                                          # to the end of the wait
    output = invoke(handler, service.event(), None, service)   # {"Status": "SUCCEEDED", ...}
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationStatus,
    OperationUpdate,
    StatePage,
)
from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from durably.workflows.local.callbacks import parse_callback_id
from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.events import invocation_event
from durably.workflows.local.executions import Execution, function_not_found
from durably.workflows.local.records import ExecutionRecord, make_arn, new_execution


class MemoryExecution:
    """A `DurableServiceClient` for one execution of its own, on a clock that only you move.

    Attributes:
        execution: the execution itself, with all that the service can do to it.
        calls: how many checkpoints and pages were asked for so far.
        updates: every update of an accepted checkpoint, in order; empty if `record_updates` is off.
    """

    def __init__(
        self,
        event: Any = None,
        *,
        name: str = "execution",
        clock: SkippingClock | None = None,
        page_size: int = 1000,
        record_updates: bool = True,
        functions: Collection[str] | None = None,
        unique: str | None = None,
    ) -> None:
        """Start an execution with the JSON value `event` as its input.

        Its ARN ends with `unique`, by default a random one.
        It may invoke `functions`, by default whatever it names; their outcome is yours to give.
        """
        self.clock = clock or SkippingClock()
        record = ExecutionRecord(make_arn("handler", name, unique), name, "handler")
        stored = new_execution(record, json.dumps(event), self.clock.now())

        def preflight(function: str) -> ErrorObject | None:
            return None if functions is None or function in functions else function_not_found(function)

        self.execution = Execution(stored, self.clock, preflight=preflight)
        self.arn = self.execution.arn
        self.calls = 0
        self.updates: list[OperationUpdate] = []
        self._page_size = page_size
        self._record_updates = record_updates

    @property
    def operations(self) -> Mapping[str, Operation]:
        """All operations by id, the EXECUTION operation among them, in order of their creation."""
        return self.execution.operations

    def event(self) -> dict[str, Any]:
        """Begin an invocation, which ends the one before, and return its event."""
        return invocation_event(self.arn, self.execution.begin(self._page_size))

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        """As `DurableServiceClient.checkpoint`."""
        self.calls += 1
        try:
            response = self.execution.checkpoint(token, updates)
        except ServiceError as refusal:
            raise CheckpointError.from_exception(refusal) from refusal
        if self._record_updates:
            self.updates.extend(updates)
        return response

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        """As `DurableServiceClient.get_execution_state`."""
        self.calls += 1
        try:
            return self.execution.state(token, marker, max_items)
        except ServiceError as refusal:
            raise GetExecutionStateError.from_exception(refusal) from refusal

    def advance(self, seconds: float | None = None) -> bool:
        """Move the clock by `seconds`, by default to whatever is due next.

        Returns:
            Whether anything has changed: a wait over, a retry READY, a callback timed out.
        """
        if seconds is not None:
            self.clock.advance(seconds)
        else:
            due = self.execution.next_due()
            if due is None:
                return False
            self.clock.advance_to(due)
        return self.execution.elapse()

    def complete_callback(
        self, callback_id: str, result: str | None = None, error: ErrorObject | None = None
    ) -> None:
        """Let a callback succeed with `result`, or fail with `error` if there is one."""
        _, operation_id = parse_callback_id(callback_id)
        status = OperationStatus.SUCCEEDED if error is None else OperationStatus.FAILED
        self.execution.settle(operation_id, status, result, error)

    def heartbeat_callback(self, callback_id: str) -> None:
        """Put off a callback's heartbeat timeout."""
        self.execution.heartbeat(parse_callback_id(callback_id)[1])

    def complete_invoke(
        self, operation_id: str, result: str | None = None, error: ErrorObject | None = None
    ) -> None:
        """Let a chained invoke succeed with `result`, or fail with `error` if there is one."""
        status = OperationStatus.SUCCEEDED if error is None else OperationStatus.FAILED
        self.execution.settle(operation_id, status, result, error)
