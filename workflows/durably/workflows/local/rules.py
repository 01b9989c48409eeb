"""The rules of the durable execution service: what an update does to an operation.

`apply` is a pure function of the operations as they stand and a batch of updates. It returns what
changes and touches nothing, so a batch that is refused half-way leaves no trace, and whoever calls
it can make the change durable before making it visible. Its cost depends on the batch alone.

The messages are those of AWS's emulator, since users search the web for them. Of several faults in
one batch the first update's is reported.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.local import validation
from durably.workflows.local.errors import ServiceError, invalid

_START, _SUCCEED, _FAIL = OperationAction.START, OperationAction.SUCCEED, OperationAction.FAIL
_RETRY, _CANCEL = OperationAction.RETRY, OperationAction.CANCEL
_STARTED, _PENDING, _READY = OperationStatus.STARTED, OperationStatus.PENDING, OperationStatus.READY
_SUCCEEDED, _FAILED = OperationStatus.SUCCEEDED, OperationStatus.FAILED
_STEP, _CONTEXT, _WAIT = OperationType.STEP, OperationType.CONTEXT, OperationType.WAIT
_CALLBACK, _INVOKE = OperationType.CALLBACK, OperationType.CHAINED_INVOKE
_EXECUTION = OperationType.EXECUTION

_WRONG_ACTION = "Invalid action for the given operation type."
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


@attrs.frozen(slots=True)
class Scope:
    """What the rules need to know beyond the operations.

    `callback_id` makes the id of the callback that an operation is; `preflight` names the error of an
    invoke whose function (by bare name) cannot be invoked, or `None`.
    """

    callback_id: Callable[[str], str]
    preflight: Callable[[str], ErrorObject | None]
    is_child: bool = False


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
    may_follow: set[str] = set()  # ids that started in this batch, which one more update may name
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
            parent = staged.get(parent_id) or operations.get(parent_id)
            if parent is None or parent.type is not _CONTEXT:
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
            operation = _step(current, update, now)
        elif kind is _CONTEXT:
            operation = _context(current, update, now)
        elif kind is _WAIT:
            operation = _wait(current, update, now)
        elif kind is _CALLBACK:
            operation = _callback(current, update, now, scope)
        else:
            operation = _chained_invoke(current, update, now, scope)
        staged[operation_id] = operation
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
        raise invalid(_WRONG_ACTION)
    _check_outcome(update)
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


def _check_outcome(update: OperationUpdate) -> None:
    """SUCCEED brings a payload, FAIL an error; neither brings the other's."""
    if update.action is _SUCCEED:
        if update.error is not None:
            raise invalid("Cannot provide an Error for SUCCEED action.")
    elif update.payload is not None:
        raise invalid("Cannot provide a Payload for FAIL action.")


def _new(
    update: OperationUpdate,
    status: OperationStatus,
    now: datetime,
    ended_at: datetime | None = None,
    error: ErrorObject | None = None,
    ends_at: datetime | None = None,
    callback_id: str | None = None,
) -> Operation:
    """A new operation (positional arguments: this is the hottest line of the service)."""
    return Operation(
        update.id,
        update.type,
        status,
        update.sub_type,
        update.name,
        update.parent_id,
        now,
        ended_at,
        None,
        error,
        0,
        None,
        ends_at,
        False,
        callback_id,
    )


def _changed(
    current: Operation | None,
    update: OperationUpdate,
    status: OperationStatus,
    now: datetime,
    attempt: int = 0,
    next_attempt_at: datetime | None = None,
) -> Operation:
    """The operation after an update that brings a payload or an error; it may be its first."""
    named = update if current is None else current
    return Operation(
        update.id,
        update.type,
        status,
        named.sub_type,
        named.name,
        named.parent_id,
        now if current is None else current.started_at,
        now if status.is_terminal else None,
        update.payload,
        update.error,
        attempt,
        next_attempt_at,
        None,
        bool(update.replay_children),
    )


def _moved(current: Operation, status: OperationStatus, ended_at: datetime | None = None) -> Operation:
    """The operation in another status, all else kept (`attrs.evolve` takes ten times as long)."""
    return Operation(
        current.id,
        current.type,
        status,
        current.sub_type,
        current.name,
        current.parent_id,
        current.started_at,
        ended_at,
        current.result,
        current.error,
        current.attempt,
        None,
        current.ends_at,
        current.replay_children,
        current.callback_id,
    )


def _step(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    action = update.action
    if action is _START:
        if current is None:
            return _new(update, _STARTED, now)
        if current.status is not _READY:
            raise invalid("Invalid current STEP state to start.")
        # The last attempt's payload stays: it is a condition's state, which an attempt that is
        # interrupted needs again.
        return _moved(current, _STARTED)
    attempt = 1 if current is None else current.attempt + 1
    open_ = current is None or current.status is _STARTED or current.status is _READY
    if action is _SUCCEED or action is _FAIL:
        if not open_:
            raise invalid("Invalid current STEP state to close.")
        _check_outcome(update)
        return _changed(current, update, _SUCCEEDED if action is _SUCCEED else _FAILED, now, attempt)
    if action is not _RETRY:
        raise invalid(_WRONG_ACTION)
    if not open_:
        raise invalid("Invalid current STEP state to re-attempt.")
    delay = update.next_attempt_delay_seconds
    if delay is None:
        raise invalid("Invalid StepOptions for the given action.")
    if update.error is not None and update.payload is not None:
        raise invalid("Cannot provide both error and payload to RETRY a STEP.")
    validation.check_seconds("NextAttemptDelaySeconds", delay, 1, validation.MAX_SECONDS)
    return _changed(current, update, _PENDING, now, attempt, now + timedelta(seconds=delay))


def _context(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    action = update.action
    if action is _START:
        if current is not None:
            raise invalid("Cannot start a CONTEXT that already exist.")
        return _new(update, _STARTED, now)
    if action is not _SUCCEED and action is not _FAIL:
        raise invalid(_WRONG_ACTION)
    if current is not None and current.status is not _STARTED:
        raise invalid("Invalid current CONTEXT state to close.")
    _check_outcome(update)
    return _changed(current, update, _SUCCEEDED if action is _SUCCEED else _FAILED, now)


def _wait(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    if update.action is _START:
        if current is not None:
            raise invalid("Cannot start a WAIT that already exist.")
        seconds = update.wait_seconds
        if seconds is None:
            raise invalid("Invalid WaitOptions for the given action.")
        validation.check_seconds("WaitSeconds", seconds, 1, validation.MAX_SECONDS)
        return _new(update, _STARTED, now, ends_at=now + timedelta(seconds=seconds))
    if update.action is not _CANCEL:
        raise invalid(_WRONG_ACTION)
    if current is None or current.status is not _STARTED:
        raise invalid("Cannot cancel a WAIT that does not exist or has already completed.")
    return _moved(current, OperationStatus.CANCELLED, now)


def _callback(current: Operation | None, update: OperationUpdate, now: datetime, scope: Scope) -> Operation:
    if update.action is not _START:
        raise invalid(_WRONG_ACTION)
    if current is not None:
        raise invalid("Cannot start a CALLBACK that already exist.")
    most = validation.MAX_CALLBACK_SECONDS
    validation.check_seconds("TimeoutSeconds", update.timeout_seconds or 0, 0, most)
    validation.check_seconds("HeartbeatTimeoutSeconds", update.heartbeat_timeout_seconds or 0, 0, most)
    return _new(update, _STARTED, now, callback_id=scope.callback_id(update.id))


def _chained_invoke(
    current: Operation | None, update: OperationUpdate, now: datetime, scope: Scope
) -> Operation:
    if update.action is not _START:
        raise invalid(_WRONG_ACTION)
    if current is not None:
        raise invalid("Cannot start a CHAINED_INVOKE operation that already exists.")
    error = scope.preflight(validation.check_invoke(update))
    if error is not None:
        return _new(update, _FAILED, now, ended_at=now, error=error)
    return _new(update, _STARTED, now)


def elapsed(operation: Operation, now: datetime) -> Operation:
    """The operation after its time has come: a wait is over, a PENDING step is READY."""
    if operation.type is _WAIT:
        return _moved(operation, _SUCCEEDED, now)
    return _moved(operation, _READY)


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
        raise ServiceError(
            400,
            "InvalidParameterValueException",
            f"The {operation.type.value} is {operation.status.value} already: it takes no second outcome.",
        )
    return attrs.evolve(operation, status=status, ended_at=now, result=result, error=error)
