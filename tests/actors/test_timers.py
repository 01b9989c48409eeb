"""Timers: when they fire, in what order, and which of them only in company."""

import threading
from typing import Any

import pytest

from durably.actors.clock import VirtualClock, WallClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Message
from durably.actors.stage import Timer
from durably.actors.system import ActorSystem
from durably.actors.timers import TimerQueue
from tests.actors.actors import PATIENCE, Listener, Note, body


def timer(moment: float, *, poll: bool = False) -> Timer:
    ref: Any = None
    return Timer(moment, ref, Message(), poll)


def test_timers_of_equal_moments_fire_in_the_order_of_arming():
    """First in, first out, polls among them in company."""
    queue = TimerQueue()
    timers = [queue.add(timer(5, poll=number % 2 == 0)) for number in range(10)]
    assert queue.due(4.9, company=True) == []
    assert queue.due(5, company=True) == timers


def test_timers_fire_by_their_moment():
    """The earliest first, whenever it was armed; each of them once."""
    queue = TimerQueue()
    late, early, middle = (queue.add(timer(moment)) for moment in (3, 1, 2))
    assert queue.next_moment(company=False) == 1
    assert queue.due(2, company=False) == [early, middle]
    assert queue.due(9, company=False) == [late]
    assert queue.due(9, company=False) == []
    assert queue.next_moment(company=True) is None


def test_a_cancelled_timer_does_not_fire():
    """Neither is it waited for."""
    queue = TimerQueue()
    first, second = queue.add(timer(1)), queue.add(timer(2))
    first.cancelled = True
    assert queue.next_moment(company=False) == 2
    assert queue.due(9, company=False) == [second]


def test_a_poll_needs_company():
    """Without it a poll is neither due nor waited for; later, in company, it is."""
    queue = TimerQueue()
    poll, timer_after = queue.add(timer(1, poll=True)), queue.add(timer(2))
    assert queue.next_moment(company=False) == 2
    assert queue.next_moment(company=True) == 1
    assert queue.due(9, company=False) == [timer_after]
    assert queue.due(9, company=True) == [poll]


# ------------------------------------------------------------------ on the hub


@pytest.fixture
def system():
    system = ActorSystem(HubDispatcher(VirtualClock()))
    yield system
    system.close()


def test_time_that_is_virtual_is_skipped(system: ActorSystem):
    """Weeks pass at once, in order, and equal moments in the order of arming."""
    log: list[Any] = []
    ref = system.spawn(Listener, "a", log)
    for delay, what in ((3, "c"), (1, "a"), (3, "d"), (2, "b"), (1e6, "e")):
        system.timer(delay, ref, Note(what))
    system.run()
    assert log == ["a", "b", "c", "d", "e"]
    assert system.clock.monotonic() == 1e6


def test_polls_without_company_are_not_waited_for(system: ActorSystem):
    """A system in which only polls are left is over."""
    log: list[Any] = []
    system.timer(1, system.spawn(Listener, "a", log), Note(), needs_company=True)
    system.run()
    assert (log, system.clock.monotonic()) == ([], 0)


def test_cancelled_timers_are_not_waited_for(system: ActorSystem):
    """Neither does a cancelled one keep the system from its end."""
    log: list[Any] = []
    system.timer(1, system.spawn(Listener, "a", log), Note()).cancelled = True
    system.run()
    assert (log, system.clock.monotonic()) == ([], 0)


@pytest.mark.parametrize("bodies", [0, 1, 2])
def test_a_poll_fires_while_bodies_run_and_only_then(bodies: int):
    """Bodies wait for what the poll brings, and one is company enough; without bodies it never fires."""
    system = ActorSystem(HubDispatcher(WallClock()))
    fired = threading.Event()
    poller = system.spawn(Listener, "poller", None, lambda _: fired.set())
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    system.timer(0.001, poller, Note(), needs_company=True)
    for _ in range(bodies):
        system.work(body(lambda: fired.wait(PATIENCE), listener))
    system.run()
    system.close()
    assert results == [True] * bodies
    assert fired.is_set() is (bodies > 0)


def test_a_clock_of_the_wall_cannot_be_skipped():
    """Real time passes by itself, and never backwards."""
    clock = WallClock()
    assert clock.skip_to(clock.monotonic() + 1000) is False
    assert clock.monotonic() <= clock.monotonic()
    assert clock.time() > 1_700_000_000


def test_a_virtual_clock_is_moved_forwards_only():
    """Skipping to a moment that is past changes nothing; both readings move together."""
    clock = VirtualClock(1000)
    clock.advance(5)
    assert clock.skip_to(3) is True
    assert (clock.time(), clock.monotonic()) == (1005, 5)
