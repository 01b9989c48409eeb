"""The embedded service: starts executions, drives them to their end, and keeps them in a store.

    with LocalService("workflows.db") as service:
        execution = service.start(handler, {"items": 3})
        print(execution.result())

Handlers run on threads that the service owns and joins at the end of the `with` block. An execution
that is unfinished then stays in the database, and `recover` goes on with it.
"""

import json
import os
import re
import threading
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import attrs

from durably.actors.model import (
    CheckpointResponse,
    ErrorObject,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.local import validation
from durably.workflows.local.callbacks import parse_callback_id
from durably.workflows.local.chained import child_arn, function_of, invoke_plain, outcome_for_parent
from durably.workflows.local.client import InProcessClient
from durably.workflows.local.clock import Clock, RealClock, SkippingClock
from durably.workflows.local.code import Handler, HandlerCode, code_of
from durably.workflows.local.driver import Invoker, Run
from durably.workflows.local.errors import (
    INVALID_TOKEN,
    HandlerNotFoundError,
    ServiceClosedError,
    ServiceError,
    invalid,
)
from durably.workflows.local.executions import Execution
from durably.workflows.local.functions import Function, Functions
from durably.workflows.local.handle import LocalExecution
from durably.workflows.local.lanes import Lanes
from durably.workflows.local.records import ExecutionRecord, StoredExecution, make_arn, new_execution
from durably.workflows.local.sqlite_store import SqliteStore
from durably.workflows.local.store import ExecutionSummary, MemoryStore, Store
from durably.workflows.service import DurableServiceClient

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def _invoke_durable(*arguments: Any) -> Any:
    """Invoke a durable handler. Imported late: the service can list executions without the library."""
    from durably.workflows import execution

    return execution.invoke(*arguments)


class LocalService:
    """A durable execution service inside this process. All methods may be called from any thread."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        clock: Clock | None = None,
        invoker: Invoker = _invoke_durable,
        max_invocations: int = 32,
        page_size: int = 1000,
        invocation_timeout: float = 900.0,
    ) -> None:
        """Open the service on the database at `path`, or in memory if there is none.

        Args:
            path: the SQLite database; made if it does not exist.
            clock: the real time by default; a `SkippingClock` skips waits and retry delays.
            invoker: how a handler is invoked; there is a reason to change it only in tests.
            max_invocations: how many invocations run at once, each on a thread of its own.
            page_size: how many operations an invocation's event carries; the rest is fetched.
            invocation_timeout: what handlers are told they have, in seconds. Nothing is killed.

        Raises:
            DatabaseInUseError: another process owns the database.
            DatabaseError: the file is something else, or cannot be opened.
        """
        self.clock: Clock = clock or RealClock()
        self.store: Store = MemoryStore() if path is None else SqliteStore(path)
        self._invoker = invoker
        self._page_size = page_size
        self._invocation_timeout = invocation_timeout
        self._lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._functions = Functions(self.store)
        self._closing = False
        self._lanes = Lanes(self.clock, self._turn, max_invocations)
        self._client = InProcessClient(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all invocations at their next checkpoint, join all threads, and close the store.

        A running step body is waited for. Unfinished executions stay as they are.
        """
        with self._lock:
            self._closing = True
            runs = list(self._runs.values())
        for run in runs:
            run.execution.withdraw()
        self._lanes.close()
        with self._lock:
            left = list(self._runs.values())
            self._runs.clear()
        for run in left:
            run.give_up(ServiceClosedError(f"The service was closed; {run.execution.arn} is unfinished."))
        self.store.close()

    # Executions

    def register(self, name: str, handler: Handler, *, durable: bool = True) -> None:
        """Let executions invoke `handler` as the function `name`; `durable=False` for a plain function."""
        self._functions.register(name, handler, durable=durable)

    def start(
        self,
        handler: Handler | str,
        event: Any = None,
        *,
        name: str | None = None,
        timeout_seconds: int | None = None,
    ) -> LocalExecution:
        """Start an execution and return at once.

        Args:
            handler: a durable handler, or the name of a registered function.
            event: its input, any JSON value.
            name: what to call the execution: up to 64 of letters, digits, `-` and `_`.
            timeout_seconds: after how long the execution times out; never by default.

        Raises:
            ServiceError: 400, for a name or an input that is not allowed.
            HandlerNotFoundError: no function of that name is registered.
            TypeError: the input is not JSON.
        """
        if isinstance(handler, str):
            function_name = handler
        else:
            function_name = re.sub(r"[^a-zA-Z0-9_-]", "_", getattr(handler, "__name__", "handler"))[:64]
        name = name or str(uuid.uuid4())
        if not _NAME.fullmatch(name):
            raise invalid(f"Invalid name {name!r}: 1 to 64 of letters, digits, - and _ are allowed.")
        payload = json.dumps(event)
        validation.check_payload(payload)
        function = self._functions.get(handler) if isinstance(handler, str) else Function(handler)
        record = ExecutionRecord(make_arn(function_name, name), name, function_name)
        return self._start(attrs.evolve(record, timeout_seconds=timeout_seconds), payload, function)

    def executions(self) -> Sequence[ExecutionSummary]:
        """All executions of the store, oldest first, finished ones too."""
        return self.store.summaries()

    def recover(self, *, latest: bool = False) -> list[LocalExecution]:
        """Go on with every unfinished execution of the database that is not running already.

        Each goes on with the version of the code that it began with. With `latest` it goes on with what
        its file holds now, and keeps to that from here on. One whose code cannot be loaded is returned
        too; its `result()` says why.
        """
        recovered: list[LocalExecution] = []
        for summary in self.store.summaries():
            arn = summary.record.arn
            with self._lock:
                if arn in self._runs or summary.operation.status.is_terminal:
                    continue
                recovered.append(LocalExecution(self, self._recover(summary.record, latest)))
        return recovered

    def stop(self, arn: str, error: ErrorObject | None = None) -> None:
        """End an execution as STOPPED; one that has ended stays as it is.

        Raises:
            ServiceError: 404, if there is no such execution.
        """
        execution = self._reach(arn)
        execution.finish(
            OperationStatus.STOPPED, error=error or ErrorObject("Execution stopped by user request")
        )
        self._wake(arn)

    # Callbacks

    def succeed_callback(self, callback_id: str, result: str | None = None) -> None:
        """Complete a callback with `result`, the text that the handler gets (JSON, where it has a serdes).

        Raises:
            ServiceError: 400 or 404: no such callback waits, or the result is over 1 MiB.
        """
        if validation.exceeds(result, validation.MAX_CALLBACK_RESULT_BYTES):
            raise invalid(f"The result is over {validation.MAX_CALLBACK_RESULT_BYTES} bytes.")
        self._settle(callback_id, OperationStatus.SUCCEEDED, result, None)

    def fail_callback(self, callback_id: str, error: ErrorObject | None = None) -> None:
        """Complete a callback with an error.

        Raises:
            ServiceError: 400 or 404: no such callback waits, or the error is over 32 KiB.
        """
        error = error or ErrorObject()
        validation.check_error(error)
        self._settle(callback_id, OperationStatus.FAILED, None, error)

    def heartbeat_callback(self, callback_id: str) -> None:
        """Say that whoever will complete a callback is alive.

        Raises:
            ServiceError: 400 or 404: no such callback waits.
        """
        arn, operation_id = parse_callback_id(callback_id)
        self._reach(arn).heartbeat(operation_id)
        self._wake(arn)

    def advance(self, seconds: float) -> None:
        """Let time pass on a `SkippingClock`. What it skips to by itself are waits and retry delays;
        timeouts of callbacks and executions it leaves to you.

        Raises:
            TypeError: the service runs in real time.
        """
        if not isinstance(self.clock, SkippingClock):
            raise TypeError("Only a service with a SkippingClock can be advanced.")
        self.clock.advance(seconds)
        self._lanes.clock_moved()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Wait until every execution is finished or waits for something from outside.

        Returns:
            Whether it is so; `False` after `timeout` seconds of real time.
        """
        return self._lanes.wait_until_idle(timeout)

    # The API that invocations use

    @property
    def client(self) -> DurableServiceClient:
        """The client through which handlers in this process reach the service."""
        return self._client

    def checkpoint(
        self, arn: str, token: str, updates: Sequence[OperationUpdate], client_token: str | None = None
    ) -> CheckpointResponse:
        """CheckpointDurableExecution.

        Raises:
            ServiceError: the service refuses.
        """
        execution = self._running(arn)
        response = execution.checkpoint(token, updates, client_token)
        for update in updates:
            if update.type is OperationType.CHAINED_INVOKE and update.action is OperationAction.START:
                self._start_child(execution, update)
        return response

    def state(self, arn: str, token: str, marker: str, max_items: int = 1000) -> StatePage:
        """GetDurableExecutionState.

        Raises:
            ServiceError: the service refuses.
        """
        return self._running(arn).state(token, marker, max_items)

    # How it does it

    def _start(self, record: ExecutionRecord, payload: str, function: Function) -> LocalExecution:
        code = code_of(function.handler) if function.durable else HandlerCode()
        record = attrs.evolve(record, handler_file=code.file, handler_name=code.name, code_hash=code.hash)
        with self._lock:
            if self._closing:
                raise ServiceClosedError("The service is closed: it starts nothing any more.")
            now = self.clock.now()
            stored = new_execution(record, payload, now)
            self.store.create(stored, now, code.source)
            run = self._adopt(stored, function)
        return LocalExecution(self, run)

    def _adopt(self, stored: StoredExecution, function: Function) -> Run:
        execution = Execution(stored, self.clock, self.store, self._functions.preflight)
        run = Run(execution, function.handler, self._invoker if function.durable else invoke_plain)
        self._runs[execution.arn] = run
        self._lanes.wake(execution.arn)
        return run

    def _recover(self, record: ExecutionRecord, latest: bool) -> Run:
        stored = self.store.load(record.arn)
        try:
            function = self._functions.of(record, latest=latest)
        except HandlerNotFoundError as error:
            run = Run(Execution(stored, self.clock, self.store), _missing, self._invoker)
            run.give_up(error)
            return run
        run = self._adopt(stored, function)
        for request in list(run.execution.requests.values()):
            if request.type is OperationType.CHAINED_INVOKE:
                self._start_child(run.execution, request)
        return run

    def _start_child(self, parent: Execution, request: OperationUpdate) -> None:
        """Start the execution of a chained invoke, or pass on its outcome; once, however often asked."""
        if parent.operations[request.id].status is not OperationStatus.STARTED:
            return
        function_name = function_of(request)
        arn = child_arn(parent.arn, request)
        with self._lock:
            if arn in self._runs or self._closing:
                return
            try:
                stored = self.store.load(arn)
            except ServiceError:
                name = arn.rpartition("/")[2]
                record = ExecutionRecord(
                    arn, name, function_name, parent_arn=parent.arn, parent_operation_id=request.id
                )
                self._start(record, request.payload or "null", self._functions.get(function_name))
                return
        child = Execution(stored, self.clock)
        if child.is_finished:
            self._tell_parent(child)

    def _tell_parent(self, child: Execution) -> None:
        parent_arn, operation_id = child.record.parent_arn, child.record.parent_operation_id
        if parent_arn is None or operation_id is None:
            return
        try:
            self._reach(parent_arn).settle(operation_id, *outcome_for_parent(child.record, child.summary))
        except ServiceError:
            return  # the parent has ended, or knows already
        self._wake(parent_arn)

    def _settle(
        self, callback_id: str, status: OperationStatus, result: str | None, error: ErrorObject | None
    ) -> None:
        arn, operation_id = parse_callback_id(callback_id)
        self._reach(arn).settle(operation_id, status, result, error)
        self._wake(arn)

    def _running(self, arn: str) -> Execution:
        run = self._runs.get(arn)
        if run is None:
            raise invalid(INVALID_TOKEN)
        return run.execution

    def _reach(self, arn: str) -> Execution:
        """An execution that something happens to from outside, whether or not it is being driven."""
        with self._lock:
            run = self._runs.get(arn)
            return (
                run.execution if run is not None else Execution(self.store.load(arn), self.clock, self.store)
            )

    def _wake(self, arn: str) -> None:
        if arn in self._runs:
            try:
                self._lanes.wake(arn)
            except ServiceClosedError:
                pass  # what happened is recorded; whoever recovers the execution will see it

    def _turn(self, arn: str) -> None:
        run = self._runs.get(arn)
        if run is None or self._closing:
            return
        try:
            run.turn(self.clock, self._client, self._page_size, self._invocation_timeout)
            if run.execution.is_finished:
                self._tell_parent(run.execution)
                self._release(run)
                return
        except BaseException as error:  # the store failed: the execution can be recovered later
            self._release(run, error)
            return
        if run.is_ready:
            self._wake(arn)
        for timeouts in (False, True):
            when = run.next_turn(timeouts=timeouts)
            if when is not None:
                self._lanes.wake_at(when, arn, skippable=not timeouts)

    def _release(self, run: Run, broken: BaseException | None = None) -> None:
        with self._lock:
            self._runs.pop(run.execution.arn, None)
        run.give_up(broken)


def _missing(*_: Any) -> Any:
    """Stands for a handler that could not be loaded; it is never invoked."""
