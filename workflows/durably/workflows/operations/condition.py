"""`context.wait_for_condition`: look again and again, and keep what was seen, until it is enough."""

import contextvars
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.messages import Outcome, Retried, Succeeded
from durably.actors.model import OperationSubType, OperationType
from durably.actors.spec import Body, Kind, Spec
from durably.workflows._typed.binding import with_bound
from durably.workflows._validation import LONGEST_WAIT, check_callable, check_type, name_of
from durably.workflows.exceptions import ValidationError, WaitForConditionError
from durably.workflows.operations.code import outcome_of
from durably.workflows.operations.logging import OperationLogger
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.operations.step import code_of
from durably.workflows.serdes import deserialize
from durably.workflows.types import WaitForConditionCheckContext
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision

if TYPE_CHECKING:
    from durably.workflows.flow import Flow

T = TypeVar("T")

Check = Callable[[T, WaitForConditionCheckContext], T]

logger = logging.getLogger("durably.workflows")


def wait_for_condition(
    context: "Flow",
    check: Check[T],
    config: WaitForConditionConfig[T],
    name: str | None,
    *,
    deferred: bool = False,
) -> Planned[T]:
    """What `context.wait_for_condition` comes to.

    Raises (the operation):
        WaitForConditionError: the check or the wait strategy raised, or there were too many looks.
        SerDesError: the state cannot be serialized.
    """
    check_callable("check", check, required=True)
    check_type("config", config, WaitForConditionConfig)
    name = name_of(name)
    config = with_bound(config, check, name)
    place = context.enter(OperationType.STEP, OperationSubType.WAIT_FOR_CONDITION, name, deferred=deferred)
    if place.is_complete:
        return Planned(place, WaitForConditionError, config.serdes)
    body = Body(_Looks(place, check, config).look, code_of(check), contextvars.copy_context())
    return Planned(place, WaitForConditionError, config.serdes, Spec(Kind.STEP, place.start(), body))


class _Looks:
    """The looks of one condition, each with the state that the one before left."""

    def __init__(self, place: Place, check: Check[Any], config: WaitForConditionConfig[Any]) -> None:
        self._place = place
        self._check = check
        self._config = config
        self._state = None if place.record is None else place.record.result

    def look(self, attempt: int, _interrupted: bool) -> Outcome:
        """One look, and what becomes of the condition."""
        place = self._place
        try:
            if self._state is None:
                # Round-tripped, so that the first look sees what later ones would.
                self._state = place.text_of(self._config.initial_state, self._config.serdes)
            context = WaitForConditionCheckContext(
                OperationLogger(place.context.base_logger, place, attempt), attempt
            )
            state = self._read(self._state)
            plugins = place.context.invocation.plugins
            if plugins is None:
                state = self._check(state, context)
            else:
                state = plugins.call(place, attempt, self._check, state, context)
            text = place.recordable(place.text_of(state, self._config.serdes))
            decision = self._decision(self._config.wait_strategy(self._read(text), attempt))
            if not decision.should_continue:
                return Succeeded(text, self._read(text))
        except Exception as error:
            logger.debug("Condition %s (%s) failed in look %d", place.label, place.id, attempt, exc_info=True)
            return outcome_of(error)
        self._state = text
        delay = decision.delay_seconds
        if delay < 1:
            logger.warning("The delay of condition %s is %d s; it is raised to 1 s.", place.label, delay)
        return Retried(max(1, delay), payload=text)

    def _read(self, text: str | None) -> Any:
        if text is None:
            return None
        place = self._place
        arn = place.context.invocation.durable_execution_arn
        return deserialize(self._config.serdes, text, place.id, arn)

    def _decision(self, decision: object) -> WaitForConditionDecision:
        label = self._place.label
        if not isinstance(decision, WaitForConditionDecision):
            raise ValidationError(
                f"The wait_strategy of condition {label} must return a WaitForConditionDecision, "
                f"got {decision!r}."
            )
        if decision.should_continue and decision.delay_seconds > LONGEST_WAIT:
            raise ValidationError(
                f"The delay of condition {label} is {decision.delay_seconds} s, "
                f"more than {LONGEST_WAIT} s (366 days)."
            )
        return decision
