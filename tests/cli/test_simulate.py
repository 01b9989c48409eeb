"""`durably simulate`: a race in a workflow, found on the command line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from durably.workflows.cli.simulate import Display
from durably.workflows.testing import SimulationProgress
from tests.cli.command import durably, environment

RACE = """
import os
from durably.workflows import durable_execution

print("imported")

@durable_execution
def handler(event, context):
    print("noise")
    os.system("echo noise of another process")
    context.logger.error("noise in a log")
    receipts = []

    def branch(child, item, *_):
        receipts.append(child.step(lambda step: f"receipt for {item}", name=f"charge {item}"))

    context.map(["kite", "lamp"], branch, name="charges")
    return receipts

@durable_execution
def fixed(event, context):
    def branch(child, item, *_):
        return child.step(lambda step: f"receipt for {item}", name=f"charge {item}")

    return context.map(event, branch, name="charges").get_results()

@durable_execution
def small(event, context):
    return context.step(lambda step: 1, name="one")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(RACE)
    return tmp_path


class TestWhatIsFound:
    def test_is_printed_shrunk(self, folder):
        """What went wrong, the least that it takes, and the swap that cures it; exit code 1."""
        done = durably(folder, "simulate", "shop.py", "--no-faults")
        assert done.returncode == 1, done.stderr
        assert '["receipt for lamp", "receipt for kite"], and not to ["receipt for kite"' in done.stdout
        assert "It takes 1 deviation from the order of production" in done.stdout
        assert "It passes if" in done.stdout
        assert "1 failed" in done.stdout.splitlines()[-1]

    def test_is_a_test_that_fails_until_it_is_mended(self, folder):
        """Pasted into a file as it is printed."""
        done = durably(folder, "simulate", "shop.py", "--no-faults")
        code = re.search(r"As a test:\n\n(.*?)\n\nWhat happens", done.stdout, re.DOTALL)
        assert code is not None
        (folder / "test_it.py").write_text(code[1].replace("\n    ", "\n").removeprefix("    "))
        assert self.pytest(folder) == 1
        text = RACE.replace("return receipts", "return sorted(receipts)")
        (folder / "shop.py").write_text(text)
        assert self.pytest(folder) == 0

    def pytest(self, folder: Path) -> int:
        """The exit code of a test run."""
        options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly"]
        return subprocess.run(
            [sys.executable, "-B", "-m", "pytest", *options, str(folder)],
            cwd=folder,
            env=environment(),
            capture_output=True,
            check=False,
        ).returncode

    def test_is_the_same_every_time(self, folder):
        """All but the speed is a function of the arguments."""
        one, other = (durably(folder, "simulate", "shop.py", "--seed", "3").stdout for _ in range(2))
        assert one.rpartition(", ")[0] == other.rpartition(", ")[0]

    def test_is_no_failure_if_any_answer_will_do(self, folder):
        """The result may depend on a race, if that is said."""
        done = durably(folder, "simulate", "shop.py", "--no-faults", "--any-answer", "-n", "50")
        assert done.returncode == 0


class TestWhatIsRight:
    def test_is_told_with_its_extent_speed_and_result(self, folder):
        """Two lines, and exit code 0."""
        done = durably(folder, "simulate", "shop.py:fixed", "-i", "[1, 2]", "-n", "30", "-s", "pct")
        assert done.returncode == 0, done.stdout
        head, result = done.stdout.splitlines()
        assert re.fullmatch(
            r"explored: 30 schedules, [\d,]+ choices, 0 failed, [\d,]+ schedules a second", head
        )
        assert result == 'result: ["receipt for 1", "receipt for 2"]'

    def test_is_proved_for_a_small_workflow(self, folder):
        """Every schedule that there is."""
        done = durably(folder, "simulate", "shop.py:small", "-s", "exhaustive", "--no-faults")
        assert done.returncode == 0
        assert done.stdout.startswith("exhausted: ")


def test_what_workflows_print_is_not_shown(folder):
    """Neither what they log, nor what their processes print; the file itself may say something."""
    done = durably(folder, "simulate", "shop.py:handler", "-n", "3", "--any-answer")
    assert "noise" not in done.stdout + done.stderr
    assert done.stderr == "imported\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["absent.py"], "There is no file"),
        (["shop.py:nobody"], "no durable handler 'nobody'"),
        (["shop.py", "--strategy", "luck"], "'luck' is not one of"),
        (["shop.py", "--schedules", "0"], "--schedules"),
        (["shop.py", "--input", "{"], "Invalid JSON"),
    ],
)
def test_wrong_usage_has_exit_code_2(folder, arguments, words):
    """Nothing is simulated."""
    done = durably(folder, "simulate", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


class TestProgress:
    def told(self, *, is_terminal: bool) -> str:
        written: list[str] = []
        display = Display(written.append, 1000, is_terminal=is_terminal, every=0)
        display.show(SimulationProgress(10, 200, 0))
        display.show(SimulationProgress(11, 220, 1, shrinking=7))
        display.clear()
        return "".join(written)

    def test_is_one_line_on_a_terminal(self):
        """It is redrawn, and removed at the end."""
        told = self.told(is_terminal=True)
        assert "\n" not in told
        assert told.startswith("\r\x1b[K10 of 1,000 schedules, ")
        assert told.endswith(
            "\r\x1b[K11 of 1,000 schedules, and one that fails: shrinking it, 7 runs\r\x1b[K"
        )

    def test_is_plain_lines_in_a_pipe(self):
        """No control characters."""
        told = self.told(is_terminal=False)
        assert "\x1b" not in told
        assert told.endswith("11 of 1,000 schedules, and one that fails: shrinking it, 7 runs\n")
