"""The callbacks of the executions of a runner: which of them wait, and who is about to answer them.

A callback is handed to a test when the invocation that has made it is over: an answer earlier would come into
the middle of that invocation, and the history would depend on the speed of the test.
"""

import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any

from durably.workflows.lambda_service import (
    ErrorObject,
    Operation,
    OperationStatus,
    OperationSubType,
    OperationType,
)
from durably.workflows.local import LocalService, ServiceError
from durably.workflows.testing.exceptions import (
    DurableFunctionsTestError,
    InvalidParameterValueException,
    ResourceNotFoundException,
)


class Callbacks:
    """The callbacks of all executions of one service."""

    def __init__(self, service: LocalService) -> None:
        self._service = service
        self._older: dict[str, set[str]] = {}
        """By execution, the callbacks that were there when its newest invocation began."""
        self._asking: list[threading.Thread] = []
        self._in_hand: dict[str, threading.Thread] = {}

    def invocation_begins(self, arn: str) -> None:
        """An invocation of this execution begins."""
        self._older[arn] = {each.id for each in _callbacks(self._operations(arn)) if _waits(each)}

    def open_one(self, arn: str, name: str | None) -> str | None:
        """The id of the newest callback of this name that waits, of any if there is no name."""
        operations = self._operations(arn)
        invoked = self._service.lanes.has_turn(arn)
        older = self._older.get(arn, set())
        for operation in reversed(named_callbacks(operations, name)):
            if _waits(operation) and (not invoked or operation.id in older):
                return operation.callback_id
        return None

    def missing(self, arn: str, name: str | None, waited: float | None) -> Exception:
        """Why there is none, given up at once or after having `waited` so many seconds."""
        operations = self._operations(arn)
        what = "Callback" if name is None else f"Callback '{name}'"
        over = operations[0].status
        if name is not None and any(not _waits(each) for each in named_callbacks(operations, name)):
            return DurableFunctionsTestError(
                f"{what} has already completed (succeeded, failed or timed out)."
            )
        others = sorted(f"'{each.name}'" for each in _callbacks(operations) if _waits(each) and each.name)
        state = f"The execution is {over.value}." if over.is_terminal else "The execution goes on."
        waits = f" It waits for {', '.join(others)}." if others else ""
        within = "" if waited is None else f" within {waited} s"
        return TimeoutError(f"{what} did not become available{within}. {state}{waits}")

    def waiting(self) -> list[str]:
        """The names of all callbacks that wait, of any execution."""
        return [
            f"callback '{each.name or each.callback_id}'"
            for summary in self._service.executions()
            if not summary.operation.status.is_terminal
            for each in _callbacks(self._operations(summary.record.arn))
            if _waits(each)
        ]

    # Who answers

    @contextmanager
    def asking(self) -> Generator[None]:
        """The current thread waits for a callback, and will answer it."""
        self._asking.append(threading.current_thread())
        try:
            yield
        finally:
            self._asking.remove(threading.current_thread())
            self._service.lanes.clock_moved()

    def hand_out(self, callback_id: str) -> str:
        """The current thread gets to know this callback."""
        self._in_hand[callback_id] = threading.current_thread()
        return callback_id

    def are_in_hand(self) -> bool:
        """Whether another thread waits for a callback, or knows one that it has not answered."""
        me = threading.current_thread()
        threads = [*self._asking, *self._in_hand.values()]
        return any(thread is not me and thread.is_alive() for thread in threads)

    def answer(self, what: str, callback_id: str, send: Callable[[], None], *, ends: bool = True) -> None:
        """Send an answer, and say in the official words if the service does not take it."""
        if not callback_id:
            raise InvalidParameterValueException("callback_id is required")
        try:
            send()
        except ServiceError as refusal:
            message = f"Failed to process callback {what}: {refusal.message}"
            raise ResourceNotFoundException(message) from refusal
        if ends:
            self._in_hand.pop(callback_id, None)

    def _operations(self, arn: str) -> Sequence[Operation]:
        return self._service.store.load(arn).operations


def callback_text(result: Any) -> str | None:
    """The result of a callback as text.

    Raises:
        InvalidParameterValueException: it is neither text nor bytes of UTF-8.
    """
    if isinstance(result, bytes | bytearray):
        try:
            return bytes(result).decode()
        except UnicodeDecodeError as error:
            raise InvalidParameterValueException(
                f"The result of a callback must be UTF-8: {error}."
            ) from None
    if result is None or isinstance(result, str):
        return result
    raise InvalidParameterValueException(
        f"The result of a callback is bytes or text, got {type(result).__name__}: use json.dumps."
    )


def callback_error(error: Any) -> ErrorObject:
    """The error of a callback; of any class with an `ErrorObject`'s fields."""
    if error is None:
        return ErrorObject()
    try:
        stack = error.stack_trace
        return ErrorObject(error.message, error.type, error.data, None if stack is None else tuple(stack))
    except AttributeError:
        raise InvalidParameterValueException(
            f"The error of a callback is an ErrorObject, got {type(error).__name__}."
        ) from None


def _callbacks(operations: Sequence[Operation]) -> list[Operation]:
    return [operation for operation in operations if operation.type is OperationType.CALLBACK]


def _waits(operation: Operation) -> bool:
    return operation.status is OperationStatus.STARTED


def named_callbacks(operations: Sequence[Operation], name: str | None) -> list[Operation]:
    """The callbacks of this name, or made by a `wait_for_callback` of this name."""
    found = _callbacks(operations)
    if name is None:
        return found
    parents = {
        operation.id
        for operation in operations
        if operation.name == name and operation.sub_type == OperationSubType.WAIT_FOR_CALLBACK
    }
    return [each for each in found if each.name == name or each.parent_id in parents]
