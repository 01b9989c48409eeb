"""`simulate`: one workflow under thousands of schedules, crashes and faults."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from durably.actors.simulation import Exhaustive, Fifo, RandomWalk, Replayed, Scheduler, Strategy
from durably.workflows.testing.simulated import NOTHING, Faults, InvariantError, SimulatedRun

LONGEST_RUN = 100_000
"""In choices."""


@dataclass(frozen=True)
class ScheduleFailure:
    """A schedule in which something went wrong.

    Attributes:
        error: what went wrong.
        choices: what happened, one choice after the other; `replay_schedule` takes them again.
        number: which schedule of the campaign it was, from 0.
    """

    error: Exception
    choices: tuple[str, ...]
    number: int

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:4} {choice}" for number, choice in enumerate(self.choices))
        return f"schedule {self.number}: {type(self.error).__name__}: {self.error}\n{steps}"


@dataclass(frozen=True)
class SimulationReport:
    """What a campaign has found.

    Attributes:
        schedules: how many were run.
        choices: how many choices were taken in all.
        exhausted: whether every possible schedule was run.
        result: what the workflow comes to when nothing is out of the ordinary.
        failures: the schedules in which something went wrong.
    """

    schedules: int
    choices: int
    exhausted: bool
    result: Any
    failures: tuple[ScheduleFailure, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """True if nothing went wrong."""
        return not self.failures

    def __str__(self) -> str:
        extent = "exhausted" if self.exhausted else "explored"
        head = (
            f"{extent}: {self.schedules:,} schedules, {self.choices:,} choices, {len(self.failures)} failed"
        )
        return "\n".join([head, *map(str, self.failures[:1])])

    def check(self) -> None:
        """Nothing, if nothing went wrong.

        Raises:
            AssertionError: something did; its text is a schedule in which it does.
        """
        if self.failures:
            raise AssertionError(str(self)) from self.failures[0].error


def simulate(
    handler: Callable[..., Any],
    event: Any = None,
    *,
    schedules: int = 1000,
    strategy: Strategy | None = None,
    faults: Faults | None = None,
    same_answer: bool = True,
    stop_at: int = 1,
) -> SimulationReport:
    """Run a workflow under many schedules, and look whether it keeps its promises in each.

    Checked are the library's own invariants, that every run comes to an end, and that it comes to the same
    as when nothing goes wrong.

    Args:
        handler: a durable handler. Its step bodies run many times: they must not touch the world outside.
        event: its input, any JSON value.
        schedules: how many at most.
        strategy: chooses them; by default a `RandomWalk`.
        faults: what may go wrong; by default a crash, a throttled call and a lost answer in each run.
        same_answer: whether every run must come to the same; not if the result depends on a race.
        stop_at: after how many failures to stop.

    Raises:
        TypeError: `handler` is no durable handler.
        AssertionError: it does not even come to an end when nothing goes wrong.
    """
    strategy = strategy or RandomWalk()
    faults = Faults() if faults is None else faults
    usual = SimulatedRun(handler, event, _scheduler(Fifo()))
    expected = usual.run()
    failures: list[ScheduleFailure] = []
    count = choices = 0
    for number in itertools.count():
        if number >= schedules or len(failures) >= stop_at or not strategy.begin(number):
            break
        scheduler = _scheduler(strategy)
        try:
            output = SimulatedRun(handler, event, scheduler, faults).run()
            if same_answer and output != expected:
                raise InvariantError("same-answer", f"it came to {output}, and not to {expected}")
        except Exception as error:
            failures.append(ScheduleFailure(error, tuple(scheduler.taken), number))
        count += 1
        choices += len(scheduler.taken)
    exhausted = isinstance(strategy, Exhaustive) and strategy.exhausted
    return SimulationReport(count, choices, exhausted, usual.result, tuple(failures))


def replay_schedule(
    handler: Callable[..., Any], event: Any, choices: Sequence[str], faults: Faults | None = None
) -> SimulatedRun:
    """Run a workflow once more with the choices of a schedule that failed.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
        Exception: what went wrong then, if it still does.
    """
    strategy = Replayed(choices)
    strategy.begin(0)
    run = SimulatedRun(handler, event, _scheduler(strategy), Faults() if faults is None else faults)
    run.run()
    return run


def _scheduler(strategy: Strategy) -> Scheduler:
    if isinstance(strategy, Fifo):
        strategy.begin(0)
    return Scheduler(strategy, limit=LONGEST_RUN, label=_label)


def _label(name: str) -> str:
    """A readable name: ids of operations are cut to eight digits."""
    return name[:8] if len(name) == ID_LENGTH and name.isalnum() else name


ID_LENGTH = 64
__all__ = [
    "NOTHING",
    "Faults",
    "InvariantError",
    "ScheduleFailure",
    "SimulationReport",
    "replay_schedule",
    "simulate",
]
