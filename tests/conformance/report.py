"""The table at the end of a test run: what passed, what failed, and what could not be run."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from tests.conformance.requirements import Requirement

KINDS = ("pass", "in part", "fail", "cannot run")
Verdicts = Mapping[tuple[str, str], str]
"""One of the kinds, with the reason after a colon if there is one, by service and requirement."""


def table(requirements: Sequence[Requirement], services: Sequence[str], verdicts: Verdicts) -> Iterator[str]:
    """The table, line by line: a row for each group, then one for each requirement that did not pass."""
    groups = list(dict.fromkeys(requirement.group for requirement in requirements))
    for service in services:
        yield f"{service:20}" + "".join(f"{kind:>12}" for kind in KINDS)
        total = Counter[str]()
        for group in groups:
            ids = [each.id for each in requirements if each.group == group]
            counts = Counter(
                verdicts[service, each].partition(":")[0] for each in ids if (service, each) in verdicts
            )
            total += counts
            yield f"  {group:18}" + "".join(f"{counts[kind] or '':>12}" for kind in KINDS)
        yield f"  {'all':18}" + "".join(f"{total[kind]:>12}" for kind in KINDS)
        for requirement in requirements:
            verdict = verdicts.get((service, requirement.id), "pass")
            if verdict != "pass":
                yield f"  {requirement.id:6} {verdict}"
