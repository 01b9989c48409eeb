"""Hunt all mutants: `python -m tests.simulation.mechanical`.

Without an option every mutant is hunted, and it is said where it is found. Else:

--update     hunts those of which nothing is known, or not any more; writes found.json and the page
--again      looks whether those that were found still are, each where it was found
--others     runs the tests of the actors with each survivor; writes which one sees it, and the page
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.mechanical.hunting import Find, find_again, hunt_all
from tests.simulation.mechanical.known import found, seen, survivors, write_found, write_seen
from tests.simulation.mechanical.mutants import mutants
from tests.simulation.mechanical.page import PAGE, page

ROOT = Path(__file__).parents[3]
OTHERS = "tests/actors"
"""Tests that might see what the simulation does not."""


def main() -> int:
    """Exit code 0 if every mutant is found or has a reason, else 1."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    options.add_argument("names", nargs="*", help="of mutants, or how they begin; by default all")
    options.add_argument("--update", action="store_true", help="hunt what is not known, and write it down")
    options.add_argument("--again", action="store_true", help="look again where they were found")
    options.add_argument("--others", action="store_true", help="run other tests with the survivors")
    options.add_argument("--schedules", type=int, default=4, help="of each ground")
    options.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    given = options.parse_args()
    names = [name for name in mutants() if not given.names or name.startswith(tuple(given.names))]
    if given.again:
        return again(names)
    if given.others:
        return others([name for name in names if name in survivors()])
    if given.update:
        return update(names, given.schedules, given.jobs)
    finds = hunt(names, given.schedules, given.jobs)
    return told(names, finds)


def hunt(names: Sequence[str], schedules: int, jobs: int) -> dict[str, Find]:
    """Hunt these; each is told of."""
    finds = dict[str, Find]()
    for name, find in hunt_all(names, schedules, jobs):
        if find is None:
            print(f"{name}\n    survives", flush=True)
        else:
            finds[name] = find
            where = f"{find.ground}, schedule {find.schedule}, run {find.runs}"
            print(f"{name}\n    {where}: {find.what}", flush=True)
    return finds


def told(names: Sequence[str], finds: dict[str, Find]) -> int:
    """How many, and which have neither been found nor a reason."""
    by = Counter(find.ground.strategy for find in finds.values())
    how = ", ".join(f"{count} {strategy}" for strategy, count in by.most_common())
    known = set(survivors())
    unknown = [name for name in names if name not in finds and name not in known]
    print(f"{len(names)} generated, {len(finds)} found ({how}), {len(names) - len(finds)} survived")
    for name in [name for name in finds if name in known]:
        print(f"found, though survivors.toml has a reason why it is not: {name}")
    for name in unknown:
        print(f"not found, and without a reason in survivors.toml: {name}")
    return 1 if unknown else 0


def update(names: Sequence[str], schedules: int, jobs: int) -> int:
    """Hunt what is not known, or not found any more."""
    before, reasoned = found(), set(survivors())
    kept = dict[str, Find]()
    for name in [name for name in mutants() if name in before]:
        find = find_again(name, before[name]) if name in names else before[name]
        if find is not None:
            kept[name] = find
    fresh = hunt([name for name in names if name not in kept and name not in reasoned], schedules, jobs)
    finds = {name: (kept | fresh)[name] for name in mutants() if name in kept or name in fresh}
    write_found(finds)
    PAGE.write_text(page())
    for name in [name for name in survivors() if name not in mutants()]:
        print(f"survivors.toml has a mutant that there is not any more: {name}")
    return told(list(mutants()), finds)


def again(names: Sequence[str]) -> int:
    """Look where they were found."""
    began = time.process_time()
    known = {name: find for name, find in found().items() if name in names}
    lost = [name for name, find in known.items() if find_again(name, find) is None]
    for name in lost:
        print(f"not found any more: {name}")
    print(f"{len(known) - len(lost)} of {len(known)} found again, {time.process_time() - began:.0f} s")
    return 1 if lost else 0


def others(names: Sequence[str]) -> int:
    """Run other tests with each of these."""
    tests = {name: test for name, test in seen().items() if name in survivors()}
    for name in names:
        tests[name] = _seen_by(name)
        print(f"{name}\n    {tests[name] or 'nobody sees it'}", flush=True)
    write_seen({name: tests[name] for name in survivors() if name in tests})
    PAGE.write_text(page())
    return 0


def _seen_by(name: str) -> str:
    """The first test that fails with a mutant; empty if none does."""
    plugin = ["-p", f"{__package__}.plugin", "-p", "no:randomly"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", *plugin, OTHERS],
        cwd=ROOT,
        env={**os.environ, "DURABLY_MUTANT": name},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    failed = [
        line.split()[1].partition("[")[0]
        for line in done.stdout.splitlines()
        if line.startswith(("FAILED", "ERROR"))
    ]
    assert failed or not done.returncode, done.stdout
    return failed[0] if failed else ""


if __name__ == "__main__":
    sys.exit(main())
