"""The base of all actors: a Pykka actor whose mailbox belongs to a stage.

Pykka's three extension points (the inbox, the future, the start of the loop) suffice to take its actors
off their threads: the inbox hands an envelope to the stage, which decides when the actor handles it. `tell`,
`ask` and `stop` on a ref keep Pykka's meaning. What differs, and why:

- Refs hold their actor strongly. Pykka's own are weak since 4.4.2, and here nothing else (no thread, no
  registry) keeps an actor alive. An actor that nobody can reach any more is simply gone.
- The process-wide registry is not used: its removal is linear, and one actor's `BaseException` would make
  it stop the actors of every other invocation in the process.
- A message to a stopped actor is answered with `ActorDeadError`, never dropped in silence.
"""

import sys
import threading
import weakref
from typing import TYPE_CHECKING, Any

import pykka
from pykka._envelope import Envelope

from durably.actors.messages import Message

if TYPE_CHECKING:
    from typing import Self

    from durably.actors.stage import Stage

_RUNNING = threading.Event()
_STOPPED = threading.Event()
_STOPPED.set()

hub = threading.local()
"""`hub.running` is true on a thread while it runs actors: blocking there would be a deadlock."""


class WouldDeadlockError(RuntimeError):
    """`ask` was called on the thread that the answering actor runs on."""


class HubFuture(pykka.ThreadingFuture[Any]):
    """The future of an `ask`: blocks a worker thread, and refuses to block the actors' own."""

    def get(self, *, timeout: float | None = None) -> Any:
        if self._result is None and self._get_hook is None and getattr(hub, "running", False):
            raise WouldDeadlockError(
                "ask() would wait for ever: actors and workflow code share this thread, so no reply can "
                "come while it blocks. Use tell(), and let the other actor tell back, or ask elsewhere."
            )
        return super().get(timeout=timeout)


class Mailbox:
    """Pykka's inbox protocol over a stage. It has no state: the stage keeps what is put."""

    __slots__ = ("actor",)

    def __init__(self, actor: "Actor") -> None:
        self.actor = actor

    def put(self, envelope: Envelope[Any], /) -> None:
        """Hand the envelope to the stage, or refuse it if the actor has stopped."""
        self.actor.ref.put(envelope)

    def get(self) -> Envelope[Any]:
        """Never called: a mailbox is emptied by its stage, not by Pykka's loop."""
        raise AssertionError("a mailbox is emptied by its stage, never by Pykka's loop")

    def empty(self) -> bool:
        """True as far as Pykka is concerned."""
        return True


Mail = Message | Envelope[Any]
"""What lies in a mailbox: a message of ours, or Pykka's envelope with a question or a foreign message."""


def refuse(mail: Mail) -> None:
    """Answer what will not be handled.

    Raises:
        ActorDeadError: it was told, so that there is nobody else to learn of it.
    """
    message = mail if isinstance(mail, Message) else mail.message
    error = pykka.ActorDeadError(f"the actor has stopped and will not handle {message!r}")
    if isinstance(mail, Message) or mail.reply_to is None:
        raise error
    mail.reply_to.set_exception((pykka.ActorDeadError, error, None))


def refuse_question(mail: Mail) -> None:
    """Answer somebody who waits for a reply that will not come; what was only told is let go."""
    if not isinstance(mail, Message) and mail.reply_to is not None:
        refuse(mail)


class Ref(pykka.ActorRef["Actor"]):
    """A reference to an actor, which it keeps alive. An actor has any number of equal ones.

    An actor does not hold a reference to itself: there is no cycle, and it goes when its last ref does.
    """

    def __init__(self, actor: "Actor") -> None:
        self._actor = actor

    @property
    def actor_class(self) -> type["Actor"]:  # type: ignore[override]  # Pykka has attributes
        """The class of the actor."""
        return type(self._actor)

    @property
    def actor_urn(self) -> str:  # type: ignore[override]  # Pykka has attributes
        """The name of the actor."""
        return self._actor.actor_urn

    @property
    def actor_inbox(self) -> Mailbox:  # type: ignore[override]  # Pykka has attributes
        """The actor's mailbox."""
        return Mailbox(self._actor)

    @property
    def actor_stopped(self) -> threading.Event:  # type: ignore[override]  # Pykka has attributes
        """Set when the actor has stopped."""
        return self._actor.actor_stopped

    @property
    def _actor_weakref(self) -> "weakref.ref[Actor]":  # type: ignore[override]  # read by proxies only
        return weakref.ref(self._actor)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other._actor is self._actor

    def __hash__(self) -> int:
        return id(self._actor)

    def is_alive(self) -> bool:
        """True until the actor has stopped."""
        return self._actor.actor_stopped is not _STOPPED

    def tell(self, message: Any) -> None:
        """Put a message into the actor's mailbox, at once.

        Raises:
            ActorDeadError: the actor has stopped.
        """
        actor = self._actor
        mail = message if isinstance(message, Message) else Envelope(message)
        if actor.actor_stopped is _STOPPED:
            refuse(mail)
        else:
            actor.stage.post(actor, mail)

    def tell_if_alive(self, message: Message) -> None:
        """Tell what the actor has asked to be told, if it still wants to know."""
        if self.is_alive():
            self.tell(message)

    def put(self, mail: Mail) -> None:
        """Put mail into the actor's mailbox, or refuse it if the actor has stopped."""
        if self._actor.actor_stopped is _STOPPED:
            refuse(mail)
        else:
            self._actor.stage.post(self._actor, mail)


class Actor(pykka.Actor):
    """An actor on a stage. Subclasses handle their messages in `on_receive`.

    Actors of an invocation are made with `system.spawn(SomeActor, ...)`, never with Pykka's `start()`.
    """

    actor_stopped = _RUNNING

    def __init__(self, stage: "Stage", name: str = "") -> None:
        # Not Pykka's own __init__: its uuid, Event, inbox and ref would be a third of what a step costs.
        self.actor_urn = name or type(self).__name__
        self.stage = stage

    @property
    def ref(self) -> Ref:
        """A reference to this actor."""
        return Ref(self)

    @property
    def _actor_ref(self) -> Ref:  # type: ignore[override]  # Pykka has an attribute
        return Ref(self)

    @property
    def actor_inbox(self) -> Mailbox:  # type: ignore[override]  # Pykka has an attribute
        """This actor's mailbox."""
        return Mailbox(self)

    @classmethod
    def start(cls, *_args: Any, **_kwargs: Any) -> "pykka.ActorRef[Self]":  # pyright: ignore[reportIncompatibleMethodOverride]  # nothing is taken
        """Refused: an actor lives on a stage."""
        raise TypeError(f"{cls.__name__} runs on an actor system: use system.spawn({cls.__name__}, ...)")

    @staticmethod
    def _create_actor_inbox() -> Any:
        raise AssertionError("an actor's mailbox belongs to its stage")

    @staticmethod
    def _create_future() -> pykka.Future[Any]:
        return HubFuture()

    def _start_actor_loop(self) -> None:
        self.on_start()

    def begin(self) -> Ref:
        """Start; the system calls this once."""
        self._start_actor_loop()
        return self.ref

    def halt(self) -> None:
        """Stop at once, whatever is in the mailbox; the system calls this at its end."""
        if self.ref.is_alive():
            self._stop()

    def _stop(self) -> None:
        self.actor_stopped = _STOPPED
        self.on_stop()

    def deliver(self, mail: Mail) -> None:
        """Handle one piece of mail. What the actor raises goes to who asked, or out of here."""
        if self.actor_stopped is _STOPPED:
            refuse(mail)
        elif isinstance(mail, Message):
            self.on_receive(mail)
        elif mail.reply_to is None:
            self._handle_receive(mail.message)
        else:
            try:
                reply = self._handle_receive(mail.message)
            except Exception:
                mail.reply_to.set_exception(sys.exc_info())
            else:
                mail.reply_to.set(reply)
