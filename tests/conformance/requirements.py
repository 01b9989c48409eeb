"""AWS's requirements for durable execution SDKs, as their repository states them: one YAML file each.

They are data of another project (aws/aws-durable-execution-conformance-tests) and lie beside this one, in
`../shared/conformance`. Where that folder is absent, nothing is required.
"""

import random
import re
import string
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

FOLDER = Path(__file__).parents[3] / "shared" / "conformance"
_GENERATED = re.compile(r"\$\{GEN_STR:(\d+)\}")


@attrs.frozen
class Requirement:
    """One requirement. `id` is its number with a dash (`7-11`), `group` the folder that it lies in."""

    id: str
    group: str
    description: str
    data: Mapping[str, Any]

    @property
    def number(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.id.split("-"))

    @property
    def actions(self) -> list[dict[str, Any]]:
        """What an external system does."""
        return self.data.get("CallbackActions") or []

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that must have happened; others may have, too."""
        return self.data.get("ExpectedExecutionHistory") or []

    @property
    def logs(self) -> list[dict[str, Any]]:
        """What must have been logged, or not."""
        return self.data.get("ExpectedLogs") or []

    @property
    def result(self) -> Mapping[str, Any]:
        """How the execution ends; empty, if it need not."""
        return self.data.get("ExpectedResult") or {}

    def variables(self) -> dict[str, Any]:
        """The variables that have a value from the start, generated anew each time."""
        return {name: generate(value) for name, value in (self.data.get("Variables") or {}).items()}


def generate(value: str) -> str:
    """`${GEN_STR:8}` becomes eight letters and digits."""
    alphabet = string.ascii_letters + string.digits
    return _GENERATED.sub(lambda found: "".join(random.choices(alphabet, k=int(found[1]))), value)


def read_all(folder: Path = FOLDER) -> list[Requirement]:
    """All requirements, in the order of their numbers."""
    return sorted(_read(folder), key=lambda requirement: requirement.number)


def _read(folder: Path) -> Iterator[Requirement]:
    if not folder.is_dir():
        return
    import yaml

    for path in folder.glob("*/*.yaml"):
        data = yaml.safe_load(path.read_text())
        yield Requirement(path.stem, path.parent.name, " ".join(data["description"].split()), data)
