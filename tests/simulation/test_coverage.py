"""What a campaign has tried, and what it has not."""

import enum
from typing import ClassVar

import pytest

from durably.actors.actor import Actor
from durably.actors.clock import VirtualClock
from durably.actors.messages import GoOn, Message, Refresh
from durably.actors.operation import OperationActor
from durably.actors.simulation import Fifo, RandomWalk, Scheduler, SimulatedDispatcher
from durably.actors.simulation.coverage import ACTORS, Coverage
from durably.actors.system import ActorSystem
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import Faults, SimulatedRun
from durably.workflows.testing.simulation import NOTHING, simulate


class Light(enum.Enum):
    RED = 1
    GREEN = 2


class Lamp(Actor):
    """Changes its light whenever it is told to go on."""

    state = Light.RED

    def on_receive(self, message: Message) -> None:
        self.HANDLERS[type(message)](self, message)

    def _go_on(self, _message: GoOn) -> None:
        self.state = Light.GREEN if self.state is Light.RED else Light.RED

    HANDLERS: ClassVar = {GoOn: _go_on, Refresh: lambda lamp, message: None}


def watched(*messages, coverage=None):
    """What a lamp's coverage is after these."""
    coverage = coverage or Coverage([Lamp])
    strategy = Fifo()
    strategy.begin(0)
    system = ActorSystem(SimulatedDispatcher(Scheduler(strategy, observers=[coverage]), VirtualClock()))
    lamp = Lamp(system).begin()
    for message in messages:
        lamp.tell(message)
    system.run()
    return coverage


class TestWhatWasTried:
    def test_is_counted_by_actor_state_and_message(self):
        """The state is the one in which the message came."""
        assert watched(GoOn(), GoOn(), GoOn()).cells == {
            ("Lamp", "RED", "GoOn"): 2,
            ("Lamp", "GREEN", "GoOn"): 1,
        }

    def test_is_counted_by_which_message_followed_which(self):
        """Only messages to one actor are a pair."""
        assert watched(GoOn(), GoOn(), Refresh()).pairs == {
            ("Lamp", "GoOn", "GoOn"): 1,
            ("Lamp", "GoOn", "Refresh"): 1,
        }

    def test_adds_up_over_runs_and_campaigns(self):
        """One object may look on in many runs; two can be added."""
        coverage = watched(GoOn(), coverage=watched(GoOn()))
        assert coverage.cells == {("Lamp", "RED", "GoOn"): 2}
        assert not coverage.pairs  # the runs are apart
        assert (coverage + watched(Refresh())).systems == 3


class TestWhatWasNot:
    def test_is_told_by_the_tables_of_the_actors(self):
        """A message that has a handler and never came is missed."""
        assert watched(GoOn()).missed() == [("Lamp", "", "Refresh")]
        assert watched(GoOn(), Refresh()).missed() == []

    def test_is_told_of_pairs(self):
        """Of messages that came, which order of two never occurred."""
        assert ("Lamp", "Refresh", "GoOn") in watched(GoOn(), Refresh()).missed_pairs()
        assert ("Lamp", "GoOn", "Refresh") not in watched(GoOn(), Refresh()).missed_pairs()

    def test_is_in_the_report(self):
        """Sums first, then what never occurred."""
        assert str(watched(GoOn())).splitlines() == [
            "systems: 1, messages in a state: 1, pairs of messages: 0, cells of the actors' tables: 1 of 2",
            "  never: Lamp Refresh",
        ]


@durable_execution
def retries_and_waits(event, context):
    def branch(child, item, *_):
        child.wait(Duration.from_seconds(item + 1), name="w")
        return child.step(lambda step: 1 if step.attempt > 1 else 1 / 0, name="s")

    return context.map([0, 1], branch, "m").get_results()


@pytest.fixture(scope="module")
def campaign():
    """What forty schedules of a workflow have tried."""
    coverage, strategy = Coverage(), RandomWalk(2)
    for number in range(40):
        strategy.begin(number)
        SimulatedRun(retries_and_waits, None, Scheduler(strategy, observers=[coverage]), Faults()).run()
    return coverage


class TestOfWorkflows:
    def test_nothing_came_in_a_state_that_has_no_cell_for_it(self, campaign):
        """What occurred is in the table of the operation actor."""
        table = {
            (message.__name__, state.name)
            for message, states in OperationActor.TRANSITIONS.items()
            for state in states
        }
        assert {
            (message, state) for kind, state, message in campaign.cells if kind == "OperationActor"
        } <= table

    def test_a_campaign_reaches_most_of_what_its_workflow_can_reach(self, campaign):
        """All four actors take part; a callback that nobody makes is among what is missed."""
        assert {kind for kind, _, _ in campaign.cells} == {actor.__name__ for actor in ACTORS}
        missed = campaign.missed()
        assert ("OperationActor", "EXECUTING", "BodyDone") not in missed
        assert ("OperationActor", "ORPHANED", "MapDone") in missed

    def test_the_table_says_all_of_it(self, campaign):
        """Each cell and each pair has a line with how often."""
        lines = campaign.table().splitlines()
        count = campaign.cells["OperationActor", "NEW", "Begin"]
        assert f"  OperationActor NEW Begin: {count:,}" in lines
        assert len(lines) == len(str(campaign).splitlines()) + 2 + len(campaign.cells) + len(campaign.pairs)


def test_a_campaign_fills_it():
    """It looks on in every schedule, and in the usual run before them."""
    coverage = Coverage()
    simulate(retries_and_waits, schedules=5, observers=[coverage], faults=NOTHING).check()
    assert coverage.systems >= 6
    assert coverage.cells["OperationActor", "NEW", "Begin"] >= 6 * 5
