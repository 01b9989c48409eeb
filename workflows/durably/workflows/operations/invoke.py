"""`context.invoke`: another function runs, and this execution waits for its result."""

from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.model import OperationSubType, OperationType
from durably.actors.spec import Kind, Spec
from durably.workflows._typed.binding import bound
from durably.workflows._validation import check_type, name_of, refuse
from durably.workflows.config import InvokeConfig
from durably.workflows.exceptions import InvokeError, ValidationError
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.serdes import DEFAULT_JSON_SERDES, SerDes

if TYPE_CHECKING:
    from durably.workflows.flow import Flow

P = TypeVar("P")
R = TypeVar("R")

DEFAULT_CONFIG: InvokeConfig[Any, Any] = InvokeConfig()
LONGEST_FUNCTION_NAME = 256
LARGEST_INPUT = 1_048_576
"""In bytes, of the payload's text."""


def invoke(
    context: "Flow",
    function_name: str,
    payload: P,
    name: str | None,
    config: InvokeConfig[P, R] | None,
    *,
    deferred: bool = False,
) -> Planned[R]:
    """What `context.invoke` comes to.

    Raises (the operation):
        InvokeError: the function failed, timed out or was stopped.
        SerDesError: its result cannot be read.
    """
    config = DEFAULT_CONFIG if config is None else config
    check_type("function_name", function_name, str)
    if not 1 <= len(function_name) <= LONGEST_FUNCTION_NAME:
        raise refuse("function_name", f"1 to {LONGEST_FUNCTION_NAME} characters", function_name)
    check_type("config", config, InvokeConfig)
    name = name_of(name)
    payload_serdes = bound(config.serdes_payload, None, name) or DEFAULT_JSON_SERDES
    serdes = bound(config.serdes_result, None, name) or DEFAULT_JSON_SERDES
    # As if deferred: a payload that cannot be sent leaves no record, so one must not be missed before it is
    # refused once more.
    place = context.enter(OperationType.CHAINED_INVOKE, OperationSubType.CHAINED_INVOKE, name, deferred=True)
    if place.is_complete:
        return Planned(place, InvokeError, serdes)
    text = trace_id = None
    if place.record is None:  # otherwise START is recorded, and what it said
        text = _payload_text(place, payload, payload_serdes)
        if context.complete and not deferred:
            raise place.missing()
        if context.invocation.plugins is not None and not context.complete:
            trace_id = context.invocation.plugins.trace_id(place, function_name)
    start = place.start(
        payload=text, function_name=function_name, tenant_id=config.tenant_id, trace_id=trace_id
    )
    return Planned(place, InvokeError, serdes, Spec(Kind.WAIT, start))


def _payload_text(place: Place, payload: object, serdes: SerDes[Any]) -> str | None:
    text = place.text_of(payload, serdes)
    if text is not None and len(text) > LARGEST_INPUT // 4:  # a character takes 4 bytes at most
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > LARGEST_INPUT:
            raise ValidationError(
                f"payload of invoke {place.label!r} must take at most {LARGEST_INPUT} bytes, got {size}. "
                "Store it elsewhere and pass a reference to it."
            )
    return text
