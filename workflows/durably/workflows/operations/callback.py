"""`context.create_callback` and `context.wait_for_callback`: somebody outside answers."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from durably.actors.messages import Completed
from durably.actors.model import OperationStatus, OperationSubType, OperationType
from durably.actors.spec import Kind, Spec
from durably.workflows._typed.binding import bound, is_typed
from durably.workflows._validation import check_callable, check_type, name_of, refuse
from durably.workflows.config import CallbackConfig, ChildConfig, StepConfig, WaitForCallbackConfig
from durably.workflows.exceptions import (
    CallbackError,
    CallbackExternalError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    ChildContextError,
    StepError,
)
from durably.workflows.futures import DurableFuture
from durably.workflows.operations.child import planned_child
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.serdes import PassThroughSerDes, SerDes, deserialize
from durably.workflows.types import StepContext, WaitForCallbackContext

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.flow import Flow

T = TypeVar("T")

Submitter = Callable[[str, WaitForCallbackContext], Any]

DEFAULT_CONFIG = CallbackConfig()
AS_IT_IS: SerDes[Any] = PassThroughSerDes()
CALLBACK_NAME, SUBMITTER_NAME = "create callback id", "submitter"
LONGEST_NAME = 256 - len(f" {CALLBACK_NAME}")
"""In characters, of a `wait_for_callback`, whose operations are named after it."""


class Callback(DurableFuture[T]):
    """A callback that was created: hand `callback_id` to whoever is to answer, then await `result()`."""

    __slots__ = ("callback_id",)

    callback_id: str


def create_callback(context: "Flow", name: str | None, config: CallbackConfig | None) -> Callback[Any]:
    """Create it, or find the one that was created before.

    Raises:
        CallbackError: the service gave no id.
    """
    config = DEFAULT_CONFIG if config is None else config
    check_type("config", config, CallbackConfig)
    sub_type = config.sub_type or OperationSubType.CALLBACK
    name = name_of(name)
    serdes = bound(config.serdes, None, name) or AS_IT_IS
    place = context.enter(OperationType.CALLBACK, sub_type, name)
    start = place.start(
        timeout_seconds=config.timeout_seconds, heartbeat_timeout_seconds=config.heartbeat_timeout_seconds
    )
    callback = Callback(place, functools.partial(_answer, place, serdes))
    created = callback.create(Spec(Kind.CALLBACK, start))
    if created.callback_id is None:
        raise CallbackError(f"The service gave no id to callback {place.label!r} ({place.id}).")
    callback.callback_id = created.callback_id
    context.leave(place)
    return callback


def _answer(place: Place, serdes: SerDes[Any], completed: Completed) -> Any:
    """What was answered."""
    record = completed.operation
    assert record is not None
    if record.status is OperationStatus.SUCCEEDED:
        if record.result is None:
            return None
        return deserialize(serdes, record.result, place.id, place.context.invocation.durable_execution_arn)
    # Of the error only what its sender said is kept, and not its type: that is of a foreign system.
    late = record.status is OperationStatus.TIMED_OUT
    error_class = CallbackTimeoutError if late else CallbackExternalError
    error = record.error
    message = error.message if error is not None and error.message else None
    stack = None if error is None or error.stack_trace is None else list(error.stack_trace)
    raise error_class(
        message or ("Callback timed out" if late else "Callback failed"),
        data=None if error is None else error.data,
        stack_trace=stack,
    )


# ------------------------------------------------------------------ created, handed over and awaited at once


def wait_for_callback(
    context: "Flow",
    submitter: Submitter,
    name: str | None,
    config: WaitForCallbackConfig | None,
    *,
    deferred: bool = False,
) -> Planned[Any]:
    """What `context.wait_for_callback` comes to.

    Raises (the operation):
        CallbackExternalError: it was answered with a failure.
        CallbackTimeoutError: it was not answered in time.
        CallbackSubmitterError: `submitter` failed; its cause says how.
    """
    check_callable("submitter", submitter, required=True)
    if config is not None:
        check_type("config", config, WaitForCallbackConfig)
    name = name_of(name, submitter)
    if name is not None and len(name) > LONGEST_NAME:
        raise refuse("name", f"at most {LONGEST_NAME} characters", name)
    # A serdes of one type is for the answer alone, which the default serializer might not take; any other
    # serves as AWS's SDK has it: for the callback, and for what the submitter returns.
    serdes = bound(config.serdes, None, name) if config is not None else None
    typed = serdes if is_typed(serdes) else None
    code = _code(submitter, f"{name} " if name else "", config, None if typed else serdes)
    sub_type = OperationSubType.WAIT_FOR_CALLBACK
    planned = planned_child(context, code, name, ChildConfig[Any](serdes=typed), sub_type, deferred=deferred)
    return planned.reading(functools.partial(_unwrapped, planned.result))


def _code(
    submitter: Submitter,
    prefix: str,
    config: WaitForCallbackConfig | None,
    submitter_serdes: SerDes[Any] | None,
) -> "Callable[[DurableContext], Any]":
    step_config = None
    if config is not None:
        step_config = StepConfig(retry_strategy=config.retry_strategy, serdes=submitter_serdes)

    def wait_for_answer(context: "DurableContext") -> Any:
        callback = context.create_callback(f"{prefix}{CALLBACK_NAME}", config)

        def submit(step: StepContext) -> Any:
            return submitter(callback.callback_id, WaitForCallbackContext(step.logger))

        context.step(submit, f"{prefix}{SUBMITTER_NAME}", step_config)
        return callback.result()

    return wait_for_answer


def _unwrapped(read: Callable[[Completed], Any], completed: Completed) -> Any:
    try:
        return read(completed)
    except ChildContextError as error:
        _raise_cause(error)


def _raise_cause(error: ChildContextError) -> NoReturn:
    """What failed inside, as an error of the callback."""
    inner = error.__cause__
    if isinstance(inner, CallbackError):
        raise inner from inner.__cause__
    if isinstance(inner, StepError):
        raise CallbackSubmitterError(
            inner.message or "Callback submitter failed", data=inner.data, stack_trace=inner.stack_trace
        ) from inner
    raise error
