"""`DurableFunctionTestRunner`: a durable function on an embedded service of its own, on a clock that skips.

A wait of a year takes no time here, and nothing is polled: how a test waits is in `waiting.py`.
"""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from os import PathLike
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self

from durably.workflows.context import DurableContext
from durably.workflows.execution import durable_execution, invoke
from durably.workflows.lambda_service import ErrorObject
from durably.workflows.local import LocalService, RealClock, ServiceError, SkippingClock
from durably.workflows.local.event_wire import whole_history
from durably.workflows.local.lambda_context import LocalLambdaContext
from durably.workflows.service import DurableServiceClient
from durably.workflows.testing.callbacks import Callbacks, callback_error, callback_text
from durably.workflows.testing.cloud import DurableFunctionCloudTestRunner
from durably.workflows.testing.exceptions import (
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from durably.workflows.testing.execution import ExecutionStatus
from durably.workflows.testing.inputs import check_handler, decoded_input
from durably.workflows.testing.model import GetDurableExecutionHistoryResponse
from durably.workflows.testing.operations import (
    CallbackOperation,
    ContextOperation,
    ExecutionOperation,
    InvokeOperation,
    Operation,
    StepOperation,
    WaitOperation,
)
from durably.workflows.testing.result import DurableFunctionTestResult
from durably.workflows.testing.waiting import Started, Waiting

__all__ = [
    "CallbackOperation",
    "ContextOperation",
    "DurableChildContextTestRunner",
    "DurableFunctionCloudTestRunner",
    "DurableFunctionTestResult",
    "DurableFunctionTestRunner",
    "ExecutionOperation",
    "ExecutionStatus",
    "InvokeOperation",
    "Operation",
    "StepOperation",
    "WaitOperation",
]

P = ParamSpec("P")

_BYTES_OF_AN_OPERATION = 500
"""What an operation at least weighs in an event."""
_LARGEST_PAGE = 1000


class DurableFunctionTestRunner:
    """Runs a durable function in this process, and lets a test play the outside world.

    Args:
        handler: the function under test, decorated with `durable_execution`.
        poll_interval: kept for compatibility: nothing is polled here.
        max_invocation_page_bytes: how much of the history an invocation's event carries at most; the rest is
            fetched. An operation is taken to weigh 500 bytes at least.
        execution_timeout: seconds of real time that an execution may take.
        invocation_timeout: seconds that the handler is told it has. Nothing is killed.
        store: an SQLite file to keep the executions in; by default they are in memory.
        skip_time: whether waits, delays and timeouts take no time. Otherwise all of them take theirs.
        region: the region that the Lambda context names.
        answers_from_threads: callbacks are answered by threads that the runner cannot know of: where nothing
            else is left to do it waits for them, in real time, instead of skipping to the next timeout.

    Raises:
        TypeError: `handler` is no durable handler.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        poll_interval: float = 1.0,
        max_invocation_page_bytes: int | None = None,
        execution_timeout: int = 300,
        invocation_timeout: int = 900,
        store: str | PathLike[str] | None = None,
        skip_time: bool = True,
        region: str = "us-west-2",
        *,
        answers_from_threads: bool = False,
    ) -> None:
        check_handler(handler)
        page = _LARGEST_PAGE if max_invocation_page_bytes is None else max_invocation_page_bytes
        self.poll_interval = poll_interval
        self._handler = handler
        self._execution_timeout = execution_timeout
        self._region = region
        self._skip_time = skip_time
        self._service = LocalService(
            store,
            clock=SkippingClock() if skip_time else RealClock(),
            invoker=self._invoke,
            page_size=max(1, min(_LARGEST_PAGE, page // _BYTES_OF_AN_OPERATION)),
            invocation_timeout=invocation_timeout,
        )
        self._lock = threading.Lock()
        self._started: dict[str, Started] = {}
        self._targets: dict[str, Callable[..., Any]] = {}
        self._callbacks = Callbacks(self._service)
        self._waiting = Waiting(self._service, self._callbacks, skips=skip_time and not answers_from_threads)

    # The functions that the handler may invoke

    def register_durable_function(
        self,
        function_name: str,
        handler: Callable[..., Any],
        execution_timeout: int = 120,
        retention_period_days: int = 1,
    ) -> DurableFunctionTestRunner:
        """Let `context.invoke(function_name, ...)` run `handler` as a durable execution of its own.

        Args:
            function_name: its name, or an ARN's last part; without version or alias.
            handler: decorated with `durable_execution`.
            execution_timeout: after how many seconds it times out. While time is skipped, it does so only
                if it waits for nothing but a callback.
            retention_period_days: kept for compatibility: what has run is kept until the runner is closed.

        Returns:
            This runner.

        Raises:
            TypeError: `handler` is no durable handler.
        """
        check_handler(handler)
        return self._register(function_name, handler, execution_timeout)

    def register_function(self, function_name: str, handler: Callable[..., Any]) -> DurableFunctionTestRunner:
        """Let `context.invoke(function_name, ...)` call `handler(payload, lambda_context)`: a plain function.

        Returns:
            This runner.
        """
        return self._register(function_name, handler, None)

    def _register(
        self, function_name: str, handler: Callable[..., Any], execution_timeout: int | None
    ) -> DurableFunctionTestRunner:
        if not function_name or ":" in function_name:
            raise InvalidParameterValueException(
                f"Invalid function name {function_name!r}: use the bare name, without version or alias; "
                "it serves all of them."
            )
        self._targets[function_name] = handler
        if execution_timeout is not None and self._skip_time:
            self._waiting.limits[function_name] = execution_timeout
        self._service.register(
            function_name,
            handler,
            durable=execution_timeout is not None,
            execution_timeout_seconds=None if self._skip_time else execution_timeout,
        )
        return self

    # Running

    def run(
        self,
        input: Any = None,
        execution_timeout: int | None = None,
        timeout: int | None = None,
        function_name: str = "test-function",
        execution_name: str = "execution-name",
        account_id: str = "123456789012",
        tenant_id: str | None = None,
    ) -> DurableFunctionTestResult:
        """Run the function to its end.

        Args:
            input: JSON text, which the handler gets decoded; other text, which it gets as it is; or any other
                JSON value.
            execution_timeout: seconds of real time that it may take.
            timeout: the old name of `execution_timeout`.
            function_name: what the Lambda context calls the function.
            execution_name: what the execution is called.
            account_id: the account that the Lambda context names.
            tenant_id: the tenant that the Lambda context names.

        Raises:
            TimeoutError: it has no result after that time, or waits for a callback that nobody answers.
            InvalidParameterValueException: the name or the input is none that the service takes.
            DurableFunctionsTestError: the runner was closed.
        """
        if timeout is not None and execution_timeout is None:
            message = "The argument timeout of run() is deprecated: use execution_timeout."
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            execution_timeout = timeout
        limit = self._execution_timeout if execution_timeout is None else execution_timeout
        arn = self.run_async(
            input,
            limit,
            function_name=function_name,
            execution_name=execution_name,
            account_id=account_id,
            tenant_id=tenant_id,
        )
        started = self._started[arn]
        return self._waiting.result(started, limit, started.expires_at)

    def run_async(
        self,
        input: Any = None,
        execution_timeout: int | None = None,
        timeout: int | None = None,
        function_name: str = "test-function",
        execution_name: str = "execution-name",
        account_id: str = "123456789012",
        tenant_id: str | None = None,
    ) -> str:
        """Start an execution, with the arguments of `run`, and return its ARN at once."""
        given = timeout if execution_timeout is None else execution_timeout
        limit = self._execution_timeout if given is None else given
        handler = self._targets.get(function_name, self._handler)
        with self._lock:  # its first invocation looks it up
            try:
                handle = self._service.start(handler, decoded_input(input), name=execution_name)
            except ServiceError as refusal:
                raise InvalidParameterValueException(refusal.message) from refusal
            self._started[handle.arn] = Started(
                handle, function_name, account_id, tenant_id, limit, time.monotonic() + limit
            )
        return handle.arn

    def wait_for_result(self, execution_arn: str, timeout: int = 60) -> DurableFunctionTestResult:
        """Wait for the end of an execution, at most `timeout` seconds of real time.

        Raises:
            TimeoutError: the end has not come, or cannot come because nobody answers a callback.
            ResourceNotFoundException: this runner has started no such execution.
            DurableFunctionsTestError: the runner was closed before the end.
        """
        return self._waiting.result(self._find(execution_arn), timeout, time.monotonic() + timeout)

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = False
    ) -> GetDurableExecutionHistoryResponse:
        """Everything that has happened in an execution so far, or in one that it has invoked.

        The ARN of one that was invoked is in the ChainedInvokeStarted event. Payloads are left out unless
        they are asked for.

        Raises:
            ResourceNotFoundException: there is no such execution.
        """
        try:
            page = whole_history(
                self._service.store, execution_arn, include_execution_data=include_execution_data
            )
        except ServiceError as refusal:
            raise ResourceNotFoundException(refusal.message) from refusal
        return GetDurableExecutionHistoryResponse.from_dict(page)

    # Callbacks

    def wait_for_callback(self, execution_arn: str, name: str | None = None, timeout: int = 60) -> str:
        """Wait until a callback waits for its outcome, and return its id.

        Args:
            execution_arn: as `run_async` returned it.
            name: the callback's, or of the `wait_for_callback` that has made it; by default the newest.
            timeout: seconds of real time.

        Raises:
            TimeoutError: it has not come, or cannot come any more.
            DurableFunctionsTestError: it has its outcome already, and another of that name cannot come.
            ResourceNotFoundException: this runner has started no such execution.
        """
        return self._waiting.callback(self._find(execution_arn), name, timeout)

    def send_callback_success(self, callback_id: str, result: bytes | str | None = None) -> None:
        """Complete a callback with `result`, the text that the handler gets.

        Raises:
            InvalidParameterValueException: there is no id, or the result is no text.
            ResourceNotFoundException: no such callback waits, or the result is over 1 MiB.
        """
        text = callback_text(result)
        self._callbacks.answer(
            "success", callback_id, lambda: self._service.succeed_callback(callback_id, text)
        )

    def send_callback_failure(self, callback_id: str, error: ErrorObject | None = None) -> None:
        """Complete a callback with an error. Raises as `send_callback_success`."""
        recorded = callback_error(error)
        self._callbacks.answer(
            "failure", callback_id, lambda: self._service.fail_callback(callback_id, recorded)
        )

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Say that whoever will complete a callback is alive. Raises as `send_callback_success`."""
        self._callbacks.answer(
            "heartbeat", callback_id, lambda: self._service.heartbeat_callback(callback_id), ends=False
        )

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
        """End what still runs, at its next checkpoint, and join all threads. A second call does nothing."""
        self._service.close()

    # How it does it

    def _invoke(
        self,
        handler: Callable[..., Any],
        event: dict[str, Any],
        context: LocalLambdaContext,
        client: DurableServiceClient,
    ) -> Any:
        arn: str = event["DurableExecutionArn"]
        with self._lock:
            started = self._started.get(arn)
        self._callbacks.invocation_begins(arn)
        name = context.function_name if started is None else started.function_name
        account = "123456789012" if started is None else started.account_id
        told = replace(
            context,
            function_name=name.partition(":")[0],
            invoked_function_arn=f"arn:aws:lambda:{self._region}:{account}:function:{name}",
            tenant_id=None if started is None else started.tenant_id,
        )
        return invoke(handler, event, told, client)

    def _find(self, arn: str) -> Started:
        started = self._started.get(arn)
        if started is None:
            raise ResourceNotFoundException(
                f"execution does not exist: this runner has started none with the ARN {arn!r}."
            )
        return started


class DurableChildContextTestRunner(DurableFunctionTestRunner):
    """Runs one function that is decorated with `durable_with_child_context`, by itself.

    Args:
        context_function: what the decorator made.
        args: what it is called with, after its context.
        skip_time: as for `DurableFunctionTestRunner`.
        kwargs: what it is called with by name.
    """

    def __init__(
        self,
        context_function: Callable[Concatenate[DurableContext, P], Any],
        *args: Any,
        skip_time: bool = True,
        **kwargs: Any,
    ) -> None:
        made: Callable[..., Callable[[DurableContext], Any]] = context_function

        @durable_execution
        def handler(_: Any, context: DurableContext) -> Any:
            return made(*args, **kwargs)(context)

        super().__init__(handler, skip_time=skip_time)
