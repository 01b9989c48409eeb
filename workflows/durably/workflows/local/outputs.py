"""What a handler's answer means: the output of an invocation, checked as the service checks it."""

from collections.abc import Mapping
from typing import Any, cast

import attrs

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows.errors import error_from_wire
from durably.workflows.local import validation
from durably.workflows.local.errors import ServiceError, invalid

NOTHING_PENDING = "Cannot return PENDING status with no pending operations."


@attrs.frozen(slots=True)
class Output:
    """A valid output. `status` is SUCCEEDED, FAILED or PENDING."""

    status: OperationStatus
    result: str | None = None
    error: ErrorObject | None = None


def parse_output(output: object, *, is_child: bool = False) -> Output:
    """Read what the handler returned.

    Raises:
        ServiceError: 400, if it is no output of a durable invocation.
    """
    if not isinstance(output, Mapping):
        raise invalid(
            f"The handler returned {type(output).__name__} instead of an invocation output. "
            "Is it decorated with @durable_execution?"
        )
    fields = cast(Mapping[str, Any], output)
    status, result, error = fields.get("Status"), fields.get("Result"), fields.get("Error")
    if status is None:
        raise invalid("Response status is required")
    if result is not None and not isinstance(result, str):
        raise invalid("Result must be a string of JSON.")
    if error is not None and not isinstance(error, Mapping):
        raise invalid("Error must be an object.")
    match status:
        case "SUCCEEDED":
            if error is not None:
                raise invalid("Cannot provide an Error for SUCCEEDED status.")
            if is_child and validation.exceeds(result, validation.MAX_INVOKE_PAYLOAD_BYTES):
                limit = validation.MAX_INVOKE_PAYLOAD_BYTES
                message = f"Execution output payload size must be less than or equal to {limit} bytes."
                return Output(OperationStatus.FAILED, error=ErrorObject(message))
            return Output(OperationStatus.SUCCEEDED, result)
        case "FAILED":
            if result is not None:
                raise invalid("Cannot provide a Result for FAILED status.")
            fault = None if error is None else error_from_wire(cast(Mapping[str, Any], error))
            return Output(OperationStatus.FAILED, error=fault)
        case "PENDING":
            return Output(OperationStatus.PENDING)
        case _:
            raise invalid(f"Unexpected invocation status {status!r}.")


def error_of(raised: BaseException) -> ErrorObject:
    """The error of an invocation whose handler raised."""
    if isinstance(raised, ServiceError):
        return ErrorObject(raised.message, raised.code)
    if isinstance(raised, SystemExit):  # in Lambda it would have ended the process
        status = raised.code if isinstance(raised.code, int) else int(raised.code is not None)
        return ErrorObject(f"Runtime exited with error: exit status {status}", "Runtime.ExitError")
    kind = type(raised)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    return ErrorObject(str(raised), name)
