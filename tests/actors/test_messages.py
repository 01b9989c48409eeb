"""Telling, asking and stopping: what holds for every actor on a hub."""

import gc
import signal
import threading
import weakref
from typing import Any

import pykka
import pytest

from durably.actors.actor import WouldDeadlockError
from durably.actors.clock import VirtualClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Message
from durably.actors.system import ActorFailedError, ActorSystem
from durably.actors.task import Task
from tests.actors.actors import PATIENCE, Listener, Note, body


@pytest.fixture
def system():
    system = ActorSystem(HubDispatcher(VirtualClock()))
    yield system
    system.close()


def test_messages_are_handled_in_the_order_of_telling_over_all_actors(system: ActorSystem):
    """First told, first handled; what is told meanwhile comes last."""
    log: list[Any] = []
    b = system.spawn(Listener, "b", log)
    a = system.spawn(Listener, "a", log, lambda what: b.tell(Note(what * 10)))
    for to, what in ((a, 1), (b, 2), (a, 3), (b, 4)):
        to.tell(Note(what))
    assert log == [], "nobody handles anything before the system runs"
    system.run()
    assert log == [1, 2, 3, 4, 10, 30]


def test_a_message_may_be_anything(system: ActorSystem):
    """The base knows no types of messages: a string is as good as a message of ours."""
    log: list[Any] = []
    system.spawn(Listener, "a", log).tell("hello")
    system.run()
    assert log == ["hello"]


def test_pykkas_process_wide_registry_is_not_used(system: ActorSystem):
    """Its removal is linear, and `stop_all` of one invocation would stop all others."""
    refs = [system.spawn(Listener) for _ in range(10)]
    refs[0].tell(Note())
    system.run()
    assert pykka.ActorRegistry.get_all() == []


def test_an_actor_does_not_start_on_a_thread_of_its_own():
    """Pykka's `start` says what to do instead."""
    with pytest.raises(TypeError, match=r"system\.spawn"):
        Listener.start()


@pytest.mark.parametrize("told", [False, True])
def test_an_actor_that_nobody_refers_to_is_collected(system: ActorSystem, told: bool):
    """No registry and no thread keeps it alive; a ref does, strongly."""
    ref = system.spawn(Listener)
    inbox: Any = ref.actor_inbox
    actor = weakref.ref(inbox.actor)
    del inbox
    if told:
        ref.tell(Note())
        system.run()
    gc.collect()
    assert actor() is not None
    del ref
    gc.collect()
    assert actor() is None


def test_a_message_keeps_its_receiver_alive(system: ActorSystem):
    """Whoever tells and forgets is still heard."""
    log: list[Any] = []
    system.spawn(Listener, "a", log).tell(Note(1))
    gc.collect()
    system.run()
    assert log == [1]


# ------------------------------------------------------------------ stopping


def test_a_stopped_actor_refuses_messages_and_says_so(system: ActorSystem):
    """`tell` raises at once, `ask` through its future, and stopping again reports that there was no need."""
    ref = system.spawn(Listener)
    stopped = ref.stop(block=False)
    system.run()
    assert stopped.get() is True
    assert not ref.is_alive()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(Note())
    future = ref.ask(Note(), block=False)
    with pytest.raises(pykka.ActorDeadError):
        future.get()
    with pytest.raises(pykka.ActorDeadError):
        ref.ask(Note())
    assert ref.stop() is False


def test_what_was_told_before_the_stop_is_handled(system: ActorSystem):
    """Stopping is a message like any other: it takes its turn."""
    log: list[Any] = []
    ref = system.spawn(Listener, "a", log)
    ref.tell(Note(1))
    ref.stop(block=False)
    system.run()
    assert log == [1]


def test_a_message_that_finds_its_actor_stopped_is_not_dropped_in_silence(system: ActorSystem):
    """An asker gets the error; a teller has gone on, so the run ends with it."""
    ref = system.spawn(Listener)
    ref.stop(block=False)
    future = ref.ask(Note(), block=False)
    ref.tell(Note("lost"))
    with pytest.raises(ActorFailedError, match="lost") as error:
        system.run()
    with pytest.raises(pykka.ActorDeadError):
        future.get()
    assert isinstance(error.value.__cause__, pykka.ActorDeadError)


def test_on_stop_is_called_once_however_the_actor_ends():
    """By its own stop, or at the end of the system."""
    ended: list[str] = []

    class Tidy(Listener):
        def on_stop(self) -> None:
            ended.append(self.actor_urn)

    system = ActorSystem()
    early = system.spawn(Tidy, "early")
    system.spawn(Tidy, "late")
    early.stop(block=False)
    system.run()
    assert ended == ["early"]
    system.close()
    assert ended == ["early", "late"]


def test_after_the_end_nobody_is_at_home():
    """A closed system refuses messages, those included that were not handled any more."""
    system = ActorSystem()
    ref = system.spawn(Listener)
    future = ref.ask(Note(), block=False)
    system.close()
    with pytest.raises(pykka.ActorDeadError):
        future.get()
    with pytest.raises(pykka.ActorDeadError):
        ref.tell(Note())
    with pytest.raises(pykka.ActorDeadError):
        ref.ask(Note(), block=False).get()


# ------------------------------------------------------------------ failing


def test_an_actor_that_fails_ends_the_run_with_its_exception(system: ActorSystem):
    """The error names the actor and has the cause; later messages are not handled."""
    log: list[Any] = []
    cause = ZeroDivisionError("oops")

    def fail(_what: Any) -> None:
        raise cause

    system.spawn(Listener, "the unlucky", log, fail).tell(Note(1))
    system.spawn(Listener, "another", log).tell(Note(2))
    with pytest.raises(ActorFailedError, match=r"the unlucky failed: ZeroDivisionError\('oops'\)") as error:
        system.run()
    assert error.value.__cause__ is cause
    assert log == [1]


def test_a_supervisor_that_fails_is_an_actor_that_fails(system: ActorSystem):
    """What it raises when it is told of stillness comes out as every other actor's does."""

    def fail(_what: Any) -> None:
        raise ZeroDivisionError("oops")

    system.supervisor = system.spawn(Listener, "supervisor", None, fail)
    with pytest.raises(ActorFailedError, match="supervisor failed"):
        system.run()


def test_an_interrupt_never_strikes_inside_an_actor(system: ActorSystem):
    """Ctrl-C waits until the messages that are there are handled, and then comes out of `run`."""
    log: list[Any] = []
    ref = system.spawn(Listener, "a", log, lambda _: signal.raise_signal(signal.SIGINT))
    system.spawn(Listener, "b", log)
    ref.tell(Note(1))
    ref.tell(Note(2))
    with pytest.raises(KeyboardInterrupt):
        system.run()
    assert log == [1, 2]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interrupt_strikes_workflow_code_at_once(system: ActorSystem):
    """A task that computes for ever can be stopped."""
    log: list[str] = []

    def code() -> None:
        signal.raise_signal(signal.SIGINT)
        log.append("went on")

    system.spawn_task(Task("busy", None, code))
    with pytest.raises(KeyboardInterrupt):
        system.run()
    assert log == []


# ------------------------------------------------------------------ asking


def test_asking_on_the_hub_is_refused_instead_of_blocking_for_ever(system: ActorSystem):
    """An actor that asks another one could never be answered: both need this thread."""
    other = system.spawn(Listener, "other", None, lambda what: what)
    system.spawn(Listener, "asker", None, lambda _: other.ask(Note(1))).tell(Note())
    with pytest.raises(ActorFailedError, match="asker failed") as error:
        system.run()
    assert isinstance(error.value.__cause__, WouldDeadlockError)


def test_workflow_code_cannot_ask_either(system: ActorSystem):
    """It shares the hub's thread. The error says what to do instead."""
    other = system.spawn(Listener)
    errors: list[str] = []

    def code() -> None:
        with pytest.raises(WouldDeadlockError) as error:
            other.ask(Note(1))
        errors.append(str(error.value))

    system.spawn_task(Task("t", None, code))
    system.run()
    assert "Use tell()" in errors[0]


def test_neither_can_a_body_that_runs_on_the_hub(system: ActorSystem):
    """The only body there is runs there; the error does not promise that step bodies may ask."""
    other = system.spawn(Listener)
    errors: list[str] = []

    def ask() -> None:
        with pytest.raises(WouldDeadlockError) as error:
            other.ask(Note(1), timeout=PATIENCE)
        errors.append(str(error.value))

    system.work(body(ask, system.spawn(Listener, "results")))
    system.run()
    assert "ask elsewhere" in errors[0]
    assert "step body" not in errors[0]


def test_asking_without_blocking_is_fine_on_the_hub(system: ActorSystem):
    """The future can be read once the answer is there."""
    other = system.spawn(Listener, "other", None, lambda what: what + 1)
    future = other.ask(Note(1), block=False)
    system.run()
    assert future.get() == 2


def two_bodies(system: ActorSystem, run: Any) -> list[Any]:
    """Let two bodies run beside the actors, on worker threads; what they return."""
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    for _ in range(2):
        system.work(body(run, listener))
    system.run()
    return results


def test_asking_from_a_worker_thread_works(system: ActorSystem):
    """A body may ask an actor, and waits for the answer while the hub goes on."""
    other = system.spawn(Listener, "other", None, lambda what: what + 1)
    assert two_bodies(system, lambda: other.ask(Note(1), timeout=PATIENCE)) == [2, 2]


def test_what_an_actor_raises_goes_to_who_asked(system: ActorSystem):
    """The actor has not failed: its answer is an exception."""

    def fail(_what: Any) -> None:
        raise ZeroDivisionError("oops")

    other = system.spawn(Listener, "other", None, fail)

    def ask() -> str:
        with pytest.raises(ZeroDivisionError, match="oops"):
            other.ask(Note(1), timeout=PATIENCE)
        return "caught"

    assert two_bodies(system, ask) == ["caught", "caught"]


def test_what_a_worker_thread_tells_is_handled_in_its_order(system: ActorSystem):
    """A thousand messages of one thread arrive as they were told, while the hub sleeps or not."""
    log: list[Any] = []
    other = system.spawn(Listener, "other", log)

    def tell() -> None:
        name = threading.get_ident()
        for number in range(500):
            other.tell(Note((name, number)))

    two_bodies(system, tell)
    by_thread: dict[int, list[int]] = {}
    for name, number in log:
        by_thread.setdefault(name, []).append(number)
    assert sorted(sum(map(len, by_thread.values())) // 500 * [0]) == [0, 0]
    for numbers in by_thread.values():
        assert numbers in (list(range(500)), [*range(500), *range(500)])


def test_a_message_of_the_library_is_known_by_its_class():
    """`Message` is what handlers are chosen by; it has no state of its own."""
    assert Message.__slots__ == ()
