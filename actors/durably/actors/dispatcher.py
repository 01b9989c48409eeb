"""What runs next is a dispatcher's business: this is what a system asks of one.

`hub.HubDispatcher` is production's. A scheduler that tries every order is another: actors, tasks and the
system are the same under both.
"""

from typing import TYPE_CHECKING, Protocol

from durably.actors.actor import Actor, Mail
from durably.actors.clock import Clock
from durably.actors.messages import Ending, Message
from durably.actors.stage import Job, Timer
from durably.actors.task import Task

if TYPE_CHECKING:
    from durably.actors.actor import Ref


class Runtime(Protocol):
    """Whom a dispatcher works for: the actor system."""

    over: bool
    supervisor: "Ref | None"
    ending: Ending | None

    def on_actor_failed(self, actor: Actor, error: Exception) -> None:
        """An actor raised."""
        ...

    def forget_tasks(self) -> list[Task]:
        """Let go of all tasks without unwinding them, as a process does that dies; what they are."""
        ...


class Dispatcher(Protocol):
    """Owns every choice of what happens next. `Stage` says what most of these mean."""

    clock: Clock

    def post(self, actor: Actor, mail: Mail) -> None: ...
    def timer(self, delay: float, reply_to: "Ref", message: Message, *, needs_company: bool) -> Timer: ...
    def work(self, job: Job) -> None: ...
    def drop(self, job: Job) -> None: ...
    def ready(self, task: Task) -> None: ...
    def want_flush(self, reply_to: "Ref", *, awaited: bool) -> None: ...
    def when_idle(self, reply_to: "Ref", message: Message) -> None: ...
    def is_still(self, number: int) -> bool: ...
    def due_within(self, seconds: float) -> bool: ...

    def run(self, runtime: Runtime) -> None:
        """Go on until `runtime.over`."""
        ...

    def shut(self) -> None:
        """Refuse all messages from here on, those that are not handled yet included."""
        ...

    def close(self, timeout: float | None) -> list[str]:
        """Let go of all threads; the names of the jobs that still ran after `timeout` seconds."""
        ...
