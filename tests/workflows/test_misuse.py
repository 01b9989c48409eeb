"""What a user does wrong is said at once, and nothing is recorded of it."""

import queue
import re
import threading

import pytest

from durably.workflows import ParallelBranch, durable_execution
from durably.workflows.exceptions import ExecutionError, ValidationError
from durably.workflows.local import LocalService
from durably.workflows.local.callbacks import callback_id
from durably.workflows.local.errors import ServiceError
from tests.workflows.running import SECOND, Run
from tests.workflows.wrong_arguments import DEFERRED, WRONG, looks, nothing

NOT_DURABLE = (
    "Unexpected payload provided to start the durable execution. "
    "Check your resource configurations to confirm the durability is set."
)


@pytest.mark.parametrize(
    "event", [None, [], "text", {}, {"name": "x"}, {"DurableExecutionArn": "a"}, {"CheckpointToken": "t"}]
)
def test_an_event_that_is_no_durable_invocation_is_refused(event):
    """An ExecutionError leaves the handler, in the official words; a note says how a handler is called."""
    ran = []
    handler = durable_execution(lambda event, context: ran.append(1), boto3_client=object())
    with pytest.raises(ExecutionError) as refused:
        handler(event, None)
    assert str(refused.value) == NOT_DURABLE
    assert "DurableFunctionTestRunner(handler).run(input)" in refused.value.__notes__[0]
    assert ran == []


EACH = WRONG | DEFERRED


class TestArguments:
    @pytest.mark.parametrize(
        ("argument", "call"), [*WRONG.values(), *DEFERRED.values()], ids=[*WRONG, *DEFERRED]
    )
    def test_a_wrong_argument_is_refused_before_anything_is_recorded(self, argument, call):
        """ValidationError that names it, the service has seen no call, and the code can go on."""
        seen = []

        def handler(event, context):
            try:
                call(context)
            except ValidationError as error:
                seen.append((str(error), run.service.calls))
            return context.step(lambda step: "fine")

        run = Run(handler)
        assert run.result() == "fine"
        assert [calls for _, calls in seen] == [0]
        assert re.search(rf"\b{argument}\b", seen[0][0])
        assert run.result() == "fine"
        assert len(run.recorded) == 1

    @pytest.mark.parametrize(
        ("call", "says"),
        [
            (WRONG["step name"][1], "name must be a str"),
            (WRONG["step config"][1], "StepConfig"),
            (WRONG["wait of a number"][1], "Duration"),
            (WRONG["map over a generator"][1], "Make a list of it"),
            (WRONG["parallel of results"][1], r"functions\[1\]"),
            (WRONG["map wants too much"][1], "min_successful"),
        ],
    )
    def test_the_error_names_the_argument_and_what_it_should_be(self, call, says):
        """Left alone it fails the execution, with the same words."""
        run = Run(lambda event, context: call(context))
        with pytest.raises(AssertionError, match=says):
            run.result()
        assert run.service.calls == 0

    def test_a_handler_must_be_a_function(self):
        """The decorator refuses anything else."""
        with pytest.raises(TypeError, match="decorates a function"):
            durable_execution(42)  # type: ignore[call-overload]  # on purpose


OPERATIONS = {
    "step": lambda c: c.step(lambda step: 1, "inner"),
    "wait": lambda c: c.wait(SECOND, "inner"),
    "child": lambda c: c.run_in_child_context(lambda child: 1, "inner"),
    "map": lambda c: c.map([1], lambda child, *_: 1, "inner"),
    "parallel": lambda c: c.parallel([lambda child: 1], "inner"),
    "callback": lambda c: c.create_callback("inner"),
    "waiting for a callback": lambda c: c.wait_for_callback(nothing, "inner"),
    "invoke": lambda c: c.invoke("f", 1, "inner"),
    "condition": lambda c: c.wait_for_condition(nothing, looks(), "inner"),
}


class TestPlaces:
    @pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
    @pytest.mark.parametrize("beside", [0, 3])
    def test_an_operation_in_a_steps_body_is_refused(self, operation, beside):
        """Alone and beside others: the execution fails, and is told to use a child context."""

        def handler(event, context):
            def branch(child, *_):
                child.step(lambda step: operation(child), "outer")

            if beside:
                context.map(range(beside), branch)
            else:
                branch(context)

        run = Run(handler)
        error = run.error()
        assert error["ErrorType"].endswith("ExecutionError")
        assert "run_in_child_context" in error["ErrorMessage"]
        assert "inner" not in run.recorded

    @pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS.keys())
    def test_a_parents_context_in_a_childs_code_is_refused(self, operation):
        """The error names both contexts."""

        def handler(event, context):
            context.run_in_child_context(lambda child: operation(context), "the child")

        run = Run(handler)
        message = run.error()["ErrorMessage"]
        assert "'the child'" in message
        assert "'the handler'" in message
        assert "inner" not in run.recorded

    def test_a_childs_context_outside_the_child_is_refused(self):
        """A context that was kept is of no use when its code has ended."""
        kept = []

        def handler(event, context):
            context.run_in_child_context(kept.append, "the child")
            kept[0].step(lambda step: 1, "inner")

        run = Run(handler)
        assert "'the child'" in run.error()["ErrorMessage"]
        assert "inner" not in run.recorded

    def test_one_branchs_context_in_another_branch_is_refused(self):
        """Branches have a context each."""

        def handler(event, context):
            contexts = []

            def lends(child):
                contexts.append(child)
                child.wait(SECOND)

            def takes(child):
                contexts[0].step(lambda step: 1, "inner")

            context.parallel([ParallelBranch(lends, "the lender"), ParallelBranch(takes, "the taker")])

        message = Run(handler).error()["ErrorMessage"]
        assert "'the lender'" in message
        assert "'the taker'" in message

    def test_an_operation_on_a_thread_of_ones_own_is_refused(self):
        """The thread gets the error; the invocation is none the worse."""
        told = queue.SimpleQueue()

        def handler(event, context):
            def work():
                try:
                    context.step(lambda step: 1, "inner")
                except Exception as error:
                    told.put(error)

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return context.step(lambda step: "fine")

        run = Run(handler)
        assert run.result() == "fine"
        assert "thread" in str(told.get())
        assert run.recorded == ["STEP"]

    def test_a_context_of_an_invocation_that_is_over_is_of_no_use(self):
        """Calls after the end are refused and change nothing."""
        kept = []
        run = Run(lambda event, context: kept.append(context))
        run.invoke()
        with pytest.raises(ExecutionError):
            kept[0].step(lambda step: 1)
        assert run.service.updates == []

    def test_a_context_of_an_earlier_invocation_is_refused(self):
        """A context that was kept in a warm process is of no use to the next invocation, which says so."""
        kept = []

        def handler(event, context):
            kept.append(context)
            context.wait(SECOND)
            kept[0].step(lambda step: 1, "inner")

        run = Run(handler)
        error = run.error()
        assert error["ErrorType"].endswith(".ExecutionError"), error
        assert "inner" not in run.recorded

    def test_a_context_inside_another_invocation_is_refused(self):
        """An invocation inside a step's body has contexts of its own, and the outer one stays out."""

        def handler(event, context):
            def body(step):
                inner = Run(lambda event, inner_context: context.step(lambda step: 1, "inner"))
                return inner.output()["Status"]

            return context.step(body)

        run = Run(handler)
        assert run.result() == "FAILED"
        assert run.recorded == ["STEP"]


class TestAnswers:
    @pytest.mark.parametrize("answer", ["succeed_callback", "fail_callback", "heartbeat_callback"])
    def test_an_answer_to_a_callback_that_is_not_there_is_refused(self, answer):
        """The error says what was not found: an id, an execution, a callback. The execution waits on."""

        @durable_execution
        def handler(event, context):
            context.step(lambda step: 1, "s")
            return context.create_callback("cb").result()

        with LocalService() as service:
            execution = service.start(handler)
            service.wait_until_idle()
            (step,) = [each for each in execution.operations() if each.name == "s"]
            for wrong, says in (
                ("no id", "Invalid callback id"),
                ("", "Invalid callback id"),
                (callback_id(execution.arn, "0" * 64), "No such callback"),
                (callback_id(execution.arn, step.id), "No such callback"),
                (callback_id(f"{execution.arn}0", step.id), "There is no execution"),
            ):
                with pytest.raises(ServiceError, match=says):
                    getattr(service, answer)(wrong)
            assert execution.status == "RUNNING"
            service.succeed_callback(execution.callbacks()[0].callback_id, "found")
            assert execution.result(10) == "found"


def test_an_invocation_inside_a_step_works():
    """A body may call another durable handler on a service of its own."""

    def inner(event, context):
        return sum(context.map(range(5), lambda child, n, *_: child.step(lambda step: n)).get_results())

    def handler(event, context):
        return context.step(lambda step: Run(inner).result()) + context.step(lambda step: 1)

    assert Run(handler).result() == 11
