"""Records the cases from AWS's SDK on AWS's emulator: `python -m tests.conformance.likely.record [part ...]`.

With parts of names, only what has one of them in its name is recorded anew. It says what has changed.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.conformance.likely import recorded
from tests.conformance.likely.cases import all_cases
from tests.conformance.likely.courses import Course, course_of
from tests.conformance.requirements import Requirement
from tests.conformance.services import Emulator
from tests.emulator.functions import OFFICIAL


def main(parts: list[str]) -> None:
    cases = {
        name: case for name, case in all_cases().items() if not parts or any(part in name for part in parts)
    }
    emulator = Emulator(OFFICIAL)

    def run(case: Requirement) -> Course:
        return course_of(emulator.run(case, {}), case.data["first_events"])

    with ThreadPoolExecutor(16) as pool:
        courses = dict(zip(cases, pool.map(run, cases.values()), strict=True))
    emulator.close()
    before = recorded.read() if recorded.FILE.exists() else {}
    for name, course in courses.items():
        if course != before.get(name):
            print("changed:" if name in before else "new:", name)
    recorded.write((before if parts else {}) | courses)


if __name__ == "__main__":
    main(sys.argv[1:])
