"""The history as GetDurableExecutionHistory has it: its events, its payloads, its pages."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from durably.actors.model import ErrorObject, OperationStatus, OperationUpdate
from durably.workflows.local import LocalService, SkippingClock
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.event_wire import history_page, whole_history
from durably.workflows.local.executions import Execution
from durably.workflows.local.records import ExecutionRecord, InvocationRecord, make_arn, new_execution
from durably.workflows.local.sqlite_store import SqliteStore
from durably.workflows.local.store import MemoryStore, Store
from tests.local.scripted import PENDING, retry, scripted, step_done, succeeded, update, wait
from tests.local.test_emulator import theirs

START = datetime(2025, 1, 1, tzinfo=UTC)
NO_FUNCTION = ErrorObject("Function not found: none.", "ResourceNotFoundException")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "x.db")
    yield opened
    opened.close()


class Traffic:
    """An execution in a store, and a clock that moves a second with every call."""

    def __init__(self, store: Store, timeout_seconds: int | None = 3600, name: str = "n") -> None:
        self.store = store
        self.clock = SkippingClock(START)
        record = ExecutionRecord(make_arn("f", name, "the-id"), name, "f", timeout_seconds=timeout_seconds)
        stored = new_execution(record, '{"a": 1}', self.clock.now())
        store.create(stored, self.clock.now())
        self.execution = Execution(
            stored, self.clock, store, lambda name: NO_FUNCTION if name == "none" else None
        )
        self.arn = record.arn
        self.began = START

    def begin(self) -> None:
        self.began = self.clock.now()
        self.token = self.execution.begin().token

    def send(self, *updates: OperationUpdate) -> None:
        self.token = self.execution.checkpoint(self.token, updates).token or ""

    def end(self, error: ErrorObject | None = None) -> None:
        record = InvocationRecord("request", self.began, self.clock.now(), error)
        self.execution.end_invocation(record)

    def events(self, **options: Any) -> list[dict[str, Any]]:
        return whole_history(self.store, self.arn, **options)["Events"]

    def last(self) -> dict[str, Any]:
        return self.events()[-1]


def details(event: dict[str, Any]) -> Any:
    return event[event["EventType"] + "Details"]


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["EventType"] for event in events]


# What each event says


def test_a_retried_step_tells_of_every_attempt(store):
    """A failed attempt has its number and the delay; the last one has its number alone."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("STEP", "START", "s", sub_type="Step", name="fetch"), retry("s", 5))
    traffic.end()
    traffic.clock.advance(5)
    traffic.begin()
    traffic.send(update("STEP", "START", "s"), step_done("s", '"done"'))
    failed, ended, again, done = traffic.events()[2:]
    assert failed["EventType"] == "StepFailed"
    assert (failed["Id"], failed["Name"], failed["SubType"]) == ("s", "fetch", "Step")
    assert details(failed) == {
        "Error": {"Payload": {"ErrorMessage": "no", "ErrorType": "ValueError"}, "Truncated": False},
        "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 5},
    }
    assert (ended["EventType"], again["EventType"]) == ("InvocationCompleted", "StepStarted")
    assert done["EventType"] == "StepSucceeded"
    assert details(done) == {
        "Result": {"Payload": '"done"', "Truncated": False},
        "RetryDetails": {"CurrentAttempt": 2},
    }


def test_a_condition_that_is_asked_again_has_succeeded(store):
    """An attempt that leaves a state is a StepSucceeded with that state and the delay."""
    traffic = Traffic(store)
    traffic.begin()
    again = update("STEP", "RETRY", "s", payload="1", next_attempt_delay_seconds=9)
    traffic.send(update("STEP", "START", "s", sub_type="WaitForCondition"), again)
    assert traffic.last()["EventType"] == "StepSucceeded"
    assert details(traffic.last()) == {
        "Result": {"Payload": "1", "Truncated": False},
        "RetryDetails": {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 9},
    }


def test_a_wait_tells_how_long_it_is(store):
    """WaitStarted has the duration and the scheduled end, WaitSucceeded the duration again."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(wait("w", 60))
    assert details(traffic.last()) == {"Duration": 60, "ScheduledEndTimestamp": START.timestamp() + 60}
    traffic.clock.advance(90)
    traffic.execution.elapse()
    assert traffic.last()["EventType"] == "WaitSucceeded"
    assert details(traffic.last()) == {"Duration": 60}


def test_a_cancelled_wait_is_told(store):
    """WaitCancelled has no duration."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(wait("w", 60))
    traffic.send(update("WAIT", "CANCEL", "w"))
    assert traffic.last()["EventType"] == "WaitCancelled"
    assert details(traffic.last()) == {}


def test_a_callback_tells_its_id_and_timeouts(store):
    """CallbackStarted has what the outside world needs, and the end what it said."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("CALLBACK", "START", "c", timeout_seconds=99, heartbeat_timeout_seconds=0))
    begun = details(traffic.last())
    assert begun == {"CallbackId": traffic.execution.operations["c"].callback_id, "Timeout": 99}
    traffic.execution.settle("c", OperationStatus.SUCCEEDED, "yes")
    assert traffic.last()["EventType"] == "CallbackSucceeded"
    assert details(traffic.last()) == {"Result": {"Payload": "yes", "Truncated": False}}


def test_a_callback_that_times_out_has_the_error_of_it(store):
    """CallbackTimedOut says which of the two timeouts it was."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("CALLBACK", "START", "c", timeout_seconds=9, heartbeat_timeout_seconds=0))
    traffic.clock.advance(9)
    traffic.execution.elapse()
    assert traffic.last()["EventType"] == "CallbackTimedOut"
    assert details(traffic.last())["Error"]["Payload"]["ErrorType"] == "Callback.Timeout"


def test_an_invoke_tells_whom_it_has_started(store):
    """ChainedInvokeStarted has the function, the input and the ARN of the execution that it began."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("CHAINED_INVOKE", "START", "i", function_name="g", payload="1"))
    begun = details(traffic.last())
    assert begun["DurableExecutionArn"].startswith("arn:aws:lambda:local:000000000000:function:g:$LATEST/")
    assert (begun["FunctionName"], begun["ExecutedVersion"]) == ("g", "$LATEST")
    assert begun["Input"] == {"Payload": "1", "Truncated": False}
    traffic.execution.settle("i", OperationStatus.STOPPED, None, ErrorObject("stopped"))
    assert traffic.last()["EventType"] == "ChainedInvokeStopped"
    assert details(traffic.last())["Error"]["Payload"] == {"ErrorMessage": "stopped"}


def test_an_invoke_of_no_function_has_started_and_failed(store):
    """Both events are there; of what it was to be given nothing was kept."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("CHAINED_INVOKE", "START", "i", function_name="none", payload="1"))
    begun, failed = traffic.events()[1:]
    assert types([begun, failed]) == ["ChainedInvokeStarted", "ChainedInvokeFailed"]
    assert details(begun) == {"FunctionName": "none"}
    assert details(failed)["Error"]["Payload"]["ErrorType"] == "ResourceNotFoundException"


def test_an_invocation_that_raised_has_its_error(store):
    """InvocationCompleted has the request, both times, and the error if there was one."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.clock.advance(2)
    traffic.end(ErrorObject("no", "OSError"))
    assert traffic.last()["EventType"] == "InvocationCompleted"
    assert "Id" not in traffic.last()
    assert details(traffic.last()) == {
        "StartTimestamp": START.timestamp(),
        "EndTimestamp": START.timestamp() + 2,
        "RequestId": "request",
        "Error": {"Payload": {"ErrorMessage": "no", "ErrorType": "OSError"}, "Truncated": False},
    }


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (OperationStatus.FAILED, "ExecutionFailed"),
        (OperationStatus.TIMED_OUT, "ExecutionTimedOut"),
        (OperationStatus.STOPPED, "ExecutionStopped"),
    ],
)
def test_an_execution_without_a_result_has_its_error(store, status, name):
    """However it ends, the last event says so and why."""
    traffic = Traffic(store)
    traffic.execution.finish(status, error=ErrorObject("why", "Error"))
    assert traffic.last()["EventType"] == name
    assert details(traffic.last())["Error"]["Payload"] == {"ErrorMessage": "why", "ErrorType": "Error"}


def test_the_first_event_is_the_execution(store):
    """ExecutionStarted is number 1, with input and timeout; without a timeout that is 0."""
    first = Traffic(store).events()[0]
    assert (first["EventType"], first["EventId"], first["Id"], first["Name"]) == (
        "ExecutionStarted",
        1,
        "the-id",
        "n",
    )
    assert first["EventTimestamp"] == START.timestamp()
    assert details(first) == {"Input": {"Payload": '{"a": 1}', "Truncated": False}, "ExecutionTimeout": 3600}
    assert details(Traffic(MemoryStore(), None).events()[0])["ExecutionTimeout"] == 0


def test_without_execution_data_there_are_no_payloads(store):
    """Inputs, results and errors are left out, and marked as truncated."""
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(update("STEP", "START", "s"), retry("s", 5))
    traffic.send(update("CONTEXT", "START", "c"), update("CONTEXT", "SUCCEED", "c", payload="secret"))
    traffic.end(ErrorObject("secret"))
    text = json.dumps(traffic.events(include_execution_data=False))
    assert "Payload" not in text
    assert "secret" not in text
    assert text.count('{"Truncated": true}') == 4


# An execution of the service


def test_the_handle_gives_the_history_as_json():
    """The end of an invocation precedes the end of the execution, as at AWS."""

    def handler(invocation: Any) -> Any:
        if invocation.status("w") is None:
            invocation.send(wait("w", 60))
            return PENDING
        return succeeded("1")

    with LocalService(clock=SkippingClock(), invoker=scripted) as service:
        execution = service.start(handler)
        execution.result(timeout=10)
        history = json.loads(json.dumps(execution.history_json()))
    assert types(history["Events"]) == [
        "ExecutionStarted",
        "WaitStarted",
        "InvocationCompleted",
        "WaitSucceeded",
        "InvocationCompleted",
        "ExecutionSucceeded",
    ]
    assert [event["EventId"] for event in history["Events"]] == [1, 2, 3, 4, 5, 6]


# Pages


def pages(store: Store, arn: str, **options: Any) -> list[list[int]]:
    found: list[list[int]] = []
    marker = None
    while True:
        page = history_page(store, arn, marker=marker, **options)
        found.append([event["EventId"] for event in page["Events"]])
        marker = page.get("NextMarker")
        if marker is None:
            return found


def with_steps(store: Store, count: int) -> str:
    traffic = Traffic(store)
    traffic.begin()
    traffic.send(*[step_done(f"s{index}") for index in range(count)])
    return traffic.arn


def test_a_history_comes_in_pages(store):
    """Each page begins where the one before has ended; the last one has no marker."""
    arn = with_steps(store, 6)
    assert pages(store, arn, max_items=3) == [[1, 2, 3], [4, 5, 6], [7]]
    assert pages(store, arn, max_items=7) == [[1, 2, 3, 4, 5, 6, 7]]


def test_a_history_comes_backwards(store):
    """In reverse order the newest event is first, and pages go on towards the oldest."""
    arn = with_steps(store, 6)
    assert pages(store, arn, max_items=3, reverse_order=True) == [[7, 6, 5], [4, 3, 2], [1]]
    assert pages(store, arn, max_items=7, reverse_order=True) == [[7, 6, 5, 4, 3, 2, 1]]


def test_a_page_holds_a_hundred_events(store):
    """Unless more or fewer are asked for; 0 is no number that is asked for."""
    arn = with_steps(store, 150)
    assert [len(page) for page in pages(store, arn)] == [100, 51]
    assert [len(page) for page in pages(store, arn, max_items=0)] == [100, 51]


@pytest.mark.parametrize(
    "options", [{"max_items": 1001}, {"max_items": -1}, {"marker": "x"}, {"marker": "0"}]
)
def test_what_no_page_can_be_is_refused(store, options):
    """Numbers out of bounds and markers that no page has named are answered with 400."""
    arn = with_steps(store, 1)
    with pytest.raises(ServiceError) as refusal:
        history_page(store, arn, **options)
    assert refusal.value.status_code == 400


def test_the_history_of_no_execution_is_not_found(store):
    """An unknown ARN is answered with 404."""
    with pytest.raises(ServiceError) as refusal:
        history_page(store, make_arn("f", "nobody"))
    assert refusal.value.status_code == 404


# Beside AWS


def test_boto3_takes_every_event(store):
    """What the service's model says of each event is what it has: every member known, none missing."""
    traffic = Traffic(store)
    everything(traffic)
    client = boto3.client("lambda", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
    history = whole_history(store, traffic.arn)
    with Stubber(client) as stub:
        stub.add_response("get_durable_execution_history", with_datetimes(history))
        answer = client.get_durable_execution_history(DurableExecutionArn=traffic.arn)
    shape = client.meta.service_model.operation_model("GetDurableExecutionHistory").output_shape
    for event in answer["Events"]:
        member = shape.members["Events"].member.members[event["EventType"] + "Details"]
        for required in member.required_members:
            assert required in details(event), event["EventType"]


def everything(traffic: Traffic) -> None:
    traffic.begin()
    traffic.send(update("CONTEXT", "START", "p", sub_type="Map"), step_done("s"), wait("w", 1), wait("x", 99))
    traffic.send(update("CONTEXT", "FAIL", "p", error=ErrorObject("e")), update("WAIT", "CANCEL", "x"))
    traffic.send(update("STEP", "START", "t"), retry("t", 1), update("CALLBACK", "START", "c"))
    traffic.send(update("CALLBACK", "START", "d", timeout_seconds=1))
    traffic.send(update("CHAINED_INVOKE", "START", "i", function_name="g", payload="1"))
    traffic.send(update("CHAINED_INVOKE", "START", "j", function_name="none", payload="1"))
    traffic.execution.settle("c", OperationStatus.FAILED, None, ErrorObject("no"))
    traffic.execution.settle("i", OperationStatus.TIMED_OUT, None, ErrorObject("late"))
    traffic.end(ErrorObject("crash"))
    traffic.clock.advance(5)
    traffic.execution.elapse()
    traffic.execution.finish(OperationStatus.SUCCEEDED, "1")


def with_datetimes(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: datetime.fromtimestamp(each, UTC) if key.endswith("Timestamp") else with_datetimes(each)
            for key, each in value.items()
        }
    return [with_datetimes(each) for each in value] if isinstance(value, list) else value


class Author:
    """Writes what an SDK sends: each operation begins, may be put off, and ends."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.count = 0
        self.open: dict[str, OperationUpdate] = {}
        self.ready: set[str] = set()

    def updates(self) -> list[OperationUpdate]:
        chosen = self.rng.sample(sorted(self.open), min(len(self.open), self.rng.choice([0, 1, 2])))
        found = [self._next(self.open[each]) for each in chosen]
        found += [self._begin() for _ in range(self.rng.choice([0, 0, 1, 2]))]
        return [*found, self._begin(last=True)]

    def _begin(self, *, last: bool = False) -> OperationUpdate:
        self.count += 1
        kind = self.rng.choice(["STEP", "STEP", "CONTEXT", "WAIT", "CALLBACK", "CHAINED_INVOKE"])
        contexts = [each.id for each in self.open.values() if each.type.value == "CONTEXT"]
        begun = update(
            kind,
            "START",
            f"op{self.count:03}",
            sub_type="Sub",
            name=self.rng.choice([None, f"n{self.count}"]),
            parent_id=self.rng.choice([None, *contexts]),
            wait_seconds=self.rng.choice([2, 7]) if kind == "WAIT" else None,
            function_name=self.rng.choice(["g", "none"] if last else ["g"])
            if kind == "CHAINED_INVOKE"
            else None,
            payload='"in"' if kind == "CHAINED_INVOKE" else None,
        )
        if kind in ("STEP", "CONTEXT"):
            self.open[begun.id] = begun
        return begun

    def _next(self, begun: OperationUpdate) -> OperationUpdate:
        which, kind = begun.id, begun.type.value
        if which in self.ready:
            self.ready.discard(which)
            return update(kind, "START", which, sub_type="Sub", name=begun.name, parent_id=begun.parent_id)
        named = {"sub_type": "Sub", "name": begun.name, "parent_id": begun.parent_id}
        action = self.rng.choice(["SUCCEED", "FAIL", "RETRY"] if kind == "STEP" else ["SUCCEED", "FAIL"])
        if action == "RETRY":
            self.ready.add(which)
            lasting = {"error": ErrorObject("e")} if self.rng.random() < 0.5 else {"payload": "1"}
            return update(kind, action, which, **named, **lasting, next_attempt_delay_seconds=1)
        del self.open[which]
        ending = {"payload": f'"{which}"'} if action == "SUCCEED" else {"error": ErrorObject("e")}
        return update(kind, action, which, **named, **ending)


def comparable(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Both without what the emulator leaves out: an event's own words are tested above.

    It says nothing of an invocation, has no retry details for a success, no payload for a condition that
    is asked again, a delay of 0 for a failure for good, and nothing of the execution that an invoke has
    begun. It calls every error truncated, and tells the failure of an invoke that it has refused after
    the rest of its batch.
    """
    found: list[dict[str, Any]] = []
    for event in events:
        kept = {key: value for key, value in event.items() if key != "EventTimestamp" and value is not None}
        inner = dict(kept.get(kept["EventType"] + "Details", {}))
        for key in ("ScheduledEndTimestamp", "CallbackId", "ExecutedVersion", "DurableExecutionArn"):
            inner.pop(key, None)
        if "Error" in inner:
            inner["Error"] = inner["Error"].get("Payload")
        if kept["EventType"] == "StepSucceeded":
            if inner.pop("RetryDetails", {}).get("NextAttemptDelaySeconds"):
                inner.pop("Result")
        elif kept["EventType"] == "StepFailed":
            delay = inner["RetryDetails"].get("NextAttemptDelaySeconds")
            inner["RetryDetails"] = (inner["RetryDetails"]["CurrentAttempt"], delay or None)
        elif kept["EventType"] == "InvocationCompleted":
            inner = {}
        found.append({**kept, kept["EventType"] + "Details": inner})
    return found


@pytest.mark.parametrize("seed", range(60))
def test_the_history_is_the_one_of_the_emulator(seed):
    """Whatever an SDK sends, both services tell the same events, with the same ids, in the same order."""
    package = "aws_durable_execution_sdk_python_testing"
    core = pytest.importorskip(f"{package}.checkpoint.core")
    transformer = pytest.importorskip(f"{package}.checkpoint.transformer")
    emulated = pytest.importorskip(f"{package}.execution")
    emulator_model = pytest.importorskip(f"{package}.model")
    wire = pytest.importorskip("aws_durable_execution_sdk_python.lambda_service")
    names = ["account_id", "function_name", "function_qualifier"]
    their_execution = emulated.Execution.new(
        emulator_model.StartDurableExecutionInput(
            **dict.fromkeys(names, "x"),
            execution_name="n",
            invocation_id="the-id",
            input='{"a": 1}',
            execution_timeout_seconds=3600,
            execution_retention_period_days=1,
        )
    )
    their_execution.start(START)
    error = wire.ErrorObject(NO_FUNCTION.message, NO_FUNCTION.type, None, None)
    dispatcher = transformer.CheckpointRequestDispatcher(
        chained_invoke_preflight=lambda name: error if name == "none" else None
    )
    traffic = Traffic(MemoryStore())
    author = Author(random.Random(seed))
    for _ in range(4):
        began = traffic.clock.now()
        traffic.begin()
        for _ in range(2):
            # Of what happens in one instant the emulator tells the updates first: so time passes apart.
            for _ in range(6):
                traffic.clock.advance(0.5)
                traffic.execution.elapse()
                their_execution.complete_due_operations(traffic.clock.now())
            traffic.clock.advance(0.5)
            updates = author.updates()
            now = traffic.clock.now()
            core.CheckpointCore.apply(
                their_execution, "token", [theirs(each) for each in updates], None, dispatcher, now
            )
            traffic.send(*updates)
        traffic.clock.advance(1)
        traffic.end()
        their_execution.record_invocation_completion(began, traffic.clock.now(), "request")
    assert comparable(traffic.events()) == comparable(their_history(their_execution, traffic.clock.now()))


def their_history(execution: Any, now: datetime) -> list[dict[str, Any]]:
    from aws_durable_execution_sdk_python_testing.executor import Executor
    from aws_durable_execution_sdk_python_testing.stores.memory import InMemoryExecutionStore

    held = InMemoryExecutionStore()
    held.save(execution)
    nothing: Any = None
    executor = Executor(held, nothing, nothing, nothing)
    answer = executor.get_execution_history(
        execution.durable_execution_arn, include_execution_data=True, max_items=1000
    )
    return answer.to_dict()["Events"]
