"""What one update makes of one operation: a function for each type of operation.

Each takes the operation as it stands (`None` if it is new) and returns it as it will be, or refuses.
Operations are built with positional arguments: this is the hottest code of the service.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationUpdate,
)
from durably.workflows.local import validation
from durably.workflows.local.errors import invalid

_START, _SUCCEED, _FAIL = OperationAction.START, OperationAction.SUCCEED, OperationAction.FAIL
_RETRY, _CANCEL = OperationAction.RETRY, OperationAction.CANCEL
_STARTED, _PENDING, _READY = OperationStatus.STARTED, OperationStatus.PENDING, OperationStatus.READY
_SUCCEEDED, _FAILED = OperationStatus.SUCCEEDED, OperationStatus.FAILED

WRONG_ACTION = "Invalid action for the given operation type."


@attrs.frozen(slots=True)
class Scope:
    """What the rules need to know beyond the operations.

    `callback_id` makes the id of the callback that an operation is; `preflight` names the error of an
    invoke whose function (by bare name) cannot be invoked, or `None`.
    """

    callback_id: Callable[[str], str]
    preflight: Callable[[str], ErrorObject | None]
    is_child: bool = False


def check_outcome(update: OperationUpdate) -> None:
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


def moved(current: Operation, status: OperationStatus, ended_at: datetime | None = None) -> Operation:
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


def step(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    """A step: started, closed, or put off to another attempt."""
    action = update.action
    if action is _START:
        if current is None:
            return _new(update, _STARTED, now)
        if current.status is not _READY:
            raise invalid("Invalid current STEP state to start.")
        # The last attempt's payload stays: it is a condition's state, which an attempt that is
        # interrupted needs again.
        return moved(current, _STARTED)
    attempt = 1 if current is None else current.attempt + 1
    open_ = current is None or current.status is _STARTED or current.status is _READY
    if action is _SUCCEED or action is _FAIL:
        if not open_:
            raise invalid("Invalid current STEP state to close.")
        check_outcome(update)
        return _changed(current, update, _SUCCEEDED if action is _SUCCEED else _FAILED, now, attempt)
    if action is not _RETRY:
        raise invalid(WRONG_ACTION)
    if not open_:
        raise invalid("Invalid current STEP state to re-attempt.")
    delay = update.next_attempt_delay_seconds
    if delay is None:
        raise invalid("Invalid StepOptions for the given action.")
    if update.error is not None and update.payload is not None:
        raise invalid("Cannot provide both error and payload to RETRY a STEP.")
    validation.check_seconds("NextAttemptDelaySeconds", delay, 1, validation.MAX_SECONDS)
    return _changed(current, update, _PENDING, now, attempt, now + timedelta(seconds=delay))


def context(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    """A context: started or closed, once each."""
    action = update.action
    if action is _START:
        if current is not None:
            raise invalid("Cannot start a CONTEXT that already exist.")
        return _new(update, _STARTED, now)
    if action is not _SUCCEED and action is not _FAIL:
        raise invalid(WRONG_ACTION)
    if current is not None and current.status is not _STARTED:
        raise invalid("Invalid current CONTEXT state to close.")
    check_outcome(update)
    return _changed(current, update, _SUCCEEDED if action is _SUCCEED else _FAILED, now)


def wait(current: Operation | None, update: OperationUpdate, now: datetime) -> Operation:
    """A wait: started or cancelled; time ends it."""
    if update.action is _START:
        if current is not None:
            raise invalid("Cannot start a WAIT that already exist.")
        seconds = update.wait_seconds
        if seconds is None:
            raise invalid("Invalid WaitOptions for the given action.")
        validation.check_seconds("WaitSeconds", seconds, 1, validation.MAX_SECONDS)
        return _new(update, _STARTED, now, ends_at=now + timedelta(seconds=seconds))
    if update.action is not _CANCEL:
        raise invalid(WRONG_ACTION)
    if current is None or current.status is not _STARTED:
        raise invalid("Cannot cancel a WAIT that does not exist or has already completed.")
    return moved(current, OperationStatus.CANCELLED, now)


def callback(current: Operation | None, update: OperationUpdate, now: datetime, scope: Scope) -> Operation:
    """A callback: started; the outside world ends it."""
    if update.action is not _START:
        raise invalid(WRONG_ACTION)
    if current is not None:
        raise invalid("Cannot start a CALLBACK that already exist.")
    most = validation.MAX_CALLBACK_SECONDS
    validation.check_seconds("TimeoutSeconds", update.timeout_seconds or 0, 0, most)
    validation.check_seconds("HeartbeatTimeoutSeconds", update.heartbeat_timeout_seconds or 0, 0, most)
    return _new(update, _STARTED, now, callback_id=scope.callback_id(update.id))


def chained_invoke(
    current: Operation | None, update: OperationUpdate, now: datetime, scope: Scope
) -> Operation:
    """A chained invoke: started, or failed at once if there is no such function."""
    if update.action is not _START:
        raise invalid(WRONG_ACTION)
    if current is not None:
        raise invalid("Cannot start a CHAINED_INVOKE operation that already exists.")
    error = scope.preflight(validation.check_invoke(update))
    if error is not None:
        return _new(update, _FAILED, now, ended_at=now, error=error)
    return _new(update, _STARTED, now)
