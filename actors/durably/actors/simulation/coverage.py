"""What a campaign has tried: which message in which state, and which message after which.

A `Coverage` looks on while a campaign runs, any number of schedules long. Beside what it has seen stand the
actors' own tables, `TRANSITIONS` and `HANDLERS`: a cell that never occurred is a place where a race could
still hide, or one that cannot be reached.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pykka

from durably.actors.checkpoint import CheckpointActor
from durably.actors.concurrency import ConcurrencyActor
from durably.actors.operation import OperationActor
from durably.actors.simulation.choices import Choice
from durably.actors.simulation.contents import word
from durably.actors.simulation.trace import state_of
from durably.actors.termination import TerminationActor

ACTORS: tuple[type[pykka.Actor], ...] = (
    OperationActor,
    CheckpointActor,
    ConcurrencyActor,
    TerminationActor,
)

Cell = tuple[str, str, str]
"""The class of an actor, its state (empty if it has none), and the message that it handled."""
Pair = tuple[str, str, str]
"""The class of an actor, a message, and the next one that the same actor handled."""


class Coverage:
    """See the module; give it to a scheduler as one of its `observers`.

    Args:
        actors: whose tables are compared with what occurred; by default those of a durable invocation.

    Attributes:
        cells: how often each message came in each state.
        pairs: how often one message came right after another to the same actor.
        systems: how many systems, invocations say, it has seen.
    """

    def __init__(self, actors: Iterable[type[pykka.Actor]] = ACTORS) -> None:
        self.cells: Counter[Cell] = Counter()
        self.pairs: Counter[Pair] = Counter()
        self.systems = 0
        self._actors = tuple(actors)
        self._last: dict[object, str] = {}

    # ------------------------------------------------------------------ as an observer

    def begun(self) -> None:
        self.systems += 1
        self._last.clear()

    def ended(self, how: str) -> None:
        self._last.clear()

    def chosen(self, choice: Choice, among: int, moment: float) -> None:
        pass

    def passed(self, moment: float) -> None:
        pass

    def sent(self, to: str, key: object, message: object) -> None:
        pass

    def handling(self, key: object, message: object) -> None:
        if not isinstance(key, pykka.Actor):
            return
        kind, name = type(key).__name__, word(message)
        self.cells[kind, state_of(key), name] += 1
        before = self._last.get(key)
        if before is not None:
            self.pairs[kind, before, name] += 1
        self._last[key] = name

    def handled(self, who: str, key: object) -> None:
        pass

    # ------------------------------------------------------------------ what it says

    def __add__(self, other: "Coverage") -> "Coverage":
        """What two campaigns have tried together."""
        both = Coverage(dict.fromkeys([*self._actors, *other._actors]))
        both.cells, both.pairs = self.cells + other.cells, self.pairs + other.pairs
        both.systems = self.systems + other.systems
        return both

    def missed(self) -> list[Cell]:
        """What the actors' tables have a place for, and never occurred.

        The state is empty in a table that has none: then the message came in no state at all.
        """
        seen = set(self.cells)
        came = {(kind, message) for kind, _, message in seen}
        return [
            (kind, state, message)
            for kind, state, message in self._expected()
            if ((kind, state, message) not in seen if state else (kind, message) not in came)
        ]

    def _expected(self) -> Iterator[Cell]:
        for actor in self._actors:
            transitions: dict[type[Any], dict[Any, Any]] = getattr(actor, "TRANSITIONS", {})
            handlers: dict[type[Any], Any] = getattr(actor, "HANDLERS", {})
            for message, states in transitions.items():
                yield from ((actor.__name__, state.name, message.__name__) for state in states)
            yield from ((actor.__name__, "", message.__name__) for message in handlers)

    def missed_pairs(self) -> list[Pair]:
        """Of the messages that came to actors of a class at all: which never came right after which."""
        came: dict[str, set[str]] = {}
        for kind, _, message in self.cells:
            came.setdefault(kind, set()).add(message)
        return [
            (kind, first, second)
            for kind, messages in sorted(came.items())
            for first in sorted(messages)
            for second in sorted(messages)
            if (kind, first, second) not in self.pairs
        ]

    def __str__(self) -> str:
        """A report: sums, and below them what never occurred."""
        expected, missed = len(list(self._expected())), self.missed()
        tried = f"messages in a state: {len(self.cells)}, pairs of messages: {len(self.pairs)}"
        tables = f"cells of the actors' tables: {expected - len(missed)} of {expected}"
        head = f"systems: {self.systems:,}, {tried}, {tables}"
        return "\n".join([head, *self._by_class("never in this state", missed)])

    def table(self) -> str:
        """All of it: how often each message came in each state, and after which other."""
        lines = [str(self), "message in a state:"]
        lines += [
            f"  {kind} {_in(state)}{message}: {n:,}" for (kind, state, message), n in _sorted(self.cells)
        ]
        lines.append("message after message:")
        lines += [f"  {kind} {first}, {second}: {n:,}" for (kind, first, second), n in _sorted(self.pairs)]
        return "\n".join(lines)

    @staticmethod
    def _by_class(title: str, missed: list[Cell]) -> Iterator[str]:
        rows: dict[tuple[str, str], list[str]] = {}
        for kind, state, message in missed:
            rows.setdefault((kind, message), []).append(state)
        for (kind, message), states in rows.items():
            yield f"  {title if any(states) else 'never'}: {kind} {message} {', '.join(states)}".rstrip()


def _in(state: str) -> str:
    return f"{state} " if state else ""


def _sorted(counts: Counter[tuple[str, str, str]]) -> list[tuple[tuple[str, str, str], int]]:
    return sorted(counts.items())
