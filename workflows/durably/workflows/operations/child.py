"""`context.run_in_child_context`: operations that are grouped, and recorded as one."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.messages import Failed, Outcome, Succeeded
from durably.actors.spec import Kind, Spec
from durably.workflows.config import ChildConfig
from durably.workflows.errors import operation_error_from
from durably.workflows.exceptions import ChildContextError, NonDeterministicExecutionError
from durably.workflows.operations.code import ContextCode
from durably.workflows.operations.place import Place

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

T = TypeVar("T")

DEFAULT_CONFIG: ChildConfig[Any] = ChildConfig()


def run_in_child_context(place: Place, func: Callable[["DurableContext"], T], config: ChildConfig[Any]) -> T:
    """Run `func` on a context of its own, or give what it came to before.

    Raises:
        ChildContextError: it raised.
        SerDesError: its result cannot be serialized.
    """
    context, record = place.context, place.record
    invocation, current = context.invocation, context.task
    virtual = config.is_virtual
    if virtual:
        refuse_recorded(place)
    complete = record is not None and record.status.is_terminal
    if record is not None and complete and not record.replay_children:
        recorded: T = place.recorded_result(record, config.serdes, ChildContextError)
        return recorded
    code = ContextCode(
        place,
        current.scope,
        func,
        config.serdes,
        config.summary_generator,
        virtual=virtual,
        replayed=complete,
    )
    if virtual or complete:
        unrecorded: T = unrecorded_result(invocation.join(current, place.label, code.scope, code))
        return unrecorded
    completed = invocation.run(current, Spec(Kind.CONTEXT, place.start(), task=code.task), record)
    value: T = place.result(completed, config.serdes, ChildContextError)
    return value


def unrecorded_result(outcome: Outcome | None) -> Any:
    """What a context comes to that has no record of its own.

    Raises:
        ChildContextError: it failed.
    """
    if isinstance(outcome, Failed):
        raise operation_error_from(ChildContextError, outcome.error)
    assert isinstance(outcome, Succeeded)
    return outcome.value


def refuse_recorded(place: Place) -> None:
    """A virtual context records nothing, so nothing may be recorded in its place.

    Raises:
        NonDeterministicExecutionError: there is.
    """
    if place.record is not None:
        raise NonDeterministicExecutionError(
            f"Context {place.label!r} ({place.id}) was recorded as an operation of its own, "
            "but is now virtual. Do not change this while executions are under way.",
            step_id=place.id,
        )
