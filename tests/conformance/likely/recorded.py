"""What was recorded: a line of JSON for each case, then one for each event and each record of its log."""

import json
from pathlib import Path
from typing import Any

from tests.conformance.likely.courses import Course

FILE = Path(__file__).with_name("recorded.jsonl")


def read() -> dict[str, Course]:
    """What must come of each case."""
    found: dict[str, Course] = {}
    for line in FILE.read_text().splitlines():
        record: dict[str, Any] = json.loads(line)
        if "case" in record:
            course = found[record["case"]] = Course(record["status"], record["result"], [], [])
        elif "EventType" in record:
            course.events.append(record)
        else:
            course.logs.append(record)
    return found


def write(courses: dict[str, Course]) -> None:
    """Record these, in order of their names."""
    with FILE.open("w") as file:
        for name, course in sorted(courses.items()):
            head = {"case": name, "status": course.status, "result": course.result}
            for record in [head, *course.events, *course.logs]:
                print(json.dumps(record), file=file)
