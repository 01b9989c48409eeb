"""Partial-order reduction for Pykka actors leaves out what makes no difference, and nothing else."""

import logging

import pykka
import pytest

from durably.actors.simulation import Exhaustive, PlainDepthFirst, explore_pykka
from tests.simulation.random_pykka import ends_of, make_plan

MOST = 250


@pytest.fixture(autouse=True)
def quiet(caplog):
    """Pykka logs whatever an actor raises, thousands of times here."""
    caplog.set_level(logging.CRITICAL, "pykka")


class TestNothingIsLost:
    @pytest.mark.parametrize("first", range(200, 280, 20))
    def test_in_systems_made_at_random(self, first):
        """Every end that a plain search finds is found: of states, errors, deadlocks and stopped actors."""
        compared = 0
        for seed in range(first, first + 20):
            plan, plain = make_plan(seed), PlainDepthFirst()
            ends, runs = ends_of(plan, plain, most=MOST)
            if plain.exhausted:
                search = Exhaustive()
                fewer_ends, fewer_runs = ends_of(plan, search)
                assert search.exhausted
                assert fewer_ends == ends, f"seed {seed}"
                assert fewer_runs <= runs + search.pruned
                compared += 1
        assert compared >= 10

    def test_if_one_does_something_before_it_reads_a_future(self):
        """What it has done before would not have waited: it may come before what led to the future, too."""
        orders = []
        for strategy in (PlainDepthFirst(), Exhaustive()):
            seen = set()
            report = explore_pykka(lambda seen=seen: seen.add(two_notes()), strategy=strategy, schedules=1000)
            assert report.exhausted
            orders.append(seen)
        assert orders[0] == orders[1] == {("first", "second"), ("second", "first")}

    def test_if_actors_share_memory_and_it_is_said_so(self):
        """Two actors that append to one list: the order is seen by nobody but the list."""
        assert orders_of_appending(share_memory=True) == {("a", "b"), ("b", "a")}
        assert len(orders_of_appending(share_memory=False)) == 1


class Appender(pykka.ThreadingActor):
    """Appends to a list that is not its own."""

    def __init__(self, shared):
        super().__init__()
        self._shared = shared

    def on_receive(self, message):
        self._shared.append(message)


def orders_of_appending(*, share_memory):
    """What a list may hold that two actors append to."""
    lists = []

    def scenario():
        shared = []
        lists.append(shared)
        for what in "ab":
            Appender.start(shared).tell(what)

    report = explore_pykka(scenario, strategy=Exhaustive(), share_memory=share_memory)
    assert report.exhausted
    return {tuple(shared) for shared in lists if len(shared) == 2}


class Counter(pykka.ThreadingActor):
    """Counts."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def add(self, number):
        self.count += number
        return self.count


def schedules_of(scenario):
    """How many schedules a search needs that leaves some out, without those whose rest made no difference."""
    report = explore_pykka(scenario, strategy=Exhaustive(), schedules=10_000)
    assert report.exhausted
    report.check()
    return report.schedules - report.pruned


class TestOneScheduleIsEnough:
    def test_for_actors_that_have_nothing_to_do_with_each_other(self):
        """Four of them, each asked for something: their turns may come in thousands of orders."""

        def scenario():
            answers = [Counter.start().proxy().add(number) for number in range(4)]
            assert pykka.get_all(answers) == [0, 1, 2, 3]

        assert schedules_of(scenario) == 1

    def test_whether_or_not_an_answer_is_there_when_it_is_asked_for(self):
        """To wait for it, and to find it there, is the same to who gets it."""

        def scenario():
            assert Counter.start().proxy().add(1).get() == 1

        assert schedules_of(scenario) == 1

    def test_for_each_order_of_messages_to_one_actor(self):
        """Three tell it something: six orders."""

        def scenario():
            counter = Counter.start().proxy()
            adders = [Adder.start().proxy().add_to(counter, number) for number in range(3)]
            pykka.get_all(adders)

        assert schedules_of(scenario) == 6

    def test_for_each_side_of_a_timeout(self):
        """An answer comes in time, or not; when it comes if it is too late makes no difference."""

        def scenario():
            try:
                assert Counter.start().proxy().add(1).get(timeout=1) == 1
            except pykka.Timeout:
                pass

        assert schedules_of(scenario) <= 3


class Adder(pykka.ThreadingActor):
    """Tells a counter a number."""

    def add_to(self, counter, number):
        counter.add.defer(number)


class Notes(pykka.ThreadingActor):
    """Keeps what it is told, in order."""

    def __init__(self):
        super().__init__()
        self.kept = []

    def on_receive(self, message):
        self.kept.append(message)

    def all(self):
        return tuple(self.kept)


class First(pykka.ThreadingActor):
    def go(self, notes):
        notes.tell("first")
        return 1


class Second(pykka.ThreadingActor):
    def go(self, notes, future):
        notes.tell("second")
        return future.get()


def two_notes():
    """In what order two notes come, of which the second's author waits for the first's author afterwards."""
    notes = Notes.start()
    future = First.start().proxy().go(notes)
    Second.start().proxy().go(notes, future).get()
    return notes.proxy().all().get()
