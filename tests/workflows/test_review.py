"""What a review found: each of these once went wrong."""

import functools
import gc
import os
import signal
import threading
import weakref
from dataclasses import dataclass
from typing import Any

import pytest

from durably.workflows.config import (
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    ParallelConfig,
    StepConfig,
)
from durably.workflows.exceptions import CheckpointError
from tests.workflows.running import PATIENCE, Once, Remaining, Run, happens, refused, starts

FIRST = ParallelConfig(completion_config=CompletionConfig.first_successful())


@dataclass
class Fetch:
    """A callable that cannot be hashed, as every dataclass that compares."""

    url: str

    def __call__(self, _step: Any) -> str:
        return self.url


def test_a_step_may_be_a_callable_object_that_cannot_be_hashed() -> None:
    """Which function is short is remembered of any callable."""
    assert Run(lambda _, context: [context.step(Fetch("a")), context.step(Fetch("b"))]).result() == ["a", "b"]


def test_what_a_partial_holds_goes_when_its_step_has_ended() -> None:
    """Ten thousand steps of partials do not keep ten thousand arguments alive."""

    class Large:
        pass

    def handler(_: Any, context: Any) -> int:
        alive = []
        for _number in range(10):
            large = Large()
            alive.append(weakref.ref(large))
            context.step(functools.partial(lambda _large, _step: None, large))
            del large
        gc.collect()
        return sum(each() is not None for each in alive)

    assert Run(handler).result() <= 1


@pytest.mark.parametrize("status", [400, 500, None])
def test_no_body_runs_when_its_start_was_refused(status: int | None) -> None:
    """The first body's START is sent ahead of it; if the service refuses, the body never begins."""
    ran: list[int] = []
    run = Run(
        lambda _, context: context.step(lambda _step: ran.append(1), name="x"),
        before=Once(lambda updates: starts(updates, "x"), refused(status)),
    )
    try:
        run.invoke()
    except CheckpointError:
        pass
    assert ran == []


def test_no_branch_of_an_abandoned_map_begins() -> None:
    """When the context around a map finishes, the branches that have not begun never do."""
    begun: list[int] = []

    def branch(context: Any, item: int, _index: int, _items: Any) -> Any:
        begun.append(item)
        return context.step(lambda _step: item)

    def handler(_: Any, context: Any) -> Any:
        return context.parallel(
            [lambda inner: inner.map(range(2000), branch), lambda _inner: 1], config=FIRST
        ).success_count

    run = Run(handler)
    assert run.result() == 1
    assert len(begun) < 1000


def test_no_branch_begins_after_checkpointing_has_failed() -> None:
    """A map of thousands stops at once when a call fails."""
    begun: list[int] = []

    def branch(context: Any, item: int, _index: int, _items: Any) -> Any:
        begun.append(item)
        return context.step(lambda _step: item)

    run = Run(
        lambda _, context: context.map(range(2000), branch).success_count,
        before=Once(lambda updates: True, refused(500)),
    )
    with pytest.raises(CheckpointError):
        run.invoke()
    assert len(begun) < 1000


def test_functions_may_be_changed_while_they_run() -> None:
    """`parallel` runs what it was given."""
    functions: list[Any] = []
    functions += [lambda _context: functions.clear(), lambda _context: 2]

    def handler(_: Any, context: Any) -> Any:
        return context.parallel(functions, config=ParallelConfig(max_concurrency=1)).success_count

    assert Run(handler).result() == 2


@pytest.mark.parametrize("answer", [None, True])
def test_a_predicate_that_answers_otherwise_is_named(answer: Any) -> None:
    """The error says that `should_complete` has to return a CompletionDecision."""
    config = MapConfig(completion_config=CompletionConfig(should_complete=lambda _status: answer))
    error = Run(lambda _, context: context.map([1], lambda *_args: 1, config=config).success_count).error()
    assert "should_complete" in error["ErrorMessage"]


def test_a_retry_strategy_that_answers_otherwise_is_named() -> None:
    """The error says that `retry_strategy` has to return a RetryDecision, and of which step."""

    def fails(_step: Any) -> None:
        raise ValueError("the cause")

    config = StepConfig(retry_strategy=lambda _error, _attempt: None)  # type: ignore[arg-type,return-value]
    error = Run(lambda _, context: context.step(fails, name="x", config=config)).error()
    assert "retry_strategy" in error["ErrorMessage"]


def test_code_below_a_virtual_context_is_unwound_with_it() -> None:
    """`finally` of a finished context's code runs before the code after it, virtual contexts included."""
    seen: list[str] = []

    def branch(context: Any) -> None:
        try:
            context.run_in_child_context(
                lambda inner: inner.wait(Duration.from_seconds(60)), config=ChildConfig(is_virtual=True)
            )
        finally:
            seen.append("unwound")

    def handler(_: Any, context: Any) -> None:
        context.parallel([branch, lambda inner: inner.step(lambda _step: 1)], config=FIRST)
        context.step(lambda _step: None)
        seen.append("the end")

    Run(handler).output()
    assert seen == ["unwound", "the end"]


def test_a_handler_for_interrupts_that_workflow_code_sets_stays() -> None:
    """Only what this library has set is taken back."""

    def mine(*_signal: object) -> None:
        pass

    before = signal.getsignal(signal.SIGINT)
    try:
        Run(lambda _, _context: signal.signal(signal.SIGINT, mine) and None).output()
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)


def test_ctrl_c_does_not_wait_for_bodies_until_the_deadline() -> None:
    """After Ctrl-C bodies are waited for a second, however long the invocation may still take."""
    began, over = threading.Event(), threading.Event()

    def slow(_step: Any) -> None:
        began.set()
        over.wait(PATIENCE)

    def strikes(context: Any) -> None:
        context.step(lambda _step: happens(began))
        os.kill(os.getpid(), signal.SIGINT)

    run = Run(lambda _, context: context.parallel([lambda inner: inner.step(slow), strikes]).success_count)
    with pytest.raises(KeyboardInterrupt):
        run.invoke(Remaining(900_000))
    ended_early = not over.is_set() and any(
        t.name.startswith("durably-worker") for t in threading.enumerate()
    )
    over.set()
    for thread in threading.enumerate():
        if thread.name.startswith("durably-worker"):
            thread.join(PATIENCE)
    assert ended_early


@pytest.mark.parametrize("refused_name", ["durably-sentry", "durably-worker", "durably"])
def test_a_sequential_workflow_needs_no_thread(refused_name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, bodies run one after the other all the same."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith(refused_name):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    results: list[Any] = []

    def handler(_: Any, context: Any) -> Any:
        return [context.step(lambda _step: 1), context.step(lambda _step: over.wait(0.05) or 2)]

    over = threading.Event()
    mine = threading.Thread(target=lambda: results.append(Run(handler).result()), name="a hub", daemon=True)
    mine.start()
    mine.join(2.0)
    assert results == [[1, 2]]
