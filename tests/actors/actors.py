"""Small actors and jobs for tests of what actors run on."""

import threading
from collections.abc import Callable
from typing import Any

from durably.actors.actor import Actor, Ref
from durably.actors.messages import Message
from durably.actors.stage import Job, JobKind
from durably.actors.system import ActorSystem

PATIENCE = 5.0
"""Seconds after which a test that waits for an event has failed; none waits so long."""


class Note(Message):
    """Any message: carries something."""

    def __init__(self, what: Any = None) -> None:
        self.what = what

    def __repr__(self) -> str:
        return f"Note({self.what!r})"


class Listener(Actor):
    """Keeps what it is told, and then does `then` with it; what that returns is the reply."""

    def __init__(
        self,
        stage: ActorSystem,
        name: str = "listener",
        log: list[Any] | None = None,
        then: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(stage, name)
        self.log = [] if log is None else log
        self.then = then

    def on_receive(self, message: Any) -> Any:
        what = message.what if isinstance(message, Note) else message
        self.log.append(what)
        return self.then(what) if self.then is not None else None


def body(run: Callable[[], Any], reply_to: Ref, **more: Any) -> Job:
    """A body whose result is told to `reply_to`."""
    return Job(JobKind.BODY, lambda: Note(run()), reply_to, more.pop("name", "body"), **more)


def meet(count: int) -> Callable[[], int]:
    """A body that ends when `count` of them run at the same time."""
    barrier = threading.Barrier(count)
    return lambda: barrier.wait(PATIENCE)
