"""The threads on which step bodies and API calls run.

The pool grows by need, not by backlog. Ten thousand bodies of a microsecond are served by the first
thread or two, as fast as a hundred would; bodies that block, each calling a slow service, keep anything
from being taken from the queue, and whenever that has lasted 2 ms the number of threads doubles. Bodies that
compute keep things from being taken too, but more threads would only fight over the interpreter, with the
hub among them; so the processor time of the threads is looked at, and where they compute one is added now
and then, for the sake of those in the queue that would block.

Starting a thread takes the longer the more of them run, since each waits for the interpreter. So new threads
start each other, while the hub goes on. Nobody is woken who need not be: while there is a backlog the hub
looks by itself every millisecond, since a wake-up across threads costs more than a short body.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from durably.actors.messages import Message
from durably.actors.stage import Job, JobKind, JobState

logger = logging.getLogger("durably.actors")

GROW_AFTER = 0.002
GROW_AFTER_WHILE_BUSY = 0.012
"""While the hub runs itself: then a thread gets the interpreter every 5 ms only."""
GROW_COMPUTING_AFTER = 0.1
COMPUTING = 0.5
"""Processors' worth of time that the threads have used: from here on they compute."""
DEFAULT_MAX_WORKERS = 512

Completion = tuple[Job, Message | None, BaseException | None]


def cpu_times(threads: list[int]) -> dict[int, float]:
    """The processor time that each of these threads has used, in seconds.

    Where it cannot be told apart, that of the process for the first of them.
    """
    clock_of = getattr(time, "pthread_getcpuclockid", None)
    if clock_of is None:
        return dict.fromkeys(threads[:1], time.process_time())
    return {thread: time.clock_gettime(clock_of(thread)) for thread in threads}


def perform(job: Job) -> Completion:
    """Run a job here and now."""
    try:
        message = job.run() if job.context is None else job.context.run(job.run)
    except BaseException as error:
        return job, None, error
    return job, message, None


def settle(completion: Completion) -> None:
    """Tell whoever waits for a job how it went.

    Raises:
        BaseException: what ended it that is no `Exception`.
    """
    job, message, error = completion
    if error is not None:
        raise error
    if message is not None:
        job.reply_to.tell_if_alive(message)


class WorkerPool:
    """Threads that start when there is something to do and are gone when the pool is closed."""

    def __init__(
        self,
        completions: "queue.SimpleQueue[Completion | None]",
        max_workers: int = DEFAULT_MAX_WORKERS,
        watch: Callable[[], None] | None = None,
    ) -> None:
        if max_workers < 1:
            raise ValueError(f"max_workers must be at least 1, got {max_workers!r}")
        self._completions = completions
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._wanted = 0  # threads, those included that others are about to start
        self._closed = False
        self._queued: set[Job] = set()  # whoever removes a job from it has it
        self._running: dict[int, Job] = {}
        self._max_workers = max_workers
        self._watch = watch  # called once a second by a thread that has nothing else to do
        self._taken_seen = 0
        self._stuck_since = 0.0
        self._cpu_since: dict[int, float] = {}  # of the busy threads, when it began to be stuck
        self.taken = 0
        self.youngest = 0.0
        """When the newest body began, in `time.monotonic()` seconds."""

    @property
    def backlog(self) -> int:
        """Jobs that no thread has taken."""
        return self._jobs.qsize()

    @property
    def threads(self) -> int:
        """Threads started so far, and those that are about to be."""
        return self._wanted

    def submit(self, job: Job) -> None:
        """Queue a job.

        Raises:
            RuntimeError: there is no thread for it, and none can be started. It is not queued.
        """
        if not self._wanted:
            self._grow(1)
        self._queued.add(job)
        self._jobs.put(job)
        self.grow_if_stuck(idle=False)

    def drop(self, job: Job) -> bool:
        """Forget a job; False if a thread has taken it already."""
        try:
            self._queued.remove(job)
        except KeyError:
            return False
        return True

    def grow_if_stuck(self, *, idle: bool) -> None:
        """Have more threads if all are busy and nothing is taken from the queue.

        `idle` tells that the hub is not using the interpreter itself.
        """
        now = time.monotonic()
        if self.taken != self._taken_seen or not self.backlog:
            self._taken_seen, self._stuck_since, self._cpu_since = self.taken, now, {}
            return
        stuck = now - self._stuck_since
        if stuck < (GROW_AFTER if idle else GROW_AFTER_WHILE_BUSY) / 2 or len(self._running) < self._wanted:
            return  # in the latter case one is free, or not there yet, and only wants for the processor
        if not self._cpu_since:
            self._stuck_since, self._cpu_since = now, cpu_times(list(self._running))
            return
        used_now = cpu_times(list(self._cpu_since))
        used = sum(used_now[thread] - before for thread, before in self._cpu_since.items())
        if used < COMPUTING * stuck:
            self._grow(min(self._wanted, self._max_workers - self._wanted, self.backlog))
        elif stuck >= GROW_COMPUTING_AFTER:
            self._grow(min(1, self._max_workers - self._wanted))
        else:
            return
        self._cpu_since = {}

    def close(self, timeout: float | None) -> list[str]:
        """End all threads; the names of the jobs that still ran after `timeout` seconds (None: for ever).

        What no thread has taken yet is never begun.
        """
        self._closed = True
        self._queued.clear()
        self._jobs.put(None)  # each thread hands it on
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:  # which may still get longer
            if thread.ident is not None:  # else an interrupt has kept it from starting
                thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return [job.name for job in list(self._running.values())]

    def _grow(self, count: int) -> None:
        """Have `count` more threads. Whoever starts one waits until it runs, so the hub starts only one."""
        if count > 0:
            self._wanted += count
            self._start(count)

    def _start(self, count: int) -> None:
        number = len(self._threads)
        thread = threading.Thread(
            target=self._recruit, args=(count - 1,), name=f"durably-worker-{number}", daemon=True
        )
        self._threads.append(thread)  # first: an interrupt while it starts must not lose it
        try:
            thread.start()
        except RuntimeError:  # the environment allows no more threads: go on with those there are
            self._threads.remove(thread)
            self._wanted = len(self._threads)
            self._max_workers = max(1, self._wanted)
            if not self._threads:
                raise

    def _recruit(self, others: int) -> None:
        """What a thread does: start its share of the others, and then work."""
        half = others // 2
        for share in (others - half, half):
            if share and not self._closed:
                self._start(share)
        self._work()

    def _work(self) -> None:
        number = threading.get_ident()
        watches = self._watch is not None and threading.current_thread() is self._threads[0]
        while True:
            try:
                job = self._jobs.get(timeout=1.0 if watches else None)
            except queue.Empty:
                assert self._watch is not None
                self._watch()
                continue
            if job is None:
                self._jobs.put(None)
                return
            self.taken += 1  # a lost count is made good by the next: only change matters
            try:
                self._queued.remove(job)
            except KeyError:  # dropped
                continue
            job.state = JobState.RUNNING
            if job.kind is JobKind.BODY:
                self.youngest = time.monotonic()
            self._running[number] = job
            completion = perform(job)
            del self._running[number]
            self._completions.put(completion)
            del job, completion
