"""Every fault at every place: a crash at each choice of a run, a lost answer to each call, and so on."""

from collections import deque
from collections.abc import Sequence

from durably.actors.simulation.choices import Choice
from durably.actors.simulation.strategies import RandomWalk, usual_of

Target = tuple[int, str]
"""A place, as the number of a choice, and the name of a fault."""


class Sweep:
    """Run after run in one order, and in each of them one fault strikes at one place.

    Then another order; the first is that of production's hub. `orders` of them, or without end. A fault that
    is only at hand when another one has struck (a page that is asked for, the deadline itself) strikes after
    that, as soon as it can.

    Args:
        seed: which orders come after the first.
        orders: how many; None for no end.

    Attributes:
        swept: how many orders it is through with.
    """

    def __init__(self, seed: int = 0, orders: int | None = None) -> None:
        self.swept = 0
        self._orders = orders
        self._order = -1
        self._walk = RandomWalk(seed, faults=0)
        self._todo: deque[tuple[Target, ...]] = deque()
        self._targets: tuple[Target, ...] = ()
        self._known: set[str] = set()  # faults that are at hand without another one
        self._after: set[str] = set()  # those that are at hand after the one that strikes in this run
        self._is_first = False
        self._step = 0
        self._struck = 0

    def begin(self, run: int) -> bool:
        if run == 0:
            self._order = -1
            self._todo.clear()
        self._is_first = not self._todo
        if self._is_first:
            self._order += 1
            self.swept = self._order
            self._known = set()
            if self._orders is not None and self._order >= self._orders:
                return False
        self._targets = () if self._is_first else self._todo.popleft()
        self._walk.begin(self._order)
        self._step = self._struck = 0
        self._after = set()
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        step, self._step = self._step, self._step + 1
        usual = usual_of(options)
        for index in range(usual, len(options)):
            target = step, options[index].name
            if self._struck < len(self._targets):
                if target == self._targets[self._struck]:
                    self._struck += 1
                    return index
            elif self._is_first:
                self._known.add(target[1])
                self._todo.append((target,))
            elif len(self._targets) == 1 and target[1] not in self._known | self._after:
                self._after.add(target[1])
                self._todo.append((*self._targets, target))
        return self._walk.choose(options) if self._order else 0
