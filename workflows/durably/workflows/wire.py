"""Operations and updates between the service's JSON and the flat model.

The wire nests what belongs to one type of operation (`StepDetails`, `WaitOptions`, ...), the model has
one flat record; the hooks below do the folding. They hang on one cattrs converter, which is made on
first use, because importing cattrs costs a cold start more than converting an event does.

Times on the wire are epoch milliseconds in an event, `datetime`s in what botocore returns, and ISO text
in what other tools write; all three are read everywhere. What cannot be read raises a `ValueError` that
names the operation.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.errors import error_from_wire, error_to_wire

if TYPE_CHECKING:
    from cattrs import Converter

_TYPES = {each.value: each for each in OperationType}
_STATUSES = {each.value: each for each in OperationStatus}
_ACTIONS = {each.value: each for each in OperationAction}
_DETAILS = {
    OperationType.EXECUTION: "ExecutionDetails",
    OperationType.CONTEXT: "ContextDetails",
    OperationType.STEP: "StepDetails",
    OperationType.WAIT: "WaitDetails",
    OperationType.CALLBACK: "CallbackDetails",
    OperationType.CHAINED_INVOKE: "ChainedInvokeDetails",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NOTHING: dict[str, Any] = {}


def operations_from_event(wires: Sequence[Mapping[str, Any]] | None) -> tuple[Operation, ...]:
    """The operations of an event's `InitialExecutionState`, or of a response; none for None.

    Raises:
        ValueError: one of them is malformed, or of a type or status that this version does not know.
    """
    if not wires:
        return ()
    if not isinstance(wires, list | tuple):
        got = type(wires).__name__
        raise ValueError(f"Operations must be a list, got a {got}.")  # noqa: TRY004  # malformed input, no misuse
    return _converter().structure(wires, tuple[Operation, ...])


def checkpoint_response_from_wire(wire: Mapping[str, Any]) -> CheckpointResponse:
    """What the service answered to a checkpoint. Raises `ValueError` as `operations_from_event`."""
    return _converter().structure(wire, CheckpointResponse)


def state_page_from_wire(wire: Mapping[str, Any]) -> StatePage:
    """One page of state. Raises `ValueError` as `operations_from_event`."""
    return _converter().structure(wire, StatePage)


def update_from_wire(wire: Mapping[str, Any]) -> OperationUpdate:
    """The update that a client sent. Raises `ValueError` if it is malformed."""
    return _converter().structure(wire, OperationUpdate)


def update_to_wire(update: OperationUpdate) -> dict[str, Any]:
    """The update as a checkpoint sends it."""
    wire: dict[str, Any] = _converter().unstructure(update, OperationUpdate)
    return wire


def updates_to_wire(updates: Sequence[OperationUpdate]) -> list[dict[str, Any]]:
    """`update_to_wire` of each."""
    return [_write_update(update) for update in updates]


def operation_to_wire(operation: Operation, json: bool = True) -> dict[str, Any]:
    """The operation as an event carries it, times in epoch milliseconds; in `datetime`s unless `json`."""
    return _write_operation(operation, _milliseconds if json else _as_it_is)


@cache
def _converter() -> "Converter":
    from cattrs import Converter

    converter = Converter(detailed_validation=False)
    converter.register_structure_hook(ErrorObject, lambda wire, _: error_from_wire(wire))
    converter.register_structure_hook(Operation, lambda wire, _: _read_operation(wire))
    converter.register_structure_hook(OperationUpdate, lambda wire, _: _read_update(wire))
    converter.register_structure_hook(CheckpointResponse, lambda wire, _: _read_response(wire))
    converter.register_structure_hook(StatePage, lambda wire, _: _read_page(wire))
    converter.register_unstructure_hook(ErrorObject, error_to_wire)
    converter.register_unstructure_hook(OperationUpdate, _write_update)
    return converter


def _malformed(what: str, wire: Any, error: Exception) -> ValueError:
    if not isinstance(wire, dict):
        return ValueError(f"{what} must be an object, got a {type(wire).__name__}.")
    fields = cast("dict[str, Any]", wire)
    named = f"{what} {fields.get('Id')!r}"
    for key, known in (("Type", _TYPES), ("Status", _STATUSES), ("Action", _ACTIONS)):
        if key in fields and fields[key] not in list(known):  # a list: what cannot be hashed is unknown too
            return ValueError(f"{named} has an unknown {key}: {fields[key]!r}.")
    if isinstance(error, KeyError):
        return ValueError(f"{named} has no {error.args[0]}.")
    return ValueError(f"{named} is malformed: {error}")


# Reading


def _time(value: Any) -> datetime | None:
    if value is None:
        return None
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return datetime.fromtimestamp(value / 1000, UTC)


def _text(wire: Mapping[str, Any], key: str) -> str:
    value = wire[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a non-empty string, got {value!r}")
    return value


def _read_operation(wire: Any) -> Operation:
    try:
        kind = _TYPES[wire["Type"]]
        get = wire.get
        details = get(_DETAILS[kind]) or _NOTHING
        detail = details.get
        error = detail("Error")
        return Operation(
            id=_text(wire, "Id"),
            type=kind,
            status=_STATUSES[wire["Status"]],
            sub_type=get("SubType") or None,
            name=get("Name") or None,
            parent_id=get("ParentId") or None,
            started_at=_time(get("StartTimestamp")),
            ended_at=_time(get("EndTimestamp")),
            result=detail("Result"),
            error=error_from_wire(error) if error else None,
            attempt=detail("Attempt") or 0,
            next_attempt_at=_time(detail("NextAttemptTimestamp")),
            ends_at=_time(detail("ScheduledEndTimestamp")),
            replay_children=bool(detail("ReplayChildren")),
            callback_id=detail("CallbackId"),
            input_payload=detail("InputPayload"),
        )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise _malformed("Operation", wire, error) from error


def _read_response(wire: Any) -> CheckpointResponse:
    state = wire.get("NewExecutionState") or _NOTHING
    return CheckpointResponse(
        wire.get("CheckpointToken") or None,
        operations_from_event(state.get("Operations")),
        state.get("NextMarker") or "",
    )


def _read_page(wire: Any) -> StatePage:
    return StatePage(operations_from_event(wire.get("Operations")), wire.get("NextMarker") or "")


def _read_update(wire: Any) -> OperationUpdate:
    try:
        get = wire.get
        error = get("Error")
        callback = get("CallbackOptions")
        invoke = get("ChainedInvokeOptions") or _NOTHING
        return OperationUpdate(
            id=_text(wire, "Id"),
            type=_TYPES[wire["Type"]],
            action=_ACTIONS[wire["Action"]],
            sub_type=get("SubType") or None,
            name=get("Name") or None,
            parent_id=get("ParentId") or None,
            payload=get("Payload"),
            error=error_from_wire(error) if error is not None else None,
            replay_children=(get("ContextOptions") or _NOTHING).get("ReplayChildren"),
            next_attempt_delay_seconds=(get("StepOptions") or _NOTHING).get("NextAttemptDelaySeconds"),
            wait_seconds=(get("WaitOptions") or _NOTHING).get("WaitSeconds"),
            timeout_seconds=None if callback is None else callback.get("TimeoutSeconds", 0),
            heartbeat_timeout_seconds=None
            if callback is None
            else callback.get("HeartbeatTimeoutSeconds", 0),
            function_name=invoke.get("FunctionName"),
            tenant_id=invoke.get("TenantId"),
            trace_id=invoke.get("XAmznTraceId"),
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _malformed("Update", wire, error) from error


# Writing


def _write_update(update: OperationUpdate) -> dict[str, Any]:
    kind = update.type
    wire: dict[str, Any] = {"Id": update.id, "Type": kind.value, "Action": update.action.value}
    if update.sub_type:
        wire["SubType"] = update.sub_type
    if update.name:
        wire["Name"] = update.name
    if update.parent_id:
        wire["ParentId"] = update.parent_id
    if update.payload is not None:
        wire["Payload"] = update.payload
    if update.error is not None:
        wire["Error"] = error_to_wire(update.error)
    if kind is OperationType.CONTEXT and update.action is OperationAction.SUCCEED:
        wire["ContextOptions"] = {"ReplayChildren": bool(update.replay_children)}
    elif update.next_attempt_delay_seconds is not None:
        wire["StepOptions"] = {"NextAttemptDelaySeconds": update.next_attempt_delay_seconds}
    elif update.wait_seconds is not None:
        wire["WaitOptions"] = {"WaitSeconds": update.wait_seconds}
    elif kind is OperationType.CALLBACK and update.action is OperationAction.START:
        wire["CallbackOptions"] = {
            "TimeoutSeconds": update.timeout_seconds or 0,
            "HeartbeatTimeoutSeconds": update.heartbeat_timeout_seconds or 0,
        }
    elif update.function_name is not None:
        options = {"FunctionName": update.function_name}
        if update.tenant_id is not None:
            options["TenantId"] = update.tenant_id
        if update.trace_id is not None:
            options["XAmznTraceId"] = update.trace_id
        wire["ChainedInvokeOptions"] = options
    return wire


def _write_operation(operation: Operation, written: Callable[[datetime], Any]) -> dict[str, Any]:
    kind = operation.type
    wire: dict[str, Any] = {"Id": operation.id, "Type": kind.value, "Status": operation.status.value}
    if operation.sub_type is not None:
        wire["SubType"] = operation.sub_type
    if operation.name is not None:
        wire["Name"] = operation.name
    if operation.parent_id is not None:
        wire["ParentId"] = operation.parent_id
    if operation.started_at is not None:
        wire["StartTimestamp"] = written(operation.started_at)
    if operation.ended_at is not None:
        wire["EndTimestamp"] = written(operation.ended_at)
    details: dict[str, Any] = {}
    wire[_DETAILS[kind]] = details
    if kind is OperationType.STEP:
        details["Attempt"] = operation.attempt
    if operation.next_attempt_at is not None:
        details["NextAttemptTimestamp"] = written(operation.next_attempt_at)
    if operation.ends_at is not None:
        details["ScheduledEndTimestamp"] = written(operation.ends_at)
    if operation.callback_id is not None:
        details["CallbackId"] = operation.callback_id
    if operation.input_payload is not None:
        details["InputPayload"] = operation.input_payload
    if operation.replay_children:
        details["ReplayChildren"] = operation.replay_children
    if operation.result is not None:
        details["Result"] = operation.result
    if operation.error is not None:
        details["Error"] = error_to_wire(operation.error)
    return wire


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _as_it_is(moment: datetime) -> datetime:
    return moment
