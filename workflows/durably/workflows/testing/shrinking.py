"""Shrinking: from a schedule that fails to the few deviations that it takes, and the one swap that cures it.

A schedule is taken for its deviations from the order of production. Sets of them are left out, and what fails
in the same way is kept: first the invocations before the last, then faults, then as many preemptions as can
be (delta debugging, by Zeller and Hildebrandt 2002), then the end. If that ends with several, single ones get
a try. Every candidate is run, so what is left has failed; and nothing is left to chance, so it always comes
out the same.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import attrs

from durably.actors.simulation import Choice, ChoiceKind, Replayed, Strategy
from durably.actors.simulation.strategies import DriftedError
from durably.workflows.testing.deviations import Deviating, Deviation, Numbering, Recorder
from durably.workflows.testing.schedules import Schedule, strategy_of

Run = Callable[[Strategy], Exception | None]
"""One run under a strategy that has begun, and what went wrong in it."""
MOST_RUNS = 400
"""How many runs shrinking may take."""
MOST_SINGLES = 100
"""How many of these the search for a single deviation may take, where leaving out has ended with several."""
MOST_SWAPS = 100
"""How many runs the search for a swap may take besides."""


@dataclass(frozen=True)
class Shrunk:
    """What is left of a schedule that fails, when everything that can be left out is.

    Attributes:
        error: what goes wrong in it.
        deviations: where it deviates from the order of production, in order.
        choices: all that happens.
        places: where in `choices` the deviations are.
        swap: the places in `choices` of two of which it passes if the second comes before the first; None if
            no such two were found.
        runs: how many runs it took to find this.
        is_minimal: whether it was shrunk to the end: without any one of the deviations it passes, or fails in
            another way. False if the runs were used up before.
    """

    error: Exception
    deviations: tuple[Deviation, ...]
    choices: tuple[str, ...]
    places: tuple[int, ...]
    swap: tuple[int, int] | None
    runs: int
    is_minimal: bool


class _UsedUpError(Exception):
    """No more runs are allowed."""


def shrink(
    run: Run, schedule: Schedule, error: Exception | None = None, *, limit: int = MOST_RUNS
) -> Shrunk | None:
    """Shrink a schedule that fails. None if it does not fail so: then it depends on more than its choices.

    Args:
        run: runs it, and returns what went wrong. It is the same for the same choices.
        schedule: how it fails.
        error: what went wrong in it; None stands for whatever goes wrong now.
        limit: how many runs may be tried; the search for a swap has some more.
    """
    shrinking = _Shrinking(run, limit)
    first = shrinking.first(strategy_of(schedule))
    if first.error is None or (error is not None and _kind(error) != _kind(first.error)):
        return None
    shrinking.best = first
    is_minimal, swap = False, None
    with contextlib.suppress(_UsedUpError):
        shrinking.drop_history()
        shrinking.drop_faults()
        shrinking.drop_preemptions()
        while shrinking.drop_the_end():
            shrinking.drop_preemptions()
        is_minimal = True
        shrinking.limit = min(limit, shrinking.runs + MOST_SINGLES)
        shrinking.find_single()
    shrinking.limit = shrinking.runs + MOST_SWAPS
    with contextlib.suppress(_UsedUpError):
        swap = shrinking.find_swap()
    best = shrinking.best
    return Shrunk(
        error=best.error or first.error,
        deviations=tuple(best.deviations),
        choices=tuple(best.choices),
        places=tuple(best.places),
        swap=swap,
        runs=shrinking.runs,
        is_minimal=is_minimal,
    )


@attrs.frozen
class _Result:
    """One run: what went wrong, and what happened."""

    error: Exception | None
    choices: list[str]
    deviations: list[Deviation]
    places: list[int]
    run: Deviating


@attrs.define
class _Shrinking:
    """One schedule being shrunk; `best` is the smallest one that fails so far."""

    run: Run
    limit: int
    runs: int = 0
    best: _Result = attrs.field(factory=lambda: _Result(None, [], [], [], Deviating([])))
    _passed: set[int] = attrs.field(factory=set[int])  # hashes, since they may be many and long

    def first(self, strategy: Replayed | Deviating) -> _Result:
        """The schedule as it is, taken for its deviations."""
        if isinstance(strategy, Replayed):
            recorder = Recorder(strategy)
            self._run(recorder)
            strategy = Deviating(recorder.deviations)
        return self._try_out(strategy)

    def fails(self, strategy: Strategy) -> bool:
        """Whether anything goes wrong under it."""
        self._take_one()
        return self._run(strategy) is not None

    def _take_one(self) -> None:
        if self.runs >= self.limit:
            raise _UsedUpError
        self.runs += 1

    def _run(self, strategy: Strategy) -> Exception | None:
        strategy.begin(0)
        try:
            return self.run(strategy)
        except DriftedError as not_at_hand:
            return not_at_hand

    def _try_out(self, strategy: Deviating) -> _Result:
        error = self._run(strategy)
        kept = strategy.kept
        places, deviations = [place for place, _ in kept], [deviation for _, deviation in kept]
        return _Result(error, strategy.choices, deviations, places, strategy)

    def still_fails(self, deviations: Sequence[Deviation]) -> bool:
        """Whether these alone make it fail in the same way; then those of them that came are the best."""
        key = hash(tuple(deviations))
        if key in self._passed:
            return False
        self._take_one()
        found = self._try_out(Deviating(deviations))
        if _kind(found.error) == _kind(self.best.error) and len(found.deviations) < len(self.best.deviations):
            self.best = found
            return True
        self._passed.add(key)
        return False

    # ------------------------------------------------------------------ what is left out

    def drop_history(self) -> None:
        """All but the last invocation, if it fails as well when that is the first."""
        last = max((each.invocation for each in self.best.deviations), default=1)
        if last > 1:
            its = [replace(each, invocation=1) for each in self.best.deviations if each.invocation == last]
            if not self.still_fails([each for each in its if not each.is_fault]):
                self.still_fails(its)

    def drop_faults(self) -> None:
        """All of them, if it fails without; else each that can be."""
        if any(each.is_fault for each in self.best.deviations):
            without = [each for each in self.best.deviations if not each.is_fault]
            if not self.still_fails(without):
                self._drop_singly(lambda each: each.is_fault)

    def drop_preemptions(self) -> None:
        """Delta debugging: leave out halves, quarters, ... down to single deviations."""
        parts = 2
        while len(self.best.deviations) >= 1:
            deviations = self.best.deviations
            parts = min(parts, len(deviations))
            size = -(-len(deviations) // parts)
            chunks = [deviations[at : at + size] for at in range(0, len(deviations), size)]
            if any(self.still_fails(chunk) for chunk in chunks if len(chunk) < len(deviations)):
                parts = 2
            elif any(
                self.still_fails([*deviations[: at * size], *deviations[(at + 1) * size :]])
                for at in reversed(range(len(chunks)))
            ):
                parts = max(parts - 1, 2)
            elif size == 1:
                return
            else:
                parts *= 2

    def drop_the_end(self) -> bool:
        """The shortest beginning of what is left that will do; whether there is one that is shorter."""
        beginnings = [self.best.deviations[:length] for length in range(len(self.best.deviations))]
        return any(self.still_fails(beginning) for beginning in beginnings)

    def find_single(self) -> None:
        """One deviation that will do, where leaving out has ended with several."""
        if len(self.best.deviations) > 1:
            may_be_fault = any(each.is_fault for each in self.best.deviations)
            usual = _Alternatives()
            self.fails(usual)
            for each in usual.found:
                if (may_be_fault or not each.is_fault) and self.still_fails([each]):
                    return

    def _drop_singly(self, which: Callable[[Deviation], bool]) -> None:
        for each in reversed([each for each in self.best.deviations if which(each)]):
            if each in self.best.deviations:
                self.still_fails([other for other in self.best.deviations if other != each])

    # ------------------------------------------------------------------ what cures it

    def find_swap(self) -> tuple[int, int] | None:
        """The places of two choices of which it passes if they come the other way round.

        Those of a deviation first, the last one before the others; then any two, neighbours before others.
        """
        best = self.best
        for each, place in reversed(list(zip(best.deviations, best.places, strict=True))):
            late = best.run.place_of(each.then)
            if not each.is_fault and late is not None and place == best.run.place_of(each.first):
                self._take_one()
                without = self._try_out(Deviating([other for other in best.deviations if other != each]))
                if without.error is None and without.run.comes_before(each.then, each.first):
                    return place, late
        faults = {each.take for each in best.deviations if each.is_fault}
        for distance in range(1, len(best.choices)):
            for first in reversed(range(len(best.choices) - distance)):
                pair = best.choices[first], best.choices[first + distance]
                if pair[0] != pair[1] and not faults & {*pair}:
                    strategy = _Swapped(best.choices[:first], *pair, best.deviations)
                    if not self.fails(strategy) and strategy.is_swapped:
                        return first, first + distance
        return None


class _Alternatives:
    """The order of production, and every single deviation from it that there is."""

    def __init__(self) -> None:
        self.found: dict[Deviation, None] = {}
        self._numbering = Numbering()

    def begin(self, run: int) -> bool:
        self.found.clear()
        self._numbering = Numbering()
        return run == 0

    def starts_over(self, _state: object) -> None:
        self._numbering.starts_over()

    def choose(self, options: Sequence[Choice]) -> int:
        due, time, invocation = self._numbering.took(options[0].name)
        for option in options[1:]:
            name, its_time, _ = self._numbering.next(option.name)
            is_fault = option.kind is ChoiceKind.FAULT
            self.found[Deviation(name, due, its_time, time, invocation, is_fault)] = None
        return 0


class _Swapped:
    """Takes these choices, then `earlier` not before `later`, and for the rest the deviations that remain."""

    def __init__(
        self, names: Sequence[str], earlier: str, later: str, deviations: Sequence[Deviation]
    ) -> None:
        self._left = len(names)
        self._names = Replayed(names)
        self._earlier = earlier
        self._later = later
        self.is_swapped = False
        self._rest = Deviating(deviations)

    def begin(self, run: int) -> bool:
        return self._names.begin(run) and self._rest.begin(run)

    def starts_over(self, state: object) -> None:
        self._rest.starts_over(state)

    def choose(self, options: Sequence[Choice]) -> int:
        index = self._choose(options)
        self._rest.took(options[index].name)
        return index

    def _choose(self, options: Sequence[Choice]) -> int:
        if self._left:
            self._left -= 1
            return self._names.choose(options)
        usual = self._rest.due(options)
        if self.is_swapped:
            return usual
        names = [option.name for option in options]
        if self._later in names:
            self.is_swapped = True
            return names.index(self._later)
        others = [
            index
            for index, option in enumerate(options)
            if option.name != self._earlier and option.kind is not ChoiceKind.FAULT
        ]
        if not others:
            raise DriftedError(f"{self._later!r} does not come without {self._earlier!r}")
        return usual if names[usual] != self._earlier else others[0]


def _kind(error: Exception | None) -> tuple[type | None, object]:
    """What tells failures apart: the type, and the name of the invariant."""
    return type(error) if error is not None else None, getattr(error, "name", None)
