"""Campaigns over whole workflows, for minutes: `python -m tests.simulation.campaign`, part of `make explore`.

Every workflow of the tests is swept at first: every harmless fault at every place of production's order. The
rest of the schedules goes evenly to all workflows, to random walks and to PCT, each share with a seed of its
own, on as many processes as there are cores. What goes wrong is printed, shrunk, and is a test then.
"""

import argparse
import concurrent.futures
import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from durably.actors.simulation import Sweep
from durably.workflows import durable_execution
from durably.workflows.testing import Faults, simulate
from tests.simulation.realistic import OUTSIDE, REALISTIC
from tests.simulation.test_workflows import WORKFLOWS

SHARE = 200
"""Schedules of one workflow that a process runs in one go, at most."""
TOLD_EVERY = 10_000
"""Schedules between two lines that tell how far it is."""
STRATEGIES = ("random", "pct")
SWEEP = "sweep"
LONGEST_SWEEP = 10_000
"""More schedules than a sweep has."""


@durable_execution
def map_of_five(event: Any, context: Any) -> Any:
    """What speed is measured with."""

    def branch(child: Any, item: int, *_: Any) -> int:
        return child.step(lambda _: item * 2, name=f"s{item}")

    return context.map([1, 2, 3, 4, 5], branch, name="m").get_results()


class Share(NamedTuple):
    """Some schedules of one workflow."""

    workflow: str
    strategy: str
    seed: int
    schedules: int


class Outcome(NamedTuple):
    """What came of them; `failure` is empty if all went well."""

    share: Share
    schedules: int
    choices: int
    seconds: float
    failure: str


def workflows() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """By name, each workflow and what `simulate` is told about it."""
    found = [map_of_five, *WORKFLOWS, *REALISTIC]
    return {each.__name__: (each, OUTSIDE.get(each, {})) for each in found}


def run(share: Share) -> Outcome:
    """Run them in this process."""
    handler, options = workflows()[share.workflow]
    began = time.process_time()
    strategy = Sweep(orders=1) if share.strategy == SWEEP else share.strategy
    report = simulate(handler, schedules=share.schedules, strategy=strategy, seed=share.seed, **options)
    seconds = time.process_time() - began
    return Outcome(share, report.schedules, report.choices, seconds, "" if report.ok else str(report))


def sweeps() -> Iterator[Share]:
    """Each workflow, once through."""
    for name in workflows():
        yield Share(name, SWEEP, 0, LONGEST_SWEEP)


def shares(schedules: int, first_seed: int) -> Iterator[Share]:
    """So many schedules, evenly over workflows and strategies."""
    pairs = list(itertools.product(workflows(), STRATEGIES))
    size = max(1, min(SHARE, schedules // len(pairs)))
    for number, (name, strategy) in enumerate(itertools.cycle(pairs)):
        if schedules <= 0:
            return
        yield Share(name, strategy, first_seed + number // len(pairs), min(size, schedules))
        schedules -= size


def speed(schedules: int = 1000) -> tuple[float, float]:
    """Schedules a second on one core for a map of five branches: as by default, and without faults."""
    speeds = list[float]()
    for options in ({}, {"faults": Faults(), "guard": False}):
        began = time.process_time()
        simulate(map_of_five, schedules=schedules, **options).check()
        speeds.append(schedules / (time.process_time() - began))
    return speeds[0], speeds[1]


def campaign(schedules: int, jobs: int, first_seed: int = 0) -> bool:
    """Run so many schedules, and tell how it goes; whether nothing went wrong."""
    count, seconds, failed = Counter[str](), Counter[str](), 0
    choices, began = 0, time.monotonic()
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        swept = list(pool.map(run, sweeps()))
        rest = schedules - sum(outcome.schedules for outcome in swept)
        for outcome in itertools.chain(swept, pool.map(run, shares(rest, first_seed))):
            count[outcome.share.workflow] += outcome.schedules
            seconds[outcome.share.workflow] += outcome.seconds
            choices += outcome.choices
            if count.total() // TOLD_EVERY > (count.total() - outcome.schedules) // TOLD_EVERY:
                print(f"{count.total():,} schedules, {failed} failures", flush=True)
            if outcome.failure:
                failed += 1
                share = outcome.share
                print(f"{share.workflow}, {share.strategy}, seed {share.seed}: {outcome.failure}\n")
    took = time.monotonic() - began
    for name in count:
        rate = count[name] / max(seconds[name], 1e-6)
        print(f"{name:30} {count[name]:8,} schedules  {rate:6,.0f} a second and core")
    total = count.total()
    print(f"{total:,} schedules, {choices:,} choices, {failed} failures, {took:,.0f} s on {jobs} processes")
    print(f"{total / took:,.0f} schedules a second")
    return not failed


def main() -> int:
    """Exit code 0 if nothing went wrong, else 1."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    options.add_argument("--schedules", type=int, default=100_000, help="how many in all")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options.add_argument("--seed", type=int, default=0, help="of the first round")
    given = options.parse_args()
    usual, plain = speed()
    print(
        f"a map of five branches, on one core: {usual:,.0f} schedules a second; {plain:,.0f} without faults"
    )
    return 0 if campaign(given.schedules, given.jobs, given.seed) else 1


if __name__ == "__main__":
    sys.exit(main())
