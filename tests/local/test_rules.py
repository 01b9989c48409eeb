"""The rules of the service: what each action does to each operation in each status."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.rules import Batch, apply
from durably.workflows.local.transitions import Scope
from tests.local.scripted import update

NOW = datetime(2025, 1, 1, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
SCOPE = Scope(
    callback_id=lambda operation_id: f"callback-{operation_id}",
    preflight=lambda name: None if name == "known" else ErrorObject("Function not found", "NotFound"),
)

NEW = None
CLOSE_STEP = "Invalid current STEP state to close."
RETRY_STEP = "Invalid current STEP state to re-attempt."
START_STEP = "Invalid current STEP state to start."
CLOSE_CONTEXT = "Invalid current CONTEXT state to close."
NO_WAIT = "Cannot cancel a WAIT that does not exist or has already completed."
EXISTS = {
    "CONTEXT": "Cannot start a CONTEXT that already exist.",
    "WAIT": "Cannot start a WAIT that already exist.",
    "CALLBACK": "Cannot start a CALLBACK that already exist.",
    "CHAINED_INVOKE": "Cannot start a CHAINED_INVOKE operation that already exists.",
}
WRONG = "Invalid action for the given operation type."
STATUSES = [NEW, *(status.value for status in OperationStatus)]
ACTIONS = ["START", "SUCCEED", "FAIL", "RETRY", "CANCEL"]

# (type, action) -> what follows from each status; the others are refused with the message under "else".
TABLE: dict[tuple[str, str], dict[str | None, str]] = {
    ("STEP", "START"): {NEW: "STARTED", "READY": "STARTED", "else": START_STEP},
    ("STEP", "SUCCEED"): {NEW: "SUCCEEDED", "STARTED": "SUCCEEDED", "READY": "SUCCEEDED", "else": CLOSE_STEP},
    ("STEP", "FAIL"): {NEW: "FAILED", "STARTED": "FAILED", "READY": "FAILED", "else": CLOSE_STEP},
    ("STEP", "RETRY"): {NEW: "PENDING", "STARTED": "PENDING", "READY": "PENDING", "else": RETRY_STEP},
    ("CONTEXT", "START"): {NEW: "STARTED", "else": EXISTS["CONTEXT"]},
    ("CONTEXT", "SUCCEED"): {NEW: "SUCCEEDED", "STARTED": "SUCCEEDED", "else": CLOSE_CONTEXT},
    ("CONTEXT", "FAIL"): {NEW: "FAILED", "STARTED": "FAILED", "else": CLOSE_CONTEXT},
    ("WAIT", "START"): {NEW: "STARTED", "else": EXISTS["WAIT"]},
    ("WAIT", "CANCEL"): {"STARTED": "CANCELLED", "else": NO_WAIT},
    ("CALLBACK", "START"): {NEW: "STARTED", "else": EXISTS["CALLBACK"]},
    ("CHAINED_INVOKE", "START"): {NEW: "STARTED", "else": EXISTS["CHAINED_INVOKE"]},
}
FIELDS = {
    ("STEP", "RETRY"): {"next_attempt_delay_seconds": 5},
    ("WAIT", "START"): {"wait_seconds": 5},
    ("CHAINED_INVOKE", "START"): {"function_name": "known"},
}
CELLS = list(product(["STEP", "CONTEXT", "WAIT", "CALLBACK", "CHAINED_INVOKE"], ACTIONS, STATUSES))


def existing(kind: str, status: str | None, id: str = "a") -> dict[str, Operation]:
    if status is None:
        return {}
    return {id: Operation(id, OperationType(kind), OperationStatus(status), started_at=EARLIER)}


def run(operations: dict[str, Operation], *updates: object) -> Batch:
    return apply(operations, updates, NOW, SCOPE)  # type: ignore[arg-type]  # short calls in tables


def refusal(operations: dict[str, Operation], *updates: object) -> str:
    with pytest.raises(ServiceError) as refused:
        run(operations, *updates)
    assert (refused.value.status_code, refused.value.code) == (400, "InvalidParameterValueException")
    return refused.value.message


@pytest.mark.parametrize(("kind", "action", "status"), CELLS)
def test_every_action_on_every_operation_in_every_status(kind, action, status):
    """Each cell of the table leads to the status it says, or is refused with the message it says."""
    row = TABLE.get((kind, action), {"else": WRONG})
    expected = row.get(status, row["else"])
    wanted = update(kind, action, **FIELDS.get((kind, action), {}))
    if expected in OperationStatus.__members__:
        assert run(existing(kind, status), wanted).operations["a"].status.value == expected
    else:
        assert refusal(existing(kind, status), wanted) == expected


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("Cannot provide a Payload for FAIL action.", update("STEP", "FAIL", payload="1")),
        ("Cannot provide an Error for SUCCEED action.", update("CONTEXT", "SUCCEED", error=ErrorObject("e"))),
        ("Invalid StepOptions for the given action.", update("STEP", "RETRY")),
        (
            "Cannot provide both error and payload to RETRY a STEP.",
            update("STEP", "RETRY", error=ErrorObject("e"), payload="1", next_attempt_delay_seconds=1),
        ),
        ("Invalid WaitOptions for the given action.", update("WAIT", "START")),
        (
            "Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.",
            update("CHAINED_INVOKE", "START"),
        ),
        (
            "Error object size must be less than 32768 bytes.",
            update("STEP", "FAIL", error=ErrorObject("x" * 33_000)),
        ),
        (
            "CHAINED_INVOKE input payload size must be less than or equal to 1048576 bytes.",
            update("CHAINED_INVOKE", "START", function_name="known", payload="x" * 1_048_577),
        ),
        (
            "TenantId must be 1 to 256 characters matching [a-zA-Z0-9._:/=+-@ ].",
            update("CHAINED_INVOKE", "START", function_name="known", tenant_id="#"),
        ),
        ("Invalid parent operation id.", update("STEP", "START", parent_id="nobody")),
    ],
)
def test_malformed_updates_are_refused(message, wanted):
    """An update that brings too much, too little or too long is refused, with the emulator's words."""
    assert refusal({}, wanted) == message


@pytest.mark.parametrize(
    "wanted",
    [
        update("STEP", "START", "x" * 65),
        update("STEP", "START", "no spaces"),
        update("STEP", "START", name="x" * 257),
        update("STEP", "START", name=""),
        update("STEP", "START", name="naïve"),
        update("STEP", "START", sub_type="x" * 33),
        update("STEP", "SUCCEED", payload="é" * 3_145_729),
        update("WAIT", "START", wait_seconds=0),
        update("WAIT", "START", wait_seconds=31_622_401),
        update("STEP", "RETRY", next_attempt_delay_seconds=0),
        update("CALLBACK", "START", timeout_seconds=100_000_000),
        update("CALLBACK", "START", heartbeat_timeout_seconds=-1),
        update("CHAINED_INVOKE", "START", function_name="no such name"),
    ],
)
def test_the_bounds_of_the_service_model_hold(wanted):
    """Names, ids, sizes and durations outside the bounds of the API's model are refused."""
    assert refusal({}, wanted)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        ("Inconsistent operation subtype.", {"sub_type": "Other"}),
        ("Inconsistent operation name.", {"name": "other"}),
        ("Inconsistent parent operation id.", {"parent_id": "p"}),
    ],
)
def test_an_operation_keeps_its_identity(message, fields):
    """An update that calls an operation by another name, subtype or parent is refused."""
    operations = existing("STEP", "STARTED") | existing("CONTEXT", "STARTED", "p")
    assert refusal(operations, update("STEP", "SUCCEED", **fields)) == message


def test_an_operation_keeps_its_type():
    """A wait cannot become a step."""
    assert refusal(existing("WAIT", "STARTED"), update("STEP", "SUCCEED")) == "Inconsistent operation type."


def test_what_an_update_leaves_out_stays():
    """The end of a step need not repeat its name, subtype and parent."""
    context = update("CONTEXT", "START", "p")
    start = update("STEP", "START", name="n", sub_type="Step", parent_id="p")
    done = run({}, context, start, update("STEP", "SUCCEED", payload="1")).operations["a"]
    assert (done.name, done.sub_type, done.parent_id, done.result) == ("n", "Step", "p", "1")
    assert (done.started_at, done.ended_at) == (NOW, NOW)


@pytest.mark.parametrize("kind", ["STEP", "CONTEXT"])
def test_a_step_or_context_may_start_and_end_in_one_batch(kind):
    """START and one other action of the same id may share a batch, and no third."""
    start, end = update(kind, "START"), update(kind, "SUCCEED")
    assert run({}, start, end).operations["a"].status is OperationStatus.SUCCEEDED
    assert refusal({}, start, end, end) == "Cannot checkpoint multiple operations with the same ID."
    assert refusal({}, start, start) == "Cannot checkpoint multiple operations with the same ID."


def test_a_wait_may_not_start_and_end_in_one_batch():
    """The same id twice in a batch is for steps and contexts alone."""
    start = update("WAIT", "START", wait_seconds=1)
    expected = "Cannot checkpoint multiple operations with the same ID."
    assert refusal({}, start, update("WAIT", "CANCEL")) == expected


def test_a_parent_is_a_context_that_is_known():
    """A context of the same batch or of the history is a parent, finished or not; nothing else is."""
    child = update("STEP", "START", parent_id="p")
    assert run({}, update("CONTEXT", "START", "p"), child)
    assert run(existing("CONTEXT", "SUCCEEDED", "p"), child)
    assert refusal(existing("STEP", "STARTED", "p"), child) == "Invalid parent operation id."
    assert refusal({}, child, update("CONTEXT", "START", "p")) == "Invalid parent operation id."
    assert refusal({}, update("CONTEXT", "SUCCEED", "p"), child) == "Invalid parent operation id."


def test_the_execution_ends_last_and_once():
    """An EXECUTION update is the last of its batch and the only one, and SUCCEEDs or FAILs."""
    end, step = update("EXECUTION", "SUCCEED", "e", payload="1"), update("STEP", "START")
    assert run({}, step, end).end is end
    assert refusal({}, end, step) == "EXECUTION checkpoint must be the last update."
    assert refusal({}, end, end) == "Cannot checkpoint multiple EXECUTION updates."
    assert refusal({}, update("EXECUTION", "START", "e")) == WRONG


def test_a_refused_batch_changes_nothing():
    """What was given is what remains when the last update of a batch is refused."""
    operations = existing("STEP", "STARTED")
    before = dict(operations)
    assert refusal(operations, update("STEP", "SUCCEED"), update("WAIT", "CANCEL", "b")) == NO_WAIT
    assert operations == before


def test_attempts_are_counted_when_they_end():
    """RETRY, SUCCEED and FAIL each add an attempt; START adds none, and keeps a condition's state."""
    pending = run({}, update("STEP", "RETRY", payload="s", next_attempt_delay_seconds=9)).operations["a"]
    assert (pending.attempt, pending.next_attempt_at) == (1, NOW + timedelta(seconds=9))
    ready = {"a": Operation("a", OperationType.STEP, OperationStatus.READY, attempt=1, result="s")}
    started = run(ready, update("STEP", "START")).operations
    assert (started["a"].attempt, started["a"].result) == (1, "s")
    assert run(started, update("STEP", "SUCCEED", payload="t")).operations["a"].attempt == 2


def test_a_wait_knows_its_end_and_a_callback_its_id():
    """A wait gets the time of its end, a callback the id under which it is completed."""
    batch = run({}, update("WAIT", "START", "w", wait_seconds=60), update("CALLBACK", "START", "c"))
    assert batch.operations["w"].ends_at == NOW + timedelta(seconds=60)
    assert batch.operations["c"].callback_id == "callback-c"


@pytest.mark.parametrize(
    "name", ["known", "known:$LATEST", "arn:aws:lambda:eu-west-1:123456789012:function:known:7"]
)
def test_a_function_is_found_by_name_or_arn(name):
    """An invoke's function may be given as a name, with a qualifier, or as an ARN."""
    invoked = run({}, update("CHAINED_INVOKE", "START", function_name=name)).operations["a"]
    assert invoked.status is OperationStatus.STARTED


def test_an_unknown_function_fails_in_the_response():
    """An invoke of a function that does not exist is FAILED at once; the batch is not refused."""
    failed = run({}, update("CHAINED_INVOKE", "START", function_name="unknown")).operations["a"]
    assert (failed.status, failed.error) == (
        OperationStatus.FAILED,
        ErrorObject("Function not found", "NotFound"),
    )
