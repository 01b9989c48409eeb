"""The rules of the durable execution service: what an update does to an operation.

`apply` is a pure function of the operations as they stand and a batch of updates. It returns what
changes and touches nothing, so a batch that is refused half-way leaves no trace, and whoever calls
it can make the change durable before making it visible. Its cost depends on the batch alone.

The messages are those of AWS's emulator, since users search the web for them. Of several faults in
one batch the first update's is reported.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.local import transitions, validation
from durably.workflows.local.errors import invalid
from durably.workflows.local.transitions import Scope

_START, _SUCCEED, _FAIL = OperationAction.START, OperationAction.SUCCEED, OperationAction.FAIL
_RETRY, _CANCEL = OperationAction.RETRY, OperationAction.CANCEL
_STARTED, _PENDING, _READY = OperationStatus.STARTED, OperationStatus.PENDING, OperationStatus.READY
_SUCCEEDED, _FAILED = OperationStatus.SUCCEEDED, OperationStatus.FAILED
_STEP, _CONTEXT, _WAIT = OperationType.STEP, OperationType.CONTEXT, OperationType.WAIT
_CALLBACK, _INVOKE = OperationType.CALLBACK, OperationType.CHAINED_INVOKE
_EXECUTION = OperationType.EXECUTION

_DUPLICATE = "Cannot checkpoint multiple operations with the same ID."


@attrs.frozen(slots=True)
class Change:
    """An operation as it is after a change, and the update that asked for it.

    `update` is `None` where the service itself made the change: a wait that ended, a callback.
    """

    operation: Operation
    update: OperationUpdate | None = None


@attrs.frozen(slots=True)
class Batch:
    """What a batch of updates changes: nothing has happened yet.

    `changes` has one entry for each update, in order; `operations` the outcome by id; `end` the
    EXECUTION update, if there was one: it asks for the end of the execution.
    """

    changes: list[Change]
    operations: dict[str, Operation]
    end: OperationUpdate | None = None


def apply(
    operations: Mapping[str, Operation], updates: Sequence[OperationUpdate], now: datetime, scope: Scope
) -> Batch:
    """Work out what `updates` do, in order.

    Raises:
        ServiceError: 400, for the first update that is not allowed; then none of them counts.
    """
    end = _execution_update(updates, scope) if updates else None
    staged: dict[str, Operation] = {}
    changes: list[Change] = []
    opened: set[str] = set()  # contexts that start in this batch: parents from here on
    may_follow: set[str] = set()  # ids that start in this batch, which one more update may name
    for update in updates:
        if update is end:
            break
        operation_id = update.id
        kind = update.type
        if operation_id in staged:
            if operation_id not in may_follow or update.action is _START:
                raise invalid(_DUPLICATE)
            may_follow.discard(operation_id)
            current: Operation | None = staged[operation_id]
        else:
            current = operations.get(operation_id)
            if update.action is _START and (kind is _STEP or kind is _CONTEXT):
                may_follow.add(operation_id)
        parent_id = update.parent_id
        if parent_id is not None:
            parent = operations.get(parent_id)
            if parent_id not in opened and (parent is None or parent.type is not _CONTEXT):
                raise invalid("Invalid parent operation id.")
        if current is None:
            validation.check_identity(update)
        else:
            _check_same(current, update)
        if update.error is not None:
            validation.check_error(update.error)
        if update.payload is not None:
            validation.check_payload(update.payload)
        if kind is _STEP:
            operation = transitions.step(current, update, now)
        elif kind is _CONTEXT:
            operation = transitions.context(current, update, now)
        elif kind is _WAIT:
            operation = transitions.wait(current, update, now)
        elif kind is _CALLBACK:
            operation = transitions.callback(current, update, now, scope)
        else:
            operation = transitions.chained_invoke(current, update, now, scope)
        staged[operation_id] = operation
        if kind is _CONTEXT and operation.status is _STARTED:
            opened.add(operation_id)
        changes.append(Change(operation, update))
    return Batch(changes, staged, end)


def _execution_update(updates: Sequence[OperationUpdate], scope: Scope) -> OperationUpdate | None:
    """The EXECUTION update of a batch, which is at most one, its last."""
    found = [update for update in updates if update.type is _EXECUTION]
    if not found:
        return None
    if len(found) > 1:
        raise invalid("Cannot checkpoint multiple EXECUTION updates.")
    update = found[0]
    if updates[-1] is not update:
        raise invalid("EXECUTION checkpoint must be the last update.")
    if update.action is not _SUCCEED and update.action is not _FAIL:
        raise invalid(transitions.WRONG_ACTION)
    transitions.check_outcome(update)
    if update.error is not None:
        validation.check_error(update.error)
    if update.payload is not None:
        validation.check_payload(update.payload)
        if scope.is_child and validation.exceeds(update.payload, validation.MAX_INVOKE_PAYLOAD_BYTES):
            raise invalid(
                "Execution output payload size must be less than or equal to "
                f"{validation.MAX_INVOKE_PAYLOAD_BYTES} bytes."
            )
    return update


def _check_same(current: Operation, update: OperationUpdate) -> None:
    """An operation keeps its type, subtype, name and parent; an update may leave the last three out."""
    if update.type is not current.type:
        raise invalid("Inconsistent operation type.")
    if update.sub_type is not None and update.sub_type != current.sub_type:
        raise invalid("Inconsistent operation subtype.")
    if update.name is not None and update.name != current.name:
        raise invalid("Inconsistent operation name.")
    if update.parent_id is not None and update.parent_id != current.parent_id:
        raise invalid("Inconsistent parent operation id.")


def elapsed(operation: Operation, now: datetime) -> Operation:
    """The operation after its time has come: a wait is over, a PENDING step is READY."""
    if operation.type is _WAIT:
        return transitions.moved(operation, _SUCCEEDED, now)
    return transitions.moved(operation, _READY)


def is_pending(operation: Operation) -> bool:
    """Whether something outside the handler will change the operation: a reason to answer PENDING."""
    kind = operation.type
    if kind is _STEP:
        return operation.status is _PENDING
    return operation.status is _STARTED and (kind is _WAIT or kind is _CALLBACK or kind is _INVOKE)


def settle(
    operation: Operation,
    status: OperationStatus,
    now: datetime,
    result: str | None = None,
    error: ErrorObject | None = None,
) -> Operation:
    """A callback or an invoke after its outcome has come in from outside.

    Raises:
        ServiceError: 400, if it already has an outcome.
    """
    if operation.status is not _STARTED:
        raise invalid(
            f"The {operation.type.value} is {operation.status.value} already: it takes no second outcome."
        )
    return attrs.evolve(operation, status=status, ended_at=now, result=result, error=error)
