"""An execution as its user holds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.local.errors import LocalServiceError
from durably.workflows.local.event_wire import whole_history
from durably.workflows.local.history import HistoryEvent

if TYPE_CHECKING:
    from durably.workflows.local.driver import Run
    from durably.workflows.local.service import LocalService


class ExecutionFailedError(LocalServiceError):
    """The execution has come to an end without a result.

    Attributes:
        status: FAILED, TIMED_OUT or STOPPED.
        error: the recorded error, or `None` if there is none.
    """

    def __init__(self, name: str, status: OperationStatus, error: ErrorObject | None) -> None:
        kind = ((error.type if error is not None else None) or "").rpartition(".")[2]
        what = "" if error is None else ": ".join(filter(None, (kind, error.message)))
        super().__init__(f"The execution {name} is {status.value}" + (f": {what}" if what else "."))
        self.status = status
        self.error = error


@dataclass(frozen=True)
class WaitingCallback:
    """A callback that nobody has answered yet: what `LocalService.succeed_callback` and its siblings take.

    Attributes:
        callback_id: what it is answered by.
        name: of the operation that waits, if it has one.
        operation_id: the id of that operation.
    """

    callback_id: str
    name: str | None
    operation_id: str


class LocalExecution:
    """A started execution: its result, what it is doing, and how to stop it."""

    def __init__(self, service: LocalService, run: Run) -> None:
        self._service = service
        self._run = run
        self.arn = run.execution.arn
        self.name = run.execution.record.name

    def __repr__(self) -> str:
        return f"<LocalExecution {self.name} {self.status}>"

    @property
    def status(self) -> str:
        """RUNNING, SUCCEEDED, FAILED, TIMED_OUT or STOPPED."""
        status = self._run.execution.summary.status
        return status.value if status.is_terminal else "RUNNING"

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, at most `timeout` seconds of real time; returns whether it has come.

        It has also come, as far as this service is concerned, when the service cannot go on.
        """
        return self._run.done.wait(timeout)

    def result(self, timeout: float | None = None) -> Any:
        """Wait for the end, at most `timeout` seconds of real time, and return the result.

        The execution is at its end when its last invocation has returned as well, so its history is
        complete then.

        Raises:
            ExecutionFailedError: it failed, timed out or was stopped.
            TimeoutError: it goes on still.
            LocalServiceError: the service was closed before the end, or cannot go on with it.
        """
        run = self._run
        if not run.done.wait(timeout):
            raise TimeoutError(f"The execution {self.name} has no result after {timeout} seconds.")
        if run.broken is not None:
            raise run.broken
        summary = run.execution.summary
        if summary.status is not OperationStatus.SUCCEEDED:
            raise ExecutionFailedError(self.name, summary.status, summary.error)
        return json.loads(summary.result) if summary.result else None

    def operations(self) -> list[Operation]:
        """All operations as they stand, the EXECUTION operation first."""
        return self._run.execution.snapshot()

    def callbacks(self) -> list[WaitingCallback]:
        """The callbacks that wait for their outcome, in the order in which they were created."""
        return [
            WaitingCallback(operation.callback_id, operation.name, operation.id)
            for operation in self.operations()
            if operation.type is OperationType.CALLBACK
            and operation.status is OperationStatus.STARTED
            and operation.callback_id is not None
        ]

    def history(self) -> Sequence[HistoryEvent]:
        """Everything that has happened so far, in order."""
        return self._service.store.history(self.arn)

    def history_json(self, *, include_execution_data: bool = True) -> dict[str, Any]:
        """Everything that has happened so far, as GetDurableExecutionHistory writes it: all `Events`.

        It is JSON: `json.dump` writes a file that `durably.workflows.testing.replay` reads. Without
        `include_execution_data` it has no payloads. Times are epoch seconds.
        """
        return whole_history(self._service.store, self.arn, include_execution_data=include_execution_data)

    def stop(self, error: ErrorObject | None = None) -> None:
        """End the execution as STOPPED, with `error`; one that has ended stays as it is.

        An invocation that runs is refused its next checkpoint, and ends by that.
        """
        self._service.stop(self.arn, error)
