"""Suspension inside user code: `finally` and context managers run, and nothing that they do is recorded."""

import contextlib
import threading

import pytest

from durably.actors import checkpoint
from durably.workflows import (
    ChildConfig,
    CompletionConfig,
    MapConfig,
    NestingType,
    ParallelConfig,
    SuspendExecution,
    durable_execution,
)
from durably.workflows.config import Duration
from durably.workflows.testing.simulation import NOTHING, simulate
from tests.workflows.running import SECOND, Run, happens, leftovers


def test_finally_and_context_managers_run_at_suspension():
    """In every parked branch, the deepest first, each time that the code is suspended."""
    left = []

    @contextlib.contextmanager
    def managed(name):
        try:
            yield
        finally:
            left.append(name)

    def handler(event, context):
        with managed("handler"):

            def branch(child, item, *_):
                with managed(f"branch {item}"):
                    child.run_in_child_context(lambda inner: waits(inner, item))

            context.map(range(2), branch)

    def waits(inner, item):
        with managed(f"inner {item}"):
            inner.wait(SECOND)

    run = Run(handler)
    assert run.invoke() == {"Status": "PENDING"}
    assert sorted(left[:2]) == ["inner 0", "inner 1"]
    assert sorted(left[2:4]) == ["branch 0", "branch 1"]
    assert left[4:] == ["handler"]
    run.service.advance()
    assert run.invoke()["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("in_a_virtual_context", ["no", "yes", "deferred"])
@pytest.mark.parametrize("nesting", NestingType)
def test_a_branch_that_lost_does_not_go_on(nesting, in_a_virtual_context):
    """Whatever it waits for, also what was begun outside the map; and if it has not begun, it never does."""

    @durable_execution
    def handler(event, context):
        over, goes_on = [], []
        outside = context.deferred.wait(Duration.from_days(1), name="outside")

        def looks_outside(_child):
            outside.result()
            goes_on.extend(over)

        def branch(child, item, *_):
            goes_on.extend(over)
            if item == 0:
                child.step(lambda _: 0, name="wins")
            elif in_a_virtual_context == "yes":
                child.run_in_child_context(looks_outside, config=ChildConfig(is_virtual=True))
            elif in_a_virtual_context == "deferred":
                child.deferred.run_in_child_context(looks_outside, config=ChildConfig(is_virtual=True))
                child.wait(Duration.from_days(2), name="longer")
            else:
                looks_outside(child)

        config = MapConfig(nesting_type=nesting, completion_config=CompletionConfig.first_successful())
        context.map([0, 1, 2], branch, "m", config)
        over.append("after the end of the map")
        outside.result()
        return goes_on

    report = simulate(handler, schedules=50, faults=NOTHING)
    report.check()
    assert report.result == []


@pytest.mark.parametrize("is_virtual", [False, True], ids=["recorded", "virtual"])
def test_deferred_virtual_code_does_not_outlive_its_context(is_virtual):
    """Nobody awaits it, and no operation ends it: the code that has begun it does."""

    @durable_execution
    def handler(event, context):
        over, goes_on = [], []
        outside = context.deferred.wait(Duration.from_days(1), name="outside")

        def looks_outside(_child):
            goes_on.extend(over)
            outside.result()
            goes_on.extend(over)

        def around(child):
            child.deferred.run_in_child_context(looks_outside, config=ChildConfig(is_virtual=True))
            child.step(lambda _: 0, name="s")

        context.run_in_child_context(around, "around", ChildConfig(is_virtual=is_virtual))
        over.append("after the end of the context")
        outside.result()
        return goes_on

    report = simulate(handler, schedules=50, faults=NOTHING)
    report.check()
    assert report.result == []


@pytest.mark.parametrize("nesting", NestingType)
def test_a_branch_that_is_answered_just_before_the_end_of_its_map_does_not_go_on(nesting, monkeypatch):
    """It could have gone on, and was not the next to do so."""
    monkeypatch.setattr(checkpoint, "MAX_UPDATES", 1)  # so that a call goes out while there is other work

    @durable_execution
    def handler(event, context):
        over, goes_on = [], []
        outside = context.deferred.step(lambda _: 1, name="outside")

        def branch(child, item, *_):
            if item == 0:
                child.step(lambda _: 0, name="wins")
            else:
                outside.result()
                goes_on.extend(over)

        config = MapConfig(nesting_type=nesting, completion_config=CompletionConfig.first_successful())
        context.map([0, 1, 2], branch, "m", config)
        over.append("after the end of the map")
        outside.result()
        context.step(lambda _: 1, name="last")
        return goes_on

    simulate(handler, schedules=600, faults=NOTHING, guard=False).check()


def test_suspension_is_no_exception():
    """`except Exception` lets it pass, and it is a SuspendExecution."""
    seen = []

    def handler(event, context):
        try:
            context.wait(SECOND)
        except Exception:
            seen.append("swallowed")
        except SuspendExecution as suspension:
            seen.append(type(suspension))
            raise

    assert Run(handler).invoke() == {"Status": "PENDING"}
    assert seen == [SuspendExecution]


CALLS = {
    "step": lambda c: c.step(lambda step: 1, "late"),
    "wait": lambda c: c.wait(SECOND, "late"),
    "child": lambda c: c.run_in_child_context(lambda child: 1, "late"),
    "map": lambda c: c.map([1], lambda child, *_: 1, "late"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_a_durable_call_in_a_finally_raises_the_suspension_again(call):
    """It is not made: nothing is recorded, and the code after it does not run."""
    seen = []

    def handler(event, context):
        try:
            context.wait(Duration.from_seconds(10), "pause")
        finally:
            try:
                call(context)
            except SuspendExecution:
                seen.append("again")
                raise
            seen.append("made")

    run = Run(handler)
    assert run.invoke() == {"Status": "PENDING"}
    assert seen == ["again"]
    assert run.recorded == ["pause"]


def test_code_that_swallows_the_suspension_once_is_pending_all_the_same():
    """What it returns or raises afterwards has not happened."""

    def handler(event, context):
        try:
            context.wait(SECOND)
        except BaseException:
            if event == "raises":
                raise ValueError("instead") from None
        return "instead"

    for event in ("returns", "raises"):
        run = Run(handler, event)
        assert run.invoke() == {"Status": "PENDING"}
        run.service.advance()
        assert run.invoke()["Result"] == '"instead"'


def test_code_that_swallows_it_for_ever_is_given_up(caplog):
    """The invocation ends, and a warning names file and line."""

    def handler(event, context):
        while True:
            try:
                context.wait(SECOND)
                return "over"
            except BaseException:
                continue

    run = Run(handler)
    assert run.invoke() == {"Status": "PENDING"}
    assert "given up" in caplog.text
    assert "test_unwinding.py" in caplog.text
    assert run.recorded == ["WAIT"]


def test_branches_of_a_decided_map_are_unwound_when_it_is_decided():
    """Their `finally` runs before the code after the map does, and what they call is not recorded."""
    order = []

    def handler(event, context):
        def abandoned(child):
            try:
                child.wait(SECOND, "abandoned")
            finally:
                order.append("branch")
                with contextlib.suppress(Exception):
                    child.step(lambda step: 1, "late")

        config = ParallelConfig(completion_config=CompletionConfig.first_successful())
        context.parallel([abandoned, lambda child: child.step(lambda step: 1)], config=config)
        context.step(lambda step: order.append("handler"))

    run = Run(handler)
    assert run.invoke()["Status"] == "SUCCEEDED"
    assert order == ["branch", "handler"]
    assert "late" not in run.recorded


def test_code_below_a_virtual_context_is_unwound_with_it():
    """A virtual context is no operation, and its code ends with the branch around it all the same."""
    order = []

    def handler(event, context):
        def abandoned(child):
            try:
                child.run_in_child_context(
                    lambda inner: inner.wait(SECOND), config=ChildConfig(is_virtual=True)
                )
            finally:
                order.append("branch")

        config = ParallelConfig(completion_config=CompletionConfig.first_successful())
        context.parallel([abandoned, lambda child: child.step(lambda step: 1)], config=config)
        context.step(lambda step: order.append("handler"))

    assert Run(handler).invoke()["Status"] == "SUCCEEDED"
    assert order == ["branch", "handler"]


@pytest.mark.parametrize("combined", [False, True])
@pytest.mark.parametrize("deferred", [False, True])
def test_code_that_awaits_a_future_from_above_is_unwound_with_its_context(deferred, combined):
    """At once, and not when that future arrives: a branch of a decided map, a child of a finished one."""
    order = []

    def handler(event, context):
        gate = threading.Event()
        future = context.deferred.step(lambda step: happens(gate))

        def abandoned(child):
            try:
                child.all([future]) if combined else future.result()
                order.append("went on")
            finally:
                order.append("unwound")

        def around(child):
            child.deferred.run_in_child_context(abandoned)
            child.step(lambda step: 1)

        if deferred:
            context.run_in_child_context(around)
        else:
            config = ParallelConfig(completion_config=CompletionConfig.first_successful())
            context.parallel([abandoned, lambda child: child.step(lambda step: 1)], config=config)
        order.append("handler")
        gate.set()
        future.result()
        context.step(lambda step: order.append("end"))

    assert Run(handler).invoke()["Status"] == "SUCCEEDED"
    assert order == ["unwound", "handler", "end"]


def test_a_branch_that_swallows_its_end_neither_hangs_nor_counts():
    """It may return what it likes: the map has been decided."""

    def handler(event, context):
        def stubborn(child):
            try:
                child.wait(SECOND)
            except BaseException:
                return "stubborn"

        config = ParallelConfig(completion_config=CompletionConfig.first_successful())
        batch = context.parallel([stubborn, lambda child: child.step(lambda step: "quick")], config=config)
        return [batch.get_results(), batch.started_count]

    run = Run(handler)
    assert [run.result(), run.result()] == [[["quick"], 1]] * 2


def test_unwinding_leaves_nothing():
    """Not even from code that is parked inside a generator, or inside a callback of C code."""

    def handler(event, context):
        def generator(child):
            try:
                yield child.wait(SECOND)
            finally:
                pass

        def in_sort(child):
            sorted([2, 1], key=lambda number: child.wait(SECOND) or number)

        context.parallel([lambda child: list(generator(child)) and None, in_sort])

    run = Run(handler)
    event = run.service.event()
    with leftovers() as left:
        assert run.invoke(event=event) == {"Status": "PENDING"}
    assert left == []
