"""Wrong code is refused by the type checker: the lines that say so, and no others.

A file in `cases/` is code that a user might write. A line

    # assert-type-error-pyright: "regular expression"

says that pyright must complain about the next line, with a message that the expression finds. What is
not announced must be right. A case is plain data: adding a file is adding a test.
"""

import json
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

CASES = Path(__file__).parent / "cases"
ANNOUNCED = re.compile(r'^\s*# assert-type-error-pyright: "(.*)"$')


@pytest.fixture(scope="module")
def complaints() -> dict[str, dict[int, list[str]]]:
    """What pyright says to all cases in one run: file name to line to messages."""
    command = [
        sys.executable,
        "-m",
        "pyright",
        "--outputjson",
        "--pythonpath",
        sys.executable,
        "-p",
        str(CASES),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] >= len(list(CASES.glob("*.py"))), done.stdout
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for item in report["generalDiagnostics"]:
        found[Path(item["file"]).name][item["range"]["start"]["line"] + 1].append(item["message"])
    return found


@pytest.mark.parametrize("case", sorted(CASES.glob("*.py")), ids=lambda case: case.stem)
def test_the_type_checker_refuses_what_is_wrong_and_nothing_else(case: Path, complaints):
    """Pyright complains about exactly the lines that are announced as wrong, and for the reason given."""
    found = complaints[case.name]
    announced = {
        number + 1: match[1]
        for number, line in enumerate(case.read_text().splitlines(), 1)
        if (match := ANNOUNCED.match(line))
    }
    assert announced, f"{case.name} announces no error: is it a case at all?"
    assert {n: found[n] for n in found if n not in announced} == {}, "refused, but not announced"
    for number, expression in announced.items():
        assert any(re.search(expression, message) for message in found.get(number, ())), (
            f"{case.name}:{number} should be refused with {expression!r}, pyright says {found.get(number)}"
        )
