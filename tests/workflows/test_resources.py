"""What an invocation leaves behind: nothing, however it ends; and what it takes meanwhile."""

import asyncio
import functools
import gc
import signal
import threading
import weakref

import attrs
import pytest

from durably.actors.actor import Actor
from durably.actors.hub import HubDispatcher
from durably.actors.model import Operation
from durably.actors.task import Task
from durably.workflows import CompletionConfig, ParallelConfig
from durably.workflows.exceptions import CheckpointError
from tests.workflows.running import (
    ONCE,
    PATIENCE,
    SECOND,
    Remaining,
    Run,
    happens,
    leftovers,
    refused,
    starts,
)


def branches(event, context):
    """Steps side by side, and whatever `event` says at the end."""

    def branch(child, item, *_):
        child.step(lambda step: item)
        if event == "suspension":
            child.wait(SECOND)
        return child.step(lambda step: item, f"last {item}")

    context.step(lambda step: 1)
    context.step(lambda step: 2)
    context.map(range(20), branch)
    if event == "error":
        raise ValueError("the end")
    return "the end"


class TestNothingIsLeft:
    @pytest.mark.parametrize("how", ["result", "error", "suspension", "failed call", "refused call"])
    def test_however_an_invocation_ends(self, how):
        """No thread, no greenlet, no file descriptor."""

        def before(updates):
            if "call" in how and starts(updates, "last 7"):
                raise refused(500 if how == "failed call" else 400)

        run = Run(branches, how, before=before)
        event = run.service.event()
        with leftovers() as left:
            try:
                status = run.invoke(event=event)["Status"]
            except CheckpointError:
                status = "raised"
        expected = {"result": "SUCCEEDED", "suspension": "PENDING", "failed call": "raised"}
        assert status == expected.get(how, "FAILED")
        assert left == []

    def test_not_even_the_contexts_of_a_large_map(self):
        """A thousand parked branches are gone when the invocation has answered."""

        def handler(event, context):
            context.map(range(1000), lambda child, *_: child.wait(SECOND))

        run = Run(handler)
        with leftovers() as left:
            assert run.invoke() == {"Status": "PENDING"}
        assert left == []

    def test_not_even_the_arguments_of_a_step_that_has_ended(self):
        """What a partial holds goes with its step, and not with the invocation."""

        class Large:
            pass

        def handler(event, context):
            alive = []
            for _ in range(10):
                large = Large()
                alive.append(weakref.ref(large))
                context.step(functools.partial(lambda large, step: None, large))
                del large
            gc.collect()
            return sum(each() is not None for each in alive)

        assert Run(handler).result() <= 1

    def test_no_cycle_that_only_a_collection_would_find(self):
        """What a completed execution was about is free when the invocation has answered."""
        run = Run(branches, "result")
        gc.collect()
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            run.invoke()
            gc.collect()
            found = {type(each) for each in gc.garbage}
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
        assert [each.__name__ for each in found if issubclass(each, Actor | Operation | Task)] == []


class TestThreads:
    def test_short_sequential_steps_need_none(self):
        """A thousand of them run on the caller's thread.

        A body that lasts gets a sentry, and one that the machine holds up looks like one that lasts: so one
        undisturbed run of ten is enough.
        """

        def threads_started():
            used = set()

            def handler(event, context):
                for _ in range(1000):
                    context.step(lambda step: used.add(threading.get_ident()))
                return threading.active_count()

            before = threading.active_count()
            started = Run(handler).result() - before
            assert used == {threading.get_ident()}
            return started

        assert any(threads_started() == 0 for _ in range(10))

    def test_a_thousand_short_bodies_side_by_side_need_few(self):
        """Threads grow by need, not by the number of branches."""
        used = set()

        def handler(event, context):
            def branch(child, *_):
                child.step(lambda step: used.add(threading.get_ident()))

            context.map(range(1000), branch)

        Run(handler).result()
        assert len(used) <= 64

    def test_no_more_bodies_run_than_there_may_be_threads(self):
        """`max_workers` bounds them: here four of them meet, and a fifth is never there."""
        meeting, lock, running, most = threading.Barrier(4), threading.Lock(), [0], [0]

        def handler(event, context):
            def body(step):
                with lock:
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                meeting.wait(PATIENCE)
                with lock:
                    running[0] -= 1

            return context.map(range(16), lambda child, *_: child.step(body, config=ONCE)).success_count

        run = Run(handler)
        run.settings = attrs.evolve(run.settings, dispatcher=lambda: HubDispatcher(max_workers=4))
        assert run.result() == 16
        assert most == [4]

    @pytest.mark.parametrize("of", ["durably-sentry", "durably-worker", "durably"])
    def test_where_none_can_be_started_bodies_run_one_after_the_other(self, of, monkeypatch):
        """Neither the hub's helpers nor the pool are needed to come to a result."""
        start = threading.Thread.start

        def refuse(thread):
            if thread.name.startswith(of):
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refuse)

        def handler(event, context):
            one, two = context.step(lambda step: 1), context.step(lambda step: 2)
            batch = context.map(range(3), lambda child, item, *_: child.step(lambda step: item))
            return [one, two, batch.get_results()]

        assert Run(handler).result() == [1, 2, [0, 1, 2]]


class TestInAnEventLoop:
    def test_a_handler_works_on_the_thread_of_a_running_loop(self):
        """Called from a coroutine, with steps, waits and branches."""
        run = Run(branches, "suspension")

        async def main():
            return run.result()

        with leftovers() as left:
            assert asyncio.run(main()) == "the end"
        assert left == []

    def test_a_body_may_run_a_loop_of_its_own(self):
        """Bodies are kept off a thread whose loop runs, and otherwise may do as they like."""

        async def answer():
            return "answer"

        def handler(event, context):
            return context.step(lambda step: asyncio.run(answer()))

        async def main():
            return Run(handler).result()

        assert Run(handler).result() == "answer"
        assert asyncio.run(main()) == "answer"


class TestDeadline:
    """A body that is still running at the deadline is the one thing that may be left, and it is named."""

    def test_a_body_that_does_not_end_is_given_up(self, caplog):
        """The answer comes in time, the log names the body, its result is lost."""
        release, ended = threading.Event(), threading.Event()

        def handler(event, context):
            def body(step):
                happens(release)
                ended.set()

            config = ParallelConfig(completion_config=CompletionConfig.first_successful())
            batch = context.parallel(
                [lambda child: child.step(body, "endless"), lambda child: child.step(lambda step: "quick")],
                config=config,
            )
            return batch.get_results()

        run = Run(handler)
        before = set(threading.enumerate())
        try:
            assert run.invoke(Remaining(1_000)) == {"Status": "SUCCEEDED", "Result": '["quick"]'}
            assert not ended.is_set()
            assert "endless" in caplog.text
        finally:
            release.set()
            for thread in set(threading.enumerate()) - before:
                thread.join(PATIENCE)
        assert ended.is_set()
        assert run.actions("endless") in ([], ["START"])

    def test_a_body_that_ends_in_time_is_waited_for(self, caplog):
        """With time enough nothing is given up, and nothing is said."""
        run = Run(branches, "result")
        assert run.invoke(Remaining(900_000))["Status"] == "SUCCEEDED"
        assert "still run" not in caplog.text


class TestInterrupts:
    """Ctrl-C: KeyboardInterrupt leaves the handler, `finally` has run, nothing is left."""

    @pytest.mark.parametrize("where", ["code", "body", "branch", "branch's body", "child"])
    def test_ctrl_c(self, where):
        """Wherever it strikes."""
        cleaned = []

        def strike(*_):
            signal.raise_signal(signal.SIGINT)

        def handler(event, context):
            try:
                context.step(lambda step: 1, "before")
                if where == "code":
                    strike()
                elif where == "body":
                    context.step(strike)
                elif where == "child":
                    context.run_in_child_context(strike)
                else:
                    context.parallel([parked, striking])
            finally:
                cleaned.append("handler")

        def parked(child):
            try:
                child.wait(SECOND)
            finally:
                cleaned.append("parked")

        def striking(child):
            child.step(lambda step: 1)
            if where == "branch":
                strike()
            child.step(strike)

        run = Run(handler)
        event = run.service.event()
        with leftovers() as left:
            try:
                with pytest.raises(KeyboardInterrupt):
                    run.invoke(event=event)
            finally:
                assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert left == []
        assert cleaned == (["parked", "handler"] if "branch" in where else ["handler"])

    def test_the_execution_can_go_on_afterwards(self):
        """What was recorded before is kept; what was interrupted runs again."""
        strikes, ran = [1], []

        def handler(event, context):
            context.step(lambda step: ran.append("one"), "one")

            def body(step):
                ran.append("two")
                if strikes:
                    strikes.pop()
                    signal.raise_signal(signal.SIGINT)
                return "ok"

            return context.step(body, "two")

        run = Run(handler)
        with pytest.raises(KeyboardInterrupt):
            run.invoke()
        assert run.result() == "ok"
        assert ran.count("two") == 2

    def test_bodies_get_a_second_and_not_until_the_deadline(self, caplog):
        """However long the invocation may still take; the log names the body that is given up."""
        began, release, ended = threading.Event(), threading.Event(), threading.Event()

        def handler(event, context):
            def body(step):
                began.set()
                happens(release)
                ended.set()

            def striking(child):
                child.step(lambda step: happens(began))
                signal.raise_signal(signal.SIGINT)

            context.parallel([lambda child: child.step(body, "endless"), striking])

        before = set(threading.enumerate())
        try:
            with pytest.raises(KeyboardInterrupt):
                Run(handler).invoke(Remaining(900_000))
            assert not ended.is_set()
            assert "endless" in caplog.text
        finally:
            release.set()
            for thread in set(threading.enumerate()) - before:
                thread.join(PATIENCE)
        assert ended.is_set()

    def test_a_handler_of_signals_that_workflow_code_sets_stays(self):
        """Only what this library has set is taken back."""

        def mine(*_):
            pass

        def handler(event, context):
            signal.signal(signal.SIGINT, mine)

        before = signal.getsignal(signal.SIGINT)
        try:
            Run(handler).result()
            assert signal.getsignal(signal.SIGINT) is mine
        finally:
            signal.signal(signal.SIGINT, before)


class TestWithoutThreads:
    """Where the environment allows no thread at all, everything runs on the hub."""

    @pytest.fixture(autouse=True)
    def _no_thread_can_be_started(self, monkeypatch):
        def refuse(thread):
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(threading.Thread, "start", refuse)

    def test_branches_begin_however_many_there_are(self):
        """Nothing piles up that would keep further branches from beginning."""

        def branch(context, item, index, items):
            context.step(lambda step: item)
            context.wait(SECOND)

        run = Run(lambda event, context: context.map(range(1000), branch).success_count)
        assert run.invoke()["Status"] == "PENDING"
        assert len(run.service.operations) == 3002

    def test_bodies_of_a_decided_batch_never_begin(self):
        """What was dropped before its turn stays dropped."""
        ran = []

        def handler(event, context):
            first = ParallelConfig(completion_config=CompletionConfig.first_successful())
            bodies = [lambda inner, n=n: inner.step(lambda step: ran.append(n)) for n in range(2)]
            return context.parallel([*bodies, lambda inner: 1], config=first).success_count

        assert Run(handler).result() == 1
        assert ran == []
