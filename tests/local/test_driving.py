"""How the service drives an execution: invocations, retries, timers, and the races that bit others."""

import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from durably.actors.model import ErrorObject
from durably.workflows.exceptions import CheckpointError
from durably.workflows.local import ExecutionFailedError, LocalService, ServiceError, SkippingClock
from tests.local.scripted import PENDING, Invocation, retry, scripted, step_done, succeeded, update, wait


@pytest.fixture
def service() -> Iterator[LocalService]:
    with LocalService(clock=SkippingClock(), invoker=scripted) as opened:
        yield opened


def test_a_wait_of_a_year_is_over_at_once(service):
    """When nothing runs, time skips to the end of the wait, and the handler is invoked again."""

    def handler(invocation: Invocation):
        if invocation.status("w") == "SUCCEEDED":
            return succeeded('"done"')
        invocation.send(wait("w", 31_536_000))
        return PENDING

    start = service.clock.now()
    assert service.start(handler).result(10) == "done"
    assert (service.clock.now() - start).days == 365


def test_an_invocation_that_raises_is_told_of(service, caplog):
    """What was raised, and when there is another invocation: seconds in which nothing else can be seen."""

    def handler(invocation: Invocation):
        raise SystemExit(7)

    with pytest.raises(ExecutionFailedError, match=r"of-exits is FAILED: ExitError: .* exit status 7"):
        service.start(handler, name="of-exits").result(10)
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told[0].startswith("An invocation of of-exits ended with Runtime.ExitError: Runtime exited with")
    assert "Another follows in 5 s (1 of " in told[0]
    assert len(told) == 4


def test_timers_that_fire_together_are_one_invocation_at_a_time(service):
    """Three retries due at the same moment lead to one invocation that finds all three READY."""
    inside, most, seen = [], [], []

    def handler(invocation: Invocation):
        inside.append(invocation)
        most.append(len(inside))
        seen.append([invocation.status(each) for each in "abc"])
        if invocation.status("a") is None:
            invocation.send(*[retry(each, 5) for each in "abc"])
        inside.remove(invocation)
        return PENDING if invocation.status("a") is None else succeeded()

    service.start(handler).result(10)
    assert max(most) == 1
    assert seen == [[None] * 3, ["READY"] * 3]


def test_a_timer_that_fired_leaves_its_pending_answer_valid(service):
    """A handler that answers PENDING because of a wait that ended meanwhile is invoked, not refused."""
    answers = []

    def handler(invocation: Invocation):
        answers.append(invocation.status("w"))
        if answers[-1] == "SUCCEEDED":
            return succeeded()
        invocation.send(wait("w", 5))
        service.clock.advance(5)  # the wait is over before the answer, and nobody has told the handler
        return PENDING

    assert service.start(handler).result(10) is None
    assert answers == [None, "SUCCEEDED"]


def test_what_falls_due_while_the_handler_runs_is_told_at_once(service):
    """The next checkpoint of a running handler carries the end of a wait."""

    def handler(invocation: Invocation):
        invocation.send(wait("w", 5))
        service.clock.advance(5)
        return succeeded(f'"{invocation.send()["w"].status.value}"')

    assert service.start(handler).result(10) == "SUCCEEDED"


def test_a_change_that_nobody_saw_means_another_invocation(service):
    """A callback completed after the last checkpoint of an invocation that answers PENDING is not lost."""
    seen = []

    def handler(invocation: Invocation):
        seen.append(invocation.event["UpdatedOperationIds"])
        if invocation.status("c") == "SUCCEEDED":
            return succeeded(invocation.operations["c"]["CallbackDetails"]["Result"])
        callback = invocation.send(update("CALLBACK", "START", "c"))["c"].callback_id
        service.succeed_callback(callback, '"yes"')
        return PENDING

    assert service.start(handler).result(10) == "yes"
    assert seen == [[], ["c"]]


def test_waiting_for_a_result_ends_while_the_handler_blocks(service):
    """result(timeout) is not served by the thread that the handler blocks."""
    release = threading.Event()

    def handler(invocation: Invocation):
        release.wait()
        return succeeded("1")

    execution = service.start(handler)
    with pytest.raises(TimeoutError, match="no result after"):
        execution.result(0.01)
    release.set()
    assert execution.result(10) == 1


def test_a_result_comes_after_the_last_invocation_has_ended(service):
    """Who has the result finds the whole history, though the execution ended by a checkpoint."""
    release, ended = threading.Event(), threading.Event()

    def handler(invocation: Invocation):
        invocation.send(update("EXECUTION", "SUCCEED", "end", payload="7"))
        ended.set()
        release.wait()
        return succeeded("")

    execution = service.start(handler)
    ended.wait()
    assert execution.status == "SUCCEEDED"
    with pytest.raises(TimeoutError):
        execution.result(0.01)
    release.set()
    assert execution.result(10) == 7
    assert [event.type for event in execution.history()][-2:] == ["ExecutionSucceeded", "InvocationCompleted"]


def test_nothing_is_accepted_after_the_end(service):
    """A checkpoint of an invocation whose execution has ended is refused, also when all is over."""
    kept: list[Invocation] = []

    def handler(invocation: Invocation):
        kept.append(invocation)
        return succeeded()

    service.start(handler).result(10)
    with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
        kept[0].send(step_done("late"))


class TestStopping:
    def test_stopping_interrupts_and_may_be_repeated(self, service):
        """A running invocation is refused its next checkpoint; the first stop is the one that counts."""
        refused = []
        started, release = threading.Event(), threading.Event()

        def handler(invocation: Invocation):
            started.set()
            release.wait()
            try:
                invocation.send(step_done("a"))
            except CheckpointError as error:
                refused.append(error.is_retryable())
                raise

        execution = service.start(handler)
        started.wait()
        execution.stop(ErrorObject("enough"))
        execution.stop(ErrorObject("again"))
        release.set()
        with pytest.raises(ExecutionFailedError, match="STOPPED: enough") as stopped:
            execution.result(10)
        execution.stop()
        assert stopped.value.error == ErrorObject("enough")
        assert refused == [True]

    def test_stopping_what_waits_ends_it_at_once(self, service):
        """A suspended execution is STOPPED without another invocation."""
        calls = []

        def handler(invocation: Invocation):
            calls.append(invocation)
            invocation.send(update("CALLBACK", "START", "c"))
            return PENDING

        execution = service.start(handler)
        service.wait_until_idle(10)
        execution.stop()
        with pytest.raises(ExecutionFailedError, match="Execution stopped by user request"):
            execution.result(10)
        assert len(calls) == 1

    def test_stopping_what_is_not_there_is_an_error(self, service):
        """An unknown ARN is a 404."""
        with pytest.raises(ServiceError, match="There is no execution"):
            service.stop("nobody")


class TestBadAnswers:
    def test_a_handler_that_raises_is_invoked_five_times(self, service):
        """Five seconds apart; then the execution fails with the handler's error."""
        calls = []

        def handler(invocation: Invocation):
            calls.append(service.clock.now())
            raise ValueError("no luck")

        with pytest.raises(ExecutionFailedError, match="FAILED: ValueError: no luck"):
            service.start(handler).result(10)
        assert len(calls) == 5
        assert {(later - sooner).seconds for sooner, later in pairwise(calls)} == {5}

    def test_a_handler_that_recovers_is_fine(self, service):
        """An invocation that ends well starts the count anew."""
        calls = []

        def handler(invocation: Invocation):
            calls.append(invocation)
            if len(calls) % 4:
                raise ValueError("no luck")
            if len(calls) == 12:
                return succeeded("12")
            invocation.send(wait(f"w{len(calls)}", 60))
            return PENDING

        assert service.start(handler).result(10) == 12

    def test_pending_with_nothing_pending_is_tried_three_times(self, service):
        """Then the execution fails and says so."""
        calls = []

        def handler(invocation: Invocation):
            calls.append(service.clock.now())
            return PENDING

        expected = "Cannot return PENDING status with no pending operations."
        with pytest.raises(ExecutionFailedError, match=expected):
            service.start(handler).result(10)
        assert [(call - calls[0]).seconds for call in calls] == [0, 5, 10]

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (None, "The handler returned NoneType"),
            ({}, "Response status is required"),
            ({"Status": "DONE"}, "Unexpected invocation status 'DONE'"),
            ({"Status": "FAILED", "Result": "1"}, "Cannot provide a Result for FAILED status."),
            ({"Status": "SUCCEEDED", "Error": {}}, "Cannot provide an Error for SUCCEEDED status."),
            ({"Status": "SUCCEEDED", "Result": 1}, "Result must be a string of JSON."),
            ({"Status": "FAILED", "Error": "text"}, "Error must be an object."),
        ],
    )
    def test_an_answer_that_is_none_fails_the_execution(self, service, answer, message):
        """Anything but a proper output fails at once, with what is wrong with it."""
        with pytest.raises(ExecutionFailedError, match=message):
            service.start(lambda _: answer).result(10)

    def test_a_failure_keeps_its_error(self, service):
        """The error of a FAILED output is the execution's."""
        error = {"ErrorMessage": "m", "ErrorType": "app.Error", "StackTrace": ["frame"]}
        with pytest.raises(ExecutionFailedError) as failed:
            service.start(lambda _: {"Status": "FAILED", "Error": error}).result(10)
        assert failed.value.error == ErrorObject("m", "app.Error", None, ("frame",))


class TestTimeouts:
    def test_a_skipping_clock_does_not_skip_timeouts(self, service):
        """Time stands still for a callback, so that a test can complete it; advance() lets it time out."""

        def handler(invocation: Invocation):
            if invocation.status("c") == "TIMED_OUT":
                return succeeded('"too late"')
            invocation.send(update("CALLBACK", "START", "c", timeout_seconds=60))
            return PENDING

        execution = service.start(handler)
        service.wait_until_idle(10)
        assert [each.operation_id for each in execution.callbacks()] == ["c"]
        service.advance(60)
        assert execution.result(10) == "too late"

    def test_an_execution_times_out(self, service):
        """After its timeout it is TIMED_OUT, whatever it waits for."""

        def handler(invocation: Invocation):
            invocation.send(update("CALLBACK", "START", "c"))
            return PENDING

        execution = service.start(handler, timeout_seconds=60)
        service.wait_until_idle(10)
        service.advance(60)
        with pytest.raises(ExecutionFailedError, match="TIMED_OUT"):
            execution.result(10)
        assert execution.status == "TIMED_OUT"
