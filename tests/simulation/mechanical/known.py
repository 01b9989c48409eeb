"""What is known of the mutants: where each is found, and why the others are not.

`found.json` is written by the campaign, `seen.json` (which other test notices a survivor) by `--others`.
`survivors.toml` is written by hand: whoever changes an actor looks at what survives, and says why, or does
something about it.
"""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.simulation.mechanical.grounds import Ground
from tests.simulation.mechanical.hunting import Find

FOLDER = Path(__file__).parent
FOUND = FOLDER / "found.json"
SEEN = FOLDER / "seen.json"
SURVIVORS = FOLDER / "survivors.toml"
KINDS = {
    "equivalent": "No workflow can tell them from the original",
    "cost": "Only time, memory or messages are spent otherwise",
    "words": "Only words for people differ",
    "elsewhere": "The simulation cannot see them, and other tests do",
    "defensive": "Against what the rest of the library never does",
}
"""Of reasons for surviving, and their headings on the page."""


class Reason(NamedTuple):
    """Why some mutants are not found."""

    kind: str
    why: str
    mutants: tuple[str, ...]


def found() -> dict[str, Find]:
    """Where each mutant that is found is found."""
    rows = json.loads(FOUND.read_text()) if FOUND.exists() else {}
    return {
        name: Find(Ground(*ground), schedule, runs, what)
        for name, (ground, schedule, runs, what) in rows.items()
    }


def write_found(finds: Mapping[str, Find]) -> None:
    """Keep them, a line each."""
    lines = [
        f"{json.dumps(name)}: {json.dumps([list(find.ground), *find[1:]])}" for name, find in finds.items()
    ]
    FOUND.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def reasons() -> list[Reason]:
    """Why the others are not."""
    rows = tomllib.loads(SURVIVORS.read_text())["reason"] if SURVIVORS.exists() else []
    return [Reason(row["kind"], " ".join(row["why"].split()), tuple(row["mutants"])) for row in rows]


def seen() -> dict[str, str]:
    """Which other test notices a survivor; empty if none does."""
    return dict(json.loads(SEEN.read_text())) if SEEN.exists() else {}


def write_seen(tests: Mapping[str, str]) -> None:
    """Keep them."""
    SEEN.write_text(json.dumps(tests, indent=1) + "\n")


def survivors() -> list[str]:
    """All that have a reason."""
    return [name for reason in reasons() for name in reason.mutants]
