"""Every fault at every place: a crash at each choice of a run, a lost answer to each call, and so on."""

from collections import deque
from collections.abc import Sequence

from durably.actors.simulation.choices import Choice
from durably.actors.simulation.strategies import RandomWalk, usual_of


class Sweep:
    """Run after run in one order, and in each of them one fault strikes at one place.

    Then another order; the first is that of production's hub. `orders` of them, or without end.

    Args:
        seed: which orders come after the first.
        orders: how many; None for no end.
    """

    def __init__(self, seed: int = 0, orders: int | None = None) -> None:
        self._orders = orders
        self._order = -1
        self._walk = RandomWalk(seed, faults=0)
        self._todo: deque[tuple[int, str]] = deque()
        self._target: tuple[int, str] | None = None
        self._is_first = False
        self._step = 0

    def begin(self, run: int) -> bool:
        if run == 0:
            self._order = -1
            self._todo.clear()
        self._is_first = not self._todo
        if self._is_first:
            self._order += 1
            if self._orders is not None and self._order >= self._orders:
                return False
        self._target = None if self._is_first else self._todo.popleft()
        self._walk.begin(self._order)
        self._step = 0
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        step, self._step = self._step, self._step + 1
        usual = usual_of(options)
        for index in range(usual, len(options)):
            if self._is_first:
                self._todo.append((step, options[index].name))
            elif self._target == (step, options[index].name):
                return index
        return self._walk.choose(options) if self._order else 0
