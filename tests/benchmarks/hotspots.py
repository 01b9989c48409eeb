"""Where the time goes: the line that runs, looked at every few milliseconds of CPU time.

A deterministic profiler charges for every call and loses its way when greenlets switch; this one only
looks. What a C function takes is counted for the Python line that called it, but for the garbage collector,
which is timed. Seen is the main thread, on which all of this SDK runs but bodies and, at times, API calls.
"""

import gc
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Self

INTERVAL = 0.001
"""In seconds; many kernels look no more often than every 4 ms."""
SHOWN = 25


class Hotspots:
    """Counts while entered, on the main thread."""

    def __init__(self, *, enabled: bool) -> None:
        self._enabled = enabled
        self._lines: Counter[tuple[CodeType, int]] = Counter()
        self._inclusive: Counter[CodeType] = Counter()
        self._collecting = 0.0
        self._collections = [0, 0, 0]

    def __enter__(self) -> Self:
        if self._enabled:
            gc.callbacks.append(self._collected)
            signal.signal(signal.SIGPROF, self._look)
            signal.setitimer(signal.ITIMER_PROF, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._enabled:
            signal.setitimer(signal.ITIMER_PROF, 0)
            gc.callbacks.remove(self._collected)

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._collecting -= time.thread_time()
        else:
            self._collecting += time.thread_time()
            self._collections[info["generation"]] += 1

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self._lines[frame.f_code, frame.f_lineno] += 1
        stack: set[CodeType] = set()
        outer: FrameType | None = frame
        while outer is not None:
            stack.add(outer.f_code)
            outer = outer.f_back
        self._inclusive.update(stack)

    def report(self) -> None:
        """Print the hottest functions and lines on standard error."""
        total = self._lines.total()
        if not total:
            return
        own: Counter[str] = Counter()
        lines: Counter[str] = Counter()
        for (code, line), count in self._lines.items():
            own[_name(code)] += count
            lines[f"{_file(code)}:{line} in {code.co_name}"] += count
        inclusive: Counter[str] = Counter()
        for code, count in self._inclusive.items():
            inclusive[_name(code)] += count
        times = ", ".join(str(count) for count in self._collections)
        print(
            f"{total} samples; garbage collection {self._collecting:.3f} s ({times} of the generations)",
            file=sys.stderr,
        )
        _table("functions, by own time", own, total)
        _table("functions, with what they call (in the same greenlet)", inclusive, total)
        _table("lines, by own time", lines, total)


def _table(title: str, counts: Counter[str], total: int) -> None:
    print(f"\n{title}", file=sys.stderr)
    for name, count in counts.most_common(SHOWN):
        print(f"  {100 * count / total:5.1f} %  {name}", file=sys.stderr)


def _name(code: Any) -> str:
    return f"{_file(code)}:{code.co_qualname}"


def _file(code: Any) -> str:
    return "/".join(Path(code.co_filename).parts[-2:])
