"""Calls of the service that are refused, throttled or lost: never silence, never a hang, nothing left."""

import logging
import threading

import pytest

from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from tests.workflows.running import SECOND, Once, Run, ends, happens, refused, starts

ANOTHER_INVOCATION = {
    "stale token": refused(400, "Invalid checkpoint token", "InvalidParameterValueException"),
    "throttled": refused(429),
    "server": refused(500),
    "unavailable": refused(503),
    "no answer": refused(None),
}
THE_EXECUTION_FAILS = {
    "bad request": refused(400),
    "forbidden": refused(403),
    "gone": refused(404),
    "conflict": refused(409),
    "key": refused(502, code="KMSDisabledException"),
}


def steps(event, context):
    context.step(lambda step: "one", "one")
    return context.step(lambda step: "two", "two")


def waits(event, context):
    context.step(lambda step: 1, "one")
    context.wait(SECOND, "two")
    return "two"


def children(event, context):
    def inner(child):
        child.step(lambda step: "one", "one")
        return "two"

    return context.run_in_child_context(inner, "two")


def branches(event, context):
    def branch(child, item, *_):
        child.step(lambda step: 1, f"a{item}")
        if item % 3 == 0:
            child.wait(SECOND)
        return child.step(lambda step: item, f"b{item}")

    context.map(range(30), branch, "two")
    return "two"


HANDLERS = [steps, waits, children, branches]


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("error", ANOTHER_INVOCATION.values(), ids=ANOTHER_INVOCATION.keys())
def test_a_call_that_may_succeed_another_time_ends_the_invocation(handler, error):
    """The handler raises the error, which is retryable; a later invocation comes to the result."""
    for when in (bool, lambda updates: starts(updates, "two"), lambda updates: ends(updates, "two")):
        fault = Once(when, error)
        run = Run(handler, before=fault)
        output, raised = run.output_or_error(CheckpointError)
        assert fault.struck == (raised is not None), "a failed call went unnoticed"
        assert raised is error or output == {"Status": "SUCCEEDED", "Result": '"two"'}
        assert error.is_retryable()
        assert run.result() == "two"


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("error", THE_EXECUTION_FAILS.values(), ids=THE_EXECUTION_FAILS.keys())
def test_a_call_that_is_refused_for_good_fails_the_execution(handler, error):
    """FAILED, with the service's own words."""
    run = Run(handler, before=Once(lambda updates: starts(updates, "two"), error))
    failed = run.error()
    assert failed["ErrorType"].endswith("CheckpointError")
    assert failed["ErrorMessage"] == "no"


@pytest.mark.parametrize("error", [refused(500), refused(400)], ids=["retryable", "final"])
def test_user_code_cannot_swallow_a_failed_call(error):
    """Neither `except Exception` nor a plan B turns it into a result."""

    def handler(event, context):
        try:
            context.step(lambda step: 1, "one")
        except Exception:
            return "swallowed"

    run = Run(handler, before=Once(bool, error))
    if error.is_retryable():
        with pytest.raises(CheckpointError):
            run.invoke()
        assert run.invoke()["Status"] == "SUCCEEDED"
    else:
        assert run.invoke()["Status"] == "FAILED"


def test_a_call_that_fails_while_bodies_run_waits_for_them():
    """They cannot be stopped: the invocation ends when they have, their results are lost."""
    failed, ran = threading.Event(), []

    def before(updates):
        if ends(updates, "quick"):
            failed.set()
            raise refused(500)

    def handler(event, context):
        def slow(step):
            happens(failed)
            ran.append("slow")

        return context.parallel(
            [
                lambda child: child.step(slow, "slow"),
                lambda child: child.step(lambda step: "quick", "quick"),
            ]
        ).success_count

    run = Run(handler, before=before)
    with pytest.raises(CheckpointError):
        run.invoke()
    assert ran == ["slow"]
    run.client.before = lambda updates: None
    assert run.result() == 2


@pytest.mark.parametrize("error", [refused(400), refused(500), refused(None)], ids=["final", "500", "lost"])
def test_no_body_runs_when_its_start_was_refused(error):
    """The first body's START is sent ahead of it; without it the body never begins."""
    ran = []
    run = Run(
        lambda event, context: context.step(lambda step: ran.append(1), "one"),
        before=Once(lambda updates: starts(updates, "one"), error),
    )
    if error.is_retryable():
        with pytest.raises(CheckpointError):
            run.invoke()
    else:
        assert run.invoke()["Status"] == "FAILED"
    assert ran == []


def test_no_branch_begins_after_a_call_has_failed():
    """A map of thousands stops at once."""
    begun = []

    def handler(event, context):
        def branch(child, item, *_):
            begun.append(item)
            return child.step(lambda step: item)

        return context.map(range(2000), branch).success_count

    run = Run(handler, before=Once(lambda updates: True, refused(500)))
    with pytest.raises(CheckpointError):
        run.invoke()
    assert len(begun) < 1000


def test_an_error_that_is_none_of_the_services_is_raised_as_it_is():
    """A fault in a client is not taken for an answer."""

    def before(updates):
        raise RuntimeError("a fault in the client")

    with pytest.raises(RuntimeError, match="a fault in the client"):
        Run(steps, before=before).invoke()


def test_a_retryable_failure_leaves_what_was_recorded():
    """Bodies whose results arrived before the failure do not run again."""
    ran = []

    def handler(event, context):
        context.step(lambda step: ran.append(1), "one")
        context.step(lambda step: ran.append(2), "two")
        return ran

    run = Run(handler, before=Once(lambda updates: ends(updates, "two"), refused(503)))
    with pytest.raises(CheckpointError):
        run.invoke()
    assert run.result() == [1, 2, 2]


class TestPages:
    @pytest.mark.parametrize("status", [500, 429])
    def test_a_page_that_may_come_another_time_ends_the_invocation(self, status):
        """The code has not run; the handler raises."""
        run, ran = paged(status)
        with pytest.raises(GetExecutionStateError):
            run.invoke()
        assert ran == []

    def test_a_page_that_is_refused_for_good_fails_the_execution(self):
        """FAILED, and the code has not run."""
        run, ran = paged(403)
        assert run.invoke()["Error"]["ErrorType"].endswith("GetExecutionStateError")
        assert ran == []


def paged(status):
    ran = []

    def handler(event, context):
        ran.append(1)
        for _ in range(20):
            context.step(lambda step: 1)
        context.wait(SECOND)

    def refuse(*args, **kwargs):
        error: Exception = ConnectionError("no")
        error.response = {  # type: ignore[attr-defined]  # as botocore's errors have it
            "Error": {"Code": "X", "Message": "no"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        raise GetExecutionStateError.from_exception(error)

    run = Run(handler, page_size=5)
    run.invoke()
    run.client.get_execution_state = refuse  # type: ignore[method-assign]  # the client is the test's own
    ran.clear()
    return run, ran


class TestWithdrawal:
    """A response without a token: its updates count, and nothing more may be sent."""

    @pytest.mark.parametrize("handler", HANDLERS)
    def test_a_withdrawn_invocation_answers_pending(self, handler):
        """What it has sent is recorded, and the execution goes on in another invocation."""
        run = Run(handler)
        run.service.execution.withdraw()
        assert run.invoke() == {"Status": "PENDING"}
        run.service.execution._withdrawn = False
        assert run.result() == "two"

    def test_an_error_of_user_code_after_that_is_pending_as_well(self):
        """It could not be recorded, so it has not happened."""

        def handler(event, context):
            try:
                context.step(lambda step: 1, "one")
            finally:
                raise ValueError("after the end")

        run = Run(handler)
        run.service.execution.withdraw()
        assert run.invoke() == {"Status": "PENDING"}


def test_the_log_says_why_an_execution_failed_and_keeps_payloads_to_itself(caplog):
    """An error record for the refusal; neither token nor payload at INFO or above."""

    def handler(event, context):
        return context.step(lambda step: "secret result", "one")

    run = Run(handler, "secret input", before=Once(bool, refused(403)))
    token = []
    original = run.client.checkpoint

    def checkpoint(arn, given, updates):
        token.append(given)
        return original(arn, given, updates)

    run.client.checkpoint = checkpoint  # type: ignore[method-assign]  # the client is the test's own
    with caplog.at_level(logging.INFO):
        run.error()
    assert "refused" in caplog.text
    assert "secret" not in caplog.text
    assert token[0] not in caplog.text
