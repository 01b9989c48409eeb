"""`simulate`: one workflow under thousands of schedules, crashes and faults."""

import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import attrs

from durably.actors.simulation import (
    Exhaustive,
    Fifo,
    Pct,
    PrunedError,
    RandomWalk,
    Replayed,
    Scheduler,
    Strategy,
    Sweep,
)
from durably.actors.simulation.scheduler import Observer
from durably.actors.simulation.strategies import DriftedError
from durably.workflows.testing import shrinking
from durably.workflows.testing.deviations import Deviating, Deviation
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.schedules import Schedule, strategy_of
from durably.workflows.testing.simulated import SimulatedRun
from durably.workflows.testing.simulated_faults import HARMLESS, NOTHING, Faults
from durably.workflows.testing.simulated_outside import Answers, Functions
from durably.workflows.testing.simulated_trace import short_id
from durably.workflows.testing.simulated_view import Invariant, RunView
from durably.workflows.testing.simulation_arguments import check_arguments, check_numbers
from durably.workflows.testing.simulation_quiet import short_collections, without_log
from durably.workflows.testing.simulation_report import (
    HandlerFailedError,
    ScheduleFailure,
    SimulationReport,
    test_of,
)

LONGEST_RUN = 100_000
"""In choices."""
GUARDED = 30
"""In how many schedules of a campaign the guard looks on: it takes a third of the time."""


@dataclass(frozen=True)
class SimulationProgress:
    """How far a campaign is.

    Attributes:
        schedules: how many have been run.
        choices: how many choices were taken in them.
        failures: in how many something went wrong.
        shrinking: how many runs were tried to shrink the last of these; 0 if it is not being shrunk.
    """

    schedules: int
    choices: int
    failures: int
    shrinking: int = 0


def simulate(
    handler: Callable[..., Any],
    event: Any = None,
    *,
    schedules: int = 1000,
    strategy: Strategy | str | None = None,
    seed: int = 0,
    faults: Faults | None = None,
    same_answer: bool = True,
    answers: Answers | None = None,
    functions: Functions | None = None,
    invariants: Sequence[Invariant] = (),
    guard: bool = True,
    run_twice: bool = False,
    observers: Sequence[Observer] = (),
    stop_at: int = 1,
    shrink: bool = True,
    may_fail: bool = False,
    progress: Callable[[SimulationProgress], object] | None = None,
) -> SimulationReport:
    """Run a workflow under many schedules, and look whether it keeps its promises in each.

    Checked are the library's own invariants, that every run comes to an end, and that it comes to the same
    as when nothing goes wrong.

    Args:
        handler: a durable handler. Its step bodies run many times: they must not touch the world outside.
        event: its input, any JSON value.
        schedules: how many at most.
        strategy: chooses them: `random` (the default), `pct`, `sweep`, `exhaustive` (with one fault in a run
            at most, so that no process is killed at its deadline), or a strategy of
            `durably.actors.simulation`.
        seed: of a strategy that is named, if it has one: other seeds are other schedules.
        faults: what may go wrong; by default `HARMLESS`: each fault once that must not change the result.
        same_answer: whether every run must come to the same; not if the result depends on a race.
        answers: by the name of a callback, or of the `wait_for_callback` that makes it, what it is answered:
            text, any other JSON value, an exception, or a callable of the name that gives one of these.
        functions: by the name of a function that is invoked, what it comes to: a JSON value, an exception, or
            a callable of the payload.
        invariants: of your own. Each is called with a `RunView` before every choice and at the end, and says
            by an AssertionError, or by returning False, that something is wrong.
        guard: whether workflow code that asks the clock, chance or the system is named; it is looked at in
            the first schedules of a campaign, which run through the same code as the others.
        run_twice: whether each schedule is run twice, and what happens is compared.
        observers: look on in every run, those for shrinking too: a `Coverage`, say.
        stop_at: after how many failures to stop.
        shrink: whether to look for the least that it takes to fail; some hundred runs for each failure.
        may_fail: whether the execution may fail where nothing goes wrong, since that is what the workflow is
            to do with this input. Otherwise it is a finding, a `HandlerFailedError`.
        progress: called after every run, on this thread.

    Raises:
        ValueError: there is no strategy of that name, or a number is less than 1.
        TypeError: `handler` is no durable handler, `event` no JSON value, or something else not what it
            is to be.
    """
    faults = HARMLESS if faults is None else faults
    if strategy is None or isinstance(strategy, str):
        strategy = named_strategy(strategy or "random", seed, faults)
    check_arguments(handler, event, strategy, faults, answers, functions, invariants, observers)
    check_numbers(schedules=schedules, stop_at=stop_at)
    around = Around(answers, functions, invariants, guard, run_twice)
    world = _World(handler, event, faults, same_answer, around, observers)
    failures: list[ScheduleFailure] = []
    count = choices = 0

    def tell(shrinking: int = 0) -> None:
        if progress is not None:
            progress(SimulationProgress(count, choices, len(failures), shrinking))

    with short_collections(), without_log():
        error, scheduler = world.run_usual()
        if error is not None:
            failures.append(world.failure(error, scheduler, None, shrink=shrink, tell=tell))
        elif world.last.output["Status"] != "SUCCEEDED" and not may_fail:
            failed = HandlerFailedError(_said(world.last.output))
            failures.append(ScheduleFailure(failed, tuple(scheduler.taken), None))
        if failures:
            return SimulationReport(0, len(scheduler.taken), False, None, tuple(failures))
        for number in itertools.count():
            if number >= schedules or len(failures) >= stop_at or not strategy.begin(number):
                break
            world.is_guarded = number < GUARDED
            error, scheduler = world.run(strategy)
            count += 1
            choices += len(scheduler.taken)
            if error is not None:
                failures.append(world.failure(error, scheduler, number, shrink=shrink, tell=tell))
            tell()
    return SimulationReport(
        count,
        choices,
        bool(getattr(strategy, "exhausted", False)),
        world.result,
        tuple(failures),
        pruned=int(getattr(strategy, "pruned", 0)),
        is_search=hasattr(strategy, "exhausted"),
        outcomes=dict(world.outcomes),
    )


def replay_schedule(
    handler: Callable[..., Any],
    event: Any,
    schedule: Schedule,
    faults: Faults | None = None,
    *,
    same_answer: bool = True,
    answers: Answers | None = None,
    functions: Functions | None = None,
    invariants: Sequence[Invariant] = (),
    guard: bool = True,
    run_twice: bool = False,
) -> SimulatedRun:
    """Run a workflow once more under a schedule that failed. Nothing is raised if it does not fail any more.

    Args:
        handler: the handler.
        event: its input, as it was then.
        schedule: the token of a failure, the names of its choices, or a list of `Deviation`.
        faults: what might go wrong then.
        same_answer: whether it must come to the same as when nothing goes wrong.
        answers: as of `simulate`.
        functions: as of `simulate`.
        invariants: as of `simulate`.
        guard: as of `simulate`.
        run_twice: as of `simulate`.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
        ValueError: the token is damaged, or of another version.
        Exception: what went wrong then, if it still does.
    """
    strategy = strategy_of(schedule)
    around = Around(answers, functions, invariants, guard, run_twice)
    world = _World(handler, event, HARMLESS if faults is None else faults, same_answer, around)
    error, _ = world.run_usual()
    if error is None:
        strategy.begin(0)
        error, _ = world.run(strategy)
    if error is not None:
        raise error
    if isinstance(strategy, Deviating):
        strategy.check_all_taken()
    return world.last


@attrs.frozen
class Around:
    """What is around the workflow: see `simulate`."""

    answers: Answers | None = None
    functions: Functions | None = None
    invariants: Sequence[Invariant] = ()
    guard: bool = True
    run_twice: bool = False


STRATEGIES = ("random", "pct", "sweep", "exhaustive")


def named_strategy(name: str, seed: int = 0, faults: Faults | None = None) -> Strategy:
    """The strategy of this name.

    Raises:
        ValueError: there is none.
    """
    match name:
        case "random":
            return RandomWalk(seed)
        case "pct":
            return Pct(seed)
        case "sweep":
            return Sweep(seed)
        case "exhaustive":
            return Exhaustive(faults=0 if faults == NOTHING else 1)
        case _:
            raise ValueError(f"There is no strategy {name!r}: it is one of {', '.join(STRATEGIES)}.")


@attrs.define
class _World:
    """What is run again and again, and what it ought to come to."""

    handler: Callable[..., Any]
    event: Any
    faults: Faults
    same_answer: bool
    around: "Around"
    observers: Sequence[Observer] = ()
    is_guarded: bool = True
    expected: dict[str, Any] | None = None
    result: Any = None
    """What it comes to when nothing is out of the ordinary."""
    outcomes: Counter[str] = attrs.Factory(Counter[str])
    """What it has come to, and how often."""
    last: SimulatedRun = attrs.field(init=False)

    def run_usual(self) -> tuple[Exception | None, Scheduler]:
        """In the order of production, and without faults."""
        strategy = Fifo()
        strategy.begin(0)
        error, scheduler = self.run(strategy)
        if error is None:
            self.expected, self.result = self.last.output, self.last.result
        return error, scheduler

    def run(self, strategy: Strategy) -> tuple[Exception | None, Scheduler]:
        """Under a strategy that has begun; what went wrong, and who knows what was chosen."""
        scheduler = Scheduler(strategy, limit=LONGEST_RUN, label=_label, observers=self.observers)
        self.last = self._new(scheduler)
        try:
            output = self.last.run()
            self.outcomes[_said(output)] += 1
            if self.around.run_twice:
                self._check_again(scheduler.taken)
            if self.same_answer and self.expected is not None and not self.last.came_to(self.expected):
                raise InvariantError(
                    "same-answer", f"it came to {_said(output)}, and not to {_said(self.expected)}"
                )
        except PrunedError:  # nothing went wrong so far, and another run goes on from here
            return None, scheduler
        except Exception as error:
            return error, scheduler
        return None, scheduler

    def _new(self, scheduler: Scheduler) -> SimulatedRun:
        around = self.around
        return SimulatedRun(
            self.handler,
            self.event,
            scheduler,
            self.faults,
            answers=around.answers,
            functions=around.functions,
            invariants=around.invariants,
            guard=around.guard and self.is_guarded,
        )

    def _check_again(self, taken: Sequence[str]) -> None:
        """Take the same choices once more: the same must happen."""
        strategy = Replayed(taken)
        strategy.begin(0)
        again = self._new(Scheduler(strategy, limit=LONGEST_RUN, label=_label))
        try:
            again.run()
        except DriftedError as drifted:
            raise InvariantError("deterministic-code", f"in a second run {drifted}") from drifted
        if difference := again.difference(self.last):
            raise InvariantError("deterministic-code", f"a second run {difference}")

    def failure(
        self,
        error: Exception,
        scheduler: Scheduler,
        number: int | None,
        *,
        shrink: bool,
        tell: Callable[[int], None],
    ) -> ScheduleFailure:
        """The failure, shrunk if it can be, and with its test."""
        failure = ScheduleFailure(error, tuple(scheduler.taken), number)
        if shrink:
            runs = itertools.count(1)

            def attempt(strategy: Strategy) -> Exception | None:
                tell(next(runs))
                return self.run(strategy)[0]

            shrunk = shrinking.shrink(attempt, failure.choices, error)
            failure = dataclasses.replace(failure, shrunk=shrunk, is_lasting=shrunk is not None)
        options: dict[str, object] = {}
        if self.faults != HARMLESS:
            options["faults"] = self.faults
        if not self.same_answer:
            options["same_answer"] = False
        for name, given in (("answers", self.around.answers), ("functions", self.around.functions)):
            if given and not any(callable(each) for each in given.values()):
                options[name] = dict(given)
        default = Around()
        for each in attrs.fields(Around):
            value = getattr(self.around, each.name)
            if value != getattr(default, each.name):
                options[each.name] = value
        return dataclasses.replace(failure, test=test_of(self.handler, self.event, failure, options))


def _said(output: dict[str, Any]) -> str:
    """The output of an execution in words."""
    if output["Status"] == "SUCCEEDED":
        return str(output["Result"] or "null")
    error: dict[str, Any] = output.get("Error") or {}
    return f"{output['Status']} with {error.get('ErrorType')}: {error.get('ErrorMessage')}"


_label = functools.lru_cache(maxsize=10_000)(short_id)


__all__ = [
    "HARMLESS",
    "NOTHING",
    "STRATEGIES",
    "Deviation",
    "Faults",
    "HandlerFailedError",
    "Invariant",
    "InvariantError",
    "RunView",
    "ScheduleFailure",
    "SimulationProgress",
    "SimulationReport",
    "named_strategy",
    "replay_schedule",
    "simulate",
]
