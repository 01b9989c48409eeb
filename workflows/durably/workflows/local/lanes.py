"""Who runs next: one lane for each execution, and a few threads that take turns on all lanes.

A lane has at most one turn at a time, and a wish for a turn that comes during one is served right
after it. So two timers that fire together never become two invocations of one execution.

The threads wait for lanes and timers on one condition; none is started before there is work for it,
and `close` joins them all. They are daemons, so that the interpreter comes to its end, where a service that
nobody has closed is closed (see `LocalService`). On a clock that skips, time moves on when no lane has a
turn or waits for one; so a wait of a year is over as soon as nothing else is left to do.
"""

import heapq
import threading
from collections import deque
from collections.abc import Callable
from datetime import datetime

from durably.workflows.local.clock import Clock, SkippingClock
from durably.workflows.local.errors import ServiceClosedError


class Lanes:
    """Runs `turn(key)` for every lane that was woken, on at most `max_threads` threads."""

    def __init__(self, clock: Clock, turn: Callable[[str], None], max_threads: int) -> None:
        self._clock = clock
        self._turn = turn
        self._max_threads = max_threads
        self._changed = threading.Condition()
        self._ready: deque[str] = deque()
        self._again: dict[str, bool] = {}  # lanes queued or running: whether to queue them again
        self._running: set[str] = set()
        self._timers: list[tuple[datetime, str]] = []  # heaps: those that a skipping clock skips to,
        self._timeouts: list[tuple[datetime, str]] = []  # and those that it stands still for
        self._armed: set[tuple[datetime, str]] = set()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def wake(self, key: str) -> None:
        """Give the lane a turn, after the present one if it has one.

        Raises:
            ServiceClosedError: no lane gets a turn any more.
        """
        with self._changed:
            if self._closed:
                raise ServiceClosedError("The service is closed: nothing is run any more.")
            self._queue(key)

    def wake_at(self, when: datetime, key: str, *, skippable: bool = True) -> None:
        """Give the lane a turn at a time. A skipping clock stands still for what is not `skippable`."""
        with self._changed:
            if (when, key) not in self._armed and not self._closed:
                self._armed.add((when, key))
                heapq.heappush(self._timers if skippable else self._timeouts, (when, key))
                self._staff()
                self._changed.notify_all()

    def clock_moved(self) -> None:
        """Look at the timers again: somebody has moved the clock."""
        with self._changed:
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Wait until no lane has a turn or waits for one, and no skipping clock has anything to skip to.

        Returns:
            Whether it is so; `False` after `timeout` seconds.
        """
        return self.wait_for(self.is_idle, timeout)

    def wait_for(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until `condition()` is true: it is asked at first, and when a turn is wished for or has ended.

        It must return at once: while it is asked, no turn begins or ends.

        Returns:
            Whether it is so; `False` after `timeout` seconds.
        """
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    def is_idle(self) -> bool:
        """Whether no lane has a turn or waits for one, and no skipping clock has anything to skip to."""
        with self._changed:
            skips = isinstance(self._clock, SkippingClock) and bool(self._timers)
            due = bool(self._timeouts) and self._timeouts[0][0] <= self._clock.now()
            return not self._again and not skips and not due

    def has_turn(self, key: str) -> bool:
        """Whether the lane has a turn right now."""
        return key in self._running

    def next_timeout(self) -> datetime | None:
        """When a clock must have been moved to for the next turn that it does not skip to by itself."""
        with self._changed:
            return self._timeouts[0][0] if self._timeouts else None

    def close(self) -> None:
        """Start no more turns, and wait for those that run; a second call only waits."""
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join()

    def _queue(self, key: str) -> None:
        if key in self._running:
            self._again[key] = True
        elif key not in self._again:
            self._again[key] = False
            self._ready.append(key)
            self._staff()
            self._changed.notify_all()

    def _staff(self) -> None:
        """Start a thread if there is more to do than threads that wait for something."""
        wanted = len(self._ready) + (1 if self._timers or self._timeouts else 0)
        if wanted > self._idle and len(self._threads) < self._max_threads:
            thread = threading.Thread(
                target=self._work, name=f"durably-local-{len(self._threads)}", daemon=True
            )
            self._threads.append(thread)
            self._idle += 1  # it is on its way
            thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                key = self._take()
                if key is None:
                    return
            try:
                self._turn(key)
            finally:
                with self._changed:
                    self._running.discard(key)
                    self._idle += 1
                    if self._again.pop(key) and not self._closed:
                        self._queue(key)
                    self._changed.notify_all()  # the last one to rest makes room for time to skip

    def _take(self) -> str | None:
        """Wait for a lane to run; `None` when closed. Holds the condition."""
        while not self._closed:
            self._fire()
            if self._ready:
                key = self._ready.popleft()
                self._idle -= 1
                self._running.add(key)
                self._staff()
                return key
            self._changed.wait(self._until_next())
        return None

    def _fire(self) -> None:
        """Queue the lanes whose time has come, and let time skip if nothing else can happen."""
        if isinstance(self._clock, SkippingClock) and self._timers and not self._ready and not self._running:
            self._clock.advance_to(self._timers[0][0])
        now = self._clock.now()
        for heap in (self._timers, self._timeouts):
            while heap and heap[0][0] <= now:
                when, key = heapq.heappop(heap)
                self._armed.discard((when, key))
                self._queue(key)

    def _until_next(self) -> float | None:
        """Seconds until the next timer, or `None` if only a notification can bring news.

        At most a minute, because the system's time may be set, or go on while the machine sleeps.
        """
        timers = [heap[0][0] for heap in (self._timers, self._timeouts) if heap]
        if not timers or isinstance(self._clock, SkippingClock):
            return None
        return min(max((min(timers) - self._clock.now()).total_seconds(), 0.001), 60.0)
