"""What is behind `LocalService`: every execution that is being driven, and its turns on the lanes.

An execution is in `_runs` from its start or recovery to its end. What happens to it from outside
reaches it by `reach`, whether it is being driven or only lies in the store.
"""

import threading
from collections.abc import Sequence
from typing import Any

import attrs

from durably.actors.model import (
    CheckpointResponse,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.local.chained import child_arn, function_of, invoke_plain, outcome_for_parent
from durably.workflows.local.client import InProcessClient
from durably.workflows.local.clock import Clock
from durably.workflows.local.code import HandlerCode, code_of
from durably.workflows.local.driver import Invoker, Run
from durably.workflows.local.errors import (
    INVALID_TOKEN,
    HandlerNotFoundError,
    ServiceClosedError,
    ServiceError,
    invalid,
)
from durably.workflows.local.executions import Execution, Observer
from durably.workflows.local.functions import Function, Functions
from durably.workflows.local.lanes import Lanes
from durably.workflows.local.records import ExecutionRecord, StoredExecution, new_execution
from durably.workflows.local.store import Store


class Engine:
    """Drives the executions of one store. All methods may be called from any thread."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        invoker: Invoker,
        max_invocations: int,
        page_size: int,
        invocation_timeout: float,
        observer: Observer | None = None,
    ) -> None:
        self.store = store
        self.clock = clock
        self.functions = Functions(store)
        self.lanes = Lanes(clock, self._turn, max_invocations)
        self.client = InProcessClient(self)
        self._invoker = invoker
        self._page_size = page_size
        self._invocation_timeout = invocation_timeout
        self._observer = observer
        self._lock = threading.RLock()
        self._runs: dict[str, Run] = {}
        self._closing = False

    def close(self) -> None:
        """End all invocations at their next checkpoint, join all threads, and close the store."""
        with self._lock:
            self._closing = True
            runs = list(self._runs.values())
        for run in runs:
            run.execution.withdraw()
        self.lanes.close()
        with self._lock:
            left = list(self._runs.values())
            self._runs.clear()
        for run in left:
            run.give_up(ServiceClosedError(f"The service was closed; {run.execution.arn} is unfinished."))
        self.store.close()

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

    def start(self, record: ExecutionRecord, payload: str, function: Function) -> Run:
        """Record a new execution with its code, and drive it."""
        code = code_of(function.handler) if function.durable else HandlerCode()
        record = attrs.evolve(record, handler_file=code.file, handler_name=code.name, code_hash=code.hash)
        with self._lock:
            if self._closing:
                raise ServiceClosedError("The service is closed: it starts nothing any more.")
            now = self.clock.now()
            stored = new_execution(record, payload, now)
            self.store.create(stored, now, code.source)
            return self._adopt(stored, function)

    def _adopt(self, stored: StoredExecution, function: Function) -> Run:
        execution = Execution(stored, self.clock, self.store, self.functions.preflight, self._observer)
        run = Run(execution, function.handler, self._invoker if function.durable else invoke_plain)
        self._runs[execution.arn] = run
        self.lanes.wake(execution.arn)
        return run

    def recover(self, record: ExecutionRecord, *, latest: bool) -> Run | None:
        """Drive an execution of the store; `None` if that is being done. See `LocalService.recover`."""
        with self._lock:
            return None if record.arn in self._runs else self._recover(record, latest)

    def _recover(self, record: ExecutionRecord, latest: bool) -> Run:
        stored = self.store.load(record.arn)
        try:
            function = self.functions.of(record, latest=latest)
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
                function = self.functions.get(function_name)
                record = ExecutionRecord(
                    arn,
                    arn.rpartition("/")[2],
                    function_name,
                    parent_arn=parent.arn,
                    parent_operation_id=request.id,
                    timeout_seconds=function.timeout_seconds,
                )
                self.start(record, request.payload or "null", function)
                return
        child = Execution(stored, self.clock)
        if child.is_finished:
            self._tell_parent(child)

    def _tell_parent(self, child: Execution) -> None:
        parent_arn, operation_id = child.record.parent_arn, child.record.parent_operation_id
        if parent_arn is None or operation_id is None:
            return
        try:
            self.reach(parent_arn).settle(operation_id, *outcome_for_parent(child.summary))
        except ServiceError:
            return  # the parent has ended, or knows already
        self.wake(parent_arn)

    def _running(self, arn: str) -> Execution:
        run = self._runs.get(arn)
        if run is None:
            raise invalid(INVALID_TOKEN)
        return run.execution

    def reach(self, arn: str) -> Execution:
        """An execution that something happens to from outside, whether or not it is being driven."""
        with self._lock:
            run = self._runs.get(arn)
            return (
                run.execution if run is not None else Execution(self.store.load(arn), self.clock, self.store)
            )

    def wake(self, arn: str) -> None:
        """Give an execution a turn, because something has happened to it."""
        if arn in self._runs:
            try:
                self.lanes.wake(arn)
            except ServiceClosedError:
                pass  # what happened is recorded; whoever recovers the execution will see it

    def _turn(self, arn: str) -> None:
        run = self._runs.get(arn)
        if run is None or self._closing:
            return
        try:
            run.turn(self.clock, self.client, self._page_size, self._invocation_timeout)
            if run.execution.is_finished:
                self._tell_parent(run.execution)
                self._release(run)
                return
        except BaseException as error:  # the store failed: the execution can be recovered later
            self._release(run, error)
            return
        if run.is_ready:
            self.wake(arn)
        for timeouts in (False, True):
            when = run.next_turn(timeouts=timeouts)
            if when is not None:
                self.lanes.wake_at(when, arn, skippable=not timeouts)

    def _release(self, run: Run, broken: BaseException | None = None) -> None:
        with self._lock:
            self._runs.pop(run.execution.arn, None)
        run.give_up(broken)


def _missing(*_: Any) -> Any:
    """Stands for a handler that could not be loaded; it is never invoked."""
