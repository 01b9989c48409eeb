"""D. Maps and parallels: ids, timers, and who counts."""

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
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import once

race = section("D. Maps and parallels")
SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=lambda *_: RetryDecision.no_retry())


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
        for key, operation in view.operations.items():
            if operation.name:
                assert IDS.setdefault(operation.name, key) == key, f"{operation.name} has another id"

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
    """A map and a parallel of nothing are recorded, and complete, whatever criterion there is."""

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
