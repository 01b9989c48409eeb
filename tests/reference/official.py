"""The official SDK on our service: a handler that AWS's package decorated, run on a `MemoryExecution`.

AWS's SDK takes another client than boto3's only with its own class of event, which carries the client
along. `OfficialClient` is that client: what the SDK sends becomes JSON, as AWS's own client makes it, and
then our model; what the service answers goes the same way back. So both SDKs meet the same rules, and
neither sees the other's classes.
"""

from collections.abc import Callable
from typing import Any

from aws_durable_execution_sdk_python import exceptions as official_exceptions
from aws_durable_execution_sdk_python import lambda_service as official
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInput,
    DurableExecutionInvocationInputWithClient,
)

from durably.actors.model import Operation
from durably.workflows.exceptions import BotoClientError
from durably.workflows.local import MemoryExecution
from durably.workflows.service import DurableServiceClient
from durably.workflows.wire import operation_to_wire, update_from_wire


class OfficialClient:
    """A `DurableServiceClient` as AWS's SDK has it, in front of one as ours has it.

    Args:
        service: what records the checkpoints.
        sent: gets every update as AWS's SDK has it in JSON, before anything of ours has read it.
    """

    def __init__(self, service: DurableServiceClient, sent: list[dict[str, Any]] | None = None) -> None:
        self._service = service
        self._sent = sent

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[official.OperationUpdate],
        client_token: str | None,
    ) -> official.CheckpointOutput:
        """As AWS's SDK calls it."""
        wires = [dict(update.to_dict()) for update in updates]
        if self._sent is not None:
            self._sent.extend(wires)
        ours = [update_from_wire(wire) for wire in wires]
        try:
            response = self._service.checkpoint(durable_execution_arn, checkpoint_token, ours)
        except BotoClientError as error:
            raise _translated(official_exceptions.CheckpointError, error) from None
        return official.CheckpointOutput(
            response.token,
            official.CheckpointUpdatedExecutionState(
                [_official_operation(operation) for operation in response.operations], response.next_marker
            ),
        )

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str, max_items: int = 1000
    ) -> official.StateOutput:
        """As AWS's SDK calls it."""
        try:
            page = self._service.get_execution_state(
                durable_execution_arn, checkpoint_token, next_marker, max_items
            )
        except BotoClientError as error:
            raise _translated(official_exceptions.GetExecutionStateError, error) from None
        return official.StateOutput(
            [_official_operation(operation) for operation in page.operations], page.next_marker
        )


def run_official(
    handler: Callable[[Any, Any], Any],
    memory: MemoryExecution,
    *,
    service: DurableServiceClient | None = None,
    sent: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Begin an invocation of the execution, and run `handler` for it.

    Args:
        handler: what AWS's `durable_execution` made.
        memory: the execution.
        service: what records the checkpoints instead of `memory`.
        sent: see `OfficialClient`.

    Raises:
        Exception: whatever the handler raises; AWS Lambda would invoke again.
    """
    event = DurableExecutionInvocationInputWithClient.from_durable_execution_invocation_input(
        DurableExecutionInvocationInput.from_json_dict(memory.event()),
        OfficialClient(service or memory, sent),
    )
    return dict(handler(event, None))


def _official_operation(operation: Operation) -> official.Operation:
    return official.Operation.from_dict(operation_to_wire(operation, json=False))


def _translated(cls: type[Any], error: BotoClientError) -> Exception:
    category = official_exceptions.DurableApiErrorCategory(error.error_category.value)
    translated: Exception = cls(str(error), category, error.error, error.response_metadata)
    return translated
