"""Contexts in a replay: whose code runs although they are complete, and what comes of it.

The service's records keep the code of a context from running once it is complete. It may have changed all
the same, and an execution that is interrupted inside would find that out. So one replay opens all contexts,
lets their code run on the records of its own operations, and compares what it comes to.

A map or parallel that took all its branches is opened like any context. One that was decided early cannot
be: which branches had ended by then is not for today's code to say. It is rebuilt, as a large result is.
"""

from collections.abc import Mapping
from typing import cast

import attrs

from durably.actors.model import Operation, OperationAction, OperationStatus, OperationType
from durably.workflows.concurrency.completion_record import read_completion_record, write_completion_record
from durably.workflows.concurrency.models import BatchResult, CompletionReason
from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import deserialize
from durably.workflows.testing.replay_history import RecordedHistory, far_away
from durably.workflows.testing.replay_report import Divergence, DivergenceKind, error_text, same_json
from durably.workflows.testing.replay_run import Replay

_BATCHES = {"Map": "MapResult", "Parallel": "ParallelResult"}
_STARTED, _SUCCEEDED = OperationStatus.STARTED, OperationStatus.SUCCEEDED


def rebuilding(operations: Mapping[str, Operation], large: set[str]) -> dict[str, Operation]:
    """The records as the service would give them: a result that was too large to record is rebuilt.

    Histories do not say of which contexts that is so: `large` are known ones.
    """
    return {
        key: attrs.evolve(operation, replay_children=True) if _is_large(operation, large) else operation
        for key, operation in operations.items()
    }


def _is_large(operation: Operation, large: set[str]) -> bool:
    if operation.type is not OperationType.CONTEXT or operation.status is not _SUCCEEDED:
        return False
    if operation.sub_type in _BATCHES:
        return read_completion_record(operation.result) is not None
    return operation.id in large or operation.result == ""


def opened(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """The records with which the code of all contexts runs."""
    given: dict[str, Operation] = {}
    closed: set[str] = set()  # contexts in which nothing may end any more
    for key, operation in operations.items():  # parents come first
        if operation.type is OperationType.CONTEXT and operation.status.is_terminal:
            operation = _opened(operation, within_closed=operation.parent_id in closed)
            if operation.status.is_terminal:
                closed.add(key)
        given[key] = operation
    return given


def _opened(context: Operation, *, within_closed: bool) -> Operation:
    batch = _BATCHES.get(context.sub_type or "")
    if within_closed:
        if context.status is not _SUCCEEDED or (batch and read_completion_record(context.result) is None):
            return context
        return attrs.evolve(context, replay_children=True)
    if batch is None:
        return _begun(context)
    if context.status is not _SUCCEEDED:
        return context
    decision = read_completion_record(context.result)
    if decision is None:
        result = _batch_result(context)
        if result is None:
            return context  # in words of the user's own
        if result.completion_reason is not CompletionReason.ALL_COMPLETED:
            record = write_completion_record(result, batch)
            return attrs.evolve(context, result=record, replay_children=True)
    elif decision.completion_reason is not CompletionReason.ALL_COMPLETED:
        return attrs.evolve(context, replay_children=True)
    return _begun(context)


def _begun(context: Operation) -> Operation:
    return attrs.evolve(context, status=_STARTED, result=None, error=None)


def _batch_result(context: Operation) -> BatchResult[object] | None:
    try:
        found: object = deserialize(None, context.result or "", context.id, "")
    except SerDesError:
        return None
    return cast("BatchResult[object]", found) if isinstance(found, BatchResult) else None


def compared(history: RecordedHistory, run: Replay, event: int) -> list[Divergence]:
    """Contexts that were recorded as complete, and now end otherwise."""
    found: list[Divergence] = []
    for key, update in run.ended.items():
        operation = history.operations[key]
        if not operation.status.is_terminal:
            continue
        if update.action is OperationAction.SUCCEED:
            now = f"it returns {_shown(update.payload)}"
            same = operation.status is _SUCCEEDED and same_json(update.payload, operation.result)
        else:
            now = f"it raises {error_text(update.error)}"
            error = operation.error
            same = operation.status is OperationStatus.FAILED and (
                error is None
                or update.error is None
                or (error.type, error.message) == (update.error.type, update.error.message)
            )
        if not same:
            succeeded = operation.status is _SUCCEEDED
            then = (
                f"it returned {_shown(operation.result)}"
                if succeeded
                else f"it raised {error_text(operation.error)}"
            )
            where = run.locations.get(key)
            found.append(Divergence(DivergenceKind.RESULT, key, operation.name, then, now, where, event))
    return found


def _shown(payload: str | None) -> str:
    return "nothing" if payload is None else payload if len(payload) <= 200 else payload[:200] + "..."


def held_all(operations: Mapping[str, Operation]) -> dict[str, Operation]:
    """All records, each held."""
    return {key: held(operation) for key, operation in operations.items()}


def held(operation: Operation) -> Operation:
    """A record with which an operation waits and does nothing else, if it is not complete."""
    kind, status = operation.type, operation.status
    if status.is_terminal or kind is OperationType.CONTEXT:
        return operation
    if kind is OperationType.STEP:
        return attrs.evolve(operation, status=OperationStatus.PENDING, next_attempt_at=far_away())
    return attrs.evolve(operation, ends_at=far_away() if kind is OperationType.WAIT else None)
