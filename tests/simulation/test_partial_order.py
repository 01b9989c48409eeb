"""Partial-order reduction leaves out what makes no difference, and nothing else."""

import itertools

import attrs
import pykka
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
from durably.actors.simulation import (
    DeadlockError,
    Exhaustive,
    NotCommutingError,
    PlainDepthFirst,
    PrunedError,
    Scheduler,
    SimulatedDispatcher,
    commute,
    explore_pykka,
)
from durably.actors.simulation.commuting import declared
from durably.actors.stage import Stage
from durably.actors.system import ActorSystem
from durably.actors.termination import TerminationActor
from durably.workflows import ChildConfig, MapConfig, NestingType, durable_execution
from durably.workflows.testing import simulate
from durably.workflows.testing.simulated import NOTHING, Faults, SimulatedRun
from tests.simulation.bank import one_run
from tests.simulation.random_systems import Count, World, ends_of, make_plan

CRASH = Faults(crashes=1)


class TestNothingIsLost:
    @pytest.mark.parametrize("first", range(0, 200, 20))
    def test_in_systems_made_at_random(self, first):
        """Every end that a plain search finds is found: of states, failures, crashes and bad calls."""
        compared = 0
        for seed in range(first, first + 20):
            plan, plain = make_plan(seed), PlainDepthFirst(faults=2)
            ends, runs = ends_of(plan, plain, most=250)
            if plain.exhausted:
                search = plan.search()
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

    @pytest.mark.parametrize("independent", [False, True])
    def test_if_code_that_records_nothing_settles_a_future(self, independent):
        """Two virtual contexts race: no actor is between them and the code that awaits them."""
        virtual = ChildConfig(is_virtual=True)

        @durable_execution
        def handler(event, context):
            first = context.deferred.run_in_child_context(lambda _: 1, "first", virtual)
            second = context.deferred.run_in_child_context(lambda _: 2, "second", virtual)
            context.run_in_child_context(lambda _: 0, "beside", virtual)
            return context.race([first, second], name="race")

        plain, search = PlainDepthFirst(), Exhaustive(independent_tasks=independent)
        ends, _ = explored(handler, plain, NOTHING)
        assert plain.exhausted
        assert explored(handler, search, NOTHING)[0] == ends
        assert len(ends) == 2

    def test_that_a_race_decides(self):
        """The lost update is found, in a fraction of the runs."""
        search, ends = Exhaustive(), list[int]()
        while search.begin(len(ends)):
            ends.append(one_run(search)[0])
        assert set(ends) == {10, 20}
        assert not search.pruned
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
        ends, runs = explored(handler, search, CRASH)
        assert search.exhausted
        assert {output for output, _ in ends} == {"{'Status': 'SUCCEEDED', 'Result': '3'}"}
        assert search.pruned < runs / 2

    def test_with_two_branches(self):
        """A map of two, without operations of the branches' own: every order in which they go on and end."""

        @durable_execution
        def handler(event, context):
            def branch(child, item, *_):
                return child.step(lambda _: item, name=f"s{item}")

            return context.map([1, 2], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

        search = Exhaustive(independent_bodies=True, independent_tasks=True)
        ends, runs = explored(handler, search, NOTHING)
        assert search.exhausted
        assert ends == {("{'Status': 'SUCCEEDED', 'Result': '[1, 2]'}", 1)}
        assert runs < 1000

    def test_sooner_if_code_shares_nothing(self):
        """Then a crash leaves nothing but the records: what comes of them need be tried only once."""

        @durable_execution
        def handler(event, context):
            return context.step(lambda _: 1, name="a")

        some, all_ = Exhaustive(independent_bodies=True, independent_tasks=True), Exhaustive()
        ends, runs = explored(handler, some, CRASH)
        all_ends, all_runs = explored(handler, all_, CRASH)
        assert ends == all_ends
        assert some.exhausted
        assert all_.exhausted
        assert runs < all_runs / 2


class TestARunWhoseRestMakesNoDifference:
    def test_is_no_failure_of_a_workflow(self):
        """It is ended early, whatever its code does about exceptions, and counted."""

        @durable_execution
        def handler(event, context):
            try:
                return context.step(lambda _: 1, name="a")
            except BaseException:
                return 2

        report = simulate(handler, schedules=10_000, strategy="exhaustive", faults=CRASH)
        report.check()
        assert report.exhausted
        assert report.pruned
        assert report.result == 1
        assert f"{report.pruned} pruned" in str(report)

    def test_is_no_failure_of_actors(self):
        """Nor if the scenario takes any error for an answer."""
        ends = []

        def scenario():
            one, other = Asking.start().proxy(), Asking.start().proxy()
            try:
                ends.append(pykka.get_all([one.ask(other), other.ask(one)]))
            except Exception as error:
                ends.append(type(error))

        report = explore_pykka(scenario, strategy=Exhaustive(), schedules=1000, stop_at=1000)
        assert report.exhausted
        assert report.pruned == 1
        assert {type(failure.error) for failure in report.failures} == {DeadlockError}

    def test_is_not_gone_on_with(self):
        """Who has caught the error gets it again."""
        search, run = Exhaustive(), 0
        plan = make_plan(0)
        while not search.pruned:
            assert search.begin(run)
            World(plan, search, fuel=2).run()
            run += 1
        with pytest.raises(PrunedError):
            search.choose([])


class Asking(pykka.ThreadingActor):
    """Asks another one, who may be asking."""

    def ask(self, other):
        return other.answer().get()

    def answer(self):
        return 1


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
