"""B. Who is active: elsewhere a count that threads change, here what the dispatcher sees."""

from collections import Counter

from durably.workflows import ChildConfig, Duration, MapConfig, NestingType, durable_execution
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import batches_of, ends_when_still, once, order, polls_for

race = section("B. Who is active")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)

R12 = race(
    "R12",
    "`if not done: register` and the completion in between: the thread deregistered after it had been registered, "
    "counted as idle while it ran, and the invocation ended",
    "java#250, java#93",
    design="Nobody counts who is active. An `Await` is a message to the operation, which is either complete when it "
    "handles it or keeps the awaiter; stillness is seen by the dispatcher, which has all mailboxes.",
)


@R12.scenario(every(), around=lambda: batches_of(1), sees=["it was complete", "it was not"])
def a_future_is_awaited_by_other_code_at_the_moment_of_its_completion():
    """A deferred step is awaited from a child that begins at any moment, before, during or after its completion."""

    @durable_execution
    def handler(event, context):
        step = context.deferred.step(lambda _: 1, name="a")
        virtual = ChildConfig(is_virtual=True)
        return context.deferred.run_in_child_context(lambda _: step.result(), "x", virtual).result()

    def note(view):
        act.seen.add(
            "it was complete" if order(view, "a handles Confirmed", "a handles Await") else "it was not"
        )

    act = Act(handler, [1], at_end=note)
    return act


R13 = race(
    "R13",
    "who joined a future woke before its registration as active ran; the late registration counted it as active for "
    "ever, and the invocation never ended",
    "java#301, java#284",
    design="A task is parked or runnable, and there is nothing else that says so. It is resumed by the ticket that "
    "it is parked on; a late answer has an old ticket and does nothing.",
    tests=["tests/actors/test_tasks.py::test_an_answer_to_an_earlier_ticket_is_ignored"],
)


@R13.scenario(every(), sees=["two ends while it is runnable"])
def two_steps_end_while_their_reader_awaits_both_with_one_ticket():
    """Two deferred steps and `all`: the second end may find its reader resumed already, and is not lost."""

    @durable_execution
    def handler(event, context):
        return context.all_settled(
            [context.deferred.step(lambda _, name=name: name, name=name) for name in "ab"]
        )[0].value

    def note(view):
        ends = [each for each in view.choices if each.endswith("handles Confirmed from checkpoint")]
        if len(ends) > 1 and view.choices.index(ends[1]) == view.choices.index(ends[0]) + 1:
            act.seen.add("two ends while it is runnable")

    act = Act(handler, ["a"], at_end=note)
    return act


R14 = race(
    "R14",
    "the worker of a fast step was done and gone before the root reached its wait: the last thread's rule suspended "
    "the root, and the result was lost",
    "java#72, java#93, java#103",
)


@R14.scenario(every(), around=lambda: polls_for(0), sees=["the body ends first", "the root waits first"])
def a_fast_step_is_over_before_the_root_waits():
    """The body of a deferred step ends before, while or after the root begins to wait for a second; nobody polls."""

    @durable_execution
    def handler(event, context):
        step = context.deferred.step(lambda _: 1, name="s")
        context.wait(SECOND, name="w")
        return step.result()

    def note(view):
        early = order(view, "body of s ends", "w handles Begin")
        act.seen.add("the body ends first" if early else "the root waits first")

    act = Act(handler, [1], at_end=note)
    return act


R15 = race(
    "R15",
    "two threads deregistered together, both saw zero, and the invocation was suspended twice",
    "java#250",
    design="One actor decides that an invocation ends, once: ENDED is a state with no way out.",
    tests=["tests/actors/test_ending.py::test_what_a_message_does_in_a_state"],
)


@R15.scenario(every(), faults=Faults(crashes=1))
def two_waits_are_confirmed_at_once():
    """Two deferred waits of an hour, confirmed in one answer and awaited one after the other, and a crash anywhere."""

    @durable_execution
    def handler(event, context):
        waits = [context.deferred.wait(HOUR, name=name) for name in "ab"]
        return len([wait.result() for wait in waits])

    return Act(handler, [2])


@R15.scenario(pct(200), sees=["both wait before all is still"])
def two_branches_go_idle_at_once():
    """Two flat branches that wait for an hour, confirmed in one answer: the invocation ends once."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            child.wait(HOUR, name=item)
            return item

        return context.map(["a", "b"], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

    def note(view):
        busy = "\n".join(view.choices).partition("all is still")[0].splitlines()
        if {"termination handles Waiting from a", "termination handles Waiting from b"} <= set(busy):
            act.seen.add("both wait before all is still")

    act = Act(handler, [["a", "b"]], at_end=note)
    return act


R16 = race(
    "R16",
    "`anyOf` joined the raw futures, past the accounting: its thread stayed active, and nothing was ever suspended",
    "java#707 open",
)


@R16.scenario(pct(150), answers={"c": "yes"}, sees=["it was suspended in between"])
def the_first_of_a_callback_and_a_wait_is_awaited():
    """`any` of a callback and a wait of a day suspends as any other wait does, and once all is still it ends."""

    @durable_execution
    def handler(event, context):
        wait = context.deferred.wait(Duration.from_days(1), name="w")
        return context.any([context.create_callback("c"), wait], "first")

    def note(view):
        if view.invocations > 1:
            act.seen.add("it was suspended in between")

    act = Act(handler, ["yes", None], [ends_when_still], note)
    return act


R17 = race(
    "R17",
    "suspending did not complete the futures that others waited on: a thread leaked with each suspension",
    "java#280, java#308",
    tests=["tests/workflows/test_resources.py::TestNothingIsLeft::test_however_an_invocation_ends"],
)


@R17.scenario(pct(150), faults=Faults(failed=1, lost=1), sees=["all were unwound"])
def every_branch_is_unwound_when_the_invocation_ends():
    """Three branches wait in different places: whatever has begun has run its `finally` when the invocation ends."""
    inside = Counter[str]()

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            inside["begun"] += 1
            try:
                if item == 0:
                    child.run_in_child_context(lambda inner: inner.wait(HOUR, name="w0"), name="inner")
                elif item == 1:
                    child.deferred.wait(HOUR, name="w1").result()
                else:
                    child.wait(HOUR, name="w2")
            finally:
                inside["ended"] += 1
            return item

        return context.map([0, 1, 2], branch, name="m").get_results()

    def nobody_is_left(view: RunView) -> None:
        if view.choices and view.choices[-1] in ("time passes", "the service goes on"):
            assert inside["begun"] == inside["ended"], f"{inside['begun'] - inside['ended']} are left"
            act.seen.add("all were unwound")

    act = Act(handler, [[0, 1, 2]], [nobody_is_left])
    return act


R18 = race(
    "R18",
    "handlers filled a pool of N threads, and each waited for a step that was queued behind them",
    "java#12, java#38, java#726 open",
    design="Workflow code occupies no thread of the pool: it is parked as a greenlet. Bodies that cannot have a "
    "thread run on the hub.",
    tests=[
        "tests/workflows/test_resources.py::TestThreads::test_no_more_bodies_run_than_there_may_be_threads",
        "tests/workflows/test_resources.py::TestWithoutThreads::test_branches_begin_however_many_there_are",
    ],
)


@R18.scenario(random(100))
def nested_maps_with_room_for_one():
    """Each of two branches, one at a time, has a map of two branches, one at a time, with a step each."""
    bodies = Counter[str]()

    @durable_execution
    def handler(event, context):
        one = MapConfig(max_concurrency=1)

        def inner(child, item, *_):
            return child.step(lambda _: bodies.update([f"s{item}"]) or item, name=f"s{item}")

        def outer(child, item, *_):
            return sum(child.map([item, item + 1], inner, f"m{item}", one).get_results())

        return context.map([0, 2], outer, "o", one).get_results()

    return Act(handler, [[1, 5]], at_end=lambda view: once(bodies, "a body has run"))
