"""`context.run_in_child_context`: operations that are grouped, and recorded as one."""

import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.actor import Ref
from durably.actors.messages import Failed, Outcome, Raised, Succeeded
from durably.actors.spec import Kind, Spec
from durably.actors.task import Scope, Task
from durably.workflows.config import ChildConfig
from durably.workflows.errors import operation_error_from, recorded_error
from durably.workflows.exceptions import (
    ChildContextError,
    ExecutionError,
    InvocationError,
    NonDeterministicExecutionError,
    SerDesError,
)
from durably.workflows.operations.place import Place
from durably.workflows.serdes import SerDes, deserialize
from durably.workflows.types import SummaryGenerator

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.invocation import Code

T = TypeVar("T")

LARGEST_RESULT = 262_144
"""In characters of serialized text; a larger result is rebuilt on replay by running the children."""

DEFAULT_CONFIG: ChildConfig[Any] = ChildConfig()


def run_in_child_context(place: Place, func: Callable[["DurableContext"], T], config: ChildConfig[Any]) -> T:
    """Run `func` on a context of its own, or give what it came to before.

    Raises:
        ChildContextError: it raised.
        SerDesError: its result cannot be serialized.
    """
    context, record = place.context, place.record
    scope = Scope(place.id, context.task.scope)
    if config.is_virtual:
        refuse_recorded(place)
        code = code_of_context(place, func, config.serdes, virtual=True)
        joined: T = unrecorded_result(context.invocation.join(context.task, place.label, scope, code))
        return joined
    if record is not None and record.status.is_terminal:
        if not record.replay_children:
            result: T = place.recorded_result(record, config.serdes, ChildContextError)
            return result
        code = code_of_context(place, func, config.serdes, replayed=True)
        rebuilt: T = unrecorded_result(context.invocation.join(context.task, place.label, scope, code))
        return rebuilt
    code = code_of_context(place, func, config.serdes, config.summary_generator)

    variables = contextvars.copy_context()

    def task_for(operation: Ref) -> Task:
        depth = context.task.depth + 1
        return context.invocation.context_task(place.label, scope, depth, code, variables, operation)

    spec = Spec(Kind.CONTEXT, place.start(), task=task_for)
    value: T = place.result(
        context.invocation.run(context.task, spec, record), config.serdes, ChildContextError
    )
    return value


def code_of_context(
    place: Place,
    func: Callable[["DurableContext"], Any],
    serdes: SerDes[Any] | None,
    summary_generator: SummaryGenerator[Any] | None = None,
    *,
    virtual: bool = False,
    replayed: bool = False,
) -> "Code":
    """The code of a context that belongs to `place`.

    A `virtual` one is not recorded: its operations have the parent that `place` has. One that is `replayed`
    was recorded as complete: it runs only to rebuild its result.
    """
    arn = place.context.invocation.durable_execution_arn

    def code(task: Task) -> Outcome:
        child = place.context.child(place.id, task, virtual=virtual, complete=replayed)
        try:
            value = func(child)
            text = place.text_of(value, serdes)
            back = None if text is None else deserialize(serdes, text, place.id, arn)
            if virtual or replayed or text is None or len(text) <= LARGEST_RESULT:
                return Succeeded(text, back)
            return Succeeded(_summary(place, summary_generator, value), back, True)
        except ExecutionError as error:
            return Raised(error)
        except InvocationError as error:
            return Raised(error) if error.is_retryable() else Failed(recorded_error(error))
        except Exception as error:
            return Failed(recorded_error(error))

    return code


def _summary(place: Place, generator: Callable[[Any], object] | None, value: object) -> str:
    summary = "" if generator is None else generator(value)
    if not isinstance(summary, str):
        raise SerDesError(f"The summary_generator of {place.label} gave {summary!r}, which is not a str.")
    return summary


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
