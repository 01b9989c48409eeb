"""What is special about callbacks: ids that the outside world names them by, and two timeouts."""

import base64
import json
from datetime import datetime, timedelta

from durably.actors.model import ErrorObject, Operation, OperationUpdate
from durably.workflows.local.errors import invalid


def callback_id(arn: str, operation_id: str) -> str:
    """The id under which the outside world completes a callback; it says where the callback is."""
    return base64.b64encode(json.dumps([arn, operation_id]).encode()).decode()


def parse_callback_id(text: str) -> tuple[str, str]:
    """The ARN and the operation id in a callback id.

    Raises:
        ServiceError: 400, if it is no callback id.
    """
    try:
        arn, operation_id = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, TypeError):
        raise invalid("Invalid callback id.") from None
    if not isinstance(arn, str) or not isinstance(operation_id, str):
        raise invalid("Invalid callback id.")
    return arn, operation_id


def timeouts(
    operation: Operation, request: OperationUpdate | None, alive_at: datetime | None
) -> list[tuple[datetime, ErrorObject]]:
    """When a started callback times out, and with what error; empty if it may take for ever.

    `alive_at` is the time of the last heartbeat; without one the silence began with the callback.
    """
    started_at = operation.started_at
    found: list[tuple[datetime, ErrorObject]] = []
    if request is not None and started_at is not None:
        if request.timeout_seconds:
            patience = timedelta(seconds=request.timeout_seconds)
            found.append((started_at + patience, ErrorObject("Callback timed out", "Callback.Timeout")))
        if request.heartbeat_timeout_seconds:
            silence = timedelta(seconds=request.heartbeat_timeout_seconds)
            error = ErrorObject("Callback timed out on heartbeat", "Callback.Heartbeat")
            found.append(((alive_at or started_at) + silence, error))
    return sorted(found, key=lambda timeout: timeout[0])
