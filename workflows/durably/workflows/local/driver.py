"""Drives one execution: when its handler is invoked, and what follows from each answer.

A *turn* does what is due and, if there is a reason to, invokes the handler once. `Run` is what the
driver remembers of an execution between turns; none of it needs to survive a restart, after which the
handler is simply invoked again.
"""

import logging
import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows.local.clock import Clock
from durably.workflows.local.code import Handler
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.events import invocation_event
from durably.workflows.local.executions import Execution
from durably.workflows.local.lambda_context import LocalLambdaContext
from durably.workflows.local.outputs import NOTHING_PENDING, Output, error_of, parse_output
from durably.workflows.local.records import InvocationRecord
from durably.workflows.service import DurableServiceClient

Invoker = Callable[[Handler, dict[str, Any], LocalLambdaContext, DurableServiceClient], Any]
"""Invokes a handler with an event; returns the output of the invocation."""

logger = logging.getLogger(__name__)

MAX_RAISING_INVOCATIONS = 5
MAX_EMPTY_PENDING_INVOCATIONS = 3
BACKOFF = timedelta(seconds=5)


class Run:
    """An execution that is being driven."""

    def __init__(self, execution: Execution, handler: Handler, invoker: Invoker) -> None:
        self.execution = execution
        self.done = threading.Event()
        """Set when the execution is finished and its last invocation has ended."""
        self.broken: BaseException | None = None
        """Why the service cannot go on with the execution, if it cannot."""
        self._handler = handler
        self._invoker = invoker
        self._wanted = True
        self._not_before: datetime | None = None
        self._failures = 0

    def turn(
        self, clock: Clock, client: DurableServiceClient, page_size: int, timeout_seconds: float
    ) -> None:
        """Do what is due, and invoke the handler if there is something to tell it."""
        execution = self.execution
        execution.elapse()
        if execution.is_finished:
            return
        if self._not_before is not None:
            if clock.now() < self._not_before:
                return
            self._not_before = None
            self._wanted = True
        if not self._wanted and not execution.has_news:
            return
        self._wanted = False
        self._invoke(clock, client, page_size, timeout_seconds)
        execution.elapse()

    def next_turn(self, *, timeouts: bool) -> datetime | None:
        """When the execution next needs a turn, though nothing happens to it until then.

        With `timeouts`, when something times out; without, when a wait or a delay is over.
        """
        if self.execution.is_finished:
            return None
        due = self.execution.next_due(timeouts=timeouts)
        return min((when for when in (due, self._not_before) if when is not None), default=None)

    def give_up(self, why: BaseException | None = None) -> None:
        """Let go of everybody who waits for the end: it has come, or (`why`) will not."""
        self.broken = why
        self.done.set()

    @property
    def is_ready(self) -> bool:
        """Whether the handler should be invoked at once."""
        if self.execution.is_finished or self._not_before is not None:
            return False
        return self._wanted or self.execution.has_news

    def _invoke(
        self, clock: Clock, client: DurableServiceClient, page_size: int, timeout_seconds: float
    ) -> None:
        execution = self.execution
        request_id = str(uuid.uuid4())
        context = LocalLambdaContext(
            request_id, execution.record.function_name, execution.arn.partition("/")[0], timeout_seconds
        )
        event = invocation_event(execution.arn, execution.begin(page_size))
        started_at = clock.now()
        error: ErrorObject | None = None
        answer: Any = None
        try:
            answer = self._invoker(self._handler, event, context, client)
        except BaseException as raised:  # whatever it is, it ends this invocation and no more
            error = error_of(raised)
        execution.end_invocation(InvocationRecord(request_id, started_at, clock.now(), error))
        if execution.is_finished:
            return
        if error is None:
            self._conclude(clock, answer)
        elif not execution.is_withdrawn:
            self._try_again(clock, error, MAX_RAISING_INVOCATIONS)

    def _conclude(self, clock: Clock, answer: Any) -> None:
        execution = self.execution
        try:
            output = parse_output(answer, is_child=execution.record.parent_arn is not None)
        except ServiceError as refusal:
            output = Output(OperationStatus.FAILED, error=error_of(refusal))
        if output.status is not OperationStatus.PENDING:
            execution.finish(output.status, output.result, output.error)
            return
        execution.elapse()
        if execution.has_pending or execution.has_news or execution.is_withdrawn:
            self._failures = 0
        else:
            error = ErrorObject(NOTHING_PENDING, "InvalidParameterValueException")
            self._try_again(clock, error, MAX_EMPTY_PENDING_INVOCATIONS)

    def _try_again(self, clock: Clock, error: ErrorObject, limit: int) -> None:
        self._failures += 1
        if self._failures >= limit:
            self.execution.finish(OperationStatus.FAILED, error=error)
        else:
            self._not_before = clock.now() + BACKOFF
            logger.warning(
                "An invocation of %s ended with %s: %s. Another follows in %d s (%d of at most %d ended so).",
                self.execution.record.name,
                error.type,
                error.message,
                BACKOFF.total_seconds(),
                self._failures,
                limit,
            )
