"""What time it is for the service: the real time, or one that skips to whatever is due next.

Times are truncated to milliseconds, which is what the wire carries: otherwise a client that reads an
end timestamp would find the wait over up to a millisecond before the service does.
"""

import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """All that the service asks of a clock."""

    def now(self) -> datetime:
        """The time, timezone-aware, in whole milliseconds."""
        ...


class RealClock:
    """The system's time."""

    def now(self) -> datetime:
        """The system's time in UTC, in whole milliseconds."""
        now = datetime.now(UTC)
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class SkippingClock:
    """Time that stands still until someone moves it.

    A service with this clock moves it to the next due time whenever no invocation runs: a wait of a
    year takes no time at all.
    """

    def __init__(self, start: datetime = datetime(2025, 1, 1, tzinfo=UTC)) -> None:
        self._now = start
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The time as it stands."""
        return self._now

    def advance_to(self, when: datetime) -> None:
        """Move to `when`; a time in the past is ignored, since time never goes back."""
        with self._lock:
            self._now = max(self._now, when)

    def advance(self, seconds: float) -> None:
        """Move on by `seconds`."""
        self.advance_to(self._now + timedelta(seconds=seconds))
