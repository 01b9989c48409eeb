"""Who takes part in a simulation of Pykka actors, where each of them is, and who waits for whom."""

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import greenlet
import pykka

from durably.actors.simulation.footprints import WRITE, Touch

if TYPE_CHECKING:
    from durably.actors.simulation.pykka_parts import SimulatedFuture, SimulatedInbox


class Place(enum.Enum):
    """Where a flow is. READY: it is about to do `next`."""

    RUNNING = "running"
    READY = "ready"
    WAITING = "waiting for a future"
    RECEIVING = "waiting for mail"
    ENDED = "ended"


class Participant:
    """A flow of code on a greenlet: an actor's loop, or the scenario, which has no actor."""

    def __init__(self, name: str, flow: "greenlet.greenlet", actor: pykka.Actor | None = None) -> None:
        self.name = name
        self.greenlet = flow
        self.actor = actor
        self.place = Place.RUNNING
        self.next = ""
        self.inbox: SimulatedInbox
        self.future: SimulatedFuture | None = None
        self.deadline: float | None = None
        self.timed_out = False
        self.handles = False
        self.is_asleep = False
        self.turns = 0
        self.flow: tuple[int, int] = (0, 0)
        """Its name for a search: that of its inbox."""
        self.begun_in = 0
        """The step that has started it."""
        self.on_failure: Callable[[Participant, BaseException | None], None] | None = None
        if actor is not None:
            own: Any = actor
            self._handle_failure = own._handle_failure  # noqa: SLF001  # Pykka calls it where nobody asked
            own._handle_failure = self._failed  # noqa: SLF001

    def _failed(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._handle_failure(kind, error, trace)
        if self.on_failure is not None:
            self.on_failure(self, error)

    @property
    def touches(self) -> frozenset[Touch]:
        """What each of its turns touches: proxies look at what it is made of."""
        return frozenset() if self.actor is None else frozenset({(("attributes", self.flow), WRITE)})

    def awaited(self) -> str:
        """What it waits for, in words."""
        if self.future is None or self.future.asked is None:
            return "a future"
        actor, what = self.future.asked
        return f"the answer of {actor.name} to {what}"

    def end(self) -> None:
        """Unwind its code, wherever it is parked; the actor's `on_stop` is not called."""
        if self.greenlet.dead:
            return
        if self.actor is not None:
            own: Any = self.actor
            own._stop = self.actor.actor_stopped.set  # noqa: SLF001
            self.actor.actor_stopped.set()
            own.actor_inbox.mail.clear()
        self.greenlet.parent = greenlet.getcurrent()
        self.greenlet.throw(greenlet.GreenletExit)


def waiting_in_words(waiting: Sequence[Participant]) -> str:
    """Who waits for whom, and the circle, if there is one."""
    lines = ["nobody can go on:"]
    whom: dict[Participant, Participant] = {}
    for each in waiting:
        line = f"  {each.name} waits for {each.awaited()}"
        if each.future is not None and each.future.asked is not None:
            actor, _ = each.future.asked
            whom[each] = actor
            if actor.actor is not None and actor.actor.actor_stopped.is_set():
                line += f"; {actor.name} has stopped"
        lines.append(line)
    circle = _circle(whom)
    if circle:
        lines.append(f"  a circle: {' -> '.join(each.name for each in [*circle, circle[0]])}")
    return "\n".join(lines)


def _circle(whom: dict[Participant, Participant]) -> list[Participant]:
    done: set[Participant] = set()
    for start in whom:
        path: dict[Participant, None] = {}
        here: Participant | None = start
        while here is not None and here not in done and here not in path:
            path[here] = None
            here = whom.get(here)
        if here is not None and here in path:
            way = list(path)
            return way[way.index(here) :]
        done.update(path)
    return []
