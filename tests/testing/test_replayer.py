"""The replayer: it accepts the code that was recorded, and names every change that is not deterministic."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from durably.workflows import (
    ChildConfig,
    CompletionConfig,
    DurableContext,
    Duration,
    ExecutionError,
    MapConfig,
    StepConfig,
    create_retry_strategy,
    durable_execution,
)
from durably.workflows.config import NestingType
from durably.workflows.local import LocalService, SkippingClock
from durably.workflows.testing.replayer import (
    Divergence,
    DivergenceKind,
    HistoryError,
    ReplayError,
    ReplayReport,
    replay,
    replay_all,
)
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.testing import workflows
from tests.testing.twins import official, official_runner

Workflow = Callable[[Any, DurableContext], Any]


def record(workflow: Workflow, event: Any = None, *, answers: dict[str, str] | None = None) -> dict[str, Any]:
    """The history of an execution; `answers` has the results of callbacks by name."""
    with LocalService(clock=SkippingClock()) as service:
        service.register("double", lambda event, _: event * 2, durable=False)
        execution = service.start(durable_execution(workflow), event)
        assert service.wait_until_idle(20)
        for callback in execution.callbacks():
            name = (callback.name or "").removesuffix(" create callback id")
            if name in (answers or {}):
                service.succeed_callback(callback.callback_id, (answers or {})[name])
        assert service.wait_until_idle(20)
        return json.loads(json.dumps(execution.history_json()))


def replayed(workflow: Workflow, history: Any, **options: Any) -> ReplayReport:
    return replay(durable_execution(workflow), history, **options)


def only(report: ReplayReport) -> Divergence:
    assert len(report.divergences) == 1, str(report)
    return report.divergences[0]


def never(*_: Any) -> Any:
    raise AssertionError("a replay runs no step")


# ------------------------------------------------------------------ code that has not changed


def order(event: Any, context: DurableContext) -> Any:
    paid = context.step(lambda _: event, name="charge")
    context.wait(Duration.from_hours(1), name="pause")
    sent = context.step(lambda _: f"sent {paid}", name="send")
    return {"sent": sent}


ORDER = record(order, 7)


def everything(event: Any, context: DurableContext) -> Any:
    attempts: list[int] = []

    def flaky(step: Any) -> int:
        attempts.append(step.attempt)
        if step.attempt < 3:
            raise OSError("not yet")
        return step.attempt

    def branch(inner: DurableContext, item: int, index: int, items: Any) -> Any:
        if item == 1:
            inner.wait(Duration.from_minutes(5))
        return inner.step(lambda _: item * 10, name="tenfold")

    def failing(inner: DurableContext) -> Any:
        inner.step(lambda _: 1, name="before")
        raise ValueError("no")

    def large(inner: DurableContext) -> str:
        return inner.step(lambda _: "x", name="letter") * 300_000

    retried = context.step(flaky, name="flaky", config=StepConfig(retry_strategy=create_retry_strategy()))
    answer = context.wait_for_callback(lambda callback_id, _: None, name="approval")
    doubled = context.invoke("double", 21, name="twice")
    looked = context.wait_for_condition(lambda state, _: state + 1, until(3), name="look")
    mapped = context.map([0, 1, 2], branch, name="all")
    flat = context.map([3, 4], branch, name="flat", config=MapConfig(nesting_type=NestingType.FLAT))
    both = context.parallel([lambda c: c.step(lambda _: 1, name="l"), failing], name="both")
    size = len(context.run_in_child_context(large, name="large"))
    try:
        context.run_in_child_context(failing, name="failing")
    except Exception as error:
        caught = type(error).__name__
    future = context.deferred.step(lambda _: 5, name="deferred")
    context.wait(Duration.from_seconds(2))
    total = [item.result for item in mapped.all] + [item.result for item in flat.all]
    return [retried, answer, doubled, looked, total, len(both.all), size, caught, future.result()]


def until(limit: int) -> Any:
    def decide(state: int, _attempt: int) -> Any:
        if state >= limit:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_seconds(1))

    return WaitForConditionConfig(decide, 0)


EVERYTHING = record(everything, answers={"approval": '"yes"'})


@pytest.mark.parametrize(("workflow", "history"), [(order, ORDER), (everything, EVERYTHING)])
def test_the_code_that_was_recorded_is_ok(workflow, history):
    """Every operation there is, at every pause and at the end."""
    assert history["Events"][-1]["EventType"] == "ExecutionSucceeded"
    report = replayed(workflow, history)
    assert report.ok, str(report)
    pauses = sum(event["EventType"] == "InvocationCompleted" for event in history["Events"])
    assert report.replays == pauses + 1
    report.check()


def test_no_step_runs():
    """The bodies of steps may do anything: they are not called."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.step(never, name="charge")
        context.wait(Duration.from_hours(1), name="pause")
        return {"sent": context.step(never, name="send")}

    assert replayed(changed, ORDER).ok


def test_no_step_runs_that_was_never_recorded():
    """Nor are those of new steps, however the workflow calls them."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.deferred.step(never, name="new")
        return context.parallel([lambda c: c.step(never, name="new too")] * 3)

    assert not replayed(changed, ORDER).ok


def test_an_execution_that_goes_on_may_do_more():
    """What the code does beyond what was recorded is what it would do next."""

    def started(event: Any, context: DurableContext) -> Any:
        context.step(lambda _: 1, name="charge")
        return context.create_callback(name="answer").result()

    history = record(started)
    assert history["Events"][-1]["EventType"] == "InvocationCompleted"
    assert replayed(started, history).ok


def test_a_failed_execution_fails_again():
    """The same error is the same result."""

    def failing(event: Any, context: DurableContext) -> Any:
        context.step(lambda _: 1, name="charge")
        raise ValueError("no money")

    history = record(failing)
    assert replayed(failing, history).ok


def test_a_step_that_was_interrupted_is_not_run_again():
    """A history may end in the middle of a step."""
    events = [event for event in ORDER["Events"] if event["EventId"] <= 2]
    assert events[-1]["EventType"] == "StepStarted"

    def changed(event: Any, context: DurableContext) -> Any:
        return context.step(never, name="charge")

    assert replayed(changed, {"Events": events}).ok


def test_a_branch_that_lost_may_end_in_the_replay():
    """A map that was decided early obeys its record, and so does what follows."""

    def quorum(event: Any, context: DurableContext) -> Any:
        def branch(inner: DurableContext, item: int, index: int, items: Any) -> int:
            inner.step(lambda _: item, name="first")
            if item:
                inner.wait(Duration.from_hours(item))
            return inner.step(lambda _: item, name="second")

        enough = MapConfig(completion_config=CompletionConfig(min_successful=2))
        result = context.map([0, 1, 2], branch, name="quorum", config=enough)
        context.wait(Duration.from_days(1))
        return [item.status.value for item in result.all]

    history = record(quorum)
    report = replayed(quorum, history)
    assert report.ok, str(report)


def test_flat_branches_that_lost_may_be_left():
    """What they have done is recorded under the map itself, and is not done again."""

    def quorum(event: Any, context: DurableContext) -> Any:
        def branch(inner: DurableContext, item: int, index: int, items: Any) -> int:
            inner.step(lambda _: item, name=f"first {index}")
            inner.wait(Duration.from_hours(item))
            return item

        enough = CompletionConfig(min_successful=1)
        config = MapConfig(completion_config=enough, nesting_type=NestingType.FLAT)
        return context.map([2, 1], branch, name="quorum", config=config).get_results()

    report = replayed(quorum, record(quorum))
    assert report.ok, str(report)


def test_a_call_that_is_refused_before_it_begins_is_ok():
    """It takes the place of an operation that was never recorded, and user code may catch the error."""

    def workflow(event: Any, context: DurableContext) -> Any:
        try:
            context.invoke("double", {1, 2}, name="a set is no JSON")
        except Exception as error:
            return type(error).__name__

    history = record(workflow)
    assert history["Events"][-1]["ExecutionSucceededDetails"]["Result"]["Payload"] == '"SerDesError"'
    assert replayed(workflow, history).ok


def test_an_execution_that_a_step_has_ended_is_ok():
    """The step has no outcome: what it raised ended the execution, and cannot be known without it."""

    def workflow(event: Any, context: DurableContext) -> Any:
        def body(_: Any) -> None:
            raise ExecutionError("give up")

        context.step(body, name="fatal")

    history = record(workflow)
    assert history["Events"][-1]["EventType"] == "ExecutionFailed"
    assert replayed(workflow, history).ok


def test_an_execution_that_the_service_has_ended_is_ok():
    """It refused a checkpoint for good: what that was to record is not in the history."""
    failed = {
        "EventType": "ExecutionFailed",
        "EventId": 4,
        "Id": ORDER["Events"][0]["Id"],
        "ExecutionFailedDetails": {
            "Error": {"Payload": {"ErrorType": "aws_durable_execution_sdk_python.exceptions.CheckpointError"}}
        },
    }
    assert ORDER["Events"][2]["EventType"] == "StepSucceeded"
    assert replayed(order, [*ORDER["Events"][:3], failed]).ok


def test_a_result_that_is_no_json_fails_again():
    """With an error of the same type."""

    def workflow(event: Any, context: DurableContext) -> Any:
        return {context.step(lambda _: 1)}

    history = record(workflow)
    assert history["Events"][-1]["EventType"] == "ExecutionFailed"
    assert replayed(workflow, history).ok


def test_a_future_that_nobody_awaited_may_be_left():
    """The loser of a race, and what it did, need not be reached again."""

    def racing(event: Any, context: DurableContext) -> Any:
        def slow(inner: DurableContext) -> str:
            inner.step(lambda _: 1, name="a")
            inner.wait(Duration.from_hours(1), name="long")
            return inner.step(lambda _: "slow", name="b")

        def quick(inner: DurableContext) -> str:
            inner.wait(Duration.from_minutes(1), name="short")
            return "quick"

        futures = [
            context.deferred.run_in_child_context(slow, name="slow"),
            context.deferred.run_in_child_context(quick, name="quick"),
        ]
        winner = context.race(futures)
        context.wait(Duration.from_hours(2), name="after")
        return winner

    report = replayed(racing, record(racing))
    assert report.ok, str(report)


def test_a_large_result_with_a_summary_is_rebuilt():
    """What was recorded in its place is no result."""

    def large(event: Any, context: DurableContext) -> Any:
        def text(inner: DurableContext) -> str:
            return inner.step(lambda _: "x", name="letter") * 300_000

        config = ChildConfig(summary_generator=lambda result: f"{len(result)} letters")
        return len(context.run_in_child_context(text, name="large", config=config))

    report = replayed(large, record(large))
    assert report.ok, str(report)


# ------------------------------------------------------------------ code that has changed


def test_a_renamed_step_is_named():
    """What was recorded and what is called now, with the line of the call."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.step(never, name="bill")
        return None

    found = only(replayed(changed, ORDER))
    assert found.kind is DivergenceKind.CHANGED
    assert (found.recorded, found.called, found.name) == ("STEP 'charge'", "STEP 'bill'", "charge")
    assert found.operation_id == ORDER["Events"][1]["Id"]
    line = changed.__code__.co_firstlineno + 1
    assert found.location == f"{__file__}:{line} in changed"


def test_swapped_calls_are_named():
    """The first of the two is where the code goes another way."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.wait(Duration.from_hours(1), name="pause")
        context.step(never, name="charge")
        return {"sent": context.step(never, name="send")}

    found = only(replayed(changed, ORDER))
    assert (found.recorded, found.called) == ("STEP 'charge'", "WAIT 'pause'")


def test_a_removed_step_is_named():
    """Removed at the end it is no longer called; before that the next one comes in its place."""

    def without_last(event: Any, context: DurableContext) -> Any:
        context.step(never, name="charge")
        context.wait(Duration.from_hours(1), name="pause")
        return {"sent": "sent 7"}

    def without_first(event: Any, context: DurableContext) -> Any:
        context.wait(Duration.from_hours(1), name="pause")
        return {"sent": context.step(never, name="send")}

    found = only(replayed(without_last, ORDER))
    assert (found.kind, found.recorded) == (DivergenceKind.REMOVED, "STEP 'send'")
    assert only(replayed(without_first, ORDER)).kind is DivergenceKind.CHANGED


def test_an_added_step_before_a_wait_is_named():
    """It stands where the wait was recorded."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.step(never, name="charge")
        context.step(never, name="check")
        context.wait(Duration.from_hours(1), name="pause")
        return {"sent": context.step(never, name="send")}

    found = only(replayed(changed, ORDER))
    assert (found.recorded, found.called) == ("WAIT 'pause'", "STEP 'check'")


def test_an_added_step_at_the_end_is_named():
    """Nothing was recorded there."""

    def changed(event: Any, context: DurableContext) -> Any:
        result = order(event, context)
        context.step(never, name="thank")
        return result

    found = only(replayed(changed, ORDER))
    assert (found.kind, found.recorded, found.called) == (DivergenceKind.ADDED, "nothing", "STEP 'thank'")


def test_a_changed_type_is_named():
    """A step that became a child context of the same name."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.run_in_child_context(lambda inner: inner.step(never), name="charge")

    found = only(replayed(changed, ORDER))
    assert (found.recorded, found.called) == ("STEP 'charge'", "CONTEXT/RunInChildContext 'charge'")


def mapping(count: int) -> Workflow:
    def workflow(event: Any, context: DurableContext) -> Any:
        def branch(inner: DurableContext, item: int, index: int, items: Any) -> int:
            return inner.step(lambda _: item, name="same")

        return len(context.map(list(range(count)), branch, name="all").all)

    return workflow


@pytest.mark.parametrize(("count", "kind"), [(4, DivergenceKind.ADDED), (2, DivergenceKind.REMOVED)])
def test_another_number_of_branches_is_named(count, kind):
    """More branches than were recorded, or fewer."""
    found = only(replayed(mapping(count), record(mapping(3))))
    assert (found.kind, found.name) == (kind, f"map-item-{min(count, 3)}")
    assert replayed(mapping(3), record(mapping(3))).ok


@pytest.mark.parametrize("where", ["child", "branch", "quorum"])
def test_a_change_inside_a_context_that_is_complete_is_named(where):
    """The service would not run that code again, but an interrupted execution would."""

    def workflow(name: str) -> Workflow:
        def inside(inner: DurableContext, *_: Any) -> int:
            return inner.step(lambda _: 1, name=name)

        def run(event: Any, context: DurableContext) -> Any:
            if where == "child":
                return context.run_in_child_context(inside, name="outer")
            one = MapConfig(completion_config=CompletionConfig(min_successful=1), max_concurrency=1)
            config = None if where == "branch" else one
            return len(context.map([1, 2], inside, name="outer", config=config).all)

        return run

    history = record(workflow("old"))
    assert replayed(workflow("old"), history).ok
    report = replayed(workflow("new"), history)
    assert report.divergences, where
    assert {found.called.split(" in ")[0] for found in report.divergences} == {"STEP 'new'"}


def test_another_result_is_named():
    """Both are in the report, unless results are not to be compared."""

    def changed(event: Any, context: DurableContext) -> Any:
        return {**order(event, context), "by": "air"}

    found = only(replayed(changed, ORDER))
    assert found.kind is DivergenceKind.RESULT
    assert found.recorded == 'it returned {"sent": "sent 7"}'
    assert found.called == 'it returns {"sent": "sent 7", "by": "air"}'
    assert replayed(changed, ORDER, compare_results=False).ok


def test_another_result_of_a_context_is_named():
    """It is the context that is named, with the line that calls it."""

    def workflow(value: int) -> Workflow:
        def run(event: Any, context: DurableContext) -> Any:
            context.run_in_child_context(lambda inner: inner.step(lambda _: 1) * value, name="inner")
            return "done"

        return run

    found = only(replayed(workflow(3), record(workflow(2))))
    assert (found.kind, found.name) == (DivergenceKind.RESULT, "inner")
    assert (found.recorded, found.called) == ("it returned 2", "it returns 3")
    assert found.location is not None
    assert found.location.endswith("in run")


def test_another_error_is_named():
    """A result where there was an error, and an error where there was a result."""

    def changed(event: Any, context: DurableContext) -> Any:
        order(event, context)
        raise ValueError("no")

    found = only(replayed(changed, ORDER))
    assert found.called == "it raises ValueError: no"
    assert only(replayed(order, record(changed, 7))).recorded == "it raised ValueError: no"


def test_a_handler_that_no_longer_waits_is_named():
    """It ends where the recorded code waited for what it had begun."""

    def waiting(event: Any, context: DurableContext) -> Any:
        pause = context.deferred.wait(Duration.from_hours(1), name="pause")
        pause.result()
        return 1

    def changed(event: Any, context: DurableContext) -> Any:
        context.deferred.wait(Duration.from_hours(1), name="pause")
        return 1

    found = only(replayed(changed, record(waiting)))
    assert (found.kind, found.recorded) == (DivergenceKind.ENDS_EARLY, "it waits for WAIT 'pause'")


def test_code_that_does_not_do_the_same_every_time_is_named():
    """Each pause is replayed for itself: here the third run is another."""
    runs: list[int] = []

    def changed(event: Any, context: DurableContext) -> Any:
        runs.append(1)
        context.step(never, name="charge" if len(runs) < 3 else "bill")
        context.wait(Duration.from_hours(1), name="pause")
        return {"sent": context.step(never, name="send")}

    found = only(replayed(changed, ORDER))
    assert (found.called, found.event) == ("STEP 'bill'", 5)


def test_a_handler_that_catches_everything_is_found_out():
    """What the code calls otherwise is noted where it is called."""

    def changed(event: Any, context: DurableContext) -> Any:
        try:
            context.step(never, name="bill")
        except Exception:
            pass
        return {"sent": "sent 7"}

    assert only(replayed(changed, ORDER)).called == "STEP 'bill'"


# ------------------------------------------------------------------ the report


def test_a_report_is_to_be_read():
    """One line if all is well, all there is to know if not; `check` raises an AssertionError."""

    def changed(event: Any, context: DurableContext) -> Any:
        context.step(never, name="bill")

    assert str(replayed(order, ORDER, name="order 7")) == "order 7: as recorded (3 replays)"
    report = replayed(changed, ORDER, name="order 7")
    assert str(report).splitlines()[0] == "order 7: 1 divergence (3 replays)"
    for part in ("another operation is called here", "STEP 'charge'", "STEP 'bill'", __file__):
        assert part in str(report)
    with pytest.raises(ReplayError, match="STEP 'bill'") as failed:
        report.check()
    assert isinstance(failed.value, AssertionError)


def test_a_folder_of_histories_is_checked_in_a_line(tmp_path):
    """Every file is replayed, and the ones that diverge are named."""
    (tmp_path / "first.json").write_text(json.dumps(ORDER))
    (tmp_path / "second.json").write_text(json.dumps(record(order, 8)))
    (tmp_path / "notes.txt").write_text("no history")
    replay_all(durable_execution(order), tmp_path).check()

    def changed(event: Any, context: DurableContext) -> Any:
        return order(event, context) if event == 7 else None

    reports = replay_all(durable_execution(changed), [tmp_path / "first.json", tmp_path / "second.json"])
    assert [report.ok for report in reports] == [True, False]
    assert len(reports) == 2
    with pytest.raises(ReplayError, match=r"second\.json"):
        reports.check()


def test_a_folder_without_histories_is_an_error(tmp_path):
    """A test that checks nothing must not pass."""
    with pytest.raises(HistoryError, match="no history"):
        replay_all(durable_execution(order), tmp_path)
    with pytest.raises(HistoryError, match="no history"):
        replay_all(durable_execution(order), [])


def test_what_is_no_handler_is_refused():
    """The function must be decorated."""
    with pytest.raises(TypeError, match="durable_execution"):
        replay(order, ORDER)


def test_the_example_shows_a_report():
    """It accepts the code that recorded, and names the step that a later version adds."""
    from examples.replay_history import main

    found = only(main())
    assert (found.recorded, found.called) == ("WAIT 'withdrawal period'", "STEP 'check'")


# ------------------------------------------------------------------ histories from elsewhere


def test_a_history_without_payloads_is_refused():
    """The error says how to get it with them."""
    without = json.loads(json.dumps(ORDER))
    for event in without["Events"]:
        for part in event[event["EventType"] + "Details"].values():
            if isinstance(part, dict) and "Truncated" in part:
                part.pop("Payload", None)
                part["Truncated"] = True
    with pytest.raises(HistoryError, match="--include-execution-data"):
        replayed(order, without)
    unmarked = json.loads(json.dumps(without).replace('"Truncated": true', '"Truncated": false'))
    with pytest.raises(HistoryError, match="--include-execution-data"):
        replayed(order, unmarked)


def test_pages_are_put_together():
    """In any order of pages and events, with an event that two pages have."""
    events = ORDER["Events"]
    pages = [{"Events": events[3:][::-1]}, {"Events": events[:4], "NextMarker": "4"}]
    assert replayed(order, pages).ok
    assert replayed(order, events).ok


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ({"Events": ORDER["Events"][:3] + ORDER["Events"][4:]}, "no event 4"),
        ({"Events": ORDER["Events"][:4], "NextMarker": "5"}, "NextMarker"),
        ({"Events": []}, "no events"),
        ({"Items": []}, "no answer of GetDurableExecutionHistory"),
        ({"Events": [{"EventId": 1}]}, "without EventType"),
        ({"Events": [{**ORDER["Events"][0], "EventType": "ExecutionBegun"}]}, "unknown type"),
        ({"Events": [{**ORDER["Events"][1], "EventId": 1}]}, "no ExecutionStarted"),
        ({"Events": [ORDER["Events"][0], {"EventId": 2, "EventType": "StepStarted"}]}, "without an Id"),
    ],
)
def test_what_is_no_whole_history_is_refused(history, message):
    """The error says what is missing."""
    with pytest.raises(HistoryError, match=message):
        replayed(order, history)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    """One that is not there, and one that is no JSON."""
    (tmp_path / "broken.json").write_text("{")
    for name in ("none.json", "broken.json"):
        with pytest.raises(HistoryError, match=name):
            replayed(order, tmp_path / name)


def test_times_may_be_anything():
    """boto3 has datetimes, the AWS CLI ISO text, HTTP epoch seconds: the replay looks at none of them."""
    for time in (datetime(2025, 1, 1, tzinfo=UTC), "2025-01-01T00:00:00+00:00", 1735689600.123):
        events = [{**event, "EventTimestamp": time} for event in ORDER["Events"]]
        assert replayed(order, {"Events": events, "ResponseMetadata": {}}).ok


class TestHistoriesOfTheEmulator:
    """What AWS's own SDK has recorded on AWS's emulator is replayed by the same code on ours."""

    def recorded(self, function: str, text: str | None) -> dict[str, Any]:
        pytest.importorskip("aws_durable_execution_sdk_python_testing")
        module = official()
        with official_runner(getattr(module, function), poll_interval=0.01) as runner:
            runner.register_durable_function("echo", module.echo)
            arn = runner.run_async(input=text, timeout=60)
            runner.wait_for_result(arn, timeout=60)
            answer = runner._executor.get_execution_history(arn, include_execution_data=True, max_items=1000)
            return answer.to_dict()

    @pytest.mark.parametrize(
        ("function", "text"),
        [
            ("orders", "12"),
            ("retries", "3"),
            ("retries", "4"),
            ("maps", "[1, -2, 3]"),
            ("in_parallel", None),
            ("fails", None),
            ("polls", "4"),
            ("invokes", '{"function": "echo", "payload": {"a": 1}}'),
            ("invokes", '{"function": "nobody"}'),
        ],
    )
    def test_the_same_code_is_ok(self, function, text):
        """Whatever the execution came to, and with `datetime`s in every event."""
        history = self.recorded(function, text)
        assert isinstance(history["Events"][0]["EventTimestamp"], datetime)
        report = replay(getattr(workflows, function), history)
        assert report.ok, str(report)

    def test_a_change_is_named(self):
        """As of histories that were recorded here."""

        def changed(event: Any, context: DurableContext) -> Any:
            context.step(never, name="charge")
            context.wait(Duration.from_days(30), name="trial")
            context.run_in_child_context(lambda child: child.step(never, name="wrap"), name="ship")

        history = self.recorded("orders", "12")
        found = replayed(changed, history, compare_results=False).divergences[0]
        assert found.recorded.startswith("STEP 'pack' in context ")
        assert found.called.startswith("STEP 'wrap' in context ")


def test_a_history_costs_what_its_invocations_have_cost(tmp_path: Path):
    """A workflow of many steps in one invocation is replayed three times, however many there are."""

    def many(event: Any, context: DurableContext) -> Any:
        return sum(context.step(lambda _, n=n: n) for n in range(500))

    report = replayed(many, record(many))
    assert report.ok
    assert report.replays == 2
