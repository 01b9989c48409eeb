"""Callbacks under test: the test is the outside world, and time passes only when nothing else can happen."""

import json
import threading
from datetime import timedelta

import pytest

from durably.workflows import DurableContext, Duration, durable_execution
from durably.workflows.config import CallbackConfig
from durably.workflows.lambda_service import ErrorObject, OperationStatus
from durably.workflows.testing import DurableFunctionsTestError, DurableFunctionTestRunner
from durably.workflows.testing.exceptions import InvalidParameterValueException, ResourceNotFoundException
from tests.testing import workflows


def ask(*questions: str, **timeouts: int) -> str:
    return json.dumps({"questions": questions, **timeouts})


@pytest.fixture
def runner():
    with DurableFunctionTestRunner(workflows.asks) as runner:
        yield runner


class TestAnAnswer:
    @pytest.mark.parametrize("answer", [b"red", "red"])
    def test_is_what_the_handler_gets(self, runner, answer):
        """Bytes or text; the operation has it too."""
        arn = runner.run_async(ask("colour"))
        runner.send_callback_success(runner.wait_for_callback(arn), answer)
        result = runner.wait_for_result(arn)
        assert result.result == '["red"]'
        assert result.get_callback("colour").result == "red"

    def test_may_be_an_error(self, runner):
        """The handler gets its message."""
        arn = runner.run_async(ask("colour"))
        runner.send_callback_failure(runner.wait_for_callback(arn), ErrorObject("none", "NoColour"))
        result = runner.wait_for_result(arn)
        assert json.loads(result.result) == [["CallbackExternalError", "none"]]
        assert result.get_callback("colour").error == ErrorObject("none", "NoColour")

    def test_leads_to_the_next_question(self, runner):
        """Each is waited for by its name."""
        arn = runner.run_async(ask("colour", "size"))
        for name, answer in (("colour", b"red"), ("size", b"42")):
            runner.send_callback_success(runner.wait_for_callback(arn, name=name), answer)
        assert runner.wait_for_result(arn).result == '["red", "42"]'

    def test_may_come_to_one_of_several_of_the_same_name(self, runner):
        """The one that waits is found, whatever has become of those before."""
        arn = runner.run_async(ask("again", "again"))
        first = runner.wait_for_callback(arn, name="again")
        runner.send_callback_success(first, b"1")
        second = runner.wait_for_callback(arn, name="again")
        runner.send_callback_success(second, b"2")
        assert first != second
        assert runner.wait_for_result(arn).result == '["1", "2"]'

    def test_may_come_to_wait_for_callback_by_its_own_name(self):
        """The operation's name will do, as well as the name of the callback inside of it."""
        with DurableFunctionTestRunner(workflows.approves) as runner:
            arn = runner.run_async({"days": 7})
            runner.send_callback_success(runner.wait_for_callback(arn, name="approval"), b"yes")
            result = runner.wait_for_result(arn)
        assert result.result == '"yes"'
        assert [each.operation_type.value for each in result.get_context("approval").child_operations] == [
            "CALLBACK",
            "STEP",
        ]

    def test_may_be_given_by_a_step(self):
        """A step of the workflow under test may play the outside world itself."""

        @durable_execution
        def asks_itself(event, context: DurableContext):
            callback = context.create_callback("self")
            context.step(lambda _: runner.send_callback_success(callback.callback_id, b"me"), name="answer")
            return callback.result()

        with DurableFunctionTestRunner(asks_itself) as runner:
            assert runner.run().result == '"me"'

    def test_comes_after_the_invocation_that_has_asked(self, runner):
        """So the history is the same however fast the test is."""
        arn = runner.run_async(ask("colour"))
        runner.send_callback_success(runner.wait_for_callback(arn), b"red")
        runner.wait_for_result(arn)
        types = [event.event_type for event in runner.get_execution_history(arn).events]
        assert types == [
            "ExecutionStarted",
            "CallbackStarted",
            "InvocationCompleted",
            "CallbackSucceeded",
            "InvocationCompleted",
            "ExecutionSucceeded",
        ]


class TestSilence:
    def test_times_out_at_once(self, runner):
        """Nobody answers, so a test that waits for the result skips a timeout of a year."""
        result = runner.run(ask("colour", timeout=31_536_000))
        callback = result.get_callback("colour")
        assert json.loads(result.result) == [["CallbackTimeoutError", "Callback timed out"]]
        assert callback.status is OperationStatus.TIMED_OUT
        assert callback.end_timestamp - callback.start_timestamp == timedelta(days=365)

    def test_of_one_that_is_to_be_alive_times_out_sooner(self, runner):
        """A heartbeat timeout counts from the last heartbeat."""
        arn = runner.run_async(ask("colour", timeout=3600, heartbeat=60))
        runner.send_callback_heartbeat(runner.wait_for_callback(arn))
        result = runner.wait_for_result(arn)
        callback = result.get_callback("colour")
        assert json.loads(result.result) == [["CallbackTimeoutError", "Callback timed out on heartbeat"]]
        assert callback.end_timestamp - callback.start_timestamp == timedelta(minutes=1)

    def test_leads_to_the_next_question_too(self, runner):
        """Waiting for the second callback skips to the timeout of the first."""
        arn = runner.run_async(ask("colour", "size", timeout=3600))
        runner.send_callback_success(runner.wait_for_callback(arn, name="size"), b"42")
        assert json.loads(runner.wait_for_result(arn).result) == [
            ["CallbackTimeoutError", "Callback timed out"],
            "42",
        ]

    def test_for_ever_is_told_at_once(self, runner):
        """The error names what is waited for, and what to do."""
        with pytest.raises(TimeoutError, match=r"callback 'colour'\. Answer it with send_callback_success"):
            runner.run(ask("colour"))

    def test_for_ever_may_be_that_of_an_invoked_function(self):
        """Also then the callback is named."""
        with DurableFunctionTestRunner(workflows.invokes) as runner:
            runner.register_durable_function("asks", workflows.asks, execution_timeout=1000)
            with pytest.raises(TimeoutError, match="callback 'inner'"):
                runner.run({"function": "asks", "payload": {"questions": ["inner"]}})

    def test_lets_branches_wait_to_their_end_first(self):
        """Waits are skipped before timeouts: what comes first in time comes first."""

        @durable_execution
        def races(event, context: DurableContext):
            config = CallbackConfig(timeout=Duration.from_days(2))
            answers = context.parallel(
                [
                    lambda child: child.create_callback("slow", config).result(),
                    lambda child: child.wait(Duration.from_days(1), name="day"),
                ],
                "both",
            )
            return [each.status.value for each in answers.all]

        with DurableFunctionTestRunner(races) as runner:
            result = runner.run()
        assert json.loads(result.result) == ["FAILED", "SUCCEEDED"]
        both = result.get_context("both")
        assert both.end_timestamp - both.start_timestamp == timedelta(days=2)


class TestAnswersFromThreads:
    def test_are_waited_for_while_a_thread_knows_the_callback(self, runner):
        """A thread that has got the id from the runner is going to answer: its timeout is not skipped."""
        arn = runner.run_async(ask("colour", timeout=60))
        knows, may_answer = threading.Event(), threading.Event()

        def answer() -> None:
            callback_id = runner.wait_for_callback(arn)
            knows.set()
            may_answer.wait()
            runner.send_callback_success(callback_id, b"red")

        thread = threading.Thread(target=answer)
        thread.start()
        knows.wait()
        timer = threading.Timer(0.05, may_answer.set)
        timer.start()
        assert runner.wait_for_result(arn).result == '["red"]'
        thread.join()
        timer.join()

    def test_are_waited_for_if_the_runner_is_told_of_them(self):
        """With `answers_from_threads` nothing is skipped that a thread may be working at."""
        threads = []

        @durable_execution
        def asks(event, context: DurableContext):
            callback = context.create_callback("far", CallbackConfig(timeout=Duration.from_days(1)))

            def send(_) -> None:
                threads.append(
                    threading.Timer(0.05, runner.send_callback_success, (callback.callback_id, b"at last"))
                )
                threads[-1].start()

            context.step(send, name="send")
            return callback.result()

        with DurableFunctionTestRunner(asks, answers_from_threads=True) as runner:
            assert runner.run().result == '"at last"'
        threads[0].join()


class TestMisuse:
    def test_a_callback_that_never_comes_is_told_at_once(self, runner):
        """The error says what there is instead."""
        arn = runner.run_async(ask("colour"))
        with pytest.raises(TimeoutError, match=r"'size' did not become available\. .*waits for 'colour'"):
            runner.wait_for_callback(arn, name="size")

    def test_an_execution_that_is_over_asks_nothing_any_more(self, runner):
        """Whoever waits for a callback is told that it cannot come."""
        with DurableFunctionTestRunner(workflows.echo) as echo:
            arn = echo.run_async()
            with pytest.raises(TimeoutError, match="The execution is SUCCEEDED"):
                echo.wait_for_callback(arn)

    def test_a_callback_is_answered_once(self, runner):
        """A second answer finds nobody, and nobody is handed out any more."""
        arn = runner.run_async(ask("colour"))
        callback_id = runner.wait_for_callback(arn)
        runner.send_callback_success(callback_id, b"red")
        for send in (
            runner.send_callback_success,
            runner.send_callback_failure,
            runner.send_callback_heartbeat,
        ):
            with pytest.raises(ResourceNotFoundException, match="Failed to process callback"):
                send(callback_id)
        with pytest.raises(DurableFunctionsTestError, match="'colour' has already completed"):
            runner.wait_for_callback(arn, name="colour")

    @pytest.mark.parametrize("answer", [b"\xff", {"a": 1}, 3])
    def test_an_answer_is_text(self, runner, answer):
        """Anything else is refused, and the callback goes on waiting."""
        arn = runner.run_async(ask("colour"))
        callback_id = runner.wait_for_callback(arn)
        with pytest.raises(InvalidParameterValueException, match="result of a callback"):
            runner.send_callback_success(callback_id, answer)
        assert runner.wait_for_callback(arn) == callback_id

    def test_an_error_is_an_error_object(self, runner):
        """An exception is none."""
        arn = runner.run_async(ask("colour"))
        with pytest.raises(InvalidParameterValueException, match="is an ErrorObject, got ValueError"):
            runner.send_callback_failure(runner.wait_for_callback(arn), ValueError("none"))
