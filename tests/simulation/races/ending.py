"""A. When an invocation may end: races between who decides that and whatever happens meanwhile."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from durably.actors import checkpoint
from durably.actors.model import OperationStatus
from durably.workflows import Duration, MapConfig, NestingType, durable_execution
from durably.workflows.config import ParallelConfig
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, once, pct, random, section

race = section("A. When an invocation may end")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
FLAT = ParallelConfig(nesting_type=NestingType.FLAT)


@contextlib.contextmanager
def batches_of(most: int) -> Iterator[None]:
    """No call has more updates than this, so that a few operations make several calls."""
    usual = checkpoint.MAX_UPDATES
    checkpoint.MAX_UPDATES = most
    try:
        yield
    finally:
        checkpoint.MAX_UPDATES = usual


def order(view: RunView, first: str, second: str) -> bool:
    """Whether the first of the choices that begin with one comes before the first that begins with other."""
    for choice in view.choices:
        if choice.startswith(first):
            return True
        if choice.startswith(second):
            return False
    return False


def ends_when_still(view: RunView) -> None:
    """An invariant, where nothing comes due within the cooldown: no timer fires once all is still."""
    if view.choices[-2:-1] == ["all is still"]:
        last = view.choices[-1]
        assert not last.startswith(("Due for", "CooldownElapsed")), f"all is still, and it lasts until {last}"


# ------------------------------------------------------------------ R1, R2, R7: news and who awaits them

R1 = race(
    "R1",
    "an answer brought the end of an operation before anybody awaited it; who awaited it then was never woken",
    "js#395",
    tests=["tests/actors/test_races.py::test_news_reaches_an_operation_whether_it_watches_before_or_after_they_come"],
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
    """A deferred wait of a second ends while a step waits for its retry, and is awaited after that."""

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


R7 = race(
    "R7",
    "a callback was completed in the response of a synchronous checkpoint, which nobody read again: PENDING "
    "with nothing pending",
    "py#213, py#234, js 435dbb8",
)


@R7.scenario(pct(150), answers={"c": "yes"}, sees=["in the response to the step", "in a later invocation"])
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


# ------------------------------------------------------------------ R3 to R6: the decision, and what it overlooks

R3 = race(
    "R3",
    "many operations began in a loop, all were idle for a moment, and the end was scheduled; it struck, unchecked, "
    "while the next batch was under way",
    "js#418",
)


@R3.scenario(every(), around=lambda: batches_of(1), sees=["several calls"])
def waits_begin_in_a_loop_and_no_call_holds_them_all():
    """Two waits begin one after the other, and each START needs a call of its own."""

    @durable_execution
    def handler(event, context):
        waits = [context.deferred.wait(HOUR, name=f"w{number}") for number in range(2)]
        for wait in waits:
            wait.result()
        return len(waits)

    def note(view):
        if view.choices.count("the service handles the call") > 1:
            act.seen.add("several calls")

    act = Act(handler, [2], at_end=note)
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


R5 = race(
    "R5",
    "one branch had its SUCCEED queued when the others went idle, so the end was put off; when the queue was empty "
    "nobody asked again, and it polled for 15 minutes",
    "js#492, js#503; js#510 open",
)


@R5.scenario(pct(200, faults=0.01), faults=Faults(crashes=1), sees=["idle before the end of the step is confirmed"])
def a_step_is_done_while_the_root_goes_idle():
    """A deferred step ends while the root begins to wait for an hour: once all is still, the invocation ends."""

    @durable_execution
    def handler(event, context):
        step = context.deferred.step(lambda _: 1, name="s")
        context.wait(HOUR, name="w")
        return step.result()

    def note(view):
        if order(view, "termination handles Waiting", "s handles Confirmed"):
            act.seen.add("idle before the end of the step is confirmed")

    act = Act(handler, [1], [ends_when_still], note)
    return act


@R5.scenario(pct(150), answers={"c3": "yes", "c4": "yes"})
def one_of_five_branches_is_done_and_four_go_idle():
    """As above, with contexts of their own, two waits, and two callbacks that are answered at any moment."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            if item == 0:
                return child.step(lambda _: item, name="s")
            if item < 3:
                child.wait(HOUR, name=f"w{item}")
            else:
                child.create_callback(f"c{item}").result()
            return item

        return context.map(range(5), branch, name="m").get_results()

    return Act(handler, [[0, 1, 2, 3, 4]], [ends_when_still])


R6 = race(
    "R6",
    "once the end was decided a checkpoint was answered as if it had been sent, and the code went on to its next "
    "side effect",
    "js#131, js#176",
)


@R6.scenario(random(300), faults=Faults(failed=1), sees=["the second step never ran"])
def a_child_goes_on_with_steps_while_the_handler_returns():
    """A child that nobody awaits does two steps, and a call fails: no second step unless the first is recorded."""
    ran = set[str]()

    @durable_execution
    def handler(event, context):
        def child(inner):
            inner.step(lambda _: ran.add("a"), name="a")
            inner.step(lambda _: ran.add("b"), name="b")

        context.deferred.run_in_child_context(child, "x")
        return "done"

    def only_after_what_is_recorded(view: RunView) -> None:
        if "b" in ran:
            (first,) = view.named("a")
            assert first.status is OperationStatus.SUCCEEDED, "b ran, and a is not recorded"

    def note(view):
        if "b" not in ran:
            act.seen.add("the second step never ran")

    act = Act(handler, ["done"], [only_after_what_is_recorded], note)
    return act


# ------------------------------------------------------------------ R8 to R11: who is asked to go, and how

R8 = race(
    "R8",
    "a wait in one promise ended the invocation while a sibling was in user code; its step was lost or ran again",
    "js#10, js#12, js#81, js#88, js#208, js#345",
)


@R8.scenario(random(150), sees=["the body ends after the other waits"])
def a_wait_begins_while_a_deferred_step_is_in_its_body():
    """The body runs once in the whole execution, whenever the root begins to wait."""
    return _sibling(lambda context, works: (context.deferred.step(works, name="s"), context.wait(HOUR, name="w")))


@R8.scenario(pct(150), sees=["the body ends after the other waits"])
def one_branch_waits_while_the_other_is_in_the_body_of_a_step():
    """The same with a branch for each."""

    def branches(context, works):
        context.parallel(
            [lambda child: child.wait(HOUR, name="w"), lambda child: child.step(works, name="s")],
            name="p",
            config=FLAT,
        )

    return _sibling(branches)


def _sibling(code):
    bodies = Counter[str]()

    @durable_execution
    def handler(event, context):
        code(context, lambda _: bodies.update(["s"]))
        return "done"

    def note(view):
        once(bodies, "a body has run")
        if order(view, "termination handles Waiting", "body of s ends"):
            act.seen.add("the body ends after the other waits")

    act = Act(handler, ["done"], at_end=note)
    return act


R9 = race(
    "R9",
    "in a race of two waits both ran to their ends: 11 seconds, and the wrong winner",
    "js#265, js#280, js#282",
    tests=["tests/workflows/test_combinators.py::TestRace::test_of_two_waits_the_shorter_wins"],
)


@R9.scenario(pct(200), faults=Faults(frozen=1))
def two_waits_race():
    """One second against an hour: the hour is not waited for, and is over only if the process was that slow."""

    @durable_execution
    def handler(event, context):
        futures = [context.deferred.wait(duration, name=name) for duration, name in ((HOUR, "h"), (SECOND, "s"))]
        context.race(futures, "race")
        return [future.done for future in futures]

    def note(view):
        choices = view.choices
        late = [n for n in range(1, len(choices)) if choices[n] == "Due for h" and choices[n - 1] == "all is still"]
        frozen = any("frozen" in each for each in choices)
        assert frozen or not late, "the hour was waited for"

    return Act(handler, [[False, True], [True, True]], at_end=note)


R10 = race(
    "R10",
    "a replay that did not match was raised with a reason that the supervisor did not know: PENDING, the error "
    "lost, and tried for ever",
    "js#865, js#866, js#867; py#698",
)


@R10.scenario(pct(100))
def a_replay_does_not_match_while_another_branch_waits():
    """A branch does another step in the second invocation: the execution fails, and is not invoked a third time."""
    @durable_execution
    def handler(event, context):
        def waits(child):
            child.wait(SECOND, name="w")
            child.wait(HOUR, name="v")

        def differs(child):
            return child.step(lambda _: 1, name=context.lambda_context.aws_request_id)

        context.parallel([waits, differs], name="p", config=FLAT)

    def not_again(view):
        assert view.invocations <= 2, "it is tried again and again"

    return Act(handler, [None, "NonDeterministicExecutionError"], at_end=not_again)


R11 = race(
    "R11",
    "the suspension was an exception that handlers of errors caught: FAILED instead of PENDING",
    "java#46",
    tests=["tests/workflows/test_unwinding.py::test_suspension_is_no_exception"],
)


@R11.scenario(every(), faults=Faults(crashes=1))
def a_branch_that_catches_every_error_is_suspended():
    """`except Exception` around a wait catches nothing, and `finally` runs before the invocation is over."""
    inside = Counter[str]()

    @durable_execution
    def handler(event, context):
        inside.clear()
        try:
            inside["begun"] += 1
            context.wait(HOUR, name="w")
        except Exception as error:
            return f"caught {error!r}"
        finally:
            inside["ended"] += 1
        return "waited"

    def unwound_at_the_end(view: RunView) -> None:
        if view.choices and view.choices[-1] == "time passes":
            assert inside["begun"] == inside["ended"], "it is suspended, and was not unwound"

    return Act(handler, ["waited"], [unwound_at_the_end])
