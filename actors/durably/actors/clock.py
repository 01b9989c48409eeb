"""What time it is: the wall's, or one that a test moves.

Two readings, because they answer different questions. `time()` is seconds since the epoch and is what
the service's timestamps are compared with. `monotonic()` never jumps and is what delays are measured in.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def time(self) -> float:
        """Seconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment, never going back."""
        ...

    def skip_to(self, moment: float) -> bool:
        """Jump to a `monotonic()` moment, if this clock can; True if it did."""
        ...


class WallClock:
    """The real time. It cannot be skipped: who waits for a moment must sleep."""

    def __init__(self) -> None:
        # Attributes, not methods: they are read several times for each step.
        self.time = time.time
        self.monotonic = time.monotonic

    def skip_to(self, moment: float) -> bool:
        """Real time passes by itself only."""
        return False


class VirtualClock:
    """A time that passes only when it is told to: nothing is waited for, everything is in order."""

    def __init__(self, epoch: float = 1_700_000_000.0) -> None:
        self._epoch = epoch
        self._elapsed = 0.0

    def time(self) -> float:
        return self._epoch + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def skip_to(self, moment: float) -> bool:
        self._elapsed = max(self._elapsed, moment)
        return True

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self._elapsed += seconds
