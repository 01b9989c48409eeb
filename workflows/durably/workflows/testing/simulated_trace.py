"""What a workflow did in one schedule, to be looked at: `trace_schedule`."""

from collections.abc import Callable, Sequence
from typing import Any

from durably.actors.simulation import Replayed, Scheduler
from durably.actors.simulation.strategies import DriftedError
from durably.actors.simulation.trace import Trace
from durably.workflows.testing.simulated import HARMLESS, Faults, SimulatedRun

ID_LENGTH = 64
SHORT_ID = 8


def trace_schedule(
    handler: Callable[..., Any], event: Any = None, choices: Sequence[str] = (), faults: Faults | None = None
) -> Trace:
    """Run a workflow once more with the choices of a schedule, and write down what happens.

    `trace.text()`, `trace.json()`, `trace.mermaid()` and `trace.html()` show it; `trace.fingerprint` is equal
    for two runs in which the same happened, and `trace.difference(other)` says where they part.

    Args:
        handler: a durable handler.
        event: its input.
        choices: of a failure, say; after the last of them, and if there are none, as production's hub would.
        faults: what may go wrong, as in the campaign that the choices are from.

    Returns:
        The trace. If the run failed, its last step says how.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
    """
    trace = Trace("invocation", short_id)
    strategy = Replayed(choices)
    strategy.begin(0)
    scheduler = Scheduler(strategy, label=short_id, observers=[trace])
    try:
        SimulatedRun(handler, event, scheduler, HARMLESS if faults is None else faults).run()
    except DriftedError:
        raise
    except Exception as error:
        trace.failed(error)
    return trace


def short_id(name: str) -> str:
    """A readable name: ids of operations are cut to eight digits."""
    return name[:SHORT_ID] if len(name) == ID_LENGTH and name.isalnum() else name
