"""The scheduler with plain actors: every order of their messages, and no others."""

import pytest

from durably.actors.actor import Actor
from durably.actors.clock import VirtualClock
from durably.actors.messages import GoOn, Message
from durably.actors.simulation import (
    Fifo,
    Pct,
    RandomWalk,
    Replayed,
    Scheduler,
    SimulatedDispatcher,
    TooLongError,
)
from durably.actors.simulation.strategies import DriftedError
from durably.actors.system import ActorSystem
from tests.simulation.bank import all_runs, one_run


class TestEveryOrder:
    def test_a_search_through_all_orders_finds_the_lost_update(self):
        """Both tellers read before either writes: one deposit is lost. Not so in all orders."""
        ends, strategy = all_runs()
        assert strategy.exhausted
        assert set(ends) == {10, 20}

    def test_what_is_right_is_right_in_all_orders(self):
        """The account adds for itself: whatever the order, nothing is lost."""
        ends, strategy = all_runs(careful=True)
        assert strategy.exhausted
        assert set(ends) == {20}

    def test_no_order_is_tried_twice(self):
        """Two tellers with two messages each to one mailbox: as many runs as there are orders."""
        strategy, runs = all_runs()[1], list[tuple[str, ...]]()
        while strategy.begin(len(runs)):
            runs.append(tuple(one_run(strategy)[1]))
        assert len(runs) == len(set(runs))


class TestOneRun:
    def test_in_the_order_of_the_hub_nothing_is_lost_here(self):
        """Fifo has one run, and then no more."""
        strategy = Fifo()
        assert strategy.begin(0)
        assert one_run(strategy)[0] == 10  # each message waits for its turn: both read first
        assert not strategy.begin(1)

    @pytest.mark.parametrize("strategy", [RandomWalk(7), Pct(7)])
    def test_a_run_is_a_function_of_its_number(self, strategy):
        """The same seed and number give the same choices; others do not all."""
        runs = []
        for number in [*range(8), *range(8)]:
            strategy.begin(number)
            runs.append(one_run(strategy)[1])
        assert runs[:8] == runs[8:]
        assert len({tuple(run) for run in runs}) > 1

    def test_choices_are_named_by_who_what_and_from_whom(self):
        """A name says the same in every run."""
        strategy = Fifo()
        strategy.begin(0)
        _, taken = one_run(strategy)
        assert taken[0] == "Ann handles Open from the world"
        assert "Ann handles Balance from account" in taken
        assert taken[-1] == "all is still"

    def test_a_run_is_taken_again_by_the_names_of_its_choices(self):
        """Its end is the same."""
        strategy = RandomWalk(3)
        for number in range(20):
            strategy.begin(number)
            end, taken = one_run(strategy)
            again = Replayed(taken)
            again.begin(0)
            assert one_run(again) == (end, taken)

    def test_a_choice_that_is_not_at_hand_any_more_is_named(self):
        """The error says which one was wanted, and which ones there are."""
        strategy = Replayed(["Ann handles Audit from the world"])
        strategy.begin(0)
        with pytest.raises(DriftedError, match=r"'Ann handles Audit .* one of: Ann handles Open"):
            one_run(strategy)


class Restless(Actor):
    """Tells itself to go on, for ever."""

    def on_start(self) -> None:
        self.ref.tell(GoOn())

    def on_receive(self, message: Message) -> None:
        self.ref.tell(message)


def test_a_run_without_an_end_is_given_up():
    """The error tells the last choices, so that the circle can be seen."""
    strategy = Fifo()
    strategy.begin(0)
    system = ActorSystem(SimulatedDispatcher(Scheduler(strategy, limit=50), VirtualClock()))
    Restless(system).begin()
    with pytest.raises(TooLongError, match="Restless handles GoOn from Restless"):
        system.run()
