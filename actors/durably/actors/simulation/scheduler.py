"""The scheduler: the one source of choice in a run, and the record of what was chosen."""

from collections import Counter
from collections.abc import Callable, Sequence

import attrs

from durably.actors.simulation.choices import Choice
from durably.actors.simulation.strategies import Strategy


class TooLongError(Exception):
    """A run took more choices than it may: it does not come to an end."""


class Scheduler:
    """Takes every choice of one run, by a strategy, and writes it down.

    Args:
        strategy: says which; its `begin` has been called.
        limit: how many choices a run may take.
        label: what people call an actor, task or job of some name.
        watch: called before every choice; raises if an invariant is violated.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        limit: int = 100_000,
        label: Callable[[str], str] = str,
        watch: Callable[[], None] | None = None,
    ) -> None:
        self.taken: list[str] = []
        self.current = "the world"
        """Who is acting: what is told now is told by them."""
        self.label = label
        self._strategy = strategy
        self._limit = limit
        self._watch = watch

    def take(self, options: Sequence[Choice]) -> None:
        """Let one of `options` happen.

        Raises:
            TooLongError: there were too many choices already.
            Exception: what the choice raised.
        """
        if self._watch is not None:
            self._watch()
        if len(self.taken) >= self._limit:
            raise TooLongError(
                f"{self._limit} choices, and no end. The last were: {'; '.join(self.taken[-10:])}"
            )
        options = _told_apart(options)
        chosen = options[self._strategy.choose(options)]
        self.taken.append(chosen.name)
        self.current = chosen.who
        chosen.perform()


def _told_apart(options: Sequence[Choice]) -> Sequence[Choice]:
    """The same, with names that tell them apart: the second of a name is called so."""
    names = Counter(option.name for option in options)
    if len(names) == len(options):
        return options
    seen: Counter[str] = Counter()
    apart: list[Choice] = []
    for option in options:
        seen[option.name] += 1
        number = seen[option.name]
        apart.append(option if number == 1 else attrs.evolve(option, name=f"{option.name} ({number})"))
    return apart
