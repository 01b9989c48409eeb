"""What came of an execution, and what of it is not as a requirement has it."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs

from tests.conformance.matching import Mismatch, Variables, log_faults, mismatches
from tests.conformance.requirements import Requirement


@attrs.frozen
class Outcome:
    """An execution as its service tells of it: `result` is JSON, `events` are those of the API."""

    status: str
    result: str | None
    events: Sequence[Mapping[str, Any]]
    logs: Sequence[Mapping[str, Any]]


@attrs.frozen
class Verdict:
    """What is not as required, one line each, and which expected fields the service is known not to tell."""

    faults: Sequence[str]
    untold: Collection[str] = ()


def judge(
    requirement: Requirement, outcome: Outcome, variables: Variables, untold: Collection[str] = ()
) -> Verdict:
    """Hold an outcome against a requirement.

    `untold` has the fields that the service never tells, such as `StepSucceeded.StepSucceededDetails.Result`:
    where one is absent, that is no fault, but said in the verdict.
    """
    expected = requirement.result
    faults: list[str] = []
    if expected.get("ExecutionStatus", outcome.status) != outcome.status:
        faults.append(f"status: {outcome.status}, expected {expected['ExecutionStatus']}")
    if "Result" in expected and outcome.status == "SUCCEEDED":
        result = json.loads(outcome.result) if outcome.result else None
        faults += map(str, mismatches(expected["Result"], result, variables, "result", exact=True))
    missing: set[str] = set()
    for mismatch in _history(requirement, outcome, variables):
        field = mismatch.where.rpartition(" ")[2]
        if mismatch.is_absent and field in untold:
            missing.add(field)
        else:
            faults.append(str(mismatch))
    return Verdict([*faults, *log_faults(requirement.logs, outcome.logs, variables)], missing)


def _history(requirement: Requirement, outcome: Outcome, variables: Variables) -> list[Mismatch]:
    """Each expected event is the one of its EventId or, without one, the next of its type."""
    found: list[Mismatch] = []
    events = {event["EventId"]: event for event in outcome.events}
    last = 0
    for expected in requirement.events:
        kind = expected["EventType"]
        last = expected.get("EventId") or next(
            (number for number in sorted(events) if number > last and events[number]["EventType"] == kind),
            last + 1,
        )
        where = f"event {last} {kind}"
        if last not in events:
            found.append(Mismatch(where, "there is none"))
        elif events[last]["EventType"] != kind:
            found.append(Mismatch(where, f"it is {events[last]['EventType']}"))
        else:
            found += mismatches(expected, events[last], variables, where)
    return found
