"""The dispatcher of a simulated invocation: it looks on, and lets the world do things meanwhile."""

import functools
from collections.abc import Callable
from typing import Protocol

import attrs

from durably.actors.actor import Actor, Mail
from durably.actors.clock import Clock
from durably.actors.dispatcher import Runtime
from durably.actors.messages import Message
from durably.actors.simulation import Choice, ChoiceKind, Scheduler, SimulatedDispatcher
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

    def around(self, dispatcher: "WatchedDispatcher", runtime: Runtime) -> list[Choice]:
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
        super().__init__(
            scheduler,
            clock,
            faults=self._faults_of,
            may_crash=lambda: world.strikes.may("crashes"),
            moved=world.moved,
        )
        self.promises = promises
        self.runtime: Runtime | None = None
        self._world = world
        self._is_void = is_void
        self._guard = guard
        self._sending: list[tuple[Actor, object]] | None = None

    # ------------------------------------------------------------------ looking on

    def run(self, runtime: Runtime) -> None:
        self.runtime = runtime
        super().run(runtime)

    def post(self, actor: Actor, mail: Mail) -> None:
        super().post(actor, mail)
        if self._sending is not None:
            self._sending.append((actor, mail))

    def ready(self, task: Task) -> None:
        if task in self._runnable:
            raise InvariantError("no-lost-wakeup", f"{task.name} is resumed twice")
        super().ready(task)

    def work(self, job: Job) -> None:
        if job.kind is JobKind.CALL:
            calls = [each for each in self._jobs if each.kind is JobKind.CALL]
            if calls or any(answered.kind is JobKind.CALL for answered, _, _ in self._answers):
                raise InvariantError("one-call", "a call while another one is in flight")
        else:
            job.run = functools.partial(self._run_body, job, job.run)
        super().work(job)

    def parked(self) -> list[Task]:
        """The tasks that wait for something."""
        tasks: dict[int, Task] = getattr(self.runtime, "tasks", {})
        return [task for task in tasks.values() if task.state is TaskState.PARKED]

    def _handle(self, actor: Actor, mail: Mail, runtime: Runtime) -> None:
        message = mail if isinstance(mail, Message) else mail.message
        self.promises.before(actor, message)
        sent: list[tuple[Actor, object]] = []
        self._sending = sent
        try:
            super()._handle(actor, mail, runtime)
        finally:
            self._sending = None
        self.promises.after(actor, message, sent)
        failure: BaseException | None = getattr(runtime, "_failure", None)
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

    def _quiet(self, runtime: Runtime) -> None:
        self.promises.still(self.parked())
        super()._quiet(runtime)

    # ------------------------------------------------------------------ the world

    def _options(self, runtime: Runtime) -> list[Choice]:
        self._world.looks(self.parked)
        options = super()._options(runtime)
        around = self._world.around(self, runtime)
        if self._world.strikes.may("raised"):
            around += [self._failing(job) for job in self._jobs if job.kind is JobKind.BODY]
        return [*options, *around]

    def _faults_of(self, _job: Job) -> list[tuple[str, Callable[[], None]]]:
        strikes = self._world.strikes
        return [
            (words, functools.partial(self._world.arm, fault))
            for fault, words in CALL_FAULTS.items()
            if strikes.may(fault)
        ]

    def _armed(self) -> list[Timer]:
        latest = self._world.latest()
        armed = super()._armed()
        return armed if latest is None else [timer for timer in armed if timer.moment < latest]

    def _failing(self, job: Job) -> Choice:
        """The body of a step raises before it has done anything."""
        ends = self._end_body(job)

        def happen() -> None:
            self._world.strikes.strike("raised")
            with replaced(OperationLogger, "__init__", _raise):  # made just before the function is called
                ends.perform()

        return Choice(ChoiceKind.FAULT, ends.name.removesuffix("ends") + "raises", ends.who, happen)


def _raise(*_arguments: object, **_named: object) -> None:
    raise SimulatedFailure("The simulation lets this body fail.")
