"""What a campaign of simulated schedules has found, in words, and as a test that can be pasted."""

import itertools
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import attrs

from durably.workflows.local.code import code_of
from durably.workflows.testing.deviations import Deviation, Numbered, ordinal, which
from durably.workflows.testing.schedules import token_of
from durably.workflows.testing.shrinking import Shrunk

LONGEST_LINE = 100
"""Of the code of a test."""


class HandlerFailedError(AssertionError):
    """The execution fails where nothing goes wrong; if it is to, `simulate` wants `may_fail=True`."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"the execution fails although nothing goes wrong: {how}. If it is to, with this input, say "
            "simulate(..., may_fail=True), or --may-fail."
        )


@dataclass(frozen=True)
class ScheduleFailure:
    """A schedule in which something went wrong.

    Attributes:
        error: what went wrong.
        choices: what happened, one choice after the other; `replay_schedule` takes them again.
        number: which schedule of the campaign it was, from 0; None if it was the one before them, in which
            everything goes as in production and nothing goes wrong.
        shrunk: what is left of it when all that can be left out is; None if that was not asked for, or if it
            did not fail again.
        test: the code of a test that shows it, with the deviations of `shrunk`, or the token.
        is_lasting: False if it did not fail again when its choices were taken again.
    """

    error: Exception
    choices: tuple[str, ...]
    number: int | None
    shrunk: Shrunk | None = None
    test: str = ""
    is_lasting: bool = True

    @property
    def token(self) -> str:
        """The schedule as one word for `replay_schedule`: of the shrunk one, if there is one."""
        return token_of(self.choices if self.shrunk is None else self.shrunk.deviations)

    def __str__(self) -> str:
        error = self.error if self.shrunk is None else self.shrunk.error
        which = "the usual schedule" if self.number is None else f"schedule {self.number}"
        parts = [f"{which}: {type(error).__name__}: {error}"]
        if not self.is_lasting:
            parts.append(
                "When its choices were taken again, it did not fail: the workflow depends on more than its\n"
                "choices, such as the clock, random numbers, or a variable that outlives an execution."
            )
        if self.shrunk is not None:
            parts += _explained(self.shrunk, is_usual=self.number is None)
        if self.test:
            parts.append(f"As a test:\n\n{textwrap.indent(self.test, '    ').rstrip()}")
        parts += [f"What happens:\n\n{self._steps()}", f"As a token, for replay_schedule:\n\n{self.token}"]
        return "\n\n".join(parts)

    def _steps(self) -> str:
        choices = self.choices if self.shrunk is None else self.shrunk.choices
        marked = set[int]() if self.shrunk is None else {*self.shrunk.places}
        return "\n".join(
            f"{'>' if place in marked else ' '} {place:4} {choice}" for place, choice in enumerate(choices)
        )


def _explained(shrunk: Shrunk, *, is_usual: bool) -> Iterator[str]:
    count = len(shrunk.deviations)
    if not count and is_usual:
        yield "It takes nothing out of the ordinary: it goes wrong in the order of production."
    elif not count:
        yield (
            "It goes wrong in the order of production, and did not when it was run before all others:\n"
            "something is left behind by one execution and seen by the next, such as a variable outside the\n"
            "handler."
        )
    else:
        least = "" if shrunk.is_minimal else "at most "
        yield (
            f"It takes {least}{count} deviation{'s' if count > 1 else ''} from the order of production "
            f"({shrunk.runs} runs to find out):\n\n"
            + "\n".join(f"  {number}. {text}" for number, text in enumerate(deviations_in_words(shrunk), 1))
        )
    if shrunk.swap is not None:
        early, late = shrunk.swap
        yield (
            f'It passes if "{shrunk.choices[late]}" ({late} below) comes before '
            f'"{shrunk.choices[early]}" ({early}).'
        )


def deviations_in_words(shrunk: Shrunk) -> list[str]:
    """What comes before what; several in a row that come before the same are one."""
    numbered = [
        (place - at, each)
        for at, (place, each) in enumerate(zip(shrunk.places, shrunk.deviations, strict=True))
    ]

    def row(item: tuple[int, Deviation]) -> tuple[int, Numbered, bool]:
        return item[0], item[1].then, item[1].is_fault

    words: list[str] = []
    for (_, due, is_fault), found in itertools.groupby(numbered, row):
        taken = [which(each.first) for _, each in found]
        where = "" if due[2] == 1 else f", in the {ordinal(due[2])} invocation"
        if is_fault:
            words += [f"{each} where {which(due)} was due{where}" for each in taken]
        else:
            words.append(f"{', then '.join(taken)}, before {which(due)}{where}")
    return words


@dataclass(frozen=True)
class SimulationReport:
    """What a campaign has found.

    Attributes:
        schedules: how many were run.
        choices: how many choices were taken in all.
        exhausted: whether every possible schedule was run.
        result: what the workflow comes to when nothing is out of the ordinary.
        failures: the schedules in which something went wrong.
        pruned: how many of the schedules turned out to make no difference, in a search that looks for that.
        is_search: whether the strategy is one that comes to an end, when every possible schedule was run.
        outcomes: what it came to, in words, and how often; the run before the schedules counts, too.
    """

    schedules: int
    choices: int
    exhausted: bool
    result: Any
    failures: tuple[ScheduleFailure, ...] = field(default=())
    pruned: int = 0
    is_search: bool = False
    outcomes: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def ok(self) -> bool:
        """True if nothing went wrong."""
        return not self.failures

    @property
    def summary(self) -> str:
        """How far it went, in a line."""
        extent = "exhausted" if self.exhausted else "NOT exhausted" if self.is_search else "explored"
        plural = "s" if self.schedules != 1 else ""
        pruned = f"{self.pruned:,} pruned, " if self.exhausted or self.pruned else ""
        return (
            f"{extent}: {self.schedules:,} schedule{plural}, {pruned}{self.choices:,} choices, "
            f"{len(self.failures)} failed"
        )

    def __str__(self) -> str:
        return "\n\n".join([self.summary, *map(str, self.failures[:1])])

    def check(self) -> None:
        """Nothing, if nothing went wrong.

        Raises:
            AssertionError: something did; its text is a schedule in which it does.
        """
        if self.failures:
            raise AssertionError(str(self)) from self.failures[0].error


def test_of(
    handler: Callable[..., Any],
    event: object,
    failure: ScheduleFailure,
    options: Mapping[str, object],
) -> str:
    """The code of a test that replays a schedule.

    Args:
        handler: a durable handler.
        event: its input.
        failure: the schedule.
        options: what else `replay_schedule` is to be told.
    """
    error = failure.error if failure.shrunk is None else failure.shrunk.error
    found = re.sub(r"\W+", "_", str(getattr(error, "name", type(error).__name__))).strip("_").lower()
    deviations = failure.shrunk.deviations if failure.shrunk is not None else ()
    if failure.shrunk is None:
        schedule = repr(failure.token)
    elif deviations:
        schedule = "[\n" + "".join(map(_pasted, deviations)) + "    ]"
    else:
        schedule = "[]"
    names = [
        *(["Deviation"] if deviations else []),
        *(["Faults"] if "faults" in options else []),
        "replay_schedule",
    ]
    module, name = _home(handler)
    literals = {key: _literal(key, value) for key, value in options.items()}
    arguments = "".join(f", {key}={text}" for key, text in literals.items())
    ours = [key for key, text in literals.items() if key == text]
    given = "".join(f"    {key} = ...  # as simulate was told\n" for key in ours)
    return (
        f"from durably.workflows.testing import {', '.join(names)}\n"
        f"from {module} import {name}\n\n\n"
        f"def test_{found}():\n"
        f"{given}"
        f"    schedule = {schedule}\n"
        f"    replay_schedule({name}, {event!r}, schedule{arguments})\n"
    )


test_of.__test__ = False  # type: ignore[attr-defined]  # pytest takes it for a test where it is imported


def _pasted(deviation: Deviation) -> str:
    """Its line in a list; or lines, if it is long."""
    line = f"        {deviation!r},\n"
    if len(line) <= LONGEST_LINE:
        return line
    lines = "".join(f"            {part},\n" for part in deviation.arguments())
    return f"        Deviation(\n{lines}        ),\n"


def _literal(name: str, value: object) -> str:
    """As code; of an attrs class only the fields that are not what they would be anyway.

    A function has no code to paste: where there is one, it is the name of a variable.
    """
    kind: Any = type(value)
    if not attrs.has(kind):
        return repr(value) if "<" not in repr(value) else name
    given = [
        f"{each.name}={getattr(value, each.name)!r}"
        for each in attrs.fields(kind)
        if getattr(value, each.name) != each.default
    ]
    return f"{type(value).__name__}({', '.join(given)})"


def _home(handler: Callable[..., Any]) -> tuple[str, str]:
    """The module and the name that a test imports a handler by."""
    code = code_of(handler)
    name = code.name or str(getattr(handler, "__name__", "handler"))
    module = str(getattr(handler, "__module__", "") or "workflow")
    if code.file is not None:
        stem = Path(code.file).stem
        if module == "__main__" or re.fullmatch(rf"{re.escape(stem)}_[0-9a-f]{{8}}", module):
            module = stem  # which the command has loaded under a name of its own
    return module, name
