"""A chained invoke: an execution that another one starts, and whose outcome it waits for."""

import json
import uuid
from typing import Any

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationUpdate
from durably.workflows.local import validation
from durably.workflows.local.code import Handler
from durably.workflows.local.lambda_context import LocalLambdaContext
from durably.workflows.local.records import make_arn
from durably.workflows.service import DurableServiceClient

_NAMESPACE = uuid.UUID("a7c1c6de-6c3f-4a52-8d1e-0f1c2d8f6b11")


def child_arn(parent_arn: str, request: OperationUpdate) -> str:
    """The ARN of the execution that a chained invoke starts.

    It follows from the operation, so that a service that died between recording the operation and
    starting the execution starts it once, when it recovers.
    """
    unique = uuid.uuid5(_NAMESPACE, f"{parent_arn}#{request.id}")
    return make_arn(function_of(request), str(unique), str(unique))


def function_of(request: OperationUpdate) -> str:
    """The bare name of the function that a chained invoke asks for."""
    return validation.check_invoke(request)


def outcome_for_parent(
    summary: Operation,
) -> tuple[OperationStatus, str | None, ErrorObject | None]:
    """What the end of a child means to the operation that waits for it."""
    if summary.status is OperationStatus.TIMED_OUT:
        why = (summary.error and summary.error.message) or "Execution timed out."
        message = why.replace("Execution", "CHAINED_INVOKE", 1)
        return summary.status, None, ErrorObject(message, "ChainedInvoke.Timeout")
    if summary.status is OperationStatus.FAILED and summary.error is None:
        return summary.status, None, ErrorObject("Chained invoke failed.")
    return summary.status, summary.result, summary.error


def invoke_plain(
    function: Handler, event: dict[str, Any], context: LocalLambdaContext, _: DurableServiceClient
) -> dict[str, Any]:
    """Invoke a function that is not durable, as though it were: one call decides, and is not retried."""
    payload = event["InitialExecutionState"]["Operations"][0]["ExecutionDetails"].get("InputPayload")
    try:
        result = json.dumps(function(json.loads(payload) if payload else None, context))
    except Exception as raised:  # of what Lambda's runtime says of it, the type is the bare name
        error = {"ErrorMessage": str(raised), "ErrorType": type(raised).__name__}
        return {"Status": "FAILED", "Error": error}
    return {"Status": "SUCCEEDED", "Result": result}
