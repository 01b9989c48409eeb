"""What `make bench` measures, how often, and in which order.

The repeats of a case go round all contenders in turn, so that a machine that is busy for a while is busy for
all of them. The official SDK is repeated less where it takes long, and left out where it would take minutes:
its 10,000 steps at 10 ms a call are 10,000 calls, as its 1,000 steps are 1,000.
"""

import attrs

from tests.benchmarks.results import Case

GROWTH_ROWS = (
    *("steps", "map", "map10", "waits", "resume", "bodies", "replay", "nesting"),
    *("callbacks", "conditions", "deferred", "large", "rebuilt"),
)
GROWTH_SIZES = (3_000, 30_000)


@attrs.frozen
class Planned:
    """A case, and how often each contender does it (0: not at all)."""

    case: Case
    ours: int = 3
    floor: int = 3
    official: int = 1

    def times(self, sdk: str) -> int:
        count: int = getattr(self, sdk)
        return count


WHOLE = (
    Planned(Case("import", 1), 9, 9, 9),
    Planned(Case("trivial", 1), official=2),
    Planned(Case("steps", 1_000), official=3),
    Planned(Case("steps", 10_000)),
    Planned(Case("steps", 1_000, 10), 2, 2, 1),
    Planned(Case("map", 1_000), official=3),
    Planned(Case("map", 10_000), official=3),
    Planned(Case("map", 1_000, 10), 1, 1, 1),
    Planned(Case("map", 10_000, 10), 1, 1, 1),
    Planned(Case("map10", 1_000), official=3),
    Planned(Case("map10", 10_000)),
    Planned(Case("map10", 1_000, 10), 1, 1, 1),
    Planned(Case("waits", 1_000), official=2),
    Planned(Case("waits", 10_000), official=3),
    Planned(Case("resume", 1_000), official=2),
    Planned(Case("resume", 10_000), official=3),
    Planned(Case("bodies", 1_000), 5, 5, 2),
    Planned(Case("replay", 1_000), official=2),
    Planned(Case("replay", 10_000), official=2),
    Planned(Case("nesting", 100)),
    Planned(Case("nesting", 1_000)),
    Planned(Case("callbacks", 1_000), official=2),
    Planned(Case("callbacks", 10_000)),
    Planned(Case("conditions", 1_000), official=2),
    Planned(Case("conditions", 10_000)),
    Planned(Case("deferred", 1_000), official=0),
    Planned(Case("deferred", 10_000), official=0),
    Planned(Case("large", 1_000), official=2),
    Planned(Case("rebuilt", 1_000), official=2),
)

QUICK = (
    Planned(Case("import", 1), 3, 3, 3),
    Planned(Case("trivial", 1)),
    Planned(Case("steps", 1_000)),
    Planned(Case("steps", 100, 10), 1, 1, 1),
    Planned(Case("map", 1_000)),
    Planned(Case("map10", 1_000)),
    Planned(Case("waits", 1_000)),
    Planned(Case("resume", 1_000)),
    Planned(Case("bodies", 1_000)),
    Planned(Case("replay", 1_000)),
    Planned(Case("nesting", 100)),
    Planned(Case("nesting", 1_000)),
    Planned(Case("callbacks", 1_000)),
    Planned(Case("conditions", 1_000)),
    Planned(Case("deferred", 1_000), official=0),
    Planned(Case("large", 1_000)),
    Planned(Case("rebuilt", 1_000)),
)


def growth(repeats: int) -> tuple[Planned, ...]:
    """The cases behind the growth exponents; the floor once, to tell what is the service's own growth."""
    return tuple(
        Planned(Case(row, n), repeats, 0 if row == "bodies" else 1, 0)
        for row in GROWTH_ROWS
        for n in GROWTH_SIZES
    )
