"""The database file: whose it is, whether it is ours, and what a killed process leaves behind."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from durably.workflows.local.errors import DatabaseError, DatabaseInUseError
from durably.workflows.local.sqlite_store import APPLICATION_ID, SqliteStore

WRITER = """
import sys
from durably.actors.model import OperationAction, OperationType, OperationUpdate
from durably.workflows.local.clock import RealClock
from durably.workflows.local.executions import Execution
from durably.workflows.local.records import ExecutionRecord, make_arn, new_execution
from durably.workflows.local.sqlite_store import SqliteStore

clock = RealClock()
store = SqliteStore(sys.argv[1])
record = ExecutionRecord(make_arn("f", "n"), "n", "f")
stored = new_execution(record, "null", clock.now())
store.create(stored, clock.now())
execution = Execution(stored, clock, store)
token = execution.begin().token
for number in range(1_000_000):
    step = OperationUpdate(f"s{number}", OperationType.STEP, OperationAction.SUCCEED, payload=str(number))
    token = execution.checkpoint(token, [step]).token
    print(number, flush=True)
"""

OWNER = """
import sys
from durably.workflows.local.sqlite_store import SqliteStore
store = SqliteStore(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def child(code: str, path: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path):
    """After SIGKILL in the middle of writing, every checkpoint that was answered is in the database."""
    path = tmp_path / "x.db"
    with child(WRITER, path) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line]
    store = SqliteStore(path)
    [summary] = store.summaries()
    steps = {each.id: each.result for each in store.load(summary.record.arn).operations[1:]}
    assert len(acknowledged) >= 50
    assert len(acknowledged) <= len(steps) <= len(acknowledged) + 1
    assert steps == {f"s{number}": str(number) for number in range(len(steps))}
    assert len(store.history(summary.record.arn)) == len(steps) + 1
    store.close()


def test_a_second_owner_is_told_who_the_first_is(tmp_path):
    """While a process owns a database another gets an error with its process id; afterwards it may."""
    path = tmp_path / "x.db"
    with child(OWNER, path) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "open\n"
        with pytest.raises(DatabaseInUseError, match=rf"in use by process {owner.pid}\b"):
            SqliteStore(path)
        owner.kill()
    SqliteStore(path).close()


def test_one_process_owns_a_database_once(tmp_path):
    """A second store on the same file in the same process is refused as well."""
    store = SqliteStore(tmp_path / "x.db")
    with pytest.raises(DatabaseInUseError, match=str(os.getpid())):
        SqliteStore(tmp_path / "x.db")
    store.close()
    store.close()
    SqliteStore(tmp_path / "x.db").close()


def test_a_closed_database_is_a_single_file(tmp_path):
    """No lock, log or draft stays beside it."""
    SqliteStore(tmp_path / "x.db").close()
    assert [path.name for path in tmp_path.iterdir()] == ["x.db"]


def foreign_text(path: Path) -> None:
    path.write_text("shopping list\n" * 20)


def foreign_short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def foreign_database(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()


def newer_version(path: Path) -> None:
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
        db.execute("PRAGMA journal_mode = DELETE")
    db.close()


def without_tables(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 1")
        db.execute("CREATE TABLE code (x)")
    db.close()


def damaged(path: Path) -> None:
    SqliteStore(path).close()
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * 300 + whole[400:])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (foreign_text, "no SQLite database"),
        (foreign_short, "no SQLite database"),
        (foreign_database, "belongs to another program"),
        (newer_version, "has version 99"),
        (without_tables, "no table events, executions, operations"),
        (damaged, "Cannot read the database"),
    ],
)
def test_what_is_not_ours_is_left_alone(tmp_path, make, message):
    """A file that is something else is refused with a reason, and not a byte of it changes."""
    path = tmp_path / "x.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match=message):
        SqliteStore(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


def test_an_empty_file_becomes_a_database(tmp_path):
    """A file of no bytes is nobody's: it is taken, as SQLite does."""
    (tmp_path / "x.db").touch()
    SqliteStore(tmp_path / "x.db").close()
    assert (tmp_path / "x.db").stat().st_size > 0


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    """Nothing is made but the database itself."""
    with pytest.raises(DatabaseError, match="There is no folder"):
        SqliteStore(tmp_path / "nowhere" / "x.db")


def test_reading_makes_no_database(tmp_path):
    """Opening a database only to read fails if there is none, and leaves none."""
    with pytest.raises(DatabaseError, match="There is no database"):
        SqliteStore(tmp_path / "x.db", read_only=True)
    assert list(tmp_path.iterdir()) == []
