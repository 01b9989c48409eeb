"""The library's promises, by name, and how a simulated run finds one broken.

An onlooker sees every message that an actor handles, every body, every call and every end, and keeps its own
books of them: it does not ask an actor what the actor believes.
"""

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from durably.actors.actor import Actor, Ref
from durably.actors.checkpoint import CheckpointActor
from durably.actors.messages import (
    Abandon,
    Await,
    Awaiter,
    Begin,
    BranchDone,
    CallDone,
    CallFailed,
    Close,
    Confirmed,
    Due,
    Go,
    MapDone,
    News,
    Orphaned,
    Settled,
    Submit,
    Waiting,
    Watch,
)
from durably.actors.model import Operation, OperationStatus, OperationType, OperationUpdate
from durably.actors.operation import OperationActor
from durably.actors.recorded import wire_size
from durably.actors.spec import Kind, Spec
from durably.actors.task import Task, where
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.onlooking import peek
from durably.workflows.testing.simulated_admission import Admissions
from durably.workflows.testing.simulated_ends import Ends, IsTold
from durably.workflows.testing.simulated_waits import Waits

MOST_UPDATES = 250
MOST_BYTES = 768_000
LONGEST = 600
"""In characters of what an error says of a result."""


def waits_for(tasks: Sequence[Task]) -> str:
    """Who waits for what, and where in the code; to be said of parked tasks."""
    return "; ".join(
        f"{task.name} waits for {task.awaits!r} at {where(task.frame())}"
        for task in sorted(tasks, key=lambda task: task.depth)
    )


class RunPromises:
    """What must hold across all invocations of a run."""

    def __init__(self, records: Callable[[], Mapping[str, Operation]]) -> None:
        self._records = records
        self._begun: set[tuple[str, int]] = set()  # attempts of which there must not be a second
        self._decisions: dict[str, str] = {}
        self.broken: InvariantError | None = None

    def what_is_left(self) -> object:
        """A value: what it remembers of the invocations so far."""
        return frozenset(self._begun), frozenset(self._decisions.items()), str(self.broken)

    def body_runs(self, spec: Spec, attempt: int, *, is_current: bool) -> None:
        """A step's body is about to run; `is_current` unless the service has begun another invocation.

        Raises:
            InvariantError: at-most-once or confirmed-once.
        """
        start = spec.start
        name = start.name or start.id
        record = self._records().get(start.id)
        if is_current and record is not None and record.status is OperationStatus.SUCCEEDED:
            raise InvariantError("confirmed-once", f"the body of {name} runs, and its success is recorded")
        if spec.kind is Kind.AT_MOST_ONCE:
            if is_current and (record is None or record.status is not OperationStatus.STARTED):
                what = f"the body of {name} runs, and its START is not recorded"
                raise InvariantError("at-most-once", what)
            if (start.id, attempt) in self._begun:
                raise InvariantError("at-most-once", f"the body of {name} runs again in attempt {attempt}")
            self._begun.add((start.id, attempt))

    def updates(self, updates: Sequence[OperationUpdate]) -> None:
        """The service is about to record these.

        Raises:
            InvariantError: parent-last.
        """
        records = self._records()
        ended: set[str] = set()
        around: dict[str, str | None] = {}
        for update in updates:
            parent = update.parent_id
            while parent is not None:
                record = records.get(parent)
                if parent in ended or (record is not None and record.status.is_terminal):
                    what = f"{update.action.value} of {update.name or update.id} after the end of its context"
                    raise InvariantError("parent-last", what)
                parent = around.get(parent) if record is None else record.parent_id
            if update.type is OperationType.CONTEXT:
                around[update.id] = update.parent_id
                if update.action.value != "START":
                    ended.add(update.id)

    def result(self, id: str, name: str, value: object) -> None:
        """Workflow code is given the result of an operation; `broken` if it was another (stable-decision).

        Nothing is raised: that would be in workflow code, which may catch it.
        """
        if not isinstance(value, BatchResult):
            return
        to_dict: Callable[[], dict[str, Any]] = getattr(cast(object, value), "to_dict")  # noqa: B009
        text = json.dumps(to_dict(), default=lambda each: type(each).__name__)
        before = self._decisions.setdefault(id, text)
        if before != text and self.broken is None:
            what = f"the result of {name} was {_short(before)}, and now is {_short(text)}"
            self.broken = InvariantError("stable-decision", what)


class InvocationPromises:
    """What must hold within one invocation."""

    def __init__(self, token: str) -> None:
        self.checkpoint: CheckpointActor | None = None
        self._token = token
        self._accepted: dict[str, deque[OperationUpdate]] = {}
        self._in_call: Sequence[OperationUpdate] = ()
        self._awaited: dict[tuple[Task, int], set[str]] = {}
        self.admissions = Admissions()
        self._ends = Ends()
        self.waits = Waits()
        self._to_stop: tuple[Task | None, Ref | None] = None, None

    # ------------------------------------------------------------------ what actors do

    def submits(self, actor: CheckpointActor, message: Submit) -> None:
        """An operation has something to be sent."""
        self.checkpoint = actor
        self._ends.submits(message)
        self.waits.goes_on()

    def watches(self, actor: CheckpointActor, message: Watch) -> None:
        """An operation wants to know how it stands."""
        self.checkpoint = actor
        self._ends.watches(message)

    def begins(self, actor: OperationActor, message: Begin) -> None:
        """An operation begins, and somebody may wait for it already."""
        if message.awaiter is not None:
            self._parks(message.awaiter, actor)
        if message.creator is not None:
            self._parks(message.creator, actor)

    def awaits(self, actor: OperationActor, message: Await) -> None:
        """Somebody waits for an operation."""
        self._parks(message.awaiter, actor)

    def learns(self, actor: OperationActor, message: Confirmed | News | Orphaned) -> None:
        """An operation is told of."""
        operation = _id_of(actor)
        self._ends.learns(operation, message)
        self.waits.learns(operation, message)
        if isinstance(message, Orphaned):
            self._to_stop = peek(actor, "_task"), peek(actor, "_concurrency")

    def called(self, _actor: CheckpointActor, message: CallDone) -> None:
        """The service has answered."""
        self._in_call = ()
        self._ends.called(message)

    def over(self, _actor: CheckpointActor, message: CallFailed | Close) -> None:
        """Nothing is accepted any more."""
        self._ends.over(message)

    def accepted(self, update: OperationUpdate, is_told: IsTold) -> None:
        """The checkpoint actor has taken it.

        Raises:
            InvariantError: parent-last.
        """
        broken = self._ends.accepted(update, is_told)
        if broken is not None:
            raise InvariantError(*broken)
        accepted = self._accepted.get(update.id)
        if accepted is None:
            self._accepted[update.id] = deque((update,))
        else:
            accepted.append(update)

    def ends(self, is_told: IsTold) -> None:
        """The checkpoint actor has handled what may have ended everything.

        Raises:
            InvariantError: no-lost-wakeup.
        """
        self._broken(self._ends.answered(is_told))

    def orphaned(self, is_abandoned: IsTold) -> None:
        """An operation has learned that it is below something finished.

        Raises:
            InvariantError: orphans-unwound.
        """
        task, concurrency = self._to_stop
        if task is not None and not task.unwound:
            raise InvariantError("orphans-unwound", f"nobody unwinds {task.name}")
        if concurrency is not None and not is_abandoned(concurrency):
            raise InvariantError("orphans-unwound", f"nobody abandons {concurrency.actor_urn}")

    def _broken(self, what: tuple[str, str] | None) -> None:
        if what is not None:
            raise InvariantError(*what)

    def _parks(self, awaiter: Awaiter, actor: OperationActor) -> None:
        self._awaited.setdefault((awaiter.task, awaiter.ticket), set()).add(_id_of(actor))

    # ------------------------------------------------------------------ calls

    def call(self, updates: Sequence[OperationUpdate], token: str) -> None:
        """The service gets a call.

        Raises:
            InvariantError: one-call.
        """
        if self._ends.is_cut_off:
            raise InvariantError("one-call", f"a call after {self._ends.end}")
        if token != self._token:
            raise InvariantError("one-call", "a call with another token than the newest")
        if len(updates) > MOST_UPDATES:
            raise InvariantError("one-call", f"{len(updates)} updates in one call")
        if len(updates) > 1 and (size := sum(map(wire_size, updates))) > MOST_BYTES:
            raise InvariantError("one-call", f"{size} bytes in one call of {len(updates)} updates")
        sent = [update for update in updates if update.type is not OperationType.EXECUTION]
        for update in sent:
            expected = self._accepted.get(update.id)
            if not expected or expected[0] is not update:
                due = f"{expected[0].action.value} is due" if expected else "nothing is due"
                what = f"{update.action.value} of {update.name or update.id} is sent, and {due}"
                raise InvariantError("one-call", what)
            expected.popleft()
            if not expected:
                del self._accepted[update.id]
        self._in_call = sent

    def answered(self, token: str | None) -> None:
        """The service has done what the call asked for, and says which token is next."""
        if token is not None:
            self._token = token

    # ------------------------------------------------------------------ stillness and the end

    def still(self, parked: Sequence[Task]) -> None:
        """Nothing is under way any more.

        Raises:
            InvariantError: no-lost-wakeup, orphans-unwound, exact-view, no-early-end or no-hang.
        """
        if self.checkpoint is None:
            return
        history = self.checkpoint.history
        self._broken(self.waits.still(parked, history, self._ends.orphaned, self.checkpoint.stage.time))
        for task in parked:
            awaited = self._awaited.get((task, task.ticket), ())
            if len(awaited) != 1:
                continue  # nothing recorded, or the first of several, which may have come already
            (key,) = awaited
            record = history.get(key)
            if key in self._ends.orphaned:
                what = f"{task.awaits} is below something finished, and {waits_for([task])}"
                raise InvariantError("no-lost-wakeup", what)
            if record is not None and record.status.is_terminal and task.awaits == (record.name or key):
                what = f"{record.name or key} is {record.status.value}, and {waits_for([task])}"
                raise InvariantError("no-lost-wakeup", what)

    def ended(self) -> None:
        """The invocation has ended SUCCEEDED or PENDING.

        Raises:
            InvariantError: no-lost-update.
        """
        left = [update for queue in self._accepted.values() for update in queue]
        unconfirmed = [f"{update.action.value} of {update.name or update.id}" for update in left]
        if unconfirmed:
            raise InvariantError("no-lost-update", f"never sent: {', '.join(unconfirmed)}")
        if self._in_call:
            names = [f"{update.action.value} of {update.name or update.id}" for update in self._in_call]
            raise InvariantError("no-lost-update", f"never confirmed: {', '.join(names)}")


def body_of(operation: Ref, run: Callable[[], object]) -> tuple[Spec, int, bool]:
    """What an operation's body runs, in which attempt, and whether that was interrupted before."""
    actor = peek(operation, "_actor")
    _, attempt, interrupted = peek(run, "args")
    return peek(actor, "_spec"), attempt, interrupted


def _id_of(operation: Actor) -> str:
    spec: Spec = peek(operation, "_spec")
    return spec.start.id


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


NOTES: dict[type, Callable[[InvocationPromises, Any, Any], None]] = {
    Submit: InvocationPromises.submits,
    Watch: InvocationPromises.watches,
    Begin: InvocationPromises.begins,
    Await: InvocationPromises.awaits,
    Confirmed: InvocationPromises.learns,
    News: InvocationPromises.learns,
    Orphaned: InvocationPromises.learns,
    CallDone: InvocationPromises.called,
    CallFailed: InvocationPromises.over,
    Close: InvocationPromises.over,
    Go: lambda promises, actor, _message: promises.admissions.go(actor),
    BranchDone: lambda promises, actor, _message: promises.admissions.branch_done(actor),
    Abandon: lambda promises, actor, _message: promises.admissions.over(actor),
    MapDone: lambda promises, actor, _message: promises.admissions.map_done(actor),
    Due: lambda promises, actor, _message: promises.waits.is_due(_id_of(actor)),
    Waiting: lambda promises, _actor, message: promises.waits.waits(message.operation),
    Settled: lambda promises, _actor, message: promises.waits.settled(message.operation),
}
"""What is noted of a message before it is handled."""
