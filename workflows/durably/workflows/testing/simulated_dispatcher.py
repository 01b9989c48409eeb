"""The dispatcher of a simulated invocation: it looks on, and lets the world do things meanwhile."""

import functools
from collections.abc import Callable
from typing import Protocol

import attrs

from durably.actors.actor import Actor, Mail
from durably.actors.clock import Clock
from durably.actors.messages import Message, Submit
from durably.actors.simulation import Choice, ChoiceKind, Scheduler, SimulatedDispatcher
from durably.actors.simulation.dispatcher import Fault
from durably.actors.stage import Job, JobKind, Timer
from durably.actors.task import Task, TaskState
from durably.workflows.operations.logging import OperationLogger
from durably.workflows.testing.simulated_faults import CALL_FAULTS, SimulatedFailure, Strikes, replaced
from durably.workflows.testing.simulated_guard import Guard
from durably.workflows.testing.simulated_invariants import (
    InvariantError,
    InvocationPromises,
    RunPromises,
    body_of,
)


class World(Protocol):
    """What is around an invocation."""

    strikes: Strikes
    promises: RunPromises

    def arm(self, fault: str) -> None:
        """The next call fails so."""
        ...

    def looks(self, parked: Callable[[], list[Task]]) -> None:
        """Before each choice: whether the run is still one that comes to an end."""
        ...

    def around(self, dispatcher: "WatchedDispatcher") -> list[Choice]:
        """What others might do now."""
        ...

    def latest(self) -> float | None:
        """The `monotonic()` moment before which time stops until something else has happened."""
        ...

    def moved(self) -> None:
        """Time has passed."""
        ...


class WatchedDispatcher(SimulatedDispatcher):
    """A `SimulatedDispatcher` that looks on.

    Args:
        promises: of this invocation.
        is_void: whether the service has begun another invocation since.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Clock,
        world: World,
        promises: InvocationPromises,
        is_void: Callable[[], bool],
        guard: Guard | None,
    ) -> None:
        strikes = world.strikes
        super().__init__(
            scheduler,
            clock,
            faults=self._faults_of,
            may_crash=lambda: strikes.may("crashes"),
            moved=world.moved,
        )
        self.promises = promises
        self._world = world
        self._is_void = is_void
        self._guard = guard
        self._sending: list[tuple[Actor, object]] | None = None
        self._call_faults: list[Fault] = []
        self._struck = -1  # how many faults had struck when these were listed

    # ------------------------------------------------------------------ looking on

    def post(self, actor: Actor, mail: Mail) -> None:
        super().post(actor, mail)
        if self._sending is not None:
            self._sending.append((actor, mail))

    def ready(self, task: Task) -> None:
        if task in self._resumes:
            raise InvariantError("no-lost-wakeup", f"{task.name} is resumed twice")
        super().ready(task)

    def work(self, job: Job) -> None:
        if job.kind is JobKind.CALL:
            if self._calls or self._answers:
                raise InvariantError("one-call", "a call while another one is in flight")
        else:
            job.run = functools.partial(self._run_body, job, job.run)
        super().work(job)

    def parked(self) -> list[Task]:
        """The tasks that wait for something."""
        tasks: dict[int, Task] = getattr(self._runtime, "tasks")  # noqa: B009  # of the system, not the protocol
        return [task for task in tasks.values() if task.state is TaskState.PARKED]

    def _handle(self, actor: Actor, mail: Mail) -> None:
        message = mail if isinstance(mail, Message) else mail.message
        self.promises.before(actor, message)
        if type(message) is not Submit:
            super()._handle(actor, mail)
        else:
            sent: list[tuple[Actor, object]] = []
            self._sending = sent
            try:
                super()._handle(actor, mail)
            finally:
                self._sending = None
            self.promises.submitted(message, sent)
        if self._runtime.over:
            failure: BaseException | None = getattr(self._runtime, "_failure", None)
            if failure is not None and isinstance(failure.__cause__, InvariantError):
                raise failure.__cause__

    def _run_body(self, job: Job, run: Callable[[], Message]) -> Message:
        spec, attempt, interrupted = body_of(job, run)
        if not interrupted:
            self._world.promises.body_runs(spec, attempt, is_current=not self._is_void())
        return run()

    def _resume(self, task: Task) -> Choice:
        choice = super()._resume(task)
        if self._guard is None:
            return choice
        return attrs.evolve(choice, perform=functools.partial(self._guard.watching, choice.perform))

    def _quiet(self) -> None:
        self.promises.still(self.parked())
        super()._quiet()

    # ------------------------------------------------------------------ the world

    def _options(self) -> list[Choice]:
        world = self._world
        world.looks(self.parked)
        options = super()._options()
        options += world.around(self)
        if self._bodies and world.strikes.may("raised"):
            options += [self._raise_in_body(job) for job in self._bodies]
        return options

    def _faults_of(self, _job: Job) -> list[Fault]:
        strikes = self._world.strikes
        if strikes.count != self._struck:
            self._struck = strikes.count
            self._call_faults = [
                (words, functools.partial(self._world.arm, fault))
                for fault, words in CALL_FAULTS.items()
                if strikes.may(fault)
            ]
        return self._call_faults

    def _armed(self) -> list[Timer]:
        armed = super()._armed()
        latest = self._world.latest() if armed else None
        return armed if latest is None else [timer for timer in armed if timer.moment < latest]

    def _raise_in_body(self, job: Job) -> Choice:
        """The body of a step raises before it has done anything."""
        ends = self._bodies[job]

        def happen() -> None:
            self._world.strikes.strike("raised")
            with replaced(OperationLogger, "__init__", _raise):  # made just before the function is called
                ends.perform()

        return Choice(ChoiceKind.FAULT, ends.name.removesuffix("ends") + "raises", ends.who, happen)


def _raise(*_arguments: object, **_named: object) -> None:
    raise SimulatedFailure("The simulation lets this body fail.")
