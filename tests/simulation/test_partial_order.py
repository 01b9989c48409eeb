"""Partial-order reduction leaves out what makes no difference, and nothing else."""

import itertools

import attrs
import pytest

from durably.actors.actor import Actor
from durably.actors.clock import VirtualClock
from durably.actors.messages import (
    CheckpointingOver,
    FailureKind,
    Finish,
    Message,
    Settled,
    Waiting,
    WaitingFor,
)
from durably.actors.simulation import Exhaustive, PlainDepthFirst, Scheduler, SimulatedDispatcher, commute
from durably.actors.simulation.commuting import declared
from durably.actors.simulation.partial_order import NotCommutingError, PrunedError
from durably.actors.stage import Stage
from durably.actors.system import ActorSystem
from durably.actors.termination import TerminationActor
from durably.workflows import Duration, MapConfig, NestingType, durable_execution
from durably.workflows.testing.simulated import NOTHING, Faults, SimulatedRun
from tests.simulation.bank import one_run
from tests.simulation.random_systems import Count, ends_of, make_plan

SECOND = Duration.from_seconds(1)


class TestNothingIsLost:
    @pytest.mark.parametrize("first", range(0, 200, 20))
    def test_in_systems_made_at_random(self, first):
        """Every end that a plain search finds is found: of states, failures, crashes and bad calls."""
        compared = 0
        for seed in range(first, first + 20):
            plan, plain = make_plan(seed), PlainDepthFirst(faults=2)
            ends, runs = ends_of(plan, plain, most=250)
            if plain.exhausted:
                search = Exhaustive(faults=2)
                fewer_ends, fewer_runs = ends_of(plan, search)
                assert search.exhausted
                assert fewer_ends == ends, f"seed {seed}"
                assert fewer_runs <= runs + search.pruned
                compared += 1
        assert compared >= 10

    def test_in_a_workflow(self):
        """A step under every order: the same ends, in the same numbers of invocations, in fewer runs."""

        @durable_execution
        def handler(event, context):
            return context.step(lambda _: 1, name="a")

        plain, search = PlainDepthFirst(), Exhaustive()
        ends, runs = explored(handler, plain, NOTHING)
        fewer_ends, fewer_runs = explored(handler, search, NOTHING)
        assert plain.exhausted
        assert search.exhausted
        assert fewer_ends == ends
        assert fewer_runs < runs / 2

    def test_that_a_race_decides(self):
        """The lost update is found, in a fraction of the runs."""
        search, ends = Exhaustive(), list[int]()
        while search.begin(len(ends)):
            ends.append(one_run(search)[0])
        assert set(ends) == {10, 20}
        assert len(ends) <= 6


def explored(handler, strategy, faults):
    """The ends of a workflow, and how many runs there were."""
    ends, runs = set(), 0
    while strategy.begin(runs):
        run = SimulatedRun(handler, None, Scheduler(strategy), faults)
        runs += 1
        try:
            run.run()
        except PrunedError:
            continue
        ends.add((str(run.output), run.invocations))
    return ends, runs


class TestASearchIsExhausted:
    def test_with_two_operations_and_one_crash(self):
        """Every order of two steps, and a crash at every point: a proof that nothing is lost by it."""

        @durable_execution
        def handler(event, context):
            return context.step(lambda _: 1, name="a") + context.step(lambda _: 2, name="b")

        search = Exhaustive(independent_bodies=True)
        ends, runs = explored(handler, search, Faults(crashes=1, throttled=0, lost=0))
        assert search.exhausted
        assert {output for output, _ in ends} == {"{'Status': 'SUCCEEDED', 'Result': '3'}"}
        assert search.pruned < runs / 2

    def test_sooner_if_bodies_share_nothing(self):
        """Their order then matters only through that in which the library learns of their ends."""

        @durable_execution
        def handler(event, context):
            def branch(child, item, *_):
                return child.step(lambda _: item, name=f"s{item}")

            return context.map([1, 2], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

        counts = []
        for independent in (False, True):
            search, runs = Exhaustive(independent_bodies=independent), 0
            while runs < 400 and search.begin(runs):
                runs += 1
                try:
                    SimulatedRun(handler, None, Scheduler(search)).run()
                except PrunedError:
                    continue
            counts.append(runs)
        assert counts[1] <= counts[0]


def waiting(number):
    """An operation begins to wait."""
    return Waiting(f"op {number}", list(WaitingFor)[number % 3])


def settled(number):
    """An operation waits no more."""
    return Settled(f"op {number}")


MADE = {Waiting: waiting, Settled: settled}
"""How a message of the library that commutes is made, from the number of its sender."""


class SentError(Exception):
    """An actor has asked its stage for something."""


class NoStage:
    """Refuses everything: handling what commutes asks for nothing."""

    def __getattr__(self, name):
        raise SentError(name)


class TestMessagesThatCommute:
    def test_are_all_made_here(self):
        """Who declares another one in the library says here how it is made."""
        ours = {
            message for messages in declared().values() for message in messages if is_of_the_library(message)
        }
        assert ours == MADE.keys()

    @pytest.mark.parametrize(("one", "other"), list(itertools.product(MADE, repeat=2)))
    @pytest.mark.parametrize("waits", [(), (1,), (1, 2)])
    def test_leave_the_same_state_in_both_orders(self, one, other, waits):
        """Each pair from two operations, whichever of them are waiting, and nothing is sent."""

        def state_after(messages):
            actor = TerminationActor(NoStage())
            for number in waits:
                actor.on_receive(waiting(number))
            for message in messages:
                actor.on_receive(message)
            return actor.state, actor._waiting

        pair = [MADE[one](1), MADE[other](2)]
        assert state_after(pair) == state_after(pair[::-1])

    def test_are_told_apart_from_those_that_do_not(self):
        """What ends an invocation does not commute with anything."""
        commuting = {message for messages in declared().values() for message in messages}
        assert commuting.isdisjoint({Finish, CheckpointingOver})
        with pytest.raises(SentError):
            TerminationActor(NoStage(), 1.0, lambda: 1.0).on_receive(CheckpointingOver(FailureKind.REFUSED))

    def test_are_in_one_set_only(self):
        """And a set has a name."""
        with pytest.raises(ValueError, match="Count commutes as 'counted in a random system' already"):
            commute("another", Count)
        with pytest.raises(ValueError, match="need a name"):
            commute("", Count)

    def test_are_tried_in_one_order(self):
        """Three of them, from three senders, to one actor: one run."""
        assert runs_of(Tally) == 1

    def test_must_do_nothing_else(self):
        """An actor that answers such a message is found out: others would see the order."""
        with pytest.raises(NotCommutingError, match="box of sender 0"):
            runs_of(Answering)


def is_of_the_library(message):
    """Whether a class of messages is the library's own."""
    return message.__module__.startswith("durably.")


@attrs.frozen(eq=False)
class Go(Message):
    pass


class Tally(Actor):
    """Adds up."""

    def __init__(self, stage: Stage, senders: list) -> None:
        super().__init__(stage, "tally")
        self.total = 0
        self.senders = senders

    def on_receive(self, message: Message) -> None:
        assert isinstance(message, Count)
        self.total += message.value


class Answering(Tally):
    """Tells the first sender of it."""

    def on_receive(self, message: Message) -> None:
        super().on_receive(message)
        self.senders[0].tell(Count(0))


class Sender(Actor):
    """Sends a number when it is told to go."""

    def __init__(self, stage: Stage, number: int, to: Actor) -> None:
        super().__init__(stage, f"sender {number}")
        self.number = number
        self.to = to

    def on_receive(self, message: Message) -> None:
        if isinstance(message, Go):
            self.to.ref.tell(Count(self.number))


def runs_of(tally):
    """How many runs a search needs for three senders and one that adds up."""
    search, runs = Exhaustive(), 0
    while search.begin(runs):
        runs += 1
        system = ActorSystem(SimulatedDispatcher(Scheduler(search), VirtualClock()))
        senders: list = []
        to = tally(system, senders)
        for number in range(3):
            senders.append(Sender(system, number, to).ref)
            senders[number].tell(Go())
        system.run()
        system.close()
        if tally is Tally:
            assert to.total == 3
    return runs
