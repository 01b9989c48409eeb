"""What exhaustive search costs with and without partial-order reduction, as a table.

`python -m tests.simulation.exploration_cost` prints it as Markdown.
"""

from collections.abc import Callable
from typing import Any

import pykka

from durably.actors.simulation import Exhaustive, PlainDepthFirst, PrunedError, Scheduler, simulated_pykka
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import NOTHING, Faults, SimulatedRun
from tests.simulation.bank import one_run

MOST = 10_000
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


@durable_execution
def two_branches(_event, context):
    def branch(child, item, *_):
        return child.step(lambda _: item, name=f"step {item}")

    return context.map([1, 2], branch, "map").get_results()


class Account(pykka.ThreadingActor):
    def __init__(self):
        super().__init__()
        self.amount = 0


class Teller(pykka.ThreadingActor):
    def pay_in(self, account, amount):
        account.amount = account.amount.get() + amount


def two_tellers() -> None:
    """As in `bank.py`, of Pykka actors that block."""
    account = Account.start().proxy()
    pykka.get_all([Teller.start().proxy().pay_in(account, 10) for _ in range(2)])


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


def pykka_run(strategy: Any) -> None:
    """A run of two tellers."""
    with simulated_pykka(strategy):
        two_tellers()


SCENARIOS: dict[str, Callable[[Any], object]] = {
    "two tellers, one account": one_run,
    "the same with Pykka actors": pykka_run,
    "one step": workflow(one_step, NOTHING),
    "one step, one crash": workflow(one_step, CRASH),
    "two steps": workflow(two_steps, NOTHING),
    "two steps, one crash": workflow(two_steps, CRASH),
    "a wait and a step": workflow(wait_then_step, NOTHING),
    "two deferred steps": workflow(two_deferred_steps, NOTHING),
    "two deferred steps, one crash": workflow(two_deferred_steps, CRASH),
    "a map of two branches, a step each": workflow(two_branches, NOTHING),
    "the same, one crash": workflow(two_branches, CRASH),
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
