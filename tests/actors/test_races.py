"""The races between actors, both orders of each, on the real hub. Time is virtual, and nothing sleeps."""

import threading
from typing import Any

import pytest

from durably.actors.messages import Await, Begin, EndKind, Returned, Succeeded, WaitingFor
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
    """A wait that ends 10 ms before the cooldown does is fetched; 10 ms after it, nobody waits for it."""
    known = record("w", OperationType.WAIT, ends_at=moment(EPOCH + after))
    scene = Invocation(known, cooldown=0.05)
    scene.service.before_answer = lambda _: scene.service.succeed("w")
    scene.root(lambda task: scene.begin(scene.operation(Kind.WAIT, "w"), task, known))
    ending = scene.run()
    assert ending.kind is kind
    assert len(scene.service.batches) == (kind is EndKind.FINISHED)
    assert scene.clock.monotonic() == pytest.approx(after if kind is EndKind.FINISHED else 0, abs=0.001)


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


# ------------------------------------------------------------------ creation


def create(scene: Invocation, task: Task, id: str, **more: Any) -> Any:
    """In a task: begin a callback, and stop until the service has it."""
    operation = scene.operation(Kind.CALLBACK, id, **more)
    operation.tell(Begin(None, None, task.awaiter(), lambda how: None))
    return operation, task.park("creation").operation


@pytest.mark.parametrize("answered", [False, True])
def test_who_creates_a_callback_goes_on_when_the_service_has_it(answered: bool):
    """With the record of its START, or with its end if that is there at once."""
    scene = Invocation()
    seen: list[Any] = []
    if answered:
        scene.service.before_answer = lambda number: scene.service.succeed("c") if number == 1 else None

    def handler(task: Task) -> None:
        callback, created = create(scene, task, "c")
        seen.append((created.status.value, len(scene.service.batches)))
        scene.service.before_answer = lambda _: scene.service.succeed("c")
        scene.begin(scene.operation(Kind.STEP, "s", good), task)
        seen.append(scene.join(callback, task).operation)

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert seen[0] == ("SUCCEEDED" if answered else "STARTED", 1)
    assert seen[1].status is OperationStatus.SUCCEEDED


def test_a_callback_is_created_while_a_body_runs():
    """Its START does not wait for the body that was begun before it."""
    scene = Invocation()
    created = threading.Event()

    def body() -> Succeeded:
        assert created.wait(PATIENCE)
        return good()

    def handler(task: Task) -> None:
        step = scene.operation(Kind.STEP, "s", body)
        step.tell(Begin())
        create(scene, task, "c")
        created.set()
        scene.join(step, task)

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert scene.service.sent == ["s START", "c START", "s SUCCEED"]


@pytest.mark.parametrize("fails", [False, True])
def test_a_creator_is_unwound_when_its_context_ends_or_its_call_fails(fails: bool):
    """It does not wait for ever for a START that nobody will confirm."""
    scene = Invocation()
    if fails:

        def lose(number: int) -> None:
            raise OSError("connection reset")

        scene.service.before_answer = lose

    def make_task(context: Any) -> Task:
        def inside() -> None:
            try:
                create(scene, inner, "c", parent_id="x")
            except BaseException as error:
                scene.log.append(f"creator {type(error).__name__}")

        def code() -> None:
            scene.system.spawn_task(inner)
            if not fails:
                context.tell(Returned(good()))

        inner = Task("inner", Scope("y", Scope("x")), inside, depth=2)
        return Task("context", Scope("x"), code, depth=1)

    scene.root(lambda task: scene.begin(scene.operation(Kind.CONTEXT, "x", task=make_task), task))
    assert scene.run().kind is (EndKind.CHECKPOINTING_FAILED if fails else EndKind.FINISHED)
    assert "creator Unwinding" in scene.log
    assert ("c START" in scene.service.sent) is fails


# ------------------------------------------------------------------ several on one ticket


class Several:
    """Operations whose ends are noted, all awaited with one ticket."""

    def __init__(self, scene: Invocation, task: Task, **operations: Any) -> None:
        self.task, self.noted = task, list[str]()
        self.ticket = task.awaiter()
        for name, operation in operations.items():
            operation.tell(Begin(None, None, None, lambda _how, name=name: self.noted.append(name)))
            operation.tell(Await(self.ticket))

    def until(self, count: int) -> list[str]:
        """Park, again and again, until so many have arrived; what had arrived each time it was resumed."""
        seen: list[str] = []
        while len(self.noted) < count:
            self.task.park("several", self.ticket)
            seen.append("".join(self.noted))
        return seen


def test_two_ends_in_one_answer_resume_their_awaiter_once():
    """The second finds it runnable; nothing is lost, since both were noted before it runs."""
    scene = Invocation()
    seen: list[str] = []

    def handler(task: Task) -> None:
        steps = {name: scene.operation(Kind.STEP, name, good) for name in "ab"}
        seen.extend(Several(scene, task, **steps).until(2))

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert seen == ["ab"]


def test_the_ticket_stays_good_while_they_arrive_one_after_another():
    """Three ends in three answers: three times resumed on the same ticket."""
    scene = Invocation(cooldown=60)
    seen: list[str] = []
    scene.service.before_answer = lambda _: None

    def handler(task: Task) -> None:
        waits = {name: scene.operation(Kind.WAIT, name, wait_seconds=n) for n, name in enumerate("abc", 1)}
        seen.extend(Several(scene, task, **waits).until(3))

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert seen == ["a", "ab", "abc"]


def test_an_end_that_comes_while_the_awaiter_does_something_else_is_noted():
    """It is in another operation, on another ticket, when the second ends; then it need not park again."""
    scene = Invocation()
    seen: list[Any] = []

    def handler(task: Task) -> None:
        steps = {name: scene.operation(Kind.STEP, name, good) for name in "ab"}
        several = Several(scene, task, **steps)
        scene.begin(scene.operation(Kind.STEP, "c", good), task)
        scene.begin(scene.operation(Kind.STEP, "d", good), task)
        seen.append("".join(several.noted))
        seen.append(several.until(2))

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert seen == ["ab", []]


def test_who_parks_again_on_its_ticket_is_resumed_although_it_had_another_meanwhile():
    """The ticket of what it did in between is used up, and the earlier one counts again."""
    scene = Invocation(cooldown=60)
    seen: list[str] = []

    def handler(task: Task) -> None:
        waits = {name: scene.operation(Kind.WAIT, name, wait_seconds=n) for n, name in enumerate("ab", 1)}
        several = Several(scene, task, **waits)
        seen.extend(several.until(1))
        scene.begin(scene.operation(Kind.STEP, "s", good), task)
        seen.extend(several.until(2))

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert seen == ["a", "ab"]


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
