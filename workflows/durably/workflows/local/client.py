"""The client through which an invocation reaches a service that lives in the same process.

It hands model objects over as they are: they are immutable, so nothing needs to become JSON.
"""

from collections.abc import Sequence
from typing import Protocol

from durably.actors.model import CheckpointResponse, OperationUpdate, StatePage
from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from durably.workflows.local.errors import ServiceError


class CheckpointApi(Protocol):
    """The part of the service's API that invocations use. Refusals are `ServiceError`s."""

    def checkpoint(self, arn: str, token: str, updates: Sequence[OperationUpdate], /) -> CheckpointResponse:
        """CheckpointDurableExecution."""
        ...

    def state(self, arn: str, token: str, marker: str, max_items: int, /) -> StatePage:
        """GetDurableExecutionState."""
        ...


class InProcessClient:
    """A `DurableServiceClient` for a service at hand: refusals become what the library raises."""

    def __init__(self, api: CheckpointApi) -> None:
        self._api = api

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        """Apply `updates`, all or none.

        Raises:
            CheckpointError: the service refused; what it said is the message.
        """
        try:
            return self._api.checkpoint(execution_arn, token, updates)
        except ServiceError as refusal:
            raise CheckpointError.from_exception(refusal) from refusal

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        """One page of the execution's operations.

        Raises:
            GetExecutionStateError: the service refused; what it said is the message.
        """
        try:
            return self._api.state(execution_arn, token, marker, max_items)
        except ServiceError as refusal:
            raise GetExecutionStateError.from_exception(refusal) from refusal
