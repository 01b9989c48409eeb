"""The guard: workflow code that a replay would not repeat is named, with file and line."""

import datetime as dt
import logging
import os
import random
import sys
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulation import NOTHING, simulate


def starts_a_thread():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()


def submits():
    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()


ASKS = {
    "time.time()": time.time,
    "time.monotonic()": monotonic,
    "datetime.now()": lambda: dt.datetime.now(dt.UTC),
    "date.today()": dt.date.today,
    "random.random()": random.random,
    "random.randint()": lambda: random.randint(1, 6),
    "random.choice()": lambda: random.choice("ab"),
    "uuid.uuid1()": uuid.uuid1,
    "uuid.uuid4()": uuid.uuid4,
    "os.urandom()": lambda: os.urandom(4),
    "threading.Thread.start()": starts_a_thread,
    "ThreadPoolExecutor.submit()": submits,
}


@pytest.mark.parametrize("what", ASKS)
def test_workflow_code_that_asks_is_named(what):
    """By what it calls, and where."""
    ask = ASKS[what]

    @durable_execution
    def handler(event, context):
        def child_code(child):
            ask()
            return child.step(lambda _: 1, name="a")

        return context.run_in_child_context(child_code, name="child")

    report = simulate(handler, faults=NOTHING, shrink=False)
    assert f"deterministic-code: child calls {what} at {__file__}:" in str(report)
    assert "Do it in a step" in str(report)
    assert simulate(handler, schedules=3, faults=NOTHING, guard=False).ok


def test_what_a_step_asks_is_fine():
    """Its result is recorded."""

    @durable_execution
    def handler(event, context):
        for name, ask in ASKS.items():
            context.step(lambda _, ask=ask: str(ask()) and 1, name=name.removesuffix("()"))
        return "done"

    simulate(handler, schedules=5).check()


def test_what_is_the_same_in_every_run_is_fine():
    """A generator with a seed, a time that is given; and what others do for themselves, as for a log."""

    @durable_execution
    def handler(event, context):
        logging.getLogger("tests.guard").info("begun")
        context.wait(Duration.from_seconds(1))
        return [random.Random(7).randint(1, 6), dt.datetime.fromtimestamp(0, dt.UTC).year]

    simulate(handler, schedules=20).check()


def test_the_profile_hook_is_put_back():
    """Whoever profiles a campaign goes on to do so."""
    calls = []

    def mine(*_):
        calls.append(1)

    @durable_execution
    def handler(event, context):
        return context.step(lambda _: 1, name="a")

    sys.setprofile(mine)
    try:
        simulate(handler, schedules=2)
        after = sys.getprofile()
    finally:
        sys.setprofile(None)
    assert after is mine


class TestRunTwice:
    def test_finds_what_differs_from_run_to_run(self):
        """Whatever it is that makes the difference: here, what the run before has left behind."""
        runs = []

        @durable_execution
        def handler(event, context):
            runs.append(1)
            context.step(lambda _: len(runs), name="a")
            return "same"

        assert simulate(handler, schedules=5, faults=NOTHING).ok
        report = simulate(handler, schedules=5, faults=NOTHING, run_twice=True, shrink=False)
        assert "deterministic-code: a second run sent SUCCEED of a with" in str(report)

    def test_finds_other_choices(self):
        """The second run has not those of the first."""
        runs = []

        @durable_execution
        def handler(event, context):
            runs.append(1)
            return context.step(lambda _: 1, name=f"step{len(runs)}")

        report = simulate(handler, faults=NOTHING, run_twice=True, shrink=False)
        assert "deterministic-code: in a second run" in str(report)

    def test_says_nothing_of_what_is_the_same(self):
        """Both runs have the same trace."""

        @durable_execution
        def handler(event, context):
            context.wait(Duration.from_seconds(1))
            return context.step(lambda _: 1, name="a")

        simulate(handler, schedules=20, run_twice=True).check()
