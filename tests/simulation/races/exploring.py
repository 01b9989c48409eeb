"""Runs a scenario under its schedules, and says how many there were.

Not with `simulate`, since an act is made anew for each run, runs that would make no difference are given up, and
what has been seen in all runs together counts. What goes wrong is shrunk as there.
"""

import contextlib
import textwrap
from collections.abc import Iterator

import attrs

from durably.actors.simulation import Scheduler, Strategy
from durably.actors.simulation.partial_order import PrunedError
from durably.workflows.testing.shrinking import shrink
from durably.workflows.testing.simulated import SimulatedRun
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, Scenario, Search


@attrs.frozen
class Explored:
    """What a search has come to: how many schedules, and whether there are no others."""

    schedules: int
    exhausted: bool
    seen: frozenset[str]
    results: tuple[object, ...]


class ScenarioError(AssertionError):
    """A scenario went wrong in some schedule, or did not show what it is there for."""


def explore(scenario: Scenario, search: Search | None = None) -> Explored:
    """Run a scenario under the schedules of its search, or of another one.

    Raises:
        ScenarioError: something went wrong, or the race was not in it.
    """
    chosen = search or scenario.search
    strategy = chosen.make()
    seen, results, number = set[str](), list[object](), 0
    with _around(scenario):
        while number < chosen.most and strategy.begin(number):
            number += 1
            error, scheduler, act, result = run(scenario, strategy)
            if isinstance(error, PrunedError):
                continue
            if error is not None:
                raise ScenarioError(_told(scenario, number - 1, error, scheduler)) from error
            seen |= act.seen
            if result not in results:
                results.append(result)
    exhausted = bool(getattr(strategy, "exhausted", False))
    if chosen.is_exhaustive and not exhausted:
        raise ScenarioError(f"{scenario.id}: there are more than {number:,} schedules")
    if not scenario.sees <= seen:
        raise ScenarioError(f"{scenario.id}: never seen: {', '.join(sorted(scenario.sees - seen))}")
    missed = [each for each in act.comes_to if each not in results]
    if missed:
        raise ScenarioError(f"{scenario.id}: it never came to {_cut(missed)}, only to {_cut(results)}")
    return Explored(number, exhausted, frozenset(seen), tuple(results))


def run(
    scenario: Scenario, strategy: Strategy
) -> tuple[Exception | None, Scheduler, Act, object]:
    """One run under a strategy that has begun: what went wrong, and what it came to."""
    act = scenario.make()
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
    except Exception as error:
        return error, scheduler, act, None
    return None, scheduler, act, result


def _cut(value: object) -> str:
    return textwrap.shorten(repr(value), 600)


def _bare(error: dict[str, str]) -> str:
    """The type of an error without its module."""
    return (error.get("ErrorType") or "").rpartition(".")[2]


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


@contextlib.contextmanager
def _around(scenario: Scenario) -> Iterator[None]:
    with contextlib.nullcontext() if scenario.around is None else scenario.around():
        yield


def _told(scenario: Scenario, number: int, error: Exception, scheduler: Scheduler) -> str:
    """What went wrong, and the least that it takes."""
    head = f"{scenario.id}, schedule {number}: {type(error).__name__}: {error}"
    shrunk = shrink(lambda strategy: run(scenario, strategy)[0], scheduler.taken, error)
    if shrunk is None:
        return f"{head}\nIt does not fail again with the same choices: {'; '.join(scheduler.taken)}"
    lines = [
        f"  {'*' if number in shrunk.places else ' '} {choice}" for number, choice in enumerate(shrunk.choices)
    ]
    return "\n".join([head, "All that happens in the shrunk schedule, with * where it deviates:", *lines])
