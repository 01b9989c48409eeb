"""The checkpoint queue: the only actor that speaks to the service.

It owns the token, the updates that wait to be sent, the one call in flight and the live history. One call
at a time, because each answer carries the token of the next. An answer is merged first and told after, so
that whoever is told finds everything as told. Whatever happens to a call, everybody who waits learns.
"""

import enum
import functools
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from durably.actors.actor import Actor, Ref
from durably.actors.messages import (
    ROOT,
    CallDone,
    CallFailed,
    CheckpointingOver,
    Close,
    Confirmed,
    FailureKind,
    Flush,
    Message,
    News,
    Orphaned,
    Refresh,
    Submit,
    Watch,
)
from durably.actors.model import (
    CheckpointResponse,
    Operation,
    OperationAction,
    OperationType,
    OperationUpdate,
)
from durably.actors.recorded import recorded_after, wire_size
from durably.actors.stage import Job, JobKind

if TYPE_CHECKING:
    from durably.actors.stage import Stage

MAX_UPDATES = 250
MAX_BYTES = 768_000

Call = Callable[[tuple[OperationUpdate, ...], str], CheckpointResponse]
"""One request to the service: updates and token in, the complete answer out; raises if refused or lost."""


class CheckpointState(enum.IntEnum):
    """Whether updates are accepted: CLOSING sends what it has, OVER sends nothing."""

    OPEN = 0
    CLOSING = 1
    OVER = 2


class CheckpointActor(Actor):
    """Sends updates in order, keeps the history, and knows what is below a finished context."""

    observe: Callable[[list[str], dict[str, Operation | None]], None] | None = None
    """Told of every answer when the history has it and nobody else knows of it: the ids of the updates that
    it answers, in order, and what each changed operation was before."""

    def __init__(
        self,
        stage: "Stage",
        call: Call,
        token: str,
        history: dict[str, Operation],
        supervisor: Ref,
    ) -> None:
        super().__init__(stage, "checkpoint")
        self.state = CheckpointState.OPEN
        self.token = token
        self.history = history
        self._call = call
        self._supervisor = supervisor
        self._queue: deque[tuple[OperationUpdate, bool, int]] = deque()  # update, awaited, bytes
        self._queued_bytes = 0
        self._awaited = 0  # of the queued updates
        self._in_flight: list[tuple[OperationUpdate, bool, int]] | None = None
        self._refresh = False
        self._live: dict[str, str] = {}  # who is told what happens to it: the context around it
        self._below: dict[str, dict[str, Ref]] = {}  # these, by the context around them
        self._around: dict[str, str] = {}  # of each context, the one around it
        self._finished: set[str] = set()

    def on_receive(self, message: Message) -> None:
        self.HANDLERS[type(message)](self, message)

    # ------------------------------------------------------------------ from operations

    def _submit(self, message: Submit) -> None:
        update = message.update
        parent = update.parent_id or ROOT
        is_context = update.type is OperationType.CONTEXT
        if is_context:
            self._around[update.id] = parent
        if self._is_over(parent):
            self._refuse(message.operation, update.id, parent)
            return
        size = wire_size(update)
        self._queue.append((update, message.awaited, size))
        self._queued_bytes += size
        self._awaited += message.awaited
        self._register(message.operation, update.id, parent)
        if is_context and update.action is not OperationAction.START:  # so it ends
            self._finish(update.id)
        self._pump()

    def _watch(self, message: Watch) -> None:
        record = message.record
        parent = record.parent_id or ROOT
        if record.type is OperationType.CONTEXT:
            self._around[record.id] = parent
        if self._is_over(parent):
            self._refuse(message.operation, record.id, parent)
            return
        record = self.history.get(record.id, record)
        if not record.status.is_terminal:
            self._register(message.operation, record.id, parent)
        message.operation.tell(News(record))

    def _refresh_asked(self, _message: Refresh) -> None:
        if self.state is CheckpointState.OPEN:
            self._refresh = True
            self._pump()

    def _register(self, ref: Ref, id: str, parent: str) -> None:
        if id not in self._live:
            self._live[id] = parent
            below = self._below.get(parent)
            if below is None:
                self._below[parent] = {id: ref}
            else:
                below[id] = ref

    def _forget(self, id: str) -> None:
        parent = self._live.pop(id)
        below = self._below[parent]
        del below[id]
        if not below:
            del self._below[parent]

    # ------------------------------------------------------------------ finished contexts

    def _is_over(self, context: str) -> bool:
        if self.state is not CheckpointState.OPEN or context in self._finished:
            return True
        record = self.history.get(context)
        return record is not None and record.status.is_terminal

    def _refuse(self, ref: Ref, id: str, context: str) -> None:
        """The operation is below something finished. So is, from here on, what it may contain."""
        self._finished.add(id)
        ref.tell(Orphaned(self._outermost_finished(context)))

    def _outermost_finished(self, context: str) -> str:
        if self.state is not CheckpointState.OPEN:
            return ROOT
        outermost = context
        while context != ROOT:
            if context in self._finished:
                outermost = context
            context = self._around.get(context, ROOT)
        return outermost

    def _finish(self, context: str) -> None:
        """Its end is accepted: everything live below it is orphaned, however deep."""
        self._finished.add(context)
        around = [context]
        while around:
            for below, ref in self._below.pop(around.pop(), {}).items():
                del self._live[below]
                if below in self._around:
                    self._finished.add(below)
                    around.append(below)
                ref.tell(Orphaned(context))

    def _orphan_all(self) -> None:
        below, self._below = self._below, {}
        self._live.clear()
        for refs in below.values():
            for ref in refs.values():
                ref.tell(Orphaned(ROOT))

    # ------------------------------------------------------------------ calls

    def _pump(self) -> None:
        """Send a full batch at once; ask to be told when a smaller one will get no fuller."""
        if self._in_flight is not None:
            return
        if len(self._queue) >= MAX_UPDATES or self._queued_bytes >= MAX_BYTES:
            self._send()
        elif self._queue or self._refresh:
            self.stage.want_flush(self.ref, awaited=self._refresh or self._awaited > 0)

    def _flush(self, _message: Flush) -> None:
        if self._in_flight is None and (self._queue or self._refresh):
            self._send()

    def _send(self) -> None:
        batch: list[tuple[OperationUpdate, bool, int]] = []
        total = 0
        queued = self._queue
        while queued and len(batch) < MAX_UPDATES and (not batch or total + queued[0][2] <= MAX_BYTES):
            entry = queued.popleft()
            total += entry[2]
            self._awaited -= entry[1]
            batch.append(entry)
        self._queued_bytes -= total
        self._in_flight = batch
        self._refresh = False
        updates = tuple([entry[0] for entry in batch])
        run = functools.partial(self._do_call, updates, self.token)
        self.stage.work(Job(JobKind.CALL, run, self.ref, "checkpoint"))

    def _do_call(self, updates: tuple[OperationUpdate, ...], token: str) -> Message:
        """On a worker thread, or in line; touches nothing of this actor's."""
        try:
            return CallDone(self._call(updates, token))
        except Exception as error:
            return CallFailed(error)

    def _call_done(self, message: CallDone) -> None:
        sent, self._in_flight = self._in_flight or [], None
        response = message.response
        before = self._merge(sent, response.operations)
        if self.observe is not None:
            self.observe([update.id for update, _, _ in sent], before)
        self._tell(sent, before)
        if response.token is None:
            self._over(FailureKind.WITHDRAWN, None)
        else:
            self.token = response.token
            self._pump()

    def _merge(
        self, sent: list[tuple[OperationUpdate, bool, int]], changed: tuple[Operation, ...]
    ) -> dict[str, Operation | None]:
        """Take the answer into the history; what each operation in it was before.

        An update that the answer does not mention is applied here as the service has applied it.
        """
        history = self.history
        before: dict[str, Operation | None] = {}
        for record in changed:
            before.setdefault(record.id, history.get(record.id))
            history[record.id] = record
        answered = frozenset(before)
        for update, _, _ in sent:
            if update.id not in answered:
                was = history.get(update.id)
                before.setdefault(update.id, was)
                history[update.id] = recorded_after(update, was, self.stage.time())
        return before

    def _tell(
        self, sent: list[tuple[OperationUpdate, bool, int]], before: dict[str, Operation | None]
    ) -> None:
        awaited: dict[str, bool] = {}
        for update, waits, _ in sent:
            awaited[update.id] = awaited.get(update.id, False) or waits
        for changed, was in before.items():
            parent = self._live.get(changed)
            if parent is None:
                continue
            ref = self._below[parent][changed]
            record = self.history[changed]
            if changed in awaited:
                if awaited[changed]:
                    ref.tell(Confirmed(record))
            elif was is None or was.status is not record.status:
                ref.tell(News(record))
            if record.status.is_terminal:
                self._forget(changed)

    def _call_failed(self, message: CallFailed) -> None:
        self._in_flight = None
        self._over(FailureKind.REFUSED, message.exception)

    def _over(self, kind: FailureKind, exception: Exception | None) -> None:
        self.state = CheckpointState.OVER
        self._queue.clear()
        self._refresh = False
        self._supervisor.tell(CheckpointingOver(kind, exception))
        self._orphan_all()

    # ------------------------------------------------------------------ from the supervisor

    def _close(self, _message: Close) -> None:
        if self.state is CheckpointState.OPEN:
            self.state = CheckpointState.CLOSING
            self._refresh = False
            self._orphan_all()

    HANDLERS: ClassVar[dict[type[Message], Callable[..., None]]] = {
        Submit: _submit,
        Watch: _watch,
        Refresh: _refresh_asked,
        Flush: _flush,
        CallDone: _call_done,
        CallFailed: _call_failed,
        Close: _close,
    }
