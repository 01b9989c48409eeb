"""A. When an invocation may end: news, and who awaits them at that moment."""

from durably.workflows import Duration, NestingType, durable_execution
from durably.workflows.config import ParallelConfig
from durably.workflows.testing.simulated import Faults
from tests.simulation.races.registry import Act, every, pct, section
from tests.simulation.races.watching import batches_of, order

race = section("A. When an invocation may end")
SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
FLAT = ParallelConfig(nesting_type=NestingType.FLAT)


R1 = race(
    "R1",
    "an answer brought the end of an operation before anybody awaited it; who awaited it then was never woken",
    "js#395",
    tests=[
        "tests/actors/test_races.py::test_news_reaches_an_operation_whether_it_watches_before_or_after_they_come"
    ],
)


@R1.scenario(every(), answers={"c": "yes"}, sees=["known before it is awaited", "awaited before it is known"])
def a_callback_is_answered_before_it_is_awaited():
    """A callback is created, a step is recorded, the callback is awaited; its answer comes at any moment."""

    @durable_execution
    def handler(event, context):
        callback = context.create_callback("c")
        context.step(lambda _: 1, name="s")
        return callback.result()

    def note(view):
        act.seen.add(
            "known before it is awaited"
            if order(view, "c handles News", "c handles Await")
            else "awaited before it is known"
        )

    act = Act(handler, ["yes"], at_end=note)
    return act


@R1.scenario(every(), sees=["over when it is awaited"])
def a_wait_is_over_before_it_is_awaited():
    """A deferred wait of a second is over while the code awaits another one of two seconds, and is awaited after that."""

    @durable_execution
    def handler(event, context):
        wait = context.deferred.wait(SECOND, name="w")
        context.wait(Duration.from_seconds(2), name="v")
        wait.result()
        return "over"

    def note(view):
        if view.invocations == 1:
            act.seen.add("over when it is awaited")

    act = Act(handler, ["over"], at_end=note)
    return act


@R1.scenario(
    pct(600, faults=0.04),
    faults=Faults(frozen=1),
    around=lambda: batches_of(1),
    sees=["over before its code runs again"],
)
def a_wait_is_over_before_a_replay_comes_to_it():
    """A later invocation: the answer to one branch's step has the end of the other's wait, whose code is yet to run."""

    @durable_execution
    def handler(event, context):
        def works(child):
            child.wait(HOUR, name="w")
            return child.step(lambda _: 1, name="s")

        def waits(child):
            child.wait(Duration.from_hours(2), name="v")
            return 2

        return context.parallel([works, waits], name="p", config=FLAT).get_results()

    def note(view):
        frozen = told = False
        for choice in view.choices:
            if choice == "the service invokes":
                frozen = told = False
            frozen = frozen or choice == "the process is frozen for an hour"
            told = told or (frozen and choice.startswith("checkpoint handles CallDone"))
            if told and choice.startswith("v handles Begin") and view.invocations > 1:
                act.seen.add("over before its code runs again")

    act = Act(handler, [[1, 2]], at_end=note)
    return act


R2 = race(
    "R2",
    "the record said SUCCEEDED while the future did not yet; its reader went to sleep, was the last awake, and "
    "the invocation ended PENDING with nothing pending",
    "java#370, java#659",
)


@R2.scenario(every(), sees=["done before it is awaited", "awaited before it is done"])
def a_step_ends_while_its_reader_is_about_to_await_it():
    """A deferred step and a step beside it: its end and `result()` meet in every order."""

    @durable_execution
    def handler(event, context):
        future = context.deferred.step(lambda _: 1, name="a")
        other = context.step(lambda _: 2, name="b")
        return future.result() + other

    def note(view):
        early = order(view, "a handles Confirmed", "a handles Await")
        act.seen.add("done before it is awaited" if early else "awaited before it is done")

    act = Act(handler, [3], at_end=note)
    return act


R4 = race(
    "R4",
    "a callback was completed during the cooldown before the end: PENDING although nothing was pending, and "
    "nobody invoked again",
    "js#384, js#397; js#614, js#381 closed",
)


@R4.scenario(every(), answers={"c": "yes"}, sees=["after the end", "while it runs"])
def a_callback_is_answered_as_the_invocation_ends():
    """One callback, answered at any moment: an invocation that ends PENDING is followed by one that knows."""

    @durable_execution
    def handler(event, context):
        return context.create_callback("c").result()

    def note(view):
        after = view.choices[view.choices.index("callback c is answered") + 1]
        act.seen.add("after the end" if after == "the service goes on" else "while it runs")

    act = Act(handler, ["yes"], at_end=note)
    return act


@R4.scenario(pct(150), answers={"c": "yes"}, sees=["during the cooldown", "before the cooldown"])
def a_callback_is_answered_during_the_cooldown():
    """A wait of five seconds is raced against it, so there is a cooldown; the answer comes at any moment."""

    @durable_execution
    def handler(event, context):
        wait = context.deferred.wait(Duration.from_seconds(5), name="w")
        return context.any([context.create_callback("c"), wait], "first")

    def note(view):
        answered = "callback c is answered"
        if answered in view.choices:
            before = view.choices[: view.choices.index(answered)]
            act.seen.add("during the cooldown" if before[-1] == "all is still" else "before the cooldown")

    act = Act(handler, ["yes", None], at_end=note)
    return act


R7 = race(
    "R7",
    "a callback was completed in the response of a synchronous checkpoint, which nobody read again: PENDING "
    "with nothing pending",
    "py#213, py#234, js 435dbb8",
)


@R7.scenario(
    pct(300, faults=0.1),
    answers={"c": "yes"},
    faults=Faults(split=1),
    sees=["in the response to the step", "in a later invocation"],
)
def a_callback_is_answered_in_the_response_to_a_step():
    """The root awaits a callback while a deferred step is recorded; the answer comes at any moment."""

    @durable_execution
    def handler(event, context):
        callback = context.create_callback("c")
        step = context.deferred.step(lambda _: 1, name="s")
        return [callback.result(), step.result()]

    def note(view):
        act.seen.add("in the response to the step" if view.invocations == 1 else "in a later invocation")

    act = Act(handler, [["yes", 1]], at_end=note)
    return act


@R7.scenario(every(), functions={"f": 2}, sees=["in one invocation", "in a later invocation"])
def an_invoked_function_ends_in_the_response_to_a_step():
    """A function is invoked, a step is recorded, the result is awaited."""

    @durable_execution
    def handler(event, context):
        invoked = context.deferred.invoke("f", None, name="i")
        return context.step(lambda _: 1, name="s") + invoked.result()

    def note(view):
        act.seen.add("in one invocation" if view.invocations == 1 else "in a later invocation")

    act = Act(handler, [3], at_end=note)
    return act
