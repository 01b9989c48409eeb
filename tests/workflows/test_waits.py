"""`context.wait`: time passes, and no invocation need run meanwhile."""

import threading

import pytest

from durably.workflows.config import Duration
from durably.workflows.exceptions import DurableOperationError
from tests.workflows.running import ONCE, SECOND, Run, happens


def test_a_wait_suspends_and_goes_on_when_it_is_over():
    """The first invocation answers PENDING, the one after the wait goes on behind it."""
    ran = []

    def handler(event, context):
        ran.append("before")
        context.wait(Duration.from_minutes(2), "pause")
        ran.append("after")
        return "ok"

    run = Run(handler)
    assert run.invoke() == {"Status": "PENDING"}
    assert ran == ["before"]
    assert run.updates("pause")[0].wait_seconds == 120
    run.service.advance(120)
    assert run.invoke() == {"Status": "SUCCEEDED", "Result": '"ok"'}
    assert ran == ["before", "before", "after"]


def test_a_wait_that_is_not_over_stays_pending_and_starts_once():
    """Invocations that come too early change nothing."""
    run = Run(lambda event, context: context.wait(Duration.from_seconds(60), "pause"))
    for _ in range(3):
        assert run.invoke() == {"Status": "PENDING"}
        run.service.advance(10)
    assert run.actions("pause") == ["START"]
    run.service.advance(30)
    assert run.invoke()["Status"] == "SUCCEEDED"


def test_steps_before_a_wait_run_once():
    """What is recorded before the suspension is not done again after it."""
    ran = []

    def handler(event, context):
        for number in range(3):
            context.step(lambda step, number=number: ran.append(number), f"s{number}")
            context.wait(SECOND, f"w{number}")
        return "end"

    run = Run(handler)
    assert run.result() == "end"
    assert ran == [0, 1, 2]
    assert run.recorded == ["s0", "w0", "s1", "w1", "s2", "w2"]


def test_waits_of_branches_pass_together():
    """Two waits side by side start in one invocation, and the shorter one's branch goes on first."""
    order = []

    def handler(event, context):
        def branch(child, seconds, *_):
            child.wait(Duration.from_seconds(seconds), f"wait {seconds}")
            child.step(lambda step: order.append(seconds), f"after {seconds}")

        return context.map([20, 10], branch).success_count

    run = Run(handler)
    assert run.invoke() == {"Status": "PENDING"}
    assert run.service.updates
    run.service.advance(10)
    assert run.invoke() == {"Status": "PENDING"}
    assert order == [10]
    run.service.advance(10)
    assert run.invoke()["Status"] == "SUCCEEDED"
    assert order == [10, 20]
    assert [run.actions(f"wait {seconds}") for seconds in (20, 10)] == [["START"]] * 2


def test_a_wait_that_is_over_while_another_branch_runs_goes_on_in_the_same_invocation():
    """The invocation does not end while a body runs, so the wait's branch need not be invoked again."""
    waited = threading.Event()
    waits_recorded = threading.Event()

    def handler(event, context):
        def waiting(child):
            child.wait(Duration.from_seconds(60), "pause")
            waited.set()
            return "waited"

        def working(child):
            child.step(lambda step: happens(waits_recorded), "until the wait is there")
            child.step(lambda step: run.service.advance(60), "let the time pass")
            child.step(lambda step: happens(waited), "until the other has gone on")
            return "worked"

        return context.parallel([waiting, working]).get_results()

    def after(updates):
        if "pause" in [each.name for each in updates]:
            waits_recorded.set()

    run = Run(handler, after=after)
    assert run.invoke() == {"Status": "SUCCEEDED", "Result": '["waited", "worked"]'}


def test_a_wait_beside_a_failing_branch_does_not_keep_the_map_from_deciding():
    """The decision abandons the wait; the execution goes on without it."""

    def handler(event, context):
        def fails(child):
            raise ValueError("no")

        batch = context.parallel([lambda child: child.wait(Duration.from_days(300)), fails])
        return [batch.completion_reason.value, [item.status.value for item in batch.all]]

    run = Run(handler)
    assert run.invoke() == {
        "Status": "SUCCEEDED",
        "Result": '["FAILURE_TOLERANCE_EXCEEDED", ["STARTED", "FAILED"]]',
    }


@pytest.mark.parametrize("status", ["CANCELLED", "STOPPED", "TIMED_OUT", "FAILED"])
def test_a_wait_that_ended_otherwise_is_an_error_and_no_suspension_for_ever(status):
    """User code gets an error that can be caught."""

    def handler(event, context):
        try:
            context.wait(SECOND, "pause")
        except DurableOperationError as error:
            return error.message

    run = Run(handler)
    run.invoke()
    event = run.service.event()
    event["InitialExecutionState"]["Operations"][1]["Status"] = status
    output = run.invoke(event=event)
    assert output["Status"] == "SUCCEEDED"
    assert output["Result"] != "null"


def test_a_wait_of_a_year_is_recorded_in_seconds():
    """Up to 366 days."""
    run = Run(lambda event, context: context.wait(Duration.from_days(366), "year"))
    assert run.invoke() == {"Status": "PENDING"}
    assert run.updates("year")[0].wait_seconds == 31_622_400


def test_a_retry_and_a_wait_are_pending_together():
    """A branch that retries and one that waits both go on when their time has come."""

    def handler(event, context):
        def flaky(child):
            def body(step):
                if step.attempt == 1:
                    raise ValueError("not yet")
                return step.attempt

            return child.step(body, "flaky")

        def waits(child):
            child.wait(Duration.from_seconds(3))
            return child.step(lambda step: "waited", "then", ONCE)

        return context.parallel([flaky, waits]).get_results()

    assert Run(handler).result() == [2, "waited"]
