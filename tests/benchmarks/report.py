"""The results as Markdown and as JSON."""

import json
import math
import os
import platform
from typing import Any

import attrs

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.goals import GOALS, fraction
from tests.benchmarks.plan import GROWTH_ROWS, GROWTH_SIZES
from tests.benchmarks.results import Case, Results, Sample

COLUMNS = (
    "wall s",
    "CPU s",
    "of it the service",
    "memory MB",
    "peak threads",
    "API calls",
    "updates",
    "wall: ours / this",
    "CPU: ours / this",
)


def markdown(results: Results) -> str:
    """The goals and every row."""
    return "\n\n".join([_machine(results), "## Goals", _goals(results), "## Rows", _rows(results)])


def _machine(results: Results) -> str:
    cores = os.cpu_count() or 1
    busiest = max(results.loads, default=0.0)
    busy = " **Others kept this machine busy: wall times are worth little.**" if busiest > cores + 1 else ""
    return (
        f"Python {platform.python_version()}, {platform.system()}, {cores} cores, load at most {busiest:.2f}."
        f"{busy} Medians; each measurement in a process of its own, on the in-memory service, whose time is "
        "in everybody's figures. What translating for the official SDK takes is taken off its figures. The "
        "floor makes the same traffic without an SDK; of `bodies` it is a bare pool of 64 threads without "
        "traffic, of `import` a bare interpreter."
    )


def _goals(results: Results) -> str:
    lines = ["| goal | measured | at | bar | stretch | reached |", "|---|---|---|---|---|---|"]
    for goal in GOALS:
        found = goal.of(results)
        verdict = goal.verdict(results)
        bar, stretch = (
            ("works", "linear") if goal.bar == 1e9 else (goal.show(goal.bar), goal.show(goal.stretch))
        )
        shown, where = ("", "") if found is None else (goal.show(found[0]), found[1])
        lines.append(f"| {goal.name} | {shown} | {where} | {bar} | {stretch} | {verdict} |")
    return "\n".join(lines)


def _rows(results: Results) -> str:
    head = ("row", "N", "ms a call", "who", *COLUMNS)
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for case in results.cases():
        for sdk in CONTENDERS:
            sample = results.median(case, sdk)
            if sample is not None:
                cells = (case.row, f"{case.n:,}", str(case.latency), sdk, *_cells(results, sample))
                lines.append(f"| {' | '.join(cells)} |")
    lines += ["", *_exponents(results)]
    return "\n".join(lines)


def _cells(results: Results, sample: Sample) -> tuple[str, ...]:
    if sample.error is not None:
        return (sample.error.replace("|", "/")[:90], *[""] * (len(COLUMNS) - 1))
    others = sample.sdk != "ours"
    wall = results.ratio(sample.case, "wall", sample.sdk) if others else None
    cpu = results.ratio(sample.case, "cpu", sample.sdk) if others else None
    return (
        seconds(sample.wall),
        seconds(sample.cpu),
        seconds(sample.service_cpu),
        _number(sample.memory, ".1f"),
        _number(sample.threads, ",.0f"),
        _number(sample.calls, ",.0f"),
        _number(sample.updates, ",.0f"),
        "" if wall is None or math.isnan(wall) else fraction(wall),
        "" if cpu is None or math.isnan(cpu) else fraction(cpu),
    )


def _exponents(results: Results) -> list[str]:
    small, large = GROWTH_SIZES
    lines = [
        f"How CPU time grows from N = {small:,} to {large:,} (1 is linear):",
        "",
        "| row | ours | floor |",
        "|---|---|---|",
    ]
    found = False
    for row in GROWTH_ROWS:
        ours, floor = (results.exponent(row, sdk, GROWTH_SIZES) for sdk in ("ours", "floor"))
        if ours is not None:
            found = True
            lines.append(f"| {row} | {ours:.3f} | {'' if floor is None else f'{floor:.3f}'} |")
    return lines if found else []


def seconds(value: float) -> str:
    """A time with three digits that mean something."""
    if math.isnan(value):
        return ""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _number(value: float, form: str) -> str:
    return "" if math.isnan(value) else format(value, form)


def as_json(results: Results) -> str:
    """Every sample, and every goal."""

    def plain(value: Any) -> Any:
        return None if isinstance(value, float) and not math.isfinite(value) else value

    samples = [
        {
            "row": sample.case.row,
            "n": sample.case.n,
            "latency_ms": sample.case.latency,
            **{
                name: plain(value)
                for name, value in attrs.asdict(sample, recurse=False).items()
                if name != "case"
            },
        }
        for sample in results.samples
    ]
    goals = [
        {
            "goal": goal.name,
            "measured": None if (found := goal.of(results)) is None else plain(found[0]),
            "bar": goal.bar,
            "stretch": goal.stretch,
            "reached": goal.verdict(results),
        }
        for goal in GOALS
    ]
    return json.dumps({"goals": goals, "samples": samples}, indent=1)


def line(sample: Sample) -> str:
    """One sample while the run goes on."""
    case: Case = sample.case
    if sample.error is not None:
        return f"{case}, {sample.sdk}: {sample.error}"
    return f"{case}, {sample.sdk}: {seconds(sample.wall)} s"
