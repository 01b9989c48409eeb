"""What the service makes of an update: the record after it, and its size on the wire."""

import json
from datetime import UTC, datetime, timedelta

import attrs

from durably.actors.model import Operation, OperationAction, OperationStatus, OperationType, OperationUpdate

_STATUS_AFTER = {
    OperationAction.START.value: OperationStatus.STARTED,
    OperationAction.SUCCEED.value: OperationStatus.SUCCEEDED,
    OperationAction.FAIL.value: OperationStatus.FAILED,
    OperationAction.RETRY.value: OperationStatus.PENDING,
    OperationAction.CANCEL.value: OperationStatus.CANCELLED,
}
_ENDS_AN_ATTEMPT = (OperationAction.SUCCEED, OperationAction.FAIL, OperationAction.RETRY)

ENVELOPE_BYTES = 700
"""More than an update's fields take on the wire, its name, payload and error aside."""
_CERTAINLY_SHORT = 128


def recorded_after(update: OperationUpdate, before: Operation | None, now: float) -> Operation:
    """The record that the service has after an update; `now` is in seconds since the epoch.

    Used where an answer does not mention an operation that it has confirmed.
    """
    record = before or Operation(
        id=update.id,
        type=update.type,
        status=OperationStatus.STARTED,
        sub_type=update.sub_type,
        name=update.name,
        parent_id=update.parent_id,
    )
    moment = datetime.fromtimestamp(now, UTC)
    ends_at, next_attempt_at = record.ends_at, None
    if update.wait_seconds is not None:
        ends_at = moment + timedelta(seconds=update.wait_seconds)
    if update.next_attempt_delay_seconds is not None:
        next_attempt_at = moment + timedelta(seconds=update.next_attempt_delay_seconds)
    finished = update.type is OperationType.STEP and update.action in _ENDS_AN_ATTEMPT
    return attrs.evolve(
        record,
        status=_STATUS_AFTER[update.action.value],
        result=update.payload if update.action is not OperationAction.START else record.result,
        error=update.error,
        replay_children=bool(update.replay_children),
        ends_at=ends_at,
        next_attempt_at=next_attempt_at,
        attempt=record.attempt + finished,
    )


def wire_size(update: OperationUpdate) -> int:
    """How many bytes the update takes in a request, or somewhat more; never less."""
    payload, name = update.payload or "", update.name or ""
    length = len(payload) + len(name)
    size = ENVELOPE_BYTES + 12 * length
    if length > _CERTAINLY_SHORT:
        size = ENVELOPE_BYTES + _text_size(payload) + _text_size(name)
    if update.error is not None:
        error = update.error
        for text in (error.message, error.type, error.data, *(error.stack_trace or ())):
            size += _text_size(text or "") + 4
    return size


def _text_size(text: str) -> int:
    # JSON escapes a character to at most twelve bytes (a surrogate pair).
    return len(text) * 12 if len(text) <= _CERTAINLY_SHORT else len(json.dumps(text))
