"""Workflow code on tasks: parking, contexts, unwinding, and what becomes of code that will not end."""

import contextvars
import gc
import inspect
import logging
from typing import Any

import greenlet
import pytest

from durably.actors.clock import VirtualClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Completed, Refused, Unwound
from durably.actors.system import ActorSystem
from durably.actors.task import UNWINDINGS_BEFORE_GIVING_UP, Scope, Task, TaskState, Unwinding
from tests.actors.actors import Listener, Note

HERE = __file__


class Stage:
    """A system with a virtual clock, and a way to start tasks."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.system = ActorSystem(HubDispatcher(self.clock))
        self.log: list[Any] = []

    def start(self, code: Any, name: str = "task", depth: int = 0) -> Task:
        def run() -> None:
            try:
                code(task)
            except Unwinding:
                pass  # as the layer above does: code of a finished context has nothing to report

        task = Task(name, Scope(name), run, depth=depth)
        self.system.spawn_task(task)
        return task

    def run(self) -> None:
        self.system.run()


@pytest.fixture
def stage():
    stage = Stage()
    yield stage
    stage.system.close()


def test_a_task_goes_on_with_what_it_is_resumed_with(stage: Stage):
    """Parking gives control back; the answer to its ticket is what `park` returns."""

    def code(task: Task) -> None:
        ticket = task.awaiter().ticket
        answer = Completed(None)
        stage.system.spawn(Listener, "a", None, lambda _: stage.system.resume(task, ticket, answer)).tell(
            Note()
        )
        stage.log.append(task.park("an answer") is answer)

    task = stage.start(code)
    stage.run()
    assert stage.log == [True]
    assert task.state is TaskState.DONE
    assert stage.system.tasks == {}


def test_an_answer_to_an_earlier_ticket_is_ignored(stage: Stage):
    """The loser of a race does not resume what its task awaits next."""

    def code(task: Task) -> None:
        old = task.awaiter().ticket
        new = task.awaiter().ticket
        for ticket in (old, new, new):
            stage.system.spawn(
                Listener,
                "a",
                None,
                lambda _, ticket=ticket: stage.system.resume(task, ticket, Refused(KeyError(ticket))),
            ).tell(Note())
        with pytest.raises(KeyError) as error:
            task.park("the new one")
        stage.log.append(error.value.args[0] == new)
        task.awaiter()
        task.park("what never comes")

    task = stage.start(code)
    stage.run()
    assert stage.log == [True]
    assert (task.state, task.awaits) == (TaskState.PARKED, "what never comes")


def test_what_workflow_code_raises_that_is_no_exception_comes_out(stage: Stage):
    """A `BaseException` is nobody's result: it ends the run."""

    def code(_task: Task) -> None:
        raise SystemExit(3)

    stage.start(code)
    with pytest.raises(SystemExit):
        stage.run()


# ------------------------------------------------------------------ context variables

PLACE: contextvars.ContextVar[str] = contextvars.ContextVar("PLACE", default="nowhere")


def test_a_task_sees_its_creators_context_and_leaks_nothing(stage: Stage):
    """Each has a copy of its own, across parking; what one sets no other sees, nor the creator."""

    def code(task: Task) -> None:
        stage.log.append(PLACE.get())
        PLACE.set(task.name)
        ticket = task.awaiter().ticket
        stage.system.spawn(
            Listener, "a", None, lambda _: stage.system.resume(task, ticket, Completed(None))
        ).tell(Note())
        task.park("the others")
        stage.log.append(PLACE.get())

    def create() -> None:
        PLACE.set("creator")
        stage.start(code, "one")
        stage.start(code, "two")

    contextvars.copy_context().run(create)
    stage.run()
    assert stage.log == ["creator", "creator", "one", "two"]
    assert PLACE.get() == "nowhere"


# ------------------------------------------------------------------ unwinding


def test_unwinding_runs_finally_blocks_deepest_first(stage: Stage):
    """At the end of a system every parked task is unwound, children before parents."""

    def code(task: Task) -> None:
        try:
            task.awaiter()
            task.park("for ever")
        except Unwinding:
            stage.log.append(f"{task.name} unwound")
            raise
        finally:
            stage.log.append(f"{task.name} finally")

    for name, depth in (("root", 0), ("deep", 2), ("child", 1)):
        stage.start(code, name, depth)
    stage.run()
    assert stage.log == []
    stage.system.close()
    assert stage.log == [
        f"{name} {how}" for name in ("deep", "child", "root") for how in ("unwound", "finally")
    ]


def test_a_task_that_was_about_to_go_on_is_unwound_as_well(stage: Stage):
    """An actor fails when a task has its answer, but has not run on: it is not left in the middle."""

    def code(task: Task) -> None:
        ticket = task.awaiter().ticket

        def answer_and_fail(_what: Any) -> None:
            stage.system.resume(task, ticket, Completed(None))
            raise ZeroDivisionError

        stage.system.spawn(Listener, "a", None, answer_and_fail).tell(Note())
        try:
            task.park("an answer")
            stage.log.append("went on")
        except Unwinding:
            stage.log.append("unwound")

    stage.start(code)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        stage.run()
    stage.system.close()
    assert stage.log == ["unwound"]


def test_a_task_that_has_not_begun_never_does(stage: Stage):
    """There is nothing to unwind in it."""
    stage.start(lambda _: stage.log.append("ran"))
    stage.system.close()
    assert stage.log == []


def test_unwinding_raises_what_the_task_was_made_to_raise(stage: Stage):
    """The layer above has an exception of its own for it."""

    class Mine(BaseException):
        pass

    def code() -> None:
        task.awaiter()
        with pytest.raises(Mine):
            task.park("for ever")
        stage.log.append(task.unwound)

    task = Task("task", None, code, unwinding=Mine)
    stage.system.spawn_task(task)
    stage.run()
    stage.system.close()
    assert stage.log == [True]


def swallowing(task: Task, times: int) -> None:
    """Workflow code as it should not be: it catches everything, and goes on."""
    task.awaiter()
    try:
        task.park("for ever")
    except BaseException:
        pass
    while times:
        times -= 1
        try:
            task.check()  # as every durable call does
        except BaseException:
            pass


def test_code_that_swallows_the_unwinding_is_given_up_after_a_hundred_times(
    stage: Stage, caplog: pytest.LogCaptureFixture
):
    """The warning names the task, the file and the line, so that it can be found."""
    task = stage.start(lambda task: swallowing(task, UNWINDINGS_BEFORE_GIVING_UP), "stubborn")
    stage.run()
    with caplog.at_level(logging.WARNING, "durably.actors"):
        stage.system.close()
    assert task.state is TaskState.ABANDONED
    (warning,) = [record.getMessage() for record in caplog.records]
    lines, first = inspect.getsourcelines(swallowing)
    line = first + next(number for number, text in enumerate(lines) if "task.check()" in text)
    assert f"{HERE}:{line} in swallowing" in warning
    assert "stubborn was given up" in warning


def test_code_that_swallows_less_often_ends_by_itself(stage: Stage, caplog: pytest.LogCaptureFixture):
    """A `finally` with some durable calls in it is no reason to give up."""
    task = stage.start(lambda task: swallowing(task, UNWINDINGS_BEFORE_GIVING_UP - 1))
    stage.run()
    stage.system.close()
    assert task.state is TaskState.DONE
    assert not caplog.records


def test_a_task_whose_context_lives_is_not_checked_out(stage: Stage):
    """`check` costs nothing and does nothing until the task has been unwound."""

    def code(task: Task) -> None:
        task.check()
        stage.log.append(task.is_current())

    task = stage.start(code)
    stage.run()
    assert stage.log == [True]
    assert not task.is_current()


def living_greenlets() -> set[int]:
    greenlet.getcurrent()  # a thread's own is there from the first time that it is asked for
    gc.collect()
    return {id(o) for o in gc.get_objects() if isinstance(o, greenlet.greenlet) and o}


def test_no_greenlet_is_left_of_a_thousand_tasks(stage: Stage):
    """Tasks that ended, and tasks that were unwound, are gone."""

    def code(task: Task) -> None:
        task.awaiter()
        task.park("for ever")

    before = living_greenlets()
    for number in range(1000):
        stage.start(code if number % 2 else lambda _: None, str(number))
    stage.run()
    assert len(living_greenlets()) >= len(before) + 500
    stage.system.close()
    assert living_greenlets() <= before


def test_scopes_know_what_is_within_what():
    """A scope is within itself and within everything around it."""
    outer = Scope("outer")
    inner = Scope("inner", Scope("middle", outer))
    assert all(inner.is_within(name) for name in ("inner", "middle", "outer"))
    assert not outer.is_within("inner")


# ------------------------------------------------------------------ the watchdog


@pytest.mark.parametrize(("seconds", "warned"), [(1.5, True), (1.0, False)])
@pytest.mark.parametrize("parks", [True, False])
def test_a_task_that_keeps_the_hub_for_more_than_a_second_is_named(
    stage: Stage, caplog: pytest.LogCaptureFixture, parks: bool, seconds: float, warned: bool
):
    """The warning says how long, up to where, and what to do about it."""

    def code(task: Task) -> None:
        stage.clock.advance(seconds)
        if parks:
            task.awaiter()
            with pytest.raises(Unwinding):
                task.park("for ever")

    stage.start(code, "slow one")
    with caplog.at_level(logging.WARNING, "durably.actors"):
        stage.run()
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == warned
    if warned:
        assert "slow one kept the others waiting for 1.5 s" in messages[0]
        assert (f"{HERE}:" if parks else "its end") in messages[0]
        assert "Move slow work into a step" in messages[0]


def test_an_unwound_answer_is_what_a_finished_context_sends(stage: Stage):
    """A task below a finished context is unwound by the answer itself, while the system goes on."""

    def code(task: Task) -> None:
        ticket = task.awaiter().ticket
        stage.system.spawn(Listener, "a", None, lambda _: stage.system.resume(task, ticket, Unwound())).tell(
            Note()
        )
        with pytest.raises(Unwinding):
            task.park("for ever")
        with pytest.raises(Unwinding):
            task.check()
        stage.log.append("gone")

    stage.start(code)
    stage.run()
    assert stage.log == ["gone"]
