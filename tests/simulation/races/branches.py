"""D. Maps and parallels: who decides that it is enough, and what the others do meanwhile."""

from collections import Counter

from durably.workflows import (
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    RetryDecision,
    StepConfig,
    durable_execution,
)
from durably.workflows.config import CompletionConfig
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.ending import ends_when_still
from tests.simulation.races.registry import Act, every, once, pct, random, section

race = section("D. Maps and parallels")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
ONCE = StepConfig(retry_strategy=lambda *_: RetryDecision.no_retry())
FIRST = CompletionConfig.first_successful()
FLAT_FIRST = MapConfig(nesting_type=NestingType.FLAT, completion_config=FIRST)


def nothing_begins_after_the_end(view: RunView) -> None:
    """An invariant: what the service has recorded below a context was recorded before the context's end."""
    ended: set[str] = set()
    for update in view.updates:
        assert update.parent_id not in ended, f"{update.action.value} of {update.name} after the end of its map"
        if update.action.value in ("SUCCEED", "FAIL"):
            ended.add(update.id)


def statuses(batch) -> list[str]:
    """How each branch stood when the map was decided."""
    return [item.status.value for item in batch.all]


# ------------------------------------------------------------------ R28 to R32: the decision, and who comes late

R28 = race(
    "R28",
    "a child had passed the check that its parent goes on, the parent ended, and the child's SUCCEED was queued: a "
    "write after the end",
    "py#640, py#690",
)


@R28.scenario(every(), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_flat_branches_end_and_one_is_enough():
    """Two branches with a step each: whichever ends first decides, and the other's end comes before it or never."""
    return _two_steps(FLAT_FIRST)


@R28.scenario(every(), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_branches_with_records_return_and_one_is_enough():
    """Two branches that only return: the race is between their own ends and the map's."""

    @durable_execution
    def handler(event, context):
        batch = context.map([1, 2], lambda *_: 1, "m", MapConfig(completion_config=FIRST))
        act.seen.add(" ".join(statuses(batch)))
        return batch.success_count

    act = Act(handler, [1], [nothing_begins_after_the_end])
    return act


@R28.scenario(random(200), faults=Faults(crashes=1), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_branches_with_steps_end_and_one_is_enough_and_the_process_dies():
    """Records for the branches, a step in each, and a crash anywhere: a replay agrees with the decision."""
    return _two_steps(MapConfig(completion_config=FIRST))


def _two_steps(config):
    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}")

        batch = context.map([1, 2], branch, "m", config)
        act.seen.add(" ".join(statuses(batch)))
        return batch.success_count

    act = Act(handler, [1], [nothing_begins_after_the_end])
    return act


R29 = race(
    "R29",
    "the parent marked the descendants that it knew as orphans; a branch that still ran began another operation, whose "
    "id was not among them, and it was accepted",
    "py#641 open, js 391171e",
    tests=["tests/actors/test_checkpoint_queue.py::test_a_context_that_begins_too_late_takes_its_children_with_it"],
)


@R29.scenario(every(), sees=["it was cut off", "it went on"])
def a_branch_begins_a_step_while_the_map_is_decided():
    """One branch returns at once, which is enough; the other begins a step, at any moment of that."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: 1, name="s") if item else item

        context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST))
        return "done"

    def note(view):
        act.seen.add("it went on" if any(each.name == "s" for each in view.updates) else "it was cut off")

    act = Act(handler, ["done"], [nothing_begins_after_the_end], note)
    return act


@R29.scenario(pct(300), faults=Faults(crashes=1), sees=["it was cut off", "it went on"])
def a_branch_begins_operations_while_the_map_is_decided():
    """One branch has a step; the other a step, a child with a step in it, and another step."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            if item == 0:
                return child.step(lambda _: 0, name="quick")
            child.step(lambda _: 1, name="s1")
            child.run_in_child_context(lambda inner: inner.step(lambda _: 2, name="s2"), "x")
            return child.step(lambda _: 3, name="s3")

        context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST))
        return "done"

    def note(view):
        names = {update.name for update in view.updates}
        act.seen.add("it went on" if "s3" in names else "it was cut off")

    act = Act(handler, ["done"], [nothing_begins_after_the_end], note)
    return act


R30 = race(
    "R30",
    "the first branch's SUCCEED was in flight, the map had enough and returned, and the others, pending on callbacks, "
    "ended the invocation: the success was lost",
    "js#266, js#271, js#345",
)


@R30.scenario(random(200), faults=Faults(crashes=1, failed=1))
def one_branch_is_enough_and_two_wait_for_callbacks():
    """Nobody answers the callbacks: the map comes to its end by the first branch, whatever call fails."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            if item:
                return child.create_callback(f"c{item}").result()
            return child.step(lambda _: item, name="s")

        batch = context.map([0, 1, 2], branch, "m", MapConfig(completion_config=FIRST))
        return [batch.get_results(), batch.completion_reason.value]

    return Act(handler, [[[0], "MIN_SUCCESSFUL_REACHED"]], [nothing_begins_after_the_end, ends_when_still])


@R30.scenario(every(), sees=["the callback was created", "it was not"])
def one_branch_is_enough_and_one_waits_for_a_callback():
    """One branch returns, the other creates a callback that nobody answers: in every order the map is decided."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.create_callback("c").result() if item else item

        return context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST)).get_results()

    def note(view):
        act.seen.add("the callback was created" if view.named("c") else "it was not")

    act = Act(handler, [[0]], [nothing_begins_after_the_end, ends_when_still], note)
    return act


R31 = race(
    "R31",
    "the map was decided, another branch ended before the summary was sealed, and its SUCCEED was recorded: the live "
    "result said STARTED, a replay SUCCEEDED",
    "js#751, js#759, js#894; java#344, java#348; py fdc952b",
    tests=["tests/workflows/test_large_results.py::test_a_large_decision_is_what_every_replay_returns"],
)


@R31.scenario(every(), faults=Faults(crashes=1), sees=["a replay reads the decision"])
def another_branch_is_in_its_body_while_the_decision_is_sent():
    """Two flat branches, one is enough, and a crash anywhere: what was given once is given again."""
    given: list[list[str]] = []

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name="s") if item else item

        given.append(statuses(context.map([0, 1], branch, "m", FLAT_FIRST)))
        if len(given) > 1:
            act.seen.add("a replay reads the decision")
        return given[-1] == given[0]

    act = Act(handler, [True])
    return act


@R31.scenario(pct(200), sees=["a replay after a decision", "SUCCEEDED SUCCEEDED STARTED", "STARTED SUCCEEDED SUCCEEDED"])
def a_replay_reads_the_decision_that_was_made():
    """Two of three are enough: what a later invocation is given is what the first was given."""
    return _decided(lambda item: item)


R32 = race(
    "R32",
    "on replay the branches of a map that had ended early ended in another order: skipped ones succeeded, and those "
    "that had succeeded were skipped",
    "java#344, js#122",
)


@R32.scenario(pct(60, faults=0.05), faults=Faults(crashes=1), sees=["a replay after a decision"])
def a_large_map_is_rebuilt_from_its_branches():
    """Results too large to be recorded with the map: it is rebuilt from branches, by the decision that is recorded."""
    return _decided(lambda item: f"{item}" * 200_000)


def _decided(result):
    given: list[list[str]] = []

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: result(item), name=f"s{item}")

        enough = CompletionConfig(min_successful=2 if result(1) == 1 else 1)
        batch = context.map([1, 2, 3], branch, "m", MapConfig(completion_config=enough))
        stood = statuses(batch)
        act.seen.add(" ".join(stood))
        if given and context.is_replaying:
            act.seen.add("a replay after a decision")
        given.append(stood)
        context.wait(HOUR, name="w")
        return statuses(batch) == stood

    def the_same_each_time(view: RunView) -> None:
        if view.named("w"):  # the decision is recorded before anything that follows it
            assert all(stood == given[-1] for stood in given[-2:]), f"it was {given}"

    act = Act(handler, [True], [the_same_each_time])
    return act


R33 = race(
    "R33",
    "the list of results was shared with branches that still ran: it changed after the map had returned it",
    "js#226",
    design="A branch's outcome is a message; the decision is an immutable copy of how the branches stood, and the "
    "controller forgets them with it.",
)


@R33.scenario(every(), sees=["a branch was still in its body"])
def branches_go_on_while_the_result_is_looked_at():
    """One of two is enough: what the handler was given is the same after another step."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}")

        batch = context.map([1, 2], branch, "m", FLAT_FIRST)
        before = [repr(item) for item in batch.all]
        if "STARTED" in statuses(batch):
            act.seen.add("a branch was still in its body")
        context.step(lambda _: None, name="after")
        return [repr(item) for item in batch.all] == before

    act = Act(handler, [True])
    return act


R34 = race(
    "R34",
    "a branch was registered after the map was complete: counts and statuses disagreed, and a replay was built "
    "otherwise",
    "java#409, java#600, java#332",
    tests=["tests/actors/test_map_admission.py::test_nothing_begins_after_the_decision"],
)


@R34.scenario(random(150), faults=Faults(crashes=1), sees=["SUCCEEDED SUCCEEDED STARTED", "STARTED SUCCEEDED SUCCEEDED"])
def the_next_branch_may_begin_while_the_map_is_decided():
    """Four branches, two at a time, and two are enough: the counts add up, and the fourth never begins."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}")

        config = MapConfig(max_concurrency=2, completion_config=CompletionConfig(min_successful=2))
        batch = context.map([0, 1, 2, 3], branch, "m", config)
        act.seen.add(" ".join(statuses(batch)))
        counts = batch.success_count + batch.failure_count + batch.started_count
        return [counts, len(batch.all), batch.success_count]

    act = Act(handler, [[3, 3, 2]], [nothing_begins_after_the_end])
    return act


# ------------------------------------------------------------------ R35 to R39: ids, timers, and the coordinator

R35 = race(
    "R35",
    "operation ids came from a counter that whichever thread ran first drew from: ids swapped between runs",
    "py#107",
    design="An id is made of the context's id and a number that the context counts; a branch's context has the map's "
    "id and the branch's index.",
)
IDS: dict[str, str] = {}
"""What each operation of the scenario was called in all runs."""


@R35.scenario(random(150), faults=Faults(crashes=1))
def branches_begin_their_operations_in_any_order():
    """Two branches with two steps and a child each: an operation has the same id in every schedule."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            child.step(lambda _: None, name=f"s{item}")
            child.run_in_child_context(lambda inner: inner.step(lambda _: None, name=f"in{item}"), f"x{item}")

        context.map([1, 2], branch, "m")
        return "done"

    def the_same(view):
        for id, operation in view.operations.items():
            if operation.name:
                assert IDS.setdefault(operation.name, id) == id, f"{operation.name} has another id"

    return Act(handler, ["done"], at_end=the_same)


R36 = race(
    "R36",
    "one timer thread resumed branches and held its lock across a call; new waits queued behind it, a branch that "
    "ended inline locked itself out, and one popped but not yet pending let the parent suspend",
    "py#473, py c577675",
    design="A timer tells its operation, and has no lock. Waits that are due ask for one refresh, which one call serves.",
    tests=["tests/actors/test_checkpoint_queue.py::test_refresh_requests_are_served_by_one_empty_call"],
)


@R36.scenario(pct(150), faults=Faults(crashes=1))
def waits_of_branches_end_and_begin_at_the_same_time():
    """Three flat branches: two waits end together, and then each does a step and waits once more."""
    bodies = Counter[str]()

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            child.wait(Duration.from_seconds(5 + item // 2), name=f"w{item}")
            child.step(lambda _: bodies.update([f"s{item}"]), name=f"s{item}")
            child.wait(SECOND, name=f"v{item}")
            return item

        return context.map([0, 1, 2], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

    def note(view):
        if "the process dies" not in view.choices:
            once(bodies, "a body has run")

    return Act(handler, [[0, 1, 2]], at_end=note)


R37 = race(
    "R37",
    "two timers had the same deadline, and the heap compared what they carried: TypeError, or any order",
    "py#271, py cd818e5",
    tests=["tests/actors/test_timers.py::test_timers_of_equal_moments_fire_in_the_order_of_arming"],
)


@R37.scenario(every(), sees=["both fire in one invocation"])
def two_waits_end_at_the_same_moment():
    """Two deferred waits of a second, both awaited: their timers fire in either order."""

    @durable_execution
    def handler(event, context):
        waits = [context.deferred.wait(SECOND, name=name) for name in "ab"]
        return [wait.result() for wait in waits]

    def note(view):
        if "Due for a" in view.choices and view.invocations == 1:
            act.seen.add("both fire in one invocation")

    act = Act(handler, [[None, None]], at_end=note)
    return act


R38 = race(
    "R38",
    "without thresholds a map should neither complete nor go on: it hung; an empty one had a pool of no workers",
    "js#233, py#126, py#323, java#560",
    tests=["tests/actors/test_map_admission.py::test_an_empty_map_is_complete"],
)


@R38.scenario(every(), faults=Faults(crashes=1))
def a_map_and_a_parallel_of_nothing():
    """Both are recorded, and complete, in every order and after a crash anywhere."""

    @durable_execution
    def handler(event, context):
        config = MapConfig(completion_config=CompletionConfig())
        batches = [context.map([], lambda *_: 1, "m", config), context.parallel([], "p", ParallelConfig())]
        return [[batch.get_results(), batch.completion_reason.value] for batch in batches]

    return Act(handler, [[[[], "ALL_COMPLETED"]] * 2])


R39 = race(
    "R39",
    "`anyOf` over the futures was built anew each round, and what completed between two rounds was lost",
    "py#533, java#623",
    design="One actor per map counts `BranchDone` messages; a mailbox loses none, and nothing is built anew.",
)


@R39.scenario(pct(200), faults=Faults(crashes=1), sees=["abc", "cab"])
def futures_are_taken_one_by_one_as_they_end():
    """Three deferred steps, and `race` over those that are left until none is: each is taken once."""

    @durable_execution
    def handler(event, context):
        left = {name: context.deferred.step(lambda _, name=name: name, name=name) for name in "abc"}
        taken = []
        while left:
            taken.append(context.race(list(left.values()), f"race{len(taken)}"))
            del left[taken[-1]]
        act.seen.add("".join(taken))
        return sorted(taken)

    act = Act(handler, [["a", "b", "c"]])
    return act


@R39.scenario(pct(150), faults=Faults(raised=1), sees=["one failed"])
def failures_are_tolerated_while_branches_end():
    """Three branches, two at a time, of which one may fail, and one body raises: the count is right in every order."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}", config=ONCE)

        tolerant = CompletionConfig(tolerated_failure_count=1)
        batch = context.map([0, 1, 2], branch, "m", MapConfig(max_concurrency=2, completion_config=tolerant))
        if batch.failure_count:
            act.seen.add("one failed")
        return batch.success_count + batch.failure_count

    act = Act(handler, [3])
    return act
