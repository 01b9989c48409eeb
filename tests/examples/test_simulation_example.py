"""The race of the page on simulation is found as the page says."""

import subprocess
import sys
from pathlib import Path

from tests.cli.command import durably

ROOT = Path(__file__).parents[2]


def test_the_command_prints_what_the_page_shows():
    """The first lines of its output, word for word; and exit code 1."""
    done = durably(ROOT, "simulate", "examples/simulation.py", "--no-faults")
    assert done.returncode == 1
    command = "$ durably simulate examples/simulation.py --no-faults\n"
    shown = (ROOT / "docs" / "simulation.md").read_text().partition(command)[2].partition("```")[0]
    assert shown
    assert done.stdout.startswith(shown)
    test = (ROOT / "docs" / "simulation.md").read_text().partition("from simulation import handler\n")[2]
    printed = done.stdout.replace("\n    ", "\n").partition("from simulation import handler\n")[2]
    assert printed.partition("\n\nWhat")[0].strip() == test.partition("```")[0].strip()


def test_the_tests_of_the_example_pass():
    """With the fixture and the marker, without any configuration."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "test_simulation.py"],
        cwd=ROOT / "examples",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
