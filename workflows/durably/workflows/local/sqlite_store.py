"""Executions in a SQLite database: what survives a crash, and a power cut.

Every commit is one transaction with `synchronous=FULL`, in a write-ahead log, so that others can read
while its owner writes. A commit writes the operations and events that it changes, never an
execution's whole history. Payloads stand once: an event takes the result of an operation that is
over from that operation.

A new database is made under another name and moved into place, so a file that is there is whole. One
that is not ours is recognized by its first hundred bytes, before SQLite could touch it.
"""

import os
import sqlite3
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from durably.actors.model import Operation, OperationUpdate
from durably.workflows.local import rows
from durably.workflows.local.errors import DatabaseError, ServiceError, not_found
from durably.workflows.local.history import HistoryEvent, events_of
from durably.workflows.local.ownership import DatabaseLock
from durably.workflows.local.records import Commit, ExecutionRecord, StoredExecution
from durably.workflows.local.store import ExecutionSummary, first_commit, open_only

APPLICATION_ID = 0x64757261
""""dura" in ASCII, in the header of every database of ours."""

SCHEMA_VERSION = 1


class SqliteStore:
    """The store in one database file, owned by this process until `close`."""

    def __init__(self, path: str | os.PathLike[str], *, read_only: bool = False) -> None:
        """Open the database at `path`; one that does not exist is made.

        With `read_only` it only looks, and may do so while another process owns the database.

        Raises:
            DatabaseInUseError: another process owns it.
            DatabaseError: the file is something else, of a newer version, or cannot be opened.
        """
        self._path = Path(path).resolve()
        self._lock = threading.RLock()
        self._ids: dict[str, tuple[int, int]] = {}  # by ARN: its row, and the number of its next event
        self._ownership = None if read_only else DatabaseLock(self._path)
        try:
            if _check_header(self._path):
                if read_only:
                    raise DatabaseError(f"There is no database at {self._path}.")
                _make(self._path)
            self._db = _open(self._path, read_only=read_only)
        except BaseException:
            if self._ownership is not None:
                self._ownership.release()
            raise

    def create(self, stored: StoredExecution, now: datetime, source: bytes | None = None) -> None:
        record = stored.record
        with self._transaction():
            if source is not None and record.code_hash is not None:
                self._db.execute("INSERT OR IGNORE INTO code VALUES (?, ?)", (record.code_hash, source))
            cursor = self._db.execute(rows.INSERT_EXECUTION, rows.execution_row(record))
            row = cursor.lastrowid or 0
            self._write(row, 1, first_commit(stored, now))
        with self._lock:
            self._ids[record.arn] = (row, 1 + len(stored.operations))

    def write(self, arn: str, commit: Commit) -> None:
        with self._transaction():
            row, number = self._locate(arn)
            written = self._write(row, number, commit)
        self._ids[arn] = (row, number + written)

    def load(self, arn: str) -> StoredExecution:
        with self._reading():
            row, _ = self._locate(arn)
            record, sequence = self._record(row)
            operations: dict[str, Operation] = {}
            requests: dict[str, OperationUpdate] = {}
            heartbeats: dict[str, datetime] = {}
            for found in self._db.execute(rows.SELECT_OPERATIONS, (row,)):
                operation, request, heartbeat = rows.read_operation(found)
                operations[operation.id] = operation
                if request is not None:
                    requests[operation.id] = request
                if heartbeat is not None:
                    heartbeats[operation.id] = heartbeat
            return StoredExecution(
                record,
                tuple(operations.values()),
                sequence,
                open_only(requests, operations),
                open_only(heartbeats, operations),
            )

    def summaries(self) -> Sequence[ExecutionSummary]:
        with self._reading():
            found: list[ExecutionSummary] = []
            for execution in self._db.execute(rows.SELECT_EXECUTION + " ORDER BY row").fetchall():
                record, _ = rows.read_execution(execution)
                row = self._db.execute(
                    rows.SELECT_OPERATION, (self._locate(record.arn)[0], record.operation_id)
                ).fetchone()
                found.append(ExecutionSummary(record, rows.read_operation(row)[0]))
            return found

    def record(self, arn: str) -> ExecutionRecord:
        with self._reading():
            return self._record(self._locate(arn)[0])[0]

    def history(
        self, arn: str, start: int | None = None, count: int | None = None, *, backwards: bool = False
    ) -> Sequence[HistoryEvent]:
        with self._reading():
            row, _ = self._locate(arn)
            if start is None:
                start = rows.LARGEST_NUMBER if backwards else 0
            query = rows.SELECT_EVENTS_BACKWARDS if backwards else rows.SELECT_EVENTS
            events = self._db.execute(query, (row, start, -1 if count is None else count)).fetchall()
            if count is None:
                found = self._db.execute(rows.SELECT_OPERATIONS, (row,)).fetchall()
            else:
                ids = {event[3] for event in events if event[3] is not None}
                found = [self._db.execute(rows.SELECT_OPERATION, (row, each)).fetchone() for each in ids]
            operations = {each[0]: rows.read_operation(each) for each in found}
            return [rows.read_event(event, operations) for event in events]

    def source(self, code_hash: str) -> bytes | None:
        with self._reading():
            row = self._db.execute("SELECT source FROM code WHERE hash = ?", (code_hash,)).fetchone()
            return None if row is None else bytes(row[0])

    def change_code(self, arn: str, code_hash: str, source: bytes) -> None:
        with self._transaction():
            self._db.execute("INSERT OR IGNORE INTO code VALUES (?, ?)", (code_hash, source))
            self._db.execute("UPDATE executions SET code_hash = ? WHERE arn = ?", (code_hash, arn))

    def close(self) -> None:
        with self._lock:
            self._db.close()
            if self._ownership is not None:
                self._ownership.release()

    def _write(self, row: int, number: int, commit: Commit) -> int:
        """Write a commit inside a transaction; returns how many events it had."""
        events = list(events_of(commit, number))
        requests = {
            event.operation.id: event.request
            for event in events
            if event.operation is not None and event.request is not None
        }
        self._db.executemany(
            rows.UPSERT_OPERATION,
            [
                rows.operation_row(row, operation, requests.get(operation.id))
                for operation in commit.operations.values()
            ],
        )
        self._db.executemany(rows.INSERT_EVENT, [rows.event_row(row, event) for event in events])
        for operation_id, at in commit.heartbeats.items():
            self._db.execute(rows.UPDATE_HEARTBEAT, (rows.millis(at), row, operation_id))
        self._db.execute("UPDATE executions SET sequence = ? WHERE row = ?", (commit.sequence, row))
        return len(events)

    def _record(self, row: int) -> tuple[ExecutionRecord, int]:
        return rows.read_execution(
            self._db.execute(rows.SELECT_EXECUTION + " WHERE row = ?", (row,)).fetchone()
        )

    def _locate(self, arn: str) -> tuple[int, int]:
        known = self._ids.get(arn)
        if known is None:
            found = self._db.execute("SELECT row FROM executions WHERE arn = ?", (arn,)).fetchone()
            if found is None:
                raise not_found(f"There is no execution {arn}.")
            last = self._db.execute("SELECT MAX(number) FROM events WHERE execution = ?", found).fetchone()
            known = self._ids[arn] = (found[0], (last[0] or 0) + 1)
        return known

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._reading():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Generator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise ServiceError(500, "ServiceException", f"The database {self._path}: {error}") from error


def _check_header(path: Path) -> bool:
    """Look at the file without SQLite; returns whether there is none, or an empty one."""
    try:
        with path.open("rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return True
    except OSError as error:
        raise DatabaseError(f"Cannot open the database {path}: {error}") from error
    if not header:
        return True
    if len(header) < 100 or not header.startswith(b"SQLite format 3\0"):
        raise DatabaseError(f"{path} is no SQLite database. It was left as it is; name another file.")
    if int.from_bytes(header[68:72]) != APPLICATION_ID:
        raise DatabaseError(f"{path} belongs to another program. It was left as it is; name another file.")
    version = int.from_bytes(header[60:64])
    if version != SCHEMA_VERSION:
        raise DatabaseError(
            f"{path} has version {version}, and this release of durably reads version {SCHEMA_VERSION}. "
            "It was left as it is; use the release that wrote it, or another file."
        )
    return False


def _make(path: Path) -> None:
    """Make an empty database of ours: whole, or not at all."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)
        db = sqlite3.connect(draft, isolation_level=None)
        try:
            db.executescript(f"BEGIN; {rows.SCHEMA} COMMIT;")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            db.execute("PRAGMA journal_mode = WAL")
        finally:
            db.close()
        draft.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise DatabaseError(f"Cannot make the database {path}: {error}") from error


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    mode = "ro" if read_only else "rw"
    db: sqlite3.Connection | None = None
    try:
        db = sqlite3.connect(
            f"{path.as_uri()}?mode={mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=30,
        )
        found = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not read_only:
            db.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error as error:
        if db is not None:
            db.close()
        raise DatabaseError(f"Cannot read the database {path}: {error}. It was left as it is.") from error
    missing = sorted(rows.TABLES - found)
    if missing:
        db.close()
        raise DatabaseError(f"The database {path} is damaged: no table {', '.join(missing)}.")
    return db
