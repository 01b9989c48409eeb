"""What the service keeps of an execution beside its operations, and what it hands to a store.

The EXECUTION operation holds what changes in the course of an execution as a whole: its input,
status, result, error and times. `ExecutionRecord` is what never changes.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import attrs

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType, OperationUpdate
from durably.workflows.local.rules import Change


@attrs.frozen(slots=True)
class ExecutionRecord:
    """An execution's identity.

    `handler_file` and `handler_name` say where its handler was defined, `code_hash` which version of
    that file it began with. `parent_arn` and `parent_operation_id` name the CHAINED_INVOKE that
    started it, if one did.
    """

    arn: str
    name: str
    function_name: str
    handler_file: str | None = None
    handler_name: str | None = None
    code_hash: str | None = None
    parent_arn: str | None = None
    parent_operation_id: str | None = None
    timeout_seconds: int | None = None

    @property
    def operation_id(self) -> str:
        """The id of the EXECUTION operation: the last segment of the ARN."""
        return self.arn.rpartition("/")[2]


@attrs.frozen(slots=True)
class InvocationRecord:
    """One invocation of the handler that has ended, and the error if it raised one."""

    request_id: str
    started_at: datetime
    ended_at: datetime
    error: ErrorObject | None = None


@attrs.frozen(slots=True)
class Commit:
    """One atomic change of an execution, made at a time `at`.

    `changes` is what happened, in order; `operations` is the outcome, by id. `sequence` counts the
    tokens given out. `heartbeats` has the time of the last sign of life of a callback, by operation.
    """

    at: datetime
    changes: Sequence[Change] = ()
    operations: Mapping[str, Operation] = attrs.field(factory=dict[str, Operation])
    sequence: int = 0
    heartbeats: Mapping[str, datetime] = attrs.field(factory=dict[str, datetime])
    invocation: InvocationRecord | None = None


@attrs.frozen(slots=True)
class StoredExecution:
    """All that a store knows of an execution; what `Execution` is made from again.

    `requests` has the START of every callback and chained invoke that has no outcome yet.
    """

    record: ExecutionRecord
    operations: Sequence[Operation]
    sequence: int = 0
    requests: Mapping[str, OperationUpdate] = attrs.field(factory=dict[str, OperationUpdate])
    heartbeats: Mapping[str, datetime] = attrs.field(factory=dict[str, datetime])


def make_arn(function_name: str, name: str, unique: str | None = None) -> str:
    """The ARN of an execution, in the form that the Lambda API requires."""
    unique = unique or str(uuid.uuid4())
    function = f"arn:aws:lambda:local:000000000000:function:{function_name}:$LATEST"
    return f"{function}/durable-execution/{name}/{unique}"


def new_execution(record: ExecutionRecord, input_payload: str, now: datetime) -> StoredExecution:
    """An execution that has just been started: all it has is its EXECUTION operation."""
    operation = Operation(
        record.operation_id,
        OperationType.EXECUTION,
        OperationStatus.STARTED,
        name=record.name,
        started_at=now,
        input_payload=input_payload,
    )
    return StoredExecution(record, (operation,))
