"""The history of an execution as the Lambda API tells it, and the operations that it adds up to.

`Event` and its details are what `get_execution_history` returns, from the embedded service and from AWS.
Where the API has a structure for each kind of event, with the same few members again and again, there is one
class here, `EventDetails`; in which field of `Event` it stands says which event it belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from durably.workflows.errors import error_from_wire
from durably.workflows.lambda_service import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.testing.exceptions import InvalidParameterValueException


class EventType(Enum):
    """What `Event.event_type` may be; it is the text there."""

    EXECUTION_STARTED = "ExecutionStarted"
    EXECUTION_SUCCEEDED = "ExecutionSucceeded"
    EXECUTION_FAILED = "ExecutionFailed"
    EXECUTION_TIMED_OUT = "ExecutionTimedOut"
    EXECUTION_STOPPED = "ExecutionStopped"
    CONTEXT_STARTED = "ContextStarted"
    CONTEXT_SUCCEEDED = "ContextSucceeded"
    CONTEXT_FAILED = "ContextFailed"
    WAIT_STARTED = "WaitStarted"
    WAIT_SUCCEEDED = "WaitSucceeded"
    WAIT_CANCELLED = "WaitCancelled"
    STEP_STARTED = "StepStarted"
    STEP_SUCCEEDED = "StepSucceeded"
    STEP_FAILED = "StepFailed"
    CHAINED_INVOKE_STARTED = "ChainedInvokeStarted"
    CHAINED_INVOKE_SUCCEEDED = "ChainedInvokeSucceeded"
    CHAINED_INVOKE_FAILED = "ChainedInvokeFailed"
    CHAINED_INVOKE_TIMED_OUT = "ChainedInvokeTimedOut"
    CHAINED_INVOKE_STOPPED = "ChainedInvokeStopped"
    CALLBACK_STARTED = "CallbackStarted"
    CALLBACK_SUCCEEDED = "CallbackSucceeded"
    CALLBACK_FAILED = "CallbackFailed"
    CALLBACK_TIMED_OUT = "CallbackTimedOut"
    INVOCATION_COMPLETED = "InvocationCompleted"


@dataclass(frozen=True)
class EventInput:
    """An input as serialized; `truncated` if it was not asked for."""

    payload: str | None = None
    truncated: bool = False


@dataclass(frozen=True)
class EventResult:
    """A result as serialized; `truncated` if it was not asked for."""

    payload: str | None = None
    truncated: bool = False


@dataclass(frozen=True)
class EventError:
    """An error; `truncated` if it was not asked for."""

    payload: ErrorObject | None = None
    truncated: bool = False


@dataclass(frozen=True)
class RetryDetails:
    """How many attempts have ended, and in how many seconds the next follows, if one does."""

    current_attempt: int = 0
    next_attempt_delay_seconds: int | None = None


@dataclass(frozen=True)
class EventDetails:
    """What an event says beside its kind; what does not apply to it is None."""

    input: EventInput | None = None
    result: EventResult | None = None
    error: EventError | None = None
    retry_details: RetryDetails | None = None
    execution_timeout: int | None = None
    duration: int | None = None
    scheduled_end_timestamp: datetime | None = None
    callback_id: str | None = None
    timeout: int | None = None
    heartbeat_timeout: int | None = None
    function_name: str | None = None
    tenant_id: str | None = None
    durable_execution_arn: str | None = None
    start_timestamp: datetime | None = None
    end_timestamp: datetime | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Event:
    """One thing that happened in an execution, with its details in the field that is named after its type."""

    event_type: str
    event_timestamp: datetime
    sub_type: str | None = None
    event_id: int = 1
    operation_id: str | None = None
    name: str | None = None
    parent_id: str | None = None
    execution_started_details: EventDetails | None = None
    execution_succeeded_details: EventDetails | None = None
    execution_failed_details: EventDetails | None = None
    execution_timed_out_details: EventDetails | None = None
    execution_stopped_details: EventDetails | None = None
    context_started_details: EventDetails | None = None
    context_succeeded_details: EventDetails | None = None
    context_failed_details: EventDetails | None = None
    wait_started_details: EventDetails | None = None
    wait_succeeded_details: EventDetails | None = None
    wait_cancelled_details: EventDetails | None = None
    step_started_details: EventDetails | None = None
    step_succeeded_details: EventDetails | None = None
    step_failed_details: EventDetails | None = None
    chained_invoke_started_details: EventDetails | None = None
    chained_invoke_succeeded_details: EventDetails | None = None
    chained_invoke_failed_details: EventDetails | None = None
    chained_invoke_timed_out_details: EventDetails | None = None
    chained_invoke_stopped_details: EventDetails | None = None
    callback_started_details: EventDetails | None = None
    callback_succeeded_details: EventDetails | None = None
    callback_failed_details: EventDetails | None = None
    callback_timed_out_details: EventDetails | None = None
    invocation_completed_details: EventDetails | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Event:
        """Read an event of GetDurableExecutionHistory; times may be `datetime`s, epoch seconds or ISO text.

        Raises:
            InvalidParameterValueException: it is of a type that is not known, or malformed.
        """
        kind = data.get("EventType")
        if kind not in _EVENT_TYPES:
            raise InvalidParameterValueException(f"Unknown event type: {kind}")
        wire = data.get(f"{kind}Details")
        details: dict[str, Any] = {} if wire is None else {_details_field(kind): _details(wire)}
        try:
            return cls(
                kind,
                _time(data["EventTimestamp"]),
                data.get("SubType"),
                data.get("EventId", 1),
                data.get("Id"),
                data.get("Name"),
                data.get("ParentId"),
                **details,
            )
        except KeyError as missing:
            raise InvalidParameterValueException(f"A {kind} event has no {missing.args[0]}.") from None

    @property
    def details(self) -> EventDetails:
        """The details, whatever the type of the event; empty if it has none."""
        found: EventDetails | None = getattr(self, _details_field(self.event_type))
        return found or EventDetails()


@dataclass(frozen=True)
class GetDurableExecutionHistoryResponse:
    """The events of an execution in order."""

    events: list[Event]
    next_marker: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GetDurableExecutionHistoryResponse:
        """Read a page as boto3 returns it, or as JSON has it. Raises as `Event.from_dict`."""
        return cls([Event.from_dict(event) for event in data.get("Events") or ()], data.get("NextMarker"))


@dataclass(frozen=True)
class GetDurableExecutionResponse:
    """An execution as a whole. `status` is the name of an `ExecutionStatus`."""

    durable_execution_arn: str
    durable_execution_name: str
    function_arn: str
    status: str
    start_timestamp: datetime
    input_payload: str | None = None
    result: str | None = None
    error: ErrorObject | None = None
    end_timestamp: datetime | None = None
    version: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GetDurableExecutionResponse:
        """Read what boto3 returns, or JSON."""
        error, ended_at = data.get("Error"), data.get("EndTimestamp")
        return cls(
            data["DurableExecutionArn"],
            data["DurableExecutionName"],
            data["FunctionArn"],
            data["Status"],
            _time(data["StartTimestamp"]),
            data.get("InputPayload"),
            data.get("Result"),
            None if error is None else error_from_wire(error),
            None if ended_at is None else _time(ended_at),
            data.get("Version"),
        )


def events_to_operations(events: Iterable[Event]) -> list[Operation]:
    """The operations that these events have brought about, as the service records them.

    A step that is to be tried again is PENDING. What a truncated event leaves out is None.

    Raises:
        InvalidParameterValueException: an event of an operation has no id.
    """
    found: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.event_type == EventType.INVOCATION_COMPLETED.value:
            continue
        if not event.operation_id:
            raise InvalidParameterValueException(f"Event {event.event_id} ({event.event_type}) has no Id.")
        operation_type, status = _EVENT_TYPES[event.event_type]
        fields = found.setdefault(event.operation_id, {"id": event.operation_id, "type": operation_type})
        fields["status"] = status
        for key, value in (
            ("name", event.name),
            ("parent_id", event.parent_id),
            ("sub_type", event.sub_type),
            ("callback_id", event.details.callback_id),
            ("ends_at", event.details.scheduled_end_timestamp),
        ):
            if value is not None:
                fields[key] = value
        if status is OperationStatus.STARTED:
            fields.setdefault("started_at", event.event_timestamp)
            if event.details.input is not None and operation_type is OperationType.EXECUTION:
                fields["input_payload"] = event.details.input.payload
        else:
            _settle(fields, event)
    return [Operation(**fields) for fields in found.values()]


def _settle(fields: dict[str, Any], event: Event) -> None:
    details, retry = event.details, event.details.retry_details
    fields["result"] = None if details.result is None else details.result.payload
    fields["error"] = None if details.error is None else details.error.payload
    if fields["type"] is OperationType.STEP:  # AWS's emulator does not count the attempt that succeeds
        fields["attempt"] = fields.get("attempt", 0) + 1 if retry is None else retry.current_attempt
    delay = 0 if retry is None else retry.next_attempt_delay_seconds
    if delay:  # 0, as the emulator has it, is none as well
        fields["status"] = OperationStatus.PENDING
        fields["next_attempt_at"] = event.event_timestamp + timedelta(seconds=delay)
    else:
        fields["ended_at"] = event.event_timestamp
        fields.pop("next_attempt_at", None)


def _details(wire: Mapping[str, Any]) -> EventDetails:
    def payload(key: str) -> tuple[Any, bool] | None:
        found: Mapping[str, Any] | None = wire.get(key)
        return None if found is None else (found.get("Payload"), bool(found.get("Truncated")))

    given, result, error, retry = (
        payload("Input"),
        payload("Result"),
        payload("Error"),
        wire.get("RetryDetails"),
    )
    times = {
        field: _time(wire[key])
        for field, key in (
            ("scheduled_end_timestamp", "ScheduledEndTimestamp"),
            ("start_timestamp", "StartTimestamp"),
            ("end_timestamp", "EndTimestamp"),
        )
        if wire.get(key) is not None
    }
    return EventDetails(
        input=None if given is None else EventInput(*given),
        result=None if result is None else EventResult(*result),
        error=None if error is None else EventError(error[0] and error_from_wire(error[0]), error[1]),
        retry_details=retry
        and RetryDetails(retry.get("CurrentAttempt", 0), retry.get("NextAttemptDelaySeconds")),
        execution_timeout=wire.get("ExecutionTimeout"),
        duration=wire.get("Duration"),
        callback_id=wire.get("CallbackId"),
        timeout=wire.get("Timeout"),
        heartbeat_timeout=wire.get("HeartbeatTimeout"),
        function_name=wire.get("FunctionName"),
        tenant_id=wire.get("TenantId"),
        durable_execution_arn=wire.get("DurableExecutionArn"),
        request_id=wire.get("RequestId"),
        **times,
    )


def _time(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    return datetime.fromtimestamp(value, UTC)


def _details_field(event_type: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", event_type).lower() + "_details"


def _meaning(event_type: EventType) -> tuple[OperationType, OperationStatus]:
    """Of which operation an event is, and what has become of it."""
    if event_type is EventType.INVOCATION_COMPLETED:
        return OperationType.EXECUTION, OperationStatus.STARTED
    for operation_type in OperationType:
        if event_type.name.startswith(f"{operation_type.value}_"):
            return operation_type, OperationStatus[event_type.name.removeprefix(f"{operation_type.value}_")]
    raise AssertionError(event_type)


_EVENT_TYPES = {each.value: _meaning(each) for each in EventType}
