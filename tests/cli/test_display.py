"""What is shown while an execution runs: a tree on a terminal, lines elsewhere, both of bounded size."""

import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.cli.live_tree import LiveTree
from durably.workflows.cli.plain_lines import PlainLines
from durably.workflows.cli.progress import Feed, Progress, duration
from tests.cli.command import DURABLY, environment

NOW = datetime(2025, 1, 1, tzinfo=UTC)
STARTED, SUCCEEDED, FAILED = OperationStatus.STARTED, OperationStatus.SUCCEEDED, OperationStatus.FAILED
PENDING = OperationStatus.PENDING


def operation(id, status=STARTED, type=OperationType.STEP, parent=None, **fields):
    return Operation(
        id, type, status, name=fields.pop("name", id), parent_id=parent, started_at=NOW, **fields
    )


def root(status=STARTED):
    return operation("x", status, OperationType.EXECUTION, name="my run")


def big_map(count, done, failed=()):
    """A map of `count` branches, of which the first `done` have ended."""
    found = [root(), operation("m", type=OperationType.CONTEXT, sub_type="Map", name="shrink")]
    for index in range(count):
        status = SUCCEEDED if index < done else STARTED
        error = None
        if index in failed:
            status, error = FAILED, ErrorObject("it is broken", "some.module.PhotoError")
        branch = operation(f"b{index}", status, OperationType.CONTEXT, "m", error=error)
        found += [branch, operation(f"s{index}", status, parent=f"b{index}", error=error)]
    return found


def tell(feed, *operations):
    feed("arn", {one.id: one for one in operations})


def drawn(operations, height=20):
    feed = Feed()
    console = Console(file=io.StringIO(), width=100, height=height, force_terminal=True, color_system=None)
    tree = LiveTree(feed, {"arn": "my run"}, console)
    tell(feed, *operations)
    tree.refresh()
    with console.capture() as captured:
        console.print(tree.picture())
    return captured.get()


def lines(*batches):
    feed, out = Feed(), io.StringIO()
    with PlainLines(feed, {"arn": "my run"}, out) as display:
        for batch in batches:
            tell(feed, *batch)
            display.refresh()
    return [line.partition("s] ")[2] for line in out.getvalue().splitlines()]


class TestTheTree:
    def test_it_shows_every_operation_of_a_small_workflow(self):
        """Each with what it does, and until when it waits."""
        soon = datetime.now(UTC) + timedelta(hours=3)
        text = drawn(
            [
                root(),
                operation("a", SUCCEEDED, name="charge", ended_at=NOW + timedelta(seconds=2)),
                operation("b", type=OperationType.CONTEXT, name="ship"),
                operation("c", PENDING, parent="b", name="call", attempt=1, next_attempt_at=soon),
                operation("d", type=OperationType.WAIT, name="a while", ends_at=soon),
            ]
        )
        assert "my run: 4 operations, 2 waiting" in text
        assert "charge done in 2.0 s" in text
        assert "call sleeps until" in text
        assert "then attempt 2" in text
        assert "a while waits until" in text

    @pytest.mark.parametrize("height", [5, 12, 24, 60])
    def test_it_never_outgrows_the_screen(self, height):
        """Ten thousand branches under way take no more lines than there are."""
        assert drawn(big_map(10_000, 4_000), height).count("\n") < height

    def test_a_map_shows_its_counts_its_failures_and_its_newest_branches(self):
        """All else is hidden in the counts."""
        text = drawn(big_map(10_000, 4_000, failed=[7]))
        assert "shrink 3,999 of 10,000 done, 1 failed, 6,000 under way" in text
        assert "PhotoError: it is broken" in text
        assert "b9999" in text
        assert "b5000" not in text

    def test_many_steps_in_a_row_are_shown_by_the_newest(self):
        """How many came before is told."""
        text = drawn([root(), *(operation(f"s{index}", SUCCEEDED) for index in range(1_000))])
        assert "s999" in text
        assert "996 more" in text

    def test_markup_in_a_name_or_an_error_is_text(self):
        """What users call things is shown as it is."""
        failed = operation("a", FAILED, name="[bold]x[/]", error=ErrorObject("[red]y", "E"))
        assert "[bold]x[/] failed: E: [red]y" in drawn([root(), failed])


class TestTheLines:
    def test_an_operation_is_told_when_it_moves(self):
        """Start and end, with the operations around it."""
        context = operation("c", type=OperationType.CONTEXT, name="ship")
        told = lines(
            [root()],
            [context, operation("s", parent="c", name="call")],
            [operation("s", SUCCEEDED, parent="c", name="call", ended_at=NOW + timedelta(seconds=90))],
        )
        assert told == ["ship: running", "ship > call: running", "ship > call: done in 1 min 30 s"]

    def test_a_map_is_told_by_its_counts(self):
        """Thousands of branches make a handful of lines, and only the first failures are among them."""
        told = lines([root()], big_map(3_000, 2_000, failed=range(500)))
        assert told[0] == "shrink: 1,500 of 3,000 done, 500 failed, 1,000 under way"
        assert any("shrink > b0" in line and "PhotoError" in line for line in told)
        assert len(told) < 30

    def test_many_steps_in_a_row_are_told_by_their_counts(self):
        """After the first fifty nobody reads them one by one."""
        batches = [[operation(f"s{index}", SUCCEEDED)] for index in range(1_000)]
        told = lines([root()], *batches)
        assert 50 <= len(told) < 60
        assert told[-1] == "the handler: 1,000 of 1,000 done"

    def test_what_an_invoked_function_does_is_told_as_its(self):
        """The lines of several executions can be told apart."""
        feed, out = Feed(), io.StringIO()
        invoked = "arn:aws:lambda:local:000000000000:function:till:$LATEST/durable-execution/9b1c/22e0"
        with PlainLines(feed, {"arn": "my run"}, out) as display:
            for arn in ("arn", invoked):
                feed(arn, {"x": root()})
            display.refresh()
            for arn in ("arn", invoked):
                feed(arn, {"s": operation("s", name="count")})
            display.refresh()
        told = [line.partition("s] ")[2] for line in out.getvalue().splitlines()]
        assert told == ["count: running", "till: count: running"]

    @pytest.mark.parametrize(
        ("sub_type", "told"),
        [("ChainedInvoke", "invoke"), ("RunInChildContext", "run in child context"), (None, "step")],
    )
    def test_what_has_no_name_is_called_by_its_kind(self, sub_type, told):
        """In words."""
        assert lines([root()], [operation("s", name=None, sub_type=sub_type)]) == [f"{told}: running"]

    def test_what_was_recorded_before_is_told_in_one_line(self):
        """A recovered execution begins with how much it has."""
        assert lines(big_map(10, 5)) == ["goes on after 21 operations"]
        assert lines([root(), operation("s", SUCCEEDED)]) == ["goes on after 1 operation"]


def test_a_change_costs_the_same_however_many_operations_there_are():
    """Counts are kept, not counted: nothing in a picture looks at every operation."""
    progress = Progress()
    progress.apply({one.id: one for one in big_map(1_000, 400)})
    group = progress.groups["m"]
    assert (group.done, len(group.open), group.failed) == (400, 600, [])
    assert group.worth_showing(2) == ["b998", "b999"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0.0 s"), (59.94, "59.9 s"), (61, "1 min 01 s"), (7199.9, "2 h 00 min"), (90_000, "1 d 1 h")],
)
def test_durations_are_told_as_people_read_them(seconds, text):
    """The two largest units are enough."""
    assert duration(timedelta(seconds=seconds)) == text


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_there_is_a_tree_and_the_result_is_still_clean(tmp_path):
    """Standard error is a terminal, standard output a pipe; what steps print stands above the tree."""
    import pty

    (tmp_path / "flow.py").write_text(
        "from durably.workflows import durable_execution\n"
        "@durable_execution\n"
        "def handler(event, context):\n"
        "    return context.step(lambda step: print('printed') or 1, name='only')\n"
    )
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*DURABLY, "run", "flow.py", "--name", "mine"],
        cwd=tmp_path,
        env={**environment(), "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
    ) as process:
        os.close(slave)
        shown = b""
        try:
            while chunk := os.read(master, 65536):
                shown += chunk
        except OSError:  # the other end is closed
            pass
        os.close(master)
        assert process.stdout is not None
        assert json.loads(process.stdout.read()) == 1
    text = shown.decode()
    assert process.returncode == 0, text
    assert "\x1b[" in text
    assert "└──" in text
    assert "printed" in text
    assert text.rstrip().endswith("mine SUCCEEDED")
