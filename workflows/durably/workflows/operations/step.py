"""`context.step`: a function whose result is recorded, so that it need not run again."""

import contextvars
import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.messages import Failed, Outcome, Raised, Retried, Succeeded
from durably.actors.model import OperationSubType, OperationType
from durably.actors.spec import Body, Kind, Spec
from durably.workflows._typed.binding import with_bound
from durably.workflows._validation import LONGEST_WAIT, check_callable, check_type, name_of
from durably.workflows.config import StepConfig, StepSemantics
from durably.workflows.errors import recorded_error
from durably.workflows.exceptions import (
    ExecutionError,
    RetryableSerDesError,
    SerDesError,
    StepError,
    StepInterruptedError,
    ValidationError,
)
from durably.workflows.operations.logging import OperationLogger
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.serdes import deserialize
from durably.workflows.types import StepContext

if TYPE_CHECKING:
    from durably.workflows.flow import Flow

T = TypeVar("T")

logger = logging.getLogger("durably.workflows")

DEFAULT_CONFIG = StepConfig()
_KEPT_AS_IS = (str, int, bool, type(None))
"""Immutable, and read back by the default serializer exactly as they were."""
_default_strategy = RetryPresets.default()


def step(
    context: "Flow",
    func: Callable[[StepContext], T],
    name: str | None,
    config: StepConfig | None,
    *,
    deferred: bool = False,
) -> Planned[T]:
    """What `context.step` comes to.

    Raises (the operation):
        StepError: it failed for good.
        SerDesError: its result cannot be serialized.
    """
    if config is None:
        config = DEFAULT_CONFIG
    else:
        check_type("config", config, StepConfig)
    check_callable("func", func, required=True)
    name = name_of(name, func)
    config = with_bound(config, func, name)
    sub_type = config.sub_type or OperationSubType.STEP
    place = context.enter(OperationType.STEP, sub_type, name, deferred=deferred)
    if place.is_complete:
        return Planned(place, StepError, config.serdes)
    once = config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY
    body = Body(_body_of(place, func, config), code_of(func), contextvars.copy_context())
    spec = Spec(Kind.AT_MOST_ONCE if once else Kind.STEP, place.start(), body)
    return Planned(place, StepError, config.serdes, spec)


def code_of(func: Callable[..., Any]) -> object:
    """What tells one user function from another: its code, which all of its closures share.

    Remembered for the rest of the invocation, so it must hold nothing of the call's.
    """
    if isinstance(func, functools.partial):
        return code_of(func.func)
    return getattr(func, "_durable_code", None) or getattr(func, "__code__", type(func))


def _body_of(
    place: Place, func: Callable[[StepContext], Any], config: StepConfig
) -> Callable[[int, bool], Outcome]:
    invocation = place.context.invocation
    base_logger = place.context.base_logger
    serdes, arn, plugins = config.serdes, invocation.durable_execution_arn, invocation.plugins

    def body(attempt: int, interrupted: bool) -> Outcome:
        if interrupted:
            message = f"Step {place.label} ({place.id}) was interrupted in attempt {attempt}"
            return _decide(place, StepInterruptedError(message, place.id), attempt, config)
        try:
            context = StepContext(OperationLogger(base_logger, place, attempt), attempt)
            value = func(context) if plugins is None else plugins.call(place, attempt, func, context)
            text = place.recordable(place.text_of(value, serdes))
            if serdes is None and type(value) in _KEPT_AS_IS:
                return Succeeded(text, value)
            # A None text stands for no payload, and no payload comes back as None.
            back = None if text is None else deserialize(serdes, text, place.id, arn)
        except (RetryableSerDesError, ExecutionError) as error:
            return Raised(error)
        except SerDesError as error:
            return Failed(recorded_error(error))
        except Exception as error:
            logger.debug("Step %s (%s) failed in attempt %d", place.label, place.id, attempt, exc_info=True)
            return _decide(place, error, attempt, config)
        return Succeeded(text, back)

    return body


def _ask(
    strategy: Callable[[Exception, int], object], error: Exception, attempt: int, place: Place
) -> RetryDecision:
    decision = strategy(error, attempt)
    if isinstance(decision, RetryDecision):
        return decision
    raise ValidationError(
        f"The retry_strategy of step {place.label} must return a RetryDecision, got {decision!r}."
    ) from error


def _decide(place: Place, error: Exception, attempt: int, config: StepConfig) -> Outcome:
    """Ask the retry strategy. One that raises fails the step with what it raised."""
    try:
        decision = _ask(config.retry_strategy or _default_strategy, error, attempt, place)
        if not decision.should_retry:
            return Failed(recorded_error(error))
        delay = decision.delay.to_seconds()
        if delay > LONGEST_WAIT:
            raise ValidationError(
                f"The retry delay of step {place.label} is {delay} s, more than {LONGEST_WAIT} s (366 days)."
            ) from error
    except Exception as broken:
        return Failed(recorded_error(broken))
    if delay < 1:
        logger.warning("The retry delay of step %s is %d s; it is raised to 1 s.", place.label, delay)
    return Retried(max(1, delay), recorded_error(error))
