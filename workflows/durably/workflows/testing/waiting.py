"""How a test waits for an execution on the embedded service: for its end, or for one of its callbacks.

The service says when an execution has had a turn, and when all is *still*: nothing runs, and nothing is left
that a skipping clock skips to by itself. Then only an answer to a callback, or a timeout, brings news. If
nobody is about to answer, whoever waits skips to the next timeout; if there is none, the wait is over at
once, with an error that says what the execution waits for. So no test ever sits out a time limit for nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from durably.workflows.lambda_service import ErrorObject
from durably.workflows.local import LocalExecution, LocalService
from durably.workflows.testing.callbacks import Callbacks
from durably.workflows.testing.exceptions import DurableFunctionsTestError
from durably.workflows.testing.result import DurableFunctionTestResult


@dataclass(frozen=True)
class Started:
    """An execution that a test has started, and what its handler is told of itself.

    It may take `limit` seconds of real time, which are over at `expires_at` of the monotonic clock.
    """

    handle: LocalExecution
    function_name: str
    account_id: str
    tenant_id: str | None
    limit: float
    expires_at: float


class Waiting:
    """Waits for the executions of one service.

    Args:
        service: what runs them.
        callbacks: theirs.
        skips: whether to skip to timeouts; otherwise they take their time.

    Attributes:
        limits: how many seconds an execution that was invoked may take, by the name of its function.
    """

    def __init__(self, service: LocalService, callbacks: Callbacks, *, skips: bool) -> None:
        self._service = service
        self._callbacks = callbacks
        self._skips = skips
        self.limits: dict[str, float] = {}

    def result(self, started: Started, timeout: float, give_up_at: float) -> DurableFunctionTestResult:
        """Wait for the end, for `timeout` seconds, which are over at `give_up_at` of the monotonic clock.

        Raises:
            TimeoutError: it has not come, or cannot come because nobody answers a callback.
            DurableFunctionsTestError: the service was closed before.
        """
        handle, expired = started.handle, False
        while not handle.wait(0):
            until = give_up_at if expired else min(give_up_at, started.expires_at)
            if self._until(lambda: handle.wait(0), until):
                continue
            now = time.monotonic()
            if now >= give_up_at:
                why = f"{timeout} s of real time are over. {self._what_is_awaited()}"
                raise TimeoutError(f"Execution did not complete within timeout: {why}")
            if now >= until:
                self._time_out(handle.arn, started.limit)
                expired = True
            elif not self._let_time_pass(timeout, started):
                raise TimeoutError(
                    "Execution did not complete within timeout: nothing can happen any more. "
                    f"{self._what_is_awaited()} Answer it with send_callback_success or _failure; if another "
                    "thread does so, make the runner with answers_from_threads=True."
                )
        if handle.status == "RUNNING":
            raise DurableFunctionsTestError("The runner was closed before the execution came to its end.")
        return DurableFunctionTestResult.create(handle.operations())

    def callback(self, started: Started, name: str | None, timeout: float) -> str:
        """Wait for a callback that waits for its outcome, and return its id.

        Raises:
            TimeoutError: it has not come, or cannot come any more.
            DurableFunctionsTestError: it has its outcome already, and another of that name cannot come.
        """
        handle, give_up_at = started.handle, time.monotonic() + timeout
        found: list[str] = []

        def is_decided() -> bool:
            callback_id = self._callbacks.open_one(handle.arn, name)
            if callback_id is not None:
                found.append(callback_id)
            return callback_id is not None or handle.wait(0)

        with self._callbacks.asking():
            while True:
                decided = self._until(is_decided, give_up_at)
                if found:
                    return self._callbacks.hand_out(found[-1])
                if decided or time.monotonic() >= give_up_at or not self._let_time_pass(timeout):
                    waited = timeout if time.monotonic() >= give_up_at else None
                    raise self._callbacks.missing(handle.arn, name, waited)

    def _until(self, condition: Callable[[], bool], until: float) -> bool:
        """Wait for it until then, or until all is still and nobody else will answer a callback."""
        lanes = self._service.lanes
        came = False

        def is_over() -> bool:
            nonlocal came
            came = condition()
            return came or (self._skips and lanes.is_idle() and not self._callbacks.are_in_hand())

        lanes.wait_for(is_over, max(0.0, until - time.monotonic()))
        return came

    def _let_time_pass(self, timeout: float, awaited: Started | None = None) -> bool:
        """Skip to what times out next: a callback, else an execution. Returns whether there is anything.

        Of executions, those that were invoked count, and the one that is `awaited`, if they may take less
        than whoever waits does.
        """
        if not self._skips:
            return False
        due = self._service.lanes.next_timeout()
        if due is not None:
            self._service.advance(max(0.0, (due - self._service.clock.now()).total_seconds()))
            return True
        limits = [] if awaited is None else [(awaited.limit, awaited.handle.arn)]
        for summary in self._service.executions():
            limit = self.limits.get(summary.record.function_name)
            if limit is not None and summary.record.parent_arn and not summary.operation.status.is_terminal:
                limits.append((limit, summary.record.arn))
        limit, arn = min(limits, default=(timeout, ""))
        if limit >= timeout:
            return False
        self._time_out(arn, limit)
        return True

    def _time_out(self, arn: str, limit: float) -> None:
        message = f"Execution timed out after {limit} seconds."
        self._service.time_out(arn, ErrorObject(message, "Execution.Timeout"))

    def _what_is_awaited(self) -> str:
        names = self._callbacks.waiting()
        return f"It waits for {', '.join(names)}." if names else "It waits for no callback."
