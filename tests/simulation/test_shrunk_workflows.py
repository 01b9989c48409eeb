"""Deviations of whole workflows: with all of them the same happens, and shrunk ones fail as they say."""

import pytest

from durably.actors.simulation import Pct, RandomWalk, Scheduler
from durably.workflows import Duration, StepConfig, durable_execution
from durably.workflows.config import JitterStrategy
from durably.workflows.retries import RetryStrategyConfig, create_retry_strategy
from durably.workflows.testing import InvariantError, replay_schedule, simulate
from durably.workflows.testing.deviations import Deviating, Recorder
from durably.workflows.testing.simulated import Faults, SimulatedRun
from tests.simulation.campaign import map_of_five, workflows

ALL = Faults(
    crashes=2,
    throttled=2,
    lost=2,
    failed=2,
    stale=2,
    duplicated=2,
    split=3,
    frozen=2,
    deadlines=1,
    withdrawn=1,
)


@pytest.mark.parametrize("name", workflows())
@pytest.mark.parametrize("strategy", [RandomWalk(1, faults=0.2), Pct(1, faults=0.1)], ids=["random", "pct"])
def test_with_all_deviations_the_same_happens(name, strategy):
    """Whatever strikes, in however many invocations, one inside the other too."""
    handler, options = workflows()[name]
    outside = {key: options[key] for key in ("answers", "functions") if key in options}
    for number in range(4):
        recorder = Recorder(strategy)
        recorder.begin(number)
        scheduler = Scheduler(recorder)
        output = SimulatedRun(handler, None, scheduler, ALL, **outside).run()
        again = Deviating(recorder.deviations)
        other = SimulatedRun(handler, None, Scheduler(again), ALL, **outside)
        assert other.run() == output
        assert again.choices == scheduler.taken


def s1_comes_first(view):
    """Step s5 has not ended before step s1."""
    ended = {each.name for each in view.operations.values() if each.status.is_terminal}
    return "s5" not in ended or "s1" in ended


class TestWhatFailsInTheMiddleOfARun:
    @pytest.mark.parametrize("strategy", ["random", "pct"])
    @pytest.mark.parametrize("seed", range(4))
    def test_still_fails_when_it_is_shrunk(self, strategy, seed):
        """What still waited when it failed is a part of it; and without any one deviation it passes."""
        invariants = [s1_comes_first]
        report = simulate(map_of_five, strategy=strategy, seed=seed, invariants=invariants)
        found = report.failures[0].shrunk
        assert found.deviations
        with pytest.raises(InvariantError, match="s1_comes_first"):
            replay_schedule(map_of_five, None, found.deviations, invariants=invariants)
        for each in found.deviations:
            others = [other for other in found.deviations if other != each]
            replay_schedule(map_of_five, None, others, invariants=invariants)

    def test_passes_when_it_is_mended(self):
        """The schedule has not drifted because what it waited for came later, or never while it waited."""
        invariants = [s1_comes_first]
        found = simulate(map_of_five, invariants=invariants).failures[0].shrunk
        replay_schedule(map_of_five, None, found.deviations)


def test_jitter_is_left_to_the_scheduler():
    """A delay that is left to chance would be another in each run with the same choices."""
    often = RetryStrategyConfig(
        max_attempts=4, initial_delay=Duration.from_minutes(5), jitter_strategy=JitterStrategy.FULL
    )

    @durable_execution
    def handler(event, context):
        def fails(step):
            if step.attempt < 4:
                raise ValueError("not yet")
            return step.attempt

        config = StepConfig(retry_strategy=create_retry_strategy(often))
        return context.map([1, 2], lambda child, *_: child.step(fails, config=config)).get_results()

    first, second = (simulate(handler, schedules=30, run_twice=True) for _ in range(2))
    assert (first.failures, first.choices) == ((), second.choices)
