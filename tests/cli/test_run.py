"""`durably run`: a workflow from its file to its result."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import durably

SHOP = """
import os
from durably.workflows import (
    DurableContext, Duration, StepConfig, durable_execution, durable_step, RetryDecision,
)

print("imported")

@durable_step
def double(step, number):
    print("doubling", number)
    return number * 2

def branch(context, number, index, numbers):
    return context.step(double(number))

@durable_execution
def handler(event, context):
    os.system("echo from another process")
    context.wait(Duration.from_seconds(1), name="rest")
    return context.map(event, branch, name="all").get_results()
"""

BROKEN = """
from durably.workflows import RetryDecision, StepConfig, durable_execution

ONCE = StepConfig(retry_strategy=lambda error, attempts: RetryDecision.no_retry())

def refuse(step):
    raise ValueError("no more of this")

@durable_execution
def handler(event, context):
    def inner(child):
        child.step(refuse, name="refuse", config=ONCE)
    context.run_in_child_context(inner, name="inner")
"""

TWO = """
from durably.workflows import durable_execution

@durable_execution
def one(event, context):
    context.logger.info("one is called")
    return ["one", event]

@durable_execution
def two(event, context):
    return ["two", event]

def plain(event, context):
    return 3

renamed = durable_execution(plain)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "broken.py").write_text(BROKEN)
    (tmp_path / "two.py").write_text(TWO)
    return tmp_path


def test_standard_output_is_the_result_and_nothing_else(folder):
    """What the file, its steps and their processes print goes to standard error, with the progress."""
    done = durably(folder, "run", "shop.py", "--input", "[1, 2, 3]")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [2, 4, 6]
    assert done.stdout.count("\n") == 1
    assert {"imported", "doubling", "from another process"} <= {
        line.rstrip(" 0123456789") for line in done.stderr.splitlines()
    }
    assert "rest: waits until" in done.stderr
    assert "all: done" in done.stderr
    assert "3 of 3 done" in done.stderr
    assert "\x1b" not in done.stderr
    assert "double: " not in done.stderr, "what is in a map is counted, not told one by one"


def test_a_quiet_run_says_nothing(folder):
    """With --quiet there is only the result."""
    done = durably(folder, "run", "two.py:one", "--quiet")
    assert (done.stdout, done.stderr) == ('["one", null]\n', "")


def test_executions_are_kept_in_a_folder_that_version_control_ignores(folder):
    """Without --database they are kept below the current folder."""
    assert durably(folder, "run", "two.py:one", "-q").returncode == 0
    assert (folder / ".durably" / "executions.db").is_file()
    assert (folder / ".durably" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("source", ["@event.json", "-"])
def test_input_comes_from_a_file_or_from_standard_input(folder, source):
    """@FILE and - stand for JSON that is elsewhere."""
    (folder / "event.json").write_text('{"a": [1, "å"]}')
    done = durably(folder, "run", "two.py:two", "-q", "--input", source, stdin='{"a": [1, "å"]}')
    assert json.loads(done.stdout) == ["two", {"a": [1, "å"]}]


def test_an_input_file_may_begin_with_a_byte_order_mark(folder):
    """As editors on Windows write them."""
    (folder / "event.json").write_text("[1]", encoding="utf-8-sig")
    done = durably(folder, "run", "two.py:two", "-q", "--input", "@event.json")
    assert done.stdout == '["two", [1]]\n'


def test_a_handler_goes_by_the_name_that_its_file_gives_it(folder):
    """A function that is decorated under another name is found, and recorded, under that name."""
    done = durably(folder, "run", "two.py:renamed", "-q", "-d", "x.db")
    assert done.stdout == "3\n"
    with sqlite3.connect(folder / "x.db") as database:
        assert database.execute("SELECT handler_name FROM executions").fetchall() == [("renamed",)]
    database.close()


def test_a_failed_execution_says_what_failed_and_where(folder):
    """Type and message, the operations that lead to it, the user's own frames, and exit code 1."""
    done = durably(folder, "run", "broken.py", "--name", "sad")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "sad FAILED" in done.stderr
    assert "no more of this\n  in inner > refuse: ValueError\n" in done.stderr
    assert "in handler" in done.stderr
    assert "durably/workflows/" not in done.stderr.replace("\\", "/")


def test_a_name_is_given_once(folder):
    """A second execution of the same name is refused, with the way to go on with the first."""
    assert durably(folder, "run", "two.py:one", "-q", "--name", "mine").returncode == 0
    again = durably(folder, "run", "two.py:one", "-q", "--name", "mine")
    assert (again.returncode, again.stdout) == (1, "")
    assert "durably recover mine" in again.stderr


SHOP_WITH_TILL = """
from durably.workflows import durable_execution

@durable_execution
def till(event, context):
    return context.step(lambda step: event * 2, name="count")

@durable_execution
def handler(event, context):
    return context.invoke("till", 21, name="pay")
"""


def test_the_handlers_of_a_file_invoke_each_other_by_name(tmp_path):
    """Of several the one called handler is run, and the others are functions that it may invoke."""
    (tmp_path / "shop.py").write_text(SHOP_WITH_TILL)
    done = durably(tmp_path, "run", "shop.py")
    assert (done.returncode, done.stdout) == (0, "42\n"), done.stderr
