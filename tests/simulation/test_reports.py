"""What `simulate` says of a schedule that fails, and what `replay_schedule` makes of it."""

import itertools
import re

import pytest

from durably.actors.simulation.strategies import DriftedError
from durably.workflows import durable_execution
from durably.workflows.testing import (
    Deviation,
    Faults,
    InvariantError,
    SimulationProgress,
    replay_schedule,
    simulate,
)
from durably.workflows.testing.shrinking import Shrunk
from durably.workflows.testing.simulation_report import deviations_in_words

NO_FAULTS = Faults()


@durable_execution
def race(event, context):
    """Its result depends on which of its branches comes first."""
    seen = []
    context.map(["a", "b"], lambda child, item, *_: seen.append(child.step(lambda _: item, name=item)))
    return seen


@durable_execution
def in_steps(event, context):
    """The same with two steps each."""
    seen = []

    def branch(child, item, *_):
        child.step(lambda _: item, name=f"first {item}")
        seen.append(child.step(lambda _: item, name=f"second {item}"))

    context.map(["a", "b"], branch)
    return seen


def a_failure(**options):
    """Of `race`, found and shrunk."""
    [failure] = simulate(race, **options).failures
    return failure


class TestAFailure:
    @pytest.mark.parametrize("workflow", [race, in_steps], ids=["race", "in_steps"])
    @pytest.mark.parametrize(("strategy", "seed"), [("random", 0), ("random", 1), ("pct", 0), ("pct", 1)])
    def test_is_replayed_from_whatever_is_kept_of_it(self, workflow, strategy, seed):
        """All its choices, the deviations, and the token: each fails with the same error."""
        [failure] = simulate(workflow, strategy=strategy, seed=seed, faults=NO_FAULTS).failures
        assert failure.shrunk is not None
        assert len(failure.shrunk.deviations) <= 2
        for schedule in (
            failure.choices,
            failure.token,
            failure.shrunk.deviations,
            failure.shrunk.choices,
        ):
            with pytest.raises(InvariantError, match="same-answer"):
                replay_schedule(workflow, None, schedule, faults=NO_FAULTS)

    def test_comes_with_a_test_that_fails(self):
        """The code of it is run as it is printed."""
        failure = a_failure(faults=NO_FAULTS)
        code = re.sub("^from .* import race$", "", failure.test, flags=re.MULTILINE)
        namespace = {"race": race}
        exec(code, namespace)
        with pytest.raises(InvariantError, match="same-answer"):
            namespace["test_same_answer"]()

    def test_is_told_in_words(self):
        """What went wrong, what it takes, what cures it, the test, all that happens, and the token."""
        failure = a_failure(faults=NO_FAULTS)
        text = str(failure)
        assert text.startswith('schedule 0: InvariantError: same-answer: it came to ["b", "a"]')
        for part in ("It takes 1 deviation", "It passes if", "As a test:", "What happens:", failure.token):
            assert part in text
        marked = [line for line in text.splitlines() if line.startswith(">")]
        assert len(marked) == 1

    def test_tells_choices_of_one_name_apart(self):
        """Which of that name, and in which invocation."""
        numbered = Deviation("b", "a", 3, 2, 4)
        shrunk = Shrunk(ValueError(), (numbered, Deviation("b", "a")), ("b", "b", "a"), (0, 1), None, 1, True)
        assert deviations_in_words(shrunk) == [
            'the 3rd "b", before the 2nd "a", in the 4th invocation',
            '"b", before "a"',
        ]

    def test_is_the_same_every_time(self):
        """Search and shrinking are a function of the seed."""
        assert str(a_failure(seed=5)) == str(a_failure(seed=5))

    def test_need_not_be_shrunk(self):
        """Then its token holds all of its choices."""
        failure = a_failure(shrink=False)
        assert failure.shrunk is None
        with pytest.raises(InvariantError, match="same-answer"):
            replay_schedule(race, None, failure.token)
        assert failure.token in failure.test

    def test_has_a_test_with_what_simulate_was_told(self):
        """Faults and answers as they were; what is no literal is a name."""
        options = {"answers": {"ask": "yes"}, "functions": {"f": len}, "faults": Faults(crashes=2)}
        test = a_failure(**options, guard=False).test
        assert "import Deviation, Faults, replay_schedule" in test
        assert "faults=Faults(crashes=2), answers={'ask': 'yes'}, functions=functions, guard=False)" in test

    def test_that_does_not_come_again_depends_on_something_else(self):
        """On a variable that outlives an execution, here."""
        runs = itertools.count()

        @durable_execution
        def forgetful(event, context):
            return context.step(lambda _: 0, name="s") if next(runs) != 3 else 1

        [failure] = simulate(forgetful, faults=NO_FAULTS).failures
        assert not failure.is_lasting
        assert "a variable that outlives an execution" in str(failure)

    def test_in_the_usual_order_needs_no_schedule(self):
        """An invariant of the user's that never holds: it is found before anything is explored."""
        report = simulate(race, invariants=[lambda view: False])
        assert report.schedules == 0
        assert report.failures[0].number is None
        assert "It takes nothing out of the ordinary" in str(report)


class TestReplaying:
    def test_says_nothing_of_what_is_mended(self):
        """The deviations come, and nothing goes wrong."""
        failure = a_failure(faults=NO_FAULTS)

        @durable_execution
        def mended(event, context):
            return context.map(
                ["a", "b"], lambda child, item, *_: child.step(lambda _: item, name=item)
            ).get_results()

        assert failure.shrunk is not None
        run = replay_schedule(mended, None, failure.shrunk.deviations, faults=NO_FAULTS)
        assert run.result == ["a", "b"]

    def test_says_when_the_code_has_drifted(self):
        """A choice, or a deviation, that is not at hand any more."""
        with pytest.raises(DriftedError, match="expected one of: task the handler goes on"):
            replay_schedule(race, None, ["task of old goes on"])
        with pytest.raises(DriftedError, match="expected one of: task the handler goes on"):
            replay_schedule(race, None, [Deviation("old handles Begin", "task the handler goes on")])

    def test_refuses_a_damaged_token(self):
        """Before anything is run."""
        with pytest.raises(ValueError, match="copy all of it"):
            replay_schedule(race, None, a_failure().token[:-4])


def test_progress_is_told_after_every_run():
    """And while a failure is being shrunk."""
    told: list[SimulationProgress] = []
    simulate(race, schedules=9, same_answer=False, progress=told.append)
    assert [progress.schedules for progress in told] == list(range(1, 10))
    told.clear()
    simulate(race, progress=told.append)
    assert [progress.shrinking for progress in told[:3]] == [1, 2, 3]
    assert told[-1].failures == 1


def test_a_search_that_is_exhausted_says_so():
    """With how many schedules there were, and how many of them made no difference."""

    @durable_execution
    def one_step(event, context):
        return context.step(lambda _: 1, name="s")

    report = simulate(one_step, strategy="exhaustive", faults=NO_FAULTS)
    assert report.exhausted
    assert report.summary.startswith(f"exhausted: {report.schedules:,} schedules, {report.pruned:,} pruned, ")


def test_a_strategy_goes_by_its_name():
    """One that there is not is refused with those that there are."""
    with pytest.raises(ValueError, match="no strategy 'luck': it is one of random, pct, sweep, exhaustive"):
        simulate(race, strategy="luck")
