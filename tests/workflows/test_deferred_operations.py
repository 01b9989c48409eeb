"""Each operation deferred: in every kind of context, suspended, replayed, and awaited where it may be."""

import threading

import pytest

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows import (
    DurableContext,
    InvokeError,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepError,
)
from durably.workflows.exceptions import ExecutionError
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.workflows.deferring import HOUR, LARGE, VIRTUAL, YEAR, fails, nothing
from tests.workflows.running import ONCE, SECOND, Run

# ------------------------------------------------------------------ every operation


def answered(run):
    """Let whatever waits outside succeed."""
    for operation in list(run.service.operations.values()):
        if operation.status is OperationStatus.STARTED and operation.callback_id:
            run.service.complete_callback(operation.callback_id, f"answer to {operation.name}")
        elif operation.status is OperationStatus.STARTED and operation.type.value == "CHAINED_INVOKE":
            run.service.complete_invoke(operation.id, f'"answer to {operation.name}"')


def condition(context, deferred, name):
    config = WaitForConditionConfig(
        lambda state, attempt: (
            WaitForConditionDecision.stop_polling()
            if state >= 3
            else WaitForConditionDecision.continue_waiting(SECOND)
        ),
        0,
    )
    return deferred.wait_for_condition(lambda state, check: state + 1, config, name)


def group(child):
    child.wait(SECOND)
    return child.step(lambda step: "in the group")


KINDS = {
    "step": (lambda c, d, n: d.step(lambda step: "stepped", n), "stepped"),
    "wait": (lambda c, d, n: d.wait(SECOND, n), None),
    "invoke": (lambda c, d, n: d.invoke("other", {"a": 1}, n), "answer to op"),
    "callback": (lambda c, d, n: c.create_callback(n), "answer to op"),
    "wait_for_callback": (
        lambda c, d, n: d.wait_for_callback(lambda callback_id, context: None, n),
        "answer to op create callback id",
    ),
    "condition": (condition, 3),
    "child": (lambda c, d, n: d.run_in_child_context(group, n), "in the group"),
    "virtual child": (lambda c, d, n: d.run_in_child_context(group, n, VIRTUAL), "in the group"),
    "large child": (
        lambda c, d, n: d.run_in_child_context(lambda child: group(child) + "!" * LARGE, n),
        "in the group" + "!" * LARGE,
    ),
    "map": (lambda c, d, n: d.map([1, 2], lambda child, item, *_: group(child), n), ["in the group"] * 2),
    "flat map": (
        lambda c, d, n: d.map(
            [1, 2], lambda child, item, *_: group(child), n, MapConfig(nesting_type=NestingType.FLAT)
        ),
        ["in the group"] * 2,
    ),
    "parallel": (lambda c, d, n: d.parallel([group, group], n), ["in the group"] * 2),
    "large map": (
        lambda c, d, n: d.map([1], lambda child, *_: group(child) + "!" * LARGE, n),
        ["in the group" + "!" * LARGE],
    ),
}
AROUND = {
    "in the handler": lambda context, code: code(context),
    "in a child": lambda context, code: context.run_in_child_context(code, "around"),
    "in a virtual child": lambda context, code: context.run_in_child_context(code, "around", VIRTUAL),
    "in a branch": lambda context, code: context.map([1], lambda c, *_: code(c), "around").get_results()[0],
    "in a flat branch": lambda context, code: context.map(
        [1], lambda c, *_: code(c), "around", MapConfig(nesting_type=NestingType.FLAT)
    ).get_results()[0],
    "in a large child": lambda context, code: context.run_in_child_context(
        lambda child: [code(child), "!" * LARGE], "around"
    )[0],
    "in a large branch": lambda context, code: context.map(
        [1], lambda c, *_: [code(c), "!" * LARGE], "around"
    ).get_results()[0][0],
    "in a large child of a large child": lambda context, code: context.run_in_child_context(
        lambda outer: outer.run_in_child_context(lambda inner: [code(inner), "!" * LARGE], "inner"), "around"
    )[0],
}


def finish(run):
    """To the end, with every callback and invoke answered."""
    for _ in range(40):
        output = run.invoke()
        if output["Status"] != "PENDING":
            return output
        answered(run)
        run.service.advance()
    raise AssertionError("it never ends")


def plain(value):
    return value.get_results() if hasattr(value, "get_results") else value


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
@pytest.mark.parametrize(("begin", "expected"), KINDS.values(), ids=KINDS.keys())
def test_each_operation_can_be_deferred_suspended_and_replayed(begin, expected, around):
    """Begun in any kind of context, awaited by hand and by a combinator, and the same on replay."""
    results = []

    def handler(event, context):
        def code(child: DurableContext):
            future = begin(child, child.deferred, "op")
            beside = child.deferred.step(lambda step: "beside", "beside")
            settled = child.all_settled([future, beside], "settled")
            assert future.done
            return [
                plain(settled[0].result()) == plain(future.result()),
                settled[1].value,
                plain(future.result()),
            ]

        results.append(around(context, code))
        context.wait(SECOND, "last")

    run = Run(handler)
    assert finish(run)["Status"] == "SUCCEEDED"
    assert finish(run)["Status"] == "SUCCEEDED"
    assert len(results) >= 2
    assert all(each == [True, "beside", expected] for each in results), [str(each)[:99] for each in results]


@pytest.mark.parametrize(("begin", "expected"), KINDS.values(), ids=KINDS.keys())
def test_what_was_begun_in_a_large_child_and_not_awaited_stays_as_it_is(begin, expected):
    """Its code runs again for the result, and nothing begins that is not complete."""

    def handler(event, context):
        def code(child):
            begin(child, child.deferred, "op")
            return child.step(lambda step: "x" * LARGE, "large")

        large = context.run_in_child_context(code, "around")
        context.wait(SECOND)
        context.wait(SECOND)
        return len(large)

    run = Run(handler)
    assert run.invoke()["Status"] == "PENDING"
    before = [each for each in run.service.updates if each.name not in (None, "WAIT")]
    run.service.advance()
    assert run.result() == LARGE
    after = [each for each in run.service.updates if each.name not in (None, "WAIT")]
    assert after == before
    assert expected is None or expected


@pytest.mark.parametrize("what", ["invoke", "step"])
def test_a_failed_operation_is_an_error_of_its_own_kind(what):
    """What is raised where the future is awaited is what the operation raises that is not deferred."""

    def handler(event, context):
        if what == "invoke":
            future = context.deferred.invoke("other", None, "op")
        else:
            future = context.deferred.step(fails, "op", ONCE)
        with pytest.raises((InvokeError, StepError)) as caught:
            future.result()
        return type(caught.value).__name__

    run = Run(handler)
    output = run.invoke()
    if what == "invoke":
        assert output["Status"] == "PENDING"
        run.service.complete_invoke(run.named("op").id, None, ErrorObject("no", "ValueError"))
    assert run.result() == ("InvokeError" if what == "invoke" else "StepError")


# ------------------------------------------------------------------ where it may be awaited


class TestWhereItIsAwaited:
    def test_below_the_context_that_began_it(self):
        """In a child, a child's child, a virtual one and a branch."""

        def handler(event, context):
            future = context.deferred.step(lambda step: 1, "a")
            deep = context.run_in_child_context(
                lambda child: child.run_in_child_context(lambda c: future.result(), "inner"), "outer"
            )
            virtual = context.run_in_child_context(lambda child: future.result(), None, VIRTUAL)
            batch = context.parallel([lambda child: future.result()], "p")
            flat = context.map(
                [1], lambda child, *_: future.result(), "m", MapConfig(nesting_type=NestingType.FLAT)
            )
            return [deep, virtual, *batch.get_results(), *flat.get_results()]

        assert Run(handler).result() == [1, 1, 1, 1]

    def test_a_wait_is_awaited_below_and_suspends(self):
        """A child that awaits a future of its parent's is suspended with it, and goes on."""

        def handler(event, context):
            future = context.deferred.wait(HOUR, "w")
            return context.run_in_child_context(lambda child: [future.result(), "later"], "child")

        assert Run(handler).result() == [None, "later"]

    @pytest.mark.parametrize("nesting", list(NestingType))
    def test_in_another_branch_it_is_refused(self, nesting):
        """The error names the operation, who began it and who awaits it."""

        def handler(event, context):
            futures = []

            def lends(child):
                futures.append(child.deferred.wait(SECOND, "lent"))
                futures[0].result()

            def takes(child):
                futures[0].result()

            context.parallel(
                [ParallelBranch(lends, "the lender"), ParallelBranch(takes, "the taker")],
                None,
                ParallelConfig(nesting_type=nesting),
            )

        error = Run(handler).error()
        assert error["ErrorType"].endswith("ExecutionError")
        for name in ("'lent'", "'the lender'", "'the taker'", "Await it in the context that began it"):
            assert name in error["ErrorMessage"]

    @pytest.mark.parametrize("config", [None, VIRTUAL])
    @pytest.mark.parametrize("combined", [False, True])
    def test_in_the_parent_it_is_refused(self, config, combined):
        """On replay the child's code would not run, and there would be no future."""

        def handler(event, context):
            futures = []

            def group(child):
                futures.append(child.deferred.step(lambda step: 1, "lent"))

            context.run_in_child_context(group, "the child", config)
            return context.all(futures) if combined else futures[0].result()

        message = Run(handler).error()["ErrorMessage"]
        assert "'the child'" in message
        assert "'the handler'" in message

    def test_on_a_thread_of_ones_own_it_is_refused(self):
        """The thread gets the error; the invocation is none the worse."""
        told = []

        def handler(event, context):
            future = context.deferred.step(lambda step: 1, "a")

            def work():
                for call in (future.result, lambda: context.all([future])):
                    try:
                        call()
                    except ExecutionError as error:
                        told.append(str(error))

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()
            return future.result()

        run = Run(handler)
        assert run.result() == 1
        assert ["outside workflow code" in each for each in told] == [True, True]
        assert run.recorded == ["a"]

    @pytest.mark.parametrize("combined", [False, True])
    def test_in_a_steps_body_it_is_refused(self, combined):
        """A body cannot wait for operations."""

        def handler(event, context):
            future = context.deferred.step(lambda step: 1, "a")
            context.step(lambda step: context.all([future]) if combined else future.result(), "b", ONCE)

        assert "outside workflow code" in Run(handler).error()["ErrorMessage"]

    @pytest.mark.parametrize("begun", [True, False])
    def test_one_of_an_earlier_invocation_is_refused(self, begun):
        """A future that was kept in a warm process is of no use to the next invocation, which says so."""
        kept = []

        def handler(event, context):
            kept.append(context.deferred.wait(YEAR, "w") if begun else context.deferred.step(nothing, "w"))
            context.wait(SECOND)
            kept[0].result()

        error = Run(handler).error()
        assert error["ErrorType"].endswith(".ExecutionError")
        assert "earlier invocation" in error["ErrorMessage"]

    def test_one_of_an_invocation_that_is_over_is_refused(self):
        """Asking later changes nothing."""
        kept = []
        run = Run(lambda event, context: kept.append(context.deferred.wait(YEAR)))
        run.invoke()
        with pytest.raises(ExecutionError, match="outside workflow code"):
            kept[0].result()
