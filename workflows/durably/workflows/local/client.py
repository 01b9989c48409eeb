"""The client through which an invocation reaches a service that lives in the same process.

It hands model objects over as they are: they are immutable, so nothing needs to become JSON.
"""

from collections.abc import Callable, Sequence

from durably.actors.model import CheckpointResponse, OperationUpdate, StatePage
from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.executions import Execution


class InProcessClient:
    """A `DurableServiceClient` for the executions that `find` finds by ARN."""

    def __init__(self, find: Callable[[str], Execution]) -> None:
        self._find = find

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        """Apply `updates`, all or none.

        Raises:
            CheckpointError: the service refused; what it said is the message.
        """
        try:
            return self._find(execution_arn).checkpoint(token, updates)
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
            return self._find(execution_arn).state(token, marker, max_items)
        except ServiceError as refusal:
            raise GetExecutionStateError.from_exception(refusal) from refusal
