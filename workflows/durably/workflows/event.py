"""What an invocation is called with, and the service behind it: whole answers instead of pages."""

import json
from collections.abc import Mapping
from typing import Any, cast

from durably.actors.frozen import frozen
from durably.actors.model import CheckpointResponse, Operation, OperationUpdate
from durably.workflows.exceptions import ExecutionError
from durably.workflows.service import DurableServiceClient

UNEXPECTED_EVENT = (
    "Unexpected payload provided to start the durable execution. "
    "Check your resource configurations to confirm the durability is set."
)


HOW_TO_CALL_IT = (
    "A durable handler is called by a durable execution service, with its event. To run it here, start it by "
    "DurableFunctionTestRunner(handler).run(input) or LocalService().start(handler, input); from the code of "
    "another one, by context.invoke(name, input)."
)
"""For who has called it like a function: the message itself is the official one."""


def _unexpected() -> ExecutionError:
    error = ExecutionError(UNEXPECTED_EVENT)
    error.add_note(HOW_TO_CALL_IT)
    return error


@frozen
class Event:
    """The event of an invocation. `updated` are the ids of what the service changed since the last one."""

    arn: str
    token: str
    operations: tuple[Operation, ...]
    next_marker: str
    updated: tuple[str, ...] = ()

    @classmethod
    def read(cls, event: Any) -> "Event":
        """Of the decoded JSON.

        Raises:
            ExecutionError: it is not a durable invocation's.
            ValueError: an operation in it is malformed.
        """
        if not isinstance(event, Mapping):
            raise _unexpected()
        fields = cast("Mapping[str, Any]", event)
        arn, token = fields.get("DurableExecutionArn"), fields.get("CheckpointToken")
        if not (isinstance(arn, str) and arn and isinstance(token, str) and token):
            raise _unexpected()
        from durably.workflows.wire import operations_from_event

        state: Mapping[str, Any] = fields.get("InitialExecutionState") or {}
        return cls(
            arn,
            token,
            operations_from_event(state.get("Operations")),
            state.get("NextMarker") or "",
            tuple(fields.get("UpdatedOperationIds") or ()),
        )


def execution_record(operations: Mapping[str, Operation], arn: str) -> Operation | None:
    """The operation that is the execution itself."""
    return operations.get(arn.rsplit("/", 1)[-1])


def input_of(operations: Mapping[str, Operation], arn: str) -> Any:
    """The execution's input, decoded; {} if there is none.

    Raises:
        ValueError: it is not JSON.
    """
    record = execution_record(operations, arn)
    text = record.input_payload if record is not None else None
    if text is None or not text.strip():
        return {}
    return json.loads(text)


class ExecutionService:
    """The service, for one execution."""

    def __init__(self, client: DurableServiceClient, arn: str) -> None:
        self._client = client
        self._arn = arn

    def call(self, updates: tuple[OperationUpdate, ...], token: str) -> CheckpointResponse:
        """A checkpoint, and the complete answer to it.

        Raises:
            InvocationError: it was refused or lost.
        """
        response = self._client.checkpoint(self._arn, token, updates)
        if not response.next_marker:
            return response
        more = self._pages(response.token or token, response.next_marker)
        return CheckpointResponse(response.token, (*response.operations, *more))

    def all_operations(self, event: Event) -> dict[str, Operation]:
        """The execution's operations by id.

        Raises:
            InvocationError: a page was refused or lost.
        """
        operations = [*event.operations, *self._pages(event.token, event.next_marker)]
        return {operation.id: operation for operation in operations}

    def _pages(self, token: str, marker: str) -> list[Operation]:
        found: list[Operation] = []
        while marker:
            page = self._client.get_execution_state(self._arn, token, marker)
            found.extend(page.operations)
            marker = page.next_marker
        return found
