"""One invocation of a simulated run: its time, and what may go wrong with it that is nobody's fault."""

import functools
from collections.abc import Callable
from datetime import datetime, timedelta

from durably.actors.simulation import Choice, ChoiceKind
from durably.workflows.local.lambda_context import LocalLambdaContext
from durably.workflows.local.memory import MemoryExecution
from durably.workflows.testing.simulated_faults import Strikes
from durably.workflows.testing.simulated_outside import Outside
from durably.workflows.testing.simulated_time import SimulatedTime, lambda_context

INVOCATION_SECONDS = 900.0
"""How long it may take."""
FREEZE = timedelta(hours=1)
MARGIN = timedelta(seconds=1)
"""How long before the deadline the library gives up bodies that still run."""


class LiveInvocation:
    """One that goes on.

    Args:
        number: which one it is of its run, from 1.
        service: what it talks to.
        strikes: which faults may strike.
        outside: who answers its callbacks.
        newest: the number of the newest invocation, which voids the tokens of those before it.
        again: lets the service begin another one, which goes on until it ends.

    Attributes:
        time: what its clock says.
        killed: whether its process has been killed at its deadline.
        is_withdrawn: whether it has no token any more.
    """

    def __init__(
        self,
        number: int,
        service: MemoryExecution,
        strikes: Strikes,
        outside: Outside,
        newest: Callable[[], int],
        again: Callable[[], None],
    ) -> None:
        self.time = SimulatedTime(service.clock)
        self.killed = self.is_withdrawn = False
        self._number = number
        self._service = service
        self._strikes = strikes
        self._outside = outside
        self._newest = newest
        self._again = again
        self._deadline = service.clock.now() + timedelta(seconds=INVOCATION_SECONDS)
        self._warned = False

    @property
    def lambda_context(self) -> LocalLambdaContext:
        """What Lambda hands to the handler."""
        return lambda_context(self._number, INVOCATION_SECONDS, self._service.clock)

    def is_void(self) -> bool:
        """Whether the service has begun another one since."""
        return self._number != self._newest()

    @property
    def is_late(self) -> bool:
        """Whether it may give up what it could not do in time."""
        return self._service.clock.now() >= self._deadline - MARGIN

    def latest(self) -> float | None:
        """The moment before which time stops until a callback is answered that is to be."""
        promised = None if self._strikes.may("late") else self._outside.promised_until()
        return None if promised is None else self.time.moment(promised) - 0.001

    # ------------------------------------------------------------------ what may go wrong

    def state(self) -> tuple[object, ...]:
        """All that `perils` depends on."""
        promised = self._outside.promised_until() if self._outside.is_anybody_there else None
        return self._strikes.count, self._warned, self._newest(), promised

    def perils(self, crash: Callable[[], None]) -> list[Choice]:
        """What might go wrong now. `crash` lets its process die."""
        may, promised = self._strikes.may, self._outside.promised_until()
        found: list[Choice] = []
        if may("duplicated") and not self.is_void():
            found.append(_fault("the service invokes again", self._duplicate))
        if may("frozen") and promised is None:
            found.append(_fault("the process is frozen for an hour", self._freeze))
        if self._warned:
            kill = functools.partial(self._kill, crash)
            found.append(_fault("the process is killed at its deadline", kill))
        elif may("deadlines") and (promised is None or promised > self._deadline):
            found.append(_fault("the deadline is near", self._warn))
        return found

    def _duplicate(self) -> None:
        self._strikes.strike("duplicated")
        self._again()

    def _freeze(self) -> None:
        self._strikes.strike("frozen")
        self._skip_to(self._service.clock.now() + FREEZE)

    def _warn(self) -> None:
        self._strikes.strike("deadlines")
        self._warned = True
        self._skip_to(self._deadline - MARGIN)

    def _kill(self, crash: Callable[[], None]) -> None:
        self.killed = True
        self._skip_to(self._deadline)
        crash()

    def _skip_to(self, when: datetime) -> None:
        self._service.clock.advance_to(when)
        self._service.execution.elapse()


def _fault(name: str, happen: Callable[[], None]) -> Choice:
    return Choice(ChoiceKind.FAULT, name, "the world", happen)
