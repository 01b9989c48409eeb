"""Bodies that run on the hub itself, and how their START still gets out.

While a body runs on the hub, the hub cannot send anything. A short one should share a call with its START
(one round trip instead of two); one that lasts must not hide it: others look at the history to see what
an execution is doing. Nobody knows beforehand which it is. So:

- A step function that has just been seen to end within 10 ms is taken to be short.
- Of others, the first in an invocation has its START sent ahead, which needs no thread.
- From the second on, and once the invocation has run for a second, there is a sentry: one thread that,
  when a body has run for 20 ms, sends what is queued in the hub's place. The hub is blocked in the body
  then and touches no actor; a lock (the baton) makes sure of it. A workflow that runs the same short
  step a thousand times does not start it.
"""

import threading
import time
from collections.abc import Callable

from durably.actors.stage import Job
from durably.actors.workers import Completion, perform

HIDDEN_AT_MOST = 0.020
SHORT = 0.010
WITHOUT_SENTRY = 1.0


class InlineBodies:
    """Runs bodies on the hub. `stand_in` sends what is queued; it is called with the baton held."""

    def __init__(self, stand_in: Callable[[], None]) -> None:
        self._stand_in = stand_in
        self._short: set[object] = set()
        self._ran = False
        self._sentry: Sentry | None = None
        self._made = time.monotonic()

    def must_send_start(self, job: Job) -> bool:
        """True if this body's START has to be sent ahead of it."""
        return not self._ran and job.code not in self._short

    def perform(self, job: Job) -> Completion:
        """Run a body here and now."""
        began = time.monotonic()
        unknown = self._ran and job.code not in self._short
        if self._sentry is None and (unknown or began - self._made > WITHOUT_SENTRY):
            self._have_sentry()
        self._ran = True
        if self._sentry is None:
            completion = perform(job)
        else:
            with self._sentry.watching(began):
                completion = perform(job)
        lasted = time.monotonic() - began
        if lasted < SHORT:
            self._short.add(job.code)
        elif lasted >= HIDDEN_AT_MOST:
            self._short.discard(job.code)
        return completion

    def _have_sentry(self) -> None:
        self._sentry = Sentry(self._stand_in)
        try:
            self._sentry.start()
        except RuntimeError:  # the environment allows no more threads: STARTs wait for the body's end
            self._sentry = None

    def close(self) -> None:
        """End the sentry."""
        if self._sentry is not None:
            self._sentry.close()


class Sentry:
    """A thread that stands in for a hub which has been in a body for 20 ms."""

    def __init__(self, stand_in: Callable[[], None]) -> None:
        self._stand_in = stand_in
        self._baton = threading.Lock()
        self._baton.acquire()
        self._began = 0.0  # of the body that runs now, or 0
        self._idle = threading.Event()  # set to wake it: a body has begun, or all is over
        self._asleep = False
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="durably-sentry", daemon=True)

    def start(self) -> None:
        """Begin to watch; apart from making it, so that an interrupt in between loses no thread."""
        self._thread.start()

    def watching(self, began: float) -> "Sentry":
        self._began = began
        self._baton.release()
        if self._asleep:
            self._idle.set()
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        self._baton.acquire()
        self._began = 0.0

    def close(self) -> None:
        self._closed = True
        self._idle.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _watch(self) -> None:
        served = 0.0
        while not self._closed:
            began = self._began
            if began in (0.0, served):
                # Nothing to watch. A hub that begins a body between these lines and the wait is seen
                # 20 ms later at the latest: the wait is bounded while bodies keep coming.
                self._asleep = True
                self._idle.wait(None if self._began in (0.0, served) else 0.0)
                self._asleep = False
                self._idle.clear()
                continue
            left = began + HIDDEN_AT_MOST - time.monotonic()
            if left > 0:
                self._idle.wait(left)
                self._idle.clear()
                continue
            if self._baton.acquire(blocking=False):
                try:
                    if self._began == began and not self._closed:
                        self._stand_in()
                finally:
                    self._baton.release()
            served = began
