"""Handlers written by hand against the service's API, so that the service is tested without the library."""

from collections.abc import Callable, Sequence
from typing import Any

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationAction,
    OperationType,
    OperationUpdate,
)
from durably.workflows.service import DurableServiceClient

PENDING = {"Status": "PENDING"}


def succeeded(result: str | None = None) -> dict[str, Any]:
    return {"Status": "SUCCEEDED", "Result": result}


def update(kind: str, action: str, id: str = "a", **fields: Any) -> OperationUpdate:
    return OperationUpdate(id, OperationType(kind), OperationAction(action), **fields)


def wait(id: str, seconds: int) -> OperationUpdate:
    return update("WAIT", "START", id, wait_seconds=seconds)


def step_done(id: str, payload: str = "1") -> OperationUpdate:
    return update("STEP", "SUCCEED", id, payload=payload)


def retry(id: str, seconds: int) -> OperationUpdate:
    error = ErrorObject("no", "ValueError")
    return update("STEP", "RETRY", id, error=error, next_attempt_delay_seconds=seconds)


class Invocation:
    """One invocation as a handler sees it: statuses by id, and checkpoints with the newest token."""

    def __init__(self, event: dict[str, Any], client: DurableServiceClient) -> None:
        self.event = event
        self.arn: str = event["DurableExecutionArn"]
        self.token: str | None = event["CheckpointToken"]
        self.client = client
        self.operations = {each["Id"]: each for each in event["InitialExecutionState"]["Operations"]}

    def status(self, id: str) -> str | None:
        return self.operations[id]["Status"] if id in self.operations else None

    def send(self, *updates: OperationUpdate) -> dict[str, Operation]:
        response: CheckpointResponse = self.client.checkpoint(self.arn, self.token or "", updates)
        self.token = response.token
        return {operation.id: operation for operation in response.operations}


def scripted(handler: Callable[[Invocation], Any], event: Any, context: Any, client: Any) -> Any:
    """An invoker: `handler` gets an `Invocation`."""
    return handler(Invocation(event, client))


def kinds(updates: Sequence[OperationUpdate]) -> list[tuple[str, str]]:
    return [(each.type.value, each.action.value) for each in updates]
