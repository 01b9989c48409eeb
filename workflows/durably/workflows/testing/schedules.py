"""A schedule as text: the names of its choices, or how it deviates from production's order; and its token.

A schedule of a thousand choices is mostly what production's hub would have done anyway. What makes it
special are its deviations: at a certain moment something else happened than what was due. They are named by
what happened and by what was due, never by an index, so that a schedule survives changes elsewhere, and says
so when it does not.
"""

import base64
import binascii
import json
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from durably.actors.simulation import Choice, ChoiceKind, Replayed, Strategy
from durably.actors.simulation.strategies import DriftedError

TOKEN = "durably-1-"  # how a token of this version begins
LONGEST_TOKEN = 10_000_000
"""In bytes of JSON that are unpacked."""


@dataclass(frozen=True)
class Deviation:
    """Something happens before it is its turn.

    Attributes:
        take: the choice that is taken.
        instead_of: the one that production's hub would have taken.
        time: at which of the moments at which both are at hand; 1 is the first.
        is_fault: whether something goes wrong, which need never happen; known of recorded ones.
    """

    take: str
    instead_of: str
    time: int = 1
    is_fault: bool = field(default=False, compare=False, repr=False)

    def __repr__(self) -> str:
        time = f", {self.time}" if self.time != 1 else ""
        return f"Deviation({json.dumps(self.take)}, {json.dumps(self.instead_of)}{time})"

    def __str__(self) -> str:
        moment = "" if self.time == 1 else f", the {ordinal(self.time)} time that it could"
        return f'"{self.take}" before "{self.instead_of}"{moment}'


Schedule = str | Sequence[str] | Sequence[Deviation]
"""A token, the names of all choices, or the deviations from the order of production."""


def token_of(schedule: Sequence[str] | Sequence[Deviation]) -> str:
    """The schedule as one word of letters, digits, `-` and `_`, which can be pasted anywhere."""
    rows = [
        [each.take, each.instead_of, each.time] if isinstance(each, Deviation) else each for each in schedule
    ]
    packed = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 9)
    return TOKEN + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def schedule_of(token: str) -> tuple[str, ...] | tuple[Deviation, ...]:
    """What `token_of` has made a token of. Spaces and line breaks in it are left out.

    Raises:
        ValueError: it is no token, is not all of one, or is one of another version.
    """
    text = "".join(token.split())
    if not text.startswith(TOKEN):
        raise ValueError(f"{text[:20]!r} is no schedule: a token of this version begins with {TOKEN!r}.")
    rows = _unpack(text.removeprefix(TOKEN))
    if all(isinstance(row, str) for row in rows):
        return tuple(rows)
    return tuple(Deviation(*row) for row in rows)


def _unpack(text: str) -> list[Any]:
    damaged = "This token of a schedule is damaged, perhaps cut off: copy all of it."
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        rows: list[Any] = json.loads(unpacker.decompress(packed, LONGEST_TOKEN))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(damaged) from error
    if not unpacker.eof:
        raise ValueError(damaged)
    return rows


def strategy_of(schedule: Schedule) -> "Replayed | Deviating":
    """What takes the choices of a schedule again.

    Raises:
        ValueError: it is a text that is no token.
    """
    known = schedule_of(schedule) if isinstance(schedule, str) else schedule
    deviations = [each for each in known if isinstance(each, Deviation)]
    if deviations or not known:
        return Deviating(deviations)
    return Replayed([each for each in known if isinstance(each, str)])


class Deviating:
    """One run in the order of production's hub, but for some deviations."""

    def __init__(self, deviations: Sequence[Deviation]) -> None:
        self._deviations = list(deviations)
        self.begin(0)

    def begin(self, run: int) -> bool:
        self._left = {(each.instead_of, each.take, each.time): each for each in self._deviations}
        self._takes: dict[str, dict[str, int]] = {}
        for each in self._deviations:
            self._takes.setdefault(each.instead_of, {})[each.take] = 0
        self._at_hand: dict[str, str] = {}
        return run == 0

    def choose(self, options: Sequence[Choice]) -> int:
        default = options[0].name
        takes = self._takes.get(default)
        if takes is None:
            return 0
        chosen = 0
        for index, option in enumerate(options):
            if index and option.name in takes:
                takes[option.name] += 1
                place = (default, option.name, takes[option.name])
                if not chosen and self._left.pop(place, None) is not None:
                    chosen = index
        self._at_hand[default] = "; ".join(option.name for option in options)
        return chosen

    def check_all_taken(self) -> None:
        """Nothing, if each deviation has been taken.

        Raises:
            DriftedError: one was not at hand at its moment; it says which choices were.
        """
        for missed in self._left.values():
            at_hand = self._at_hand.get(missed.instead_of)
            if at_hand is None:
                raise DriftedError(
                    f"{missed.take!r} could not come before {missed.instead_of!r}, which was never due. The "
                    "code, the input or the faults that are allowed are not those of the schedule any more."
                )
            raise DriftedError(
                f"{missed.take!r} could not come before {missed.instead_of!r}"
                f"{'' if missed.time == 1 else f' for the {ordinal(missed.time)} time'}; "
                f"expected one of: {at_hand}"
            )


class Recorder:
    """Takes what another strategy takes, and writes down how that deviates from the order of production."""

    def __init__(self, inner: Strategy) -> None:
        self._inner = inner
        self._times: Counter[tuple[str, str]] = Counter()
        self.choices: list[str] = []
        self.deviations: list[Deviation] = []
        self.places: list[int] = []
        """Where in `choices` each of the deviations is."""

    def begin(self, run: int) -> bool:
        self._times.clear()
        self.choices, self.deviations, self.places = [], [], []
        return self._inner.begin(run)

    def choose(self, options: Sequence[Choice]) -> int:
        index = self._inner.choose(options)
        default, taken = options[0].name, options[index]
        self._times.update((default, option.name) for option in options[1:])
        if index:
            time = self._times[default, taken.name]
            is_fault = taken.kind is ChoiceKind.FAULT
            self.places.append(len(self.choices))
            self.deviations.append(Deviation(taken.name, default, time, is_fault))
        self.choices.append(taken.name)
        return index


def ordinal(number: int) -> str:
    """`2nd` for 2."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"
