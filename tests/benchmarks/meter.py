"""What one invocation costs: time, memory, threads, calls, and how much of it is not the SDK's own.

`Meter` stands between an SDK and the service: it counts the calls, makes each take as long as a network
would, and adds up the CPU time that the service itself takes, which is in everybody's figures alike.
"""

import gc
import resource
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import attrs

from durably.actors.model import CheckpointResponse, OperationUpdate, StatePage
from durably.workflows.service import DurableServiceClient

START = threading.Thread.start


@attrs.define
class Meter:
    """A `DurableServiceClient` that takes `latency` seconds a call, and counts."""

    service: DurableServiceClient
    latency: float = 0.0
    calls: int = 0
    updates: int = 0
    service_cpu: float = 0.0

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        self.updates += len(updates)
        self._begin()
        try:
            return self.service.checkpoint(execution_arn, token, updates)
        finally:
            self._end()

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        self._begin()
        try:
            return self.service.get_execution_state(execution_arn, token, marker, max_items)
        finally:
            self._end()

    def _begin(self) -> None:
        self.calls += 1
        self.service_cpu -= time.thread_time()

    def _end(self) -> None:
        self.service_cpu += time.thread_time()
        if self.latency:
            time.sleep(self.latency)


@attrs.define
class ThreadCount:
    """The most threads alive at once, the main one not counted: looked at whenever one has started."""

    peak: int = 0
    started: int = 0

    def __enter__(self) -> Self:
        def start(thread: threading.Thread) -> None:
            START(thread)
            self.started += 1
            self.peak = max(self.peak, threading.active_count() - 1)

        threading.Thread.start = start  # type: ignore[assignment, method-assign]  # the only place that sees every start
        return self

    def __exit__(self, *_error: object) -> None:
        threading.Thread.start = START  # type: ignore[method-assign]  # as it was


@attrs.frozen
class Cost:
    """What one invocation took. Times in seconds; memory in MB, the high water above where it began."""

    wall: float
    cpu: float
    memory: float
    threads: int
    threads_started: int


def cost_of(work: Callable[[], Any]) -> tuple[Cost, Any]:
    """Do `work` once, in a process that has done nothing like it, and say what it took."""
    gc.collect()
    before = _reset_high_water()
    with ThreadCount() as threads:
        cpu, wall = time.process_time(), time.perf_counter()
        result = work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Cost(wall, cpu, _high_water() - before, threads.peak, threads.started), result


def _reset_high_water() -> float:
    """Where the process' memory stands now, in MB; where the system allows, its high water is set to that."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass  # then what was needed before counts as if it were there still
    return _high_water()


def _high_water() -> float:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
