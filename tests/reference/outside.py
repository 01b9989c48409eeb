"""What comes from outside to an execution that waits: outcomes of callbacks and invokes, and heartbeats."""

from collections.abc import Sequence

import attrs

from durably.actors.model import ErrorObject, Operation, OperationStatus
from durably.workflows.local import MemoryExecution


@attrs.frozen
class Answer:
    """What happens to one callback or invoke.

    Args:
        to: the operation's name; "" for the one that has none.
        result: what it succeeds with.
        error: what it fails with.
        status: how it ends, in the service's word; SUCCEEDED, or FAILED with an error, if None.
        heartbeat: so many seconds pass and then it is only said that somebody is at work.
        at: name and action of the update whose response tells of it already. None: between invocations.
    """

    to: str
    result: str | None = None
    error: ErrorObject | None = None
    status: str | None = None
    heartbeat: int | None = None
    at: tuple[str, str] | None = None

    def is_awaited(self, memory: MemoryExecution) -> bool:
        """Whether the operation is there and open."""
        operation = self._operation(memory)
        return operation is not None and operation.status is OperationStatus.STARTED

    def arrive(self, memory: MemoryExecution) -> None:
        """Happen now."""
        operation = self._operation(memory)
        assert operation is not None
        if self.heartbeat is not None:
            memory.advance(self.heartbeat)
            memory.execution.heartbeat(operation.id)
            return
        status = OperationStatus.SUCCEEDED if self.error is None else OperationStatus.FAILED
        if self.status is not None:
            status = OperationStatus(self.status)
        memory.execution.settle(operation.id, status, self.result, self.error)

    def _operation(self, memory: MemoryExecution) -> Operation | None:
        for operation in memory.operations.values():
            if operation.type.value in ("CALLBACK", "CHAINED_INVOKE") and (operation.name or "") == self.to:
                return operation
        return None


TIME: Sequence[Answer] = ()
"""A round in which nobody answers, so that time passes."""


class Outside:
    """The rounds of answers to one execution: the next one comes when all of it is awaited."""

    def __init__(self, memory: MemoryExecution, answers: Sequence[Answer | Sequence[Answer]]) -> None:
        self._memory = memory
        self._told = False
        self._during = [each for each in answers if isinstance(each, Answer) and each.at is not None]
        self._rounds = [
            [each] if isinstance(each, Answer) else list(each) for each in answers if each not in self._during
        ]

    def recorded(self, name: str | None, action: str) -> bool:
        """Answer at this update; whether anything did."""
        now = [each for each in self._during if each.at == (name or "", action)]
        for answer in now:
            self._during.remove(answer)
            answer.arrive(self._memory)
            self._told = True
        return bool(now)

    def between_invocations(self) -> bool:
        """Answer, or let time pass until something happens; whether anything did."""
        if self._rounds:
            following = self._rounds[0]
            if all(answer.is_awaited(self._memory) for answer in following):
                del self._rounds[0]
                for answer in following:
                    answer.arrive(self._memory)
                if following:
                    return True
        if self._memory.advance() or self._memory.execution.has_news:
            return True
        told, self._told = self._told, False
        return told  # in its last invocation, which may not have made anything of it

    def is_done(self) -> bool:
        """Whether all that was to come has come."""
        return not self._rounds and not self._during
