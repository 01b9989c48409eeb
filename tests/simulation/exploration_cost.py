"""What exhaustive search costs with and without partial-order reduction, as a table.

`python -m tests.simulation.exploration_cost` prints it as Markdown.
"""

from collections.abc import Callable
from typing import Any

from durably.actors.simulation import Exhaustive, PlainDepthFirst, Scheduler
from durably.actors.simulation.partial_order import PrunedError
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import NOTHING, Faults, SimulatedRun
from tests.simulation.bank import one_run

MOST = 2_000
CRASH = Faults(crashes=1, throttled=0, lost=0)


@durable_execution
def one_step(_event, context):
    return context.step(lambda _: 1, name="a")


@durable_execution
def two_steps(_event, context):
    return context.step(lambda _: 1, name="a") + context.step(lambda _: 2, name="b")


@durable_execution
def wait_then_step(_event, context):
    context.wait(Duration.from_seconds(1), name="w")
    return context.step(lambda _: 1, name="a")


@durable_execution
def two_deferred_steps(_event, context):
    first, second = (context.deferred.step(lambda _: 1, name=name) for name in "ab")
    return first.result() + second.result()


def runs_of(run: Callable[[Any], object], search: PlainDepthFirst | Exhaustive) -> str:
    """How many runs it takes, and how many of them were pruned."""
    runs = 0
    while runs < MOST and search.begin(runs):
        runs += 1
        try:
            run(search)
        except PrunedError:
            continue
    if not search.exhausted:
        return f"more than {MOST:,}"
    return f"{runs:,}" + (f" ({search.pruned:,} pruned)" if isinstance(search, Exhaustive) else "")


def workflow(handler: Callable[..., Any], faults: Faults) -> Callable[[Any], object]:
    """A run of a workflow."""
    return lambda strategy: SimulatedRun(handler, None, Scheduler(strategy), faults).run()


SCENARIOS: dict[str, Callable[[Any], object]] = {
    "two tellers, one account": one_run,
    "one step": workflow(one_step, NOTHING),
    "one step, one crash": workflow(one_step, CRASH),
    "two steps": workflow(two_steps, NOTHING),
    "two steps, one crash": workflow(two_steps, CRASH),
    "a wait and a step": workflow(wait_then_step, NOTHING),
    "two deferred steps": workflow(two_deferred_steps, NOTHING),
}


def main() -> None:
    """Print the table."""
    print("| scenario | plain depth first | partial-order reduction | and independent bodies and tasks |")
    print("|---|---|---|---|")
    for name, run in SCENARIOS.items():
        independent = Exhaustive(independent_bodies=True, independent_tasks=True)
        cells = [runs_of(run, s) for s in (PlainDepthFirst(), Exhaustive(), independent)]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
