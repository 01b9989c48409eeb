"""What a single update must look like, whatever the state of its execution.

These are the bounds of the Lambda API's service model. AWS's emulator lets most of them pass; they
are enforced here, because what runs on a laptop should not be refused by AWS. The checks are
ordered by cost: this runs for every update of a fan-out of 100,000.
"""

import json
import re

from durably.actors.model import ErrorObject, OperationUpdate
from durably.workflows.errors import error_to_wire
from durably.workflows.local.errors import invalid

MAX_PAYLOAD_BYTES = 6_291_456
MAX_INVOKE_PAYLOAD_BYTES = 1_048_576
MAX_CALLBACK_RESULT_BYTES = 1_048_576
MAX_ERROR_BYTES = 32_768
MAX_SECONDS = 31_622_400
"""The longest wait or retry delay: 366 days."""
MAX_CALLBACK_SECONDS = 99_999_999

_IDENTIFIER = re.compile(r"[a-zA-Z0-9_-]+")
_TENANT = re.compile(r"[a-zA-Z0-9._:/=+\-@ ]+")
_FUNCTION = re.compile(
    r"(?:arn:[a-zA-Z0-9-]+:lambda:[a-zA-Z0-9-]+:\d{12}:function:|(?:\d{12}:)?(?:function:)?)"
    r"(?P<name>[a-zA-Z0-9_-]{1,140})(?::(?:\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9_-]{1,128}))?"
)


def check_identity(update: OperationUpdate) -> None:
    """Check what a *new* operation is called; an existing one must only match itself."""
    if len(update.id) > 64 or not _IDENTIFIER.fullmatch(update.id):
        raise invalid(f"Invalid operation id {update.id!r}: 1 to 64 of letters, digits, - and _ are allowed.")
    name = update.name
    if name is not None and not (0 < len(name) <= 256 and name.isascii() and name.isprintable()):
        raise invalid(f"Invalid operation name {name!r}: 1 to 256 printable ASCII characters are allowed.")
    sub_type = update.sub_type
    if sub_type is not None and (len(sub_type) > 32 or not _IDENTIFIER.fullmatch(sub_type)):
        raise invalid(f"Invalid subtype {sub_type!r}: 1 to 32 of letters, digits, - and _ are allowed.")


def check_callback_result(result: object) -> None:
    """Whoever answers a callback may send text, or nothing.

    Raises:
        ServiceError: 400: it is no text, or longer than the service takes.
    """
    if result is None:
        return
    if not isinstance(result, str):
        raise invalid(f"The result must be text, got {type(result).__name__}: use json.dumps().")
    if exceeds(result, MAX_CALLBACK_RESULT_BYTES):
        raise invalid(f"The result is over {MAX_CALLBACK_RESULT_BYTES} bytes.")


def exceeds(text: str | None, max_bytes: int) -> bool:
    """Whether `text` takes more than `max_bytes` in UTF-8; encodes only what could be too long."""
    return text is not None and len(text) * 4 > max_bytes and len(text.encode()) > max_bytes


def check_payload(payload: str) -> None:
    """Refuse a payload that is longer than any operation may have."""
    if exceeds(payload, MAX_PAYLOAD_BYTES):
        raise invalid(f"Payload size must be less than or equal to {MAX_PAYLOAD_BYTES} bytes.")


def check_error(error: ErrorObject) -> None:
    """Refuse an error whose JSON is too long."""
    text = json.dumps(error_to_wire(error))
    if len(text) > MAX_ERROR_BYTES:
        raise invalid(f"Error object size must be less than {MAX_ERROR_BYTES} bytes.")


def check_seconds(what: str, seconds: int, least: int, most: int) -> None:
    """Refuse a duration outside its bounds."""
    if not least <= seconds <= most:
        raise invalid(f"Invalid {what} {seconds}: it must be between {least} and {most} seconds.")


def check_invoke(update: OperationUpdate) -> str:
    """Check the options of a CHAINED_INVOKE's START.

    Returns:
        The bare name of the function, without ARN and qualifier.
    """
    if update.function_name is None:
        raise invalid("Update for CHAINED_INVOKE operation requires ChainedInvokeOptions.")
    function = _FUNCTION.fullmatch(update.function_name)
    if function is None or len(update.function_name) > 256:
        raise invalid(f"Invalid function name or ARN: {update.function_name}")
    tenant = update.tenant_id
    if tenant is not None and (len(tenant) > 256 or not _TENANT.fullmatch(tenant)):
        raise invalid("TenantId must be 1 to 256 characters matching [a-zA-Z0-9._:/=+-@ ].")
    if update.trace_id is not None and len(update.trace_id) > 8192:
        raise invalid("Invalid trace id: it must be at most 8192 characters.")
    if exceeds(update.payload, MAX_INVOKE_PAYLOAD_BYTES):
        raise invalid(
            "CHAINED_INVOKE input payload size must be less than or equal to "
            f"{MAX_INVOKE_PAYLOAD_BYTES} bytes."
        )
    return function["name"]
