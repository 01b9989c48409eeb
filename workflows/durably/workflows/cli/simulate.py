"""`durably simulate`: look for a race in a workflow.

What a workflow prints in thousands of runs is of no use, and would hide what is found: while it is simulated
nothing of it is shown. The findings go to standard output, how far it is to standard error.
"""

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Generator

import click

from durably.workflows.cli.arguments import load, read_input, split_target
from durably.workflows.cli.session import clean_stdout, errors_explained
from durably.workflows.testing.simulation import (
    NOTHING,
    STRATEGIES,
    SimulationProgress,
    SimulationReport,
    simulate,
)

REDRAWN_EVERY = 0.1
"""Seconds between two pictures of how far it is, on a terminal."""
TOLD_EVERY = 2.0
"""Seconds between two lines, elsewhere."""
LONGEST_RESULT = 300
"""In characters of JSON."""


@click.command("simulate")
@click.argument("target", metavar="FILE[:HANDLER]")
@click.option(
    "--input", "-i", "input_text", metavar="JSON|@FILE|-", help="The handler's input; - is standard input."
)
@click.option(
    "--schedules", "-n", type=click.IntRange(min=1), default=1000, show_default=True, help="How many at most."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another seed: other schedules.")
@click.option(
    "--strategy",
    "-s",
    type=click.Choice(STRATEGIES),
    default=STRATEGIES[0],
    show_default=True,
    help="How schedules are chosen. sweep: every fault at every place. exhaustive: all, if it is small.",
)
@click.option("--no-faults", is_flag=True, help="No crashes, throttled calls and lost answers.")
@click.option("--any-answer", is_flag=True, help="The result may depend on a race.")
@click.option("--may-fail", is_flag=True, help="The execution may fail although nothing goes wrong.")
def simulate_command(
    target: str,
    input_text: str | None,
    schedules: int,
    seed: int,
    strategy: str,
    no_faults: bool,
    any_answer: bool,
    may_fail: bool,
) -> None:
    """Run a workflow under many schedules, crashes and faults, in virtual time and without threads.

    If something goes wrong in one, the least that it takes is printed, with a test that shows it, and the
    exit code is 1. Step bodies run many times: they must not touch the world outside.
    """
    path, handler_name = split_target(target)
    event = read_input(input_text)
    with clean_stdout() as results, errors_explained():
        handler, _ = load(path, handler_name)
        began = time.monotonic()
        is_terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        with silence() as write:
            display = Display(write, schedules, is_terminal=is_terminal)
            report = simulate(
                handler,
                event,
                schedules=schedules,
                strategy=strategy,
                seed=seed,
                faults=NOTHING if no_faults else None,
                same_answer=not any_answer,
                may_fail=may_fail,
                progress=display.show,
            )
            display.clear()
        results.write(said(report, time.monotonic() - began))
        if not report.ok:
            raise SystemExit(1)


def said(report: SimulationReport, seconds: float) -> str:
    """What was found, and how fast."""
    speed = f"{report.schedules / seconds:,.0f} schedules a second" if seconds else "in no time"
    if not report.ok:
        return f"{report.failures[0]}\n\n{report.summary}, {speed}\n"
    if len(report.outcomes) == 1:
        return f"{report.summary}, {speed}\nresult: {_cut(json.dumps(report.result))}\n"
    told = "".join(f"{count:,} times: {_cut(outcome)}\n" for outcome, count in report.outcomes.items())
    return f"{report.summary}, {speed}\n{told}"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_RESULT else text[:LONGEST_RESULT] + "..."


@contextlib.contextmanager
def silence() -> Generator[Callable[[str], None]]:
    """Show nothing of what is written to standard output and error meanwhile, but what this writes."""
    sys.stdout.flush()
    sys.stderr.flush()
    out, err = os.dup(1), os.dup(2)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    os.close(null)

    def write(text: str) -> None:
        with contextlib.suppress(OSError):  # nobody looks any more
            os.write(err, text.encode())

    try:
        yield write
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.close(out)
        os.close(err)


class Display:
    """Tells how far a campaign is: in one line that is redrawn, or line by line where that cannot be."""

    def __init__(
        self, write: Callable[[str], None], schedules: int, *, is_terminal: bool, every: float | None = None
    ) -> None:
        self._write = write
        self._schedules = schedules
        self._is_terminal = is_terminal
        self._every = every if every is not None else REDRAWN_EVERY if is_terminal else TOLD_EVERY
        self._began = self._told = time.monotonic()
        self._is_shown = False

    def show(self, progress: SimulationProgress) -> None:
        """Tell it, unless it has been told just now."""
        now = time.monotonic()
        if now - self._told < self._every:
            return
        self._told = now
        text = f"{progress.schedules:,} of {self._schedules:,} schedules"
        if progress.shrinking:
            text += f", and one that fails: shrinking it, {progress.shrinking:,} runs"
        else:
            text += f", {progress.schedules / max(now - self._began, 1e-6):,.0f} a second"
        self._write(f"\r\x1b[K{text}" if self._is_terminal else f"{text}\n")
        self._is_shown = True

    def clear(self) -> None:
        """Remove the line that was redrawn."""
        if self._is_terminal and self._is_shown:
            self._write("\r\x1b[K")
