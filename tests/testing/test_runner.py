"""`DurableFunctionTestRunner`: what a test runs, and what it gets to look at."""

import json
import threading
from datetime import timedelta

import pytest

from durably.workflows import DurableContext, Duration, durable_execution, durable_with_child_context
from durably.workflows.lambda_service import InvocationStatus, OperationStatus, OperationType
from durably.workflows.testing import (
    CallbackOperation,
    ContextOperation,
    DurableChildContextTestRunner,
    DurableFunctionsTestError,
    DurableFunctionTestResult,
    DurableFunctionTestRunner,
    ExecutionStatus,
    InvokeOperation,
    Operation,
    StepOperation,
    WaitOperation,
)
from tests.testing import workflows

SUCCEEDED = InvocationStatus.SUCCEEDED


def run(handler, input=None, **options) -> DurableFunctionTestResult:
    with DurableFunctionTestRunner(handler) as runner:
        return runner.run(input, **options)


class TestAResult:
    def test_says_how_the_execution_has_ended(self):
        """Status, execution status, and the result as JSON text."""
        result = run(workflows.orders, "12")
        assert (result.status, result.execution_status) == (SUCCEEDED, ExecutionStatus.SUCCEEDED)
        assert json.loads(result.result) == ["receipt for 12", {"parcel": 7}]
        assert result.error is None

    def test_says_why_an_execution_has_failed(self):
        """The error has the type and the message of what the handler raised."""
        result = run(workflows.fails)
        assert (result.status, result.result) == (InvocationStatus.FAILED, None)
        assert (result.error.type, result.error.message) == ("KeyError", "'lost'")

    def test_has_the_operations_of_the_root(self):
        """What is below a context is not among them, nor is the execution itself."""
        assert [each.name for each in run(workflows.orders).operations] == ["charge", "trial", "ship"]

    def test_has_an_operation_of_each_kind_by_its_name(self):
        """Each kind has a class of its own, with what belongs to it."""
        result = run(workflows.orders, "12")
        step, wait, child = result.get_step("charge"), result.get_wait("trial"), result.get_context("ship")
        assert (type(step), type(wait), type(child)) == (StepOperation, WaitOperation, ContextOperation)
        assert (step.result, step.attempt, step.status) == ('"receipt for 12"', 1, OperationStatus.SUCCEEDED)
        assert wait.scheduled_end_timestamp == wait.end_timestamp
        assert json.loads(child.get_step("pack").result)["v"] == {"parcel": {"t": "i", "v": 7}}
        assert child.get_wait("courier").parent_id == child.operation_id

    def test_finds_operations_in_an_order_that_can_be_told(self):
        """All of them, each before what is below it."""
        names = [each.name for each in run(workflows.orders).get_all_operations()]
        assert names == ["charge", "trial", "ship", "pack", "courier"]

    def test_has_the_branches_of_a_map_as_contexts(self):
        """By the name of the item, with the operations of the branch."""
        batch = run(workflows.maps, "[1, -2]").get_context("map")
        bodies = [each.get_step("body") for each in batch.child_operations]
        assert [each.name for each in batch.child_operations] == ["map-item-0", "map-item-1"]
        assert [body.status for body in bodies] == [OperationStatus.SUCCEEDED, OperationStatus.FAILED]
        assert bodies[1].error.message == "negative"

    def test_counts_the_attempts_of_a_step(self):
        """`attempt` is the number of those that have ended."""
        assert run(workflows.retries, "3").get_step("flaky").attempt == 3

    def test_has_a_condition_as_a_step(self):
        """A condition that is waited for is a STEP, as the service has it."""
        [condition] = run(workflows.polls, "4").operations
        assert (condition.operation_type, condition.sub_type) == (OperationType.STEP, "WaitForCondition")
        assert condition.attempt == 4

    def test_goes_as_deep_as_the_function(self):
        """Contexts may be nested deeper than Python's stack."""
        depth = 1100

        @durable_execution
        def nested(event, context: DurableContext):
            def down(level: int, context: DurableContext) -> int:
                if level == depth:
                    return level
                return context.run_in_child_context(
                    lambda child: down(level + 1, child), name=f"level {level}"
                )

            return down(0, context)

        assert len(run(nested).get_all_operations()) == depth


class TestTime:
    @pytest.mark.parametrize("days", [1, 365])
    def test_is_skipped(self, days):
        """A wait of a year is over at once; the operation says that it was a year."""

        @durable_execution
        def waits(event, context: DurableContext):
            context.wait(Duration.from_days(days), name="long")

        wait = run(waits).get_wait("long")
        assert wait.end_timestamp - wait.start_timestamp == timedelta(days=days)

    def test_is_skipped_between_the_attempts_of_a_step(self):
        """Retry delays of an hour take no time."""
        step = run(workflows.retries, "3").get_step("flaky")
        assert step.end_timestamp - step.start_timestamp >= timedelta(hours=2)

    def test_is_skipped_where_branches_wait_beside_each_other(self):
        """The clock moves to the end of the shortest wait first."""
        both = run(workflows.in_parallel).get_context("both")
        assert both.end_timestamp - both.start_timestamp == timedelta(days=1)

    def test_passes_as_it_is_if_a_test_asks_for_that(self):
        """With `skip_time=False` a wait of a second takes one."""

        @durable_execution
        def waits(event, context: DurableContext):
            context.wait(Duration.from_seconds(1), name="short")

        with DurableFunctionTestRunner(waits, skip_time=False) as runner:
            wait = runner.run().get_wait("short")
        assert wait.end_timestamp - wait.start_timestamp >= timedelta(seconds=1)

    def test_that_a_body_takes_is_real_and_limited(self):
        """A step that does not come back within the limit fails the test, and says so."""
        go_on = threading.Event()

        @durable_execution
        def hangs(event, context: DurableContext):
            context.step(lambda _: go_on.wait(), name="hangs")

        with DurableFunctionTestRunner(hangs) as runner:
            with pytest.raises(TimeoutError, match=r"0\.05 s of real time are over"):
                runner.run(execution_timeout=0.05)
            go_on.set()

    def test_ends_an_execution_that_takes_too_long(self):
        """Whoever waits longer than the execution may take sees that it was TIMED_OUT."""
        arns = []

        def has_timed_out(_) -> None:
            while (
                not arns or runner.get_execution_history(arns[0]).events[-1].event_type != "ExecutionTimedOut"
            ):
                threading.Event().wait(0.001)

        @durable_execution
        def hangs(event, context: DurableContext):
            context.step(has_timed_out, name="hangs")
            context.step(lambda _: 1, name="not any more")

        with DurableFunctionTestRunner(hangs) as runner:
            arns.append(runner.run_async(execution_timeout=0.05))
            result = runner.wait_for_result(arns[0], timeout=60)
        assert result.execution_status is ExecutionStatus.TIMED_OUT
        assert result.error.message == "Execution timed out after 0.05 seconds."
        assert [each.name for each in result.operations] == ["hangs"]


class TestWhatAHandlerIsTold:
    def test_its_lambda_context_is_as_the_test_says(self):
        """Function, account, region and tenant are those of the runner and of the call."""

        @durable_execution
        def who(event, context: DurableContext):
            told = context.lambda_context
            return [told.function_name, told.invoked_function_arn, told.tenant_id]

        with DurableFunctionTestRunner(who, region="eu-west-1") as runner:
            result = runner.run(function_name="orders", account_id="000000000001", tenant_id="blue")
        arn = "arn:aws:lambda:eu-west-1:000000000001:function:orders"
        assert json.loads(result.result) == ["orders", arn, "blue"]

    def test_it_knows_how_long_it_has(self):
        """`invocation_timeout` is what it may ask for."""

        @durable_execution
        def left(event, context: DurableContext):
            return context.lambda_context.get_remaining_time_in_millis() <= 5_000

        with DurableFunctionTestRunner(left, invocation_timeout=5) as runner:
            assert runner.run().result == "true"

    def test_its_input_may_be_any_json_value(self):
        """Text is taken as AWS's runner takes it; a dict needs no json.dumps."""
        assert run(workflows.echo, {"a": [1]}).result == '[{"a": [1]}]'

    def test_a_small_page_brings_the_history_in_pieces(self):
        """The handler fetches what its event does not carry, and replays all of it."""
        bodies = []

        @durable_execution
        def long(event, context: DurableContext):
            for number in range(20):
                context.step(lambda _, number=number: bodies.append(number), name=f"s{number}")
            context.wait(Duration.from_seconds(1))
            return len(bodies)

        with DurableFunctionTestRunner(long, max_invocation_page_bytes=1_000) as runner:
            assert runner.run().result == "20"


class TestARunner:
    def test_runs_as_many_executions_as_a_test_likes(self):
        """They are apart, and may run beside each other."""
        with DurableFunctionTestRunner(workflows.echo) as runner:
            arns = [runner.run_async(str(number)) for number in range(5)]
            assert [runner.wait_for_result(arn).result for arn in arns] == [f"[{n}]" for n in range(5)]

    def test_keeps_executions_in_a_file_if_asked_to(self, tmp_path):
        """With `store=` they are in an SQLite database."""
        path = tmp_path / "tests.db"
        with DurableFunctionTestRunner(workflows.orders, store=path) as runner:
            assert runner.run("1").status is SUCCEEDED
        assert path.read_bytes().startswith(b"SQLite")

    def test_tells_the_history_of_an_execution(self):
        """Every event in order, with payloads if they are asked for."""
        with DurableFunctionTestRunner(workflows.retries) as runner:
            arn = runner.run_async("2")
            runner.wait_for_result(arn)
            events = runner.get_execution_history(arn, include_execution_data=True).events
            bare = runner.get_execution_history(arn).events
        assert [event.event_type for event in events if event.name == "flaky"] == [
            "StepStarted",
            "StepFailed",
            "StepStarted",
            "StepSucceeded",
        ]
        failed = events[2]
        assert failed.step_failed_details.error.payload.message == "attempt 1"
        assert failed.step_failed_details.retry_details.next_attempt_delay_seconds == 3600
        assert bare[2].step_failed_details.error.payload is None
        assert bare[2].step_failed_details.error.truncated

    def test_leaves_nothing_running_when_it_is_closed(self):
        """An execution that waits for a callback goes no further; a second close does nothing."""
        runner = DurableFunctionTestRunner(workflows.asks)
        arn = runner.run_async('{"questions": ["colour"]}')
        runner.wait_for_callback(arn)
        runner.close()
        runner.close()
        with pytest.raises(DurableFunctionsTestError, match="closed"):
            runner.wait_for_result(arn)

    def test_warns_of_the_old_name_of_the_limit(self):
        """`run(timeout=...)` still works, as in AWS's package, and is deprecated as there."""
        with pytest.warns(DeprecationWarning, match="execution_timeout"):
            assert run(workflows.echo, timeout=10).status is SUCCEEDED

    def test_runs_one_function_with_a_child_context_by_itself(self):
        """A block of a larger workflow needs no handler around it."""

        @durable_with_child_context
        def ship(context: DurableContext, parcel: str, *, express: bool) -> str:
            return context.step(lambda _: f"{parcel} {express}", name="pack")

        with DurableChildContextTestRunner(ship, "kite", express=True) as runner:
            result = runner.run()
        assert result.result == '"kite True"'
        assert result.get_step("pack").status is OperationStatus.SUCCEEDED


class TestInvoking:
    def test_a_durable_function_runs_as_an_execution_of_its_own(self):
        """Its waits are skipped too, and it has a history."""
        with DurableFunctionTestRunner(workflows.invokes) as runner:
            runner.register_durable_function("orders", workflows.orders)
            arn = runner.run_async('{"function": "orders", "payload": 5}')
            result = runner.wait_for_result(arn)
            begun = next(
                event.chained_invoke_started_details
                for event in runner.get_execution_history(arn).events
                if event.event_type == "ChainedInvokeStarted"
            )
            child = runner.get_execution_history(begun.durable_execution_arn).events
        assert isinstance(result.get_invoke("call"), InvokeOperation)
        assert json.loads(result.result) == ["receipt for 5", {"parcel": 7}]
        assert [event.name for event in child if event.event_type == "WaitSucceeded"] == ["trial", "courier"]

    def test_a_plain_function_gets_the_payload_and_a_lambda_context(self):
        """It is called once, with what was sent."""

        def plain(event, context):
            return [event, context.function_name]

        with DurableFunctionTestRunner(workflows.invokes) as runner:
            result = runner.register_function("plain", plain).run({"function": "plain", "payload": {"a": 1}})
        assert result.result == '[{"a": 1}, "plain"]'

    def test_a_qualifier_does_not_matter(self):
        """A version or alias runs what is registered under the bare name."""
        with DurableFunctionTestRunner(workflows.invokes) as runner:
            runner.register_durable_function("echo", workflows.echo)
            assert runner.run({"function": "echo:prod"}).status is SUCCEEDED

    def test_one_that_waits_for_nothing_but_a_callback_times_out(self):
        """After `execution_timeout` seconds of nothing, which take no time."""
        with DurableFunctionTestRunner(workflows.invokes) as runner:
            runner.register_durable_function("asks", workflows.asks, execution_timeout=60)
            result = runner.run({"function": "asks", "payload": {"questions": ["colour"]}})
        call = result.get_invoke("call")
        assert call.status is OperationStatus.TIMED_OUT
        assert call.error.message == "CHAINED_INVOKE timed out after 60 seconds."
        assert result.status is InvocationStatus.FAILED

    def test_one_that_takes_too_long_in_real_time_times_out(self):
        """Where time is not skipped, `execution_timeout` seconds are seconds."""
        with DurableFunctionTestRunner(workflows.invokes, skip_time=False) as runner:
            runner.register_durable_function("asks", workflows.asks, execution_timeout=1)
            result = runner.run({"function": "asks", "payload": {"questions": ["colour"]}})
        assert result.get_invoke("call").status is OperationStatus.TIMED_OUT


class TestMisuse:
    def test_a_plain_function_is_no_handler(self):
        """What is not decorated is refused at once, by name."""
        with pytest.raises(TypeError, match=r"plain.* is not a durable handler: decorate it"):
            DurableFunctionTestRunner(lambda event, context: "plain")
        with (
            DurableFunctionTestRunner(workflows.echo) as runner,
            pytest.raises(TypeError, match="durable handler"),
        ):
            runner.register_durable_function("plain", lambda event, context: None)

    def test_a_handler_of_aws_s_sdk_is_told_apart(self):
        """The error says which import to change."""
        execution = pytest.importorskip("aws_durable_execution_sdk_python.execution")
        theirs = execution.durable_execution(lambda event, context: None)
        with pytest.raises(TypeError, match=r"decorated by AWS's SDK: import it from durably\.workflows"):
            DurableFunctionTestRunner(theirs)

    def test_a_name_that_there_is_not_comes_with_those_that_there_are(self):
        """At the root, and below a context."""
        result = run(workflows.orders)
        with pytest.raises(DurableFunctionsTestError, match=r"'chrge' not found.*'charge', 'ship', 'trial'"):
            result.get_step("chrge")
        with pytest.raises(DurableFunctionsTestError, match=r"'x' not found in 'ship'.*'courier', 'pack'"):
            result.get_context("ship").get_step("x")
        with pytest.raises(DurableFunctionsTestError, match="It has none with a name"):
            run(workflows.echo).get_step("x")

    def test_of_a_name_that_several_have_the_first_is_given(self):
        """As AWS's package does; all of them are there by another method."""

        @durable_execution
        def twice(event, context: DurableContext):
            return [context.step(lambda _, n=n: n, name="same") for n in range(2)]

        result = run(twice)
        assert result.get_step("same").result == "0"
        assert [each.result for each in result.get_operations_by_name("same")] == ["0", "1"]

    @pytest.mark.parametrize(
        ("ask", "message"),
        [
            ("get_step", "is a WAIT, not a StepOperation"),
            ("get_context", "is a WAIT, not a ContextOperation"),
            ("get_callback", "is a WAIT, not a CallbackOperation"),
            ("get_invoke", "is a WAIT, not a InvokeOperation"),
            ("get_execution", "is a WAIT, not a ExecutionOperation"),
        ],
    )
    def test_an_operation_of_another_kind_is_not_handed_out(self, ask, message):
        """What a test would read from it is not there."""
        with pytest.raises(DurableFunctionsTestError, match=message):
            getattr(run(workflows.orders), ask)("trial")

    def test_a_result_that_is_not_there_yet_is_no_result(self):
        """`create` refuses an execution that goes on."""
        from durably.workflows.local import LocalService

        with LocalService() as service:
            execution = service.start(workflows.asks, {"questions": ["colour"]})
            with pytest.raises(DurableFunctionsTestError, match="no result yet: wait for it"):
                DurableFunctionTestResult.create(execution.operations())

    def test_an_execution_that_there_is_not_is_not_waited_for(self):
        """Neither its result, nor its callbacks, nor its history."""
        with DurableFunctionTestRunner(workflows.echo) as runner:
            for ask in (runner.wait_for_result, runner.wait_for_callback, runner.get_execution_history):
                with pytest.raises(Exception, match=r"execution.*nobody") as refused:
                    ask("nobody")
                assert type(refused.value).__name__ == "ResourceNotFoundException"

    @pytest.mark.parametrize("name", ["a b", "x" * 65])
    def test_an_execution_needs_a_name_that_the_service_takes(self, name):
        """It is refused in the service's words."""
        with pytest.raises(Exception, match="Invalid name") as refused:
            run(workflows.echo, execution_name=name)
        assert type(refused.value).__name__ == "InvalidParameterValueException"

    def test_a_function_is_registered_by_its_bare_name(self):
        """A version or alias would be a handler of its own, which the service does not keep."""
        with DurableFunctionTestRunner(workflows.echo) as runner:
            for name in ("", "echo:prod"):
                with pytest.raises(Exception, match="bare name"):
                    runner.register_function(name, print)


def test_an_operation_is_a_value():
    """Frozen, equal by its fields, and of one family."""
    for kind in (StepOperation, ContextOperation, CallbackOperation, WaitOperation, InvokeOperation):
        assert issubclass(kind, Operation)
    result = run(workflows.orders)
    with pytest.raises(AttributeError):
        result.get_step("charge").attempt = 7
