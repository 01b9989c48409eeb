"""How a schedule deviates from the order of production: what comes before what.

A schedule of a thousand choices is mostly what production's hub would have done anyway. What makes it special
is that here and there something waits although it is its turn, until something else has happened. Both are
named, never numbered by their places, and each deviation holds whatever becomes of the others: so a schedule
survives changes elsewhere, and says so when it does not; and some can be left out to see whether it matters.
"""

import json
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from durably.actors.simulation import Choice, ChoiceKind, Strategy
from durably.actors.simulation.strategies import DriftedError

FAULT = ChoiceKind.FAULT
PATIENCE = 2_000
"""In choices: for so long something waits at most, lest nothing else ever happens."""


Numbered = tuple[str, int, int]
"""A choice: its name, which of those it is in its invocation, and in which invocation; both from 1."""


class Numbering:
    """Numbers the choices of a run."""

    def __init__(self) -> None:
        self._count: Counter[str] = Counter()  # in this invocation
        self._invocation = 1
        self._is_first = True

    def starts_over(self) -> None:
        """An invocation begins."""
        self._invocation += not self._is_first
        self._is_first = False
        self._count.clear()

    def next(self, name: str) -> Numbered:
        """What the next choice of this name is."""
        return name, self._count[name] + 1, self._invocation

    def took(self, name: str) -> Numbered:
        """It is taken."""
        taken = self.next(name)
        self._count[name] += 1
        return taken


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something happens before something else, which waits for it when it is its turn.

    Attributes:
        take: the choice that comes first. A fault strikes when the turn is `instead_of`'s.
        instead_of: the choice that waits.
        take_time: which of the choices named `take` in this invocation; 1 is the first.
        instead_of_time: which of those named `instead_of`.
        invocation: in which invocation both are; 1 is the first of an execution.
        is_fault: whether something goes wrong, which need never happen; known of recorded ones.
    """

    take: str
    instead_of: str
    take_time: int = 1
    instead_of_time: int = 1
    invocation: int = 1
    is_fault: bool = field(default=False, compare=False, repr=False)

    def __repr__(self) -> str:
        return f"Deviation({', '.join(self.arguments())})"

    def __str__(self) -> str:
        where = "" if self.invocation == 1 else f", in the {ordinal(self.invocation)} invocation"
        return f"{which(self.first)} before {which(self.then)}{where}"

    @property
    def first(self) -> Numbered:
        """`take`, numbered."""
        return self.take, self.take_time, self.invocation

    @property
    def then(self) -> Numbered:
        """`instead_of`, numbered."""
        return self.instead_of, self.instead_of_time, self.invocation

    def arguments(self) -> list[str]:
        """As code."""
        numbers = {
            "take_time": self.take_time,
            "instead_of_time": self.instead_of_time,
            "invocation": self.invocation,
        }
        given = [f"{name}={number}" for name, number in numbers.items() if number != 1]
        return [json.dumps(self.take), json.dumps(self.instead_of), *given]


class Deviating:
    """One run in the order of production's hub, but for some deviations.

    What waits lets pass whatever comes after it, until what it waits for has happened; of several, one after
    the other. If nothing else is at hand, or it has waited for very long, it waits no longer.
    """

    def __init__(self, deviations: Sequence[Deviation]) -> None:
        self._deviations = list(deviations)
        self.begin(0)

    def begin(self, run: int) -> bool:
        self._numbering = Numbering()
        self._queues: dict[Numbered, deque[Deviation]] = {}
        for each in self._deviations:
            self._queues.setdefault(each.then, deque()).append(each)
        self._names = {each.instead_of for each in self._deviations}
        self._came: dict[Numbered, int] = {}  # where in the run
        self._since: dict[Deviation, int] = {}  # where something first waited because of it
        self._at_hand: dict[Deviation, Sequence[Choice]] = {}  # when it did so last
        self._struck: set[Deviation] = set()
        self.choices: list[str] = []
        return run == 0

    def starts_over(self, _state: object) -> None:
        """Another invocation begins."""
        self._numbering.starts_over()

    def choose(self, options: Sequence[Choice]) -> int:
        index = self.due(options)
        self.took(options[index].name)
        return index

    def due(self, options: Sequence[Choice]) -> int:
        """The index of what is to be taken."""
        step = len(self.choices)
        for index, option in enumerate(options):
            if option.kind is FAULT:
                break
            if option.name not in self._names:
                return index
            waits_for = self._waits_for(option.name)
            if waits_for is None:
                return index
            if step - self._since.setdefault(waits_for, step) >= PATIENCE:
                self._queues.pop(waits_for.then)
                return index
            self._at_hand[waits_for] = options
            for fault in range(len(options) - 1, index, -1):
                if options[fault].kind is not FAULT:
                    break
                if self._numbering.next(options[fault].name) == waits_for.first:
                    self._struck.add(waits_for)
                    return fault
        self._queues.pop(self._numbering.next(options[0].name), None)
        return 0

    def took(self, name: str) -> None:
        """A choice of this name was taken."""
        self._came[self._numbering.took(name)] = len(self.choices)
        self.choices.append(name)

    @property
    def kept(self) -> list[tuple[int, Deviation]]:
        """The deviations that have made a difference; without the others the same would have happened.

        Before each the place in `choices` of what was waited for; or, if that has never come, of what came
        first while it was waited for.
        """
        placed = [
            (self._came.get(each.first, since), replace(each, is_fault=each in self._struck))
            for each, since in self._since.items()
        ]
        return sorted(placed, key=lambda item: item[0])

    def comes_before(self, first: Numbered, then: Numbered) -> bool:
        """Whether these two choices came in this order; each, if at all."""
        return first in self._came and then in self._came and self._came[first] < self._came[then]

    def place_of(self, choice: Numbered) -> int | None:
        """Where in `choices` it is."""
        return self._came.get(choice)

    def _waits_for(self, name: str) -> Deviation | None:
        queue = self._queues.get(self._numbering.next(name))
        while queue:
            if queue[0].first not in self._came:
                return queue[0]
            queue.popleft()
        return None

    def check_all_taken(self) -> None:
        """Nothing, if all that was to be waited for has come. To be asked of a run in which nothing failed.

        Raises:
            DriftedError: something has not; it says which choices there were instead.
        """
        for each in self._deviations:
            if each.first in self._came:
                continue
            at_hand = self._at_hand.get(each)
            if at_hand is None:
                raise DriftedError(
                    f"It never came to {each}: the latter was never due. The code, the input or the faults "
                    "that are allowed are not those of the schedule any more."
                )
            names = "; ".join(option.name for option in at_hand)
            raise DriftedError(f"It never came to {each}; expected one of: {names}")


class Recorder:
    """Takes what another strategy takes, and writes down how that deviates from the order of production.

    Whatever was passed over has waited for what was taken, so the deviations are many, and with all of them
    the same choices are taken again.
    """

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner
        self._numbering = Numbering()
        self.choices: list[str] = []
        self.deviations: list[Deviation] = []

    def begin(self, run: int) -> bool:
        self._numbering = Numbering()
        self.choices, self.deviations = [], []
        return self._inner.begin(run)

    def starts_over(self, _state: object) -> None:
        """Another invocation begins."""
        self._numbering.starts_over()

    def choose(self, options: Sequence[Choice]) -> int:
        index = self._inner.choose(options)
        is_fault = options[index].kind is FAULT
        name, time, invocation = self._numbering.took(options[index].name)
        if index:
            for passed in options[:1] if is_fault else options[:index]:
                _, passed_time, _ = self._numbering.next(passed.name)
                self.deviations.append(Deviation(name, passed.name, time, passed_time, invocation, is_fault))
        self.choices.append(name)
        return index


def which(choice: Numbered) -> str:
    """In words: its name, and the number if it is not the first."""
    name, time, _ = choice
    return f'"{name}"' if time == 1 else f'the {ordinal(time)} "{name}"'


def ordinal(number: int) -> str:
    """`2nd` for 2."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"
