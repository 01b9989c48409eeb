"""The table at the end of a test run: what passed, what failed, and what could not be run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.conformance.requirements import Requirement

Verdicts = Mapping[tuple[str, str], str]
"""`pass`, `fail` or the reason why it cannot be run, by service and requirement."""


def table(requirements: Sequence[Requirement], services: Sequence[str], verdicts: Verdicts) -> Iterator[str]:
    """The table, line by line: a row for each group, and one for each that did not pass."""
    groups = list(dict.fromkeys(requirement.group for requirement in requirements))
    yield f"{'':20}" + "".join(f"{service:>28}" for service in services)
    totals = {service: Counter[str]() for service in services}
    for group in groups:
        line = f"{group:20}"
        for service in services:
            counts = Counter(
                _kind(verdicts[service, each.id])
                for each in requirements
                if each.group == group and (service, each.id) in verdicts
            )
            totals[service] += counts
            line += f"{_figures(counts):>28}"
        yield line
    yield f"{'all':20}" + "".join(f"{_figures(totals[service]):>28}" for service in services)
    for service in services:
        for requirement in requirements:
            verdict = verdicts.get((service, requirement.id), "pass")
            if verdict != "pass":
                yield f"{service} {requirement.id} ({requirement.description}): {verdict}"


def _kind(verdict: str) -> str:
    return verdict if verdict in ("pass", "fail") else "cannot run"


def _figures(counts: Counter[str]) -> str:
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("pass", "fail", "cannot run") if counts[kind])
