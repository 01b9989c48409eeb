"""One replay: a handler on operations as they were recorded, in which nothing new ever happens.

The handler runs on the library's own actors and contexts. A context here looks at each call before it is
made: what was not recorded is where that flow of code ends. So no step body, no invoke and no callback
ever begins, whatever the code has become. The service behind it only listens.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs

from durably.actors.actor import Ref
from durably.actors.hub import HubDispatcher
from durably.actors.messages import EndKind, Outcome, Raised, Succeeded
from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationSubType,
    OperationType,
    OperationUpdate,
)
from durably.actors.spec import Body, Spec
from durably.actors.system import ActorSystem
from durably.actors.task import Task, TaskState, where
from durably.workflows.context import DurableContext
from durably.workflows.errors import error_object_from
from durably.workflows.event import input_of
from durably.workflows.exceptions import ExecutionError, NonDeterministicExecutionError, SuspendExecution
from durably.workflows.invocation import Invocation
from durably.workflows.operations.place import Place
from durably.workflows.testing.replay_history import RecordedHistory
from durably.workflows.testing.replay_report import (
    Divergence,
    DivergenceKind,
    described,
    description,
    error_text,
)

BATCHES = (OperationSubType.MAP, OperationSubType.PARALLEL)
BRANCHES = (OperationSubType.MAP_ITERATION, OperationSubType.PARALLEL_BRANCH)


@attrs.define
class End:
    """How a replay ended: with a result, with an error, or (neither) suspended at `where`."""

    result: str | None = None
    error: ErrorObject | None = None
    where: str | None = None
    in_our_words: bool = False
    """Whether the error's message is the replayer's, and not what would be recorded."""

    @property
    def is_suspended(self) -> bool:
        """Whether the code waits for something."""
        return self.where is not None

    def __str__(self) -> str:
        if self.is_suspended:
            return f"it waits at {self.where}"
        return f"it returns {self.result}" if self.error is None else f"it raises {error_text(self.error)}"


class Replay:
    """A handler's run on `operations`, a part of `history`: what it calls, and how it ends.

    Attributes:
        divergences: what it calls otherwise than was recorded.
        ended: what today's code ends contexts with, by id.
    """

    def __init__(
        self, history: RecordedHistory, operations: Mapping[str, Operation], event: int, lambda_context: Any
    ) -> None:
        self.divergences: list[Divergence] = []
        self.ended: dict[str, OperationUpdate] = {}
        self.locations: dict[str, str] = {}
        self.flows: defaultdict[str | None, list[Task]] = defaultdict(list)
        self._history = history
        self._event = event
        self._lambda_context = lambda_context
        execution = attrs.evolve(history.execution, status=OperationStatus.STARTED, result=None, error=None)
        self._seen = _Snapshot({execution.id: execution, **operations})
        self._operations = operations

    def run(self, func: Callable[..., Any]) -> End:
        """Replay `func`; once only.

        Raises:
            ValueError: the recorded input is not JSON.
        """
        system = ActorSystem(HubDispatcher())
        invocation = ReplayInvocation(self, self._history.arn, self._seen, system, self._lambda_context)
        given = input_of(self._seen, self._history.arn)

        def root(task: Task) -> Outcome:
            context = ReplayContext(invocation, task, replaying=bool(self._operations))
            return Succeeded(None, func(given, context))

        try:
            invocation.root(root)
            ending = system.run()
            assert ending is not None
            finished = ending.kind is EndKind.FINISHED
            waits = [f"{where(task.frame())} (in {task.name})" for task in system.parked()]
            self._look_for_removed(finished=finished)
        finally:
            system.close(None)
        if not finished:
            return End(where="; ".join(waits[:3]) or "an operation that was not complete")
        return self._end_with(ending.outcome)

    def _end_with(self, outcome: Outcome | None) -> End:
        if isinstance(outcome, Raised):
            error = outcome.exception
            if isinstance(error, NonDeterministicExecutionError):
                self.refused(error, None, None)
            return End(error=error_object_from(error))
        assert isinstance(outcome, Succeeded)
        try:
            return End(json.dumps(outcome.value))
        except Exception as raised:
            message = f"The handler's result must be JSON: {raised}"
            return End(error=error_object_from(TypeError(message)), in_our_words=True)

    # ------------------------------------------------------------------ what the code calls

    def called(self, place: Place, location: str) -> None:
        """Note where a call is made."""
        self.locations[place.id] = location

    def begins(self, start: OperationUpdate) -> None:
        """An operation is about to begin or to go on; one that was not recorded does not, nor what follows.

        Raises:
            SuspendExecution: it was not.
        """
        if start.id in self._operations:
            return
        if start.parent_id is None or start.parent_id in self._history.operations:  # else that is new too
            self._not_yet(start)
        raise SuspendExecution("The replay ends here.")

    def refused(
        self, error: NonDeterministicExecutionError, called: str | None, location: str | None
    ) -> None:
        """Note what the library refuses itself."""
        recorded = self._history.operations.get(error.step_id or "")
        if recorded is None:
            kind, text = DivergenceKind.ADDED, "nothing"
        else:
            kind, text = DivergenceKind.CHANGED, described(recorded)
        name = None if recorded is None else recorded.name
        self._report(kind, error.step_id, name, text, called or str(error), location)

    def _not_yet(self, start: OperationUpdate) -> None:
        """A call of what the code was not given: fine, if it is what the original did next."""
        called = description(start.type, start.sub_type, start.name, start.parent_id)
        location = self.locations.get(start.id) or self.locations.get(start.parent_id or "")
        recorded = self._history.operations.get(start.id)
        if recorded is None:
            if self._history.is_decided:
                self._report(DivergenceKind.ADDED, start.id, start.name, "nothing", called, location)
        elif described(recorded) != called:
            text = described(recorded)
            self._report(DivergenceKind.CHANGED, start.id, recorded.name, text, called, location)

    def _report(
        self,
        kind: DivergenceKind,
        id: str | None,
        name: str | None,
        recorded: str,
        called: str,
        location: str | None,
    ) -> None:
        self.divergences.append(Divergence(kind, id, name, recorded, called, location, self._event))

    def checkpoint(self, updates: tuple[OperationUpdate, ...], token: str) -> CheckpointResponse:
        """The service: it takes everything and changes nothing."""
        for update in updates:
            if update.action is OperationAction.START:
                self._not_yet(update)  # a branch: nothing else begins
            else:
                self.ended[update.id] = update
        return CheckpointResponse(token, ())

    # ------------------------------------------------------------------ what the code no longer calls

    def _look_for_removed(self, *, finished: bool) -> None:
        """Of code that ran as far as it can, every recorded operation was called.

        Where something diverged the code was stopped, and what follows cannot be known. Code that was
        abandoned, because a context around it has finished, need not have come to all that was recorded.
        """
        if self.divergences:
            return
        for operation in self._operations.values():
            if operation.id in self._seen.looked_at:
                continue
            flows = self.flows.get(operation.parent_id, [])
            if flows and all(_ran(task, finished) for task in flows) and self._was_due(operation):
                text = described(operation)
                where = self.locations.get(operation.parent_id or "")
                self._report(
                    DivergenceKind.REMOVED, operation.id, operation.name, text, "it is not called", where
                )

    def _was_due(self, operation: Operation) -> bool:
        """Whether the code around it was to run, and to come to it.

        In a map that is complete it was not, or only for the branches that had ended by then; of operations
        of flat branches nobody knows to which one they belong.
        """
        parent = self._operations.get(operation.parent_id or "")
        if parent is None or not parent.status.is_terminal:
            return True
        if not (parent.replay_children and operation.status.is_terminal):
            return False
        return parent.sub_type not in BATCHES or operation.sub_type in BRANCHES


def _ran(task: Task, finished: bool) -> bool:
    """Whether code has come to its end, or (if the execution has not) to where it waits."""
    if task.unwound:
        return False
    return task.state is TaskState.DONE or (task.state is TaskState.PARKED and not finished)


class _Snapshot(dict[str, Operation]):
    """The records that the code is given; it remembers which were asked for."""

    def __init__(self, operations: Mapping[str, Operation]) -> None:
        super().__init__(operations)
        self.looked_at: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.looked_at.add(key)
        return super().get(key, default)


class ReplayInvocation(Invocation):
    """An invocation whose operations never run a body."""

    def __init__(
        self, replay: Replay, arn: str, snapshot: _Snapshot, system: ActorSystem, lambda_context: Any
    ) -> None:
        super().__init__(
            arn,
            "replay",
            snapshot,
            replay.checkpoint,
            system=system,
            cooldown=0,
            lambda_context=lambda_context,
        )
        self.replay = replay

    def operation(self, spec: Spec) -> Ref:
        if spec.branch is None:
            self.replay.begins(spec.start)
        if spec.body is not None:
            spec = attrs.evolve(spec, body=Body(_never))
        return super().operation(spec)


def _never(_attempt: int, _interrupted: bool) -> Outcome:
    """In place of every body: the replayer gives no operation in a state in which one would run."""
    return Raised(ExecutionError("A replay runs no step."))


class ReplayContext(DurableContext):
    """A context that has every call looked at before it is made."""

    def __init__(self, invocation: Invocation, task: Task, **options: Any) -> None:
        super().__init__(invocation, task, **options)
        self._replay = cast("ReplayInvocation", invocation).replay
        self._replay.flows[self.parent_id].append(task)

    def enter(
        self,
        type: OperationType,
        sub_type: str,
        name: str | None,
        *,
        virtual: bool = False,
        deferred: bool = False,
    ) -> Place:
        replay = self._replay
        location = where(sys._getframe(1))  # pyright: ignore[reportPrivateUsage]  # the only way up
        if location == "an unknown place":  # the library's own code, of a wait_for_callback
            location = replay.locations.get(self.parent_id or "", location)
        called = description(type, sub_type, name, self.parent_id)
        try:
            place = super().enter(type, sub_type, name, virtual=virtual, deferred=deferred)
        except NonDeterministicExecutionError as error:
            replay.refused(error, called, location)
            raise SuspendExecution("The replay ends here.") from None
        if not virtual:
            replay.called(place, location)
        return place
