"""The library's promises, by name, and how a simulated run finds one broken.

An onlooker sees every message that an actor handles, every body, every call and every end, and keeps its own
books of them: it does not ask an actor what the actor believes.
"""

import json
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import attrs

from durably.actors.actor import Actor, Ref
from durably.actors.checkpoint import CheckpointActor
from durably.actors.concurrency import ConcurrencyActor, Limits
from durably.actors.messages import Await, Begin, BranchDone, CallDone, Go, Submit, Watch
from durably.actors.model import Operation, OperationStatus, OperationType, OperationUpdate
from durably.actors.operation import OperationActor
from durably.actors.recorded import wire_size
from durably.actors.spec import Kind, Spec
from durably.actors.stage import Job
from durably.actors.task import Task, where
from durably.workflows.concurrency.models import BatchResult

MOST_UPDATES = 250
MOST_BYTES = 768_000
LONGEST = 600
"""In characters of what an error says of a result."""


class InvariantError(AssertionError):
    """A promise is broken. `name` is that of the invariant."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


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
        self._bodies: Counter[tuple[str, int]] = Counter()
        self._decisions: dict[str, str] = {}
        self.broken: InvariantError | None = None

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
        self._bodies[start.id, attempt] += 1
        if spec.kind is Kind.AT_MOST_ONCE and self._bodies[start.id, attempt] > 1:
            raise InvariantError("at-most-once", f"the body of {name} runs again in attempt {attempt}")

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


@attrs.define
class _Admission:
    """What is known of one map or parallel."""

    limits: Limits
    unfinished: int = 0
    last: int = -1


class InvocationPromises:
    """What must hold within one invocation."""

    def __init__(self, token: str) -> None:
        self.checkpoint: CheckpointActor | None = None
        self._token = token
        self._accepted: dict[str, deque[OperationUpdate]] = {}
        self._in_call: Sequence[OperationUpdate] = ()
        self._awaited: dict[tuple[Task, int], set[str]] = {}
        self._admissions: dict[Actor, _Admission] = {}
        self._notes: dict[type, Callable[[Any, Any], None]] = {
            Submit: self._meets,
            Watch: self._meets,
            Begin: self._awaits,
            Await: self._awaits,
            CallDone: self._called,
            Go: self._admits,
            BranchDone: self._branch_done,
        }

    # ------------------------------------------------------------------ what actors do

    def before(self, actor: Actor, message: object) -> None:
        """An actor is about to handle a message."""
        note = self._notes.get(type(message))
        if note is not None:
            note(actor, message)

    def _meets(self, actor: CheckpointActor, _message: Submit | Watch) -> None:
        self.checkpoint = actor

    def _called(self, actor: CheckpointActor, _message: CallDone) -> None:
        self._in_call = ()

    def accepted(self, update: OperationUpdate) -> None:
        """The checkpoint actor has taken it."""
        self._accepted.setdefault(update.id, deque()).append(update)

    def _awaits(self, actor: OperationActor, message: Begin | Await) -> None:
        awaiter = message.awaiter
        if awaiter is not None:
            spec: Spec = _peek(actor, "_spec")
            self._awaited.setdefault((awaiter.task, awaiter.ticket), set()).add(spec.start.id)

    def _branch_done(self, actor: ConcurrencyActor, _message: BranchDone) -> None:
        self._admissions[actor].unfinished -= 1

    def _admits(self, actor: ConcurrencyActor, _message: Go) -> None:
        admission = self._admissions[actor] = _Admission(_peek(actor, "_limits"))
        begin: Callable[[Ref, int], None] = _peek(actor, "_begin")
        name = actor.actor_urn

        def counted(me: Ref, index: int) -> None:
            if index <= admission.last:
                what = f"{name}: branch {index} begins after branch {admission.last}"
                raise InvariantError("bounded-admission", what)
            admission.last = index
            admission.unfinished += 1
            most = admission.limits.max_concurrency
            if most is not None and admission.unfinished > most:
                what = f"{name}: {admission.unfinished} branches are unfinished, and {most} may be"
                raise InvariantError("bounded-admission", what)
            begin(me, index)

        setattr(actor, "_begin", counted)  # noqa: B010  # an onlooker of its own kind

    # ------------------------------------------------------------------ calls

    def call(self, updates: Sequence[OperationUpdate], token: str) -> None:
        """The service gets a call.

        Raises:
            InvariantError: one-call.
        """
        if token != self._token:
            raise InvariantError("one-call", "a call with another token than the newest")
        if len(updates) > MOST_UPDATES:
            raise InvariantError("one-call", f"{len(updates)} updates in one call")
        size = sum(map(wire_size, updates))
        if len(updates) > 1 and size > MOST_BYTES:
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
            InvariantError: no-lost-wakeup.
        """
        if self.checkpoint is None:
            return
        history = self.checkpoint.history
        for task in parked:
            awaited = self._awaited.get((task, task.ticket), ())
            if len(awaited) != 1:
                continue  # nothing recorded, or the first of several, which may have come already
            (key,) = awaited
            record = history.get(key)
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


def body_of(job: Job, run: Callable[[], object]) -> tuple[Spec, int, bool]:
    """What a body's job runs, in which attempt, and whether that was interrupted before."""
    actor = _peek(job.reply_to, "_actor")
    _, attempt, interrupted = _peek(run, "args")
    return _peek(actor, "_spec"), attempt, interrupted


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} ... {text[-LONGEST // 2 :]}"


def _peek(whom: object, name: str) -> Any:
    """A part of the library that is nobody else's business: an onlooker's privilege."""
    return getattr(whom, name)
