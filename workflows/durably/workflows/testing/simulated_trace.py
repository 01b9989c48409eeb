"""What a workflow did in one schedule, to be looked at: `trace_schedule`."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from durably.actors.simulation import Scheduler
from durably.actors.simulation.strategies import DriftedError
from durably.actors.simulation.trace import Trace
from durably.workflows.testing.deviations import Deviating
from durably.workflows.testing.schedules import Schedule, strategy_of
from durably.workflows.testing.simulated import HARMLESS, Faults, SimulatedRun
from durably.workflows.testing.simulated_outside import Answers, Functions
from durably.workflows.testing.simulated_view import Invariant

LONG_ID = re.compile(r"\b([0-9a-f]{8})[0-9a-f]{56}\b")


def trace_schedule(
    handler: Callable[..., Any],
    event: Any = None,
    schedule: Schedule = (),
    faults: Faults | None = None,
    *,
    answers: Answers | None = None,
    functions: Functions | None = None,
    invariants: Sequence[Invariant] = (),
    guard: bool = True,
) -> Trace:
    """Run a workflow once more under a schedule, and write down what happens.

    `trace.text()`, `trace.json()`, `trace.mermaid()` and `trace.html()` show it; `trace.fingerprint` is equal
    for two runs in which the same happened, and `trace.difference(other)` says where they part.

    Args:
        handler: a durable handler.
        event: its input.
        schedule: of a failure: its token, the names of its choices, or its deviations. After the last of
            them, and if there are none, it goes on as production's hub would.
        faults: what may go wrong, as in the campaign that the schedule is from.
        answers: as of `simulate`.
        functions: as of `simulate`.
        invariants: as of `simulate`.
        guard: as of `simulate`.

    Returns:
        The trace. If the run failed, its last step says how.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
        ValueError: the token is damaged, or of another version.
    """
    trace = Trace("invocation", short_id)
    strategy = strategy_of(schedule)
    strategy.begin(0)
    scheduler = Scheduler(strategy, label=short_id, observers=[trace])
    run = SimulatedRun(
        handler,
        event,
        scheduler,
        HARMLESS if faults is None else faults,
        answers=answers,
        functions=functions,
        invariants=invariants,
        guard=guard,
    )
    try:
        run.run()
    except DriftedError:
        raise
    except Exception as error:
        trace.failed(error)
    else:
        if isinstance(strategy, Deviating):
            strategy.check_all_taken()
    if isinstance(strategy, Deviating):
        trace.mark_early([place for place, _ in strategy.kept])
    return trace


def short_id(name: str) -> str:
    """A readable name: ids of operations are cut to eight digits."""
    return LONG_ID.sub(r"\1", name)
