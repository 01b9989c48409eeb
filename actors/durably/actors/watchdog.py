"""Says which workflow code keeps all the others waiting, and where.

Workflow code of all branches shares the hub. A second without giving it back is a fault in the code: slow
work belongs into a step, and a lock held across a durable call may never be given back at all. The hub notes
when it enters a task; a worker thread with nothing else to do looks at that once a second, and the hub
itself looks when it gets control back.
"""

import logging
import sys
import threading

from durably.actors.clock import Clock
from durably.actors.task import Task, TaskState, where

logger = logging.getLogger("durably.actors")

TOO_LONG = 1.0
ADVICE = (
    "Move slow work into a step: step bodies run beside each other, workflow code does not. "
    "Do not hold a lock across a durable call."
)


class Watchdog:
    """Runs tasks, and warns of those that take longer than a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._thread = threading.get_ident()
        self._inside: tuple[Task, float] | None = None
        self._warned_of: tuple[Task, float] | None = None

    def run(self, task: Task) -> None:
        """Run a task until it parks or ends."""
        began = self._clock.monotonic()
        self._inside = inside = (task, began)
        task.run()
        self._inside = None
        lasted = self._clock.monotonic() - began
        if lasted > TOO_LONG and self._warned_of is not inside:
            place = where(task.frame()) if task.state is TaskState.PARKED else "its end"
            logger.warning(
                "%s kept the others waiting for %.1f s, up to %s. %s", task.name, lasted, place, ADVICE
            )

    def look(self) -> None:
        """From another thread: warn of a task that has not come back yet."""
        inside = self._inside
        if inside is None or inside is self._warned_of:
            return
        task, began = inside
        lasted = self._clock.monotonic() - began
        if lasted > TOO_LONG:
            self._warned_of = inside
            frames = sys._current_frames()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # the only way
            place = where(frames.get(self._thread))
            logger.warning(
                "%s keeps the others waiting for %.1f s, at %s. %s", task.name, lasted, place, ADVICE
            )
