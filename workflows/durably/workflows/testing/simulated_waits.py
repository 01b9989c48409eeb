"""Who counts as waiting, and what becomes of those who do when all is still: a part of the invariants.

An invocation may end PENDING because of an operation that counts as waiting. So it must be one that does
wait: it is not over, and has an answer if its time has come.
"""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from durably.actors.messages import Confirmed, News, Orphaned
from durably.actors.model import Operation
from durably.actors.task import Task
from durably.workflows.testing.simulated_ends import Broken

MOST_STILLNESSES = 10
"""How often all may be still, one time after the other, with nothing but questions between."""


class Waits:
    """Within one invocation."""

    def __init__(self) -> None:
        self._waiting: set[str] = set()
        self._asking: set[str] = set()  # their time has come, and they have asked
        self._complete: set[str] = set()
        self._stillnesses = 0

    # ------------------------------------------------------------------ what is handled

    def waits(self, operation: str) -> None:
        """It counts as waiting from here on."""
        self._waiting.add(operation)

    def settled(self, operation: str) -> None:
        """It does so no longer."""
        self._waiting.discard(operation)

    def is_due(self, operation: str) -> None:
        """Its time has come."""
        self._asking.add(operation)

    def learns(self, operation: str, message: Confirmed | News | Orphaned) -> None:
        """It is told how it stands."""
        self.goes_on()
        self._asking.discard(operation)
        if not isinstance(message, Orphaned) and message.record.status.is_terminal:
            self._complete.add(operation)

    def goes_on(self) -> None:
        """Something has happened that is no mere question."""
        self._stillnesses = 0

    # ------------------------------------------------------------------ when all is still

    def still(
        self,
        parked: Sequence[Task],
        history: Mapping[str, Operation],
        orphaned: AbstractSet[str],
        now: Callable[[], float],
    ) -> Broken:
        """Everything has been handled: what counts as waiting does wait, and no `orphaned` code is there."""
        for key in self._waiting:
            record = history.get(key)
            name = key if record is None else record.name or key
            if key in self._complete or key in orphaned:
                what = "complete" if key in self._complete else "abandoned"
                return "exact-view", f"{name} is {what}, and counts as waiting"
            moment = None if record is None else record.next_attempt_at or record.ends_at
            if key in self._asking and moment is not None and moment.timestamp() <= now():
                return "no-early-end", f"{name} is due, has asked, and counts as waiting still"
        for task in parked:
            if task.scope is not None and task.scope.id in orphaned:
                return (
                    "orphans-unwound",
                    f"{task.name} waits for {task.awaits!r}, and its context is finished",
                )
        self._stillnesses += 1
        if self._stillnesses > MOST_STILLNESSES:
            times = f"all is still for the {self._stillnesses}th time"
            return "no-hang", f"{times}, with nothing but questions between, and it does not end"
        return None
