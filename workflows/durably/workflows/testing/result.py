"""How an execution has ended, and the operations that it consists of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from durably.workflows.lambda_service import ErrorObject, InvocationStatus, OperationStatus
from durably.workflows.lambda_service import Operation as Record
from durably.workflows.testing.exceptions import DurableFunctionsTestError
from durably.workflows.testing.execution import ExecutionStatus
from durably.workflows.testing.model import (
    GetDurableExecutionHistoryResponse,
    GetDurableExecutionResponse,
    events_to_operations,
)
from durably.workflows.testing.operations import Lookup, Operation, flattened, operation_tree


@dataclass(frozen=True)
class DurableFunctionTestResult(Lookup):
    """An execution at its end.

    Attributes:
        status: SUCCEEDED, or FAILED for every other end.
        operations: those at the root; what is below a context is in its `child_operations`.
        result: the handler's result, as JSON.
        error: why there is no result.
        execution_status: SUCCEEDED, FAILED, TIMED_OUT or STOPPED.
    """

    status: InvocationStatus
    operations: list[Operation]
    result: str | None = None
    error: ErrorObject | None = None
    execution_status: ExecutionStatus | None = None

    @classmethod
    def create(cls, execution: Iterable[Record]) -> DurableFunctionTestResult:
        """The result of an execution on the embedded service.

        Args:
            execution: all its operations, the EXECUTION operation first: `LocalExecution.operations()`.

        Raises:
            DurableFunctionsTestError: it has not ended.
        """
        summary, *records = execution
        if not summary.status.is_terminal:
            raise DurableFunctionsTestError(
                f"Execution {summary.name} has no result yet: wait for it with wait_for_result."
            )
        return _result(summary.status.value, operation_tree(records), summary.result, summary.error)

    @classmethod
    def from_execution_history(
        cls,
        execution_response: GetDurableExecutionResponse,
        history_response: GetDurableExecutionHistoryResponse,
    ) -> DurableFunctionTestResult:
        """The result of an execution as the Lambda API tells it.

        Raises:
            ValueError: an event, or the status, is of a kind that is not known.
        """
        operations = operation_tree(events_to_operations(history_response.events))
        response = execution_response
        return _result(response.status, operations, response.result, response.error)

    def get_all_operations(self) -> list[Operation]:
        """All operations, nested ones too, each before those below it."""
        return flattened(self.operations)

    def _level(self) -> tuple[str, Sequence[Operation]]:
        return "the execution", self.operations


def _result(
    status: str, operations: list[Operation], result: str | None, error: ErrorObject | None
) -> DurableFunctionTestResult:
    succeeded = status == OperationStatus.SUCCEEDED.value
    return DurableFunctionTestResult(
        InvocationStatus.SUCCEEDED if succeeded else InvocationStatus.FAILED,
        operations,
        result,
        error,
        ExecutionStatus(status),
    )
