"""The seam between this library and whatever records its checkpoints.

`DurableServiceClient` is all that an invocation asks of the durable execution service. The boto3
client (`lambda_service.LambdaClient`), the embedded service and a test's fake are the same to it.
"""

from collections.abc import Sequence
from typing import Protocol

from durably.actors.model import CheckpointResponse, OperationUpdate, StatePage


class DurableServiceClient(Protocol):
    """Checkpoint, and read back. Called from any thread, one call at a time for each execution."""

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate], /
    ) -> CheckpointResponse:
        """Apply `updates` in order, all or none; no updates only fetches what has changed.

        Raises:
            BotoClientError: the service refused or could not be reached; `is_retryable()` tells
                whether a new invocation may succeed.
        """
        ...

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000, /
    ) -> StatePage:
        """One page of the execution's operations, beginning at `marker`.

        Raises:
            BotoClientError: as `checkpoint`.
        """
        ...
