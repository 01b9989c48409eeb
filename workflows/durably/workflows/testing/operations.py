"""What a test looks at: the operations of an execution, one class for each kind, as a tree.

`operation_tree` makes them of the service's flat records in one pass, without recursion: a child is put into
the list of its parent, which is there already, because nothing is recorded below what was not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from durably.workflows.lambda_service import ErrorObject, OperationStatus, OperationType
from durably.workflows.lambda_service import Operation as Record
from durably.workflows.testing.exceptions import DurableFunctionsTestError

_O = TypeVar("_O", bound="Operation")


@dataclass(frozen=True)
class Operation:
    """What all operations have. Times are timezone-aware; an operation that goes on has no end."""

    operation_id: str
    operation_type: OperationType
    status: OperationStatus
    parent_id: str | None = field(default=None, kw_only=True)
    name: str | None = field(default=None, kw_only=True)
    sub_type: str | None = field(default=None, kw_only=True)
    start_timestamp: datetime | None = field(default=None, kw_only=True)
    end_timestamp: datetime | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class ExecutionOperation(Operation):
    """The execution itself. `input_payload` is its input as serialized."""

    input_payload: str | None = None


class Lookup(ABC):
    """Finding operations by name among those of one level."""

    @abstractmethod
    def _level(self) -> tuple[str, Sequence[Operation]]:
        """What to call the level in an error, and its operations."""

    def get_operation_by_name(self, name: str) -> Operation:
        """The only operation of this name.

        Raises:
            DurableFunctionsTestError: there is none, or there are several (see `get_operations_by_name`).
        """
        return self._find(name, Operation)

    def get_operations_by_name(self, name: str) -> list[Operation]:
        """All operations of this name, in the order in which they began; maybe none."""
        return [operation for operation in self._level()[1] if operation.name == name]

    def get_step(self, name: str) -> StepOperation:
        """The step, or the condition that is waited for. Raises as `get_operation_by_name`, as all below."""
        return self._find(name, StepOperation)

    def get_wait(self, name: str) -> WaitOperation:
        """The wait of this name."""
        return self._find(name, WaitOperation)

    def get_context(self, name: str) -> ContextOperation:
        """The child context, map, parallel, branch or wait for a callback of this name."""
        return self._find(name, ContextOperation)

    def get_callback(self, name: str) -> CallbackOperation:
        """The callback of this name."""
        return self._find(name, CallbackOperation)

    def get_invoke(self, name: str) -> InvokeOperation:
        """The invoke of this name."""
        return self._find(name, InvokeOperation)

    def get_execution(self, name: str) -> ExecutionOperation:
        """The execution, where a level holds one."""
        return self._find(name, ExecutionOperation)

    def _find(self, name: str, kind: type[_O]) -> _O:
        where, operations = self._level()
        found = self.get_operations_by_name(name)
        if not found:
            names = sorted({repr(operation.name) for operation in operations if operation.name})
            has = f"It has {', '.join(names)}." if names else "It has none with a name."
            raise DurableFunctionsTestError(f"Operation with name '{name}' not found in {where}. {has}")
        if not isinstance(found[0], kind):
            what = found[0].operation_type.value
            raise DurableFunctionsTestError(
                f"Operation '{name}' in {where} is a {what}, not a {kind.__name__}."
            )
        return found[0]


@dataclass(frozen=True)
class ContextOperation(Operation, Lookup):
    """A child context, map, parallel or branch. `result` is text as serialized."""

    child_operations: list[Operation]
    result: str | None = None
    error: ErrorObject | None = None

    def _level(self) -> tuple[str, Sequence[Operation]]:
        return f"'{self.name or self.operation_id}'", self.child_operations


@dataclass(frozen=True)
class StepOperation(ContextOperation):
    """A step, or a condition that is waited for. `attempt` counts the attempts that have ended."""

    attempt: int = 0
    next_attempt_timestamp: datetime | None = None


@dataclass(frozen=True)
class WaitOperation(Operation):
    """A wait, and when it is, or was, to end."""

    scheduled_end_timestamp: datetime | None = None


@dataclass(frozen=True)
class CallbackOperation(ContextOperation):
    """A callback; `callback_id` is what `send_callback_success` and its like take."""

    callback_id: str | None = None


@dataclass(frozen=True)
class InvokeOperation(Operation):
    """The invocation of another function."""

    result: str | None = None
    error: ErrorObject | None = None


def operation_tree(records: Iterable[Record]) -> list[Operation]:
    """The operations at the root, without the execution itself, in order of their creation.

    Args:
        records: all operations of an execution, parents before their children.
    """
    children: defaultdict[str | None, list[Operation]] = defaultdict(list)
    for record in records:
        if record.type is not OperationType.EXECUTION:
            children[record.parent_id].append(_operation(record, children[record.id]))
    return children[None]


def flattened(operations: Sequence[Operation]) -> list[Operation]:
    """These operations and all below them, each before what is below it."""
    found: list[Operation] = []
    stack = list(reversed(operations))
    while stack:
        operation = stack.pop()
        found.append(operation)
        if isinstance(operation, ContextOperation):
            stack.extend(reversed(operation.child_operations))
    return found


def _operation(record: Record, children: list[Operation]) -> Operation:
    common: dict[str, Any] = {
        "operation_id": record.id,
        "operation_type": record.type,
        "status": record.status,
        "parent_id": record.parent_id,
        "name": record.name,
        "sub_type": record.sub_type,
        "start_timestamp": record.started_at,
        "end_timestamp": record.ended_at,
    }
    if record.type is OperationType.WAIT:
        return WaitOperation(**common, scheduled_end_timestamp=record.ends_at)
    if record.type is OperationType.EXECUTION:
        return ExecutionOperation(**common, input_payload=record.input_payload)
    common |= {"result": record.result, "error": record.error}
    if record.type is OperationType.CHAINED_INVOKE:
        return InvokeOperation(**common)
    common["child_operations"] = children
    if record.type is OperationType.STEP:
        return StepOperation(**common, attempt=record.attempt, next_attempt_timestamp=record.next_attempt_at)
    if record.type is OperationType.CALLBACK:
        return CallbackOperation(**common, callback_id=record.callback_id)
    return ContextOperation(**common)
