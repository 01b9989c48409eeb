"""The examples do what they say, on the embedded service and by the command."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.command import environment
from tests.examples.running import run_example

EXAMPLES = Path(__file__).parents[2] / "examples"
OTHERS = ("bank.py", "demo.py")
"""Examples that are no workflow, with tests of their own."""
WORKFLOWS = sorted(path for path in EXAMPLES.glob("*.py") if path.name not in OTHERS)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """A folder of 201 files of code, one of them broken, and one that is no code."""
    for number in range(200):
        (tmp_path / f"f{number:03}.py").write_text(f"def f{number}(shared):\n    return shared\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "broken.py").write_bytes(b"# coding: utf-8\n\xff = 1\n")
    (tmp_path / "notes.txt").write_text("shared shared shared")
    return tmp_path


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_an_example_runs_without_input(path, code, monkeypatch):
    """Every example has a default for whatever it is not given, and comes to a result."""
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(code))  # index_files would take its time
    path_before = list(sys.path)
    try:
        assert run_example(path, None).status == "SUCCEEDED"
    finally:
        sys.path[:] = path_before


class TestIndexFiles:
    def test_it_counts_names_and_skips_what_it_cannot_read(self, code):
        """Keywords are no names, other files are left out, and a broken file is reported."""
        report = run_example(EXAMPLES / "index_files.py", {"folder": str(code)}).result(0)
        assert report["files"] == 201
        assert report["skipped"] == ["sub/broken.py".replace("/", os.sep)]
        assert report["names"] == 600
        assert report["most_used"]["shared"] == 400

    def test_every_hundredth_file_is_read_in_the_second_attempt(self, code):
        """Its first attempt fails, and that is recorded."""
        execution = run_example(EXAMPLES / "index_files.py", {"folder": str(code)})
        attempts = Counter(
            operation.attempt for operation in execution.operations() if operation.name == "read_names"
        )
        assert attempts == {1: 198, 2: 3}

    def test_a_pattern_chooses_the_files(self, code):
        """The input's keys may be given or left out."""
        report = run_example(EXAMPLES / "index_files.py", {"folder": str(code), "pattern": "f00*.py"}).result(
            0
        )
        assert report["files"] == 10

    def test_a_folder_without_files_makes_an_empty_report(self, tmp_path):
        """A map over nothing completes at once."""
        report = run_example(EXAMPLES / "index_files.py", {"folder": str(tmp_path)}).result(0)
        assert (report["files"], report["most_used"]) == (0, {})


def test_the_demo_kills_recovers_and_repeats_nothing(code):
    """It ends with exit code 0, having named what was in flight, and prints the report."""
    for number in range(200):
        (code / f"f{number:03}.py").write_text(f"def f{number}(shared):\n    return shared\n" * 300)
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "demo.py"), str(code)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 files whose read was confirmed were read again" in done.stdout
    report = json.loads(done.stdout.partition("The report:")[2])
    assert report["files"] == 201
