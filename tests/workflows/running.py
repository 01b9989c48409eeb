"""An execution as these tests see it: invoke it, let time pass, look at what was recorded.

Everything runs on `MemoryExecution`, whose time only a test moves; the invocation's own clock follows it,
so nothing is waited for. A `Client` stands where a user's own client would, to see and to refuse calls.
"""

import contextlib
import gc
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import greenlet

from durably.actors.hub import HubDispatcher
from durably.actors.model import CheckpointResponse, Operation, OperationUpdate, StatePage
from durably.workflows import RetryDecision, StepConfig, durable_execution
from durably.workflows.config import Duration
from durably.workflows.exceptions import CheckpointError
from durably.workflows.execution import Settings, invoke
from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.memory import MemoryExecution

PATIENCE = 10.0
"""Seconds after which an event that should have come is given up, so that a fault fails and never hangs."""

ONCE = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.no_retry())
SECOND = Duration.from_seconds(1)


def happens(event: threading.Event) -> None:
    """Wait for an event that another body, the client or workflow code sets."""
    assert event.wait(PATIENCE), "what was waited for did not happen"


class ServiceTime:
    """The invocation's clock: real time, and beside that whatever the service's clock was moved by."""

    def __init__(self, clock: SkippingClock) -> None:
        self._clock = clock
        self._start = clock.now()

    def time(self) -> float:
        return self._clock.now().timestamp()

    def monotonic(self) -> float:
        return time.monotonic() + (self._clock.now() - self._start).total_seconds()

    def skip_to(self, moment: float) -> bool:
        return False


class Client:
    """The service, seen from outside: `before` may refuse a call, `after` may lose its answer."""

    def __init__(
        self,
        service: MemoryExecution,
        before: Callable[[Sequence[OperationUpdate]], object] = lambda updates: None,
        after: Callable[[Sequence[OperationUpdate]], object] = lambda updates: None,
    ) -> None:
        self.service = service
        self.before = before
        self.after = after

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        self.before(updates)
        response = self.service.checkpoint(execution_arn, token, updates)
        self.after(updates)
        return response

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        return self.service.get_execution_state(execution_arn, token, marker, max_items)


class Run:
    """One execution of a handler, invoked as often as a test likes."""

    def __init__(
        self,
        handler: Callable[[Any, Any], Any],
        event: Any = None,
        *,
        page_size: int = 1000,
        before: Callable[[Sequence[OperationUpdate]], object] = lambda updates: None,
        after: Callable[[Sequence[OperationUpdate]], object] = lambda updates: None,
    ) -> None:
        self.service = MemoryExecution(event, page_size=page_size)
        self.client = Client(self.service, before, after)
        self.handler = durable_execution(handler)
        self.settings = Settings(
            cooldown=0, dispatcher=lambda: HubDispatcher(ServiceTime(self.service.clock))
        )

    def invoke(self, lambda_context: Any = None, event: Any = None) -> dict[str, Any]:
        """One invocation, with an event of the service's making by default."""
        event = self.service.event() if event is None else event
        return invoke(self.handler, event, lambda_context, self.client, settings=self.settings)

    def output(self) -> dict[str, Any]:
        """Invoke until it ends, moving the time to whatever is due next."""
        for _ in range(200):
            output = self.invoke()
            if output["Status"] != "PENDING":
                return output
            execution = self.service.execution
            goes_on = self.service.advance() or execution.has_news or execution.is_withdrawn
            assert goes_on, "PENDING, and nothing pends"
        raise AssertionError("it never ends")

    def result(self) -> Any:
        """What it comes to, decoded."""
        output = self.output()
        assert output["Status"] == "SUCCEEDED", output
        return json.loads(output["Result"])

    def error(self) -> dict[str, Any]:
        """How it fails."""
        output = self.output()
        assert output["Status"] == "FAILED", output
        return output["Error"]

    def output_or_error(self, expected: type[Exception]) -> tuple[dict[str, Any] | None, Exception | None]:
        """What it comes to, or the error of this type that leaves an invocation."""
        try:
            return self.output(), None
        except expected as error:
            return None, error

    # ------------------------------------------------------------------ what was recorded

    def named(self, name: str) -> Operation:
        """The one operation of this name."""
        (found,) = [each for each in self.service.operations.values() if each.name == name]
        return found

    def actions(self, name: str | None = None) -> list[str]:
        """What was asked for, in order; of one operation, or of all."""
        return [each.action.value for each in self.service.updates if name is None or each.name == name]

    def updates(self, name: str) -> list[OperationUpdate]:
        """The updates of one operation."""
        return [each for each in self.service.updates if each.name == name]

    @property
    def recorded(self) -> list[str]:
        """The names of all operations, in order of their creation."""
        return [each.name or each.type.value for each in list(self.service.operations.values())[1:]]


def starts(updates: Sequence[OperationUpdate], name: str) -> bool:
    """True if the operation of this name starts in this call."""
    return any(each.name == name and each.action.value == "START" for each in updates)


def ends(updates: Sequence[OperationUpdate], name: str) -> bool:
    """True if the operation of this name ends in this call."""
    return any(each.name == name and each.action.value in ("SUCCEED", "FAIL") for each in updates)


def refused(status: int | None, message: str = "no", code: str = "SomeException") -> CheckpointError:
    """A call that the service answered with this status, or did not answer (None)."""
    error: Exception = ConnectionError(message)
    if status is not None:
        error.response = {  # type: ignore[attr-defined]  # as botocore's errors have it
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
    return CheckpointError.from_exception(error)


class Once:
    """Raises `error` the first time that `when` is true of a call's updates."""

    def __init__(self, when: Callable[[Sequence[OperationUpdate]], bool], error: Exception) -> None:
        self._when = when
        self._error = error
        self.struck = False

    def __call__(self, updates: Sequence[OperationUpdate]) -> None:
        if not self.struck and self._when(updates):
            self.struck = True
            raise self._error


class Remaining:
    """A Lambda context with so many milliseconds left."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


# ------------------------------------------------------------------ what is left behind


def descriptors() -> set[str]:
    folder = "/proc/self/fd" if Path("/proc/self/fd").exists() else "/dev/fd"
    return set(os.listdir(folder))  # noqa: PTH208  # names are all that is wanted


def living_greenlets() -> int:
    greenlet.getcurrent()  # a thread's own is there from the first time that it is asked for
    gc.collect()
    return sum(isinstance(each, greenlet.greenlet) and not each.dead for each in gc.get_objects())


@contextlib.contextmanager
def leftovers() -> Iterator[list[str]]:
    """Collects what is there afterwards and was not before."""
    left: list[str] = []
    threads, greenlets, files = set(threading.enumerate()), living_greenlets(), descriptors()
    yield left
    left += [thread.name for thread in threading.enumerate() if thread not in threads]
    left += ["greenlet"] * max(0, living_greenlets() - greenlets)
    left += [f"file {each}" for each in descriptors() - files]
