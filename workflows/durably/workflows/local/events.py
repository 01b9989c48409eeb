"""The event with which the service invokes a handler."""

from typing import Any

from durably.workflows.local.executions import Invocation
from durably.workflows.wire import operation_to_wire


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
