"""What goes on while a body runs: the hub may be in it only if nothing else could happen meanwhile."""

import threading
from typing import Any

import pytest

from durably.actors.actor import WouldDeadlockError
from durably.actors.clock import VirtualClock, WallClock
from durably.actors.hub import HubDispatcher
from durably.actors.system import ActorFailedError, ActorSystem
from tests.actors.actors import Listener, Note, body

PATIENCE = 2.0


def test_a_poll_fires_while_the_only_body_runs():
    """One body is company enough."""
    system = ActorSystem(HubDispatcher(WallClock()))
    fired = threading.Event()
    poller = system.spawn(Listener, "poller", None, lambda _: fired.set())
    results: list[Any] = []
    system.timer(0.001, poller, Note(), needs_company=True)
    system.work(body(lambda: fired.wait(PATIENCE), system.spawn(Listener, "results", results)))
    system.run()
    system.close()
    assert results == [True]


def test_the_error_of_asking_on_the_hub_promises_nothing_that_does_not_hold():
    """The only body there is may run on the hub: then asking from a step body is refused like any other."""
    system = ActorSystem(HubDispatcher(VirtualClock()))
    other = system.spawn(Listener, "other", None, lambda what: what + 1)
    results: list[Any] = []

    def ask() -> Any:
        try:
            return other.ask(Note(1), timeout=PATIENCE)
        except WouldDeadlockError as error:
            return str(error)

    system.work(body(ask, system.spawn(Listener, "results", results)))
    system.run()
    system.close()
    assert results == [2] or "from a step body" not in results[0]


def test_bodies_that_have_not_begun_when_the_run_fails_never_begin():
    """Closing waits for what runs; it does not start what is still queued."""
    system = ActorSystem(HubDispatcher(VirtualClock(), max_workers=1))
    gate = threading.Event()
    ran: list[int] = []
    listener = system.spawn(Listener)

    def fail(_what: Any) -> None:
        raise ZeroDivisionError

    system.work(body(lambda: gate.wait(PATIENCE), listener))
    for number in range(5):
        system.work(body(lambda number=number: ran.append(number), listener))
    system.spawn(Listener, "unlucky", None, fail).tell(Note())
    with pytest.raises(ActorFailedError):
        system.run()
    system.close(timeout=0)
    gate.set()
    system.dispatcher.close(None)
    assert ran == []


def test_a_supervisor_that_fails_is_an_actor_that_fails():
    """What it raises when it is told of stillness comes out as every other actor's does."""
    system = ActorSystem(HubDispatcher(VirtualClock()))

    def fail(_what: Any) -> None:
        raise ZeroDivisionError("oops")

    system.supervisor = system.spawn(Listener, "supervisor", None, fail)
    try:
        with pytest.raises(ActorFailedError, match="supervisor failed"):
            system.run()
    finally:
        system.close()
