"""A. When an invocation may end: the decision, what it overlooks, and how code is asked to go."""

from collections import Counter

from durably.actors.model import OperationStatus
from durably.workflows import ChildConfig, Duration, NestingType, durable_execution
from durably.workflows.config import ParallelConfig
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, pct, section
from tests.simulation.races.watching import batches_of, ends_when_still, once, order, polls_for

race = section("A. When an invocation may end")
SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
FLAT = ParallelConfig(nesting_type=NestingType.FLAT)


R3 = race(
    "R3",
    "many operations began in a loop, all were idle for a moment, and the end was scheduled; it struck, unchecked, "
    "while the next batch was under way",
    "js#418",
)


@R3.scenario(every(), around=lambda: batches_of(1), sees=["several calls"])
def waits_begin_in_a_loop_and_no_call_holds_them_all():
    """Two waits of five seconds begin in a loop, each START needs a call of its own, and there is a cooldown."""

    @durable_execution
    def handler(event, context):
        waits = [context.deferred.wait(Duration.from_seconds(5), name=f"w{n}") for n in range(2)]
        for wait in waits:
            wait.result()
        return len(waits)

    def note(view):
        if view.choices.count("the service handles the call") > 1:
            act.seen.add("several calls")

    act = Act(handler, [2], at_end=note)
    return act


R5 = race(
    "R5",
    "one branch had its SUCCEED queued when the others went idle, so the end was put off; when the queue was empty "
    "nobody asked again, and it polled for 15 minutes",
    "js#492, js#503; js#510 open",
)


@R5.scenario(every(), around=lambda: polls_for(1), sees=["idle before the end of the step is confirmed"])
def a_step_is_done_while_the_root_goes_idle():
    """A deferred step ends while the root begins to wait for an hour, and polls once: once all is still, it ends."""

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


@R6.scenario(every(), around=lambda: batches_of(1), sees=["it went on", "it did not"])
def the_handler_returns_at_any_moment_of_a_step_of_a_child():
    """A virtual child that nobody awaits goes on after a step, each update a call: only if the step is recorded."""
    went_on: list[int] = []

    @durable_execution
    def handler(event, context):
        def child(inner):
            inner.step(lambda _: 1, name="a")
            went_on.append(1)

        context.deferred.run_in_child_context(child, "x", ChildConfig(is_virtual=True))
        return "done"

    def only_after_what_is_recorded(view: RunView) -> None:
        if went_on:
            recorded = [each.status for each in view.named("a")]
            assert recorded == [OperationStatus.SUCCEEDED], "the code went on, and a is not recorded"

    def note(view):
        act.seen.add("it went on" if went_on else "it did not")

    act = Act(handler, ["done"], [only_after_what_is_recorded], note)
    return act


@R6.scenario(
    pct(200, faults=0.05),
    faults=Faults(failed=1, crashes=1),
    around=lambda: batches_of(1),
    sees=["the second step ran", "the second step never ran"],
)
def a_call_fails_while_a_child_does_two_steps_and_the_handler_returns():
    """Two steps, a call that fails, and a crash: the body of the second runs only if the first is recorded."""
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
            recorded = [each.status for each in view.named("a")]
            assert recorded == [OperationStatus.SUCCEEDED], "b ran, and a is not recorded"

    def note(view):
        act.seen.add("the second step ran" if "b" in ran else "the second step never ran")

    act = Act(handler, ["done"], [only_after_what_is_recorded], note)
    return act


R8 = race(
    "R8",
    "a wait in one promise ended the invocation while a sibling was in user code; its step was lost or ran again",
    "js#10, js#12, js#81, js#88, js#208, js#345",
)


@R8.scenario(every(), around=lambda: polls_for(0), sees=["the body ends after the other waits"])
def a_wait_begins_while_a_deferred_step_is_in_its_body():
    """The body runs once in the whole execution, whenever the root begins to wait; nobody polls."""
    return _sibling(
        lambda context, works: (context.deferred.step(works, name="s"), context.wait(HOUR, name="w"))
    )


@R8.scenario(every(), around=lambda: polls_for(0), sees=["the body ends after the other waits"])
def one_branch_waits_while_the_other_is_in_the_body_of_a_step():
    """The same with a flat branch for each."""

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
        futures = [
            context.deferred.wait(duration, name=name) for duration, name in ((HOUR, "h"), (SECOND, "s"))
        ]
        context.race(futures, "race")
        return [future.done for future in futures]

    def note(view):
        choices = view.choices
        late = [
            n
            for n in range(1, len(choices))
            if choices[n] == "Due for h" and choices[n - 1] == "all is still"
        ]
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
