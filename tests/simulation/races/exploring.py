"""Runs a scenario under its schedules, and says how many there were.

Not with `simulate`, since an act is made anew for each run, runs that would make no difference are given up, and
what has been seen in all runs together counts. What goes wrong is shrunk as there.
"""

import textwrap
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

import attrs

from durably.actors.simulation import Scheduler, Strategy
from durably.actors.simulation.partial_order import PrunedError
from durably.workflows.testing.shrinking import shrink
from durably.workflows.testing.simulated import SimulatedRun
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, Scenario, Search


class ScenarioError(AssertionError):
    """A scenario went wrong in some schedule, or did not show what it is there for."""


@attrs.frozen
class Explored:
    """What a search has come to: how many schedules, and whether there are no others."""

    schedules: int
    exhausted: bool
    seen: AbstractSet[str]
    results: Sequence[object]


@attrs.frozen
class Ran:
    """One run: what went wrong, what was chosen, what was seen, and what it came to."""

    error: BaseException | None
    taken: Sequence[str] = ()
    seen: AbstractSet[str] = frozenset()
    result: object = None


def explore(scenario: Scenario, search: Search | None = None) -> Explored:
    """Run a scenario under the schedules of its search, or of another one.

    Raises:
        ScenarioError: something went wrong; or, in its own search, the race was not in it.
    """
    chosen = search or scenario.search
    strategy = chosen.make()
    seen, results, number = set[str](), list[object](), 0
    with scenario.around():
        while number < chosen.most and strategy.begin(number):
            number += 1
            ran = run(scenario, strategy)
            if isinstance(ran.error, PrunedError):
                continue
            if ran.error is not None:
                raise ScenarioError(_told(scenario, number - 1, ran)) from ran.error
            seen |= ran.seen
            if ran.result not in results:
                results.append(ran.result)
    exhausted = bool(getattr(strategy, "exhausted", False))
    explored = Explored(number, exhausted, seen, results)
    if search is None:
        _check_race(scenario, explored)
    return explored


def _check_race(scenario: Scenario, explored: Explored) -> None:
    """The race is in the schedules that were tried: each side of it, and each result."""
    seen, results = explored.seen, explored.results
    if scenario.search.is_exhaustive and not explored.exhausted:
        raise ScenarioError(f"{scenario.id}: there are more than {explored.schedules:,} schedules")
    if not scenario.sees <= seen:
        missed = sorted(scenario.sees - seen)
        raise ScenarioError(f"{scenario.id}: never seen: {missed}, but {sorted(seen)}, {_cut(results)}")
    never = [each for each in _expected(scenario) if each not in results]
    if never:
        raise ScenarioError(f"{scenario.id}: it never came to {_cut(never)}, only to {_cut(results)}")


def run(scenario: Scenario, strategy: Strategy) -> Ran:
    """One run under a strategy that has begun."""
    return (
        _run_workflow(scenario, strategy) if scenario.of_actors is None else _run_actors(scenario, strategy)
    )


def _run_workflow(scenario: Scenario, strategy: Strategy) -> Ran:
    act: Act = scenario.make()
    scheduler = Scheduler(strategy)
    world = scenario.run_class(
        act.handler,
        None,
        scheduler,
        scenario.faults,
        answers=scenario.answers,
        functions=scenario.functions,
        invariants=act.invariants,
    )
    try:
        output = world.run()
        result = world.result if output["Status"] == "SUCCEEDED" else _bare(output["Error"])
        if result not in act.comes_to and not world.came_to({}):
            raise ScenarioError(f"it came to {_cut(output)}, and not to any of {_cut(list(act.comes_to))}")
        if act.at_end is not None:
            act.at_end(_view(world, scheduler))
    except (Exception, PrunedError) as error:
        return Ran(error, scheduler.taken)
    return Ran(None, scheduler.taken, act.seen, result)


def _run_actors(scenario: Scenario, strategy: Strategy) -> Ran:
    try:
        result = scenario.make(strategy)
        if result not in _expected(scenario):
            raise ScenarioError(f"it came to {result}")
    except (Exception, PrunedError) as error:
        return Ran(error)
    return Ran(None, result=result)


def _expected(scenario: Scenario) -> Sequence[object]:
    """What it may come to, and must in some run."""
    return scenario.make().comes_to if scenario.of_actors is None else scenario.of_actors


def _view(world: SimulatedRun, scheduler: Scheduler) -> RunView:
    service = world.service
    return RunView(
        service.operations,
        service.updates,
        service.clock.now(),
        world.invocations,
        scheduler.taken,
        world.output,
    )


def _bare(error: dict[str, str] | None) -> str:
    """The type of an error without its module."""
    return ((error or {}).get("ErrorType") or "").rpartition(".")[2]


def _cut(value: object) -> str:
    return textwrap.shorten(repr(value), 600)


def _told(scenario: Scenario, number: int, ran: Ran) -> str:
    """What went wrong, and the least that it takes."""
    head = f"{scenario.id}, schedule {number}: {type(ran.error).__name__}: {ran.error}"
    shrunk = (
        shrink(lambda strategy: run(scenario, strategy).error, ran.taken, ran.error) if ran.taken else None
    )
    if shrunk is None:
        return f"{head}\n{'; '.join(ran.taken)}"
    lines = [
        f"  {'*' if number in shrunk.places else ' '} {choice}"
        for number, choice in enumerate(shrunk.choices)
    ]
    return "\n".join([head, "All that happens in the shrunk schedule, with * where it deviates:", *lines])
