"""The threads on which step bodies and API calls run.

The pool grows by need, not by backlog. Ten thousand bodies of a microsecond are served by the first
thread or two, as fast as a hundred would; bodies that block, each calling a slow service, keep anything
from being taken from the queue, and whenever that has lasted 2 ms the number of threads doubles.

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
        """Threads started so far."""
        return len(self._threads)

    def submit(self, job: Job) -> None:
        """Queue a job."""
        self._queued.add(job)
        self._jobs.put(job)
        if not self._threads:
            self._taken_at = time.monotonic()
            self._add(1)

    def drop(self, job: Job) -> bool:
        """Forget a job; False if a thread has taken it already."""
        try:
            self._queued.remove(job)
        except KeyError:
            return False
        return True

    def grow_if_stuck(self) -> None:
        """Double the threads if nothing was taken from the queue for 2 ms. Called while the hub idles."""
        now = time.monotonic()
        if self.taken != self._taken_seen or not self.backlog:
            self._taken_seen, self._taken_at = self.taken, now
        elif now - self._taken_at >= GROW_AFTER:
            self._add(min(len(self._threads), self._max_workers - len(self._threads), self.backlog))
            self._taken_at = now

    def running_bodies(self) -> list[str]:
        """The names of the bodies that execute now."""
        return [job.name for job in list(self._running.values()) if job.kind is JobKind.BODY]

    def close(self, timeout: float | None) -> list[str]:
        """End all threads; the names of the jobs that still ran after `timeout` seconds (None: for ever).

        What no thread has taken yet is never begun.
        """
        self._queued.clear()
        for _ in self._threads:
            self._jobs.put(None)
        deadline = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is None:  # interrupted before it had started
                continue
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        left = [job.name for job in list(self._running.values())]
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        return left

    def _add(self, count: int) -> None:
        for _ in range(count):
            number = len(self._threads)
            thread = threading.Thread(
                target=self._work, args=(number,), name=f"durably-worker-{number}", daemon=True
            )
            self._threads.append(thread)  # first: an interrupt while it starts must not lose it
            try:
                thread.start()
            except RuntimeError:  # the environment allows no more threads: go on with those there are
                self._threads.pop()
                if not self._threads:
                    raise
                self._max_workers = len(self._threads)
                return

    def _work(self, number: int) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=1.0 if number == 0 and self._watch is not None else None)
            except queue.Empty:
                assert self._watch is not None
                self._watch()
                continue
            if job is None:
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
