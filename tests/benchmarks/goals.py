"""What this SDK wants to reach, and whether it does."""

import math
from collections.abc import Callable

import attrs

from tests.benchmarks.plan import GROWTH_ROWS, GROWTH_SIZES
from tests.benchmarks.results import Case, Results

LARGEST_BATCH = 250

Found = tuple[float, str]
Measure = Callable[[Results], Found | None]


@attrs.frozen
class Goal:
    """A figure that must be `bar` at most, and should be `stretch`.

    Attributes:
        of: computes the figure and says of which case, None if what it needs was not measured.
        show: the figure as text.
    """

    name: str
    bar: float
    stretch: float
    of: Measure
    show: Callable[[float], str]

    def verdict(self, results: Results) -> str:
        """One of "stretch", "bar", "MISS" and "not measured"."""
        found = self.of(results)
        if found is None:
            return "not measured"
        value, _ = found
        return "stretch" if value <= self.stretch else "bar" if value <= self.bar else "MISS"


def fraction(value: float) -> str:
    """Ours as a share of another's: 1/20."""
    return f"1/{1 / value:.3g}" if 0 < value < 1 else f"{value:.3g}"


def times(value: float) -> str:
    """Ours as a multiple of another's."""
    return f"{value:.3g} x"


def count(value: float) -> str:
    """A whole number."""
    return f"{value:,.0f}"


def milliseconds(value: float) -> str:
    """A time in seconds."""
    return f"{value * 1000:.3g} ms"


def exponent(value: float) -> str:
    """An exponent."""
    return f"{value:.3f}"


def _ratio(figure: str, to: str, *cases: Case) -> Measure:
    """Of the first of `cases` that was measured: a quick run has only smaller ones."""

    def of(results: Results) -> Found | None:
        for case in cases:
            ratio = results.ratio(case, figure, to)
            if ratio is not None:
                return ratio, str(case)
        return None

    return of


def _most(figure: str, *cases: Case) -> Measure:
    """The largest of `cases`, of ours alone."""

    def of(results: Results) -> Found | None:
        found = [
            (value, str(case))
            for case in cases
            if (value := results.figure(case, "ours", figure)) is not None
        ]
        return max(found, default=None)

    return of


def _import(results: Results) -> Found | None:
    case = Case("import", 1)
    bare, ours, official = (results.figure(case, sdk, "wall") for sdk in ("floor", "ours", "official"))
    if bare is None or ours is None or official is None:
        return None
    return (ours - bare) / (official - bare), "less a bare interpreter"


def _calls(results: Results) -> Found | None:
    """The most calls of any map beyond what its updates need."""
    extra = [
        (sample.calls - math.ceil(sample.updates / LARGEST_BATCH), str(case))
        for case in results.cases()
        if case.row == "map" and (sample := results.median(case, "ours")) is not None and sample.error is None
    ]
    return max(extra, default=None)


def _exponent(row: str) -> Measure:
    def of(results: Results) -> Found | None:
        value = results.exponent(row, "ours", GROWTH_SIZES)
        return None if value is None else (value, "{:,} to {:,}".format(*GROWTH_SIZES))

    return of


def _nesting(results: Results) -> Found | None:
    """How CPU time grows from 100 levels to 1,000; infinitely if it does not work."""
    sample = results.median(Case("nesting", 1_000), "ours")
    if sample is None:
        return None
    if sample.error is not None:
        return math.inf, "nesting 1,000"
    value = results.exponent("nesting", "ours", (100, 1_000))
    return None if value is None else (value, "100 to 1,000")


def _depth(value: float) -> str:
    return "fails" if math.isinf(value) else f"works, exponent {value:.3f}"


STEPS = (Case("steps", 10_000), Case("steps", 1_000))
SLOW_STEPS = (Case("steps", 1_000, 10), Case("steps", 100, 10))
MAP = (Case("map", 10_000), Case("map", 1_000))
MAP_OF_TEN = (Case("map10", 10_000), Case("map10", 1_000))
WAITS = (Case("waits", 10_000), Case("waits", 1_000))
RESUME = (Case("resume", 10_000), Case("resume", 1_000))
REPLAY = (Case("replay", 10_000), Case("replay", 1_000))

GOALS = (
    Goal("sequential step, wall, of official", 1 / 20, 1 / 40, _ratio("wall", "official", *STEPS), fraction),
    Goal("sequential step, CPU, of official", 1 / 5, 1 / 10, _ratio("cpu", "official", *STEPS), fraction),
    Goal("sequential step at 10 ms, wall, of floor", 1.05, 1.02, _ratio("wall", "floor", *SLOW_STEPS), times),
    Goal("10,000 branches, wall, of official", 1 / 6, 1 / 10, _ratio("wall", "official", *MAP), fraction),
    Goal("10,000 branches, memory, of official", 2 / 3, 1 / 2, _ratio("memory", "official", *MAP), fraction),
    Goal("10,000 waiting, wall, of official", 1 / 8, 1 / 12, _ratio("wall", "official", *WAITS), fraction),
    Goal("10,000 resumed, wall, of official", 1 / 6, 1 / 10, _ratio("wall", "official", *RESUME), fraction),
    Goal(
        "1,000 bodies of 10 ms, wall, of a bare pool of 64",
        2,
        1.3,
        _ratio("wall", "floor", Case("bodies", 1_000)),
        times,
    ),
    Goal(
        "threads for short bodies",
        64,
        16,
        _most("threads", *MAP, *MAP_OF_TEN),
        count,
    ),
    Goal("API calls of a map beyond ceil(updates / 250)", 3, 2, _calls, count),
    Goal("replay, wall, of official", 1 / 3, 1 / 6, _ratio("wall", "official", *REPLAY), fraction),
    Goal("trivial invocation, wall", 0.002, 0.001, _most("wall", Case("trivial", 1)), milliseconds),
    Goal("nesting of 1,000", 1e9, 1.1, _nesting, _depth),
    *(Goal(f"growth exponent, {row}", 1.1, 1.05, _exponent(row), exponent) for row in GROWTH_ROWS),
    Goal("import, wall, of official", 1 / 3, 1 / 4, _import, fraction),
)
