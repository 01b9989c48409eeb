"""What `simulate` is told: what is wrong is refused, and what finds nothing does not look like a proof."""

import pytest

from durably.actors.simulation import Coverage, Exhaustive
from durably.workflows import Duration, WaitForCallbackConfig, durable_execution
from durably.workflows.testing import Faults, simulate
from durably.workflows.testing.simulation import NOTHING, HandlerFailedError


@durable_execution
def one_step(event, context):
    return context.step(lambda _: 1, name="a")


@durable_execution
def broken(event, context):
    return event["nope"]


class TestAWrongArgument:
    @pytest.mark.parametrize(
        ("wrong", "error", "says"),
        [
            ({"schedules": 0}, ValueError, "schedules=0: nothing would be run"),
            ({"schedules": 1.5}, TypeError, "schedules=1.5 is no whole number"),
            ({"stop_at": -1}, ValueError, "stop_at=-1"),
            ({"event": iter([1])}, TypeError, "event=.* is no JSON value"),
            ({"strategy": Exhaustive}, TypeError, "neither the name of a strategy nor one"),
            ({"faults": {"crashes": 1}}, TypeError, "is no Faults, such as"),
            ({"answers": "yes"}, TypeError, "answers='yes' is no mapping"),
            ({"functions": ["charge"]}, TypeError, "functions=.* is no mapping"),
            ({"invariants": len}, TypeError, "invariants=.* is no list"),
            ({"invariants": ["holds"]}, TypeError, "'holds' cannot be called with a RunView"),
            ({"observers": [Coverage]}, TypeError, "is no Observer, such as Coverage"),
        ],
        ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
    )
    def test_is_refused_before_anything_runs(self, wrong, error, says):
        """It is named, with what it ought to be."""
        with pytest.raises(error, match=says):
            simulate(one_step, **{"schedules": 1, **wrong})

    def test_is_what_is_no_durable_handler(self):
        """With what to do."""
        with pytest.raises(TypeError, match="decorate it with @durable_execution"):
            simulate(lambda event, context: 1)

    def test_of_faults_is_a_number_that_is_none(self):
        """Or one that is less than nothing."""
        with pytest.raises(ValueError, match=r"Faults\(crashes=-1\)"):
            Faults(crashes=-1)
        with pytest.raises(TypeError, match=r"Faults\(lost='often'\)"):
            Faults(lost="often")


class TestAWorkflowThatFails:
    def test_where_nothing_goes_wrong_is_a_finding(self):
        """Else a broken one would be as good as one that is right."""
        report = simulate(broken, schedules=5)
        assert isinstance(report.failures[0].error, HandlerFailedError)
        assert "FAILED with TypeError" in str(report)
        with pytest.raises(AssertionError, match="may_fail=True"):
            report.check()

    def test_may_be_what_is_wanted(self):
        """Then it must fail so in every schedule."""
        report = simulate(broken, schedules=5, may_fail=True)
        report.check()
        assert [
            count for outcome, count in report.outcomes.items() if "FAILED with TypeError" in outcome
        ] == [6]


def test_a_search_that_did_not_come_to_its_end_says_so():
    """It is no proof."""
    assert simulate(one_step, schedules=2, strategy="exhaustive").summary.startswith(
        "NOT exhausted: 2 schedules"
    )


def test_what_it_came_to_is_counted():
    """Where it may depend on a race: what there was, and how often."""

    @durable_execution
    def race(event, context):
        return context.race([context.deferred.step(lambda _, n=n: n, name=n) for n in "ab"], name="r")

    report = simulate(race, schedules=100, same_answer=False, faults=NOTHING)
    assert sum(report.outcomes.values()) == 101
    assert report.outcomes.keys() == {'"a"', '"b"'}


def test_a_variable_that_outlives_an_execution_is_named_as_the_cause(caplog):
    """It goes wrong in the usual order, and did not the first time. Nothing is logged meanwhile."""
    seen = []

    @durable_execution
    def counts(event, context):
        seen.append(1)
        if len(seen) > 1:
            raise ValueError("again")
        return 1

    assert "left behind by one execution and seen by the next" in str(simulate(counts, schedules=5))
    assert caplog.records == []


@durable_execution
def two_callbacks(event, context):
    """Which of two people answers first?"""
    first, second = context.create_callback("first"), context.create_callback("second")
    return context.race([first, second], name="race")


@durable_execution
def approval_in_time(event, context):
    """Within a day, or not."""
    approval = context.create_callback("approval")
    context.race([approval, context.deferred.wait(Duration.from_days(1), name="day")], name="race")
    return approval.done


@durable_execution
def waits_an_hour(event, context):
    """For an answer."""
    config = WaitForCallbackConfig(timeout=Duration.from_hours(1))
    return context.wait_for_callback(lambda *_: None, name="approval", config=config)


ANSWERS = {"first": 1, "second": 2, "approval": "yes"}


class TestWhoIsOutside:
    @pytest.mark.parametrize("strategy", ["random", "pct", "sweep"])
    @pytest.mark.parametrize("workflow", [two_callbacks, approval_in_time], ids=["callbacks", "approval"])
    def test_may_be_later_than_something_else(self, workflow, strategy):
        """Whoever answers first, and whether in time: a result that depends on that is found soon."""
        report = simulate(
            workflow, schedules=50, strategy=strategy, faults=NOTHING, answers=ANSWERS, shrink=False
        )
        assert "same-answer" in str(report)

    def test_may_be_too_late_if_that_may_be(self):
        """A callback times out, in some schedule of each strategy."""
        for strategy in ("random", "pct", "sweep"):
            report = simulate(
                waits_an_hour,
                schedules=300,
                strategy=strategy,
                faults=Faults(late=1),
                answers=ANSWERS,
                shrink=False,
            )
            assert "timed out" in str(report), strategy
