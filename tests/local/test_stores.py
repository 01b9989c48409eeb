"""Stores: what goes in comes out again, from memory and from SQLite alike."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.executions import Execution
from durably.workflows.local.records import ExecutionRecord, InvocationRecord, make_arn, new_execution
from durably.workflows.local.sqlite_store import SqliteStore
from durably.workflows.local.store import MemoryStore, Store
from tests.local.scripted import retry, step_done, update, wait


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else SqliteStore(tmp_path / "x.db")
    yield opened
    opened.close()


def start(store: Store, clock: SkippingClock, name: str = "n") -> Execution:
    record = ExecutionRecord(make_arn("f", name), name, "f", "/f.py", "f", "hash", timeout_seconds=9000)
    stored = new_execution(record, '{"a": 1}', clock.now())
    store.create(stored, clock.now(), b"code")
    return Execution(stored, clock, store, lambda _: None)


def live(store: Store, clock: SkippingClock) -> Execution:
    """An execution with one of everything in it."""
    execution = start(store, clock)
    token = execution.begin().token
    stack = ErrorObject("m", "t", "d", ("frame",))
    updates = [
        update("CONTEXT", "START", "p", sub_type="Map", name="all"),
        update("CONTEXT", "SUCCEED", "p", payload="[]", replay_children=True),
        step_done("s"),
        update("STEP", "FAIL", "f", error=stack, parent_id="p"),
        retry("r", 5),
        wait("w", 60),
        update("CALLBACK", "START", "c", timeout_seconds=99, heartbeat_timeout_seconds=30),
        update("CALLBACK", "START", "d"),
        update("CHAINED_INVOKE", "START", "i", function_name="g", payload="1", tenant_id="t"),
    ]
    execution.checkpoint(token, updates)
    clock.advance(7)
    execution.elapse()
    execution.heartbeat("c")
    execution.settle("d", OperationStatus.SUCCEEDED, "yes")
    execution.end_invocation(InvocationRecord("id", clock.now(), clock.now(), stack))
    return execution


def test_an_execution_comes_back_as_it_was(store):
    """Operations in their order, open requests, heartbeats and the count of tokens survive."""
    clock = SkippingClock()
    execution = live(store, clock)
    again = store.load(execution.arn)
    assert list(again.operations) == execution.snapshot()
    assert again.record == execution.record
    assert set(again.requests) == {"c", "i"}
    assert again.requests == execution.requests
    assert again.sequence > 0
    revived = Execution(again, clock, store)
    assert revived.next_due() == execution.next_due()
    assert revived.has_pending


def test_the_heartbeat_survives(store):
    """A revived callback is silent since its last heartbeat, not since its start."""
    clock = SkippingClock()
    execution = live(store, clock)
    clock.advance(29)
    revived = Execution(store.load(execution.arn), clock, store)
    revived.elapse()
    assert revived.operations["c"].status is OperationStatus.STARTED
    clock.advance(1)
    revived.elapse()
    assert revived.operations["c"].status is OperationStatus.TIMED_OUT


def test_both_stores_tell_the_same_history(tmp_path):
    """Every event has its number, time and the operation as it was, whatever the store."""
    told = []
    sqlite = SqliteStore(tmp_path / "x.db")
    for store in (MemoryStore(), sqlite):
        execution = live(store, SkippingClock())
        events = store.history(execution.arn)
        told.append([attrs.evolve(event, operation=_plain(event.operation)) for event in events])
    sqlite.close()
    assert told[0] == told[1]
    assert [event.type for event in told[0]] == [
        "ExecutionStarted",
        *("ContextStarted", "ContextSucceeded", "StepSucceeded", "StepFailed", "StepFailed", "WaitStarted"),
        *("CallbackStarted", "CallbackStarted", "ChainedInvokeStarted", "CallbackSucceeded"),
        "InvocationCompleted",
    ]
    assert [event.id for event in told[0]] == list(range(1, 13))


def _plain(operation):
    """Without what names the execution: its id and the ids of its callbacks."""
    return operation and attrs.evolve(operation, id="", callback_id=None)


def test_executions_are_listed_in_the_order_of_their_start(store):
    """A summary has the record, and the EXECUTION operation as it stands."""
    clock = SkippingClock()
    first, second = start(store, clock, "one"), start(store, clock, "two")
    second.finish(OperationStatus.FAILED, error=ErrorObject("no"))
    assert [(s.record.name, s.operation.status.value) for s in store.summaries()] == [
        ("one", "STARTED"),
        ("two", "FAILED"),
    ]
    assert store.summaries()[0].operation == first.summary


def test_code_is_kept_by_its_hash(store):
    """The code of an execution can be read back, and replaced on purpose."""
    execution = start(store, SkippingClock())
    assert store.source("hash") == b"code"
    store.change_code(execution.arn, "other", b"new")
    assert (store.load(execution.arn).record.code_hash, store.source("other")) == ("other", b"new")
    assert store.source("unheard of") is None


def test_an_unknown_execution_is_not_found(store):
    """Asking for what is not there is a 404."""
    with pytest.raises(ServiceError, match="There is no execution") as refused:
        store.load("nobody")
    assert refused.value.status_code == 404


def test_a_commit_that_fails_did_not_happen(tmp_path):
    """If the database cannot be written the caller gets a 500, and the same checkpoint may come again."""
    store = SqliteStore(tmp_path / "x.db")
    execution = start(store, SkippingClock())
    token = execution.begin().token
    store._db.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(ServiceError, match="full") as failed:
        execution.checkpoint(token, [step_done("a"), wait("w", 1)])
    assert failed.value.status_code == 500
    assert set(execution.operations) == {execution.record.operation_id}
    store._db.execute("DROP TRIGGER full")
    assert len(execution.checkpoint(token, [step_done("a"), wait("w", 1)]).operations) == 2
    store.close()


def test_due_work_is_not_forgotten_when_it_cannot_be_recorded(tmp_path):
    """A wait whose end could not be written ends at the next opportunity."""
    store, clock = SqliteStore(tmp_path / "x.db"), SkippingClock()
    execution = start(store, clock)
    execution.checkpoint(execution.begin().token, [wait("w", 1)])
    clock.advance(1)
    store._db.execute("CREATE TRIGGER full BEFORE INSERT ON events BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(ServiceError):
        execution.elapse()
    store._db.execute("DROP TRIGGER full")
    assert execution.elapse()
    store.close()


def test_a_commit_writes_what_it_changes_and_no_more(tmp_path):
    """The hundredth checkpoint of an execution writes as many rows as the first."""
    store = SqliteStore(tmp_path / "x.db")
    execution = start(store, SkippingClock())
    token = execution.begin().token or ""
    written = []
    for number in range(100):
        before = store._db.total_changes
        token = execution.checkpoint(token, [step_done(f"s{number}")]).token or ""
        written.append(store._db.total_changes - before)
    assert set(written) == {3}  # an operation, an event, the execution
    store.close()


def test_others_may_look_while_the_owner_writes(tmp_path):
    """A store that only reads needs no ownership, and sees what has been committed."""
    path = tmp_path / "x.db"
    store = SqliteStore(path)
    execution = start(store, SkippingClock())
    reader = SqliteStore(path, read_only=True)
    assert reader.load(execution.arn).record == execution.record
    with pytest.raises(ServiceError, match="readonly"):
        reader.change_code(execution.arn, "x", b"")
    reader.close()
    store.close()


def test_the_database_is_synchronous(tmp_path):
    """An acknowledged commit is on the disk: synchronous=FULL, in a write-ahead log."""
    store = SqliteStore(tmp_path / "x.db")
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
    assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()
    with sqlite3.connect(tmp_path / "x.db") as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
