"""The races between actors, both orders of each, on the real hub. Time is virtual, and nothing sleeps."""

import threading
from typing import Any

import pytest

from durably.actors.messages import Begin, EndKind, Returned, Succeeded, WaitingFor
from durably.actors.model import OperationStatus, OperationType
from durably.actors.spec import Kind
from durably.actors.task import Scope, Task
from tests.actors.invocation import Invocation, moment, record
from tests.actors.stage import EPOCH

PATIENCE = 5.0


def good() -> Succeeded:
    return Succeeded("1", 1)


# ------------------------------------------------------------------ the cooldown re-check


@pytest.mark.parametrize(("after", "kind"), [(0.04, EndKind.FINISHED), (0.06, EndKind.PENDING)])
def test_a_timer_just_before_the_cooldown_elapses_calls_the_end_off(after: float, kind: EndKind):
    """A wait that ends 10 ms before the cooldown does is fetched; 10 ms after it, the next invocation's."""
    known = record("w", OperationType.WAIT, ends_at=moment(EPOCH + after))
    scene = Invocation(known, cooldown=0.05)
    scene.service.before_answer = lambda _: scene.service.succeed("w")
    scene.root(lambda task: scene.begin(scene.operation(Kind.WAIT, "w"), task, known))
    ending = scene.run()
    assert ending.kind is kind
    assert len(scene.service.batches) == (kind is EndKind.FINISHED)
    assert scene.clock.monotonic() == pytest.approx(min(after, 0.05), abs=0.001)


def test_the_cooldown_begins_anew_after_whatever_happens():
    """A timer that fires during the cooldown, and brings no news, postpones the end."""
    known = record("w", OperationType.WAIT, ends_at=moment(EPOCH + 0.04))
    scene = Invocation(known, cooldown=0.05)
    scene.service.before_answer = lambda _: scene.service.records.update(w=known)
    scene.root(lambda task: scene.begin(scene.operation(Kind.WAIT, "w"), task, known))
    ending = scene.run()
    assert (ending.kind, ending.reason) == (EndKind.PENDING, WaitingFor.WAIT_SCHEDULED)
    assert scene.clock.monotonic() == pytest.approx(0.09, abs=0.001)


# ------------------------------------------------------------------ the short-circuit


@pytest.mark.parametrize("watched_first", [True, False])
def test_news_reaches_an_operation_whether_it_watches_before_or_after_they_come(watched_first: bool):
    """The answer to a step's call brings the end of a callback: as news, or to the one that watches late."""
    known = record("c", OperationType.CALLBACK)
    scene = Invocation(known)
    scene.service.before_answer = lambda _: scene.service.succeed("c")
    callback = scene.operation(Kind.CALLBACK, "c")

    def handler(task: Task) -> Any:
        if watched_first:
            callback.tell(Begin(None, known))
        scene.begin(scene.operation(Kind.STEP, "s", good), task)
        if watched_first:
            return scene.join(callback, task).operation
        return scene.begin(callback, task, known).operation

    scene.root(handler)
    ending = scene.run()
    assert ending.kind is EndKind.FINISHED
    assert isinstance(ending.outcome, Succeeded)
    assert ending.outcome.value.status is OperationStatus.SUCCEEDED
    assert scene.clock.monotonic() == 0, "nobody had to poll"


# ------------------------------------------------------------------ orphans


@pytest.mark.parametrize("orphaned", [False, True])
def test_a_step_that_ends_after_its_context_is_joined_and_dropped(orphaned: bool):
    """A context that does not wait for its step leaves an orphan: not recorded, and delaying nothing."""
    scene = Invocation()
    gate, began = threading.Event(), threading.Event()
    if not orphaned:
        gate.set()

    def body() -> Succeeded:
        began.set()
        assert gate.wait(PATIENCE)
        return good()

    def make_task(context: Any) -> Task:
        def code() -> None:
            step = scene.operation(Kind.STEP, "s", body, parent_id="x")
            beside = scene.operation(Kind.STEP, "t", good_when_both_run, parent_id="x")
            step.tell(Begin())
            scene.begin(beside, task)
            if not orphaned:
                scene.join(step, task)
            context.tell(Returned(good()))

        task = Task("context", Scope("x"), code, depth=1)
        return task

    def good_when_both_run() -> Succeeded:
        assert began.wait(PATIENCE)
        return good()

    def handler(task: Task) -> None:
        scene.begin(scene.operation(Kind.CONTEXT, "x", task=make_task), task)
        gate.set()

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert ("s SUCCEED" in scene.service.sent) is not orphaned
    assert scene.service.sent[-1] == "x SUCCEED"


# ------------------------------------------------------------------ a call fails


@pytest.mark.parametrize("finished", [False, True])
def test_when_the_call_in_flight_fails_everybody_learns_of_it(finished: bool):
    """Who is in the call, who is queued, who waits: all are settled, whether or not the root has finished."""
    known = record("c", OperationType.CALLBACK)
    scene = Invocation(known)
    lost = OSError("connection reset")

    def lose(number: int) -> None:
        raise lost

    scene.service.before_answer = lose

    def child(name: str, *more: Any) -> None:
        def code() -> None:
            operation = scene.operation(Kind.CALLBACK if more else Kind.WAIT, name, wait_seconds=5)
            try:
                scene.begin(operation, task, *more)
            except BaseException as error:
                scene.log.append(f"{name} {type(error).__name__}")

        task = Task(name, Scope(name, Scope("")), code, depth=1)
        scene.system.spawn_task(task)

    def handler(task: Task) -> None:
        child("w")
        child("c", known)
        if not finished:
            scene.begin(scene.operation(Kind.WAIT, "v", wait_seconds=5), task)
        else:
            scene.operation(Kind.WAIT, "v", wait_seconds=5).tell(Begin())

    scene.root(handler)
    ending = scene.run()
    assert (ending.kind, ending.exception) == (EndKind.CHECKPOINTING_FAILED, lost)
    assert sorted(scene.log) == ["c Unwinding", *([] if finished else ["root Unwinding"]), "w Unwinding"]
    assert len(scene.service.batches) == 1


def test_a_withdrawn_token_suspends_the_invocation():
    """An answer without a token: what it confirms is history, everybody is unwound, and it ends PENDING."""
    scene = Invocation()
    scene.service.next_token = None
    scene.root(lambda task: scene.begin(scene.operation(Kind.WAIT, "w", wait_seconds=5), task))
    ending = scene.run()
    assert (ending.kind, ending.reason, scene.log) == (EndKind.PENDING, None, ["root Unwinding"])
    assert scene.history["w"].status is OperationStatus.STARTED


# ------------------------------------------------------------------ how it ends otherwise


def test_a_root_that_waits_for_what_never_comes_is_a_deadlock():
    """Nothing runs, no operation waits for the service, and the root is parked: it says so at once."""
    scene = Invocation()

    def handler(task: Task) -> None:
        task.awaiter()
        task.park("nothing at all")

    scene.root(handler)
    assert scene.run().kind is EndKind.DEADLOCK
    assert scene.log == ["root Unwinding"]


def test_what_is_queued_when_the_root_returns_is_sent_before_the_end():
    """The START of an operation that nobody awaits is not lost."""
    scene = Invocation()
    scene.root(lambda task: scene.operation(Kind.WAIT, "w", wait_seconds=5).tell(Begin()))
    assert scene.run().kind is EndKind.FINISHED
    assert scene.service.sent == ["w START"]
