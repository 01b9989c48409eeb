"""What a race is, what a scenario of it is, and all that there are.

A race is known from another implementation: what went wrong there, and where. Its scenarios put the same events
at liberty against each other here. A scenario is a function that makes an `Act`, anew for each run, so that what
an act notes of one run is not mixed up with another's. It says what must come of it, and what must have been
seen in some run: that is how a scenario shows that its race is in it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import attrs

from durably.actors.simulation import Exhaustive, Pct, RandomWalk, Strategy
from durably.workflows.testing.simulated import NOTHING, Faults, SimulatedRun
from durably.workflows.testing.simulated_view import Invariant, RunView

MOST = 3_000
"""Of schedules, before a search for all of them is given up: a scenario is small."""


@attrs.define
class Act:
    """One run of a scenario.

    Attributes:
        handler: what is run.
        comes_to: the results that it may come to; each of them must be seen in some run.
        invariants: looked at before every choice, and at the end.
        at_end: looks at a run that has ended; it asserts.
        seen: what has been seen in this run, for `sees`.
    """

    handler: Callable[..., Any]
    comes_to: Sequence[Any]
    invariants: Sequence[Invariant] = ()
    at_end: Callable[[RunView], object] | None = None
    seen: set[str] = attrs.Factory(set[str])


@attrs.frozen
class Search:
    """Which schedules are tried, and the strategy that does it, made anew for each search."""

    make: Callable[[], Strategy]
    most: int
    name: str
    is_exhaustive: bool = False


def every(faults: int = 1, *, share_code: bool = False) -> Search:
    """Every schedule. A search that is not exhausted when it has run for long is an error.

    Contexts are taken to depend on each other, since acts note what code has done, in whatever order.

    Args:
        faults: how many may strike in one run.
        share_code: whether step bodies share anything that is not recorded.
    """

    def make() -> Strategy:
        return Exhaustive(faults, independent_bodies=not share_code)

    return Search(make, MOST, "every", is_exhaustive=True)


def random(schedules: int, seed: int = 1, faults: float = 0.05) -> Search:
    """So many schedules at random, always the same."""
    return Search(lambda: RandomWalk(seed, faults), schedules, "random")


def pct(schedules: int, seed: int = 1, faults: float = 0.02) -> Search:
    """So many schedules of strict priorities that change here and there, always the same."""
    return Search(lambda: Pct(seed, faults=faults), schedules, "PCT")


@attrs.frozen
class Scenario:
    """Events of a race at liberty against each other."""

    race: "Race"
    make: Callable[..., Any]
    search: Search
    faults: Faults
    sees: frozenset[str]
    answers: Mapping[str, Any] | None
    functions: Mapping[str, Any] | None
    run_class: type[SimulatedRun]
    around: Callable[[], AbstractContextManager[object]]
    of_actors: Sequence[Any] | None = None
    """If it is no workflow: what `make`, called with a strategy, may return; each must be seen."""

    @property
    def name(self) -> str:
        """Its function's, in words."""
        return self.make.__name__.strip("_").replace("_", " ")

    @property
    def text(self) -> str:
        """What its docstring says."""
        return " ".join((self.make.__doc__ or "").split())

    @property
    def id(self) -> str:
        """What it is called in tests."""
        return f"{self.race.id}: {self.name}"


@attrs.define(eq=False)
class Race:
    """A race of another implementation.

    Attributes:
        id: R1 and so on.
        wrong: what went wrong there, in one clause.
        source: where that is told, by project and number.
        design: why it cannot be here, if a state or an order that it needs does not exist.
        guard: what keeps it out where there is no order to choose.
        tests: tests elsewhere that show it where there is nothing to choose: `tests/x.py::test_y`.
        scenarios: of it.
    """

    id: str
    wrong: str
    source: str
    design: str = ""
    guard: str = ""
    tests: Sequence[str] = ()
    scenarios: list[Scenario] = attrs.Factory(list[Scenario])

    def scenario(
        self,
        search: Search,
        *,
        faults: Faults = NOTHING,
        sees: Sequence[str] = (),
        answers: Mapping[str, Any] | None = None,
        functions: Mapping[str, Any] | None = None,
        run_class: type[SimulatedRun] = SimulatedRun,
        around: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> Callable[[Callable[[], Act]], Callable[[], Act]]:
        """Decorates what makes an act; arguments beside those of `simulate`:

        Args:
            search: which schedules.
            faults: what may go wrong, as of `simulate`.
            sees: what must have been seen in some run.
            answers: as of `simulate`.
            functions: as of `simulate`.
            run_class: a world with something in it that simulations have not.
            around: entered around the whole search.
        """

        def add(make: Callable[[], Act]) -> Callable[[], Act]:
            self.scenarios.append(
                Scenario(self, make, search, faults, frozenset(sees), answers, functions, run_class, around)
            )
            return make

        return add

    def actors(
        self, search: Search, comes_to: Sequence[Any]
    ) -> Callable[[Callable[[Strategy], object]], Callable[[Strategy], object]]:
        """Decorates one run of a scenario of actors; all that it may return must be seen."""

        def add(make: Callable[[Strategy], object]) -> Callable[[Strategy], object]:
            self.scenarios.append(
                Scenario(
                    self, make, search, NOTHING, frozenset(), None, None, SimulatedRun, nullcontext, comes_to
                )
            )
            return make

        return add


SECTIONS: dict[str, list[Race]] = {}
"""All races, by the headings under which they stand."""


def section(title: str) -> Callable[..., Race]:
    """Begin a section, or go on with it: what is returned enters a race into it; it takes the fields of `Race`."""
    races = SECTIONS.setdefault(title, [])

    def race(
        id: str,
        wrong: str,
        source: str = "",
        *,
        design: str = "",
        guard: str = "",
        tests: Sequence[str] = (),
    ) -> Race:
        races.append(Race(id, wrong, source, design, guard, tests))
        return races[-1]

    return race
