"""E. Plugins, context variables, and what is left when an invocation ends."""

from collections import Counter, defaultdict
from contextvars import ContextVar

from durably.actors.model import OperationStatus
from durably.workflows import ChildConfig, Duration, MapConfig, NestingType, durable_execution
from durably.workflows.config import CompletionConfig
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.plugins.recording import Recorder
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import once

race = section("E. Plugins, context variables, and what is left")

HOUR = Duration.from_hours(1)
FLAT = MapConfig(nesting_type=NestingType.FLAT)
VIRTUAL = ChildConfig(is_virtual=True)
WHO: ContextVar[object] = ContextVar("WHO", default=None)

R40 = race(
    "R40",
    "one generator of ids was shared by spans that were open at the same time: their ids swapped",
    "java 74cebf1, bf8fd3df",
    design="There is no generator: what a hook is told of an operation is the operation's own id and name.",
    tests=[
        "tests/plugins/test_containment.py::TestThreads::test_context_variables_that_are_set_before_user_code_are_seen_by_it"
    ],
)


@R40.scenario(random(150), faults=Faults(crashes=1))
def hooks_of_two_branches_are_told_of_their_own_operations():
    """A plugin sets a variable before user code to what it is told; the body beside which it runs sees its own."""
    recorder = Recorder(
        before=lambda note: WHO.set(note.what) if note.hook == "on_user_function_start" else None
    )

    @durable_execution(plugins=[recorder])
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: WHO.get(), name=f"s{item}")

        return context.map([1, 2], branch, "m").get_results()

    return Act(handler, [["s1", "s2"]])


R41 = race(
    "R41",
    "hooks came out of order: an attempt before its operation's start; or were missing on replay",
    "java d17abe9, 0893ba7, java#595",
    tests=["tests/plugins/test_hooks.py::TestAReplay::test_what_was_over_is_not_told_again"],
)


@R41.scenario(pct(150), sees=["told in two invocations"])
def hooks_of_branches_come_in_order():
    """Two branches with a wait and a step: each operation starts, runs and ends in order, and ends once."""
    recorder = Recorder()

    @durable_execution(plugins=[recorder])
    def handler(event, context):
        def branch(child, item, *_):
            child.wait(HOUR, name=f"w{item}")
            return child.step(lambda _: item, name=f"s{item}")

        return context.map([1, 2], branch, "m").get_results()

    def in_order(view):
        ends = Counter[str]()
        for notes in recorder.invocations:
            told = defaultdict[str, list[str]](list)
            for note in notes:
                if hasattr(note.info, "operation_type"):
                    told[note.what].append(note.hook)
            for what, hooks in told.items():
                _check_order(what, hooks)
                ends[what] += hooks.count("on_operation_end")
        once(ends, "an end is told")
        missing = {"s1", "s2", "w1", "w2", "m"} - {name for name, count in ends.items() if count}
        assert not missing, f"the end of {missing} is not told"
        if len(recorder.invocations) > 1:
            act.seen.add("told in two invocations")

    act = Act(handler, [[1, 2]], at_end=in_order)
    return act


def _check_order(what: str, hooks: list[str]) -> None:
    """In one invocation: a start before all, an end after all, and user code in pairs between."""
    inner = [hook for hook in hooks if "user_function" in hook]
    pairs = ["on_user_function_start", "on_user_function_end"]
    assert inner == pairs * (len(inner) // 2) or inner == [*pairs * (len(inner) // 2), pairs[0]], (
        f"{what}: {hooks}"
    )
    if "on_operation_start" in hooks:
        assert hooks.index("on_operation_start") == 0, f"{what}: {hooks}"
    if "on_operation_end" in hooks:
        assert hooks.index("on_operation_end") == len(hooks) - 1, f"{what}: {hooks}"


R42 = race(
    "R42",
    "a context variable was set on the invocation's thread and read on a worker: logs of two invocations that were "
    "open together were mixed up",
    "py#737 open",
    tests=["tests/workflows/test_context_variables.py::test_a_body_sees_its_own_invocations_variables"],
)


@R42.scenario(every(share_code=True))
def branches_set_a_variable_that_their_bodies_read():
    """Two flat branches set one variable each to their own item: each body reads its own, in every order."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            WHO.set(item)
            seen = child.step(lambda _: WHO.get(), name=f"s{item}")
            return [seen, WHO.get()]

        return context.map([1, 2], branch, "m", FLAT).get_results()

    return Act(handler, [[[1, 1], [2, 2]]])


@R42.scenario(pct(100, faults=0.1), faults=Faults(duplicated=1), sees=["two were open"])
def two_invocations_are_open_that_set_the_same_variable():
    """Another invocation begins while this one goes on: code and body of each see what that one has set."""
    mixed: list[object] = []

    @durable_execution
    def handler(event, context):
        mine = context.lambda_context.aws_request_id
        WHO.set(mine)
        context.step(lambda _: mixed.append((WHO.get(), mine)), name="a")
        mixed.append((WHO.get(), mine))
        context.step(lambda _: mixed.append((WHO.get(), mine)), name="b")
        return "done"

    def note(view):
        assert all(one == other for one, other in mixed), f"{mixed}"
        if view.invocations > 1:
            act.seen.add("two were open")

    act = Act(handler, ["done"], at_end=note)
    return act


R43 = race(
    "R43",
    "a branch that was abandoned ran on into the next invocation, and checkpointed there",
    "py#533, py#741 open; js#927 open; java#726 open",
    tests=[
        "tests/workflows/test_resources.py::TestDeadline::test_a_body_that_does_not_end_is_given_up",
        "tests/actors/test_bodies.py::test_bodies_that_have_not_begun_when_the_run_fails_never_begin",
    ],
)


@R43.scenario(
    pct(200, faults=0.05), faults=Faults(crashes=1, deadlines=1), sees=["a branch was left in its body"]
)
def a_branch_is_abandoned_in_a_body_and_the_invocation_ends():
    """One of two is enough, and then an hour passes: what has not begun when its step is orphaned never does."""
    ran: list[str] = []

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: ran.append(context.lambda_context.aws_request_id), name=f"s{item}")

        config = MapConfig(completion_config=CompletionConfig.first_successful())
        if "STARTED" in [item.status.value for item in context.map([1, 2], branch, "m", config).all]:
            act.seen.add("a branch was left in its body")
        context.wait(HOUR, name="w")
        return "done"

    decided_in: list[int] = []

    def never_later(view: RunView) -> None:
        if not decided_in and any(each.status is OperationStatus.SUCCEEDED for each in view.named("m")):
            decided_in.append(view.invocations)
        if decided_in:
            assert all(int(each.rpartition("-")[2]) <= decided_in[0] for each in ran), f"decided, and {ran}"

    def never_begun(view):
        if any(
            each in view.choices for each in ("the process dies", "the process is killed at its deadline")
        ):
            return  # another invocation does it again
        for name in ("s1", "s2"):
            orphaned = [
                n for n, each in enumerate(view.choices) if each.startswith(f"{name} handles Orphaned")
            ]
            if orphaned:
                after = view.choices[orphaned[0] :]
                assert f"body of {name} ends" not in after, f"{name} is orphaned, and its body runs"

    act = Act(handler, ["done"], [never_later], never_begun)
    return act


@R43.scenario(every(), faults=Faults(deadlines=1), sees=["given up at the deadline", "ended"])
def the_deadline_comes_while_a_body_runs_that_nobody_needs():
    """The handler returns beside a step that nobody awaits: the end is reported, with the body ended or given up."""
    ran: list[int] = []

    @durable_execution
    def handler(event, context):
        context.deferred.step(lambda _: ran.append(1), name="s")
        return "done"

    def note(view):
        given_up = view.choices[-1].startswith("termination handles DeadlineNear")
        act.seen.add("ended" if ran else "given up at the deadline" if given_up else "never begun")

    act = Act(handler, ["done"], at_end=note)
    return act
