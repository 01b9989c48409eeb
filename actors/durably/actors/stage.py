"""The stage: all that an actor may ask of the runtime it plays on.

Actors talk to each other by messages. What is not an actor (the order of things, time, tasks, threads)
they reach through this interface only, so that the same actor classes run on production's hub, under the
deterministic scheduler, and in a test that merely records what they ask for.
"""

import enum
from collections.abc import Callable
from contextvars import Context
from typing import TYPE_CHECKING, Protocol

import attrs

if TYPE_CHECKING:
    from durably.actors.actor import Actor, Mail, Ref
    from durably.actors.messages import Ending, Message, Resumption
    from durably.actors.task import Task


class JobKind(enum.Enum):
    """What a job is; a body is user code and may last, a call is one request to the service."""

    BODY = "body"
    CALL = "call"


class JobState(enum.Enum):
    """Where a job is: only a QUEUED one can still be dropped."""

    QUEUED = "queued"
    RUNNING = "running"
    DROPPED = "dropped"


@attrs.define(eq=False)
class Job:
    """Something that runs beside the actors: a step's body, or a call of the service.

    `run` does it, in `context` if one is given, and returns the message that tells `reply_to` of it. It
    answers for every `Exception` itself; any other `BaseException` ends the invocation with it.
    `code` identifies the user's function: whether it lasts is remembered for the invocation.
    """

    kind: JobKind
    run: "Callable[[], Message]"
    reply_to: "Ref"
    name: str = ""
    context: Context | None = None
    code: object = None
    state: JobState = JobState.QUEUED


@attrs.define(eq=False)
class Timer:
    """A message that comes at a moment, unless it is cancelled. `moment` is in `monotonic()` seconds."""

    moment: float
    reply_to: "Ref"
    message: "Message"
    needs_company: bool = False
    cancelled: bool = False


class Stage(Protocol):
    """What an actor may ask for. Everything here is called on the thread that the actors run on."""

    def post(self, actor: "Actor", mail: "Mail") -> None:
        """Put something into an actor's mailbox. The one method that any thread may call."""
        ...

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def timer(
        self, delay: float, reply_to: "Ref", message: "Message", *, needs_company: bool = False
    ) -> Timer:
        """Tell `message` to `reply_to` in `delay` seconds.

        One that `needs_company` fires only while a step body executes: else the polls of many
        operations would break every stillness.
        """
        ...

    def work(self, job: Job) -> None:
        """Run a job beside the actors."""
        ...

    def drop(self, job: Job) -> None:
        """Forget a job that has not begun."""
        ...

    def spawn_task(self, task: "Task") -> None:
        """Let a task run for the first time."""
        ...

    def resume(self, task: "Task", ticket: int, how: "Resumption") -> None:
        """Let a task go on that is parked on `ticket`; otherwise nothing happens."""
        ...

    def want_flush(self, reply_to: "Ref", *, awaited: bool) -> None:
        """Tell `Flush` once nothing is left to handle or to run, so that a batch is as full as it can be.

        `awaited` tells whether somebody goes on when the call is answered.
        """
        ...

    def when_idle(self, reply_to: "Ref", message: "Message") -> None:
        """Tell `message` once nothing is left to handle or to run, and bodies do not pile up."""
        ...

    def is_still(self, number: int) -> bool:
        """True while stillness `number` lasts: nothing has happened since `Quiet(number)`."""
        ...

    def due_within(self, seconds: float) -> bool:
        """True if a timer that may fire now comes due so soon; else nothing happens until then by itself."""
        ...

    def end(self, ending: "Ending") -> None:
        """The invocation is over."""
        ...
