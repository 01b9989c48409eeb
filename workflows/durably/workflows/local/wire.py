"""Operations as JSON, as an invocation event carries them: times are epoch milliseconds."""

from datetime import datetime
from typing import Any

from durably.actors.model import ErrorObject, Operation, OperationType
from durably.workflows.local.executions import Invocation


def _millis(when: datetime | None) -> int | None:
    return None if when is None else round(when.timestamp() * 1000)


def _error(error: ErrorObject | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return _present(
        ErrorMessage=error.message,
        ErrorType=error.type,
        ErrorData=error.data,
        StackTrace=None if error.stack_trace is None else list(error.stack_trace),
    )


def _present(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _details(operation: Operation) -> tuple[str, dict[str, Any]]:
    result, error = operation.result, _error(operation.error)
    match operation.type:
        case OperationType.EXECUTION:
            return "ExecutionDetails", _present(InputPayload=operation.input_payload)
        case OperationType.CONTEXT:
            replay_children = operation.replay_children or None
            return "ContextDetails", _present(Result=result, Error=error, ReplayChildren=replay_children)
        case OperationType.STEP:
            return "StepDetails", _present(
                Attempt=operation.attempt,
                NextAttemptTimestamp=_millis(operation.next_attempt_at),
                Result=result,
                Error=error,
            )
        case OperationType.WAIT:
            return "WaitDetails", _present(ScheduledEndTimestamp=_millis(operation.ends_at))
        case OperationType.CALLBACK:
            return "CallbackDetails", _present(CallbackId=operation.callback_id, Result=result, Error=error)
        case OperationType.CHAINED_INVOKE:
            return "ChainedInvokeDetails", _present(Result=result, Error=error)


def operation_to_wire(operation: Operation) -> dict[str, Any]:
    """The JSON object of one operation."""
    key, details = _details(operation)
    return _present(
        Id=operation.id,
        Type=operation.type.value,
        Status=operation.status.value,
        SubType=operation.sub_type,
        Name=operation.name,
        ParentId=operation.parent_id,
        StartTimestamp=_millis(operation.started_at),
        EndTimestamp=_millis(operation.ended_at),
        **{key: details},
    )


def invocation_event(arn: str, invocation: Invocation) -> dict[str, Any]:
    """The event, a JSON object, with which a handler is invoked."""
    return {
        "DurableExecutionArn": arn,
        "CheckpointToken": invocation.token,
        "InitialExecutionState": {
            "Operations": [operation_to_wire(operation) for operation in invocation.operations],
            "NextMarker": invocation.next_marker,
        },
        "UpdatedOperationIds": list(invocation.updated_operation_ids),
    }
