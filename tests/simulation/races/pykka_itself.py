"""G. Pykka's own races, found in Pykka; and the same events on the actors of this library.

Unlike elsewhere some scenarios are of Pykka as it is: they must find the race, which shows that it is one.
"""

import pykka

from durably.actors.actor import Actor, Ref
from durably.actors.clock import VirtualClock
from durably.actors.messages import Message
from durably.actors.simulation import Scheduler, SimulatedDispatcher, Strategy
from durably.actors.simulation.pykka_actors import DeadlockError, simulated_pykka
from durably.actors.stage import Stage
from durably.actors.system import ActorFailedError, ActorSystem
from tests.simulation.races.registry import every, section

race = section("G. Pykka itself")


class Leak(BaseException):
    """Something that is no Exception: a suspension of another library, say."""


class Go(Message):
    """Begin."""


class Word(Message):
    """Anything."""


class Friend(pykka.ThreadingActor):
    """Answers, and leaks if it is told to."""

    def on_receive(self, message):
        if message == "leak":
            raise Leak
        return message


class Stopper(pykka.ThreadingActor):
    """Stops another one when it is told to."""

    def __init__(self, other):
        super().__init__()
        self.other = other

    def on_receive(self, message):
        self.other.stop(block=False)


class Listener(Actor):
    """Counts what it is told."""

    def __init__(self, stage: Stage, name: str = "listener") -> None:
        super().__init__(stage, name)
        self.handled = 0

    def on_receive(self, message: Message) -> None:
        self.handled += 1


class Other(Actor):
    """Tells, asks, stops or leaks, when it is told to go."""

    def __init__(self, stage: Stage, name: str, to: Ref | None = None) -> None:
        super().__init__(stage, name)
        self.to = to
        self.refused = False
        self.answer: pykka.Future | None = None

    def on_receive(self, message: Message) -> None:
        if self.to is None:
            raise Leak
        if self.actor_urn == "stopper":
            self.to.stop(block=False)
        elif self.actor_urn == "asker":
            self.answer = self.to.ask(Word(), block=False)
        else:
            try:
                self.to.tell(Word())
            except pykka.ActorDeadError:
                self.refused = True


def system_of(strategy: Strategy) -> ActorSystem:
    """A system that leaves every order to the strategy."""
    return ActorSystem(SimulatedDispatcher(Scheduler(strategy), VirtualClock()))


R51 = race(
    "R51",
    "`ask` found the actor alive; the actor handled its stop, emptied its inbox and ended; the question was put into "
    "the inbox then, and the asker waited for ever. `tell` lost its message in silence",
    "Pykka 4.4.1, without an issue",
    tests=["tests/simulation/test_pykka_actors.py::TestADeadlock::test_with_one_that_has_stopped_says_so"],
)


@R51.actors(every(), ["answered", "refused", "never answered"])
def pykkas_ask_meets_a_stop(strategy: Strategy) -> str:
    """In Pykka: an actor is asked and stopped at the same time, and in some orders nobody answers."""
    outcome = "answered"
    try:
        with simulated_pykka(strategy):
            friend = Friend.start()
            Stopper.start(friend).tell("stop it")
            try:
                friend.ask("how are you?")
            except pykka.ActorDeadError:
                outcome = "refused"
    except DeadlockError:
        outcome = "never answered"
    return outcome


@R51.actors(every(), ["answered", "refused"])
def an_ask_meets_a_stop(strategy: Strategy) -> str:
    """Here: the asker is answered or refused in every order."""
    system = system_of(strategy)
    listener = Listener(system)
    asker, stopper = Other(system, "asker", listener.begin()), Other(system, "stopper", listener.ref)
    asker.begin().tell(Go())
    stopper.begin().tell(Go())
    system.run()
    assert asker.answer is not None
    try:
        asker.answer.get(timeout=0)
    except pykka.ActorDeadError:
        return "refused"
    finally:
        system.close()
    return "answered"


@R51.actors(every(), ["handled", "refused", "the run failed"])
def a_tell_meets_a_stop(strategy: Strategy) -> str:
    """Here: what is told is handled, refused to its sender, or fails the run; never lost in silence."""
    system = system_of(strategy)
    listener = Listener(system)
    teller, stopper = Other(system, "teller", listener.begin()), Other(system, "stopper", listener.ref)
    teller.begin().tell(Go())
    stopper.begin().tell(Go())
    try:
        system.run()
    except ActorFailedError as failed:
        return "the run failed" if isinstance(failed.__cause__, pykka.ActorDeadError) else str(failed)
    finally:
        system.close()
    return "handled" if listener.handled else "refused" if teller.refused else "lost"


R52 = race(
    "R52",
    "a BaseException in an actor stopped every actor of the process, and who had asked that actor waited for ever: "
    "a leaking suspension was fatal to other invocations",
    "Pykka, `ActorRegistry.stop_all()`",
    tests=["tests/actors/test_messages.py::test_pykkas_process_wide_registry_is_not_used"],
)


@R52.actors(every(), ["the other is alive", "the other is dead"])
def pykkas_actor_leaks_beside_another(strategy: Strategy) -> str:
    """In Pykka: one actor leaks, and in some orders another, which has nothing to do with it, is dead."""
    outcome = "the other is alive"
    try:
        with simulated_pykka(strategy, actors_may_fail=True):
            leaking, other = Friend.start(), Friend.start()
            leaking.tell("leak")
            try:
                other.ask("how are you?")
            except pykka.ActorDeadError:
                outcome = "the other is dead"
    except DeadlockError:
        outcome = "the other is dead"
    return outcome


@R52.actors(every(), ["the run failed, and the other system is alive"])
def an_actor_leaks_beside_another_system(strategy: Strategy) -> str:
    """Here: the run fails with it, and an actor of another system handles what it is told before and after."""
    system = system_of(strategy)
    elsewhere = ActorSystem()
    other = elsewhere.spawn(Listener)
    one = Listener(system, "one")
    leaking = Other(system, "leaking")
    one.begin().tell(Word())
    leaking.begin().tell(Go())
    one.ref.tell(Word())
    try:
        system.run()
    except Leak:
        other.tell(Word())
        elsewhere.run()
        assert other._actor.handled == 1
        return "the run failed, and the other system is alive"
    finally:
        system.close()
        elsewhere.close()
    return "nothing was noticed"
