"""Actors that were written for threads, explored unchanged: `simulated_pykka`.

Pykka's actors have three hooks: what their inbox is, what a future is, and how their loop is started. Here
`pykka.ThreadingActor` has others for a while: the loop of an actor, Pykka's own, runs on a greenlet, and
whoever is about to put something into an inbox, takes something out of one, or blocks on a future, leaves
to the scheduler who goes on. With threads all of these may come in any order; between them nothing that
another actor does is seen, unless they share memory, which actors must not.

No greenlet is ever left behind half-way: at the end of a run what is still parked is unwound.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

import greenlet
import pykka
from pykka import _proxy
from pykka._envelope import Envelope
from pykka._introspection import introspect_attrs

from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.contents import word
from durably.actors.simulation.footprints import CLOCK, CODE, READ, WRITE, Touch, Turn
from durably.actors.simulation.participants import Participant, Place, waiting_in_words
from durably.actors.simulation.pykka_parts import (
    Put,
    SimulatedFlag,
    SimulatedFuture,
    SimulatedInbox,
    SimulatedRegistry,
    running,
    touch,
    under_way,
)
from durably.actors.simulation.scheduler import Observer, Scheduler
from durably.actors.simulation.strategies import Strategy

proxies: Any = _proxy
SCENARIO = "the scenario"
ANSWER = "answer"
MOST_CHOICES = 100_000
DEADLINE = "a deadline is set, or is no more"


class DeadlockError(Exception):
    """Nobody can go on, and somebody waits; the message says who waits for whom."""


class UnhandledError(Exception):
    """An actor has ended because it raised where nobody asked."""


class simulated_pykka:  # noqa: N801  # it is used as a function: `with simulated_pykka(...)`
    """While this is entered, actors that are started run under a scheduler, and so does the code inside.

    The code inside is one more flow beside the actors: it may start actors, tell, ask, and use proxies. At
    its end the actors go on until nothing is left to do.

    Args:
        strategy: takes the choices; its `begin` has been called.
        limit: how many choices the run may take.
        observers: look on: a `Trace` or a `Coverage`.
        actors_may_fail: whether an actor may end because it raised where nobody asked. If not, that is an
            error.
        share_memory: whether actors use the same objects beside messages; a search then takes every two of
            their turns to depend on each other.

    Attributes:
        choices: those taken so far.

    Raises:
        DeadlockError: nobody can go on, and somebody waits.
        UnhandledError: an actor raised where nobody asked.
        TooLongError: it took more choices than `limit`.
        RuntimeError: another simulation is under way.
    """

    _HOOKS: ClassVar = ("_create_actor_inbox", "_create_future", "_start_actor_loop")

    def __init__(
        self,
        strategy: Strategy,
        *,
        limit: int = MOST_CHOICES,
        observers: Sequence[Observer] = (),
        actors_may_fail: bool = False,
        share_memory: bool = False,
    ) -> None:
        self._scheduler = Scheduler(strategy, limit=limit, observers=observers)
        self.footprints = self._scheduler.footprints
        self._shared = frozenset({(CODE, WRITE)}) if share_memory else frozenset[Touch]()
        self._scheduler.time = self._time
        self._may_fail = actors_may_fail
        self._now = 0.0
        self._names: Counter[str] = Counter()
        self._participants: list[Participant] = []
        self._broken: BaseException | None = None
        self._closed = False
        self._kept: dict[str, Any] = {}
        self._registered: list[Any] = []

    @property
    def choices(self) -> tuple[str, ...]:
        """What happened, one choice after the other."""
        return tuple(self._scheduler.taken)

    def _time(self) -> float:
        return self._now

    # ------------------------------------------------------------------ begin and end

    def __enter__(self) -> Self:
        if under_way:
            raise RuntimeError("A simulation of Pykka actors is under way already: end it first.")
        under_way.append(self)
        self._main = Participant(SCENARIO, greenlet.getcurrent())
        self._active = self._main
        self._participants.append(self._main)
        self._hub = greenlet.greenlet(self._loop)
        kind: Any = pykka.ThreadingActor
        self._kept = {name: kind.__dict__[name] for name in self._HOOKS}
        kind._create_actor_inbox = staticmethod(SimulatedInbox)  # noqa: SLF001  # Pykka's own hooks
        kind._create_future = staticmethod(SimulatedFuture)  # noqa: SLF001
        kind._start_actor_loop = _start_actor_loop  # noqa: SLF001
        # Actors from elsewhere must neither be seen nor stopped by those in here.
        self._registered = _exchange_registry(SimulatedRegistry())
        proxies.introspect_attrs = _introspect
        for observer in self._scheduler.observers:
            observer.begun()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._broken is None:
                self._main.place = Place.ENDED
                self._switch_to_hub()
        finally:
            how = error or self._broken
            if self.footprints is not None and how is not None:
                self.footprints.ended()  # before what others would have done
            self.footprints = None
            self._close()
            for observer in self._scheduler.observers:
                observer.ended("all is still" if how is None else type(how).__name__)
        if self._broken is not None and error is not self._broken:
            raise self._broken

    def _close(self) -> None:
        """Unwind what is parked, and give Pykka its hooks back."""
        self._closed = True
        self._hub.parent = greenlet.getcurrent()
        self._hub.throw(greenlet.GreenletExit)
        for participant in self._participants[1:]:
            _exchange_registry([])  # (an actor that is unwound in the middle of a message stops all others)
            participant.end()
        _exchange_registry(self._registered)
        proxies.introspect_attrs = introspect_attrs
        threading_actor: Any = pykka.ThreadingActor
        for name, hook in self._kept.items():
            setattr(threading_actor, name, hook)
        under_way.remove(self)

    # ------------------------------------------------------------------ what actors and the scenario do

    def start(self, actor: pykka.Actor) -> None:
        """Give an actor a greenlet, which runs its loop when it is chosen."""
        own: Any = actor
        name = type(actor).__name__
        self._names[name] += 1
        if self._names[name] > 1:
            name = f"{name} {self._names[name]}"
        participant = Participant(name, greenlet.greenlet(own._actor_loop), actor)  # noqa: SLF001
        participant.on_failure = self._failed
        participant.place, participant.next = Place.READY, f"{name} starts"
        inbox: SimulatedInbox = own.actor_inbox
        participant.inbox, participant.flow = inbox, inbox.name
        inbox.owner = participant
        own.actor_stopped.__class__ = SimulatedFlag  # (there may be refs to the actor that have it)
        own.actor_stopped.name = inbox.name
        if self.footprints is not None:
            participant.begun_in = self.footprints.step
        if type(actor).on_start is pykka.Actor.on_start:  # nobody would notice when it starts
            participant.place, participant.is_asleep = Place.RECEIVING, True
        self._participants.append(participant)

    def put(self, inbox: SimulatedInbox, envelope: Envelope[Any]) -> None:
        """Put something into an inbox, when it is this one's turn."""
        me, to = self._me(), inbox.owner
        receiver = "an actor that has not begun" if to is None else to.name
        what = word(envelope.message)
        verb = "tells" if envelope.reply_to is None else "asks"
        self._park(me, Place.READY, f"{me.name} {verb} {receiver}: {what}")
        if isinstance(envelope.reply_to, SimulatedFuture) and to is not None:
            envelope.reply_to.asked = (to, what)
        touch(("box", inbox.name))
        inbox.mail.append(Put(envelope, me.name, 0 if self.footprints is None else self.footprints.step))
        for observer in self._scheduler.observers:
            observer.sent(receiver, inbox if to is None else to.actor, envelope.message)

    def take_mail(self, inbox: SimulatedInbox) -> Envelope[Any]:
        """Wait for mail; when this one handles it is a choice."""
        me = self._me()
        observers = self._scheduler.observers
        if me.handles:
            for observer in observers:
                observer.handled(me.name, me.actor)
        me.handles = False
        if me.actor is not None and me.actor.actor_stopped.is_set():
            return inbox.mail.popleft().envelope  # it refuses what it has not handled
        if me.is_asleep:
            me.is_asleep, me.place = False, Place.RUNNING  # its first mail is why it runs
        else:
            self._park(me, Place.RECEIVING)
        me.handles = True
        envelope = inbox.mail.popleft().envelope
        for observer in observers:
            observer.handling(me.actor, envelope.message)
        return envelope

    def wait_for(self, future: SimulatedFuture, timeout: float | None) -> None:
        """Park until a future is set.

        Raises:
            pykka.Timeout: it took too long, of virtual time.
        """
        me = self._me()
        me.future, me.timed_out = future, False
        me.deadline = None if timeout is None else self._now + timeout
        if timeout is not None:
            touch(CLOCK, DEADLINE)
        future.awaited_by = me
        self._park(me, Place.WAITING)
        me.future = future.awaited_by = None
        if me.timed_out:
            raise pykka.Timeout(f"{timeout} seconds")
        for observer in self._scheduler.observers:
            observer.handling(future, ANSWER)

    def answered(self, future: SimulatedFuture, by: Participant) -> None:
        """A future is set for which somebody waits."""
        for observer in self._scheduler.observers:
            observer.sent(by.name, future, ANSWER)

    def touch_deadlines(self, future: SimulatedFuture) -> None:
        """Whoever waits for a future does not do so until a deadline any more."""
        if any(each.future is future and each.deadline is not None for each in self._participants):
            touch(CLOCK, DEADLINE)

    def _me(self) -> Participant:
        if self._closed:
            raise greenlet.GreenletExit
        if greenlet.getcurrent() is not self._active.greenlet:
            raise RuntimeError(
                "A simulated actor was used from a thread that the simulation does not know. Threads cannot "
                "be simulated: let an actor do what the thread does."
            )
        return self._active

    def _park(self, me: Participant, place: Place, name: str = "") -> None:
        me.place, me.next = place, name
        self._switch_to_hub()
        if self._closed:
            raise greenlet.GreenletExit
        me.place = Place.RUNNING

    def _switch_to_hub(self) -> None:
        self._hub.switch()
        if self._broken is not None and not self._closed:
            raise self._broken

    def _failed(self, participant: Participant, error: BaseException | None) -> None:
        if not (self._may_fail or self._closed or self._broken):
            self._broken = UnhandledError(f"{participant.name} raised where nobody asked: {error!r}")
            self._broken.__cause__ = error

    # ------------------------------------------------------------------ the loop

    def _loop(self) -> None:
        """Runs on a greenlet of its own, whose end goes on with the scenario."""
        try:
            while self._broken is None:
                options = self._options()
                if not options:
                    break
                self._scheduler.take(options)
            waiting = [each for each in self._participants if each.place is Place.WAITING]
            if self._broken is None and waiting:
                self._broken = DeadlockError(waiting_in_words(waiting))
        except greenlet.GreenletExit:
            pass
        except BaseException as error:
            self._broken = error

    def _options(self) -> list[Choice]:
        """First who acted last, as a thread goes on that is not preempted; then by age. Time comes last."""
        first = self._active
        order = [first, *(each for each in self._participants if each is not first)]
        options = [choice for each in order if (choice := self._option(each)) is not None]
        late = [each for each in order if each.place is Place.WAITING and each.deadline is not None]
        late = [each for each in late if each.future is not None and not each.future.is_set]
        moment = min((each.deadline or 0.0 for each in late), default=0.0)
        return options + [self._time_out(each) for each in late if each.deadline == moment]

    def _option(self, each: Participant) -> Choice | None:
        if each.place is Place.READY:
            return self._turn(ChoiceKind.RESUME, each.next, each, each.begun_in)
        if each.place is Place.WAITING and each.future is not None and each.future.is_set:
            name = f"{each.name} goes on with {each.awaited()}"
            return self._turn(ChoiceKind.RESUME, name, each, each.future.set_in)
        if each.place is Place.RECEIVING and each.inbox.mail:
            envelope, sender, step = each.inbox.mail[0]
            name = f"{each.name} handles {word(envelope.message)} from {sender}"
            return self._turn(ChoiceKind.DELIVER, name, each, step)
        return None

    def _turn(self, kind: ChoiceKind, name: str, each: Participant, cause: int) -> Choice:
        turn = Turn(each.flow, each.turns, cause, self._shared | each.touches)
        return Choice(kind, name, each.name, self._going_on(each), turn)

    def _going_on(self, each: Participant) -> Callable[[], None]:
        def go_on() -> None:
            self._active = each
            each.turns += 1
            if each is not self._main:
                each.greenlet.parent = self._hub
            each.greenlet.switch()

        return go_on

    def _time_out(self, each: Participant) -> Choice:
        go_on = self._going_on(each)

        def happen() -> None:
            self._now = max(self._now, each.deadline or 0.0)
            each.timed_out = True
            go_on()

        assert each.future is not None
        turn = Turn(
            each.flow,
            each.turns,
            0,
            self._shared | each.touches | {(CLOCK, WRITE), (("future", each.future.name), READ)},
        )
        name = f"{each.name} waits no longer for {each.awaited()}"
        return Choice(ChoiceKind.TIME, name, each.name, happen, turn)


def _start_actor_loop(actor: pykka.Actor) -> None:
    running().start(actor)


def _introspect(*, root: Any, proxy: Any) -> Any:
    """Look which attributes an actor has, as a proxy does without asking it."""
    inbox = getattr(root, "actor_inbox", None)
    if isinstance(inbox, SimulatedInbox):
        touch(("attributes", inbox.name), READ)
    return introspect_attrs(root=root, proxy=proxy)


def _exchange_registry(refs: list[Any]) -> list[Any]:
    registry: Any = pykka.ActorRegistry
    before: list[Any] = registry._actor_refs  # noqa: SLF001  # there is no other way to have one's own
    registry._actor_refs = refs  # noqa: SLF001
    return before
