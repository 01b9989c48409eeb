"""What a simulated Pykka actor has in the place of its inbox, its futures, and the flag that it has stopped.

They leave to the simulation who goes on, and tell a search that wants to know what is touched: two turns of
actors depend on each other only through these, and through the registry and the attributes that a proxy
looks for.
"""

import threading
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, SupportsIndex

import pykka
from pykka._envelope import Envelope

from durably.actors.simulation.footprints import READ, WRITE, Footprints

if TYPE_CHECKING:
    from durably.actors.simulation.participants import Participant

Name = tuple[int, int]
"""Of an actor, a flow or a future, for a search: the step that has made it, and how many that had made."""

CHANGE = "change"


class Put(NamedTuple):
    """What lies in an inbox, who has put it there, and in which step."""

    envelope: Envelope[Any]
    sender: str
    step: int


class Simulation(Protocol):
    """What the parts need of the simulation that is under way."""

    footprints: Footprints | None

    def start(self, actor: pykka.Actor) -> None:
        """Give an actor a flow."""
        ...

    def put(self, inbox: "SimulatedInbox", envelope: Envelope[Any]) -> None:
        """Put something into an inbox, when it is this one's turn."""
        ...

    def take_mail(self, inbox: "SimulatedInbox") -> Envelope[Any]:
        """Wait for mail."""
        ...

    def wait_for(self, future: "SimulatedFuture", timeout: float | None) -> None:
        """Park until a future is set."""
        ...

    def answered(self, future: "SimulatedFuture", by: "Participant") -> None:
        """A future is set for which somebody waits."""
        ...

    def touch_deadlines(self, future: "SimulatedFuture") -> None:
        """Whoever waits for a future does not do so until a deadline any more."""
        ...


under_way: list[Simulation] = []
"""The simulation that is under way, if there is one."""


def running() -> Simulation:
    """The simulation that is under way.

    Raises:
        RuntimeError: there is none: an actor has outlived the one that it was started in.
    """
    if not under_way:
        raise RuntimeError("The simulation that this actor was started in has ended.")
    return under_way[0]


def footprints() -> Footprints | None:
    """Where it is noted what the turn in progress touches, if anybody wants to know."""
    return under_way[0].footprints if under_way else None


def touch(what: object, way: str = WRITE) -> None:
    """The turn in progress touches this."""
    noted = footprints()
    if noted is not None:
        noted.touch(what, way)


def new_name() -> Name:
    """A name for what the turn in progress makes, the same in all orders."""
    noted = footprints()
    return (0, 0) if noted is None else noted.name()


class SimulatedInbox:
    """An actor's inbox, whose `put` and `get` are choices. Its name is the actor's."""

    def __init__(self) -> None:
        self.mail: deque[Put] = deque()
        self.owner: Participant | None = None
        self._simulation = running()
        self.name = new_name()

    def put(self, envelope: Envelope[Any], /) -> None:
        """Put it in, when it is this one's turn."""
        self._simulation.put(self, envelope)

    def get(self) -> Envelope[Any]:
        """Wait until there is something, and it is this one's turn."""
        return self._simulation.take_mail(self)

    def empty(self) -> bool:
        """True if there is nothing in it."""
        touch(("box", self.name), READ)
        return not self.mail


class SimulatedFuture(pykka.ThreadingFuture[Any]):
    """A future that parks who waits for it. `asked` says who is to answer what."""

    def __init__(self) -> None:
        super().__init__()
        self.name = new_name()
        self.set_in = 0
        """The step in which it was set."""
        self.asked: tuple[Participant, str] | None = None
        self.awaited_by: Participant | None = None

    @property
    def is_set(self) -> bool:
        """True if nobody has to wait for it."""
        return self._result is not None

    def get(self, *, timeout: float | None = None) -> Any:
        if self._get_hook is not None:
            touch(("future", self.name))  # it remembers what came of it
            return pykka.Future[Any].get(self, timeout=timeout)
        noted = footprints()
        if noted is not None:
            if timeout is not None:
                noted.touch(("future", self.name), READ)  # it can only be too late if it has to wait
            elif self._result is not None:
                noted.follow(self.set_in, ("future", self.name))  # as if it had waited, and gone on at once
        if self._result is None:
            running().wait_for(self, timeout)
        return super().get(timeout=0)

    def set(self, value: Any = None) -> None:
        self._touch()
        super().set(value)
        self._tell()

    def set_exception(self, exc_info: Any = None) -> None:
        self._touch()
        super().set_exception(exc_info)
        self._tell()

    def _touch(self) -> None:
        noted = footprints()
        if noted is not None:
            noted.touch(("future", self.name))
            if self._result is None:
                self.set_in = noted.step
                running().touch_deadlines(self)

    def _tell(self) -> None:
        if self.awaited_by is not None:
            running().answered(self, self.awaited_by)


class SimulatedFlag(threading.Event):
    """Whether an actor has stopped; an `Event` becomes one. Who asks depends on when it does."""

    name: Name

    def is_set(self) -> bool:
        touch(("stopped", self.name), READ)
        return super().is_set()

    def set(self) -> None:
        touch(("stopped", self.name))
        super().set()


class SimulatedRegistry(list[Any]):
    """The refs of the actors that run. Starting and stopping commute; two starts do not."""

    def append(self, ref: Any, /) -> None:
        touch("order of actors")
        touch("actors", CHANGE)
        super().append(ref)

    def remove(self, ref: Any, /) -> None:
        touch("actors", CHANGE)
        super().remove(ref)

    def __getitem__(self, index: SupportsIndex | slice, /) -> Any:
        touch("actors", READ)
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        touch("actors", READ)
        return super().__iter__()
