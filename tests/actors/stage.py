"""A stage that only writes down what an actor asks for, so that one actor is tested without the others.

What is told to a `Recorder` stands in `stage.asked`, in order with everything else the actor asked for:
jobs, tasks, timers, resumptions, wishes, the end. Nothing happens by itself; time stands still.
"""

from collections import deque
from typing import Any

from pykka._envelope import Envelope

from durably.actors.actor import Actor, Ref
from durably.actors.messages import Awaiter, Ending, Message, Resumption
from durably.actors.stage import Job, Timer
from durably.actors.task import Scope, Task

EPOCH = 1_700_000_000.0


class RecordingStage:
    """Implements `durably.actors.stage.Stage`.

    `lasting` is the stillness that lasts, if any; `due_soon` says if a timer is due within the cooldown.
    """

    def __init__(self) -> None:
        self.now = EPOCH
        self.due_soon = True
        self.lasting: int | None = None
        self.asked: list[tuple[str, Any]] = []
        self.timers: list[Timer] = []
        self._mail: deque[tuple[Actor, Envelope[Any]]] = deque()

    # ------------------------------------------------------------------ what a test does

    def recorder(self, name: str) -> Ref:
        return Recorder(self, name).ref

    def tell(self, to: Ref, *messages: Message) -> None:
        """Let an actor handle messages, and then what it told itself."""
        for message in messages:
            to.tell(message)
            while self._mail:
                actor, envelope = self._mail.popleft()
                actor.deliver(envelope)

    def take(self) -> list[tuple[str, Any]]:
        """What was asked for since the last time."""
        asked, self.asked = self.asked, []
        return asked

    def of(self, name: str, type: type[Any] = object) -> list[Any]:
        """What was asked of somebody, of some type; all there is, without taking it."""
        return [what for who, what in self.asked if who == name and isinstance(what, type)]

    # ------------------------------------------------------------------ what an actor may ask for

    def post(self, actor: Actor, envelope: Envelope[Any]) -> None:
        if isinstance(actor, Recorder):
            self.asked.append((actor.actor_urn, getattr(envelope, "message", envelope)))
        else:
            self._mail.append((actor, envelope))

    def time(self) -> float:
        return self.now

    def timer(self, delay: float, reply_to: Ref, message: Message, *, needs_company: bool = False) -> Timer:
        timer = Timer(delay, reply_to, message, needs_company)
        self.timers.append(timer)
        self.asked.append(("timer", timer))
        return timer

    def work(self, job: Job) -> None:
        self.asked.append(("work", job))

    def drop(self, job: Job) -> None:
        self.asked.append(("drop", job))

    def spawn_task(self, task: Task) -> None:
        self.asked.append(("task", task))

    def resume(self, task: Task, ticket: int, how: Resumption) -> None:
        self.asked.append(("resume", (task, ticket, how)))

    def want_flush(self, reply_to: Ref, *, awaited: bool) -> None:
        self.asked.append(("flush", awaited))

    def when_idle(self, reply_to: Ref, message: Message) -> None:
        self.asked.append(("idle", message))

    def is_still(self, number: int) -> bool:
        return number == self.lasting

    def due_within(self, seconds: float) -> bool:
        return self.due_soon

    def end(self, ending: Ending) -> None:
        self.asked.append(("end", ending))


class Recorder(Actor):
    """An actor that plays no part: what it is told is only written down."""


def actor_of(ref: Ref) -> Any:
    """The actor behind a ref, to look at its state."""
    inbox: Any = ref.actor_inbox
    return inbox.actor


def awaiter(name: str = "task", *scopes: str, ticket: int = 1) -> Awaiter:
    """A task in the innermost of these contexts (the outermost is named first), which is never run."""
    scope = None
    for each in scopes:
        scope = Scope(each, scope)
    return Awaiter(Task(name, scope, lambda: None), ticket)
