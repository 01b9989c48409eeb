"""Code that depends on its thread: what notices that all branches share one, and the remedies for it."""

import contextlib
import logging
import re
import sqlite3
import threading

from tests.workflows.running import ONCE, Run


class TestALockHeldAcrossADurableCall:
    def test_the_watchdog_names_the_branch_and_the_line_that_hang(self):
        """The second branch blocks the thread on which the first would release the lock."""
        lock = threading.Lock()
        warnings = []

        class FreeIt(logging.Handler):
            def emit(self, record):
                warnings.append(record.getMessage())
                lock.release()

        def branch(context, *_):
            lock.acquire()  # the line that is named
            return context.step(lambda step: 1)

        def handler(event, context):
            return context.map([1, 2], branch).success_count

        logger, watching = logging.getLogger("durably.actors"), FreeIt()
        logger.addHandler(watching)
        try:
            assert Run(handler).result() == 2
        finally:
            logger.removeHandler(watching)
        line = branch.__code__.co_firstlineno + 1
        place = f"{re.escape(__file__)}:{line} in branch"
        assert re.match(rf"map-item-1 keeps the others waiting for .* s, at {place}\. Move slow", warnings[0])

    def test_a_lock_inside_the_body_excludes_the_other_bodies(self):
        """Bodies run beside each other, each on its thread, so there it does what it says."""
        lock = threading.Lock()
        inside = []

        def body(step):
            with lock:
                inside.append(1)
                assert len(inside) == 1
                inside.pop()

        def handler(event, context):
            return context.map(range(50), lambda branch, *_: branch.step(body)).success_count

        assert Run(handler).result() == 50


class TestAConnectionThatIsBoundToItsThread:
    def test_a_body_cannot_use_the_one_that_its_branch_opened(self):
        """The error says why; opened in the body it works."""

        def opened_in_the_branch(context, *_):
            with contextlib.closing(sqlite3.connect(":memory:")) as connection:
                return context.step(lambda step: connection.execute("SELECT 1").fetchone(), config=ONCE)

        def query(step):
            with contextlib.closing(sqlite3.connect(":memory:")) as connection:
                return connection.execute("SELECT 1").fetchone()

        def opened_in_the_body(context, *_):
            return context.step(query)

        def handler(event, context):
            refused = context.map([1, 2], opened_in_the_branch).get_errors()
            return [refused[0].message, context.map([1, 2], opened_in_the_body).success_count]

        message, good = Run(handler).result()
        assert "can only be used in that same thread" in message
        assert good == 2


class TestThreadLocalVariables:
    def test_branches_share_them(self):
        """What one branch sets, the next one sees; a branch's context variables are its own."""
        local = threading.local()

        def branch(context, number, *_):
            before = getattr(local, "number", None)
            local.number = number
            return before

        def handler(event, context):
            return context.map([1, 2, 3], branch).get_results()

        assert Run(handler).result() == [None, 1, 2]
