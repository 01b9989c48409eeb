"""The code of a context: what runs in its task, and what that comes to.

Classes with slots and not closures: a fan-out has one for each branch, and ten thousand may be parked.
"""

import contextvars
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durably.actors.actor import Ref
from durably.actors.messages import Failed, Outcome, Raised, Succeeded
from durably.actors.task import Scope, Task
from durably.workflows.errors import recorded_error
from durably.workflows.exceptions import ExecutionError, InvocationError, SerDesError
from durably.workflows.identity import operation_id
from durably.workflows.invocation import ContextTask
from durably.workflows.operations.place import Place
from durably.workflows.serdes import SerDes, deserialize
from durably.workflows.types import SummaryGenerator

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

LARGEST_RESULT = 262_144
"""In characters of serialized text; a larger result is rebuilt on replay by running the children."""


class ContextCode:
    """Runs `func` on the context that belongs to `place`, below `around`.

    A `virtual` context is not recorded: its operations have the parent that `place` has. One that is
    `replayed` was recorded as complete: it runs only to rebuild its result.
    """

    __slots__ = (
        "_base_logger",
        "_func",
        "_replaying",
        "_serdes",
        "_summary",
        "_variables",
        "place",
        "replayed",
        "scope",
        "virtual",
    )

    def __init__(
        self,
        place: Place,
        around: Scope | None,
        func: "Callable[[DurableContext], Any] | None",
        serdes: SerDes[Any] | None,
        summary: SummaryGenerator[Any] | None = None,
        *,
        virtual: bool = False,
        replayed: bool = False,
        variables: contextvars.Context | None = None,
    ) -> None:
        self.place = place
        self.scope = Scope(place.id, around)
        self.virtual = virtual
        self.replayed = replayed
        self._func = func
        self._serdes = serdes
        self._summary = summary
        self._variables = contextvars.copy_context() if variables is None else variables
        # As they are now: when the code runs, that of the context around it may have gone on.
        self._replaying = place.context.is_replaying() and self._has_begun_before()
        self._base_logger = place.context.base_logger

    def _has_begun_before(self) -> bool:
        """Whether an earlier invocation has recorded it or, if it is virtual, its first operation."""
        trace = operation_id(self.place.id, 1) if self.virtual else self.place.id
        return trace in self.place.context.invocation.snapshot

    def task(self, report: Ref | Callable[[Outcome | None], None]) -> Task:
        """A task for this code; its outcome goes to `report`. What `Spec.task` wants of a recorded one."""
        place = self.place
        depth = place.context.task.depth + 1
        return ContextTask(place.label, self.scope, depth, self, self._variables, report)

    def call(self, context: "DurableContext") -> Any:
        """The user's part of it."""
        assert self._func is not None
        return self._func(context)

    def __call__(self, task: Task) -> Outcome:
        """Run, in `task`."""
        place = self.place
        child = place.context.child(
            place.id,
            task,
            virtual=self.virtual,
            complete=self.replayed,
            replaying=self._replaying,
            base_logger=self._base_logger,
        )
        plugins = place.context.invocation.plugins
        if plugins is None:
            return self._outcome(self.call, child)
        attempt = 1 if place.record is None else None
        again = self.replayed and not self.virtual
        call = functools.partial(plugins.call, place, attempt, self.call, is_replay_children=again)
        outcome = self._outcome(call, child)
        if (self.virtual or again) and not isinstance(outcome, Raised):
            error = outcome.error if isinstance(outcome, Failed) else None
            plugins.ends_unrecorded(place, error, is_replayed=again)
        return outcome

    def _outcome(self, call: "Callable[[DurableContext], Any]", child: "DurableContext") -> Outcome:
        place = self.place
        try:
            value = call(child)
            text = place.text_of(value, self._serdes)
            arn = place.context.invocation.durable_execution_arn
            back = None if text is None else deserialize(self._serdes, text, place.id, arn)
            if self.virtual or self.replayed or text is None or len(text) <= LARGEST_RESULT:
                return Succeeded(text, back)
            return Succeeded(place.recordable(summary_of(place, self._summary, value)), back, True)
        except Exception as error:
            return outcome_of(error)


def summary_of(place: Place, generate: Callable[[Any], object] | None, value: object) -> str:
    """The text that is recorded in place of a large result.

    Raises:
        SerDesError: `generate` gave something else.
    """
    summary = "" if generate is None else generate(value)
    if not isinstance(summary, str):
        raise SerDesError(f"The summary_generator of {place.label} gave {summary!r}, which is not a str.")
    return summary


def outcome_of(error: Exception) -> Outcome:
    """What a context comes to that raised: recorded as its failure, unless the error ends more than that."""
    return Raised(error) if ends_more(error) else Failed(recorded_error(error))


def ends_more(error: Exception) -> bool:
    """True if an error is not recorded as an operation's failure: it ends the invocation or the execution."""
    return isinstance(error, ExecutionError) or (isinstance(error, InvocationError) and error.is_retryable())
