"""A sweep: every fault at every place of a run, one after the other."""

import pytest

from durably.actors.simulation import Scheduler, Sweep
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import SimulatedRun
from durably.workflows.testing.simulation import HARMLESS, Faults, SimulationReport, named_strategy, simulate
from tests.simulation.campaign import workflows

CRASH = Faults(crashes=1)


@durable_execution
def step_and_wait(event, context):
    first = context.step(lambda _: 1, name="a")
    context.wait(Duration.from_minutes(1), name="w")
    return first


class Places:
    """Notes in each run before which choice a crash has come."""

    def __init__(self):
        self.runs = [[]]

    def begun(self):
        pass

    def ended(self, how):
        pass

    def chosen(self, choice, among, moment):
        self.runs[-1].append(choice.name)

    def passed(self, moment):
        pass

    def sent(self, to, key, message):
        pass

    def handling(self, key, message):
        pass

    def handled(self, who, key):
        pass


def sweep_of(handler, faults, strategy=None, **options) -> SimulationReport:
    """A sweep through one order."""
    return simulate(handler, strategy=strategy or Sweep(orders=1), schedules=10_000, faults=faults, **options)


class TestASweep:
    def test_lets_the_process_die_at_every_choice(self):
        """One run in which nothing happens, and then one for each choice at which it can die."""
        places = Places()
        places_of_crashes = []

        def next_run(progress):
            run = places.runs[-1]
            places_of_crashes.append(run.index("the process dies") if "the process dies" in run else None)
            places.runs.append([])

        places.runs.append([])  # the run before the first schedule is the usual one
        report = sweep_of(step_and_wait, CRASH, observers=[places], guard=False, progress=next_run)
        report.check()
        assert places_of_crashes[0] is None
        crashed = places_of_crashes[1:]
        assert len(crashed) == report.schedules - 1 > 20
        assert crashed == sorted(set(crashed))

    def test_lets_each_fault_strike_at_each_place(self):
        """As many runs as there are pairs of a place and a fault that may strike there."""
        counts = {"crashes": 0, "lost": 0, "throttled": 0}
        for name in counts:
            counts[name] = sweep_of(step_and_wait, Faults(**{name: 1})).schedules - 1
        together = sweep_of(step_and_wait, Faults(crashes=1, lost=1, throttled=1))
        assert together.schedules - 1 == sum(counts.values())
        assert 0 < counts["lost"] == counts["throttled"] < counts["crashes"]

    def test_lets_strike_what_is_only_at_hand_after_another_fault(self):
        """The deadline itself, after its warning; and requests of pages, after there are pages."""
        places = Places()
        sweep_of(step_and_wait, HARMLESS, observers=[places]).check()
        happened = {name for run in places.runs for name in run}
        assert "the process is killed at its deadline" in happened
        assert "the answer to the request of a page is lost" in happened

    def test_goes_on_with_other_orders(self):
        """After production's order come random ones, other ones for another seed; and without end."""
        taken = {0: set(), 1: set()}
        for seed, found in taken.items():
            strategy = named_strategy("sweep", seed)
            strategy.begin(0)
            for run in range(3):
                assert run == 0 or strategy.begin(run)
                scheduler = Scheduler(strategy)
                SimulatedRun(step_and_wait, None, scheduler).run()
                found.add(tuple(scheduler.taken))
        assert len(taken[0]) > 1
        assert taken[0] != taken[1]

    def test_finds_what_needs_a_crash_at_one_place(self):
        """A workflow that counts its invocations in a variable: only a crash shows that."""

        @durable_execution
        def forgets(event, context):
            seen.append(1)
            context.step(lambda _: 1, name="a")
            return "first" if len(seen) == 1 else "again"

        seen = []

        def before_each(view):
            if not view.choices:
                seen.clear()

        report = sweep_of(forgets, CRASH, invariants=[before_each], guard=False)
        assert not report.ok
        assert "same-answer" in str(report)
        assert [each.take for each in report.failures[0].shrunk.deviations] == ["the process dies"]


LONG = {"large_results"}  # its sweep is a part of `make explore`


@pytest.mark.parametrize("workflow", sorted(workflows().keys() - LONG))
def test_a_crash_at_any_choice_changes_nothing(workflow):
    """Every workflow of these tests, with a crash at every single choice that production's order takes."""
    handler, options = workflows()[workflow]
    report = sweep_of(handler, CRASH, guard=False, **options)
    report.check()
    assert report.schedules > 20


def test_all_faults_at_every_place_of_a_small_workflow():
    """Not only crashes."""
    report = sweep_of(step_and_wait, HARMLESS)
    report.check()
    assert report.schedules > 100
