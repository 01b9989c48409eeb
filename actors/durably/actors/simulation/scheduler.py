"""The scheduler: the one source of choice in a run, and the record of what was chosen."""

import operator
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from durably.actors.simulation.choices import Choice
from durably.actors.simulation.strategies import Strategy

if TYPE_CHECKING:
    from durably.actors.simulation.footprints import Footprints

NAME = operator.attrgetter("name")


class TooLongError(Exception):
    """A run took more choices than it may: it does not come to an end."""


class Observer(Protocol):
    """Looks on: a trace, or a count of what has been tried. A run without one pays nothing for it.

    A `key` is whom something is meant for: an actor, a task, or a job. What is sent to one key is handled in
    the order in which it was sent.
    """

    def begun(self) -> None:
        """A system begins to run: an invocation, say."""
        ...

    def ended(self, how: str) -> None:
        """It does not go on."""
        ...

    def chosen(self, choice: Choice, among: int, moment: float) -> None:
        """A choice is taken, one of so many, at this moment of virtual time; now it happens."""
        ...

    def passed(self, moment: float) -> None:
        """It has happened, and it is this moment now."""
        ...

    def sent(self, to: str, key: object, message: object) -> None:
        """Whoever acts now has sent something."""
        ...

    def handling(self, key: object, message: object) -> None:
        """What was sent is about to be handled."""
        ...

    def handled(self, who: str, key: object) -> None:
        """An actor, called so, has handled it."""
        ...


class Scheduler:
    """Takes every choice of one run, by a strategy, and writes it down.

    Args:
        strategy: says which; its `begin` has been called.
        limit: how many choices a run may take.
        label: what people call an actor, task or job of some name.
        watch: called before every choice; raises if an invariant is violated.
        observers: look on.
    """

    def __init__(
        self,
        strategy: Strategy,
        *,
        limit: int = 100_000,
        label: Callable[[str], str] = str,
        watch: Callable[[], None] | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.taken: list[str] = []
        self.current = "the world"
        """Who is acting: what is told now is told by them."""
        self.label = label
        self.observers = tuple(observers)
        self.time: Callable[[], float] = float
        """Virtual time in seconds; a dispatcher sets it."""
        new_footprints: Callable[[], Footprints] | None = getattr(strategy, "footprints", None)
        self.footprints = None if new_footprints is None else new_footprints()
        """What steps touch, if the strategy wants to know: then it has a `footprints` that makes them."""
        self._strategy = strategy
        self._by_name = getattr(strategy, "by_name", True)
        self._limit = limit
        self._watch = watch

    def starts_over(self, state: Callable[[], object]) -> None:
        """From here on only this state matters of all that has been, and it is a value.

        Raises:
            PrunedError: all that can come of it is known to the strategy.
        """
        tell: Callable[[Callable[[], object]], None] | None = getattr(self._strategy, "starts_over", None)
        if tell is not None:
            tell(state)

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
        if self._by_name and len(options) != len({*map(NAME, options)}):
            options = _told_apart(options)
        index = self._strategy.choose(options)
        chosen = options[index]
        if index and not self._by_name and chosen.name in map(NAME, options[:index]):
            chosen = _told_apart(options)[index]
        self.taken.append(chosen.name)
        self.current = chosen.who
        if self.observers:
            self._perform_observed(chosen, len(options))
        else:
            chosen.perform()

    def _perform_observed(self, chosen: Choice, among: int) -> None:
        for observer in self.observers:
            observer.chosen(chosen, among, self.time())
        try:
            chosen.perform()
        finally:
            for observer in self.observers:
                observer.passed(self.time())


def _told_apart(options: Sequence[Choice]) -> Sequence[Choice]:
    """The same, with names that tell them apart: the second of a name is called so."""
    seen: Counter[str] = Counter()
    apart: list[Choice] = []
    for option in options:
        seen[option.name] += 1
        number = seen[option.name]
        apart.append(option if number == 1 else attrs.evolve(option, name=f"{option.name} ({number})"))
    return apart
