"""An invocation in small: the real actors on a real hub, a virtual clock, and a service in a dozen lines.

Workflow code is written straight onto tasks and operations, as the layer above does it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import attrs

from durably.actors.checkpoint import CheckpointActor
from durably.actors.clock import VirtualClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import (
    Await,
    Begin,
    Completed,
    Ending,
    Finish,
    Outcome,
    Succeeded,
)
from durably.actors.model import (
    CheckpointResponse,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.actors.operation import OperationActor
from durably.actors.recorded import recorded_after
from durably.actors.spec import Body, Kind, Spec
from durably.actors.system import ActorSystem
from durably.actors.task import Scope, Task
from durably.actors.termination import TerminationActor

TYPES = {
    Kind.STEP: OperationType.STEP,
    Kind.AT_MOST_ONCE: OperationType.STEP,
    Kind.WAIT: OperationType.WAIT,
    Kind.CALLBACK: OperationType.CALLBACK,
    Kind.CONTEXT: OperationType.CONTEXT,
    Kind.MAP: OperationType.CONTEXT,
}


def update(id: str, type: OperationType, action: str = "START", **fields: Any) -> OperationUpdate:
    return OperationUpdate(id, type, OperationAction(action), **fields)


def record(id: str, type: OperationType, status: str = "STARTED", **fields: Any) -> Operation:
    return Operation(id, type, OperationStatus(status), **fields)


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class Service:
    """Applies updates, lets waits end when it is time, and answers with what has changed."""

    def __init__(self, clock: VirtualClock, history: dict[str, Operation]) -> None:
        self.clock = clock
        self.records = dict(history)
        self.batches: list[tuple[OperationUpdate, ...]] = []
        self.tokens: list[str] = []
        self.next_token: str | None = "token 1"
        self.before_answer: Callable[[int], None] = lambda number: None
        self._seen = dict(history)

    def call(self, updates: tuple[OperationUpdate, ...], token: str) -> CheckpointResponse:
        self.batches.append(updates)
        self.tokens.append(token)
        for each in updates:
            self.records[each.id] = recorded_after(each, self.records.get(each.id), self.clock.time())
        now = moment(self.clock.time())
        for each in list(self.records.values()):
            if each.type is OperationType.WAIT and each.ends_at is not None and each.ends_at <= now:
                self.records[each.id] = attrs.evolve(each, status=OperationStatus.SUCCEEDED)
        self.before_answer(len(self.batches))
        changed = tuple(each for each in self.records.values() if self._seen.get(each.id) is not each)
        self._seen = dict(self.records)
        return CheckpointResponse(self.next_token, changed)

    def succeed(self, id: str) -> None:
        self.records[id] = attrs.evolve(self.records[id], status=OperationStatus.SUCCEEDED, result="1")

    @property
    def sent(self) -> list[str]:
        """All updates, in order, as `id ACTION`."""
        return [f"{each.id} {each.action.value}" for batch in self.batches for each in batch]


class Invocation:
    """The actors of one invocation. `history` is the snapshot that it begins with."""

    def __init__(self, *history: Operation, cooldown: float = 0.05, max_workers: int = 8) -> None:
        self.clock = VirtualClock()
        self.system = ActorSystem(HubDispatcher(self.clock, max_workers=max_workers))
        snapshot = {each.id: each for each in history}
        self.service = Service(self.clock, snapshot)
        self.supervisor = self.system.spawn(TerminationActor, cooldown)
        self.system.supervisor = self.supervisor
        self.history = dict(snapshot)
        self.checkpoint = self.system.spawn(
            CheckpointActor, self.service.call, "token 0", self.history, self.supervisor
        )
        supervisor: Any = self.supervisor.actor_inbox
        supervisor.actor.checkpoint = self.checkpoint
        self.task: Task | None = None
        self.log: list[str] = []

    def operation(self, kind: Kind, id: str, body: Callable[[], Outcome] | None = None, **more: Any) -> Any:
        """An operation that has not begun. Further arguments: fields of its START, `branch`, `task`."""
        parts = {name: more.pop(name) for name in ("branch", "task", "concurrency") if name in more}
        run = None if body is None else Body(lambda _attempt, _interrupted: body(), code=body)
        spec = Spec(kind, update(id, TYPES[kind], **more), body=run, **parts)
        return self.system.spawn(OperationActor, self.checkpoint, self.supervisor, spec)

    def begin(self, operation: Any, task: Task, record: Operation | None = None) -> Completed:
        """In a task: begin an operation, and stop until it is complete."""
        operation.tell(Begin(task.awaiter(), record))
        return task.park("operation")

    def join(self, operation: Any, task: Task) -> Completed:
        """In a task: stop until an operation is complete that has begun already."""
        operation.tell(Await(task.awaiter()))
        return task.park("operation")

    def root(self, code: Callable[[Task], Any]) -> None:
        """The handler: what it returns is the outcome."""

        def run() -> None:
            try:
                value = code(task)
            except BaseException as error:
                self.log.append(f"root {type(error).__name__}")
            else:
                self.supervisor.tell(Finish(Succeeded(None, value)))

        self.task = task = Task("root", Scope(""), run)
        self.system.spawn_task(task)

    def run(self) -> Ending:
        try:
            ending = self.system.run()
        finally:
            self.system.close()
        assert ending is not None
        return ending
