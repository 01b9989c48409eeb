"""Bodies of steps: on which thread they run, how many threads that takes, and what is left of them."""

import asyncio
import gc
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import greenlet
import pytest

from durably.actors.clock import VirtualClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Begin, EndKind, Succeeded
from durably.actors.model import OperationType
from durably.actors.spec import Kind
from durably.actors.stage import JobState
from durably.actors.system import ActorFailedError, ActorSystem
from durably.actors.task import Scope, Task
from durably.actors.workers import WorkerPool
from tests.actors.actors import PATIENCE, Listener, Note, body, meet
from tests.actors.invocation import Invocation, record


@pytest.fixture
def system() -> Iterator[ActorSystem]:
    system = ActorSystem(HubDispatcher(VirtualClock()))
    yield system
    system.close()


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of threads as they are started."""
    names: list[str] = []
    start = threading.Thread.start

    def observed(thread: threading.Thread) -> None:
        names.append(thread.name)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", observed)
    return names


# ------------------------------------------------------------------ threads by need


def test_a_hundred_bodies_that_meet_at_a_barrier_all_pass(system: ActorSystem, started: list[str]):
    """Bodies that block get a thread each; nothing else would let them end."""
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    run = meet(100)
    for _ in range(100):
        system.work(body(run, listener))
    system.run()
    assert sorted(results) == list(range(100))
    assert len(started) == 100


def chain(system: ActorSystem, length: int) -> list[int]:
    """Bodies one after the other: each is asked for when the one before it has ended."""
    results: list[int] = []

    def run() -> None:
        return None

    def go_on(_what: Any) -> None:
        if len(results) < length:
            system.work(body(run, ref, code="the same function"))

    ref = system.spawn(Listener, "chain", results, go_on)
    ref.tell(Note())
    system.run()
    return results


def test_short_bodies_one_after_the_other_start_no_thread(started: list[str]):
    """A thousand of them run on the hub itself. (A busy machine can make one look long: best of five.)"""
    counts = []
    for _ in range(5):
        system = ActorSystem(HubDispatcher(VirtualClock()))
        assert len(chain(system, 1000)) == 1000
        system.close()
        counts.append(len(started))
        started.clear()
        if counts[-1] == 0:
            break
    assert min(counts) == 0
    assert max(counts) <= 1, "the sentry, at most"


def test_thousands_of_short_bodies_need_few_threads(system: ActorSystem, started: list[str]):
    """A backlog alone starts no threads: only bodies that keep it from moving do."""
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    for number in range(5000):
        system.work(body(lambda number=number: number, listener))
    system.run()
    assert sorted(results) == list(range(5000))
    assert len(started) <= 64


def test_there_are_never_more_threads_than_allowed(started: list[str]):
    """Bodies wait for a thread then, and all of them run."""
    system = ActorSystem(HubDispatcher(VirtualClock(), max_workers=4))
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    run = meet(4)
    for _ in range(16):
        system.work(body(run, listener))
    system.run()
    system.close()
    assert len(results) == 16
    assert len(started) == 4


@pytest.mark.parametrize("count", [0, -1])
def test_a_pool_without_threads_is_refused(count: int):
    """The error names the value."""
    with pytest.raises(ValueError, match=f"at least 1, got {count}"):
        HubDispatcher(max_workers=count)


def test_where_no_more_threads_can_be_started_those_there_are_do_the_work(
    system: ActorSystem, monkeypatch: pytest.MonkeyPatch
):
    """An environment that allows three threads makes a fan-out slower, not impossible."""
    start, allowed = threading.Thread.start, iter(range(3))

    def limited(thread: threading.Thread) -> None:
        if next(allowed, None) is None:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    results: list[Any] = []
    listener = system.spawn(Listener, "results", results)
    run = meet(3)
    for _ in range(30):
        system.work(body(run, listener))
    system.run()
    assert len(results) == 30


def test_inside_an_event_loop_no_body_runs_on_the_loops_thread(system: ActorSystem):
    """User code in a body may start a loop of its own, which is forbidden where one runs."""
    threads: list[Any] = []

    async def main() -> None:
        inner = ActorSystem(HubDispatcher(VirtualClock()))
        listener = inner.spawn(Listener, "results", threads)
        inner.work(body(threading.get_ident, listener))
        inner.run()
        inner.close()

    asyncio.run(main())
    assert threads != [threading.get_ident()]


def test_a_single_body_runs_on_the_hub(system: ActorSystem):
    """Nothing else can happen meanwhile, so it needs no thread."""
    threads: list[Any] = []
    system.work(body(threading.get_ident, system.spawn(Listener, "results", threads)))
    system.run()
    assert threads == [threading.get_ident()]


# ------------------------------------------------------------------ dropped bodies


@pytest.mark.parametrize("count", [1, 10])
def test_a_dropped_body_that_has_not_begun_never_runs_and_is_not_waited_for(system: ActorSystem, count: int):
    """Whether it was to run on the hub or on a thread; the system ends without it."""
    ran: list[Any] = []
    listener = system.spawn(Listener)
    gate = threading.Event()
    jobs = [body(lambda: ran.append("dropped"), listener) for _ in range(count)]
    if count > 1:
        system.work(body(lambda: gate.wait(PATIENCE), listener))  # keeps the only thread there is yet
    for job in jobs:
        system.work(job)
        if count == 1 or job.state is JobState.QUEUED:
            system.drop(job)
    gate.set()
    system.run()
    dropped = sum(job.state is JobState.DROPPED for job in jobs)
    assert len(ran) == count - dropped
    assert dropped or count > 1


def test_bodies_that_have_not_begun_when_the_run_fails_never_begin():
    """Closing waits for what runs; it does not start what is still queued."""
    system = ActorSystem(HubDispatcher(VirtualClock(), max_workers=1))
    gate = threading.Event()
    ran: list[int] = []
    listener = system.spawn(Listener)

    def fail(_what: Any) -> None:
        raise ZeroDivisionError

    system.work(body(lambda: gate.wait(PATIENCE), listener))
    for number in range(5):
        system.work(body(lambda number=number: ran.append(number), listener))
    system.spawn(Listener, "unlucky", None, fail).tell(Note())
    with pytest.raises(ActorFailedError):
        system.run()
    system.close(timeout=0)
    gate.set()
    system.dispatcher.close(None)
    assert ran == []


# ------------------------------------------------------------------ what is no Exception


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_body_raises_that_is_no_exception_comes_out_of_the_run(system: ActorSystem, count: int):
    """On the hub and on a worker thread alike: nobody may swallow a `SystemExit`."""
    listener = system.spawn(Listener)

    def leave() -> None:
        raise SystemExit(3)

    for _ in range(count):
        system.work(body(leave, listener))
    with pytest.raises(SystemExit, match="3"):
        system.run()


# ------------------------------------------------------------------ the START of a body that lasts


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_body_that_lasts_does_not_hide_its_start(before: int):
    """Its START reaches the service while it runs: the first body's, and any later one's of other code."""
    scene = Invocation()
    begun: dict[str, threading.Event] = {"slow": threading.Event()}

    def look(_number: int) -> None:
        if "slow" in scene.service.records:
            begun["slow"].set()

    scene.service.before_answer = look

    def slow() -> Succeeded:
        return Succeeded(None, begun["slow"].wait(PATIENCE))

    def handler(task: Task) -> Any:
        for number in range(before):
            scene.begin(scene.operation(Kind.STEP, f"quick {number}", lambda: Succeeded(None, None)), task)
        return scene.begin(scene.operation(Kind.STEP, "slow", slow), task).outcome

    scene.root(handler)
    ending = scene.run()
    assert isinstance(ending.outcome, Succeeded)
    assert ending.outcome.value == Succeeded(None, True)


def test_a_start_and_the_end_of_a_short_body_share_a_call():
    """One round trip a step, once the code is known to be short."""
    scene = Invocation()

    def quick() -> Succeeded:
        return Succeeded(None, None)

    def handler(task: Task) -> None:
        for number in range(50):
            scene.begin(scene.operation(Kind.STEP, str(number), quick), task)

    scene.root(handler)
    scene.run()
    assert len(scene.service.sent) == 100
    assert len(scene.service.batches) < 75  # 51, if no other process on this machine gets in between


@pytest.mark.parametrize("before", [0, 1])
def test_another_branch_goes_on_while_a_body_runs(before: int):
    """A branch waits for a confirmation, a body of another one runs long: the first goes on meanwhile.

    Both when the body is the first of the invocation, and when other code has run before.
    """
    scene = Invocation()
    went_on = threading.Event()

    def end_the_wait(_number: int) -> None:
        if "w" in scene.service.records:
            scene.service.succeed("w")

    scene.service.before_answer = end_the_wait

    def beside() -> None:
        scene.begin(scene.operation(Kind.WAIT, "w", wait_seconds=1), other)
        went_on.set()

    other = Task("other", Scope("other", Scope("")), beside, depth=1)

    def handler(task: Task) -> Any:
        for number in range(before):
            scene.begin(scene.operation(Kind.STEP, f"quick {number}", lambda: Succeeded(None)), task)
        scene.system.spawn_task(other)
        long = scene.operation(Kind.STEP, "long", lambda: Succeeded(None, went_on.wait(PATIENCE)))
        return scene.begin(long, task).outcome

    scene.root(handler)
    ending = scene.run()
    assert ending.kind is EndKind.FINISHED
    assert isinstance(ending.outcome, Succeeded)
    assert ending.outcome.value == Succeeded(None, True)


# ------------------------------------------------------------------ nothing is left


def left_behind() -> tuple[set[str], int, int]:
    """Threads of ours, greenlets that are alive, and open files."""
    gc.collect()
    threads = {thread.name for thread in threading.enumerate() if thread.name.startswith("durably")}
    current = greenlet.getcurrent()
    tasks = [o for o in gc.get_objects() if isinstance(o, greenlet.greenlet) and o and o is not current]
    folder = Path("/proc/self/fd")
    return threads, len(tasks), len(list(folder.iterdir())) if folder.exists() else 0


def run_to_its_end(how: str) -> None:
    known = record("c", OperationType.CALLBACK)
    scene = Invocation(known)
    pair = meet(2)

    def together() -> Succeeded:
        return Succeeded(None, pair())

    def handler(task: Task) -> None:
        steps = [scene.operation(Kind.STEP, name, together) for name in "ab"]
        scene.begin(scene.operation(Kind.STEP, "quick", lambda: Succeeded(None, 1)), task)
        for step in steps:
            step.tell(Begin())
        for step in steps:
            scene.join(step, task)
        if how == "failed call":
            scene.service.before_answer = fail
        if how == "body raises":
            scene.begin(scene.operation(Kind.STEP, "bad", leave), task)
        if how != "result":
            scene.begin(scene.operation(Kind.CALLBACK, "c"), task, known if how == "suspension" else None)

    def fail(_number: int) -> None:
        raise OSError("gone")

    def leave() -> Succeeded:
        raise SystemExit(3)

    scene.root(handler)
    if how == "body raises":
        with pytest.raises(SystemExit):
            scene.run()
        return
    kinds = {
        "result": EndKind.FINISHED,
        "suspension": EndKind.PENDING,
        "failed call": EndKind.CHECKPOINTING_FAILED,
    }
    assert scene.run().kind is kinds[how]


@pytest.mark.parametrize("how", ["result", "suspension", "failed call", "body raises"])
def test_nothing_is_left_of_an_invocation(how: str):
    """No thread, no greenlet, no open file, however it ends; the pool and the sentry were both at work."""
    before = left_behind()
    run_to_its_end(how)
    assert left_behind() == before


def test_a_body_that_outlasts_the_end_is_named():
    """Closing waits as long as it is told to, and says who is still there."""
    system = ActorSystem(HubDispatcher(VirtualClock()))
    gate = threading.Event()
    began = threading.Barrier(3)
    listener = system.spawn(Listener)

    def last() -> None:
        began.wait(PATIENCE)
        gate.wait(PATIENCE)

    def leave() -> None:
        began.wait(PATIENCE)
        raise SystemExit

    for name, run in (("a", last), ("b", last), ("c", leave)):
        system.work(body(run, listener, name=name))
    with pytest.raises(SystemExit):
        system.run()
    assert sorted(system.close(timeout=0)) == ["a", "b"]
    gate.set()
    assert system.dispatcher.close(None) == []


def test_an_unused_pool_has_no_threads():
    """Threads are started when there is something to do."""
    pool = WorkerPool(queue.SimpleQueue())
    assert (pool.threads, pool.backlog, pool.close(None)) == (0, 0, [])
