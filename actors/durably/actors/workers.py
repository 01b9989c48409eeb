"""The threads on which step bodies and API calls run.

The pool grows by need, not by backlog. Ten thousand bodies of a microsecond are served by the first
thread or two, as fast as a hundred would; bodies that block, each calling a slow service, keep anything
from being taken from the queue, and whenever that has lasted 2 ms the number of threads doubles.

Starting a thread takes the longer the more of them run, since each waits for the interpreter. So new threads
start each other, while the hub goes on.

Nobody is woken who need not be: while there is a backlog the hub looks by itself every millisecond, since
a wake-up across threads costs more than a short body.
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
DEFAULT_MAX_WORKERS = 512

Completion = tuple[Job, Message | None, BaseException | None]


def perform(job: Job) -> Completion:
    """Run a job here and now."""
    try:
        message = job.run() if job.context is None else job.context.run(job.run)
    except BaseException as error:
        return job, None, error
    return job, message, None


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
        self._taken_at = 0.0
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
        """Queue a job."""
        self._queued.add(job)
        self._jobs.put(job)
        if self._wanted:
            self.grow_if_stuck()
        else:
            self._taken_at = time.monotonic()
            self._grow(1)

    def drop(self, job: Job) -> bool:
        """Forget a job; False if a thread has taken it already."""
        try:
            self._queued.remove(job)
        except KeyError:
            return False
        return True

    def grow_if_stuck(self) -> None:
        """Double the threads if all have been busy, and nothing was taken from the queue, for 2 ms."""
        now = time.monotonic()
        if self.taken != self._taken_seen or not self.backlog:
            self._taken_seen, self._taken_at = self.taken, now
        elif len(self._running) < self._wanted:
            return  # a thread is free, or not there yet, and only wants for the processor
        elif now - self._taken_at >= GROW_AFTER:
            self._grow(min(self._wanted, self._max_workers - self._wanted, self.backlog))
            self._taken_at = now

    def running_bodies(self) -> list[str]:
        """The names of the bodies that execute now."""
        return [job.name for job in list(self._running.values()) if job.kind is JobKind.BODY]

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
            self._wanted = self._max_workers = max(1, len(self._threads))
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
            job.state = JobState.DONE
            del self._running[number]
            self._completions.put(completion)
            del job, completion
