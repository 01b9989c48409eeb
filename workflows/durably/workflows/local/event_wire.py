"""History events in the JSON of GetDurableExecutionHistory, and its paging.

Times are epoch seconds, as that API's HTTP answers have them: an HTTP server can serve a page as it is,
and boto3 makes `datetime`s of them. Payloads are left out and marked `Truncated` unless they are asked
for.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType, OperationUpdate
from durably.workflows.errors import error_to_wire
from durably.workflows.local.chained import child_arn
from durably.workflows.local.errors import invalid
from durably.workflows.local.history import HistoryEvent
from durably.workflows.local.records import ExecutionRecord, InvocationRecord
from durably.workflows.local.store import Store

DEFAULT_ITEMS = 100
MAX_ITEMS = 1000

_STARTED, _PENDING = OperationStatus.STARTED, OperationStatus.PENDING


def history_page(
    store: Store,
    arn: str,
    *,
    include_execution_data: bool = False,
    max_items: int | None = None,
    marker: str | None = None,
    reverse_order: bool = False,
) -> dict[str, Any]:
    """GetDurableExecutionHistory: `Events` and, if there are more, the `NextMarker` that the next page takes.

    A page holds `max_items` events, from 1 to 1000; 0 or nothing means 100. It costs what it holds,
    however long the history.

    Raises:
        ServiceError: 404 without such an execution; 400 for a number or a marker that is not allowed.
    """
    count = max_items or DEFAULT_ITEMS
    if not 1 <= count <= MAX_ITEMS:
        raise invalid(f"MaxItems must be from 0 to {MAX_ITEMS}, got {max_items}.")
    if marker and not (marker.isascii() and marker.isdigit() and int(marker) >= 1):
        raise invalid("Invalid marker.")
    record = store.record(arn)
    start = int(marker) if marker else None
    events = store.history(arn, start, count + 1, backwards=reverse_order)
    page: dict[str, Any] = {
        "Events": [
            event_to_wire(event, record, include_execution_data=include_execution_data)
            for event in events[:count]
        ]
    }
    if len(events) > count:
        page["NextMarker"] = str(events[count].id)
    return page


def whole_history(store: Store, arn: str, *, include_execution_data: bool = True) -> dict[str, Any]:
    """All events of an execution, as one page.

    Raises:
        ServiceError: 404 without such an execution.
    """
    record = store.record(arn)
    return {
        "Events": [
            event_to_wire(event, record, include_execution_data=include_execution_data)
            for event in store.history(arn)
        ]
    }


def event_to_wire(
    event: HistoryEvent, record: ExecutionRecord, *, include_execution_data: bool
) -> dict[str, Any]:
    """One event as the API writes it."""
    wire: dict[str, Any] = {
        "EventType": event.type,
        "EventId": event.id,
        "EventTimestamp": _seconds(event.at),
    }
    data = _Data(include_execution_data)
    operation = event.operation
    if operation is None:
        assert event.invocation is not None
        wire["InvocationCompletedDetails"] = _invocation(event.invocation, data)
        return wire
    sub_type = None if operation.sub_type is None else str(operation.sub_type)  # no member of an enum
    wire |= _present(Id=operation.id, Name=operation.name, ParentId=operation.parent_id, SubType=sub_type)
    wire[f"{event.type}Details"] = _details(event, operation, record, data)
    return wire


class _Data:
    """Payloads, or the mark that there may have been one."""

    def __init__(self, included: bool) -> None:
        self._included = included

    def text(self, payload: str | None) -> dict[str, Any]:
        return self._of(payload)

    def error(self, error: ErrorObject | None) -> dict[str, Any]:
        return self._of(None if error is None else error_to_wire(error))

    def _of(self, payload: object) -> dict[str, Any]:
        if not self._included:
            return {"Truncated": True}
        return _present(Payload=payload) | {"Truncated": False}


def _details(
    event: HistoryEvent, operation: Operation, record: ExecutionRecord, data: _Data
) -> Mapping[str, Any]:
    kind, status = operation.type, operation.status
    if status is _STARTED:
        return _start_details(event, operation, record, data)
    if kind is OperationType.WAIT:
        if status is not OperationStatus.SUCCEEDED:
            return _present(Error=data.error(operation.error) if operation.error else None)
        return {"Duration": _duration(operation)}
    if status is OperationStatus.SUCCEEDED or (status is _PENDING and operation.error is None):
        details: dict[str, Any] = {"Result": data.text(operation.result)}
    else:
        details = {"Error": data.error(operation.error)}
    if kind is OperationType.STEP:
        retry: dict[str, Any] = {"CurrentAttempt": operation.attempt}
        if status is _PENDING and operation.next_attempt_at is not None:
            retry["NextAttemptDelaySeconds"] = round((operation.next_attempt_at - event.at).total_seconds())
        details["RetryDetails"] = retry
    return details


def _start_details(
    event: HistoryEvent, operation: Operation, record: ExecutionRecord, data: _Data
) -> Mapping[str, Any]:
    request = event.request
    match operation.type:
        case OperationType.EXECUTION:
            return {
                "Input": data.text(operation.input_payload),
                "ExecutionTimeout": record.timeout_seconds or 0,  # required there; 0 is none
            }
        case OperationType.WAIT:
            ends_at = operation.ends_at or event.at
            return {"Duration": _duration(operation), "ScheduledEndTimestamp": _seconds(ends_at)}
        case OperationType.CALLBACK:
            return _present(
                CallbackId=operation.callback_id,
                HeartbeatTimeout=(request and request.heartbeat_timeout_seconds) or None,
                Timeout=(request and request.timeout_seconds) or None,
            )
        case OperationType.CHAINED_INVOKE if request is not None:
            return _invoke_start(request, record, data)
        case _:
            return {}


def _invoke_start(request: OperationUpdate, record: ExecutionRecord, data: _Data) -> dict[str, Any]:
    """Of an invoke that was refused nothing but the function's name is kept; see `events_of`."""
    details = _present(FunctionName=request.function_name)
    if request.payload is not None:
        details["Input"] = data.text(request.payload)
        details["ExecutedVersion"] = "$LATEST"
        details["DurableExecutionArn"] = child_arn(record.arn, request)
    return details


def _invocation(invocation: InvocationRecord, data: _Data) -> dict[str, Any]:
    return _present(
        StartTimestamp=_seconds(invocation.started_at),
        EndTimestamp=_seconds(invocation.ended_at),
        RequestId=invocation.request_id,
        Error=None if invocation.error is None else data.error(invocation.error),
    )


def _duration(operation: Operation) -> int | None:
    if operation.ends_at is None or operation.started_at is None:
        return None
    return round((operation.ends_at - operation.started_at).total_seconds())


def _seconds(when: datetime) -> float:
    return round(when.timestamp(), 3)


def _present(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}
