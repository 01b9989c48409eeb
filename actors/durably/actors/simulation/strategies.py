"""Which choice is taken: the strategies of exploration, behind one interface."""

import random
from collections.abc import Sequence
from typing import Protocol

from durably.actors.simulation.choices import Choice, ChoiceKind

FAULT, OUTSIDE = ChoiceKind.FAULT, ChoiceKind.OUTSIDE  # looked up for every choice, at every step
PATIENT = 0.02
"""How likely somebody outside who takes their time comes into consideration at a choice."""


class DriftedError(Exception):
    """A recorded choice is not among those at hand: the code is no longer what it was."""


class Strategy(Protocol):
    """Takes the choices of one run after the other.

    One that never looks at the names of choices may say so by `by_name = False`. Names at hand need not
    differ then, and only the one that is taken is compared with the others.
    """

    def begin(self, run: int) -> bool:
        """Prepare for run number `run`, from 0; False if no run is left."""
        ...

    def choose(self, options: Sequence[Choice]) -> int:
        """The index of the choice to take.

        The order of `options` is that of production's hub; faults come last.
        """
        ...


class Fifo:
    """One run, as production's hub would have it if everything took no time. No faults."""

    def begin(self, run: int) -> bool:
        return run == 0

    def choose(self, options: Sequence[Choice]) -> int:
        return 0


class RandomWalk:
    """Every choice at random, each as likely as any other at hand; faults no more often than `faults`.

    What comes from outside is as likely in half of the runs only. In the others each one who is outside takes
    their time, and is not looked at but in a few of a hundred choices, or when there is nothing else: an
    answer that may come at once would otherwise hardly ever be late.

    Args:
        seed: run `n` of a seed is always the same.
        faults: the share of choices at which a fault strikes, if there is one that may; 0 to 1.
    """

    by_name = False

    def __init__(self, seed: int = 0, faults: float = 0.05) -> None:
        self._seed = seed
        self._faults = faults
        self._random = random.Random()
        self._run = 0
        self._patience: dict[str, float] = {}
        self._outside: random.Random | None = None

    def begin(self, run: int) -> bool:
        self._run = run
        self._random.seed(f"{self._seed}/{run}")
        self._patience = {}
        self._outside = None
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        all_of_them = usual = len(options)
        while usual and options[usual - 1].kind is FAULT:  # as `usual_of`, without a call at every step
            usual -= 1
        if usual < all_of_them and (not usual or self._random.random() < self._faults):
            return self._random.choice(range(usual, all_of_them))
        if options[0].kind is OUTSIDE or options[usual - 1].kind is OUTSIDE:  # where such choices stand
            return self._random.choice(self._in_time(options[:usual]))
        # As `random.choice`, without its calls: this is done at every step.
        bits, getrandbits = usual.bit_length(), self._random.getrandbits
        index = getrandbits(bits)
        while index >= usual:
            index = getrandbits(bits)
        return index

    def _in_time(self, options: Sequence[Choice]) -> Sequence[int]:
        """The places of those that may come now, all if otherwise there were none."""
        if self._outside is None:  # of its own, so that a workflow that asks nobody takes the same choices
            self._outside = random.Random(f"{self._seed}/{self._run}/outside")
        found: list[int] = []
        for index, option in enumerate(options):
            if option.kind is OUTSIDE:
                if option.who not in self._patience:
                    self._patience[option.who] = self._outside.choice((1.0, PATIENT))
                if self._outside.random() >= self._patience[option.who]:
                    continue
            found.append(index)
        return found or range(len(options))


class Pct:
    """Probabilistic concurrency testing: strict priorities, which change at a few places of a run.

    A race that needs `depth` of its choices in a certain order is found with a known probability (Burckhardt
    et al., ASPLOS 2010), most of all one that needs few. Whoever has the highest priority goes on until it
    cannot; at `depth - 1` places, chosen at random among some `length`, whoever would go on becomes the last.
    """

    by_name = False

    def __init__(self, seed: int = 0, depth: int = 3, length: int = 200, faults: float = 0.02) -> None:
        self._seed = seed
        self._depth = depth
        self._length = length
        self._faults = faults
        self._random = random.Random()
        self._priorities: dict[str, float] = {}
        self._changes: set[int] = set()
        self._step = 0

    def begin(self, run: int) -> bool:
        self._random.seed(f"{self._seed}/{run}")
        self._priorities = {}
        self._changes = {self._random.randrange(self._length) for _ in range(self._depth - 1)}
        self._step = 0
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        usual, all_of_them = usual_of(options), len(options)
        if usual < all_of_them and (not usual or self._random.random() < self._faults):
            return self._random.choice(range(usual, all_of_them))
        who = [option.who for option in options[:usual]]
        priorities = self._priorities
        for each in who:
            priorities.setdefault(each, 1 + self._random.random())
        self._step += 1
        best = max(range(usual), key=lambda index: priorities[who[index]])
        if self._step in self._changes:
            priorities[who[best]] = -self._step
            best = max(range(usual), key=lambda index: priorities[who[index]])
        return best


class PlainDepthFirst:
    """Depth first through every choice, each run as far as it goes; `exhausted` when there is none left.

    `Exhaustive` comes to the same with fewer runs.

    Args:
        faults: how many faults may strike in one run.
    """

    def __init__(self, faults: int = 1) -> None:
        self.exhausted = False
        self._faults = faults
        self._path: list[tuple[int, int]] = []  # what was taken, of how many
        self._step = 0
        self._struck = 0

    def begin(self, run: int) -> bool:
        if run:
            while self._path and self._path[-1][0] + 1 == self._path[-1][1]:
                self._path.pop()
            if not self._path:
                self.exhausted = True
                return False
            taken, count = self._path[-1]
            self._path[-1] = (taken + 1, count)
        self._step = self._struck = 0
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        allowed = [
            index
            for index, option in enumerate(options)
            if option.kind is not FAULT or self._struck < self._faults
        ]
        if self._step == len(self._path):
            self._path.append((0, len(allowed)))
        taken, count = self._path[self._step]
        if count != len(allowed):
            raise DriftedError(
                f"At choice {self._step} there were {count} possibilities, and are {len(allowed)} in another "
                "run with the same choices: something that is simulated depends on more than its choices."
            )
        self._step += 1
        index = allowed[taken]
        self._struck += options[index].kind is FAULT
        return index


class Replayed:
    """One run that takes the choices of these names; after the last of them, as `Fifo`."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = list(names)
        self._step = 0

    def begin(self, run: int) -> bool:
        self._step = 0
        return run == 0

    def choose(self, options: Sequence[Choice]) -> int:
        if self._step >= len(self._names):
            return 0
        wanted = self._names[self._step]
        self._step += 1
        for index, option in enumerate(options):
            if option.name == wanted:
                return index
        at_hand = "; ".join(option.name for option in options)
        raise DriftedError(f"Choice {self._step} was {wanted!r}; expected one of: {at_hand}")


def usual_of(options: Sequence[Choice]) -> int:
    """How many of them are no faults; those come first."""
    count = len(options)
    while count and options[count - 1].kind is FAULT:
        count -= 1
    return count
