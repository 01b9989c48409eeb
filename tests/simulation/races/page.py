"""The table of `docs/races.md`: one section for each letter, a row for each scenario, numbers as they are measured."""

import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path

import attrs

from tests.simulation.races.exploring import Explored
from tests.simulation.races.registry import SECTIONS, Race, Scenario

PAGE = Path(__file__).parents[3] / "docs" / "races.md"
MARK = "<!-- From here on written by `python -m tests.simulation.races --write`. -->"
MODULES = (
    "news",
    "ending",
    "accounting",
    "checkpoints",
    "tokens",
    "decisions",
    "branches",
    "cleanup",
    "embedded",
    "pykka_itself",
    "beyond",
)
COUNT = re.compile(r"(?<=\*\*exhausted with )[\d,]+(?= schedules\*\*)")


def races() -> list[Race]:
    """All of them, by section and number."""
    for module in MODULES:
        import_module(f"tests.simulation.races.{module}")
    for entries in SECTIONS.values():
        entries.sort(key=lambda race: int(race.id[1:]))
    return [race for entries in SECTIONS.values() for race in entries]


def scenarios() -> list[Scenario]:
    """Those of all races."""
    return [scenario for race in races() for scenario in race.scenarios]


def outcome(scenario: Scenario, explored: Explored | None) -> str:
    """What the last cell says; without a number if nothing has been measured."""
    if scenario.search.is_exhaustive:
        count = f"{explored.schedules:,}" if explored else "0"
        return f"**exhausted with {count} schedules**"
    return f"explored with {scenario.search.most:,} schedules ({scenario.search.name})"


def row(scenario: Scenario, explored: Explored | None) -> str:
    """What the table says of a scenario: the end of its row."""
    return f"{_here(scenario)} | {outcome(scenario, explored)} |"


def table(measured: Mapping[str, Explored]) -> str:
    """All sections."""
    races()
    parts: list[str] = []
    for title, entries in SECTIONS.items():
        lines = [
            f"## {title}",
            "",
            "| | what went wrong elsewhere | what is tried here | |",
            "|---|---|---|---|",
        ]
        parts.append("\n".join([*lines, *(line for race in entries for line in _rows(race, measured))]))
    return "\n\n".join(parts) + "\n"


def page(text: str, measured: Mapping[str, Explored]) -> str:
    """The page with its tables written anew; what is before the mark stays."""
    head, mark, _ = text.partition(MARK)
    assert mark, f"{PAGE} has lost the line {MARK}"
    return f"{head}{MARK}\n\n{table(measured)}"


def without_counts(text: str) -> str:
    """A page without the numbers that searches come to."""
    return COUNT.sub("0", text)


def _rows(race: Race, measured: Mapping[str, Explored]) -> Iterator[str]:
    first = f"| {race.id} | {race.wrong}" + (f" ({race.source})" if race.source else "")
    if _has_row(race):
        reason = f"*By design:* {race.design}" if race.design else race.guard
        ends = "impossible by design" if race.design else "tested, no order to choose"
        yield f"{first} | {(reason + _tests(race)).strip()} | {ends} |"
        first = "| |"
    for scenario in race.scenarios:
        yield f"{first} | {row(scenario, measured.get(scenario.id))}"
        first = "| |"


def _has_row(race: Race) -> bool:
    """Whether there is something to say of it beside its scenarios."""
    return bool(race.design or race.guard or not race.scenarios)


def _here(scenario: Scenario) -> str:
    """The scenario in the words of its docstring, and what may go wrong in it."""
    faults = [f"{name} {count}" for name, count in attrs.asdict(scenario.faults).items() if count]
    text = scenario.text + (f" Faults: {', '.join(faults)}." if faults else "")
    is_first = scenario is scenario.race.scenarios[0]
    return text + (_tests(scenario.race) if is_first and not _has_row(scenario.race) else "")


def _tests(race: Race) -> str:
    names = [f"`{test.removeprefix('tests/')}`" for test in race.tests]
    return f" Tests: {', '.join(names)}." if names else ""
