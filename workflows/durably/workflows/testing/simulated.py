"""One run of a workflow in a simulated world: invocations, the service, time, and what goes wrong.

The world is the service of `MemoryExecution` on a virtual clock. It invokes the handler again and again, as
the real one would, until the execution ends; the scheduler decides everything that the code does not say.
"""

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from durably.actors.messages import Completed
from durably.actors.model import OperationStatus, OperationUpdate
from durably.actors.simulation import Choice, ChoiceKind, CrashError, Scheduler, StuckError
from durably.actors.task import Task
from durably.workflows.config import JitterStrategy
from durably.workflows.exceptions import InvocationError
from durably.workflows.execution import Settings, invoke
from durably.workflows.local.memory import MemoryExecution
from durably.workflows.local.rules import is_pending
from durably.workflows.operations.planned import Planned
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.simulated_calls import Calls
from durably.workflows.testing.simulated_dispatcher import WatchedDispatcher
from durably.workflows.testing.simulated_faults import HARMLESS, NOTHING, Faults, Strikes, replaced
from durably.workflows.testing.simulated_guard import Guard
from durably.workflows.testing.simulated_invariants import InvocationPromises, RunPromises, waits_for
from durably.workflows.testing.simulated_invocation import LiveInvocation
from durably.workflows.testing.simulated_outside import Answers, Functions, Outside
from durably.workflows.testing.simulated_view import Invariant, RunView, check

COOLDOWN = 10.0
"""In seconds of virtual time: long enough for the end of a wait to come during one now and then."""
MOST_INVOCATIONS = 1000
"""An execution that is not at its end so many after the last fault does not come to one."""
MOST_CHOICES = 20_000
"""The same in choices."""


class SimulatedRun:
    """One execution of `handler`, from its start to its end.

    Args:
        handler: a durable handler.
        event: its input.
        scheduler: takes the choices.
        faults: what may go wrong.
        cooldown: of each invocation, in virtual seconds.
        answers: see `Answers`.
        functions: see `Functions`.
        invariants: looked at before every choice, and at the end.
        guard: whether workflow code is watched for what a replay would do otherwise.

    Attributes:
        output: what the last invocation returned, once it has ended.
        invocations: how many there were.
        strikes: which faults have struck.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        event: Any,
        scheduler: Scheduler,
        faults: Faults = NOTHING,
        cooldown: float = COOLDOWN,
        *,
        answers: Answers | None = None,
        functions: Functions | None = None,
        invariants: Sequence[Invariant] = (),
        guard: bool = False,
    ) -> None:
        self.service = service = MemoryExecution(event, functions=functions, unique="simulated")
        self.output: dict[str, Any] = {}
        self.invocations = 0
        self.strikes = Strikes(faults)
        self.promises = RunPromises(lambda: service.operations)
        self.outside = Outside(self.service, answers or {}, functions)
        self._handler = handler
        self._scheduler = scheduler
        self._cooldown = cooldown
        self._invariants = invariants
        self._guard = Guard() if guard else None
        self._dead: list[Task] = []
        self._over: list[WatchedDispatcher] = []  # of the dead
        self._is_nested = False
        self.look_at = MOST_CHOICES
        self.has_invariants = bool(invariants)
        self._calm = (0, 0, 0)  # how many faults had struck, and the choices and invocations before the last
        self._pended = False
        self._calls = Calls(self.service, scheduler, self.strikes, self.promises)

    def run(self) -> dict[str, Any]:
        """Invoke it until it has ended.

        Raises:
            InvariantError: a promise is broken.
            TooLongError: the run has more choices than the scheduler takes.
        """
        made: Callable[[object, Completed], object] = getattr(Planned, "result")  # noqa: B009  # of any type
        note = self.promises.result

        def result(planned: Planned[object], completed: Completed) -> object:
            value = made(planned, completed)
            note(planned.place.id, planned.place.label, value)
            return value

        try:
            # The first is where workflow code is given what comes of a batch. The second would be chance: a
            # run depends on its choices only.
            with replaced(Planned, "result", result), replaced(JitterStrategy, "apply_jitter", _half_of_it):
                while not self.output:
                    self._invoke()
                    if not self.output:
                        self._between()
            self._check_invariants()
        finally:
            self._bury()
        if self._guard is not None and self._guard.findings:
            raise InvariantError("deterministic-code", str(self._guard))
        return self.output

    @property
    def result(self) -> Any:
        """What it came to: the decoded result, or the error's fields."""
        if self.output["Status"] == "SUCCEEDED":
            return json.loads(self.output["Result"]) if self.output["Result"] else None
        return self.output.get("Error")

    def came_to(self, expected: Mapping[str, Any]) -> bool:
        """Whether the end is the one that is expected; or, if a call was refused for good, its error."""
        if self.output == expected:
            return True
        return self.strikes.struck["refused"] > 0 and self._calls.is_refusal(self.output)

    def difference(self, first: "SimulatedRun") -> str:
        """Where this run parts from one with the same choices; empty if the same has happened."""
        for mine, theirs in zip(self.service.updates, first.service.updates, strict=False):
            if (mine.id, mine.action, mine.payload) != (theirs.id, theirs.action, theirs.payload):
                return f"sent {_said(mine)} where the first sent {_said(theirs)}"
        count, other = len(self.service.updates), len(first.service.updates)
        if (count, self.output) == (other, first.output):
            return ""
        return f"came to {self.output} by {count} updates, and the first to {first.output} by {other}"

    # ------------------------------------------------------------------ one invocation

    def _invoke(self) -> None:
        """One invocation. If it comes to nothing the service invokes again."""
        if not self._is_nested:
            self._scheduler.starts_over(self._what_is_left)
        self.invocations += 1
        self._pended = False
        current = LiveInvocation(
            self.invocations,
            self.service,
            self.strikes,
            self.outside,
            newest=lambda: self.invocations,
            again=self._invoke_meanwhile,
        )
        event = self._calls.event()
        promises = InvocationPromises(event["CheckpointToken"])
        dispatcher = WatchedDispatcher(self._scheduler, current, self, promises, self._guard)
        settings = Settings(cooldown=self._cooldown, dispatcher=lambda: dispatcher)
        client = self._calls.client(promises, current)
        try:
            output = invoke(self._handler, event, current.lambda_context, client, settings=settings)
        except CrashError:
            if not current.killed:
                self.strikes.strike("crashes")
            self._dead += dispatcher.dead
        except InvocationError:
            pass
        except StuckError as stuck:
            self._check_invariants()
            raise InvariantError("no-hang", f"{stuck}: {waits_for(dispatcher.parked())}") from stuck
        else:
            if not current.is_void():
                self._ended(output, current, dispatcher)
        if dispatcher.dead:
            self._over.append(dispatcher)  # its code is to be unwound yet
        else:
            dispatcher.let_go()
        if self.service.execution.is_finished and not self.output:
            self.output = self._recorded()

    def _invoke_meanwhile(self) -> None:
        """Another invocation, while one goes on."""
        before, self._is_nested = self._is_nested, True
        try:
            self._invoke()
        finally:
            self._is_nested = before

    def _what_is_left(self) -> object:
        """All that matters to the invocations to come of those so far, as a value."""
        said = repr(self.service.updates) if self._invariants else ""
        return self.invocations, self._calls.what_is_left(), self.outside.what_is_left(), said

    def _bury(self) -> None:
        """Let go of the code of processes that have died.

        As long as the run goes on not even a `finally` of it runs. But what a greenlet holds is never freed
        before it has ended, so when all is over it is unwound, and nothing comes of it any more.
        """
        dead, self._dead = self._dead, []
        for task in sorted(dead, key=lambda task: -task.depth):
            if task.unwind():
                with contextlib.suppress(Exception):
                    task.run()
        for dispatcher in self._over:
            dispatcher.let_go()

    def _ended(self, output: dict[str, Any], current: LiveInvocation, dispatcher: WatchedDispatcher) -> None:
        pending = output["Status"] == "PENDING"
        withdrawn = current.is_withdrawn or self.service.execution.is_withdrawn
        error: dict[str, str] = output.get("Error") or {}
        if error.get("ErrorType", "").endswith("DeadlockError"):
            raise InvariantError("no-hang", error["ErrorMessage"])
        if output["Status"] != "FAILED" and not withdrawn and not current.is_late:
            dispatcher.promises.ended()
        if not pending:
            self.output = self._recorded() if self.service.execution.is_finished else output
            return
        self._pended = not current.is_withdrawn  # without a token nobody has to wait for anything
        outstanding = dispatcher.outstanding()
        if outstanding and not withdrawn:
            raise InvariantError("no-early-end", f"it ended PENDING while {', '.join(outstanding)}")
        execution = self.service.execution
        waits = any(
            is_pending(operation) or operation.status is OperationStatus.READY
            for operation in self.service.operations.values()
        )
        if not (waits or execution.has_news or withdrawn):
            raise InvariantError("no-early-end", "it ended PENDING, and nothing pends")

    def _recorded(self) -> dict[str, Any]:
        """The end that the service has recorded, as an invocation would have returned it."""
        summary = self.service.execution.summary
        if summary.status is OperationStatus.SUCCEEDED:
            return {"Status": "SUCCEEDED", "Result": summary.result or ""}
        return {"Status": "FAILED", "Error": summary.error.to_dict() if summary.error else None}

    # ------------------------------------------------------------------ between invocations

    def _between(self) -> None:
        """Until the service invokes again: time passes, or somebody outside does something."""
        while self._pended:
            self.looks(list)
            options = self.outside.choices()
            if self.service.execution.has_news:
                options.insert(0, _choice(ChoiceKind.CALL, "the service goes on", self._go_on))
            else:
                options += self._passing_time()
            if not options:
                raise InvariantError("no-hang", f"it waits for {self.outside.described()}; nothing is due")
            self._scheduler.take(options)

    def _passing_time(self) -> list[Choice]:
        due, promised = self.service.execution.next_due(), self.outside.promised_until()
        if due is None:
            return []
        if promised is None or due < promised:
            return [_choice(ChoiceKind.TIME, "time passes", self._pass_time)]
        if self.strikes.may("late"):
            return [_choice(ChoiceKind.FAULT, "nobody answers in time", self._be_late)]
        return []

    def _go_on(self) -> None:
        self._pended = False

    def _pass_time(self) -> None:
        self.service.advance()

    def _be_late(self) -> None:
        self.strikes.strike("late")
        self.service.advance()

    # ------------------------------------------------------------------ what the dispatcher asks of the world

    def arm(self, fault: str) -> None:
        """The next call fails so."""
        self._calls.arm(fault)

    def looks(self, parked: Callable[[], list[Task]]) -> None:
        """The invariants of users, and whether an end is in sight.

        Raises:
            InvariantError: no-hang, or one of theirs.
        """
        if self._invariants or self.promises.broken is not None:
            self._check_invariants()
        struck, choices = self.strikes.count, len(self._scheduler.taken)
        if struck != self._calm[0]:
            self._calm = (struck, choices, self.invocations)
            self.look_at = choices + MOST_CHOICES
        _, first, invocation = self._calm
        if choices - first > MOST_CHOICES or self.invocations - invocation > MOST_INVOCATIONS:
            waits = waits_for(parked()) or "nobody waits for anything"
            what = (
                f"no end after {choices - first} choices and {self.invocations - invocation} invocations in "
                f"which nothing went wrong: {waits}. The last were: {'; '.join(self._scheduler.taken[-10:])}"
            )
            raise InvariantError("no-hang", what)

    def _check_invariants(self) -> None:
        if self.promises.broken is not None:
            raise self.promises.broken
        if not self._invariants:
            return
        service = self.service
        view = RunView(
            service.operations,
            service.updates,
            service.clock.now(),
            self.invocations,
            self._scheduler.taken,
            self.output or None,
        )
        check(self._invariants, view)


def _half_of_it(jitter: JitterStrategy, delay: float) -> float:
    """Half of what a jitter leaves to chance."""
    return delay * {JitterStrategy.NONE: 1.0, JitterStrategy.HALF: 0.75, JitterStrategy.FULL: 0.5}[jitter]


def _choice(kind: ChoiceKind, name: str, happen: Callable[[], None]) -> Choice:
    return Choice(kind, name, "the world", happen)


def _said(update: OperationUpdate) -> str:
    return f"{update.action.value} of {update.name or update.id} with {update.payload!r}"


__all__ = [
    "HARMLESS",
    "NOTHING",
    "Faults",
    "Invariant",
    "InvariantError",
    "RunView",
    "SimulatedRun",
]
