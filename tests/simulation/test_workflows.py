"""Workflows under thousands of schedules: whatever the order and the faults, the same answer."""

import pytest

from durably.actors.messages import CooldownElapsed
from durably.actors.simulation import Exhaustive, Pct, RandomWalk
from durably.actors.termination import TerminationActor
from durably.workflows import Duration, MapConfig, NestingType, RetryDecision, StepConfig, durable_execution
from durably.workflows.config import CompletionConfig
from durably.workflows.testing.simulation import NOTHING, Faults, replay_schedule, simulate

SECOND = Duration.from_seconds(1)
TWICE = StepConfig(
    retry_strategy=lambda error, attempt: (
        RetryDecision.retry(SECOND) if attempt < 2 else RetryDecision.no_retry()
    )
)


def flaky(step):
    """Fails in its first attempt."""
    if step.attempt == 1:
        raise ValueError("the first attempt")
    return step.attempt


@durable_execution
def sequence(event, context):
    first = context.step(lambda _: 1, name="a")
    context.wait(SECOND, name="w")
    return first + context.step(lambda _: 2, name="b")


@durable_execution
def fan_out_with_retries(event, context):
    def branch(child, item, *_):
        return item * child.step(flaky, name=f"s{item}", config=TWICE)

    return context.map([1, 2, 3], branch, name="m").get_results()


@durable_execution
def flat_branches_that_wait(event, context):
    def branch(child, item, *_):
        child.wait(Duration(item), name=f"w{item}")
        return child.step(lambda _: item, name=f"s{item}")

    return context.map([1, 2], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()


@durable_execution
def nested_maps(event, context):
    def inner(child, item, *_):
        return child.step(lambda _: item, name=f"s{item}")

    def outer(child, item, *_):
        return sum(child.map([item, item + 1], inner, name=f"m{item}").get_results())

    return context.map([1, 5], outer, name="outer").get_results()


@durable_execution
def deferred_and_combined(event, context):
    first = context.deferred.step(lambda _: 1, name="first")
    wait = context.deferred.wait(SECOND, name="wait")
    second = context.deferred.run_in_child_context(lambda child: child.step(lambda _: 2, name="s"), "second")
    return [context.all([first, second, wait], "all")[:2], first.result()]


@durable_execution
def early_completion(event, context):
    def branch(child, item, *_):
        if item:
            child.create_callback("never answered").result()
        return child.step(lambda _: item, name=f"s{item}")

    config = MapConfig(completion_config=CompletionConfig.first_successful())
    return context.map([0, 1], branch, "m", config).get_results()


WORKFLOWS = [
    sequence,
    fan_out_with_retries,
    flat_branches_that_wait,
    nested_maps,
    deferred_and_combined,
    early_completion,
]


def name(value):
    """What a workflow or strategy is called in a test's name."""
    return getattr(value, "__name__", type(value).__name__)


@pytest.mark.parametrize("strategy", [RandomWalk(1), Pct(1)], ids=name)
@pytest.mark.parametrize("workflow", WORKFLOWS, ids=name)
def test_the_library_keeps_its_promises(workflow, strategy):
    """A hundred schedules each, with a crash, a throttled call and a lost answer somewhere in most."""
    report = simulate(workflow, schedules=100, strategy=strategy)
    report.check()
    assert report.schedules == 100


def test_a_small_workflow_is_explored_in_full():
    """Every order of everything, without faults: a proof for this workflow."""

    @durable_execution
    def one_step(event, context):
        return context.step(lambda _: 1, name="a")

    report = simulate(one_step, schedules=10_000, strategy=Exhaustive(faults=0), faults=NOTHING)
    report.check()
    assert report.exhausted
    assert str(report).startswith(f"exhausted: {report.schedules:,} schedules")


class TestAMistake:
    @pytest.fixture
    def no_second_look(self, monkeypatch):
        """A library whose supervisor does not look again when the cooldown has elapsed."""

        def end_anyway(supervisor, message):
            if supervisor._waiting:
                supervisor._end_pending()

        handlers = {**TerminationActor.HANDLERS, CooldownElapsed: end_anyway}
        monkeypatch.setattr(TerminationActor, "HANDLERS", handlers)

    def test_in_the_library_is_found(self, no_second_look):
        """An invocation ends too early in some order, and the report says what was outstanding."""
        report = simulate(sequence, schedules=300)
        assert not report.ok
        assert "no-early-end: it ended PENDING while" in str(report)
        with pytest.raises(AssertionError, match="termination handles CooldownElapsed"):
            report.check()

    def test_is_shown_again_by_the_choices_of_its_schedule(self, no_second_look):
        """They are taken by name, one after the other."""
        failure = simulate(sequence, schedules=300).failures[0]
        with pytest.raises(type(failure.error), match="no-early-end"):
            replay_schedule(sequence, None, failure.choices)

    def test_in_a_workflow_is_found(self):
        """Its result depends on which of two step bodies ends first."""

        @durable_execution
        def depends_on_a_race(event, context):
            seen = []
            context.map(["a", "b"], lambda child, item, *_: child.step(lambda _: seen.append(item)))
            return seen

        report = simulate(depends_on_a_race, faults=Faults(0, 0, 0))
        assert "same-answer" in str(report)
        assert simulate(depends_on_a_race, faults=Faults(0, 0, 0), same_answer=False).ok
