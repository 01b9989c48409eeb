"""What came of an execution, and what of it is not as a requirement has it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from tests.conformance.matching import Variables, log_faults, mismatches
from tests.conformance.requirements import Requirement


@attrs.frozen
class Outcome:
    """An execution as its service tells of it: `result` is JSON, `events` are those of the API."""

    status: str
    result: str | None
    events: Sequence[Mapping[str, Any]]
    logs: Sequence[Mapping[str, Any]]


def faults(requirement: Requirement, outcome: Outcome, variables: Variables) -> list[str]:
    """What is not as required, one line each."""
    expected = requirement.result
    found: list[str] = []
    if expected.get("ExecutionStatus", outcome.status) != outcome.status:
        found.append(f"status: {outcome.status}, expected {expected['ExecutionStatus']}")
    if "Result" in expected and outcome.status == "SUCCEEDED":
        result = json.loads(outcome.result) if outcome.result else None
        found += mismatches(expected["Result"], result, variables, "result", exact=True)
    found += _history_faults(requirement, outcome, variables)
    return found + log_faults(requirement.logs, outcome.logs, variables)


def _history_faults(requirement: Requirement, outcome: Outcome, variables: Variables) -> list[str]:
    """Each expected event is the one of its EventId or, without one, the next of its type."""
    found: list[str] = []
    events = {event["EventId"]: event for event in outcome.events}
    last = 0
    for expected in requirement.events:
        number = expected.get("EventId") or next(
            (n for n in sorted(events) if n > last and events[n]["EventType"] == expected["EventType"]),
            last + 1,
        )
        last = number
        where = f"event {number} {expected['EventType']}"
        if number not in events:
            found.append(f"{where}: there is none")
        elif events[number]["EventType"] != expected["EventType"]:
            found.append(f"{where}: it is {events[number]['EventType']}")
        else:
            found += mismatches(expected, events[number], variables, where)
    return found
