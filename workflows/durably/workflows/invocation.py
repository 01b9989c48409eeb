"""One invocation from the inside: its actors, and what its contexts share.

Everything here is made when the invocation starts and gone when it ends.
"""

import contextvars
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from durably.actors.actor import Ref
from durably.actors.checkpoint import Call, CheckpointActor
from durably.actors.messages import (
    Begin,
    Completed,
    Finish,
    Outcome,
    Raised,
    Refused,
    Resumption,
    Returned,
    Unwound,
)
from durably.actors.model import Operation
from durably.actors.operation import OperationActor
from durably.actors.spec import Spec
from durably.actors.system import ActorSystem
from durably.actors.task import Scope, Task
from durably.actors.termination import DEFAULT_COOLDOWN, TerminationActor
from durably.workflows.exceptions import SuspendExecution

if TYPE_CHECKING:
    from durably.workflows.operations.code import ContextCode
    from durably.workflows.plugins.invocation import InvocationPlugins

Code = Callable[[Task], Outcome]
"""The code of a context. It answers for every `Exception`, and lets `SuspendExecution` pass."""


class Invocation:
    """The actors of one invocation, as its contexts see them."""

    def __init__(
        self,
        arn: str,
        token: str,
        snapshot: Mapping[str, Operation],
        call: Call,
        *,
        system: ActorSystem,
        cooldown: float = DEFAULT_COOLDOWN,
        time_left: Callable[[], float] | None = None,
        lambda_context: Any = None,
        plugins: "InvocationPlugins | None" = None,
    ) -> None:
        self.durable_execution_arn = arn
        self.snapshot = snapshot
        self.lambda_context = lambda_context
        self.system = system
        termination = TerminationActor(system, cooldown, time_left)
        checkpoint = CheckpointActor(system, call, token, dict(snapshot), termination.ref)
        termination.checkpoint = checkpoint.ref
        system.supervisor = self.supervisor = termination.ref
        self.checkpoint = checkpoint.ref
        self._checkpoint = checkpoint
        self.plugins = plugins
        if plugins is not None:
            plugins.watch(checkpoint.history, system.time)
            checkpoint.observe = plugins.answered

    @property
    def token(self) -> str:
        """The newest checkpoint token."""
        return self._checkpoint.token

    # ------------------------------------------------------------------ operations

    def operation(self, spec: Spec) -> Ref:
        """A new operation's actor; it begins when it is told to."""
        actor = OperationActor(self.system, self.checkpoint, self.supervisor, spec)
        if self.plugins is not None:
            actor.observe = self.plugins.begins
        return actor.ref

    def run(self, task: Task, spec: Spec, record: Operation | None) -> Completed:
        """Begin an operation and park the current task until it is complete.

        Raises:
            SuspendExecution: the invocation ends, or the task's context is finished, before that.
            Exception: what the operation raised without recording it.
        """
        awaiter = task.awaiter()
        self.operation(spec).tell(Begin(awaiter, record))
        return task.park(spec.start.name or spec.start.id)

    # ------------------------------------------------------------------ tasks

    def root(self, code: Code) -> None:
        """Start the handler's own task."""
        supervisor = self.supervisor

        def report(outcome: Outcome | None) -> None:
            if outcome is not None:
                supervisor.tell(Finish(outcome))

        variables = contextvars.copy_context()
        self.system.spawn_task(ContextTask("the handler", None, 0, code, variables, report))

    def join(self, current: Task, code: "ContextCode") -> Completed:
        """Run code in a task of its own, with no operation, and park the current one until it has ended.

        For contexts that record nothing: virtual ones, and those that are replayed for their result.
        """
        awaiter = current.awaiter()
        task = self.begin_unrecorded(code, lambda how: self.system.resume(awaiter.task, awaiter.ticket, how))
        try:
            return current.park(code.place.label)
        finally:
            if current.unwound:
                self.unwind(task)

    def begin_unrecorded(self, code: "ContextCode", report: Callable[[Resumption], None]) -> Task:
        """Run code in a task of its own, with no operation; `report` is told how it ended."""

        def ended(outcome: Outcome | None) -> None:
            if outcome is None:
                report(Unwound())
            elif isinstance(outcome, Raised):
                report(Refused(outcome.exception))
            else:
                report(Completed(None, outcome))

        task = code.task(ended)
        self.system.spawn_task(task)
        return task

    def begin_deferred(self, code: "ContextCode", report: Callable[[Resumption], None]) -> None:
        """The same, while the code goes on that has begun it, and no longer than that."""
        around = code.place.context.task
        if not isinstance(around, ContextTask) or around.scope is None:  # the handler: with it all ends
            self.begin_unrecorded(code, report)
            return
        if around.unrecorded is None:
            around.unrecorded = {}
        beside = around.unrecorded

        def ended(how: Resumption) -> None:
            beside.pop(task, None)
            report(how)

        task = self.begin_unrecorded(code, ended)
        beside[task] = self.unwind

    def unwind(self, task: Task) -> None:
        """Its context is finished: its code does not go on, whatever it is parked on, nor ever begin."""
        task.unwound = True
        self.system.resume(task, task.ticket, Unwound())


class ContextTask(Task):
    """A task that runs the code of a context and reports its outcome, unless it is unwound.

    `report` is the context's operation; if it has none, `report` is called with the outcome, or with None
    when the code was unwound. `variables` are the
    context variables that the code starts with a copy of.
    """

    __slots__ = ("_code", "_report", "unrecorded")

    def __init__(
        self,
        name: str,
        scope: Scope | None,
        depth: int,
        code: Code,
        variables: contextvars.Context,
        report: Ref | Callable[[Outcome | None], None],
    ) -> None:
        super().__init__(name, scope, self._run, unwinding=_suspended, depth=depth, context=variables)
        self._code = code
        self._report = report
        self.unrecorded: dict[Task, Callable[[Task], None]] | None = None

    def _run(self) -> None:
        code, report = self._code, self._report
        del self._code, self._report  # what has begun holds neither: no cycle with its operation
        outcome: Outcome | None = None
        try:
            outcome = code(self)
        except SuspendExecution:
            self.unwound = True
        except Exception as error:
            outcome = Raised(error)
        for task, unwind in (self.unrecorded or {}).items():  # begun in here, and no operation ends it
            unwind(task)
        if not isinstance(report, Ref):
            report(None if self.unwound else outcome)
        elif outcome is not None and not self.unwound:
            report.tell(Returned(outcome))


def _suspended() -> BaseException:
    return SuspendExecution("The invocation is suspended; it goes on when what it waits for has happened.")
