"""Where mutants are hunted: workflows, small ones mostly, with the faults that it takes.

Each is right as the library is: whatever the order and these faults, nothing is found. What is a mutant, and
which ground is whose, stands in `mutants.py`.
"""

import logging
from collections.abc import Callable
from typing import Any

import attrs

from durably.actors import checkpoint
from durably.actors.simulation import Strategy
from durably.workflows import (
    CallbackConfig,
    CallbackError,
    ChildConfig,
    Duration,
    MapConfig,
    StepConfig,
    StepSemantics,
    durable_execution,
)
from durably.workflows.config import CompletionConfig
from durably.workflows.testing import RunView, SimulationReport
from durably.workflows.testing.simulation import NOTHING, Faults, simulate
from tests.simulation.realistic import OUTSIDE, approval, at_most_once, attempts
from tests.simulation.test_invariants import (
    large_and_early,
    nobody_awaits,
    steps_around_a_wait,
    two_at_a_time,
)
from tests.simulation.test_workflows import sequence

S = Duration.from_seconds
MINUTE, HOUR = S(60), S(3600)
"""Longer than an invocation waits for what comes due."""
ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=attempts(20))
FIRST = MapConfig(completion_config=CompletionConfig.first_successful())


@attrs.frozen
class Ground:
    """A workflow, and what `simulate` is told about it; a batch is full with `batch` updates."""

    workflow: Callable[..., Any]
    faults: Faults = NOTHING
    options: dict[str, Any] = attrs.field(factory=dict)
    batch: int = checkpoint.MAX_UPDATES

    def hunt(self, strategy: str | Strategy, schedules: int, **more: Any) -> SimulationReport:
        """What is found there in so many schedules."""
        usual, checkpoint.MAX_UPDATES = checkpoint.MAX_UPDATES, self.batch
        try:
            usually: dict[str, Any] = {"guard": False, "shrink": False, "may_fail": True}
            options = {"faults": self.faults, **usually, **self.options, **more}
            return simulate(self.workflow, schedules=schedules, strategy=strategy, **options)
        finally:
            checkpoint.MAX_UPDATES = usual


def first_of(context: Any, *branches: Callable[[Any], Any], name: str = "m") -> Any:
    """Branches beside each other, of which one is enough."""

    def run(child: Any, branch: Callable[[Any], Any], *_: Any) -> Any:
        return branch(child)

    return context.map(list(branches), run, name, FIRST).success_count


@durable_execution
def fails(_event, context):
    """The handler raises."""
    context.step(lambda _: 1, name="a")
    raise ValueError("no")


@durable_execution
def nothing_to_map(_event, context):
    """Not one branch."""
    return context.map([], lambda *_: 1, name="m").get_results()


@durable_execution
def asks_late(_event, context):
    """A branch comes to its callback, created in an earlier invocation, when another one has sent a step."""

    def branch(child, item, *_):
        if item:
            return child.create_callback("approval").result()
        child.wait(MINUTE, name="w")
        return child.step(lambda _: 1, name="a")

    return context.map(range(4), branch, name="m").get_results()


@durable_execution
def awaited_late(_event, context):
    """A step that is complete before its result is asked for."""
    step = context.deferred.step(lambda _: 1, name="a")
    context.step(lambda _: 2, name="b")
    return step.result()


@durable_execution
def two_waits(_event, context):
    """One comes due while the service is asked about the other."""
    return context.all([context.deferred.wait(S(seconds), name=f"w{seconds}") for seconds in (1, 2)], "all")


@durable_execution
def waits_of_a_second(_event, context):
    """Both are over with one answer."""
    return context.all([context.deferred.wait(S(1), name=name) for name in "vw"], "all")


@durable_execution
def two_deferred_steps(_event, context):
    """Both at once."""
    return context.all([context.deferred.step(lambda _: 1, name=name) for name in "ab"], "all")


@durable_execution
def race_then_wait(_event, context):
    """The loser of a race comes in while the code waits for something else."""
    waits = [context.deferred.wait(S(seconds), name=f"w{seconds}") for seconds in (1, 2)]
    context.race(waits, "race")
    return context.step(lambda _: 7, name="a")


@durable_execution
def the_winner_stays(_event, context):
    """Who has won a race has won it on every replay."""
    steps = [context.deferred.step(lambda _, name=name: name, name=name) for name in "ab"]
    winner = context.race(steps, "race")
    recorded = context.step(lambda _: winner, name="note")
    context.wait(MINUTE, name="w")
    return winner == recorded


@durable_execution
def orphaned_wait(_event, context):
    """One branch is enough, and another one waits; then the handler waits for something else."""
    count = first_of(context, lambda child: child.step(lambda _: 1, name="a"), lambda child: child.wait(HOUR))
    context.step(lambda _: 2, name="b")
    return count


@durable_execution
def one_of_two(_event, context):
    """One branch is enough, and the other one has as little to do; then it replays."""
    first_of(context, lambda _: 1, lambda _: 2)
    context.wait(MINUTE, name="w")


@durable_execution
def orphaned_steps(_event, context):
    """One branch is enough, and another one has more to do."""

    def long(child):
        return [child.step(lambda _: 1, name=name) for name in "xy"]

    count = first_of(context, lambda child: child.step(lambda _: 1, name="a"), long)
    context.step(lambda _: 2, name="b")
    return count


@durable_execution
def orphaned_at_most_once(_event, context):
    """One branch is enough, and another one is about to do what must not be done twice."""

    def careful(child):
        child.step(lambda _: 1, name="x")
        return child.step(lambda _: 1, name="y", config=ONCE)

    count = first_of(context, lambda child: child.step(lambda _: 1, name="a"), careful)
    context.step(lambda _: 2, name="b")
    return count


@durable_execution
def orphan_awaits_the_handlers(_event, context):
    """One branch is enough, and another one awaits a future of the handler's."""
    wait = context.deferred.wait(HOUR, name="w")
    count = first_of(context, lambda child: child.step(lambda _: 1, name="a"), lambda _: wait.result())
    context.wait(MINUTE, name="v")
    return count


@durable_execution
def context_left_running(_event, context):
    """A context that nobody awaits goes on while the handler returns."""
    context.deferred.run_in_child_context(
        lambda child: [child.step(lambda _: 1, name=name) for name in "xyz"], "c"
    )
    return context.step(lambda _: 1, name="a")


@durable_execution
def context_then_wait(_event, context):
    """What is below a context when a call fails."""
    first = context.run_in_child_context(lambda child: child.step(lambda _: 1, name="s"), "c")
    context.wait(S(1), name="w")
    return first


@durable_execution
def leaves_steps(_event, context):
    """Steps are left behind, and the handler goes on for a while without waiting for a call."""
    for name in "xyz":
        context.deferred.step(lambda _: 1, name=name)
    for name in "abc":
        context.run_in_child_context(lambda _: 2, name, ChildConfig(is_virtual=True))


@durable_execution
def times_out(_event, context):
    """A callback that nobody answers, after a wait that is soon over."""
    callback = context.create_callback("late", CallbackConfig(timeout=HOUR))
    context.wait(S(1), name="w")
    try:
        return callback.result()
    except CallbackError:
        return "nobody"


@durable_execution
def inputs_change(_event, context):
    """The list that is mapped over is changed while branches wait for their turn."""
    inputs = [1, 2, 3]
    results = context.deferred.map(
        inputs, lambda child, item, *_: child.step(lambda _: item), "m", MapConfig(max_concurrency=1)
    )
    context.step(lambda _: 1, name="a")
    inputs[2] = 4
    return results.result().get_results()


@durable_execution
def branches_take_turns(_event, context):
    """Two branches with several operations each, and a replay between them."""

    def branch(child, item, *_):
        first = child.step(lambda _: item, name=f"s{item}")
        child.wait(MINUTE, name=f"w{item}")
        return first + child.step(lambda _: item, name=f"t{item}")

    return context.map([1, 2], branch, name="m").get_results()


class Lines(logging.LoggerAdapter[logging.Logger]):
    """What the workflow has logged in this run."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger("hunting"), {})
        self.said: list[str] = []

    def info(self, msg: object, *_arguments: object, **_named: object) -> None:
        self.said.append(str(msg))

    def once(self, view: RunView) -> None:
        """What is logged before a wait is not logged again by a replay."""
        if not view.choices:
            self.said.clear()
        assert len(self.said) == len(set(self.said)), self.said


LINES = Lines()


@durable_execution
def logs(_event, context):
    """A line before a wait, and one after it."""
    context.set_logger(LINES)
    context.step(lambda _: 1, name="a")
    context.logger.info("before")
    context.wait(MINUTE, name="w")
    context.logger.info("after")


LOST = Faults(lost=1)
FAILED = Faults(failed=1)
CRASH = Faults(crashes=1)
GROUNDS = {
    each.workflow.__name__ + (f", {words}" if words else ""): each
    for words, each in [
        ("", Ground(steps_around_a_wait)),
        ("", Ground(sequence)),
        ("", Ground(nobody_awaits)),
        ("", Ground(two_at_a_time)),
        ("", Ground(large_and_early)),
        ("", Ground(approval, NOTHING, OUTSIDE[approval])),
        ("crash", Ground(at_most_once, CRASH)),
        ("", Ground(fails)),
        ("", Ground(nothing_to_map)),
        ("crash, full batches", Ground(asks_late, CRASH, {"answers": {"approval": "yes"}}, batch=1)),
        ("", Ground(awaited_late)),
        ("", Ground(two_waits)),
        ("", Ground(two_deferred_steps)),
        ("", Ground(race_then_wait)),
        ("", Ground(the_winner_stays)),
        ("", Ground(orphaned_wait)),
        ("", Ground(one_of_two)),
        ("", Ground(orphaned_steps)),
        ("", Ground(orphaned_at_most_once)),
        ("", Ground(orphan_awaits_the_handlers)),
        ("", Ground(context_left_running)),
        ("failed call", Ground(context_then_wait, FAILED)),
        ("failed call, full batches", Ground(leaves_steps, FAILED, batch=1)),
        ("", Ground(times_out)),
        ("duplicate", Ground(steps_around_a_wait, Faults(duplicated=1))),
        ("no token", Ground(steps_around_a_wait, Faults(withdrawn=1))),
        ("pages", Ground(steps_around_a_wait, Faults(split=2))),
        ("pages", Ground(waits_of_a_second, Faults(split=2))),
        ("pages", Ground(logs, Faults(split=1), {"invariants": [LINES.once]})),
        ("", Ground(inputs_change)),
        ("", Ground(branches_take_turns)),
    ]
}
