"""Shrinking: what is left of a schedule that fails, and the swap of two choices that cures it."""

import pytest

from durably.actors.simulation import RandomWalk, Strategy
from durably.workflows import durable_execution
from durably.workflows.testing import simulate
from durably.workflows.testing.deviations import Deviating, Deviation, Recorder
from durably.workflows.testing.shrinking import Shrunk, shrink
from tests.simulation.bank import one_run

ANN = "Ann handles Open from the world"


class LostError(Exception):
    """A deposit was lost."""


def overdrawn(strategy: Strategy) -> Exception | None:
    """The bank's update is lost in the order of the hub: here that is right, and 20 is wrong."""
    amount, _ = one_run(strategy)
    return LostError(str(amount)) if amount == 20 else None


def a_failure(seed: int = 0) -> list[str]:
    """A long way to go wrong: whatever a random walk has taken."""
    strategy = RandomWalk(seed)
    for number in range(1000):
        strategy.begin(number)
        amount, taken = one_run(strategy)
        if amount == 20:
            return taken
    raise AssertionError("none fails")


def shrunk(schedule) -> Shrunk:
    found = shrink(overdrawn, schedule)
    assert found is not None
    return found


class TestWhatIsLeft:
    @pytest.mark.parametrize("seed", range(8))
    def test_is_as_few_deviations_as_will_do(self, seed):
        """It fails with them, and with none of them left out."""
        found = shrunk(a_failure(seed))
        assert found.is_minimal
        assert isinstance(found.error, LostError)
        for each in found.deviations:
            strategy = Deviating([other for other in found.deviations if other != each])
            assert overdrawn(strategy) is None
        assert isinstance(overdrawn(Deviating(found.deviations)), LostError)

    def test_is_the_same_every_time(self):
        """Nothing in it is left to chance."""
        schedule = a_failure()
        assert repr(shrunk(schedule)) == repr(shrunk(schedule))

    def test_is_short(self):
        """One teller is through before the other begins, and that is all."""
        assert len(shrunk(a_failure()).deviations) <= 3

    def test_says_where_in_the_run_it_deviates(self):
        """Each place holds the choice that was taken."""
        found = shrunk(a_failure())
        assert [found.choices[at] for at in found.places] == [each.take for each in found.deviations]

    def test_is_what_there_was_if_the_runs_are_used_up(self):
        """With one run there is nothing to try, and that is said."""
        schedule = a_failure()
        found = shrink(overdrawn, schedule, limit=1)
        assert found is not None
        assert not found.is_minimal
        assert list(found.choices) == schedule

    def test_nothing_is_left_of_a_schedule_that_does_not_fail(self):
        """It depends on more than its choices."""
        assert shrink(overdrawn, []) is None


class TestALargeRace:
    """A map of twenty branches, which goes wrong if some of them overtake others."""

    @pytest.mark.parametrize("overtaken", [{0: 19}, {0: 19, 3: 12}])
    @pytest.mark.parametrize("strategy", ["random", "pct"])
    def test_comes_down_to_who_overtakes_whom(self, strategy, overtaken):
        """Two or three deviations are left at most, of hundreds, whatever faults have struck."""

        @durable_execution
        def handler(event, context):
            order = []

            def branch(child, item, *_):
                child.step(lambda _: item, name=f"a{item}")
                order.append(item)
                child.step(lambda _: item, name=f"b{item}")

            context.map(range(20), branch, name="m")
            at = {item: place for place, item in enumerate(order)}
            if all(at.get(late, 0) > at.get(early, 0) for late, early in overtaken.items()):
                raise RuntimeError("overtaken")

        report = simulate(handler, schedules=100, strategy=strategy)
        found = report.failures[0].shrunk
        assert found.is_minimal
        assert len(found.deviations) <= len(overtaken) + 1
        assert not any(each.is_fault for each in found.deviations)


class TestTheSwap:
    @pytest.mark.parametrize("seed", range(8))
    def test_is_of_two_choices(self, seed):
        """The one that should come later was taken too early."""
        found = shrunk(a_failure(seed))
        assert found.swap is not None
        early, late = found.swap
        assert early < late
        assert found.choices[early] in [each.take for each in found.deviations]

    def test_is_looked_for_among_all_choices_too(self):
        """In the order of the hub itself the update is lost: no deviation can be left out."""

        def lost(strategy: Strategy) -> Exception | None:
            return LostError() if one_run(strategy)[0] == 10 else None

        found = shrink(lost, [])
        assert found is not None
        assert found.deviations == ()
        assert found.swap is not None
        early, late = (found.choices[at] for at in found.swap)
        assert (early, late) == ("Bob handles Open from the world", "Ann handles Balance from account")


class TestRecorded:
    def test_deviations_are_taken_again(self):
        """Whatever a random walk does, its deviations do again."""
        for seed in range(20):
            walk = RandomWalk(seed)
            walk.begin(0)
            recorder = Recorder(walk)
            end, taken = one_run(recorder)
            assert recorder.choices == taken
            assert one_run(Deviating(recorder.deviations)) == (end, taken)

    def test_what_waits_lets_pass_whatever_is_due_after_it(self):
        """Ann waits until all of Bob's messages have been handled, and then goes on as usual."""
        usual, waits = Deviating([]), Deviating([Deviation("account handles Write from Bob", ANN)])
        one_run(usual)
        one_run(waits)
        bob = [name for name in usual.choices if "Bob" in name]
        assert waits.choices[: len(bob)] == bob
        assert [deviation for _, deviation in waits.kept] == [
            Deviation("account handles Write from Bob", ANN)
        ]
        assert sorted(waits.choices) == sorted(usual.choices)

    def test_what_waits_in_vain_has_made_a_difference_all_the_same(self):
        """Ann waits until nothing else is at hand: without the deviation it goes otherwise."""
        usual, waits = Deviating([]), Deviating([Deviation("nobody handles Open", ANN)])
        one_run(usual)
        one_run(waits)
        assert waits.choices != usual.choices
        [(place, deviation)] = waits.kept
        assert (waits.choices[place], deviation.take) == (
            "Bob handles Open from the world",
            "nobody handles Open",
        )

    def test_a_deviation_is_said_in_words(self):
        """What comes before what; which of that name, and in which invocation, if it is not the first."""
        assert str(Deviation("b", "a")) == '"b" before "a"'
        assert str(Deviation("b", "a", 3)) == 'the 3rd "b" before "a"'
        assert str(Deviation("b", "a", 1, 2, 2)) == '"b" before the 2nd "a", in the 2nd invocation'
        assert repr(Deviation("b", "a")) == 'Deviation("b", "a")'
        assert repr(Deviation("b", "a", 3, 2)) == 'Deviation("b", "a", take_time=3, instead_of_time=2)'
        assert repr(Deviation("b", "a", invocation=2)) == 'Deviation("b", "a", invocation=2)'
