"""Where the time goes: the frame that runs, looked at after every millisecond of CPU time.

A deterministic profiler charges for every call and loses its way when greenlets switch; this one only
looks. What a C function takes is counted for the Python line that called it. Seen is the thread of the
workflow, on which all of this SDK runs but step bodies and, at times, API calls.
"""

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Self

INTERVAL = 0.001
SHOWN = 25


class Hotspots:
    """Counts while entered, on the main thread."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._functions: Counter[str] = Counter()
        self._cumulative: Counter[str] = Counter()
        self._lines: Counter[str] = Counter()

    def __enter__(self) -> Self:
        if self._enabled:
            signal.signal(signal.SIGPROF, self._look)
            signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._enabled:
            signal.setitimer(signal.ITIMER_PROF, 0)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._functions[_name(frame)] += 1
        self._lines[f"{_file(frame)}:{frame.f_lineno}"] += 1
        seen: set[str] = set()
        outer: FrameType | None = frame
        while outer is not None:
            seen.add(_name(outer))
            outer = outer.f_back
        self._cumulative.update(seen)

    def report(self) -> None:
        """Print the hottest functions and lines on standard error."""
        total = sum(self._functions.values())
        if not total:
            return
        print(f"{total} samples", file=sys.stderr)
        _table("functions, by own time", self._functions, total)
        _table("functions, with what they call", self._cumulative, total)
        _table("lines, by own time", self._lines, total)


def _table(title: str, counts: Counter[str], total: int) -> None:
    print(f"\n{title}", file=sys.stderr)
    for name, count in counts.most_common(SHOWN):
        print(f"  {100 * count / total:5.1f} %  {name}", file=sys.stderr)


def _name(frame: Any) -> str:
    return f"{_file(frame)}:{frame.f_code.co_qualname}"


def _file(frame: Any) -> str:
    return "/".join(Path(frame.f_code.co_filename).parts[-2:])
