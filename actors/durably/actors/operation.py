"""One operation's lifecycle.

`TRANSITIONS` says which message means what in which state. What stands in no cell cannot happen, and
raises. A wait, a callback, a step, a context and a map differ in what their START sets going.
"""

import functools
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from durably.actors.actor import Actor, Ref
from durably.actors.lifecycle import ALIVE, EXPECTING, INDIFFERENT, JUST_LEFT_REST, RESTING, OperationState
from durably.actors.messages import (
    ROOT,
    Abandon,
    Await,
    Awaiter,
    Begin,
    BodyDone,
    BranchDone,
    Completed,
    Confirmed,
    Due,
    Failed,
    Go,
    MapDone,
    Message,
    News,
    Orphaned,
    Outcome,
    Raised,
    Refresh,
    Refused,
    Resumption,
    Retried,
    Returned,
    Settled,
    Submit,
    Succeeded,
    Unwound,
    Waiting,
    WaitingFor,
    Watch,
)
from durably.actors.model import Operation, OperationAction, OperationStatus, OperationType, OperationUpdate
from durably.actors.spec import CONFIRMED, Kind, Spec
from durably.actors.stage import Job, JobKind, Timer
from durably.actors.task import Task

if TYPE_CHECKING:
    from durably.actors.stage import Stage

logger = logging.getLogger("durably.actors")

POLL_STEP = 1.0
POLL_AT_MOST = 10.0
POLL_FOR = 15 * 60.0


Handler = Callable[["OperationActor", Any], None]


def cells(handler: Handler, *states: OperationState) -> dict[OperationState, Handler]:
    """The cells of a row of the transition table in which `handler` handles the message."""
    return dict.fromkeys(states, handler)


class OrphanedError(Exception):
    """An operation was awaited from outside the context that it belongs to, which finished first."""


class ImpossibleMessageError(Exception):
    """A message came in a state in which the protocol has no place for it."""


class OperationActor(Actor):
    """One operation, from `Begin` to its end."""

    # Defaults on the class: most operations change few of these, and there may be 100,000 of them.
    state = OperationState.NEW
    _record: Operation | None = None
    _outcome: Outcome | None = None
    _awaiters: list[Awaiter] | None = None
    _creator: Awaiter | None = None
    _settle: Callable[[Resumption], None] | None = None
    _timer: Timer | None = None
    _job: Job | None = None
    _task: Task | None = None
    _concurrency: Ref | None = None
    _attempt = 0
    _polled_for = 0.0
    _next_poll = POLL_STEP
    _told = False
    """The supervisor counts it as waiting."""
    _finished = ROOT
    """If ORPHANED: the finished context that it is below."""
    observe: Callable[[OperationUpdate, Operation | None], None] | None = None
    """Told whenever it begins or is tried again, with its START and its record, before anything is sent."""

    def __init__(self, stage: "Stage", checkpoint: Ref, supervisor: Ref, spec: Spec) -> None:
        start = spec.start
        super().__init__(stage, start.name or start.id)
        self._spec = spec
        self._checkpoint = checkpoint
        self._supervisor = supervisor

    def on_receive(self, message: Message) -> None:
        handler = self.TRANSITIONS[type(message)].get(self.state, _impossible)
        handler(self, message)

    # ------------------------------------------------------------------ beginning

    def _begin(self, message: Begin) -> None:
        record, kind = message.record, self._spec.kind
        if message.awaiter is not None:
            self._awaiters = [message.awaiter]
        if message.creator is not None:
            self._creator = message.creator
        if message.settle is not None:
            self._settle = message.settle
        if record is not None:
            self._attempt = record.attempt
        if self.observe is not None:
            self.observe(self._spec.start, record)
        if record is None or record.status is OperationStatus.READY:
            self._start()
            return
        self._checkpoint.tell(Watch(self.ref, record))
        is_step = kind is Kind.STEP or kind is Kind.AT_MOST_ONCE
        if kind is Kind.CONTEXT or kind is Kind.MAP:
            self._execute(self.ref)
        elif is_step and record.status is OperationStatus.STARTED:
            # An at-most-once attempt may have run: its body must not run again, it is only decided.
            self._execute(self.ref, interrupted=kind is Kind.AT_MOST_ONCE)
        else:
            self.state = OperationState.WATCHING

    def _start(self) -> None:
        """Submit START."""
        confirm = self._spec.kind in CONFIRMED
        me = self.ref
        self._checkpoint.tell(Submit(me, self._spec.start, confirm))
        if confirm:
            self.state = OperationState.STARTING
        else:
            self._execute(me)

    def _execute(self, me: Ref, *, interrupted: bool = False) -> None:
        self.state = OperationState.EXECUTING
        spec = self._spec
        if spec.body is not None:
            body, start = spec.body, spec.start
            run = functools.partial(_run_body, body.run, self._attempt + 1, interrupted)
            variables = None if body.context is None else body.context.copy()  # each attempt has its own
            self._job = Job(JobKind.BODY, run, me, start.name or start.id, variables, body.code)
            self.stage.work(self._job)
        elif spec.outcome is not None:
            me.tell(BodyDone(spec.outcome))
        elif spec.task is not None:
            self._task = spec.task(me)
            self.stage.spawn_task(self._task)
        elif spec.concurrency is not None:
            self._concurrency = spec.concurrency(me)
            self._concurrency.tell(Go())

    # ------------------------------------------------------------------ being awaited

    def _await(self, message: Await) -> None:
        if self._awaiters is None:
            self._awaiters = []
        self._awaiters.append(message.awaiter)
        if self.state is OperationState.IDLE_NOT_AWAITED:
            self._rest(OperationState.IDLE_AWAITED)
        elif self.state is OperationState.RETRY_WAITING and not self._told:
            self._tell_waiting()

    def _await_done(self, message: Await) -> None:
        self._resume(message.awaiter, self._result())

    def _await_orphan(self, message: Await) -> None:
        self._resume(message.awaiter, self._farewell(message.awaiter.task))

    def _resume(self, awaiter: Awaiter, how: Resumption) -> None:
        self.stage.resume(awaiter.task, awaiter.ticket, how)

    def _result(self) -> Resumption:
        if isinstance(self._outcome, Raised):
            return Refused(self._outcome.exception)
        assert self._record is not None
        return Completed(self._record, self._outcome)

    # ------------------------------------------------------------------ waiting for the service

    def _rest(self, state: OperationState) -> None:
        """Only an operation that is awaited, or is to be retried, has a timer; only an awaited one waits."""
        self.state = state
        self._polled_for, self._next_poll = 0.0, POLL_STEP
        if state is OperationState.IDLE_NOT_AWAITED:
            return
        moment = None
        if self._record is not None:
            moment = self._record.next_attempt_at or self._record.ends_at
        if moment is not None:
            delay = max(0.0, moment.timestamp() - self.stage.time())
            self._timer = self.stage.timer(delay, self.ref, Due())
        else:
            self._poll()
        if self._awaiters:
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        if self.state is OperationState.RETRY_WAITING:
            reason = WaitingFor.RETRY_SCHEDULED
        elif self._spec.kind is Kind.CALLBACK:
            reason = WaitingFor.CALLBACK_PENDING
        else:
            reason = WaitingFor.WAIT_SCHEDULED
        self._told = True
        self._supervisor.tell(Waiting(self._spec.start.id, reason))

    def _poll(self) -> None:
        """Ask again after a while: one second longer each time, in company only, and not for ever."""
        self._timer = None
        if self._polled_for + self._next_poll <= POLL_FOR:
            self._timer = self.stage.timer(self._next_poll, self.ref, Due(), needs_company=True)
            self._polled_for += self._next_poll
            self._next_poll = min(self._next_poll + POLL_STEP, POLL_AT_MOST)

    def _due(self, _message: Due) -> None:
        self._checkpoint.tell(Refresh())
        self._poll()

    def _leave_rest(self) -> None:
        if self._timer is not None:
            self._timer.cancelled = True
            self._timer = None
        if self._told:
            self._told = False
            self._supervisor.tell(Settled(self._spec.start.id))

    # ------------------------------------------------------------------ what has become of the work

    def _work_done(self, message: BodyDone | Returned | MapDone) -> None:
        outcome = message.outcome
        self._job = self._task = self._concurrency = None
        self._outcome = outcome
        if isinstance(outcome, Raised):
            self.state = OperationState.COMPLETED  # nothing is recorded
            self._tell_branch(outcome)
            self._resume_all()
            return
        self._checkpoint.tell(Submit(self.ref, self._update_of(outcome)))
        if isinstance(outcome, Retried):
            self.state = OperationState.RETRYING
        else:
            self.state = OperationState.ENDING
            self._tell_branch(outcome)

    def _update_of(self, outcome: Succeeded | Failed | Retried) -> OperationUpdate:
        start = self._spec.start
        names = (start.sub_type, start.name, start.parent_id)
        if isinstance(outcome, Succeeded):
            success, payload = OperationAction.SUCCEED, outcome.payload
            replay = outcome.replay_children if start.type is OperationType.CONTEXT else None
            return OperationUpdate(start.id, start.type, success, *names, payload, None, replay)
        if isinstance(outcome, Failed):
            return OperationUpdate(start.id, start.type, OperationAction.FAIL, *names, None, outcome.error)
        retry, payload, error = OperationAction.RETRY, outcome.payload, outcome.error
        return OperationUpdate(start.id, start.type, retry, *names, payload, error, None, outcome.delay)

    def _tell_branch(self, outcome: Outcome) -> None:
        """A branch's end counts as soon as it is submitted: nothing that follows can overtake it."""
        if self._spec.branch is not None:
            concurrency, index = self._spec.branch
            concurrency.tell(BranchDone(index, outcome))

    # ------------------------------------------------------------------ news from the service

    def _news(self, message: Confirmed | News) -> None:
        """The record as it stands, while something is waited for that it may bring."""
        record = message.record
        state = self.state
        self._record = record
        if record.status.is_terminal:
            self._leave_rest()
            self.state = OperationState.COMPLETED
            self._resume_all()
        elif record.status is OperationStatus.STARTED:
            if state is OperationState.STARTING and self._spec.kind is Kind.AT_MOST_ONCE:
                self._execute(self.ref)
            elif state in (OperationState.STARTING, OperationState.WATCHING):
                if self._creator is not None:
                    self._created(Completed(record))
                idle = OperationState.IDLE_AWAITED if self._awaiters else OperationState.IDLE_NOT_AWAITED
                self._rest(idle)
        elif record.status is OperationStatus.PENDING:
            if state in (OperationState.RETRYING, OperationState.WATCHING):
                self._rest(OperationState.RETRY_WAITING)
        elif state is not OperationState.ENDING:  # READY
            self._attempt = record.attempt
            self._leave_rest()
            if self.observe is not None:
                self.observe(self._spec.start, record)
            self._start()

    def _created(self, how: Resumption) -> None:
        creator, self._creator = self._creator, None
        assert creator is not None
        self._resume(creator, how)

    def _resume_all(self) -> None:
        result = self._result()
        if self._settle is not None:
            self._settle(result)
        if self._creator is not None:
            self._created(result)
        awaiters, self._awaiters = self._awaiters, None
        for awaiter in awaiters or ():
            self._resume(awaiter, result)

    # ------------------------------------------------------------------ a context above has finished

    def _orphaned(self, message: Orphaned) -> None:
        self._leave_rest()
        if self._job is not None:
            self.stage.drop(self._job)
        if self._task is not None:
            self._task.unwound = True  # code that has not begun never does
            self.stage.resume(self._task, self._task.ticket, Unwound())  # whatever it is parked on
        if self._concurrency is not None:
            self._concurrency.tell(Abandon())
        self._task = self._concurrency = None
        self.state = OperationState.ORPHANED
        self._finished = message.finished
        if self._creator is not None:
            self._created(self._farewell(self._creator.task))
        if self._settle is not None:
            self._settle(Unwound())
        if self._awaiters:
            self._settle = None  # it is only unwound with the code that wanted it: no case for a warning
        awaiters, self._awaiters = self._awaiters, None
        for awaiter in awaiters or ():
            self._resume(awaiter, self._farewell(awaiter.task))

    def _dropped(self, _message: BodyDone) -> None:
        if self._settle is not None:
            logger.warning(
                "The result of step %s is dropped: its context, or the invocation, ended before it, and "
                "nobody awaited it. Await the future of a deferred step that matters.",
                self.actor_urn,
            )

    def _farewell(self, task: Task) -> Resumption:
        """An awaiter inside the finished context is unwound with it; one outside learns of an error."""
        scope = task.scope
        if self._finished == ROOT or (scope is not None and scope.is_within(self._finished)):
            return Unwound()
        start = self._spec.start
        return Refused(
            OrphanedError(
                f"operation {start.name or start.id!r} was abandoned when the context it belongs to "
                "finished. Await it inside that context."
            )
        )

    def _ignore(self, _message: Any) -> None:
        pass

    TRANSITIONS: ClassVar[dict[type[Message], dict[OperationState, Handler]]] = {
        Begin: cells(_begin, OperationState.NEW),
        Await: cells(_await, *ALIVE)
        | cells(_await_done, OperationState.COMPLETED)
        | cells(_await_orphan, OperationState.ORPHANED),
        Due: cells(_due, *RESTING) | cells(_ignore, *JUST_LEFT_REST),
        BodyDone: cells(_work_done, OperationState.EXECUTING) | cells(_dropped, OperationState.ORPHANED),
        Returned: cells(_work_done, OperationState.EXECUTING) | cells(_ignore, OperationState.ORPHANED),
        MapDone: cells(_work_done, OperationState.EXECUTING) | cells(_ignore, OperationState.ORPHANED),
        Confirmed: cells(_news, *EXPECTING) | cells(_ignore, OperationState.ORPHANED),
        News: cells(_news, *EXPECTING) | cells(_ignore, *INDIFFERENT),
        Orphaned: cells(_orphaned, *ALIVE)
        | cells(_ignore, OperationState.COMPLETED, OperationState.ORPHANED),
    }


def _run_body(run: Callable[[int, bool], Outcome], attempt: int, interrupted: bool) -> Message:
    return BodyDone(run(attempt, interrupted))


def _impossible(operation: OperationActor, message: Message) -> None:
    raise ImpossibleMessageError(
        f"{operation.actor_urn} got {type(message).__name__} while {operation.state.name}"
    )
