"""`DurableFunctionCloudTestRunner`: the same tests against a function that is deployed.

It speaks to AWS Lambda, or to whatever stands at `lambda_endpoint`, through boto3, which is imported when the
first runner is made. The end of an execution, and its callbacks, can only be asked for again and again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from importlib import import_module
from types import TracebackType
from typing import Any, Self, TypeVar

from durably.workflows.errors import error_to_wire
from durably.workflows.lambda_service import ErrorObject, OperationStatus
from durably.workflows.testing.callbacks import callback_error, callback_text, named_callbacks
from durably.workflows.testing.exceptions import DurableFunctionsTestError
from durably.workflows.testing.inputs import decoded_input
from durably.workflows.testing.model import (
    Event,
    GetDurableExecutionHistoryResponse,
    GetDurableExecutionResponse,
    events_to_operations,
)
from durably.workflows.testing.result import DurableFunctionTestResult

_T = TypeVar("_T")
_ENDS = ("SUCCEEDED", "FAILED", "TIMED_OUT", "STOPPED")


class DurableFunctionCloudTestRunner:
    """Runs a deployed durable function, and lets a test play the outside world.

    Args:
        function_name: name or ARN of the function, with a qualifier if it needs one.
        region: its region.
        lambda_endpoint: where the Lambda API is; by default AWS's.
        poll_interval: seconds between two questions whether something has happened.

    Attributes:
        lambda_client: the boto3 client. Credentials are those of the environment.
    """

    def __init__(
        self,
        function_name: str,
        region: str = "us-west-2",
        lambda_endpoint: str | None = None,
        poll_interval: float = 1.0,
    ) -> None:
        self.function_name = function_name
        self.region = region
        self.lambda_endpoint = lambda_endpoint
        self.poll_interval = poll_interval
        # Imported by name: neither ships types.
        config = import_module("botocore.config").Config(parameter_validation=False)
        self.lambda_client: Any = import_module("boto3").client(
            "lambda", endpoint_url=lambda_endpoint, region_name=region, config=config
        )

    def run(self, input: Any = None, timeout: int = 60) -> DurableFunctionTestResult:
        """Invoke the function and wait for the end of the execution, at most `timeout` seconds.

        Args:
            input: JSON text, other text, or any other JSON value, as for `DurableFunctionTestRunner.run`.
            timeout: seconds.

        Raises:
            TimeoutError: it goes on still.
            DurableFunctionsTestError: the function cannot be invoked, or is not durable.
        """
        return self.wait_for_result(self._invoke(input, "RequestResponse", 200), timeout)

    def run_async(self, input: Any = None, timeout: int = 60) -> str:
        """Invoke the function, and return the ARN of the execution at once.

        Raises:
            DurableFunctionsTestError: the function cannot be invoked, or is not durable.
        """
        return self._invoke(input, "Event", 202)

    def wait_for_result(self, execution_arn: str, timeout: int = 60) -> DurableFunctionTestResult:
        """Wait for the end of an execution, at most `timeout` seconds.

        Raises:
            TimeoutError: it goes on still.
            DurableFunctionsTestError: the service cannot be asked.
        """
        seen = "unknown"

        def ended() -> GetDurableExecutionResponse | None:
            nonlocal seen
            response = self._call(
                "get execution status",
                self.lambda_client.get_durable_execution,
                DurableExecutionArn=execution_arn,
            )
            if response is None:
                return None
            execution = GetDurableExecutionResponse.from_dict(response)
            seen = execution.status
            return execution if seen in _ENDS else None

        execution = self._poll(ended, timeout)
        if execution is None:
            raise TimeoutError(f"Execution did not complete within {timeout} s (last status: {seen}).")
        history = self.get_execution_history(execution_arn, include_execution_data=True)
        return DurableFunctionTestResult.from_execution_history(execution, history)

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = False
    ) -> GetDurableExecutionHistoryResponse:
        """Everything that has happened in an execution so far, all pages of it.

        Raises:
            DurableFunctionsTestError: the service cannot be asked, or knows no such execution.
        """
        history = self._history(execution_arn, include_execution_data)
        if history is None:
            raise DurableFunctionsTestError(
                f"Failed to fetch execution history: no execution {execution_arn}."
            )
        return history

    # Callbacks

    def wait_for_callback(self, execution_arn: str, name: str | None = None, timeout: int = 60) -> str:
        """Wait until a callback waits for its outcome, and return its id.

        Args:
            execution_arn: as `run_async` returned it.
            name: the callback's, or of the `wait_for_callback` that has made it; by default the newest.
            timeout: seconds.

        Raises:
            TimeoutError: it has not come.
            DurableFunctionsTestError: the execution has ended, or the service cannot be asked.
        """

        def found() -> str | None:
            history = self._history(execution_arn, False)
            return None if history is None else _open_callback(history.events, name)

        callback_id = self._poll(found, timeout)
        if callback_id is None:
            what = "Callback" if name is None else f"Callback '{name}'"
            raise TimeoutError(f"{what} did not become available within {timeout} s.")
        return callback_id

    def send_callback_success(self, callback_id: str, result: bytes | str | None = None) -> None:
        """Complete a callback with `result`, the text that the handler gets.

        Raises:
            DurableFunctionsTestError: no such callback waits, or the service cannot be asked.
        """
        text = callback_text(result)
        given = _present(Result=None if text is None else text.encode())
        send = self.lambda_client.send_durable_execution_callback_success
        self._must(f"send callback success for {callback_id}", send, CallbackId=callback_id, **given)

    def send_callback_failure(self, callback_id: str, error: ErrorObject | None = None) -> None:
        """Complete a callback with an error. Raises as `send_callback_success`."""
        wire = error_to_wire(callback_error(error))
        send = self.lambda_client.send_durable_execution_callback_failure
        self._must(f"send callback failure for {callback_id}", send, CallbackId=callback_id, Error=wire)

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Say that whoever will complete a callback is alive. Raises as `send_callback_success`."""
        send = self.lambda_client.send_durable_execution_callback_heartbeat
        self._must(f"send callback heartbeat for {callback_id}", send, CallbackId=callback_id)

    # The end

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections. What runs goes on."""
        self.lambda_client.close()

    # How it does it

    def _invoke(self, input: Any, kind: str, expected: int) -> str:
        response = self._must(
            f"invoke Lambda function {self.function_name}",
            self.lambda_client.invoke,
            FunctionName=self.function_name,
            InvocationType=kind,
            Payload=json.dumps(decoded_input(input)),
        )
        payload = response["Payload"].read().decode(errors="replace") if "Payload" in response else ""
        if response.get("StatusCode") != expected:
            raise DurableFunctionsTestError(
                f"Lambda invocation failed with status {response.get('StatusCode')}: {payload}"
            )
        arn: str | None = response.get("DurableExecutionArn")
        if not arn:
            failed = f" It answered {payload}." if "FunctionError" in response else ""
            raise DurableFunctionsTestError(
                f"No DurableExecutionArn in response for function {self.function_name}: is it durable, "
                f"and is a version or alias named where one is needed?{failed}"
            )
        return arn

    def _history(self, arn: str, include_execution_data: bool) -> GetDurableExecutionHistoryResponse | None:
        events: list[Event] = []
        marker: str | None = None
        while True:
            page = self._call(
                "fetch execution history",
                self.lambda_client.get_durable_execution_history,
                DurableExecutionArn=arn,
                IncludeExecutionData=include_execution_data,
                **_present(Marker=marker),
            )
            if page is None:
                return None
            response = GetDurableExecutionHistoryResponse.from_dict(page)
            events += response.events
            marker = response.next_marker
            if not marker:
                return GetDurableExecutionHistoryResponse(events)

    def _poll(self, ask: Callable[[], _T | None], timeout: float) -> _T | None:
        give_up_at = time.monotonic() + timeout
        while True:
            answer = ask()
            left = give_up_at - time.monotonic()
            if answer is not None or left <= 0:
                return answer
            time.sleep(min(self.poll_interval, left))

    def _must(self, what: str, call: Callable[..., Any], **arguments: Any) -> Any:
        response = self._call(what, call, missing_is_fine=False, **arguments)
        assert response is not None
        return response

    def _call(
        self, what: str, call: Callable[..., Any], *, missing_is_fine: bool = True, **arguments: Any
    ) -> Any:
        """Ask the service; None for what it does not know yet, soon after an asynchronous invocation."""
        try:
            return call(**arguments)
        except Exception as error:
            response: dict[str, Any] = getattr(error, "response", None) or {}
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if missing_is_fine and status == 404:
                return None
            message = f"Failed to {what} ({self.function_name}): {error}"
            raise DurableFunctionsTestError(message) from error


def _present(**arguments: Any) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if value is not None}


def _open_callback(events: list[Event], name: str | None) -> str | None:
    """The newest callback of this name that waits, once the invocation that has made it is over."""
    operations = events_to_operations(events)
    settled: set[str | None] = set()
    begun: list[str | None] = []
    for event in events:
        if event.event_type == "CallbackStarted":
            begun.append(event.operation_id)
        elif event.event_type == "InvocationCompleted":
            settled.update(begun)
            begun.clear()
    for callback in reversed(named_callbacks(operations, name)):
        if callback.status is OperationStatus.STARTED and callback.id in settled:
            return callback.callback_id
    ended = [event.event_type for event in events if event.event_type in _EXECUTION_ENDS]
    if ended:
        what = "a callback" if name is None else f"callback '{name}'"
        raise DurableFunctionsTestError(f"{ended[0]}: {what} does not wait, and cannot come any more.")
    return None


_EXECUTION_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionStopped")
