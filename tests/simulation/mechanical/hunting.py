"""The hunt: every mutant on every ground, from the cheapest on, until something is found."""

import concurrent.futures
import functools
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tests.simulation.mechanical.grounds import Ground, baseline, quick, thorough, visit
from tests.simulation.mechanical.mutants import mutants
from tests.simulation.mutation import mutated

FURTHER = 100
"""Schedules of a ground in which a mutant is looked for if it does not show where it did."""
PLACE = re.compile(r" at \S+:\d+ in [\w<>]+")
LONGEST = 200
"""In characters of what is said of a finding."""


class Find(NamedTuple):
    """Where a mutant shows: in which schedule of which ground, after how many runs, and how."""

    ground: Ground
    schedule: int
    runs: int
    what: str


def hunt(name: str, schedules: int) -> Find | None:
    """Look for a mutant in so many schedules of each ground, all grounds at once."""
    mutant = mutants()[name]
    usual = {ground: baseline(ground) for ground in [*quick(), *thorough()]}
    with mutated({mutant.module: mutant.source()}):
        for runs, (ground, schedule) in enumerate(_places(schedules), 1):
            what = visit(ground, schedule)
            if what != usual[ground]:
                return Find(ground, schedule, runs, difference(what, usual[ground]))
    return None


def _places(schedules: int) -> Iterator[tuple[Ground, int]]:
    yield from ((ground, 0) for ground in quick())
    for schedule in range(schedules):
        yield from ((ground, schedule) for ground in thorough())


def find_again(name: str, find: Find) -> Find | None:
    """Look where it was found; and, if schedules are others since, in further ones of the ground."""
    mutant = mutants()[name]
    usual = baseline(find.ground)
    with mutated({mutant.module: mutant.source()}):
        for schedule in [0] if find.ground.strategy == "fifo" else [find.schedule, *range(FURTHER)]:
            what = visit(find.ground, schedule)
            if what != usual:
                return find._replace(schedule=schedule, what=difference(what, usual))
    return None


def difference(what: str, usual: str) -> str:
    """What is said of a finding: where two bills part, or the words of an error."""
    if usual and what.startswith("{'Status'"):
        both = zip(usual.split(", "), what.split(", "), strict=False)
        parts = [(mine, its) for mine, its in both if mine != its]
        mine, its = parts[0] if parts else (f"{len(usual)} characters", f"{len(what)} characters")
        what = f"{its}, not {mine}"
    return PLACE.sub("", what)[:LONGEST]


def hunt_all(names: Sequence[str], schedules: int, jobs: int) -> Iterator[tuple[str, Find | None]]:
    """Hunt them on some processes."""
    if jobs == 1:
        yield from ((name, hunt(name, schedules)) for name in names)
        return
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(jobs, mp_context=context) as pool:
        yield from zip(names, pool.map(functools.partial(hunt, schedules=schedules), names), strict=True)
