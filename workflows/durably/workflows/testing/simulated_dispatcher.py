"""The dispatcher of a simulated invocation: it looks on, and lets the world do things meanwhile."""

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Protocol

import attrs

from durably.actors.actor import Actor, Ref
from durably.actors.messages import Abandon, CallDone, CallFailed, Close, Message, Orphaned, Submit
from durably.actors.simulation import Choice, ChoiceKind, Scheduler, SimulatedDispatcher
from durably.actors.simulation.footprints import Letter
from durably.actors.simulation.jobs import Fault
from durably.actors.stage import Job, JobKind, Timer
from durably.actors.task import Task, TaskState
from durably.workflows.local.memory import MemoryExecution
from durably.workflows.operations.logging import OperationLogger
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.onlooking import peek
from durably.workflows.testing.simulated_ends import is_last_word
from durably.workflows.testing.simulated_faults import CALL_FAULTS, SimulatedFailure, Strikes, replaced
from durably.workflows.testing.simulated_guard import Guard
from durably.workflows.testing.simulated_invariants import NOTES, InvocationPromises, RunPromises, body_of
from durably.workflows.testing.simulated_invocation import LiveInvocation
from durably.workflows.testing.simulated_outside import Outside

LAST = frozenset({Close, CallDone, CallFailed, Orphaned})
"""After these somebody must have been told something."""


class World(Protocol):
    """What is around an invocation."""

    service: MemoryExecution
    strikes: Strikes
    promises: RunPromises
    outside: Outside

    def arm(self, fault: str) -> None:
        """The next call fails so."""
        ...

    look_at: int
    """The number of choices after which it is to be asked whether the run still is one that ends."""

    has_invariants: bool
    """Whether it is to be asked before every choice."""

    def looks(self, parked: Callable[[], list[Task]]) -> None:
        """Whether all is well, and the run is still one that comes to an end."""
        ...


class WatchedDispatcher(SimulatedDispatcher):
    """A `SimulatedDispatcher` that looks on.

    Args:
        scheduler: takes the choices.
        invocation: whose dispatcher it is.
        world: what is around it.
        promises: of this invocation.
        guard: looks at what workflow code does.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        invocation: LiveInvocation,
        world: World,
        promises: InvocationPromises,
        guard: Guard | None,
    ) -> None:
        outside = world.outside
        choices = outside.choices if outside.is_anybody_there else None
        super().__init__(scheduler, invocation.time, outside=choices, moved=world.service.execution.elapse)
        self.promises = promises
        self._world = world
        self._invocation = invocation
        self._guard = guard
        self._state: tuple[object, ...] = ()
        self._at_any_time: list[Choice] = []
        self._may_raise = False
        self._taken = scheduler.taken
        self._struck = -1  # how many faults had struck when there was a look
        self._call_faults: list[Fault] = []
        self._of_call: tuple[Job | None, list[Choice]] = None, []

    # ------------------------------------------------------------------ looking on

    def ready(self, task: Task) -> None:
        if task in self._resumes and not self._shut:
            raise InvariantError("no-lost-wakeup", f"{task.name} is resumed twice")
        super().ready(task)

    def work(self, job: Job) -> None:
        if job.kind is JobKind.CALL:
            if self._jobs.calls or self._jobs.answers:
                raise InvariantError("one-call", "a call while another one is in flight")
        else:
            job.run = functools.partial(self._run_body, job.reply_to, job.run)
        super().work(job)

    def parked(self) -> list[Task]:
        """The tasks that wait for something."""
        tasks: dict[int, Task] = peek(self._runtime, "tasks")  # of the system, not the protocol
        return [task for task in tasks.values() if task.state is TaskState.PARKED]

    def _handle(self, letter: Letter) -> None:
        message = letter.message
        kind = type(message)
        note = NOTES.get(kind)
        if note is not None:
            note(self.promises, letter.actor, message)
        if isinstance(message, Submit):
            operation = _actor_of(message.operation)
            before = len(self._boxes.get(operation, ()))
            super()._handle(letter)
            after = self._boxes.get(operation, ())
            if len(after) == before or not self._is_orphaned(after, before):
                self.promises.accepted(message.update, self._is_told)
        else:
            super()._handle(letter)
            if kind in LAST:
                if kind is Orphaned:
                    self.promises.orphaned(self._is_abandoned)
                else:
                    self.promises.ends(self._is_told)
        if self._runtime.over:
            failure: BaseException | None = getattr(self._runtime, "_failure", None)
            if failure is not None and isinstance(failure.__cause__, InvariantError):
                raise failure.__cause__

    def _is_orphaned(self, box: Iterable[Letter], since: int) -> bool:
        return any(isinstance(each.mail, Orphaned) for each in itertools.islice(box, since, None))

    def _is_told(self, operation: Ref) -> bool:
        return any(is_last_word(each.mail) for each in self._boxes.get(_actor_of(operation), ()))

    def _is_abandoned(self, concurrency: Ref) -> bool:
        return any(isinstance(each.mail, Abandon) for each in self._boxes.get(_actor_of(concurrency), ()))

    def _run_body(self, operation: Ref, run: Callable[[], Message]) -> Message:
        spec, attempt, interrupted = body_of(operation, run)
        if not interrupted:
            self._world.promises.body_runs(spec, attempt, is_current=not self._invocation.is_void())
        return run()

    def _resume(self, task: Task) -> Choice:
        choice = super()._resume(task)
        if self._guard is None:
            return choice
        return attrs.evolve(choice, perform=functools.partial(self._guard.watching, choice.perform))

    def _quiet(self) -> None:
        self.promises.still(self.parked())
        super()._quiet()

    def let_go(self) -> None:
        """Cut what holds the parts of an invocation together: they go now, without a garbage collection.

        When a run is over these are thousands of objects, whose collection would be a tenth of its time.
        """
        for hub in (self.promises.checkpoint, self.promises, self):
            if hub is not None:
                vars(hub).clear()

    # ------------------------------------------------------------------ the world

    def _perils(self) -> list[Choice]:
        """Made anew only when something is different: they are at hand nearly always.

        What is asked for before each choice, so here is the look at the world, too.
        """
        world = self._world
        struck = world.strikes.count
        if (
            struck != self._struck
            or world.has_invariants
            or world.promises.broken is not None
            or len(self._taken) > world.look_at
        ):
            world.looks(self.parked)
        if struck != self._struck or self._outside is not None:
            self._struck = struck
            state = self._invocation.state()
            if state != self._state:
                self._state = state
                self._look_anew()
        if not self._jobs.calls and not self._may_raise:
            return self._at_any_time
        perils: list[Choice] = []
        for job in self._jobs.calls:
            if self._of_call[0] is not job:
                self._of_call = job, self._jobs.failing(job, self._call_faults)
            perils += self._of_call[1]
        perils += self._at_any_time
        if self._may_raise:
            perils += [self._raise_in_body(job) for job in self._jobs.bodies]
        return perils

    def _look_anew(self) -> None:
        strikes, arm = self._world.strikes, self._world.arm
        faults = [fault for fault in CALL_FAULTS if strikes.may(fault)]
        self._call_faults = [(CALL_FAULTS[fault], functools.partial(arm, fault)) for fault in faults]
        self._of_call = None, []
        self._may_raise = strikes.may("raised")
        self._at_any_time = self._invocation.perils(self.crash)
        if strikes.may("crashes"):
            dies = Choice(ChoiceKind.FAULT, "the process dies", "the process", self.crash)
            self._at_any_time.insert(0, dies)

    def _armed(self) -> list[Timer]:
        armed = super()._armed()
        latest = self._invocation.latest() if armed else None
        return armed if latest is None else [timer for timer in armed if timer.moment < latest]

    def _raise_in_body(self, job: Job) -> Choice:
        """The body of a step raises before it has done anything."""
        ends = self._jobs.bodies[job]

        def happen() -> None:
            self._world.strikes.strike("raised")
            with replaced(OperationLogger, "__init__", _raise):  # made just before the function is called
                ends.perform()

        return Choice(ChoiceKind.FAULT, ends.name.removesuffix("ends") + "raises", ends.who, happen)


def _actor_of(operation: Ref) -> Actor:
    actor: Actor = peek(operation, "_actor")
    return actor


def _raise(*_arguments: object, **_named: object) -> None:
    raise SimulatedFailure("The simulation lets this body fail.")
