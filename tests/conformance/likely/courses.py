"""How an execution went, without what is another each time, and how it differs from what was recorded.

Ids are named in the order in which they come, so `op1` is the first operation.
"""

import json
from collections.abc import Mapping
from typing import Any

import attrs

from tests.conformance.likely.differences import TOLD_LATER, WORDING
from tests.conformance.matching import mismatches
from tests.conformance.outcomes import Outcome

_ANOTHER_EACH_TIME = {
    "EventTimestamp",
    "CallbackId",
    "DurableExecutionArn",
    "RequestId",
    "StartTimestamp",
    "EndTimestamp",
    "ScheduledEndTimestamp",
    "ExecutedVersion",
    "Truncated",
    "durableExecutionArn",
    "executionArn",
    "requestId",
}
_LONG = 2000


@attrs.frozen
class Course:
    """How an execution went, as plain data."""

    status: str
    result: Any
    events: list[dict[str, Any]]
    logs: list[dict[str, Any]]


def course_of(outcome: Outcome, first_events: int | None) -> Course:
    """The course of an execution, with that many events after its start, or all."""
    names: dict[str, str] = {}
    for event in outcome.events:
        if "Id" in event and event["EventType"] != "ExecutionStarted" and event["Id"] not in names:
            names[event["Id"]] = f"op{len(names) + 1}"
    events = [_plain(each, names) for each in outcome.events[1:]]
    if first_events is not None:
        names = dict.fromkeys(names, "op")
        events = [_plain(each, names) for each in outcome.events[1:first_events]]
    for event in events:
        if event["EventType"].startswith("Execution"):
            event.pop("Id", None)
            event.pop("Name", None)
    result = json.loads(outcome.result) if outcome.result else None
    return Course(outcome.status, result, events, [_plain(each, names) for each in outcome.logs])


def _plain(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        if value.get("NextAttemptDelaySeconds") == 0:  # the emulator's way to say that there is none
            value = {key: each for key, each in value.items() if key != "NextAttemptDelaySeconds"}
        return {key: _plain(each, names) for key, each in value.items() if key not in _ANOTHER_EACH_TIME}
    if isinstance(value, list):
        return [_plain(each, names) for each in value]
    if isinstance(value, str) and len(value) > _LONG:
        return f"{value[:20]}... {len(value)} characters"
    return names.get(value, value) if isinstance(value, str) else value


def faults(case: str, service: str, recorded: Course, actual: Course) -> list[str]:
    """How a course is not the recorded one, a line each.

    AWS's emulator must tell exactly the same. The embedded service may tell more of an event. The order of a
    log is not compared: it is chance where branches run side by side, and `tests/plugins` compares it.
    """
    exact = service == "emulator"
    found: list[str] = []
    parts: list[tuple[str, Any, Any]] = [
        ("status", recorded.status, actual.status),
        ("result", recorded.result, actual.result),
        ("number of events", len(recorded.events), len(actual.events)),
        *(
            (f"event {expected['EventId']}", expected, event)
            for expected, event in zip(recorded.events, actual.events, strict=False)
        ),
    ]
    if (service, case) not in TOLD_LATER:
        parts.append(("log", *(sorted(map(_text, course.logs)) for course in (recorded, actual))))
    for where, expected, got in parts:
        if (service, case) in WORDING:
            expected, got = _without_messages(expected), _without_messages(got)
        whole = exact or not where.startswith("event")
        found += map(str, mismatches(expected, got, {}, where, exact=whole))
    return found


def _text(record: Mapping[str, Any]) -> str:
    return json.dumps(record, sort_keys=True)


def _without_messages(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_messages(each) for key, each in value.items() if key != "ErrorMessage"}
    return value
