"""Where mutants are hunted: a workflow under a strategy, and what is a finding there.

In the order of production a run comes to the same end for the same price: so many invocations, calls, bodies
and seconds, the same words to plugins and in the log. In any other order only what `simulate` looks at is the
same: the promises of the library, and the end.
"""

import contextlib
import functools
import logging
import signal
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import attrs

from durably.actors import checkpoint, concurrency, operation
from durably.actors.model import CheckpointResponse, OperationType
from durably.actors.simulation import Fifo, Pct, RandomWalk, Scheduler, Strategy, TooLongError
from durably.workflows.testing import simulated_invariants
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.simulated import COOLDOWN, SimulatedRun
from durably.workflows.testing.simulated_calls import SimulatedClient
from durably.workflows.testing.simulated_faults import HARMLESS, NOTHING, Faults, replaced
from tests.simulation import campaign
from tests.simulation.mechanical import workflows

BADLY = Faults(crashes=1, lost=1, refused=1, raised=2, late=1, deadlines=1)
"""Of these an execution may come to another end."""
PATIENCE = 2.0
"""In seconds of the processor: a run that takes longer does not come to an end."""
LIMIT = 10_000
"""The same in choices."""

Call = Callable[..., CheckpointResponse]


class Ground(NamedTuple):
    """One workflow, and how it is run.

    `strategy` is `fifo`, `random`, `pct`, or `badly`: at random, with faults that change what a run comes to.
    `setting` is one of these:

        usual        as it is by default
        tight        calls take few updates, few branches begin at a time, and polls end soon
        cold         an invocation does not wait for what comes due soon
        terse        answers leave out what the caller knows anyway
        prompt       time passes while a call is handled, and the answer tells what has come due
        withdrawn    the third answer has no token
    """

    workflow: str
    strategy: str
    setting: str = "usual"

    def __str__(self) -> str:
        return f"{self.workflow}, {self.strategy}{'' if self.setting == 'usual' else f', {self.setting}'}"


SETTINGS = ("usual", "tight", "cold", "terse", "prompt", "withdrawn")
TIGHT = {
    (checkpoint, "MAX_UPDATES"): 5,
    (simulated_invariants, "MOST_UPDATES"): 5,
    (concurrency, "AT_A_TIME"): 3,
    (operation, "POLL_FOR"): 4.0,
    (operation, "POLL_AT_MOST"): 2.0,
}
"""Limits that are reached by small workflows, too."""


class TakesTooLongError(BaseException):
    """The run does not come to an end; perhaps a single turn of an actor does not."""


@functools.cache
def handlers() -> dict[str, tuple[Callable[..., Any], dict[str, Any]]]:
    """By name, each workflow and what is around it."""
    own = {each.__name__: (each, workflows.OUTSIDE.get(each, {})) for each in workflows.SMALL}
    return {**campaign.workflows(), **own}


def quick() -> list[Ground]:
    """One run each: the first that a mutant must pass."""
    return [Ground(name, "fifo", setting) for setting in SETTINGS for name in handlers()]


def thorough() -> list[Ground]:
    """Under many schedules."""
    names = [name for name in handlers() if name not in ONCE]
    usual = [Ground(name, strategy) for strategy in ("random", "badly", "pct") for name in names]
    usual += [Ground(name, "badly", "tight") for name in names]
    others = [Ground(name, "random", setting) for setting in SETTINGS[1:] for name in names]
    return usual + [ground for ground in others if not _is_late(ground)]


ONCE = ("awaits_itself", "some_started")
"""What these come to depends on the order, or nothing is to be learned from it."""


def _is_late(ground: Ground) -> bool:
    """Time that passes by itself lets callbacks time out that are to be answered."""
    return ground.setting == "prompt" and "answers" in handlers()[ground.workflow][1]


def strategy_of(ground: Ground) -> Strategy:
    """A new one."""
    if ground.strategy == "fifo":
        return Fifo()
    return Pct(1) if ground.strategy == "pct" else RandomWalk(1)


def visit(ground: Ground, schedule: int = 0) -> str:
    """What a run comes to: in the order of production all there is to say, else only what is a finding."""
    handler, outside = handlers()[ground.workflow]
    faults = {"fifo": NOTHING, "badly": BADLY}.get(ground.strategy, HARMLESS)
    strategy = strategy_of(ground)
    strategy.begin(schedule)
    scheduler = Scheduler(strategy, limit=LIMIT)
    cooldown = 0.0 if ground.setting == "cold" else COOLDOWN
    run = SimulatedRun(handler, None, scheduler, faults, cooldown, **outside)
    workflows.SEEN.clear()
    try:
        with _limits(ground), _patience(PATIENCE), _log() as log:
            run.run()
    except InvariantError as error:
        after = f" (invocation {run.invocations})" if ground.strategy == "fifo" else ""
        return f"{error.name}: {str(error).partition(': ')[2]}{after}"
    except (TakesTooLongError, TooLongError):
        return "no end"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if ground.strategy == "fifo":
        return _bill(run, scheduler.taken, log)
    return "" if ground.strategy == "badly" or run.came_to(_expected(ground.workflow)) else f"{run.output}"


def baseline(ground: Ground) -> str:
    """What it comes to if nothing is wrong. Asked for before anything is: it is kept."""
    if ground.strategy == "fifo":
        return _usual(ground)
    _expected(ground.workflow)
    return ""


@functools.cache
def _usual(ground: Ground) -> str:
    return visit(ground)


@functools.cache
def _expected(workflow: str) -> dict[str, Any]:
    """The output in the order of production, without faults."""
    handler, outside = handlers()[workflow]
    strategy = Fifo()
    strategy.begin(0)
    with _log():
        return SimulatedRun(handler, None, Scheduler(strategy), **outside).run()


def _bill(run: SimulatedRun, choices: list[str], log: list[str]) -> str:
    began, now = run.service.execution.summary.started_at, run.service.clock.now()
    calls = choices.count("the service handles the call")
    bodies = sum(choice.startswith("body of") for choice in choices)
    told = [*log, *workflows.SEEN]
    return (
        f"{run.output}, {run.invocations} invocations, {calls} calls, {len(run.service.updates)} updates, "
        f"{bodies} bodies, {(now - began).total_seconds()} s{''.join(f', {each}' for each in told)}"
    )


@contextlib.contextmanager
def _limits(ground: Ground) -> Iterator[None]:
    with contextlib.ExitStack() as undo:
        for (module, name), value in TIGHT.items() if ground.setting == "tight" else ():
            undo.callback(setattr, module, name, getattr(module, name))
            setattr(module, name, value)
        if ground.setting in SERVICES:
            usual = SimulatedClient.checkpoint
            other = functools.partialmethod(SERVICES[ground.setting], usual)
            undo.enter_context(replaced(SimulatedClient, "checkpoint", other))
            undo.enter_context(replaced(SimulatedRun, "_between", _between(SimulatedRun._between)))
        yield


def _terse(client: SimulatedClient, checkpoint: Call, *call: Any) -> CheckpointResponse:
    response = checkpoint(client, *call)
    told = {each.id for each in call[2] if each.type in (OperationType.STEP, OperationType.CONTEXT)}
    left = tuple(each for each in response.operations if each.id not in told)
    return attrs.evolve(response, operations=left)


def _prompt(client: SimulatedClient, checkpoint: Call, *call: Any) -> CheckpointResponse:
    response = checkpoint(client, *call)
    service = client._calls.service
    if not response.next_marker:
        service.advance()
    records = tuple(service.operations[each.id] for each in response.operations)
    return attrs.evolve(response, operations=records)


def _withdrawn(client: SimulatedClient, checkpoint: Call, *call: Any) -> CheckpointResponse:
    execution = client._calls.service.execution
    client._calls.count = count = getattr(client._calls, "count", 0) + 1
    if count == 3:
        execution.withdraw()
    return checkpoint(client, *call)


def _between(between: Callable[[SimulatedRun], None]) -> Callable[[SimulatedRun], None]:
    """An execution whose invocation was told to end is invoked again, though nothing has happened."""

    def pause(run: SimulatedRun) -> None:
        if run.service.execution.is_withdrawn:
            run._pended = run.service.execution._withdrawn = False
        between(run)

    return pause


SERVICES = {"terse": _terse, "prompt": _prompt, "withdrawn": _withdrawn}
"""How the service handles a call, by setting."""


@contextlib.contextmanager
def _log() -> Iterator[list[str]]:
    """What the library warns of."""
    lines: list[str] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Collecting(logging.WARNING)
    logger = logging.getLogger("durably")
    propagated, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield lines
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagated


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Break off after so many seconds of the processor, wherever it is."""

    def give_up(*_: object) -> None:
        raise TakesTooLongError

    before = signal.signal(signal.SIGVTALRM, give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
