"""One measurement, in a process of its own: `python -m tests.benchmarks.measure ROW SDK N LATENCY_MS`.

Prints one line of JSON: the figures, or why there are none.
"""

import json
import logging
import statistics
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.memory import MemoryExecution
from tests.benchmarks.contenders import contender
from tests.benchmarks.hotspots import Hotspots
from tests.benchmarks.meter import Cost, Meter, cost_of
from tests.benchmarks.rows import WORKLOADS
from tests.benchmarks.workloads import Traffic, Workload

CLOCK_STARTS = datetime(2100, 1, 1, tzinfo=UTC)  # a wait must not be over by the machine's own clock
TRIVIAL_INVOCATIONS = 31


def measure(row: str, sdk: str, n: int, latency: float, *, profile: bool = False) -> dict[str, Any]:
    """What the measured invocation cost; `adapter_cpu` is already taken off `wall` and `cpu`."""
    _invocation(WORKLOADS["trivial"], sdk, 1, 0.0)  # lazy imports, and whatever a first invocation sets up
    if row == "trivial":
        return _typical([_invocation(WORKLOADS[row], sdk, n, latency) for _ in range(TRIVIAL_INVOCATIONS)])
    return _invocation(WORKLOADS[row], sdk, n, latency, profile=profile)


def _invocation(
    workload: Workload, sdk: str, n: int, latency: float, *, profile: bool = False
) -> dict[str, Any]:
    execution = MemoryExecution("input", clock=SkippingClock(CLOCK_STARTS), record_updates=False)
    if workload.history is not None:
        workload.history(Traffic(execution, execution.event()), n)
        execution.advance()
    run = contender(sdk, workload, n)
    event = execution.event()
    meter = Meter(execution, latency)
    with Hotspots(enabled=profile) as hotspots:
        cost, own = cost_of(lambda: run(event, meter))
    hotspots.report()
    return _figures(cost, own, meter)


def _figures(cost: Cost, own: float, meter: Meter) -> dict[str, Any]:
    figures = attrs.asdict(cost)
    figures["wall"] -= own
    figures["cpu"] -= own
    return figures | {
        "calls": meter.calls,
        "updates": meter.updates,
        "service_cpu": meter.service_cpu,
        "adapter_cpu": own,
    }


def _typical(samples: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {name: statistics.median(sample[name] for sample in samples) for name in samples[0]}


def main(arguments: list[str]) -> None:
    """Measure what `arguments` say."""
    row, sdk, n, latency, *options = arguments
    logging.disable()  # a failed execution is in the table
    try:
        figures = measure(row, sdk, int(n), float(latency) / 1000, profile="profile" in options)
    except Exception as error:
        figures = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
