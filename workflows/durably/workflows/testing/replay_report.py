"""What a replay found: where today's code does something else than the execution that was recorded."""

import enum
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from durably.actors.model import ErrorObject, Operation, OperationType


class DivergenceKind(enum.Enum):
    """In what way today's code is another than the recorded one."""

    CHANGED = "another operation is called here"
    ADDED = "an operation is called that was never recorded"
    REMOVED = "an operation that was recorded is no longer called"
    RESULT = "the result is another"
    ENDS_EARLY = "the handler ends where the recorded one waited"


@dataclass(frozen=True)
class Divergence:
    """One place where today's code goes another way.

    Attributes:
        kind: in what way.
        operation_id: the id under which something else was recorded, or None for the execution as a whole.
        name: what history, or today's code, calls that operation.
        recorded: what was recorded there.
        called: what today's code does there.
        location: `file:line in function` of the call, where it can be known.
        event: the number of the event up to which history was given to the code.
    """

    kind: DivergenceKind
    operation_id: str | None
    name: str | None
    recorded: str
    called: str
    location: str | None
    event: int

    def __str__(self) -> str:
        where = "the execution" if self.operation_id is None else f"operation {self.operation_id}"
        if self.name:
            where += f" {self.name!r}"
        lines = [
            f"{where}: {self.kind.value}",
            f"  recorded: {self.recorded}",
            f"  now:      {self.called}",
        ]
        if self.location is not None:
            lines.append(f"  at:       {self.location}")
        lines.append(f"  replayed: up to event {self.event}")
        return "\n".join(lines)


class ReplayError(AssertionError):
    """Today's code does not do what was recorded; the message is the report."""


@dataclass(frozen=True)
class ReplayReport:
    """What the replay of one history found.

    Attributes:
        history: the file's name, or what the history was called.
        divergences: in the order in which they were found, each once.
        replays: how many times the handler was replayed.
    """

    history: str
    divergences: tuple[Divergence, ...]
    replays: int

    @property
    def ok(self) -> bool:
        """Whether today's code does exactly what was recorded."""
        return not self.divergences

    def check(self) -> None:
        """Do nothing if it is ok.

        Raises:
            ReplayError: it is not; an AssertionError with the whole report.
        """
        if not self.ok:
            raise ReplayError(f"\n{self}")

    def __str__(self) -> str:
        if self.ok:
            return f"{self.history}: as recorded ({self.replays} replays)"
        count = len(self.divergences)
        head = f"{self.history}: {count} divergence{'s' if count > 1 else ''} ({self.replays} replays)"
        return "\n".join([head, *(_indented(str(each)) for each in self.divergences)])


@dataclass(frozen=True)
class ReplayReports:
    """What the replays of several histories found: a sequence of reports.

    Attributes:
        reports: one for each history, in order.
    """

    reports: Sequence[ReplayReport]

    def __iter__(self) -> Iterator[ReplayReport]:
        return iter(self.reports)

    def __len__(self) -> int:
        return len(self.reports)

    @property
    def ok(self) -> bool:
        """Whether all are."""
        return all(report.ok for report in self.reports)

    @property
    def divergences(self) -> tuple[Divergence, ...]:
        """Those of all."""
        return tuple(divergence for report in self.reports for divergence in report.divergences)

    def check(self) -> None:
        """Do nothing if all are ok.

        Raises:
            ReplayError: some are not; an AssertionError with the whole report.
        """
        if not self.ok:
            raise ReplayError(f"\n{self}")

    def __str__(self) -> str:
        return "\n".join(str(report) for report in self.reports)


def _indented(text: str) -> str:
    return "\n".join("  " + line for line in text.splitlines())


# ------------------------------------------------------------------ words


def description(kind: OperationType, sub_type: str | None, name: str | None, parent: str | None) -> str:
    """What identifies an operation beside its id."""
    what = kind.value if sub_type is None or sub_type.upper() == kind.value else f"{kind.value}/{sub_type}"
    named = f" {name!r}" if name else " without a name"
    return what + named + (f" in context {parent}" if parent else "")


def described(operation: Operation) -> str:
    """What identifies a recorded operation."""
    return description(operation.type, operation.sub_type, operation.name, operation.parent_id)


def error_text(error: ErrorObject | None) -> str:
    """An error's type and message."""
    return "an error" if error is None else ": ".join(filter(None, (error.type, error.message))) or "an error"


def same_json(one: str | None, other: str | None) -> bool:
    """Whether two texts are of the same JSON value; texts that are of none must be equal."""
    if one == other:
        return True
    try:
        return bool(json.loads(one or "null") == json.loads(other or "null"))
    except ValueError:
        return False
