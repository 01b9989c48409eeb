"""The page `docs/mechanical-mutants.md`, made of what is known."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.simulation.mechanical.known import KINDS, found, reasons, seen
from tests.simulation.mechanical.mutants import mutants

PAGE = Path(__file__).parents[3] / "docs" / "mechanical-mutants.md"
INTRODUCTION = """\
# Mechanical mutants

Does the simulation notice a fault in an actor? Faults are made mechanically, so that nobody chooses them: in
the code of the four kinds of actors, one at a time,

- `delete`: a statement that sends something, or changes what the actor knows, is deleted
- `swap`: two statements of a block that both send something change places
- `guard`: a condition of an `if` always holds, or never; that of a `while` never
- `drop`: one operand of an `and` or `or` is dropped
- `cell`: a cell of a table of transitions ignores its message; if it does so anyway, there is no such cell

Each mutant runs workflows in the simulation until something is wrong: a promise of the library is broken, a
run comes to another end or to none, or, in the order of production, it takes more invocations, calls, bodies
or time than it did. First come single runs in the order of production; then runs at random, by priorities,
and with faults that change results; with tight limits, without a cooldown, and with services that answer
otherwise.

A test holds the generated mutants against the lists here, and finds those again that were found. Whoever
changes an actor is asked to run `python -m tests.simulation.mechanical --update`, and to say why something
survives.
"""


def page() -> str:
    """The text."""
    return "\n".join([INTRODUCTION, *_figures(), *_grounds(), *_survivors()])


def _figures() -> Iterator[str]:
    known = found()
    yield "## Figures\n"
    yield "| | generated | found | survived |"
    yield "|---|---|---|---|"
    made = Counter(mutant.kind for mutant in mutants().values())
    caught = Counter(mutants()[name].kind for name in known if name in mutants())
    for kind, count in made.items():
        yield f"| {kind} | {count} | {caught[kind]} | {count - caught[kind]} |"
    yield f"| together | {made.total()} | {caught.total()} | {made.total() - caught.total()} |\n"


def _grounds() -> Iterator[str]:
    known = found().values()
    yield "| found | mutants | after as many runs as |"
    yield "|---|---|---|"
    words = {
        "fifo": "in the order of production",
        "random": "at random",
        "pct": "by priorities that change",
        "badly": "at random, with faults that change results",
    }
    for strategy, how in words.items():
        runs = sorted(find.runs for find in known if find.ground.strategy == strategy)
        if runs:
            yield f"| {how} | {len(runs)} | {_median(runs)} (median), {runs[-1]} (most) |"
    yield "\nEvery survivor has been looked at. These are the reasons.\n"


def _median(values: Sequence[int]) -> int:
    return values[len(values) // 2]


def _survivors() -> Iterator[str]:
    noticed = seen()
    for kind, heading in KINDS.items():
        group = [reason for reason in reasons() if reason.kind == kind]
        if not group:
            continue
        yield f"## {heading}\n"
        for reason in group:
            yield f"{reason.why}\n"
            for name in reason.mutants:
                yield f"- `{name}`" + (f", seen by `{noticed[name]}`" if noticed.get(name) else "")
            yield ""
