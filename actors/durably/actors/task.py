"""A task: a flow of workflow code that parks and goes on.

The root handler is one, and so is the code of every child context and branch. A greenlet carries it, so
that ten thousand of them can be parked in the middle of plain Python calls without a thread each, and so
that nesting contexts does not nest Python's stack.

Only the dispatcher switches into a task; a task switches back by parking or by ending.
"""

import contextvars
import enum
import inspect
import logging
from collections.abc import Callable
from types import FrameType
from typing import Any

import greenlet

from durably.actors.frozen import frozen
from durably.actors.messages import Awaiter, Completed, Refused, Resumption, Unwound

logger = logging.getLogger("durably.actors")

UNWINDINGS_BEFORE_GIVING_UP = 100


@frozen(eq=False)
class Scope:
    """A context that operations are recorded in: its id, and the scope around it."""

    id: str
    parent: "Scope | None" = None

    def is_within(self, context_id: str) -> bool:
        """True if this is that context, or below it."""
        scope: Scope | None = self
        while scope is not None:
            if scope.id == context_id:
                return True
            scope = scope.parent
        return False


class Unwinding(BaseException):
    """Thrown through workflow code whose context is finished. `SuspendExecution` is one of them."""


class TaskState(enum.Enum):
    """Where a task is. ABANDONED: its code swallowed the unwinding again and again."""

    NEW = "new"
    RUNNABLE = "runnable"
    RUNNING = "running"
    PARKED = "parked"
    DONE = "done"
    ABANDONED = "abandoned"


class TaskGreenlet(greenlet.greenlet):
    """The greenlet of a task."""

    task: "Task"


def current_task() -> "Task | None":
    """The task whose code calls this, if any."""
    return getattr(greenlet.getcurrent(), "task", None)


class Task:
    """A flow of workflow code.

    `code` must not raise: it reports how it went by a message. `unwinding` makes the exception that is
    thrown into it when its context is finished before it is. It starts with a copy of the context variables
    in `context`, by default of those where it is made.
    """

    __slots__ = (
        "_greenlet",
        "_how",
        "_hub",
        "_tickets",
        "awaits",
        "depth",
        "name",
        "on_end",
        "scope",
        "state",
        "swallowed",
        "ticket",
        "unwinding",
        "unwound",
    )

    def __init__(
        self,
        name: str,
        scope: Scope | None,
        code: Callable[[], None],
        *,
        unwinding: Callable[[], BaseException] = Unwinding,
        depth: int = 0,
        context: contextvars.Context | None = None,
    ) -> None:
        self.name = name
        self.scope = scope
        self.depth = depth
        self.state = TaskState.NEW
        self.ticket = self._tickets = 0
        self.awaits = ""
        self.unwinding = unwinding
        self.unwound = False
        self.swallowed = 0
        self.on_end: Callable[[Task], None] | None = None
        self._how: Resumption | None = None
        self._hub: greenlet.greenlet | None = None
        self._greenlet = TaskGreenlet(code)
        self._greenlet.task = self
        # A fresh greenlet would have an empty context.
        self._greenlet.gr_context = contextvars.copy_context() if context is None else context.copy()

    # ------------------------------------------------------------------ for the code inside

    def is_current(self) -> bool:
        """True in this task's own code."""
        return greenlet.getcurrent() is self._greenlet

    def awaiter(self) -> Awaiter:
        """A new ticket: an answer to an earlier one no longer resumes this task."""
        self._tickets += 1
        self.ticket = self._tickets
        return Awaiter(self, self.ticket)

    def park(self, awaits: str, on: Awaiter | None = None) -> Completed:
        """Stop here until the newest ticket is answered, or, once more, the one of `on`.

        Raises:
            BaseException: what `unwinding` makes, if the context is finished; what the answer refuses with.
        """
        if on is not None:
            self.ticket = on.ticket
        self.awaits = awaits
        self.state = TaskState.PARKED
        assert self._hub is not None
        self._hub.switch()
        how, self._how = self._how, None
        if not self.unwound:  # its context may have finished since it was answered
            if type(how) is Completed:
                return how
            if isinstance(how, Refused):
                raise how.exception
        self.unwound = True
        raise self.unwinding()

    def check(self) -> None:
        """Raise again in code that goes on after its context is finished; every durable call asks here."""
        if not self.unwound:
            return
        self.swallowed += 1
        if self.swallowed >= UNWINDINGS_BEFORE_GIVING_UP:
            frame = inspect.currentframe()
            logger.warning(
                "%s was given up: it catches BaseException and goes on, at %s. Let SuspendExecution pass.",
                self.name,
                where(frame),
            )
            self.state = TaskState.ABANDONED
            assert self._hub is not None
            while True:
                self._hub.switch()
        raise self.unwinding()

    # ------------------------------------------------------------------ for the dispatcher

    def answer(self, ticket: int, how: Resumption) -> bool:
        """Keep an answer for a task that is parked on this ticket; True if it is to run now."""
        if self.state is not TaskState.PARKED or ticket != self.ticket:
            return False
        self._how = how
        self.state = TaskState.RUNNABLE
        return True

    def unwind(self) -> bool:
        """Answer whatever it waits for with the end of its context; True if there is code to unwind."""
        if not self._greenlet or self.state in (TaskState.DONE, TaskState.ABANDONED):
            return False  # (RUNNING it may be: an interrupt may strike just before it is switched to)
        self._how = Unwound()
        self.state = TaskState.RUNNABLE
        return True

    def run(self) -> None:
        """Switch into the task until it parks or ends."""
        current = self._greenlet
        if self.unwound and not current:  # its context is finished before it has begun
            self._ended()
            return
        self._hub = greenlet.getcurrent()
        self.state = TaskState.RUNNING
        current.parent = self._hub
        current.switch()
        if current.dead:
            self._ended()

    def _ended(self) -> None:
        self.state = TaskState.DONE
        del self._greenlet.task  # no cycle: what it holds goes at once
        if self.on_end is not None:
            self.on_end(self)

    def frame(self) -> FrameType | None:
        """Where the code is parked."""
        frame: Any = self._greenlet.gr_frame
        return frame  # type: ignore[no-any-return]  # greenlet's stubs say Any


def where(frame: FrameType | None) -> str:
    """`file:line in function` of the innermost frame outside this library."""
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith("durably."):
        frame = frame.f_back
    if frame is None:
        return "an unknown place"
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}"
