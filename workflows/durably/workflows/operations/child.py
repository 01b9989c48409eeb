"""`context.run_in_child_context`: operations that are grouped, and recorded as one."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.messages import Completed
from durably.actors.model import OperationSubType, OperationType
from durably.actors.spec import Kind, Spec
from durably.actors.task import current_task
from durably.workflows._typed.binding import with_bound
from durably.workflows._validation import check_callable, check_type, name_of
from durably.workflows.config import ChildConfig
from durably.workflows.exceptions import ChildContextError, NonDeterministicExecutionError
from durably.workflows.operations.code import ContextCode
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.serdes import SerDes

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.flow import Flow

T = TypeVar("T")

DEFAULT_CONFIG: ChildConfig[Any] = ChildConfig()


def run_in_child_context(
    context: "Flow",
    func: Callable[["DurableContext"], T],
    name: str | None,
    config: ChildConfig[Any] | None,
    *,
    deferred: bool = False,
) -> Planned[T]:
    """What `context.run_in_child_context` comes to.

    Raises (the operation):
        ChildContextError: it raised.
        SerDesError: its result cannot be serialized.
    """
    config = DEFAULT_CONFIG if config is None else config
    check_callable("func", func, required=True)
    check_type("config", config, ChildConfig)
    sub_type = config.sub_type or OperationSubType.RUN_IN_CHILD_CONTEXT
    name = name_of(name, func)
    return planned_child(context, func, name, with_bound(config, func, name), sub_type, deferred=deferred)


def planned_child(
    context: "Flow",
    func: Callable[["DurableContext"], T],
    name: str | None,
    config: ChildConfig[Any],
    sub_type: str,
    *,
    deferred: bool,
) -> Planned[T]:
    """A child context with arguments that are known to be good."""
    virtual = config.is_virtual
    place = context.enter(OperationType.CONTEXT, sub_type, name, virtual=virtual, deferred=deferred)
    if virtual:
        refuse_recorded(place)
    record = place.record
    serdes = config.serdes
    if place.is_complete and record is not None and not record.replay_children:
        return Planned(place, ChildContextError, serdes)
    code = ContextCode(
        place,
        context.task.scope,
        func,
        serdes,
        config.summary_generator,
        virtual=virtual,
        replayed=place.is_complete,
    )
    if virtual:
        return Planned(place, ChildContextError, serdes, code=code)
    if place.is_complete:
        read = functools.partial(_rebuilt_result, code, serdes)
        return Planned(place, ChildContextError, serdes, read=read)
    return Planned(place, ChildContextError, serdes, Spec(Kind.CONTEXT, place.start(), task=code.task))


def rebuilt(code: ContextCode) -> Completed:
    """How a context ends that was recorded without its result: its code runs again, and the caller waits."""
    current = current_task()
    assert current is not None
    return code.place.context.invocation.join(current, code)


def _rebuilt_result(code: ContextCode, serdes: SerDes[Any] | None, _recorded: Completed) -> Any:
    return code.place.result(rebuilt(code), serdes, ChildContextError)


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
