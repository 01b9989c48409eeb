"""The mutants that the scheduler must find: each reintroduces one known fault, as a patch in `mutants/`.

`python -m tests.simulation.mutants` hunts each of them under every strategy and prints what it takes, as the
tables of `docs/mutants.md`; `--write` puts them there. `--check` only compares the names in that page with
the patches. Names of mutants as arguments restrict the hunt to these.
"""

import argparse
import contextlib
import functools
import logging
import re
import statistics
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from durably.actors.simulation import Fifo
from durably.actors.system import ActorFailedError
from durably.workflows.testing.simulation import InvariantError
from tests.simulation.hunting_grounds import GROUNDS
from tests.simulation.mutation import ROOT, patched

FOLDER = Path(__file__).parent / "mutants"
PAGE = ROOT / "docs" / "mutants.md"
LIMIT = 500
"""How many schedules a hunt takes at most that is measured."""
USUAL = "usual order"
"""The run before every campaign: the order of production, and no faults."""
STRATEGIES = ("random", "pct", "exhaustive")


class Mutant(NamedTuple):
    """On which of the `GROUNDS` a mutant is found, as what, by which strategy, and within how many schedules.

    `found_as` is the broken invariant, or the type of what an actor or user's invariant raised.
    """

    ground: str
    found_as: str
    by: str
    within: int = 0


class Found(NamedTuple):
    """After how many schedules a campaign found something, 0 if it was in the usual order, and what."""

    after: int
    what: str


MUTANTS: dict[str, Mutant] = {
    "accepted-after-close": Mutant("context_left_running", "parent-last", "exhaustive", 10),
    "arrivals-noted-only-by-resume": Mutant("two_deferred_steps", "no-hang", USUAL),
    "asked-only-once": Mutant("times_out", "no-hang", USUAL),
    "at-most-once-before-confirmed": Mutant("at_most_once, crash", "at-most-once", USUAL),
    "batch-waits-for-a-timer": Mutant("steps_around_a_wait", "no-hang", USUAL),
    "bodies-not-counted": Mutant("sequence", "no-hang", "pct", 10),
    "branch-counts-before-its-end": Mutant("large_and_early", "same-answer", "exhaustive", 20),
    "call-in-flight-not-counted": Mutant("sequence", "no-hang", "random", 5),
    "counts-read-before-the-end-counts": Mutant("two_at_a_time", "no-hang", USUAL),
    "creator-resumed-before-start": Mutant("approval", "same-answer", USUAL),
    "creator-resumed-only-by-the-end": Mutant("approval", "no-hang", USUAL),
    "decision-forgotten": Mutant("large_and_early", "stable-decision", USUAL),
    "decision-not-recorded": Mutant("the_winner_stays", "same-answer", "pct", 10),
    "drain-without-outcome": Mutant(
        "leaves_steps, failed call, full batches", "no-lost-update", "exhaustive", 20
    ),
    "empty-map-never-decided": Mutant("nothing_to_map", "no-hang", USUAL),
    "end-at-finish": Mutant("nobody_awaits", "no-lost-update", "exhaustive", 5),
    "end-jumps-the-queue": Mutant("large_and_early", "one-call", USUAL),
    "error-of-the-handler-lost": Mutant("fails", "no-hang", USUAL),
    "failed-batch-settles-nobody": Mutant("context_then_wait, failed call", "no-lost-wakeup", "random", 5),
    "failure-clears-only-the-queue": Mutant("context_then_wait, failed call", "no-lost-wakeup", "random", 5),
    "finish-beats-failed": Mutant("leaves_steps, failed call, full batches", "no-lost-update", "random", 50),
    "idle-messages-not-counted": Mutant("sequence", "no-early-end", "random", 5),
    "ids-from-one-counter": Mutant("branches_take_turns", "same-answer", USUAL),
    "inputs-shared-with-the-caller": Mutant("inputs_change", "same-answer", USUAL),
    "interrupted-attempt-runs-again": Mutant("at_most_once, crash", "at-most-once", "random", 20),
    "known-descendants": Mutant("orphaned_steps", "parent-last", "random", 5),
    "late-await-not-answered": Mutant("awaited_late", "no-lost-wakeup", "random", 5),
    "late-branch-revises": Mutant("orphaned_wait", "ImpossibleMessageError", "random", 5),
    "new-ticket-for-each-arrival": Mutant("two_deferred_steps", "no-hang", "random", 5),
    "news-not-told": Mutant("sequence", "no-early-end", USUAL),
    "no-short-circuit": Mutant("asks_late, crash, full batches", "no-lost-wakeup", "random", 10),
    "no-stillness-recheck": Mutant("sequence", "no-early-end", "pct", 5),
    "no-ticket": Mutant("race_then_wait", "same-answer", "pct", 5),
    "no-watch": Mutant("asks_late, crash, full batches", "no-early-end", "random", 5),
    "old-token-kept-when-none-comes": Mutant("steps_around_a_wait, no token", "no-lost-wakeup", "random", 5),
    "old-token-kept": Mutant("steps_around_a_wait", "one-call", USUAL),
    "one-token-for-the-process": Mutant("steps_around_a_wait, duplicate", "one-call", "pct", 5),
    "only-the-first-page": Mutant("steps_around_a_wait, pages", "same-answer", "random", 50),
    "orphans-code-left-parked": Mutant("orphan_awaits_the_handlers", "orphans-unwound", USUAL),
    "orphans-not-told": Mutant("orphaned_wait", "parent-last", USUAL),
    "polls-need-no-company": Mutant("approval", "no-hang", USUAL),
    "queue-dropped-at-close": Mutant("nobody_awaits", "no-lost-update", USUAL),
    "refresh-served-by-the-call-in-flight": Mutant("two_waits", "no-early-end", "random", 200),
    "refusal-is-ok": Mutant("orphaned_at_most_once", "at-most-once", "random", 5),
    "replaying-asked-of-the-first-page": Mutant("logs, pages", "once", "exhaustive", 10),
    "rest-of-the-answer-not-fetched": Mutant("waits_of_a_second, pages", "no-early-end", "pct", 50),
    "resumed-before-settled": Mutant("awaited_late", "same-answer", "random", 5),
    "results-shared-with-branches": Mutant("one_of_two", "stable-decision", "random", 5),
    "runnable-task-not-counted": Mutant("sequence", "no-hang", "random", 5),
    "settled-not-told-when-orphaned": Mutant("orphaned_wait", "exact-view", USUAL),
    "told-before-merged": Mutant("asks_late, crash, full batches", "no-lost-wakeup", "random", 200),
    "two-calls-in-flight": Mutant("two_at_a_time", "one-call", "exhaustive", 10),
    "waiting-told-a-turn-late": Mutant("asks_late, crash, full batches", "exact-view", "random", 20),
    "watch-silent-when-complete": Mutant("asks_late, crash, full batches", "no-lost-wakeup", "random", 10),
}

EQUIVALENT: dict[str, str] = {
    "creator-not-told-when-orphaned": (
        "who creates a callback does so in its own context, and all code below a finished context is ended "
        "by whoever runs it: the context's operation, the map's controller, or the code that has begun it. "
        "The model knows operations only, and finds it"
    ),
    "checkpoint-told-last": (
        "a turn is atomic: nobody runs before it is over, and each mailbox keeps its own order. It would "
        "matter if turns overlapped, each actor on a thread of its own; they do so neither in production's "
        "hub nor here, and the model finds it where it lets them"
    ),
    "orphaned-unwinds-every-awaiter": (
        "nobody outside awaits an orphan: a future is refused outside the context that began it before its "
        "operation is asked, and whoever may await it is in that context or below, and finished with it. The "
        "model, which has no such refusal, finds it"
    ),
    "suspension-is-a-failure": (
        "code is unwound when its context is orphaned or the invocation has ended. An orphan knows "
        "that before its code runs, and ignores what that reports; after the end no message is taken; and a "
        "context without a record reports that it was unwound, whatever came of it"
    ),
}
"""Patches that nothing can tell from the library, and why."""


def names() -> list[str]:
    """Of all patches."""
    return sorted(path.stem for path in FOLDER.glob("*.patch"))


def patch_of(name: str) -> Path:
    """The patch of a mutant."""
    return FOLDER / f"{name}.patch"


def header_of(name: str) -> dict[str, str]:
    """What stands above the diff: `what` it reintroduces, its name `in the model`, who had it `elsewhere`."""
    found = {"what": ""}
    for line in patch_of(name).read_text().partition("\n\n")[0].splitlines():
        said = re.fullmatch(r"(In the model|Elsewhere): (.*)", line)
        if said is None:
            found["what"] += f" {line}"
        else:
            found[said[1].lower()] = said[2]
    return {key: text.strip() for key, text in found.items()}


@functools.cache
def usual_result(ground: str) -> str:
    """What the workflow comes to in the library as it is."""
    report = GROUNDS[ground].hunt(Fifo(), 1)
    report.check()
    return repr(report.result)


def hunt(ground: str, strategy: str, schedules: int) -> Found | None:
    """What a campaign finds in the library as it is now."""
    expected = usual_result(ground)
    report = GROUNDS[ground].hunt(Fifo() if strategy == USUAL else strategy, max(schedules, 1))
    if report.ok:
        return None if repr(report.result) == expected else Found(0, "same-answer")
    failure = report.failures[0]
    return Found(0 if failure.number is None else failure.number + 1, _kind_of(failure.error))


def hunt_mutant(name: str, strategy: str, schedules: int) -> Found | None:
    """The same in the library with the patch applied."""
    ground = MUTANTS[name].ground
    usual_result(ground)  # before there is a patch
    with patched(patch_of(name)), quiet():
        return hunt(ground, strategy, schedules)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without what the library logs of failures."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _kind_of(error: Exception) -> str:
    if isinstance(error, ActorFailedError) and error.__cause__ is not None:
        return type(error.__cause__).__name__
    return error.name if isinstance(error, InvariantError) else type(error).__name__


Hunts = dict[str, Found | None]
"""What each strategy finds; of those that need none only `USUAL` is there."""


def measured(name: str) -> Hunts:
    """Hunt a mutant under every strategy, unless it is found without."""
    first = hunt_mutant(name, USUAL, 0)
    if first is not None:
        return {USUAL: first}
    return {strategy: hunt_mutant(name, strategy, LIMIT) for strategy in STRATEGIES}


def row(name: str, hunts: Hunts) -> str:
    """One line of the table."""
    mutant, header = MUTANTS[name], header_of(name)
    tested = hunts.get(mutant.by)
    assert tested is not None, f"{mutant.by} does not find it any more"
    assert tested.what == mutant.found_as, f"{mutant.by} finds it as {tested.what}"
    assert tested.after <= mutant.within, f"{mutant.by} finds it after {tested.after} schedules only"
    cells = ["found", "", "", ""]
    if USUAL not in hunts:
        cells = ["no", *(f"> {LIMIT}" if found is None else f"{found.after}" for found in hunts.values())]
    text = [
        _link(name),
        header["what"].rstrip("."),
        header.get("elsewhere", ""),
        mutant.ground.replace("_", " "),
        mutant.found_as,
        *cells,
        mutant.by + (f", {mutant.within}" if mutant.within else ""),
    ]
    return f"| {' | '.join(text)} |"


def summary(hunts: Sequence[Hunts]) -> str:
    """How the strategies compare."""
    rest = [
        {strategy: LIMIT + 1 if found is None else found.after for strategy, found in each.items()}
        for each in hunts
        if USUAL not in each
    ]
    parts: list[str] = []
    for strategy in STRATEGIES:
        after = [each[strategy] for each in rest if each[strategy] <= LIMIT]
        middle = statistics.median_low(after) if after else LIMIT
        first = sum(each[strategy] == min(each.values()) for each in rest)
        parts.append(
            f"{strategy} finds {len(after)} of these, half of them within {middle} schedules, and is the "
            f"first, or one of the first, at {first}"
        )
    usual = f"Of {len(hunts)} mutants {len(hunts) - len(rest)} are found in the usual order."
    return f"{usual} The other {len(rest)} need a strategy: {'; '.join(parts)}."


def unfound(name: str, schedules: int) -> list[str]:
    """Where a patch is found that ought not to be."""
    for ground in GROUNDS:
        usual_result(ground)
    with patched(patch_of(name)), quiet():
        return [
            f"{ground}, {strategy}"
            for ground in GROUNDS
            for strategy in ("random", "pct")
            if hunt(ground, strategy, schedules) is not None
        ]


HEAD = (
    "| mutant | what it does | known from | hunted in | found as | usual order | random | pct | exhaustive "
    "| tested |\n|---|---|---|---|---|---|---:|---:|---:|---|"
)
HEAD_OF_EQUIVALENT = "| patch | what it does | known from | why nothing can tell |\n|---|---|---|---|"


def tables(only: Sequence[str]) -> list[str]:
    """Hunt, and say what it takes: the table, how the strategies compare, and what is equivalent."""
    hunts: dict[str, Hunts] = {}
    for name in only or MUTANTS:
        hunts[name] = measured(name)
        print(f"{name}: {hunts[name]}", file=sys.stderr)
    equivalent = [HEAD_OF_EQUIVALENT]
    for name in () if only else EQUIVALENT:
        assert unfound(name, LIMIT // 5) == []
        header = header_of(name)
        known = header.get("elsewhere", "")
        equivalent.append(f"| {_link(name)} | {header['what'].rstrip('.')} | {known} | {EQUIVALENT[name]} |")
    found = [HEAD, *(row(name, hunts[name]) for name in hunts)]
    comparison = textwrap.fill(summary(list(hunts.values())), 120, break_on_hyphens=False)
    return ["\n".join(found), comparison, "\n".join(equivalent)]


def write(parts: Sequence[str]) -> None:
    """Put them where they are in the page: each is a paragraph that begins like the one that is there."""
    paragraphs = PAGE.read_text().rstrip("\n").split("\n\n")
    for part, beginning in zip(parts, (HEAD, "Of ", HEAD_OF_EQUIVALENT), strict=True):
        [place] = [place for place, text in enumerate(paragraphs) if text.startswith(beginning)]
        paragraphs[place] = part
    PAGE.write_text("\n\n".join(paragraphs) + "\n")


def _link(name: str) -> str:
    return f"[{name}](../tests/simulation/mutants/{name}.patch)"


def in_page() -> list[str]:
    """The names of the mutants in the page's tables, in their order."""
    return re.findall(r"^\| \[([\w-]+)\]\(", PAGE.read_text(), re.MULTILINE)


def main() -> int:
    """Exit code 0, or 1 if the page names other mutants than there are patches."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    options.add_argument("--check", action="store_true", help="compare names only")
    options.add_argument("--write", action="store_true", help="write the tables into the page")
    options.add_argument("names", nargs="*", help="of mutants; by default all")
    given = options.parse_args()
    if given.check:
        wrong = {*in_page()} ^ {*names()}
        print(*sorted(wrong), sep="\n", end="\n" if wrong else "")
        return 1 if wrong else 0
    with quiet():
        parts = tables(given.names)
    if given.write and not given.names:
        write(parts)
    else:
        print("\n\n".join(parts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
