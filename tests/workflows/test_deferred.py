"""`context.deferred`: operations that run while the code goes on, and their futures."""

import gc
import logging
import threading
import traceback

import pytest

from durably.actors.hub import HubDispatcher
from durably.workflows import (
    CompletionConfig,
    Duration,
    ParallelConfig,
    RetryDecision,
    StepConfig,
    StepError,
    SuspendExecution,
)
from durably.workflows.execution import Settings
from tests.workflows.deferring import LARGE, YEAR, Slow, fails, nothing
from tests.workflows.running import ONCE, PATIENCE, SECOND, Run, ServiceTime, happens

retry_in_a_second = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(SECOND))


# ------------------------------------------------------------------ begun


class TestBegun:
    def test_bodies_run_beside_each_other_and_the_code(self):
        """Two bodies and the handler wait for each other: they can only go on together."""
        meet, reached = threading.Barrier(2), threading.Event()

        def body(step):
            happens(reached)
            meet.wait(PATIENCE)
            return "met"

        def handler(event, context):
            futures = [context.deferred.step(body, "a"), context.deferred.step(body, "b")]
            reached.set()
            return [future.result() for future in futures]

        run = Run(handler)
        assert run.result() == ["met", "met"]

    def test_they_begin_whether_or_not_they_are_awaited_yet(self):
        """What was begun goes on while the code is in another operation."""
        began = threading.Event()

        def handler(event, context):
            future = context.deferred.step(lambda step: began.set() or "deferred", "a")
            context.step(lambda step: happens(began), "b")
            return future.result()

        assert Run(handler).result() == "deferred"

    def test_they_are_numbered_where_they_are_begun(self):
        """The ids are those of the same calls without `deferred`, whatever is awaited first."""

        def deferred(event, context):
            futures = [context.deferred.step(lambda step, n=n: n, f"s{n}") for n in range(3)]
            last = context.step(lambda step: 3, "s3")
            return [*(future.result() for future in reversed(futures)), last]

        def blocking(event, context):
            return [context.step(lambda step, n=n: n, f"s{n}") for n in range(4)]

        one, other = Run(deferred), Run(blocking)
        assert (one.result(), other.result()) == ([2, 1, 0, 3], [0, 1, 2, 3])
        for name in ("s0", "s1", "s2", "s3"):
            assert one.named(name).id == other.named(name).id

    def test_an_execution_begun_without_deferred_goes_on_with_it(self):
        """What is recorded is the same as without it: the code may be changed under way."""
        bodies = []
        run = Run(lambda event, context: None)

        def blocking(event, context):
            context.step(lambda step: bodies.append("a"), "a")
            context.wait(SECOND, "w")

        def deferred(event, context):
            futures = [context.deferred.step(lambda step: bodies.append("a"), "a")]
            futures.append(context.deferred.wait(SECOND, "w"))
            return [future.result() for future in futures]

        run.handler = Run(blocking).handler
        assert run.invoke()["Status"] == "PENDING"
        run.handler = Run(deferred).handler
        run.service.advance()
        assert run.result() == [None, None]
        assert bodies == ["a"]

    def test_a_replay_runs_no_body_again(self):
        """Over three invocations each body runs once, and results are the recorded ones."""
        bodies = []

        def handler(event, context):
            first = context.deferred.step(lambda step: bodies.append("a") or [1], "a")
            second = context.deferred.step(lambda step: bodies.append("b") or {"b": 2}, "b")
            context.wait(SECOND)
            one = first.result()
            context.wait(SECOND)
            return [one, second.result()]

        run = Run(handler)
        assert run.result() == [[1], {"b": 2}]
        assert run.result() == [[1], {"b": 2}]
        assert sorted(bodies) == ["a", "b"]

    def test_a_step_is_retried_while_the_code_goes_on(self):
        """A retry that nobody awaits yet takes place, and its time passes like that of any other."""
        attempts = []

        def flaky(step):
            attempts.append(step.attempt)
            if step.attempt < 3:
                raise ValueError(step.attempt)
            return "third"

        def handler(event, context):
            future = context.deferred.step(flaky, "flaky", retry_in_a_second)
            context.wait(Duration.from_seconds(10))
            return future.result()

        run = Run(handler)
        assert run.result() == "third"
        assert attempts == [1, 2, 3]

    def test_a_changed_call_is_refused_where_it_is_begun(self):
        """The order of the calls must be the same on every run, as for other operations."""
        invocations = []

        def handler(event, context):
            invocations.append(1)
            context.deferred.step(nothing, "a" if len(invocations) == 1 else "z")
            context.wait(SECOND)

        assert "NonDeterministic" in Run(handler).error()["ErrorType"]


class TestFutures:
    def test_result_gives_the_same_object_each_time(self):
        """Now and on replay; it is read once."""
        same = []

        def handler(event, context):
            future = context.deferred.step(lambda step: {"a": [1]}, "a")
            same.append(future.result() is future.result())
            context.wait(SECOND)
            return future.result()

        assert Run(handler).result() == {"a": [1]}
        assert same == [True, True]

    def test_it_knows_its_name_and_whether_it_is_done(self):
        """`done` turns true when the operation has ended, awaited or not; `repr` says both."""
        seen = []

        def handler(event, context):
            future = context.deferred.step(lambda step: 1, "named")
            seen.append((future.name, future.done, repr(future)))
            future.result()
            seen.append((future.name, future.done, repr(future)))

        run = Run(handler)
        run.result()
        not_done = ("named", False, "<DurableFuture of 'named', not done>")
        done = ("named", True, "<DurableFuture of 'named', done>")
        assert seen == [not_done, done]
        run.result()
        assert seen[2:] == [done, done]

    def test_one_that_nobody_awaits_is_done_all_the_same(self):
        """The end of a body is noticed without anybody waiting for it."""
        seen = []

        def handler(event, context):
            future = context.deferred.step(lambda step: 1, "a")
            context.step(lambda step: 2, "b")
            context.step(lambda step: 3, "c")
            seen.append(future.done)

        Run(handler).result()
        assert seen == [True]

    def test_two_flows_of_code_may_await_the_same(self):
        """Branches share a future of the handler's; both get its result."""

        def handler(event, context):
            future = context.deferred.step(lambda step: [7], "shared")
            batch = context.map(range(3), lambda child, *_: future.result() is future.result())
            return [*batch.get_results(), future.result()]

        assert Run(handler).result() == [True, True, True, [7]]

    def test_a_large_result_is_rebuilt_once_for_all(self):
        """Two branches await a context that is rebuilt on replay: both get the same object."""
        same = []

        def handler(event, context):
            def group(child):
                return child.map(
                    range(2), lambda c, *_: c.step(lambda step: "x" * LARGE), "inner"
                ).get_results()

            futures = [context.deferred.map(range(2), lambda c, *_: c.step(lambda step: "x" * LARGE), "map")]
            futures.append(context.deferred.run_in_child_context(group, "child"))
            context.wait(SECOND)
            got = []
            context.map(range(2), lambda child, *_: got.append([future.result() for future in futures]))
            same.append([one is other for one, other in zip(*got, strict=True)] if got else None)
            return len(futures[1].result())

        assert Run(handler).result() == 2
        assert same == [[True, True]]

    @pytest.mark.parametrize("kind", ["map", "child"])
    def test_a_large_result_is_rebuilt_only_for_who_asks_for_it_and_once(self, kind):
        """Its code runs in the first invocation, and once more in the one that awaits it, in two branches."""
        runs = []

        def large(child, *_):
            runs.append(1)
            return child.step(lambda step: "x" * LARGE)

        def handler(event, context):
            deferred = context.deferred
            future = deferred.map([1], large) if kind == "map" else deferred.run_in_child_context(large)
            context.step(lambda step: None)
            for _ in range(3):
                context.wait(SECOND)
            context.map(range(2), lambda *_: future.result() and None)

        run = Run(handler)
        run.result()
        assert len(runs) == 2

    def test_a_reader_that_is_unwound_leaves_it_to_another(self):
        """A branch is orphaned while it rebuilds a large result that others want too: they get it."""
        order = []

        def handler(event, context):
            future = context.deferred.run_in_child_context(lambda child: child.step(lambda step: "x" * LARGE))
            context.step(lambda step: None)
            context.wait(SECOND)

            def reads(child):
                try:
                    return len(future.result())
                except SuspendExecution:
                    order.append("unwound")
                    raise

            config = ParallelConfig(completion_config=CompletionConfig.first_successful())
            context.parallel([reads, lambda child: 1], config=config)
            return context.parallel([reads, reads]).get_results()

        assert Run(handler).result() == [LARGE, LARGE]
        assert order == ["unwound"]


# ------------------------------------------------------------------ failures


class TestFailures:
    def test_an_error_is_raised_where_it_is_awaited(self):
        """The same error as of the operation that is not deferred, each time that it is asked for."""

        def handler(event, context):
            future = context.deferred.step(fails, "s", ONCE)
            context.wait(SECOND)
            seen = []
            for _ in range(2):
                with pytest.raises(StepError) as caught:
                    future.result()
                seen.append(caught.value)
            return [seen[0].message, seen[0] is seen[1], type(seen[0].__cause__).__name__]

        def blocking(event, context):
            try:
                context.step(fails, "s", ONCE)
            except StepError as error:
                context.wait(SECOND)
                return [error.message, True, type(error.__cause__).__name__]

        assert Run(handler).result() == Run(blocking).result()

    def test_an_error_that_is_raised_again_and_again_does_not_grow(self):
        """Its traceback is that of the last time, and holds nobody else's frames."""

        def handler(event, context):
            future = context.deferred.step(fails, "s", ONCE)
            depths = []
            for _ in range(10):
                with pytest.raises(StepError) as caught:
                    context.all([future])
                depths.append(len(traceback.extract_tb(caught.value.__traceback__)))
            return len(set(depths))

        assert Run(handler).result() == 1

    def test_an_error_that_nobody_asks_for_is_raised_nowhere(self):
        """It is recorded, and the handler succeeds."""

        def handler(event, context):
            context.deferred.step(fails, "s", ONCE)
            context.step(lambda step: 1, "after")
            context.wait(SECOND)
            return "fine"

        run = Run(handler)
        assert run.result() == "fine"
        assert run.actions("s") == ["START", "FAIL"]

    def test_one_that_is_not_caught_fails_the_handler(self):
        """As if the operation had not been deferred."""
        run = Run(lambda event, context: context.deferred.step(fails, "s", ONCE).result())
        assert run.error()["ErrorMessage"] == "no"


# ------------------------------------------------------------------ nobody awaits


class TestNobodyAwaits:
    def test_a_wait_of_a_year_does_not_keep_the_invocation_alive(self):
        """The handler's result is there at once; the wait was begun, and is abandoned."""

        def handler(event, context):
            context.deferred.wait(YEAR, "year")
            return "done"

        run = Run(handler)
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": '"done"'}
        assert run.actions() == ["START"]

    def test_a_callback_that_nobody_awaits_does_not_either(self):
        """It is created, and that is all."""

        def handler(event, context):
            context.create_callback("c")
            return "done"

        assert Run(handler).invoke()["Status"] == "SUCCEEDED"

    def test_it_does_not_end_the_invocation(self):
        """A wait that nobody awaits suspends nothing: the code goes on, and so do its bodies."""
        invocations = []

        def handler(event, context):
            invocations.append(1)
            context.deferred.wait(YEAR, "year")
            return [context.step(lambda step, n=n: n) for n in range(3)]

        assert Run(handler).result() == [0, 1, 2]
        assert invocations == [1]

    def test_code_that_waits_for_itself_is_a_deadlock_beside_it(self):
        """A wait that nobody awaits is no reason to come back later: the error is told at once."""

        def handler(event, context):
            context.deferred.wait(YEAR, "year")
            kept = []

            def waits_for_itself(child):
                return kept[0].result()

            kept.append(context.deferred.run_in_child_context(waits_for_itself, "circle"))
            return kept[0].result()

        run = Run(handler)
        assert "Deadlock" in run.error()["ErrorType"]

    def test_a_running_body_is_joined_and_its_result_dropped_with_a_warning(self, caplog):
        """The handler's result does not wait for the record, and no body outlives the invocation."""
        slow, began = Slow(), threading.Event()

        def body(step):
            began.set()
            return slow(step)

        def unwound_at_the_end(child):
            try:
                child.wait(YEAR)
            finally:
                slow.released.set()

        def handler(event, context):
            context.deferred.step(body, "left behind")
            context.step(lambda step: happens(began), "b")
            context.deferred.run_in_child_context(unwound_at_the_end)
            return "done"

        run = Run(handler)
        with caplog.at_level(logging.WARNING):
            assert run.result() == "done"
        assert slow.runs == 1
        assert run.actions("left behind") == ["START"]
        assert any("left behind" in record.getMessage() for record in caplog.records)

    def test_a_body_that_has_not_begun_never_does(self):
        """A deferred step whose handler returns at once is recorded as started, and that is all."""
        bodies = []

        def handler(event, context):
            context.deferred.step(lambda step: bodies.append(1), "s")
            return "done"

        run = Run(handler)
        assert run.result() == "done"
        assert (bodies, run.actions()) == ([], ["START"])

    def test_a_childs_code_is_unwound_when_the_handler_returns(self):
        """Its `finally` runs, and nothing of it is recorded any more."""
        left = []

        def handler(event, context):
            def group(child):
                try:
                    child.wait(YEAR)
                finally:
                    left.append("unwound")

            context.deferred.run_in_child_context(group, "group")
            context.step(lambda step: 1)
            return "done"

        run = Run(handler)
        assert run.invoke()["Status"] == "SUCCEEDED"
        assert left == ["unwound"]
        assert run.actions("group") == ["START"]


# ------------------------------------------------------------------ logs


def test_code_that_awaits_in_the_order_of_its_futures_says_everything_once(caplog):
    """Lines between begins, and after what was awaited, over all invocations."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        context.logger.info("begin")
        first = context.deferred.step(nothing, "first")
        context.logger.info("begun")
        second = context.deferred.wait(SECOND)
        context.logger.info("both begun")
        context.all([first, second])
        context.logger.info("both done")
        context.wait(SECOND)
        context.logger.info("end")

    Run(handler).result()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["begin", "begun", "both begun", "both done", "end"]


def test_a_line_that_was_never_said_is_not_lost_on_replay(caplog):
    """After a future that an earlier invocation has awaited in vain, the code is new."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        futures = [context.deferred.wait(Duration.from_hours(n)) for n in (1, 2)]
        context.logger.info("begun")
        for future in futures:
            future.result()
            context.logger.info("over")

    Run(handler).result()
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "begun"
    assert "begun" not in said[1:]
    assert said.count("over") >= 2  # whether an earlier invocation got as far is not recorded


# ------------------------------------------------------------------ many


class Counting(HubDispatcher):
    """Counts the messages."""

    messages = 0

    def post(self, actor, mail):
        Counting.messages += 1
        super().post(actor, mail)


def cost_of(count):
    """How many messages and calls `count` deferred steps take, awaited with one `all`, and their replay."""

    def handler(event, context):
        futures = [context.deferred.step(lambda step, n=n: n, f"s{n}") for n in range(count)]
        total = sum(context.all(futures))
        context.wait(SECOND)
        return total

    run = Run(handler, page_size=10_000)
    clock = ServiceTime(run.service.clock)
    run.settings = Settings(cooldown=0, dispatcher=lambda: Counting(clock))
    Counting.messages = 0
    assert run.result() == count * (count - 1) // 2
    return Counting.messages, run.service.calls


def test_ten_thousand_deferred_steps_cost_ten_times_a_thousand():
    """Messages and calls grow with the steps and not with their square."""
    gc.collect()
    small_messages, small_calls = cost_of(1_000)
    messages, calls = cost_of(10_000)
    assert messages < 12 * small_messages
    assert calls < 15 * small_calls
