"""Workflow code that keeps the hub: who says so, and when."""

import logging
import threading

import pytest

from durably.actors.clock import VirtualClock
from durably.actors.task import Task
from durably.actors.watchdog import Watchdog


def test_code_that_never_gives_the_hub_back_is_named_from_another_thread(caplog: pytest.LogCaptureFixture):
    """A look from outside finds the file and line that the hub is stuck in, and warns once."""
    clock = VirtualClock()
    stuck, go_on = threading.Event(), threading.Event()

    def code() -> None:
        stuck.set()
        assert go_on.wait(30)  # such as a lock that another branch holds

    def hub() -> None:
        watchdogs.append(Watchdog(clock))
        ready.set()
        watchdogs[0].run(Task("branch 7", None, code))

    watchdogs: list[Watchdog] = []
    ready = threading.Event()
    thread = threading.Thread(target=hub)
    thread.start()
    assert ready.wait(30)
    assert stuck.wait(30)
    with caplog.at_level(logging.WARNING, "durably.actors"):
        watchdogs[0].look()
        clock.advance(1.5)
        watchdogs[0].look()
        watchdogs[0].look()
    go_on.set()
    thread.join(30)
    (message,) = [record.getMessage() for record in caplog.records]
    assert "branch 7 keeps the others waiting for 1.5 s" in message
    assert "Do not hold a lock across a durable call" in message


def test_a_hub_that_is_not_in_a_task_is_left_alone(caplog: pytest.LogCaptureFixture):
    """Waiting for the service is not keeping anybody waiting."""
    clock = VirtualClock()
    watchdog = Watchdog(clock)
    watchdog.run(Task("quick", None, lambda: None))
    clock.advance(60)
    with caplog.at_level(logging.WARNING, "durably.actors"):
        watchdog.look()
    assert not caplog.records
