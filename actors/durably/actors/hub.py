"""Production's dispatcher: one loop on the thread of the invocation.

The loop takes, in this order: what worker threads have completed and which timers are due, then messages,
then one runnable task, then a body or call that nothing else can overlap; else it sends what is queued for
the service; else all is still, and it sleeps. Actors and workflow code therefore never run at the same
time, and need no lock. Messages are handled first in, first out over all mailboxes, which is one of the
orders that the protocol allows.
"""

import contextlib
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from durably.actors.actor import Actor, Mail, refuse, refuse_question
from durably.actors.actor import hub as this_thread
from durably.actors.clock import Clock, WallClock
from durably.actors.dispatcher import Runtime
from durably.actors.inline import HIDDEN_AT_MOST, InlineBodies
from durably.actors.interrupt import InterruptGuard
from durably.actors.messages import CooldownElapsed, Flush, Message, Quiet
from durably.actors.stage import Job, JobKind, JobState, Timer
from durably.actors.task import Task
from durably.actors.timers import TimerQueue
from durably.actors.watchdog import Watchdog
from durably.actors.workers import DEFAULT_MAX_WORKERS, Completion, WorkerPool, perform, settle

if TYPE_CHECKING:
    from durably.actors.actor import Ref

LINGER = 0.001
"""A batch is held back for so many seconds after a body has begun, since the body may end and fill it."""
AT_A_TIME = 256
"""Messages that are handled before completions and timers are looked at again."""
BACKLOG = 256
"""With so many bodies waiting for a thread, no further branches begin."""
MANY = 16
LOOK = 0.001
"""While more than MANY jobs wait for a thread, the hub looks this often instead of being woken."""


class HubDispatcher:
    """Runs actors and tasks on the calling thread, and bodies and calls beside them where that helps."""

    def __init__(self, clock: Clock | None = None, *, max_workers: int = DEFAULT_MAX_WORKERS) -> None:
        self.clock = clock or WallClock()
        self._thread = threading.get_ident()
        self._mail: deque[tuple[Actor, Mail]] = deque()
        self._foreign: deque[tuple[Actor, Mail]] = deque()  # told by other threads
        self._runnable: deque[Task] = deque()
        self._completions: queue.SimpleQueue[Completion | None] = queue.SimpleQueue()
        self._watchdog = Watchdog(self.clock)
        self._pool = WorkerPool(self._completions, max_workers, self._watchdog.look)
        self._inline = InlineBodies(self._stand_in)
        self._candidate: Job | None = None  # the one job that may turn out to run inline
        self._stranded: deque[Job] = deque()  # without threads: they run here, one after the other
        self._jobs = 0  # that are with the pool
        self._bodies = 0  # of these
        self._timers = TimerQueue()
        self._flush: Ref | None = None
        self._flush_since = 0.0
        self._flush_awaited = False
        self._idle: deque[tuple[Ref, Message]] = deque()
        self._stillness = 0
        self._still = False
        self._threads_only = _event_loop_runs()
        self._interrupts = InterruptGuard()
        self._shut = False

    # ------------------------------------------------------------------ what is asked of it

    def post(self, actor: Actor, mail: Mail) -> None:
        if threading.get_ident() == self._thread:
            self._mail.append((actor, mail))
        elif self._is_shut():
            refuse(mail)
        else:
            self._foreign.append((actor, mail))
            self._completions.put(None)
            if self._is_shut():  # since a moment ago, perhaps: whoever takes it out refuses it
                self._refuse_foreign()

    def timer(self, delay: float, reply_to: "Ref", message: Message, *, needs_company: bool) -> Timer:
        return self._timers.add(Timer(self.clock.monotonic() + delay, reply_to, message, needs_company))

    def work(self, job: Job) -> None:
        if self._candidate is None and not self._jobs and not self._threads_only:
            self._candidate = job
            return
        self._candidate_to_pool()
        self._to_pool(job)

    def drop(self, job: Job) -> None:
        if job is self._candidate:
            self._candidate = None
            job.state = JobState.DROPPED
        elif job.state is JobState.QUEUED:
            job.state = JobState.DROPPED  # one that a thread takes at this very moment runs all the same
            if self._pool.drop(job):
                self._ended(job)
            elif job in self._stranded:
                self._stranded.remove(job)
                self._ended(job)

    def ready(self, task: Task) -> None:
        self._runnable.append(task)

    def want_flush(self, reply_to: "Ref", *, awaited: bool) -> None:
        self._flush_awaited = awaited
        if self._flush is None:
            self._flush = reply_to
            self._flush_since = time.monotonic()

    def when_idle(self, reply_to: "Ref", message: Message) -> None:
        self._idle.append((reply_to, message))

    def is_still(self, number: int) -> bool:
        return self._still and number == self._stillness

    def due_within(self, seconds: float) -> bool:
        moment = self._timers.next_moment(company=self._bodies > 0)
        return moment is not None and moment - self.clock.monotonic() <= seconds

    def shut(self) -> None:
        self._shut = True
        self._thread = 0  # so that every post takes the way of a foreign thread's
        for _, mail in self._mail:
            refuse_question(mail)
        self._mail.clear()
        self._refuse_foreign()

    def _is_shut(self) -> bool:
        # A method, since another thread may change the answer between two questions.
        return self._shut

    def _refuse_foreign(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                refuse_question(self._foreign.popleft()[1])

    def close(self, timeout: float | None) -> list[str]:
        self._inline.close()
        return self._pool.close(timeout)

    # ------------------------------------------------------------------ the loop

    def run(self, runtime: Runtime) -> None:
        before = getattr(this_thread, "running", False)
        this_thread.running = True
        try:
            with self._interrupts:
                while not runtime.over:
                    self._turn(runtime)
        finally:
            this_thread.running = before

    def _turn(self, runtime: Runtime) -> None:
        while not self._completions.empty():
            self._take(self._completions.get())
        if self._timers.armed and self._fire(runtime):
            return
        if self._mail:
            self._still = False
            self._deliver(runtime)
            if self._mail or runtime.over:
                return
        if self._runnable:
            self._still = False
            self._candidate_to_pool()
            task = self._runnable.popleft()
            with self._interrupts.allowed:
                self._watchdog.run(task)
        elif self._idle and self._pool.backlog < BACKLOG:
            self._still = False
            self._candidate_to_pool()
            to, message = self._idle.popleft()
            to.tell_if_alive(message)
        elif self._candidate is not None:
            self._still = False
            self._run_candidate(runtime)
        elif self._stranded:
            with self._interrupts.allowed:
                completion = perform(self._stranded.popleft())
            self._take(completion)
        elif self._flush is not None and self._batch_is_full_enough():
            self._still = False
            self._tell_flush()
        elif self._still or self._jobs:
            self._sleep()
        else:
            self._still = True
            self._stillness += 1
            if runtime.supervisor is None:
                runtime.over = self._timers.next_moment(company=False) is None
            else:
                self._tell_aside(runtime.supervisor, Quiet(self._stillness), runtime)

    def _deliver(self, runtime: Runtime) -> None:
        """Handle mail, some hundreds at the most, so that completions and timers are not kept waiting."""
        letters = self._mail
        for _ in range(AT_A_TIME):
            actor, mail = letters.popleft()
            try:
                actor.deliver(mail)
            except Exception as error:
                runtime.on_actor_failed(actor, error)
                break
            if not letters:
                break

    def _tell_aside(self, to: "Ref", message: Message, runtime: Runtime) -> None:
        """Deliver what is about stillness without ending it."""
        to.tell(message)
        actor, mail = self._mail.pop()
        try:
            actor.deliver(mail)
        except Exception as error:
            runtime.on_actor_failed(actor, error)

    def _tell_flush(self) -> None:
        if self._flush is not None:
            to, self._flush = self._flush, None
            to.tell_if_alive(Flush())

    def _batch_is_full_enough(self) -> bool:
        """Nothing but bodies can fill it any more, so it is held back only for those that have just begun."""
        if not self._bodies:
            return True
        now = time.monotonic()
        if now - self._flush_since >= HIDDEN_AT_MOST:
            return True
        return not self._pool.backlog and now - self._pool.youngest >= LINGER

    # ------------------------------------------------------------------ time

    def _fire(self, runtime: Runtime) -> bool:
        """Tell what is due; True if something was."""
        due = self._timers.due(self.clock.monotonic(), company=self._bodies > 0)
        for timer in due:
            if type(timer.message) is CooldownElapsed and self._still and not self._mail:
                self._tell_aside(timer.reply_to, timer.message, runtime)
            else:
                self._still = False
                timer.reply_to.tell_if_alive(timer.message)
        return bool(due)

    def _sleep(self) -> None:
        """Until something completes or a timer is due."""
        moment = self._timers.next_moment(company=self._bodies > 0)
        if not self._jobs and moment is not None and self.clock.skip_to(moment):
            return
        delay = None if moment is None else max(0.0, moment - self.clock.monotonic())
        backlog = self._pool.backlog
        if backlog:
            self._pool.grow_if_stuck(idle=True)
        if backlog > MANY:
            # Not on the queue: whoever completes would wake the hub for every short body.
            with self._interrupts.allowed:
                time.sleep(LOOK)
            return
        if backlog or (self._jobs and self._flush is not None):
            delay = min(LOOK, delay or LOOK)
        try:
            with self._interrupts.allowed:
                completion = self._completions.get(timeout=delay)
        except queue.Empty:
            return
        self._take(completion)

    # ------------------------------------------------------------------ jobs

    def _take(self, completion: Completion | None) -> None:
        """A job on another thread has ended, or something was told from there."""
        self._still = False
        while self._foreign:
            self._mail.append(self._foreign.popleft())
        if completion is not None:
            self._ended(completion[0])
            settle(completion)

    def _ended(self, job: Job) -> None:
        self._jobs -= 1
        if job.kind is JobKind.BODY:
            self._bodies -= 1

    def _candidate_to_pool(self) -> None:
        if self._candidate is not None:
            job, self._candidate = self._candidate, None
            self._to_pool(job)

    def _to_pool(self, job: Job) -> None:
        self._jobs += 1
        if job.kind is JobKind.BODY:
            self._bodies += 1
        try:
            self._pool.submit(job)
        except RuntimeError:  # not a single thread can be had
            self._stranded.append(job)

    def _run_candidate(self, runtime: Runtime) -> None:
        """Nothing else can happen but this job: it needs no thread."""
        job, self._candidate = self._candidate, None
        assert job is not None
        if job.kind is JobKind.CALL:
            self._run_here(job, perform)
        elif self._others_may_go_on():
            self._to_pool(job)
        else:
            if self._flush is not None and self._inline.must_send_start(job):
                self._call_now(runtime)
            if job.state is JobState.QUEUED and not runtime.over:
                self._run_here(job, self._inline.perform)

    def _run_here(self, job: Job, how: Callable[[Job], Completion]) -> None:
        """Run a job on the hub, and tell how it went."""
        job.state = JobState.RUNNING
        with self._interrupts.allowed:
            completion = how(job)
        settle(completion)

    def _others_may_go_on(self) -> bool:
        """True if a timer may come due, or an answer let somebody go on, while a body runs here."""
        if self._flush is not None and self._flush_awaited:
            return True
        return self._timers.armed and self._timers.next_moment(company=True) is not None

    def _call_now(self, runtime: Runtime) -> None:
        """Send what is queued, and handle the answer."""
        self._tell_flush()
        while self._mail and not runtime.over:
            self._deliver(runtime)
            if self._candidate is not None and self._candidate.kind is JobKind.CALL:
                call, self._candidate = self._candidate, None
                self._run_here(call, perform)

    def _stand_in(self) -> None:
        """What the sentry does, on its own thread, while the hub is in a body: send what is queued."""
        if self._flush is None:
            return
        hub_thread, self._thread = self._thread, threading.get_ident()
        try:
            self._tell_flush()
            while self._mail:
                actor, mail = self._mail.popleft()
                actor.deliver(mail)
            self._candidate_to_pool()
        finally:
            self._thread = hub_thread


def _event_loop_runs() -> bool:
    """True if this thread runs an asyncio loop: then user code must not run in the middle of it."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
