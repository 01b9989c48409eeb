"""The durable execution service as AWS Lambda offers it: the client over boto3, and the vocabulary.

boto3 is imported when the first client is made: an execution in tests or on the embedded service never
pays for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from threading import Lock
from typing import Any, ClassVar, TypeVar

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationSubType,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.exceptions import (
    BotoClientError,
    CheckpointError,
    DurableApiErrorCategory,
    GetExecutionStateError,
)
from durably.workflows.service import DurableServiceClient
from durably.workflows.wire import (
    checkpoint_response_from_wire,
    operation_to_wire,
    operations_from_event,
    state_page_from_wire,
    update_from_wire,
    update_to_wire,
    updates_to_wire,
)

__all__ = [
    "CallbackTimeoutType",
    "CheckpointResponse",
    "DurableExecutionInvocationOutput",
    "DurableServiceClient",
    "ErrorObject",
    "InvocationStatus",
    "LambdaClient",
    "Operation",
    "OperationAction",
    "OperationStatus",
    "OperationSubType",
    "OperationType",
    "OperationUpdate",
    "StatePage",
    "operation_to_wire",
    "operations_from_event",
    "update_from_wire",
    "update_to_wire",
]

_E = TypeVar("_E", bound=BotoClientError)


class InvocationStatus(Enum):
    """How an invocation ended. RETRY is never returned: the handler raised, and is invoked again."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    RETRY = "RETRY"


class CallbackTimeoutType(Enum):
    """The `ErrorType` that the service records of a callback that timed out: as a whole, or its heartbeat."""

    TIMEOUT = "Callback.Timeout"
    HEARTBEAT = "Callback.Heartbeat"


@dataclass(frozen=True)
class DurableExecutionInvocationOutput:
    """What a handler returns to Lambda, as an object.

    `result` is the JSON text of what the workflow returned; it is empty, and so is `error`, if that was too
    large for a response and has been checkpointed instead.
    """

    status: InvocationStatus
    result: str | None = None
    error: ErrorObject | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DurableExecutionInvocationOutput:
        """The output that a handler returned.

        Raises:
            ValueError: its status is none of `InvocationStatus`.
        """
        error = data.get("Error")
        return cls(
            InvocationStatus(data.get("Status")),
            data.get("Result"),
            ErrorObject.from_dict(error) if error else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """The output as a handler returns it; what is None is left out."""
        output: dict[str, Any] = {"Status": self.status.value}
        if self.result is not None:
            output["Result"] = self.result
        if self.error is not None:
            output["Error"] = self.error.to_dict()
        return output

    @classmethod
    def create_succeeded(cls, result: str) -> DurableExecutionInvocationOutput:
        """The execution has succeeded with this JSON text."""
        return cls(InvocationStatus.SUCCEEDED, result)

    @classmethod
    def create_retry(cls, error: ErrorObject) -> DurableExecutionInvocationOutput:
        """The invocation has failed, and another follows."""
        return cls(InvocationStatus.RETRY, error=error)

    @classmethod
    def create_pending(cls) -> DurableExecutionInvocationOutput:
        """The execution waits."""
        return cls(InvocationStatus.PENDING)


class LambdaClient(DurableServiceClient):
    """A `DurableServiceClient` over a boto3 client of "lambda".

    One boto3 client may serve any number of these, and of threads.
    """

    _cached_boto_client: ClassVar[Any] = None
    _making: ClassVar[Lock] = Lock()

    def __init__(self, client: Any) -> None:
        self.client = client

    @classmethod
    def initialize_client(cls) -> LambdaClient:
        """A client over the process's boto3 client, which is made on the first call and kept.

        It waits 5 s for a connection and 50 s for a response; region, credentials, endpoint and retries
        are those of the environment, as for any boto3 client.
        """
        with cls._making:  # boto3's default session may not be used by two threads at once
            if cls._cached_boto_client is None:
                # Imported by name: neither ships types, and nothing here needs theirs.
                config = import_module("botocore.config").Config(
                    connect_timeout=5,
                    read_timeout=50,
                    max_pool_connections=50,  # several invocations may share the client
                    user_agent_extra=f"durably/{_version()}",
                )
                cls._cached_boto_client = import_module("boto3").client("lambda", config=config)
            return cls(cls._cached_boto_client)

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: Sequence[OperationUpdate],
        client_token: str | None = None,
    ) -> CheckpointResponse:
        """Send `updates`, all or none.

        Calls with the same `client_token` are one to the service; without it boto3 makes one up, so that its
        own retries are.

        Raises:
            CheckpointError: the service refused, could not be reached, or answered what cannot be read.
        """
        if not checkpoint_token:
            raise CheckpointError("Cannot checkpoint without a checkpoint token.")
        more = {} if client_token is None else {"ClientToken": client_token}
        try:
            return checkpoint_response_from_wire(
                self.client.checkpoint_durable_execution(
                    DurableExecutionArn=durable_execution_arn,
                    CheckpointToken=checkpoint_token,
                    Updates=updates_to_wire(updates),
                    **more,
                )
            )
        except Exception as error:
            raise _classified(CheckpointError, error) from error

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str, max_items: int = 1000
    ) -> StatePage:
        """One page of operations.

        Raises:
            GetExecutionStateError: the service refused, could not be reached, or answered what cannot be
                read.
        """
        if not checkpoint_token:
            raise GetExecutionStateError("Cannot get execution state without a checkpoint token.")
        try:
            return state_page_from_wire(
                self.client.get_durable_execution_state(
                    DurableExecutionArn=durable_execution_arn,
                    CheckpointToken=checkpoint_token,
                    Marker=next_marker,
                    MaxItems=max_items,
                )
            )
        except Exception as error:
            raise _classified(GetExecutionStateError, error) from error


def _classified(cls: type[_E], error: Exception) -> _E:
    if isinstance(error, import_module("botocore.exceptions").ParamValidationError):
        # Refused before it was sent: no other invocation would send anything else.
        return cls(str(error), DurableApiErrorCategory.EXECUTION)
    return cls.from_exception(error)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("durably")
    except PackageNotFoundError:  # run from its sources
        return "dev"
