"""The timers of one dispatcher: two heaps, since polls fire only in company.

Entries are (moment, number, timer), so that equal moments keep their order and timers are never compared.
A cancelled timer stays in its heap until its moment or until it is on top.
"""

import heapq
import itertools

from durably.actors.stage import Timer

Entry = tuple[float, int, Timer]


class TimerQueue:
    """Timers by the moment they are due."""

    def __init__(self) -> None:
        self._timers: list[Entry] = []
        self._polls: list[Entry] = []
        self._numbers = itertools.count()
        self.armed = False
        """False if there is certainly nothing to fire. A plain attribute: it is asked at every turn."""

    def add(self, timer: Timer) -> Timer:
        heap = self._polls if timer.needs_company else self._timers
        heapq.heappush(heap, (timer.moment, next(self._numbers), timer))
        self.armed = True
        return timer

    def next_moment(self, *, company: bool) -> float | None:
        """When the next timer is due that may fire; `company` tells whether a body executes."""
        heaps = (self._timers, self._polls) if company else (self._timers,)
        moments = [heap[0][0] for heap in heaps if _clean(heap)]
        return min(moments, default=None)

    def due(self, now: float, *, company: bool) -> list[Timer]:
        """Take out what is due, the earliest first."""
        found: list[Entry] = []
        for heap in (self._timers, self._polls) if company else (self._timers,):
            while _clean(heap) and heap[0][0] <= now:
                found.append(heapq.heappop(heap))
        if len(found) > 1:
            found.sort()
        for _, _, timer in found:
            timer.cancelled = True
        self.armed = bool(self._timers or self._polls)
        return [timer for _, _, timer in found]


def _clean(heap: list[Entry]) -> bool:
    """Drop cancelled timers from the top; True if one is left."""
    while heap and heap[0][2].cancelled:
        heapq.heappop(heap)
    return bool(heap)
