"""The embedded service: starts executions, drives them to their end, and keeps them in a store.

    with LocalService("workflows.db") as service:
        execution = service.start(handler, {"items": 3})
        print(execution.result())

Handlers run on threads that the service owns and joins at the end of the `with` block. An execution
that is unfinished then stays in the database, and `recover` goes on with it.
"""

import atexit
import json
import os
import re
import uuid
import weakref
from collections.abc import Collection, Sequence
from types import TracebackType
from typing import Any, Self, cast

import attrs

from durably.actors.model import (
    ErrorObject,
    OperationStatus,
)
from durably.workflows.local import validation
from durably.workflows.local.callbacks import parse_callback_id
from durably.workflows.local.clock import Clock, RealClock, SkippingClock
from durably.workflows.local.code import Handler
from durably.workflows.local.driver import Invoker
from durably.workflows.local.engine import Engine
from durably.workflows.local.errors import (
    invalid,
)
from durably.workflows.local.executions import Observer
from durably.workflows.local.functions import Function
from durably.workflows.local.handle import LocalExecution
from durably.workflows.local.lanes import Lanes
from durably.workflows.local.records import ExecutionRecord, make_arn
from durably.workflows.local.sqlite_store import SqliteStore
from durably.workflows.local.store import ExecutionSummary, MemoryStore, Store
from durably.workflows.service import DurableServiceClient

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def _invoke_durable(*arguments: Any) -> Any:
    """Invoke a durable handler. Imported late: the service can list executions without the library."""
    from durably.workflows import execution

    return execution.invoke(*arguments)


_open_services: "weakref.WeakSet[LocalService]" = weakref.WeakSet()


@atexit.register
def _close_services() -> None:
    for service in list(_open_services):
        service.close()


def _check_positive(name: str, value: float) -> None:
    if not value > 0:
        raise ValueError(f"{name} must be positive, got {value!r}.")


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
        observer: Observer | None = None,
    ) -> None:
        """Open the service on the database at `path`, or in memory if there is none.

        Args:
            path: the SQLite database; made if it does not exist.
            clock: the real time by default; a `SkippingClock` skips waits and retry delays.
            invoker: how a handler is invoked; there is a reason to change it only in tests.
            max_invocations: how many invocations run at once, each on a thread of its own.
            page_size: how many operations an invocation's event carries; the rest is fetched.
            invocation_timeout: what handlers are told they have, in seconds. Nothing is killed.
            observer: told of everything that changes, by ARN; it must return at once.

        Raises:
            DatabaseInUseError: another process owns the database.
            DatabaseError: the file is something else, or cannot be opened.
            ValueError: a number that must be positive is not.
            TypeError: `path` is no path.
        """
        if path is not None and not isinstance(cast(object, path), str | os.PathLike):
            raise TypeError(f"path must be that of a database, got {path!r}. A clock is given as clock=...")
        _check_positive("max_invocations", max_invocations)
        _check_positive("page_size", page_size)
        _check_positive("invocation_timeout", invocation_timeout)
        self.clock: Clock = clock or RealClock()
        self.store: Store = MemoryStore() if path is None else SqliteStore(path)
        self._engine = Engine(
            self.store, self.clock, invoker, max_invocations, page_size, invocation_timeout, observer
        )
        self._takes_any_handler = invoker is not _invoke_durable
        _open_services.add(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End all invocations at their next checkpoint, join all threads, and close the store.

        A running step body is waited for. Unfinished executions stay as they are. At the end of the
        interpreter a service is closed that was not.
        """
        _open_services.discard(self)
        self._engine.close()

    # Executions

    def register(
        self,
        name: str,
        handler: Handler,
        *,
        durable: bool = True,
        execution_timeout_seconds: int | None = None,
    ) -> None:
        """Let executions invoke `handler` as the function `name`.

        Args:
            name: the function's name, without version or alias.
            handler: a durable handler, or anything that is called with a payload and a Lambda context.
            durable: `False` for a plain function.
            execution_timeout_seconds: after how long an execution of it times out; never by default. What
                invoked it gets an `InvokeError`. On Lambda that is `DurableConfig.ExecutionTimeout`.

        Raises:
            ValueError: the timeout is not positive, or one is given to a plain function, which has none.
        """
        if execution_timeout_seconds is not None:
            _check_positive("execution_timeout_seconds", execution_timeout_seconds)
            if not durable:
                raise ValueError(
                    f"execution_timeout_seconds={execution_timeout_seconds} was given to {name!r}, a plain "
                    "function: only the executions of durable functions time out."
                )
        self._engine.functions.register(name, Function(handler, durable, execution_timeout_seconds))

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
            timeout_seconds: after how long the execution times out; by default as the function was
                registered, or never.

        Raises:
            ServiceError: 400, for a name or an input that is not allowed.
            HandlerNotFoundError: no function of that name is registered.
            TypeError: the input is not JSON, or the handler is no durable handler.
            ValueError: the timeout is not positive.
        """
        if timeout_seconds is not None:
            _check_positive("timeout_seconds", timeout_seconds)
        if isinstance(handler, str):
            function_name = handler
        elif not (self._takes_any_handler or hasattr(handler, "_durable_function")):
            raise TypeError(f"{handler!r} is not a durable handler: decorate it with @durable_execution.")
        else:
            function_name = re.sub(r"[^a-zA-Z0-9_-]", "_", getattr(handler, "__name__", "handler"))[:64]
        name = name or str(uuid.uuid4())
        if not _NAME.fullmatch(name):
            raise invalid(f"Invalid name {name!r}: 1 to 64 of letters, digits, - and _ are allowed.")
        try:
            payload = json.dumps(event)
        except TypeError as error:
            raise TypeError(f"The input of an execution must be JSON: {error}.") from error
        validation.check_payload(payload)
        function = self._engine.functions.get(handler) if isinstance(handler, str) else Function(handler)
        record = ExecutionRecord(make_arn(function_name, name), name, function_name)
        limit = function.timeout_seconds if timeout_seconds is None else timeout_seconds
        record = attrs.evolve(record, timeout_seconds=limit)
        return LocalExecution(self, self._engine.start(record, payload, function))

    def executions(self) -> Sequence[ExecutionSummary]:
        """All executions of the store, oldest first, finished ones too."""
        return self.store.summaries()

    def recover(self, *, latest: bool = False, only: Collection[str] | None = None) -> list[LocalExecution]:
        """Go on with every unfinished execution of the database that is not running already.

        With `only`, with those of these ARNs and what they have invoked. Each goes on with the version of
        the code that it began with. With `latest` it goes on with what its file holds now, and keeps to
        that from here on. One whose code cannot be loaded is returned too; its `result()` says why.
        """
        recovered: list[LocalExecution] = []
        chosen = None if only is None else set(only)
        for summary in self.store.summaries():
            if chosen is not None:
                if summary.record.arn not in chosen and summary.record.parent_arn not in chosen:
                    continue
                chosen.add(summary.record.arn)  # oldest first: whom it has invoked comes later
            if not summary.operation.status.is_terminal:
                run = self._engine.recover(summary.record, latest=latest)
                if run is not None:
                    recovered.append(LocalExecution(self, run))
        return recovered

    def stop(self, arn: str, error: ErrorObject | None = None) -> None:
        """End an execution as STOPPED; one that has ended stays as it is.

        Raises:
            ServiceError: 404, if there is no such execution.
        """
        self._end(arn, OperationStatus.STOPPED, error or ErrorObject("Execution stopped by user request"))

    def time_out(self, arn: str, error: ErrorObject | None = None) -> None:
        """End an execution as TIMED_OUT, whatever its time limit; one that has ended stays as it is.

        Raises:
            ServiceError: 404, if there is no such execution.
        """
        self._end(arn, OperationStatus.TIMED_OUT, error or ErrorObject("Execution timed out."))

    # Callbacks

    def succeed_callback(self, callback_id: str, result: str | None = None) -> None:
        """Complete a callback with `result`, the text that the handler gets (JSON, where it has a serdes).

        Raises:
            ServiceError: 400 or 404: no such callback waits, or the result is no text or over 1 MiB.
        """
        validation.check_callback_result(result)
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
        self._engine.reach(arn).heartbeat(operation_id)
        self._engine.wake(arn)

    def advance(self, seconds: float) -> None:
        """Let time pass on a `SkippingClock`. What it skips to by itself are waits and retry delays;
        timeouts of callbacks and executions it leaves to you.

        Raises:
            TypeError: the service runs in real time.
        """
        if not isinstance(self.clock, SkippingClock):
            raise TypeError("Only a service with a SkippingClock can be advanced.")
        self.clock.advance(seconds)
        self._engine.lanes.clock_moved()

    def wait_until_idle(self, timeout: float | None = None) -> bool:
        """Wait until every execution is finished or waits for something from outside.

        Returns:
            Whether it is so; `False` after `timeout` seconds of real time.
        """
        return self._engine.lanes.wait_until_idle(timeout)

    @property
    def lanes(self) -> Lanes:
        """Which executions have a turn, and when: for tools that wait for more than `wait_until_idle`."""
        return self._engine.lanes

    # The API that invocations use

    @property
    def client(self) -> DurableServiceClient:
        """The client through which handlers in this process reach the service."""
        return self._engine.client

    # How it does it

    def _end(self, arn: str, status: OperationStatus, error: ErrorObject) -> None:
        self._engine.reach(arn).finish(status, error=error)
        self._engine.wake(arn)

    def _settle(
        self, callback_id: str, status: OperationStatus, result: str | None, error: ErrorObject | None
    ) -> None:
        arn, operation_id = parse_callback_id(callback_id)
        self._engine.reach(arn).settle(operation_id, status, result, error)
        self._engine.wake(arn)
