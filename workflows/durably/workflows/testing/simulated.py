"""One run of a workflow in a simulated world: invocations, the service, time, and what goes wrong.

The world is the service of `MemoryExecution` on a virtual clock. It invokes the handler again and again, as
the real one would, until the execution ends; the scheduler decides everything that the code does not say.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs

from durably.actors.model import CheckpointResponse, OperationStatus, OperationUpdate, StatePage
from durably.actors.simulation import CrashError, Scheduler, SimulatedDispatcher
from durably.actors.stage import Job
from durably.actors.task import Task
from durably.workflows.exceptions import CheckpointError, InvocationError
from durably.workflows.execution import Settings, invoke
from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.memory import MemoryExecution

COOLDOWN = 10.0
"""In seconds of virtual time: long enough for the end of a wait to come during one now and then."""
MOST_INVOCATIONS = 200
"""An execution that is not at its end after so many does not come to one."""


class InvariantError(AssertionError):
    """The library has broken a promise. `name` is that of the invariant."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


@attrs.frozen
class Faults:
    """What may go wrong, and how often in one run.

    Args:
        crashes: the process dies, at any choice.
        throttled: a call is refused with 429 before the service does anything.
        lost: the service has done what a call asked for, and the answer is lost.
    """

    crashes: int = 1
    throttled: int = 1
    lost: int = 1


NOTHING = Faults(0, 0, 0)


class SimulatedTime:
    """The clock of an invocation: the service's own, so that both agree on what is due."""

    def __init__(self, clock: SkippingClock) -> None:
        self._clock = clock
        self._start = clock.now()

    def time(self) -> float:
        return self._clock.now().timestamp()

    def monotonic(self) -> float:
        return (self._clock.now() - self._start).total_seconds()

    def skip_to(self, moment: float) -> bool:
        self._clock.advance_to(_rounded_up(self._start + timedelta(seconds=moment)))
        return True


def _rounded_up(moment: datetime) -> datetime:
    """To whole milliseconds, as the service has it; never before the moment."""
    rest = moment.microsecond % 1000
    return moment + timedelta(microseconds=1000 - rest) if rest else moment


class SimulatedRun:
    """One execution of `handler`, from its start to its end.

    Attributes:
        output: what the last invocation returned, once it has ended.
        invocations: how many there were.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        event: Any,
        scheduler: Scheduler,
        faults: Faults = NOTHING,
        cooldown: float = COOLDOWN,
    ) -> None:
        self.service = MemoryExecution(event)
        self.output: dict[str, Any] = {}
        self.invocations = 0
        self._handler = handler
        self._scheduler = scheduler
        self._left = Counter({"crash": faults.crashes, "throttled": faults.throttled, "lost": faults.lost})
        self._fault = ""
        self._dead: list[Task] = []
        self._cooldown = cooldown
        self._calls = 0

    def run(self) -> dict[str, Any]:
        """Invoke it until it has ended.

        Raises:
            InvariantError: the library has broken a promise.
            StuckError, TooLongError: it does not come to an end.
        """
        while self.invocations < MOST_INVOCATIONS:
            output = self._invoke()
            if output is not None and output["Status"] != "PENDING":
                self.output = output
                return output
            if output is not None:
                self._check_pending()
                self.service.advance()
        raise InvariantError("no-hang", f"{MOST_INVOCATIONS} invocations, and no end")

    @property
    def result(self) -> Any:
        """What it came to: the decoded result, or the error's fields."""
        if self.output["Status"] == "SUCCEEDED":
            return json.loads(self.output["Result"]) if self.output["Result"] else None
        return self.output.get("Error")

    # ------------------------------------------------------------------ one invocation

    def _invoke(self) -> dict[str, Any] | None:
        """One invocation; None if it came to nothing, and the service invokes again."""
        self.invocations += 1
        dispatcher = SimulatedDispatcher(
            self._scheduler,
            SimulatedTime(self.service.clock),
            faults=self._faults_of,
            may_crash=lambda: self._left["crash"] > 0,
            moved=self._elapse,
        )
        settings = Settings(cooldown=self._cooldown, dispatcher=lambda: dispatcher)
        event = self.service.event()
        try:
            output = invoke(self._handler, event, None, _Client(self), settings=settings)
        except CrashError:
            self._left["crash"] -= 1
            self._dead += dispatcher.dead
            return None
        except InvocationError:
            return None
        outstanding = dispatcher.outstanding()
        if output["Status"] == "PENDING" and outstanding and not self.service.execution.is_withdrawn:
            raise InvariantError("no-early-end", f"it ended PENDING while {', '.join(outstanding)}")
        return output

    def _elapse(self) -> None:
        self.service.execution.elapse()

    def _check_pending(self) -> None:
        """Whether the service may be left alone, as the real one judges it."""
        execution = self.service.execution
        waits = any(
            operation.status in (OperationStatus.PENDING, OperationStatus.READY)
            or (operation.status is OperationStatus.STARTED and operation.type.value in WAITING_TYPES)
            for operation in self.service.operations.values()
        )
        if not (waits or execution.has_news or execution.is_withdrawn):
            raise InvariantError("no-early-end", "it ended PENDING, and nothing pends")

    # ------------------------------------------------------------------ faults

    def _faults_of(self, _job: Job) -> list[tuple[str, Callable[[], None]]]:
        names = {"throttled": "the call is throttled", "lost": "the answer to the call is lost"}
        return [(words, self._arming(fault)) for fault, words in names.items() if self._left[fault] > 0]

    def _arming(self, fault: str) -> Callable[[], None]:
        def arm() -> None:
            self._left[fault] -= 1
            self._fault = fault

        return arm

    def checkpoint(self, token: str, updates: Sequence[OperationUpdate]) -> CheckpointResponse:
        """The service, and what goes wrong with it now."""
        fault, self._fault = self._fault, ""
        self._calls += 1
        self._elapse()
        if len(updates) > MOST_UPDATES:
            raise InvariantError("one-call", f"{len(updates)} updates in one call")
        if fault == "throttled":
            raise _refusal(429, "ThrottlingException", "Rate exceeded")
        self._check_parents(updates)
        response = self.service.checkpoint(self.service.arn, token, updates)
        if fault == "lost":
            raise _refusal(500, "ServiceException", "The connection broke")
        return response

    def _check_parents(self, updates: Sequence[OperationUpdate]) -> None:
        """No update of an operation whose context is at its end."""
        records = self.service.operations
        for update in updates:
            parent = update.parent_id
            while parent is not None and parent in records:
                if records[parent].status.is_terminal:
                    raise InvariantError(
                        "parent-last",
                        f"{update.action.value} of {update.name or update.id} after the end of its context",
                    )
                parent = records[parent].parent_id


WAITING_TYPES = ("WAIT", "CALLBACK", "CHAINED_INVOKE")
MOST_UPDATES = 250


class _Client:
    """What the invocation knows of the world."""

    def __init__(self, run: SimulatedRun) -> None:
        self._run = run

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        return self._run.checkpoint(token, updates)

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        return self._run.service.get_execution_state(execution_arn, token, marker, max_items)


def _refusal(status: int, code: str, message: str) -> CheckpointError:
    return CheckpointError.from_exception(ServiceError(status, code, message))
