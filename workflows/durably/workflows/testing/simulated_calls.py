"""The service as one invocation after the other sees it: calls are watched, and go wrong when they are to."""

from collections.abc import Callable, Sequence
from typing import Any

from durably.actors.model import CheckpointResponse, Operation, OperationType, OperationUpdate, StatePage
from durably.actors.simulation import Choice, ChoiceKind, Scheduler
from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.events import invocation_event
from durably.workflows.local.memory import MemoryExecution
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.simulated_faults import (
    CALL_FAULTS,
    REFUSED,
    Strikes,
    error_of_call,
    lost_answer,
)
from durably.workflows.testing.simulated_invariants import InvocationPromises, RunPromises
from durably.workflows.testing.simulated_invocation import LiveInvocation

MOST_PAGE_SIZES = 8
WHOLE = 1000
"""In operations of a page."""
REST = "rest of the answer:"
"""How the marker begins of an answer that comes in pages."""


class Calls:
    """What a run's invocations are called with, and what they call."""

    def __init__(
        self, service: MemoryExecution, scheduler: Scheduler, strikes: Strikes, promises: RunPromises
    ) -> None:
        self.service = service
        self.promises = promises
        self.strikes = strikes
        self.page_size = WHOLE
        self._scheduler = scheduler
        self._armed: str | None = None

    def what_is_left(self) -> object:
        """A value: what the service knows, and what is remembered of the calls so far."""
        service, strikes, promises = self.service, self.strikes, self.promises
        pages = (*service.operations,) if strikes.may("split") else ()
        left = service.execution.what_is_left(), pages, service.clock.now()
        return left, strikes.what_is_left(), promises.what_is_left()

    def event(self) -> dict[str, Any]:
        """Begin an invocation, with as many operations in its event as the scheduler likes."""
        self._armed = None
        self.page_size = WHOLE
        count = len(self.service.operations)
        if count > 1:  # a choice even where nothing may go wrong: a schedule holds with fewer faults as well
            most = min(count, MOST_PAGE_SIZES + 1) if self.strikes.may("split") else 0
            usual = self._choice(ChoiceKind.CALL, "the service invokes", _nothing)
            self._scheduler.take([usual, *(self._paging(size) for size in range(1, most))])
        return invocation_event(self.service.arn, self.service.execution.begin(self.page_size))

    def client(self, promises: InvocationPromises, invocation: LiveInvocation) -> "SimulatedClient":
        """The service for one invocation."""
        return SimulatedClient(self, promises, invocation)

    def arm(self, fault: str) -> None:
        """The next call goes wrong."""
        self.strikes.strike(fault)
        self._armed = fault

    def fault(self, what: str, *, is_choice: bool, never: str = "") -> str | None:
        """What goes wrong with this call; unless it `is_choice`, that has been chosen before."""
        if is_choice:
            at_hand = [fault for fault in CALL_FAULTS if fault != never and self.strikes.may(fault)]
            usual = self._choice(ChoiceKind.CALL, f"the service handles {what}", _nothing)
            self._scheduler.take([usual, *(self._failing(fault, what) for fault in at_hand)])
        fault, self._armed = self._armed, None
        return fault

    def is_refusal(self, output: dict[str, Any]) -> bool:
        """Whether an execution came to the error of a call that was refused for good."""
        error: dict[str, Any] = output.get("Error") or {}
        return output["Status"] == "FAILED" and REFUSED in str(error.get("ErrorMessage"))

    def _paging(self, size: int) -> Choice:
        def happen() -> None:
            self.strikes.strike("split")
            self.page_size = size

        return self._choice(
            ChoiceKind.FAULT, f"the service invokes, with the state in pages of {size}", happen
        )

    def _failing(self, fault: str, what: str) -> Choice:
        words = CALL_FAULTS[fault].replace("the call", what)
        return self._choice(ChoiceKind.FAULT, words, lambda: self.arm(fault))

    def _choice(self, kind: ChoiceKind, name: str, happen: Callable[[], None]) -> Choice:
        return Choice(kind, name, "the service", happen)


class SimulatedClient:
    """What one invocation knows of the service."""

    def __init__(self, calls: Calls, promises: InvocationPromises, invocation: LiveInvocation) -> None:
        self._calls = calls
        self._promises = promises
        self._invocation = invocation
        self._rest: tuple[Operation, ...] = ()

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        """As `DurableServiceClient.checkpoint`."""
        calls = self._calls
        is_end = any(update.type is OperationType.EXECUTION for update in updates)
        fault = calls.fault("the end", is_choice=is_end)
        calls.service.execution.elapse()
        self._check(updates, token)
        refusal = error_of_call(fault or "")
        if refusal is not None:
            raise CheckpointError.from_exception(refusal)
        response = calls.service.checkpoint(execution_arn, token, updates)
        if fault == "lost":
            raise CheckpointError.from_exception(lost_answer())
        if fault == "withdrawn":
            self._invocation.is_withdrawn = True
            return CheckpointResponse(None, response.operations)
        self._promises.answered(response.token)
        if fault == "split" and len(response.operations) > 1:
            self._rest = response.operations[1:]
            return CheckpointResponse(response.token, response.operations[:1], REST)
        return response

    def _check(self, updates: Sequence[OperationUpdate], token: str) -> None:
        promises = self._calls.promises
        try:
            self._promises.call(updates, token)
            if not self._invocation.is_void():
                promises.updates(updates)
        except InvariantError as broken:
            promises.broken = broken  # to the library this is a failed call, of which it makes what it will
            raise

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        """As `DurableServiceClient.get_execution_state`."""
        calls = self._calls
        fault = calls.fault("the request of a page", is_choice=True, never="withdrawn")
        error = error_of_call(fault or "") or (lost_answer() if fault == "lost" else None)
        if error is not None:
            raise GetExecutionStateError.from_exception(error)
        if marker == REST:
            page, self._rest = self._rest[:1], self._rest[1:]
            return StatePage(page, REST if self._rest else "")
        try:
            return calls.service.execution.state(token, marker, min(max_items, calls.page_size))
        except ServiceError as refusal:
            raise GetExecutionStateError.from_exception(refusal) from refusal


def _nothing() -> None:
    pass
