"""The controller of one map or parallel: which branch starts when, and when it is enough.

Branches start in index order, at most `max_concurrency` of them unfinished; one that is suspended keeps its
place. After each end the counts are looked at; a decision is made once, and no late branch revises it.

Where there is room for thousands they begin some hundreds at a time, the next when the system has nothing
better to do: so that short branches come and go instead of being alive all at once.
"""

import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import attrs

from durably.actors.actor import Actor, Ref
from durably.actors.frozen import frozen
from durably.actors.messages import (
    Abandon,
    BranchDone,
    Go,
    GoOn,
    MapDone,
    Message,
    Outcome,
    Raised,
    Succeeded,
)
from durably.actors.model import Operation

if TYPE_CHECKING:
    from durably.actors.stage import Stage


AT_A_TIME = 256


class CompletionReason(enum.Enum):
    """Why a map or parallel is complete."""

    ALL_COMPLETED = "ALL_COMPLETED"
    MIN_SUCCESSFUL_REACHED = "MIN_SUCCESSFUL_REACHED"
    FAILURE_TOLERANCE_EXCEEDED = "FAILURE_TOLERANCE_EXCEEDED"
    CUSTOM_COMPLETION_SUCCEEDED = "CUSTOM_COMPLETION_SUCCEEDED"
    CUSTOM_COMPLETION_FAILED = "CUSTOM_COMPLETION_FAILED"


@frozen
class Limits:
    """When branches start, and how many ends are enough. None means no limit.

    With no criterion at all any failure is one too many; `min_successful` alone tolerates all. A `custom`
    predicate decides instead of all thresholds: it gets how many have succeeded and failed, and the
    branches, and gives a reason or None.
    """

    max_concurrency: int | None = None
    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: float | None = None
    custom: "Callable[[int, int, Sequence[Branch]], CompletionReason | None] | None" = None

    def decide(self, succeeded: int, failed: int, branches: "Sequence[Branch]") -> CompletionReason | None:
        """Why these counts are enough, or None. The first reason that holds is the one."""
        total = len(branches)
        if self.custom is not None:
            reason = self.custom(succeeded, failed, branches)
            if reason is not None:
                return reason
        elif self.tolerance_exceeded(total, failed):
            return CompletionReason.FAILURE_TOLERANCE_EXCEEDED
        if succeeded + failed >= total:
            return CompletionReason.ALL_COMPLETED
        if self.min_successful is not None and succeeded >= self.min_successful:
            return CompletionReason.MIN_SUCCESSFUL_REACHED
        return None

    def tolerance_exceeded(self, total: int, failed: int) -> bool:
        """True if so many failures of so many branches are too many."""
        count, percentage = self.tolerated_failure_count, self.tolerated_failure_percentage
        if count is None and percentage is None:
            return self.min_successful is None and failed > 0
        if count is not None and failed > count:
            return True
        return percentage is not None and total > 0 and failed / total * 100 > percentage


class BranchStatus(enum.Enum):
    """Where a branch is when the decision is made."""

    UNSTARTED = None
    STARTED = "STARTED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@attrs.define
class Branch:
    """One branch as the controller sees it. `outcome` is there when it has ended in this invocation."""

    record: Operation | None = None
    status: BranchStatus = BranchStatus.UNSTARTED
    outcome: Outcome | None = None


@frozen
class Decision:
    """Why the map is complete, and how each branch stood at that moment."""

    reason: CompletionReason
    branches: tuple[Branch, ...]


class ConcurrencyState(enum.IntEnum):
    """NEW until Go; DECIDED for good."""

    NEW = 0
    OPEN = 1
    DECIDED = 2


class ConcurrencyActor(Actor):
    """Admission and completion of one map or parallel.

    Args:
        operation: the map's own operation, which is told the decision.
        limits: admission and completion.
        branches: all of them; one whose `status` says that it is complete counts at once.
        begin: lets the branch with this index begin; it tells `BranchDone` to the ref it is given.
        conclude: makes of a decision, or of what the user's predicate raised, the outcome that the map's
            operation records.
        stop: called when nothing more is to come of the branches; it ends the code of those that have no
            operation of their own, which nobody else does.
    """

    def __init__(
        self,
        stage: "Stage",
        name: str,
        operation: Ref,
        limits: Limits,
        branches: list[Branch],
        begin: Callable[[Ref, int], None],
        conclude: Callable[[Decision | Exception], Outcome],
        stop: Callable[[], None],
    ) -> None:
        super().__init__(stage, f"concurrency of {name}")
        self.state = ConcurrencyState.NEW
        self._operation = operation
        self._limits = limits
        self._branches = branches
        self._begin = begin
        self._conclude = conclude
        self._stop_branches = stop
        self._next = 0
        self._allowance = AT_A_TIME
        self._asked = False
        self._unfinished = 0
        self._succeeded = 0
        self._failed = 0

    def on_receive(self, message: Message) -> None:
        self.HANDLERS[type(message)](self, message)

    def _go(self, _message: Go) -> None:
        self.state = ConcurrencyState.OPEN
        for branch in self._branches:
            self._succeeded += branch.status is BranchStatus.SUCCEEDED
            self._failed += branch.status is BranchStatus.FAILED
        self._go_on()

    def _go_on_told(self, _message: GoOn) -> None:
        self._asked = False
        if self.state is ConcurrencyState.OPEN:
            self._allowance = AT_A_TIME
            self._begin_branches()

    def _branch_done(self, message: BranchDone) -> None:
        if self.state is ConcurrencyState.DECIDED:
            return
        branch = self._branches[message.index]
        branch.outcome = message.outcome
        self._unfinished -= 1
        self._allowance += 1
        if isinstance(message.outcome, Raised):
            self._decided(message.outcome)
            return
        if isinstance(message.outcome, Succeeded):
            branch.status = BranchStatus.SUCCEEDED
            self._succeeded += 1
        else:
            branch.status = BranchStatus.FAILED
            self._failed += 1
        self._go_on()

    def _go_on(self) -> None:
        """Decide, or let as many branches begin as there is room for."""
        try:
            reason = self._limits.decide(self._succeeded, self._failed, self._branches)
        except Exception as error:  # the user's predicate
            self._decided(self._conclude(error))
            return
        if reason is not None:
            self._decided(self._conclude(Decision(reason, tuple(self._branches))))
            return
        self._begin_branches()

    def _begin_branches(self) -> None:
        most = self._limits.max_concurrency
        while self._next < len(self._branches) and (most is None or self._unfinished < most):
            if self._allowance <= 0:
                if not self._asked:
                    self._asked = True
                    self.stage.when_idle(self.ref, GoOn())
                return
            index = self._next
            self._next += 1
            branch = self._branches[index]
            if branch.status is BranchStatus.UNSTARTED:
                branch.status = BranchStatus.STARTED
                self._unfinished += 1
                self._allowance -= 1
                self._begin(self.ref, index)

    def _abandon(self, _message: Abandon) -> None:
        self._over()

    def _decided(self, outcome: Outcome) -> None:
        self._over()
        self._operation.tell(MapDone(outcome))

    def _over(self) -> None:
        self.state = ConcurrencyState.DECIDED
        self._branches = []
        self._stop_branches()

    HANDLERS: ClassVar[dict[type[Message], Callable[..., None]]] = {
        Go: _go,
        Abandon: _abandon,
        GoOn: _go_on_told,
        BranchDone: _branch_done,
    }
