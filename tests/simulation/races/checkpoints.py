"""C. The checkpoint queue: what is sent, who is told when, and what becomes of it when a call fails."""

from durably.actors.model import OperationStatus
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import Faults
from tests.simulation.races.registry import Act, every, pct, section
from tests.simulation.races.watching import starts_once

race = section("C. The checkpoint queue")
HOUR = Duration.from_hours(1)


def steps(*names, plugins=()):
    """A handler with steps of these names, one after the other."""

    @durable_execution(plugins=plugins)
    def handler(event, context):
        return [context.step(lambda _, name=name: name, name=name) for name in names]

    return handler


R19 = race(
    "R19",
    "the end of a batch was told before its operations were merged; who looked again saw nothing, and sent START "
    "a second time",
    "py#245, py#246",
    tests=["tests/actors/test_checkpoint_queue.py::test_an_answer_is_merged_before_the_first_is_told"],
)


@R19.scenario(every(), faults=Faults(lost=1))
def an_answer_is_lost_after_the_service_has_merged_it():
    """Two steps, and the answer to any call is lost: nothing that is recorded is started again."""
    return Act(steps("a", "b"), [["a", "b"]], [starts_once])


@R19.scenario(every(), answers={"c": "yes"}, faults=Faults(crashes=1))
def who_is_told_looks_at_once():
    """A callback whose creator goes on when START is confirmed and awaits it at once; and a crash anywhere."""

    @durable_execution
    def handler(event, context):
        return context.create_callback("c").result()

    return Act(handler, ["yes"], [starts_once])


R20 = race(
    "R20",
    "the end of a child was sent and not awaited, the handler returned, the last call failed, and the drain knew only "
    "how to resolve: SUCCEEDED, and the checkpoint lost for ever",
    "js#365, js#869, js#870 open, js#335",
)


@R20.scenario(every(), faults=Faults(failed=1, lost=1), sees=["the last call failed"])
def the_call_with_the_end_of_a_child_fails():
    """A child, then the handler returns: what is reported is recorded, whichever call fails how."""

    @durable_execution
    def handler(event, context):
        return context.run_in_child_context(lambda child: 1, "x")

    def recorded(view):
        (child,) = view.named("x")
        assert child.status is OperationStatus.SUCCEEDED, f"the child is {child.status.value}"
        if view.invocations > 1:
            act.seen.add("the last call failed")

    act = Act(handler, [1], at_end=recorded)
    return act


@R20.scenario(every(), faults=Faults(failed=1, lost=1), sees=["recorded", "its call failed", "not begun"])
def the_handler_returns_while_the_start_of_a_wait_is_in_a_call_that_fails():
    """A deferred wait that nobody awaits: if its START was accepted it is recorded before the end is reported."""

    @durable_execution
    def handler(event, context):
        context.deferred.wait(HOUR, name="w")
        return "done"

    def note(view):
        act.seen.add("recorded" if view.named("w") else "not begun")
        if view.invocations > 1:
            act.seen.add("its call failed")

    act = Act(handler, ["done"], at_end=note)
    return act


R21 = race(
    "R21",
    "a batch was taken from the queue before it was sent; when the call failed the queue was cleared and the batch in "
    "flight was never settled: with a large result it hung until the timeout",
    "js#871 open",
)


@R21.scenario(every(), faults=Faults(failed=1, lost=1), sees=["the end was sent twice"])
def the_call_with_a_large_result_fails():
    """A result that must be sent as a checkpoint of its own, of which each call may fail in each way."""
    large = "x" * (6 * 1024 * 1024 - 20)

    @durable_execution
    def handler(event, context):
        return large

    def note(view):
        if view.invocations > 1:
            act.seen.add("the end was sent twice")

    act = Act(handler, [large], at_end=note)
    return act


@R21.scenario(pct(60), faults=Faults(throttled=1, failed=1, lost=1, crashes=1))
def calls_with_large_results_of_a_child_and_of_steps_fail():
    """Results that do not fit into one call, in a child that is rebuilt from them."""

    @durable_execution
    def handler(event, context):
        def child(inner):
            futures = [inner.deferred.step(lambda _, n=n: n * 300_000, name=n) for n in "abc"]
            return "".join(future.result() for future in futures)

        return len(context.run_in_child_context(child, "x"))

    return Act(handler, [900_000])


R22 = race(
    "R22",
    "a failure rejected each of N promises and ended the invocation as well: unhandled rejections, and an invalid "
    "transition; or only what was pending failed, and the execution went on",
    "js#133, js#183, js#216; java#51",
    tests=["tests/actors/test_races.py::test_when_the_call_in_flight_fails_everybody_learns_of_it"],
)


@R22.scenario(pct(200), faults=Faults(refused=1), sees=["it failed", "it went well"])
def a_call_is_refused_while_two_wait_for_it():
    """Two deferred steps in one call or in two, and a call is refused for good: the execution fails with that."""

    @durable_execution
    def handler(event, context):
        futures = [context.deferred.step(lambda _: 1, name=name) for name in "ab"]
        try:
            return sum(future.result() for future in futures)
        except Exception as error:
            return f"caught {error!r}"

    def note(view):
        act.seen.add("it failed" if view.output["Status"] == "FAILED" else "it went well")

    act = Act(handler, [2], at_end=note)
    return act


R23 = race(
    "R23",
    "the table of operations was read while an answer was merged into it: the dictionary changed its size",
    "py 12b5d66, java#362",
    design="The live history is the checkpoint actor's, and nobody else holds it. Operations are told their record in "
    "a message; replay reads the snapshot that the invocation began with, which never changes. No lock, no reader.",
    tests=["tests/actors/test_checkpoint_queue.py::test_whoever_is_told_finds_everything_merged"],
)
