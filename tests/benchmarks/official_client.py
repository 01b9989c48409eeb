"""The official SDK on our in-memory service, as cheaply as can be.

What the official SDK sends and gets are dataclasses of its own. They are translated field by field into
our model and back, never through JSON, and the CPU time that this takes is added up: the benchmark takes
it off again, so that the official SDK does not pay for our curiosity.
(`tests/reference/official.py` goes through JSON, since there the JSON is what is compared.)
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_durable_execution_sdk_python import exceptions, lambda_service
from aws_durable_execution_sdk_python.execution import (
    DurableExecutionInvocationInput,
    DurableExecutionInvocationInputWithClient,
)

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.exceptions import BotoClientError
from tests.benchmarks.meter import Meter

TYPES = {theirs: OperationType(theirs.value) for theirs in lambda_service.OperationType}
ACTIONS = {theirs: OperationAction(theirs.value) for theirs in lambda_service.OperationAction}
THEIR_TYPES = {ours: theirs for theirs, ours in TYPES.items()}
THEIR_STATUSES = {
    OperationStatus(theirs.value): theirs
    for theirs in lambda_service.OperationStatus
    if theirs.value in {ours.value for ours in OperationStatus}
}


class OfficialClient:
    """What the official SDK calls; `cpu` is what the translation took, in seconds."""

    def __init__(self, service: Meter) -> None:
        self._service = service
        self.cpu = 0.0

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[lambda_service.OperationUpdate],
        client_token: str | None,
    ) -> lambda_service.CheckpointOutput:
        began = time.thread_time()
        ours = [_our_update(update) for update in updates]
        self.cpu += time.thread_time() - began
        try:
            response = self._service.checkpoint(durable_execution_arn, checkpoint_token, ours)
        except BotoClientError as error:
            raise _translated(exceptions.CheckpointError, error) from None
        began = time.thread_time()
        output = lambda_service.CheckpointOutput(
            response.token,
            lambda_service.CheckpointUpdatedExecutionState(
                [_their_operation(operation) for operation in response.operations], response.next_marker
            ),
        )
        self.cpu += time.thread_time() - began
        return output

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str, max_items: int = 1000
    ) -> lambda_service.StateOutput:
        try:
            page = self._service.get_execution_state(
                durable_execution_arn, checkpoint_token, next_marker, max_items
            )
        except BotoClientError as error:
            raise _translated(exceptions.GetExecutionStateError, error) from None
        began = time.thread_time()
        output = lambda_service.StateOutput(
            [_their_operation(operation) for operation in page.operations], page.next_marker
        )
        self.cpu += time.thread_time() - began
        return output


def invoke_official(
    handler: Callable[[Any, Any], Any], event: Mapping[str, Any], client: OfficialClient
) -> dict[str, Any]:
    """Call what the official `durable_execution` made. Reading the event is its own work, as it is ours."""
    read = DurableExecutionInvocationInput.from_json_dict(dict(event))
    return dict(
        handler(
            DurableExecutionInvocationInputWithClient.from_durable_execution_invocation_input(read, client),
            None,
        )
    )


def _our_update(update: lambda_service.OperationUpdate) -> OperationUpdate:
    context, step, wait = update.context_options, update.step_options, update.wait_options
    callback, error = update.callback_options, update.error
    return OperationUpdate(
        update.operation_id,
        TYPES[update.operation_type],
        ACTIONS[update.action],
        update.sub_type,
        update.name,
        update.parent_id,
        update.payload,
        None
        if error is None
        else ErrorObject(
            error.message,
            error.type,
            error.data,
            None if error.stack_trace is None else tuple(error.stack_trace),
        ),
        None if context is None else context.replay_children,
        None if step is None else step.next_attempt_delay_seconds,
        None if wait is None else wait.wait_seconds,
        None if callback is None else callback.timeout_seconds,
        None if callback is None else callback.heartbeat_timeout_seconds,
    )


def _their_operation(operation: Operation) -> lambda_service.Operation:
    kind = operation.type
    execution = context = step = wait = callback = None
    if kind is OperationType.STEP:
        step = lambda_service.StepDetails(
            operation.attempt, operation.next_attempt_at, operation.result, _their_error(operation.error)
        )
    elif kind is OperationType.CONTEXT:
        context = lambda_service.ContextDetails(
            operation.replay_children, operation.result, _their_error(operation.error)
        )
    elif kind is OperationType.WAIT:
        wait = lambda_service.WaitDetails(operation.ends_at)
    elif kind is OperationType.CALLBACK:
        assert operation.callback_id is not None
        callback = lambda_service.CallbackDetails(
            operation.callback_id, operation.result, _their_error(operation.error)
        )
    else:
        assert kind is OperationType.EXECUTION, f"no benchmark uses {kind}"
        execution = lambda_service.ExecutionDetails(operation.input_payload)
    return lambda_service.Operation(
        operation.id,
        THEIR_TYPES[kind],
        THEIR_STATUSES[operation.status],
        operation.parent_id,
        operation.name,
        operation.started_at,
        operation.ended_at,
        operation.sub_type,
        execution,
        context,
        step,
        wait,
        callback,
    )


def _their_error(error: ErrorObject | None) -> lambda_service.ErrorObject | None:
    if error is None:
        return None
    return lambda_service.ErrorObject(
        error.message,
        error.type,
        error.data,
        None if error.stack_trace is None else list(error.stack_trace),
    )


def _translated(cls: type[Any], error: BotoClientError) -> Exception:
    category = exceptions.DurableApiErrorCategory(error.error_category.value)
    translated: Exception = cls(str(error), category, error.error, error.response_metadata)
    return translated
