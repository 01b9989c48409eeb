"""What happened in one run: every choice, what was sent meanwhile, and which states changed.

A trace is an observer of the scheduler, asked for where one run is looked at, never in a campaign. It holds
no payloads: see `contents`. Two runs are the same if their traces are (`fingerprint`), and where they part
`difference` tells. `rendering` and `page` show it.
"""

import enum
import hashlib
import json
from collections import deque
from collections.abc import Collection
from typing import Any

import attrs

from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.contents import Label, contents, word
from durably.actors.stage import Job, JobKind
from durably.actors.task import Task

BEGIN, END, FAILED = "BEGIN", "END", "FAILED"
"""Kinds of steps that are no choices."""
WORLD, SERVICE, TIME = "the world", "the service", "time"
"""Lanes of what is no actor."""
ABOVE = {"the system": WORLD, "the process": WORLD}
"""What has no lane of its own."""


@attrs.define
class Change:
    """An actor's state is another."""

    who: str
    before: str
    after: str


@attrs.define
class Sent:
    """A message, from when it was sent until it was handled.

    `sent_at` and `handled_at` are numbers of steps; None if it was not handled.
    """

    sender: str
    to: str
    word: str
    contents: str
    sent_at: int
    handled_at: int | None = None

    def __str__(self) -> str:
        return f"{self.word.removesuffix('()')}({self.contents})" if self.contents else self.word


@attrs.define
class Step:
    """A choice that was taken, or the beginning or end of a system.

    Attributes:
        number: its place in the trace, from 0.
        choice: the number of the choice, as a report has it, from 0; None if it was none.
        kind: the name of a `ChoiceKind`; BEGIN, END or FAILED if it was no choice.
        name: what happened, in words.
        who: whose lane it is on.
        among: of how many choices it was one.
        moment: seconds of virtual time since the beginning, when it had happened.
        changes: the states that it changed.
        is_early: whether it came before its turn, because the schedule says so; see `Trace.mark_early`.
    """

    number: int
    kind: str
    name: str
    who: str
    among: int = 0
    moment: float = 0.0
    changes: list[Change] = attrs.Factory(list[Change])
    choice: int | None = None
    is_early: bool = False

    @property
    def label(self) -> str:
        """The number of its choice; empty if it was none."""
        return "" if self.choice is None else str(self.choice)


class Trace:
    """See the module.

    Args:
        of: what a system that begins is called: an invocation, say.
        label: what people call an actor, task or job of some name.
    """

    def __init__(self, of: str = "run", label: Label = str) -> None:
        self.steps: list[Step] = []
        self.messages: list[Sent] = []
        self._of = of
        self._label = label
        self._systems = 0
        self._choices = 0
        self._start: float | None = None
        self._under_way: dict[int, deque[Sent]] = {}
        self._keys: list[object] = []  # kept, so that no other object gets the `id` of one
        self._states: dict[int, str] = {}

    # ------------------------------------------------------------------ as an observer

    def begun(self) -> None:
        self._systems += 1
        self._add(BEGIN, f"{self._of} {self._systems} begins", WORLD)

    def ended(self, how: str) -> None:
        self._add(END, f"{self._of} {self._systems} ends: {how}", WORLD)
        self._under_way.clear()

    def failed(self, error: BaseException) -> None:
        """Note what the run came to, if that is an error."""
        self._add(FAILED, f"{type(error).__name__}: {error}", WORLD)

    def mark_early(self, choices: Collection[int]) -> None:
        """The choices of these numbers are where the schedule deviates from the order of production."""
        for step in self.steps:
            step.is_early = step.choice in choices

    def chosen(self, choice: Choice, among: int, moment: float) -> None:
        who = TIME if choice.kind is ChoiceKind.TIME else ABOVE.get(choice.who, choice.who)
        self._add(choice.kind.name, choice.name, who, among)
        self.steps[-1].choice = self._choices
        self._choices += 1
        self.passed(moment)

    def passed(self, moment: float) -> None:
        if self._start is None:
            self._start = moment
        self.steps[-1].moment = round(moment - self._start, 6)

    def sent(self, to: str, key: object, message: object) -> None:
        if not self.steps:
            self._add(BEGIN, f"{self._of} begins", WORLD)
        now = self.steps[-1]
        match key:
            case Task():
                sent = Sent(now.who, to, "go on", "", now.number)
            case Job():
                is_call = key.kind is JobKind.CALL
                sent = Sent(now.who, SERVICE if is_call else to, "call" if is_call else "run", "", now.number)
            case _:
                sent = Sent(now.who, to, word(message), contents(message, self._label), now.number)
        self.messages.append(sent)
        self._keys.append(key)
        self._under_way.setdefault(id(key), deque()).append(sent)

    def handling(self, key: object, message: object) -> None:
        if under_way := self._under_way.get(id(key)):
            under_way.popleft().handled_at = len(self.steps) - 1
        self._states[id(key)] = state_of(key)

    def handled(self, who: str, key: object) -> None:
        before, after = self._states.pop(id(key), ""), state_of(key)
        if after != before:
            self.steps[-1].changes.append(Change(who, before, after))

    def _add(self, kind: str, name: str, who: str, among: int = 0) -> None:
        moment = self.steps[-1].moment if self.steps else 0.0
        self.steps.append(Step(len(self.steps), kind, name, who, among, moment))

    # ------------------------------------------------------------------ what it says

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trace) and other.as_dict() == self.as_dict()

    __hash__ = None  # type: ignore[assignment]  # it grows

    @property
    def fingerprint(self) -> str:
        """The same for two runs in which the same happened: 64 hexadecimal digits."""
        text = json.dumps(self.as_dict(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def difference(self, other: "Trace") -> str:
        """Where another trace is no longer the same as this one; empty if they are equal."""
        mine, others = self.text().splitlines(), other.text().splitlines()
        for number, (here, there) in enumerate(zip(mine, others, strict=False), 1):
            if here != there:
                return f"line {number}: {_one_line(here)}; in the other: {_one_line(there)}"
        if len(mine) == len(others):
            return ""
        rest = mine[len(others)] if len(mine) > len(others) else others[len(mine)]
        which = "this one" if len(mine) > len(others) else "the other"
        return f"{which} goes on: {_one_line(rest)}"

    def as_dict(self) -> dict[str, Any]:
        """Steps and messages as plain values for JSON."""
        return {
            "steps": [attrs.asdict(step) for step in self.steps],
            "messages": [attrs.asdict(message) for message in self.messages],
        }

    def json(self) -> str:
        """As a JSON object with `steps` and `messages`."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def text(self) -> str:
        """As lines: each choice, and below it what it changed and sent."""
        from durably.actors.simulation.rendering import as_text

        return as_text(self)

    def mermaid(self) -> str:
        """As a Mermaid sequence diagram."""
        from durably.actors.simulation.rendering import as_mermaid

        return as_mermaid(self)

    def html(self, title: str = "A simulated run") -> str:
        """As one page for a browser, which needs nothing else."""
        from durably.actors.simulation.page import as_page

        return as_page(self, title)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def state_of(key: object) -> str:
    """The name of an actor's state; empty if it has no `state` that is one of an enumeration."""
    state = getattr(key, "state", None)
    return state.name if isinstance(state, enum.Enum) else ""
