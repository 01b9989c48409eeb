"""Every exception of `durably.workflows`, and the names that they bear on the wire.

    Exception
    └ DurableExecutionsError
      ├ PluginLoadError, ValidationError, InvalidStateError, OrderedLockError, SerDesError
      ├ UnrecoverableError (termination_reason)
      │ ├ ExecutionError ─ NonDeterministicExecutionError, DeadlockError
      │ └ InvocationError ─ StepInterruptedError, RetryableSerDesError,
      │                     BotoClientError ─ CheckpointError, GetExecutionStateError
      └ DurableOperationError ─ StepError, InvokeError, ChildContextError, WaitForConditionError,
          BatchCompletionError, CallbackError ─ CallbackExternalError, CallbackTimeoutError,
                                                CallbackSubmitterError
    BaseException ─ SuspendExecution ─ TimedSuspendExecution; BackgroundThreadError;
                    OrphanedChildException

An `ExecutionError` ends the execution as FAILED; an `InvocationError` leaves the handler, so that the
service invokes again; a `DurableOperationError` is one operation's failure and user code may catch it.
The three that derive from `BaseException` unwind workflow code and are nobody's to catch.

On the wire an error is named by its class's dotted path. Our classes go by the path that they have in
AWS's SDK (see `error_names`). `BatchCompletionError` lives in `concurrency.models` and registers itself.
"""

import time
from datetime import datetime
from enum import Enum
from typing import Any, Self, TypedDict

from durably.workflows.error_names import error_class_for, error_type_of, on_wire

_INVALID_TOKEN = "invalid checkpoint token"
_PERMANENT_CODES = frozenset(
    ("KMSAccessDeniedException", "KMSDisabledException", "KMSInvalidStateException", "KMSNotFoundException")
)


class AwsErrorObj(TypedDict):
    """The `Error` part of a botocore error response."""

    Code: str | None
    Message: str | None


class AwsErrorMetadata(TypedDict):
    """The `ResponseMetadata` part of a botocore response."""

    RequestId: str | None
    HostId: str | None
    HTTPStatusCode: int | None
    HTTPHeaders: str | None
    RetryAttempts: str | None


class TerminationReason(Enum):
    """Why an execution or invocation was ended by an `UnrecoverableError`."""

    UNHANDLED_ERROR = "UNHANDLED_ERROR"
    INVOCATION_ERROR = "INVOCATION_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"
    CHECKPOINT_FAILED = "CHECKPOINT_FAILED"
    NON_DETERMINISTIC_EXECUTION = "NON_DETERMINISTIC_EXECUTION"
    STEP_INTERRUPTED = "STEP_INTERRUPTED"
    SERIALIZATION_ERROR = "SERIALIZATION_ERROR"


class DurableApiErrorCategory(Enum):
    """What a failed API call ends: this invocation (another may succeed), or the execution."""

    INVOCATION = "INVOCATION"
    EXECUTION = "EXECUTION"


CheckpointErrorCategory = DurableApiErrorCategory


@on_wire
class DurableExecutionsError(Exception):
    """Base of every error of this library that user code may catch."""


@on_wire
class PluginLoadError(DurableExecutionsError):
    """A configured instrumentation plugin could not be loaded."""


@on_wire
class ValidationError(DurableExecutionsError):
    """An argument is of the wrong type or out of range. Raised before anything is checkpointed."""


@on_wire
class InvalidStateError(DurableExecutionsError):
    """An object was asked for what its state does not allow."""


@on_wire
class OrderedLockError(DurableExecutionsError):
    """A lock granted in order was broken by an earlier holder's `source_exception`."""

    def __init__(self, message: str, source_exception: Exception | None = None) -> None:
        if source_exception:
            message = f"{message} {type(source_exception).__name__}: {source_exception}"
        super().__init__(message)
        self.source_exception = source_exception


@on_wire
class UnrecoverableError(DurableExecutionsError):
    """Base of the errors that end more than one operation; `termination_reason` says why."""

    def __init__(self, message: str, termination_reason: TerminationReason) -> None:
        super().__init__(message)
        self.termination_reason = termination_reason


@on_wire
class ExecutionError(UnrecoverableError):
    """Ends the execution as FAILED; the service does not invoke again."""

    def __init__(
        self, message: str, termination_reason: TerminationReason = TerminationReason.EXECUTION_ERROR
    ) -> None:
        super().__init__(message, termination_reason)


@on_wire
class NonDeterministicExecutionError(ExecutionError):
    """Replay called another operation than the one recorded under the id `step_id`."""

    def __init__(self, message: str, step_id: str | None = None) -> None:
        super().__init__(message, TerminationReason.NON_DETERMINISTIC_EXECUTION)
        self.step_id = step_id


class DeadlockError(ExecutionError):
    """Workflow code waits for itself: nothing runs, and nothing outside can wake it.

    AWS's SDK has no such error, so this one keeps its own path on the wire.
    """


@on_wire
class InvocationError(UnrecoverableError):
    """Ends this invocation by leaving the handler; the service invokes again."""

    def __init__(
        self, message: str, termination_reason: TerminationReason = TerminationReason.INVOCATION_ERROR
    ) -> None:
        super().__init__(message, termination_reason)

    def is_retryable(self) -> bool:
        """Whether a new invocation may succeed. If not, the execution fails instead."""
        return True


@on_wire
class StepInterruptedError(InvocationError):
    """An at-most-once step was interrupted before its end was checkpointed. `step_id` is its id."""

    def __init__(self, message: str, step_id: str | None = None) -> None:
        super().__init__(message, TerminationReason.STEP_INTERRUPTED)
        self.step_id = step_id


@on_wire
class RetryableSerDesError(InvocationError):
    """Raised by a serdes whose failure may pass (a store it needs timed out): nothing is recorded.

    Raise `SerDesError` for a failure that will not pass.
    """

    def __init__(
        self, message: str, termination_reason: TerminationReason = TerminationReason.SERIALIZATION_ERROR
    ) -> None:
        super().__init__(message, termination_reason)


@on_wire
class BotoClientError(InvocationError):
    """A call of the durable execution API failed.

    `error` and `response_metadata` are those parts of botocore's response, `None` when there was no
    response. `error_category` says whether this invocation ends or the execution fails.
    """

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
        termination_reason: TerminationReason = TerminationReason.INVOCATION_ERROR,
    ) -> None:
        super().__init__(message, termination_reason)
        self.error = error
        self.response_metadata = response_metadata
        self.error_category = error_category

    @classmethod
    def from_exception(cls, exception: Exception) -> Self:
        """Classify what botocore raised, by the response it carries (if any)."""
        response: dict[str, Any] = getattr(exception, "response", None) or {}
        error: AwsErrorObj | None = response.get("Error")
        metadata: AwsErrorMetadata | None = response.get("ResponseMetadata")
        return cls(str(exception), _category(error, metadata), error, metadata)

    def is_retryable(self) -> bool:
        return self.error_category is DurableApiErrorCategory.INVOCATION

    is_retriable = is_retryable

    def build_logger_extras(self) -> dict[str, Any]:
        """What a log record should carry of the response, under botocore's own names."""
        extras: dict[str, Any] = {}
        if self.error:
            extras["Error"] = self.error
        if self.response_metadata:
            extras["ResponseMetadata"] = self.response_metadata
        return extras


def _category(error: AwsErrorObj | None, metadata: AwsErrorMetadata | None) -> DurableApiErrorCategory:
    # A stale token is told by its message alone, whatever its case: over HTTP an emulator's error
    # comes without its type, and the services do not agree on the capitals.
    if not error:
        return DurableApiErrorCategory.INVOCATION
    if error.get("Code") in _PERMANENT_CODES:
        return DurableApiErrorCategory.EXECUTION
    status = (metadata.get("HTTPStatusCode") if metadata else None) or 0
    if not 400 <= status < 500 or status == 429:
        return DurableApiErrorCategory.INVOCATION
    if (error.get("Message") or "").lower().startswith(_INVALID_TOKEN):
        return DurableApiErrorCategory.INVOCATION
    return DurableApiErrorCategory.EXECUTION


@on_wire
class CheckpointError(BotoClientError):
    """A checkpoint failed."""

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
    ) -> None:
        super().__init__(
            message, error_category, error, response_metadata, TerminationReason.CHECKPOINT_FAILED
        )


@on_wire
class GetExecutionStateError(BotoClientError):
    """The execution's state could not be read."""

    def __init__(
        self,
        message: str,
        error_category: DurableApiErrorCategory = DurableApiErrorCategory.INVOCATION,
        error: AwsErrorObj | None = None,
        response_metadata: AwsErrorMetadata | None = None,
    ) -> None:
        super().__init__(message, error_category, error, response_metadata)


class _RecordedError(DurableExecutionsError):
    # What an error that an operation records carries: its four fields on the wire.

    def __init__(
        self,
        message: str | None = None,
        error_type: str | None = None,
        data: str | None = None,
        stack_trace: list[str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type: str = error_type or error_type_of(self)
        self.data = data
        self.stack_trace = stack_trace


@on_wire
class SerDesError(_RecordedError):
    """A value could not be serialized or deserialized, and never will be.

    `message`, `error_type`, `data` and `stack_trace` are what is recorded of it.
    """


@on_wire
class DurableOperationError(_RecordedError):
    """Base of one operation's failure, as it is raised on the first run and on every replay.

    `error_type` names what escaped the operation (`"ValueError"`), not this class; `message`, `data`
    and `stack_trace` are the recorded ones, and `__cause__` is rebuilt from the same record: it is
    never the original exception object, which a replay could not produce.
    """

    @classmethod
    def from_error_fields(
        cls, error_type: str | None, message: str | None, data: str | None, stack_trace: list[str] | None
    ) -> "DurableOperationError":
        """The operation error that `error_type` names, a plain `DurableOperationError` if it names none."""
        named = error_class_for(error_type)
        target = named if named and issubclass(named, DurableOperationError) else DurableOperationError
        return target(message=message, error_type=error_type, data=data, stack_trace=stack_trace)


@on_wire
class StepError(DurableOperationError):
    """A step failed, its retries exhausted."""


@on_wire
class InvokeError(DurableOperationError):
    """An invoked function failed, timed out or was stopped."""


@on_wire
class ChildContextError(DurableOperationError):
    """A child context, a branch of a parallel or an item of a map failed."""


@on_wire
class WaitForConditionError(DurableOperationError):
    """A condition's check raised, or its attempts were exhausted before it was met."""


@on_wire
class CallbackError(DurableOperationError):
    """Base of the failures of a callback."""


@on_wire
class CallbackExternalError(CallbackError):
    """The external system reported a failure."""


@on_wire
class CallbackTimeoutError(CallbackError):
    """The callback's timeout elapsed, or its heartbeat stayed away too long."""


@on_wire
class CallbackSubmitterError(CallbackError):
    """The submitter of a `wait_for_callback` failed; the callback was never handed out."""


def register_operation_error(error_cls: type[DurableOperationError]) -> None:
    """Let `error_cls` be rebuilt from the record by its name.

    For classes of this library that live above this module. The constructor must take the keywords
    `message`, `error_type`, `data` and `stack_trace`.
    """
    on_wire(error_cls)


class BackgroundThreadError(BaseException):
    """Checkpointing failed for a reason that is no API error; `source_exception` is that reason."""

    def __init__(self, message: str, source_exception: Exception) -> None:
        super().__init__(message)
        self.source_exception = source_exception


class SuspendExecution(BaseException):
    """Unwinds workflow code when its invocation ends PENDING. Let it pass."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class TimedSuspendExecution(SuspendExecution):
    """A suspension until `scheduled_timestamp`, in seconds since the epoch."""

    def __init__(self, message: str, scheduled_timestamp: float) -> None:
        super().__init__(message)
        self.scheduled_timestamp = scheduled_timestamp

    @classmethod
    def from_delay(cls, message: str, delay_seconds: int) -> "TimedSuspendExecution":
        """A suspension for `delay_seconds` from now, by the wall clock."""
        return cls(message, time.time() + delay_seconds)

    @classmethod
    def from_datetime(cls, message: str, datetime_timestamp: datetime) -> "TimedSuspendExecution":
        """A suspension until `datetime_timestamp`."""
        return cls(message, datetime_timestamp.timestamp())


class OrphanedChildException(BaseException):
    """Unwinds code below a context that has already finished; `operation_id` is whose turn it was."""

    def __init__(self, message: str, operation_id: str) -> None:
        super().__init__(message)
        self.operation_id = operation_id
