"""Run the scenarios from a shell; `python -m tests.simulation.races --help`."""

import argparse
import logging
import sys
import time

from tests.simulation.races.exploring import Explored, ScenarioError, explore
from tests.simulation.races.page import PAGE, outcome, page, scenarios
from tests.simulation.races.registry import Scenario, Search, pct, random


def main() -> int:
    """Exit code 0 if all is well, else 1."""
    options = argparse.ArgumentParser(description="Run the scenarios of docs/races.md.")
    options.add_argument("races", nargs="*", help="only these: R7, say")
    options.add_argument("--write", action="store_true", help="write the numbers into docs/races.md")
    options.add_argument("--more", type=int, metavar="N", help="N schedules each, at random and PCT, instead")
    options.add_argument("--seed", type=int, default=0, help="of these")
    given = options.parse_args()
    logging.disable()  # of executions that fail because they are to
    measured: dict[str, Explored] = {}
    failed = 0
    for scenario in scenarios():
        if given.races and scenario.race.id not in given.races:
            continue
        for search in _searches(scenario, given.more, given.seed):
            began = time.process_time()
            try:
                explored = measured[scenario.id] = explore(scenario, search)
            except ScenarioError as error:
                failed += 1
                print(f"FAILED {error}\n", flush=True)
                continue
            took = time.process_time() - began
            words = (
                outcome(scenario, explored)
                if search is None
                else f"{search.most:,} schedules ({search.name})"
            )
            print(f"{scenario.id}: {words}, {took:.1f} s", flush=True)
    if given.write and not failed and not given.races:
        PAGE.write_text(page(PAGE.read_text(), measured))
    return 1 if failed else 0


def _searches(scenario: Scenario, more: int | None, seed: int) -> list[Search | None]:
    """Those of its own, or many schedules; those of actors that are exhausted need no more."""
    if more is None or scenario.of_actors is not None:
        return [None]
    return [random(more, seed), pct(more, seed)]


if __name__ == "__main__":
    sys.exit(main())
