"""How executions, operations and events become rows of the database, and come back.

Times are epoch milliseconds; an error and a request are JSON objects with their fields' own names.
"""

import dataclasses
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import attrs

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.local.history import HistoryEvent
from durably.workflows.local.records import ExecutionRecord, InvocationRecord

SCHEMA = """
CREATE TABLE code (hash TEXT PRIMARY KEY, source BLOB NOT NULL);
CREATE TABLE executions (
    row INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL, function_name TEXT NOT NULL,
    handler_file TEXT, handler_name TEXT, code_hash TEXT, parent_arn TEXT, parent_operation_id TEXT,
    timeout_seconds INTEGER, sequence INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE operations (
    row INTEGER PRIMARY KEY, execution INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
    status TEXT NOT NULL, sub_type TEXT, name TEXT, parent_id TEXT, started_at INTEGER, ended_at INTEGER,
    result TEXT, error TEXT, attempt INTEGER NOT NULL, next_attempt_at INTEGER, ends_at INTEGER,
    replay_children INTEGER NOT NULL, callback_id TEXT, input_payload TEXT, request TEXT,
    heartbeat_at INTEGER, UNIQUE (execution, id)
);
CREATE TABLE events (
    execution INTEGER NOT NULL, number INTEGER NOT NULL, type TEXT NOT NULL, at INTEGER NOT NULL,
    operation_id TEXT, status TEXT, attempt INTEGER, next_attempt_at INTEGER, result TEXT, error TEXT,
    invocation TEXT, PRIMARY KEY (execution, number)
) WITHOUT ROWID;
"""
TABLES = set(re.findall(r"CREATE TABLE (\w+)", SCHEMA))

INSERT_EXECUTION = """
INSERT INTO executions (arn, name, function_name, handler_file, handler_name, code_hash, parent_arn,
    parent_operation_id, timeout_seconds) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
SELECT_EXECUTION = """
SELECT arn, name, function_name, handler_file, handler_name, code_hash, parent_arn, parent_operation_id,
    timeout_seconds, sequence FROM executions
"""
UPSERT_OPERATION = """
INSERT INTO operations (execution, id, type, status, sub_type, name, parent_id, started_at, ended_at,
    result, error, attempt, next_attempt_at, ends_at, replay_children, callback_id, input_payload, request)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (execution, id) DO UPDATE SET status = excluded.status, ended_at = excluded.ended_at,
    result = excluded.result, error = excluded.error, attempt = excluded.attempt,
    next_attempt_at = excluded.next_attempt_at, replay_children = excluded.replay_children
"""
_OPERATION_COLUMNS = """
SELECT id, type, status, sub_type, name, parent_id, started_at, ended_at, result, error, attempt,
    next_attempt_at, ends_at, replay_children, callback_id, input_payload, request, heartbeat_at
FROM operations
"""
SELECT_OPERATIONS = _OPERATION_COLUMNS + " WHERE execution = ? ORDER BY row"
SELECT_OPERATION = _OPERATION_COLUMNS + " WHERE execution = ? AND id = ?"
UPDATE_HEARTBEAT = "UPDATE operations SET heartbeat_at = ? WHERE execution = ? AND id = ?"
INSERT_EVENT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
SELECT_EVENTS = """
SELECT number, type, at, operation_id, status, attempt, next_attempt_at, result, error, invocation
FROM events WHERE execution = ? AND number >= ? ORDER BY number LIMIT ?
"""
SELECT_EVENTS_BACKWARDS = """
SELECT number, type, at, operation_id, status, attempt, next_attempt_at, result, error, invocation
FROM events WHERE execution = ? AND number <= ? ORDER BY number DESC LIMIT ?
"""
LARGEST_NUMBER = 2**63 - 1

OperationRow: TypeAlias = tuple[Operation, OperationUpdate | None, datetime | None]
"""An operation, its request, and the time of its last heartbeat."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def millis(when: datetime | None) -> int | None:
    """A time as epoch milliseconds, exactly."""
    return None if when is None else (when - _EPOCH) // _MILLISECOND


def _time(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + value * _MILLISECOND


def _sparse(fields: Mapping[str, Any]) -> str:
    return json.dumps({key: value for key, value in fields.items() if value is not None})


def _error_text(error: ErrorObject | None) -> str | None:
    return None if error is None else _sparse(dataclasses.asdict(error))


def _error(text: str | None) -> ErrorObject | None:
    if text is None:
        return None
    fields = json.loads(text)
    stack = fields.pop("stack_trace", None)
    return ErrorObject(**fields, stack_trace=None if stack is None else tuple(stack))


def _request_text(update: OperationUpdate | None) -> str | None:
    if update is None:
        return None
    return _sparse(
        {
            "payload": update.payload,
            "timeout_seconds": update.timeout_seconds,
            "heartbeat_timeout_seconds": update.heartbeat_timeout_seconds,
            "function_name": update.function_name,
            "tenant_id": update.tenant_id,
            "trace_id": update.trace_id,
        }
    )


def execution_row(record: ExecutionRecord) -> tuple[Any, ...]:
    """The parameters of INSERT_EXECUTION."""
    return (
        record.arn,
        record.name,
        record.function_name,
        record.handler_file,
        record.handler_name,
        record.code_hash,
        record.parent_arn,
        record.parent_operation_id,
        record.timeout_seconds,
    )


def read_execution(row: tuple[Any, ...]) -> tuple[ExecutionRecord, int]:
    """What a row of SELECT_EXECUTION says: the record, and the sequence of its tokens."""
    return ExecutionRecord(*row[:9]), row[9]


def operation_row(execution: int, operation: Operation, request: OperationUpdate | None) -> tuple[Any, ...]:
    """The parameters of UPSERT_OPERATION."""
    return (
        execution,
        operation.id,
        operation.type.value,
        operation.status.value,
        operation.sub_type,
        operation.name,
        operation.parent_id,
        millis(operation.started_at),
        millis(operation.ended_at),
        operation.result,
        _error_text(operation.error),
        operation.attempt,
        millis(operation.next_attempt_at),
        millis(operation.ends_at),
        operation.replay_children,
        operation.callback_id,
        operation.input_payload,
        _request_text(request),
    )


def read_operation(row: tuple[Any, ...]) -> OperationRow:
    """What a row of SELECT_OPERATION says."""
    operation = Operation(
        row[0],
        OperationType(row[1]),
        OperationStatus(row[2]),
        row[3],
        row[4],
        row[5],
        _time(row[6]),
        _time(row[7]),
        row[8],
        _error(row[9]),
        row[10],
        _time(row[11]),
        _time(row[12]),
        bool(row[13]),
        row[14],
        row[15],
    )
    request = None
    if row[16] is not None:
        request = OperationUpdate(
            operation.id,
            operation.type,
            OperationAction.START,
            operation.sub_type,
            operation.name,
            operation.parent_id,
            **json.loads(row[16]),
        )
    return operation, request, _time(row[17])


def event_row(execution: int, event: HistoryEvent) -> tuple[Any, ...]:
    """The parameters of INSERT_EVENT.

    The outcome of an operation that is over is kept with the operation alone.
    """
    operation, invocation = event.operation, event.invocation
    at = millis(event.at)
    if operation is not None:
        passing = not operation.status.is_terminal
        return (
            execution,
            event.id,
            event.type,
            at,
            operation.id,
            operation.status.value,
            operation.attempt,
            millis(operation.next_attempt_at),
            operation.result if passing else None,
            _error_text(operation.error) if passing else None,
            None,
        )
    text = None
    if invocation is not None:
        times = [millis(invocation.started_at), millis(invocation.ended_at)]
        text = json.dumps([invocation.request_id, *times, _error_text(invocation.error)])
    return (execution, event.id, event.type, at, None, None, None, None, None, None, text)


def read_event(row: tuple[Any, ...], operations: Mapping[str, OperationRow]) -> HistoryEvent:
    """What a row of SELECT_EVENTS says, given the operations as they stand now."""
    number, name, at, operation_id, status, attempt, next_attempt_at, result, error, text = row
    when = _time(at) or _EPOCH
    if operation_id is not None:
        operation, request, _ = operations[operation_id]
        then = OperationStatus(status)
        if not then.is_terminal:
            operation = attrs.evolve(
                operation,
                status=then,
                ended_at=None,
                attempt=attempt,
                next_attempt_at=_time(next_attempt_at),
                result=result,
                error=_error(error),
                replay_children=False,
            )
            return HistoryEvent(number, name, when, operation, request)
        return HistoryEvent(number, name, when, operation)
    request_id, started_at, ended_at, error = json.loads(text)
    invocation = InvocationRecord(
        request_id, _time(started_at) or when, _time(ended_at) or when, _error(error)
    )
    return HistoryEvent(number, name, when, invocation=invocation)
