"""Operations and updates, to the service's JSON and back."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aws_durable_execution_sdk_python.lambda_service as official
import pytest

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
from durably.workflows.wire import (
    checkpoint_response_from_wire,
    operation_to_wire,
    operations_from_event,
    state_page_from_wire,
    update_from_wire,
    update_to_wire,
    updates_to_wire,
)

NOON = datetime(2024, 1, 2, 12, 0, 0, 123000, UTC)
MS = 1704196800123
ERROR = ErrorObject("no", "app.E", "{}", ("line 1", "line 2"))
ERROR_WIRE = {
    "ErrorMessage": "no",
    "ErrorType": "app.E",
    "ErrorData": "{}",
    "StackTrace": ["line 1", "line 2"],
}

T, S, A = OperationType, OperationStatus, OperationAction

OPERATIONS: list[tuple[Operation, dict[str, Any]]] = [
    (
        Operation("e", T.EXECUTION, S.STARTED, started_at=NOON, input_payload="{}"),
        {"Type": "EXECUTION", "Status": "STARTED", "ExecutionDetails": {"InputPayload": "{}"}},
    ),
    (
        Operation("e", T.CONTEXT, S.SUCCEEDED, "Map", "n", "p", NOON, NOON, result="", replay_children=True),
        {
            "Type": "CONTEXT",
            "Status": "SUCCEEDED",
            "SubType": "Map",
            "Name": "n",
            "ParentId": "p",
            "EndTimestamp": MS,
            "ContextDetails": {"Result": "", "ReplayChildren": True},
        },
    ),
    (
        Operation(
            "e", T.STEP, S.PENDING, "Step", started_at=NOON, error=ERROR, attempt=2, next_attempt_at=NOON
        ),
        {
            "Type": "STEP",
            "Status": "PENDING",
            "SubType": "Step",
            "StepDetails": {"Attempt": 2, "NextAttemptTimestamp": MS, "Error": ERROR_WIRE},
        },
    ),
    (
        Operation("e", T.WAIT, S.STARTED, "Wait", started_at=NOON, ends_at=NOON),
        {
            "Type": "WAIT",
            "Status": "STARTED",
            "SubType": "Wait",
            "WaitDetails": {"ScheduledEndTimestamp": MS},
        },
    ),
    (
        Operation("e", T.CALLBACK, S.SUCCEEDED, "Callback", started_at=NOON, callback_id="c", result="5"),
        {
            "Type": "CALLBACK",
            "Status": "SUCCEEDED",
            "SubType": "Callback",
            "CallbackDetails": {"CallbackId": "c", "Result": "5"},
        },
    ),
    (
        Operation("e", T.CHAINED_INVOKE, S.FAILED, "ChainedInvoke", started_at=NOON, error=ErrorObject("no")),
        {
            "Type": "CHAINED_INVOKE",
            "Status": "FAILED",
            "SubType": "ChainedInvoke",
            "ChainedInvokeDetails": {"Error": {"ErrorMessage": "no"}},
        },
    ),
]


def update(type: OperationType, action: OperationAction, **fields: Any) -> OperationUpdate:
    return OperationUpdate("i", type, action, **fields)


UPDATES: list[tuple[OperationUpdate, dict[str, Any]]] = [
    (
        update(T.STEP, A.START, sub_type="Step", name="n", parent_id="p"),
        {"SubType": "Step", "Name": "n", "ParentId": "p"},
    ),
    (update(T.STEP, A.START, sub_type="Step", name="", parent_id=""), {"SubType": "Step"}),
    (update(T.STEP, A.SUCCEED, payload=""), {"Payload": ""}),
    (
        update(T.STEP, A.RETRY, error=ERROR, next_attempt_delay_seconds=3),
        {"Error": ERROR_WIRE, "StepOptions": {"NextAttemptDelaySeconds": 3}},
    ),
    (update(T.STEP, A.FAIL, error=ErrorObject()), {"Error": {}}),
    (update(T.WAIT, A.START, wait_seconds=5), {"WaitOptions": {"WaitSeconds": 5}}),
    (
        update(T.CALLBACK, A.START, timeout_seconds=7, heartbeat_timeout_seconds=0),
        {"CallbackOptions": {"TimeoutSeconds": 7, "HeartbeatTimeoutSeconds": 0}},
    ),
    (
        update(T.CHAINED_INVOKE, A.START, payload="1", function_name="f"),
        {"Payload": "1", "ChainedInvokeOptions": {"FunctionName": "f"}},
    ),
    (
        update(T.CHAINED_INVOKE, A.START, function_name="f", tenant_id="t", trace_id="x"),
        {"ChainedInvokeOptions": {"FunctionName": "f", "TenantId": "t", "XAmznTraceId": "x"}},
    ),
    (update(T.CONTEXT, A.START, sub_type="Map"), {"SubType": "Map"}),
    (
        update(T.CONTEXT, A.SUCCEED, payload="1", replay_children=False),
        {"Payload": "1", "ContextOptions": {"ReplayChildren": False}},
    ),
    (update(T.CONTEXT, A.SUCCEED, replay_children=True), {"ContextOptions": {"ReplayChildren": True}}),
    (update(T.CONTEXT, A.FAIL, error=ERROR), {"Error": ERROR_WIRE}),
    (update(T.EXECUTION, A.SUCCEED, payload="1"), {"Payload": "1"}),
]


@pytest.mark.parametrize(("operation", "wire"), OPERATIONS, ids=lambda v: str(getattr(v, "type", "")))
def test_an_operation_goes_to_the_events_form_and_comes_back(
    operation: Operation, wire: dict[str, Any]
) -> None:
    """Every type has its details where the event has them, with times in epoch milliseconds."""
    whole = {"Id": "e", "StartTimestamp": MS, **wire}
    assert operation_to_wire(operation) == whole
    assert operations_from_event([json.loads(json.dumps(whole))]) == (operation,)


@pytest.mark.parametrize(("operation", "_wire"), OPERATIONS, ids=lambda v: str(getattr(v, "type", "")))
def test_the_official_sdk_reads_the_operations_that_are_written(operation: Operation, _wire: Any) -> None:
    """What is written for an event means the same there."""
    there = official.Operation.from_json_dict(operation_to_wire(operation))
    assert (there.operation_id, there.operation_type.value) == (operation.id, operation.type.value)
    assert operations_from_event([there.to_json_dict()]) == (operation,)


@pytest.mark.parametrize(("operation", "_wire"), OPERATIONS, ids=lambda v: str(getattr(v, "type", "")))
def test_an_operation_of_an_api_response_is_read_alike(operation: Operation, _wire: Any) -> None:
    """What botocore returns carries datetimes, and means the same operation."""
    wire = operation_to_wire(operation, json=False)
    assert wire["StartTimestamp"] is operation.started_at
    assert operations_from_event([wire]) == (operation,)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (MS, NOON),
        (float(MS), NOON),
        ("2024-01-02T12:00:00.123Z", NOON),
        ("2024-01-02T12:00:00.123", NOON),
        (NOON.replace(tzinfo=None), NOON),
        (NOON.astimezone(timezone(timedelta(hours=3))), NOON),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_time_may_be_milliseconds_iso_text_or_a_datetime(value: Any, read: datetime | None) -> None:
    """All mean the same moment; what names no zone is in UTC."""
    (operation,) = operations_from_event(
        [{"Id": "a", "Type": "WAIT", "Status": "STARTED", "StartTimestamp": value}]
    )
    assert operation.started_at == read
    assert read is None or (operation.started_at is not None and operation.started_at.tzinfo is not None)


def test_every_millisecond_survives() -> None:
    """Writing rounds nothing away that reading could give."""
    for ms in range(MS, MS + 2000):
        (operation,) = operations_from_event(
            [{"Id": "a", "Type": "WAIT", "Status": "STARTED", "StartTimestamp": ms}]
        )
        assert operation_to_wire(operation)["StartTimestamp"] == ms


def test_what_is_empty_is_absent() -> None:
    """Empty names, parents, details and errors are as if they were not there; unknown keys are ignored."""
    wire = {
        "Id": "a",
        "Type": "STEP",
        "Status": "STARTED",
        "Name": "",
        "SubType": "",
        "ParentId": "",
        "New": 1,
        "StepDetails": {"Error": {}, "Attempt": None, "Newer": 2},
        "WaitDetails": {"ScheduledEndTimestamp": 5},
    }
    assert operations_from_event([wire]) == (Operation("a", T.STEP, S.STARTED),)
    assert operations_from_event(None) == operations_from_event([]) == ()


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ({"Id": "a", "Type": "DANCE", "Status": "STARTED"}, "Operation 'a' has an unknown Type: 'DANCE'"),
        ({"Id": "a", "Type": "STEP", "Status": "LOST"}, "Operation 'a' has an unknown Status: 'LOST'"),
        ({"Id": "a", "Type": [], "Status": "STARTED"}, r"Operation 'a' has an unknown Type: \[\]"),
        ({"Id": "a", "Type": None, "Status": "STARTED"}, "Operation 'a' has an unknown Type: None"),
        ({"Id": "a", "Status": "STARTED"}, "Operation 'a' has no Type"),
        ({"Id": "a", "Type": "STEP"}, "Operation 'a' has no Status"),
        ({"Type": "STEP", "Status": "STARTED"}, "Operation None has no Id"),
        ({"Id": 5, "Type": "STEP", "Status": "STARTED"}, "Operation 5 is malformed: Id"),
        ({"Id": "a", "Type": "STEP", "Status": "STARTED", "StepDetails": "x"}, "Operation 'a' is malformed"),
        (
            {"Id": "a", "Type": "STEP", "Status": "STARTED", "StartTimestamp": "noon"},
            "Operation 'a' is malformed",
        ),
        (
            {"Id": "a", "Type": "STEP", "Status": "STARTED", "StartTimestamp": 1e300},
            "Operation 'a' is malformed",
        ),
        (
            {"Id": "a", "Type": "STEP", "Status": "FAILED", "StepDetails": {"Error": 1}},
            "Operation 'a' is malformed",
        ),
        ("step", "Operation must be an object, got a str"),
        (None, "Operation must be an object, got a NoneType"),
    ],
)
def test_an_operation_that_cannot_be_read_is_named(wire: Any, message: str) -> None:
    """A malformed operation, or one from a newer service, is a ValueError that says which and why."""
    with pytest.raises(ValueError, match=message):
        operations_from_event([wire])


def test_operations_that_are_no_list_are_refused() -> None:
    """An object or a text where the list belongs says so."""
    with pytest.raises(ValueError, match="must be a list, got a dict"):
        operations_from_event({"Id": "a"})  # type: ignore[arg-type]  # the mistake in question


@pytest.mark.parametrize(("update", "rest"), UPDATES, ids=lambda v: str(getattr(v, "type", "")))
def test_an_update_is_sent_in_the_services_form_and_read_back(
    update: OperationUpdate, rest: dict[str, Any]
) -> None:
    """Options stand under the name of their type, and what is empty is left out, but for an empty payload."""
    wire = {"Id": "i", "Type": update.type.value, "Action": update.action.value, **rest}
    assert update_to_wire(update) == wire
    assert updates_to_wire([update, update]) == [wire, wire]
    assert update_to_wire(update_from_wire(wire)) == wire
    there = official.OperationUpdate.from_dict(wire).to_dict()
    assert there == {key: value for key, value in wire.items() if value != {}}  # it drops an empty error


def test_the_end_of_a_context_always_says_whether_to_replay_children() -> None:
    """`ContextOptions` is there even when nobody asked for a replay."""
    assert update_to_wire(update(T.CONTEXT, A.SUCCEED))["ContextOptions"] == {"ReplayChildren": False}


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        ({"Id": "a", "Type": "STEP", "Action": "DANCE"}, "Update 'a' has an unknown Action: 'DANCE'"),
        ({"Id": "a", "Action": "START"}, "Update 'a' has no Type"),
        ({"Id": "a", "Type": "STEP", "Action": "START", "StepOptions": "x"}, "Update 'a' is malformed"),
        ([], "Update must be an object, got a list"),
    ],
)
def test_an_update_that_cannot_be_read_is_named(wire: Any, message: str) -> None:
    """What a client sent wrongly is a ValueError that says which update and why."""
    with pytest.raises(ValueError, match=message):
        update_from_wire(wire)


def test_responses_are_read_whole() -> None:
    """A checkpoint's answer carries the next token and news; a page of state its operations and marker."""
    operation, wire = OPERATIONS[0]
    state = {"Operations": [{"Id": "e", "StartTimestamp": NOON, **wire}], "NextMarker": "m"}
    assert checkpoint_response_from_wire(
        {"CheckpointToken": "t", "NewExecutionState": state}
    ) == CheckpointResponse("t", (operation,), "m")
    assert checkpoint_response_from_wire({"NewExecutionState": {}}) == CheckpointResponse(None)
    assert state_page_from_wire(state) == StatePage((operation,), "m")
    assert state_page_from_wire({"Operations": [], "NextMarker": None}) == StatePage()


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    """Importing the wire and the client brings in neither cattrs nor boto3."""
    code = (
        "import sys, durably.workflows.logger, durably.workflows.serdes\n"
        "import durably.workflows.lambda_service as s\n"
        "assert not {'cattrs', 'boto3', 'botocore'} & set(sys.modules)\n"
        "s.operations_from_event([{'Id': 'a', 'Type': 'STEP', 'Status': 'STARTED'}])\n"
        "assert 'cattrs' in sys.modules and 'boto3' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
