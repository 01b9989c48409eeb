"""What happened in an execution, event by event, as GetDurableExecutionHistory tells it."""

from collections.abc import Iterator
from datetime import datetime

import attrs

from durably.actors.model import (
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.local.records import Commit, InvocationRecord

_SUBJECTS = {
    OperationType.EXECUTION: "Execution",
    OperationType.CONTEXT: "Context",
    OperationType.STEP: "Step",
    OperationType.WAIT: "Wait",
    OperationType.CALLBACK: "Callback",
    OperationType.CHAINED_INVOKE: "ChainedInvoke",
}
_VERBS = {
    OperationStatus.STARTED: "Started",
    OperationStatus.SUCCEEDED: "Succeeded",
    OperationStatus.FAILED: "Failed",
    OperationStatus.CANCELLED: "Cancelled",
    OperationStatus.TIMED_OUT: "TimedOut",
    OperationStatus.STOPPED: "Stopped",
}
_REQUESTED = (OperationType.CALLBACK, OperationType.CHAINED_INVOKE)


@attrs.frozen(slots=True)
class HistoryEvent:
    """One thing that happened.

    `type` is the Lambda API's name for it, such as `StepStarted`. `operation` is the operation as it
    was just after; `request` the START of a callback or chained invoke, for its options. Of an
    `InvocationCompleted` there is an `invocation` and no operation.
    """

    id: int
    type: str
    at: datetime
    operation: Operation | None = None
    request: OperationUpdate | None = None
    invocation: InvocationRecord | None = None


def event_type(operation: Operation) -> str | None:
    """What reaching its present state is called, or `None` if it is no event (a step becoming READY).

    An attempt that is to be retried has failed, or succeeded if it left a state rather than an error.
    """
    if operation.status is OperationStatus.READY:
        return None
    if operation.status is OperationStatus.PENDING:
        return "StepSucceeded" if operation.error is None else "StepFailed"
    return _SUBJECTS[operation.type] + _VERBS[operation.status]


def _is_refused(operation: Operation, request: OperationUpdate) -> bool:
    """Whether this is an invoke of a function that there is not: begun and over at once."""
    return (
        operation.type is OperationType.CHAINED_INVOKE
        and request.action is OperationAction.START
        and operation.status is OperationStatus.FAILED
    )


def events_of(commit: Commit, first_id: int) -> Iterator[HistoryEvent]:
    """The events of a commit, numbered from `first_id`."""
    number, at = first_id, commit.at
    for change in commit.changes:
        operation, request = change.operation, change.update
        if request is not None and _is_refused(operation, request):
            # It was asked for before it failed; what it was to be given was never kept.
            begun = attrs.evolve(operation, status=OperationStatus.STARTED, ended_at=None, error=None)
            asked = attrs.evolve(request, payload=None)
            yield HistoryEvent(number, "ChainedInvokeStarted", at, begun, asked)
            number += 1
        name = event_type(operation)
        if name is not None:
            keeps = operation.status is OperationStatus.STARTED and operation.type in _REQUESTED
            yield HistoryEvent(number, name, at, operation, request if keeps else None)
            number += 1
    if commit.invocation is not None:
        yield HistoryEvent(number, "InvocationCompleted", at, invocation=commit.invocation)
