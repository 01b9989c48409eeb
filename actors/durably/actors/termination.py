"""The supervisor: when may the invocation end?

Ending early loses work, ending late costs money, not ending hangs. The system tells it `Quiet(n)` when
nothing is outstanding for the n-th time: every message has been handled then, so what the supervisor has
been told is exactly how things are. If somebody waits it starts a cooldown, since news may be on its way,
and looks again when that is over: the invocation ends only if the same stillness has lasted all along.
"""

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from durably.actors.actor import Actor, Ref
from durably.actors.messages import (
    CheckpointingOver,
    Close,
    CooldownElapsed,
    DeadlineNear,
    Ending,
    EndKind,
    FailureKind,
    Finish,
    Message,
    Outcome,
    Quiet,
    Settled,
    Waiting,
    WaitingFor,
)

if TYPE_CHECKING:
    from durably.actors.stage import Stage

DEFAULT_COOLDOWN = 0.05


class TerminationState(enum.IntEnum):
    """RUNNING until the root has finished or checkpointing is over; COOLING only says what runs."""

    RUNNING = 0
    COOLING = 1
    FINISHED = 2
    CHECKPOINTING_OVER = 3
    ENDED = 4


class TerminationActor(Actor):
    """Decides that the invocation ends, and why.

    Args:
        cooldown: seconds in which something may still come due before the invocation ends PENDING; 0 for
            at once. If nothing will, it is not waited for.
        time_left: seconds that the invocation may still take, asked once its outcome is known, so that
            bodies which nobody needs any more are not waited for longer than that. None for no limit.
    """

    def __init__(
        self,
        stage: "Stage",
        cooldown: float = DEFAULT_COOLDOWN,
        time_left: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(stage, "termination")
        self.state = TerminationState.RUNNING
        self.checkpoint: Ref | None = None
        self._cooldown = cooldown
        self._time_left = time_left
        self._waiting: dict[str, WaitingFor] = {}
        self._outcome: Outcome | None = None
        self._failure: CheckpointingOver | None = None

    def on_receive(self, message: Message) -> None:
        self.HANDLERS[type(message)](self, message)

    def _waits(self, message: Waiting) -> None:
        self._waiting[message.operation] = message.reason

    def _settled(self, message: Settled) -> None:
        self._waiting.pop(message.operation, None)

    def _finish(self, message: Finish) -> None:
        if self.state is TerminationState.CHECKPOINTING_OVER or self.state is TerminationState.ENDED:
            return  # what could not be recorded has not happened
        self._outcome = message.outcome
        self._known(TerminationState.FINISHED)
        assert self.checkpoint is not None
        self.checkpoint.tell(Close())

    def _checkpointing_over(self, message: CheckpointingOver) -> None:
        if self.state is TerminationState.ENDED:
            return
        self._failure = message
        self._known(TerminationState.CHECKPOINTING_OVER)

    def _known(self, state: TerminationState) -> None:
        """How it ends is known; only bodies that still run are waited for, as long as time permits."""
        first = self.state in (TerminationState.RUNNING, TerminationState.COOLING)
        self.state = state
        if first and self._time_left is not None:
            self.stage.timer(max(0.0, self._time_left()), self.ref, DeadlineNear())

    def _quiet(self, message: Quiet) -> None:
        if self.state is TerminationState.ENDED or not self.stage.is_still(message.number):
            return
        if self._outcome is not None or self._failure is not None:
            self._end_known()
        elif not self._waiting:
            self._end(Ending(EndKind.DEADLOCK))
        elif self._cooldown <= 0 or not self.stage.due_within(self._cooldown):
            self._end_pending()  # nothing could come of waiting
        else:
            self.state = TerminationState.COOLING
            self.stage.timer(self._cooldown, self.ref, CooldownElapsed(message.number))

    def _cooldown_elapsed(self, message: CooldownElapsed) -> None:
        """The cooldown re-check."""
        if self.state is TerminationState.COOLING and self.stage.is_still(message.number):
            self._end_pending()

    def _deadline_near(self, _message: DeadlineNear) -> None:
        if self.state is not TerminationState.ENDED:
            self._end_known()

    def _end_pending(self) -> None:
        self._end(Ending(EndKind.PENDING, reason=max(self._waiting.values())))

    def _end_known(self) -> None:
        failure = self._failure
        if failure is None:
            self._end(Ending(EndKind.FINISHED, self._outcome))
        elif failure.kind is FailureKind.WITHDRAWN:
            self._end(Ending(EndKind.PENDING))
        else:
            self._end(Ending(EndKind.CHECKPOINTING_FAILED, exception=failure.exception))

    def _end(self, ending: Ending) -> None:
        self.state = TerminationState.ENDED
        self.checkpoint = None  # no cycle: what the invocation holds goes at once
        self.stage.end(ending)

    HANDLERS: ClassVar[dict[type[Message], Callable[..., None]]] = {
        Waiting: _waits,
        Settled: _settled,
        Finish: _finish,
        CheckpointingOver: _checkpointing_over,
        Quiet: _quiet,
        CooldownElapsed: _cooldown_elapsed,
        DeadlineNear: _deadline_near,
    }
