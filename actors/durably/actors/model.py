"""The service's vocabulary: what an operation is, and what an update asks for.

Every part of the library speaks these types: the actors own them, the wire converter reads and
writes them, the embedded service stores them. They are flat on purpose. The wire nests what belongs
to one type of operation (`StepDetails`, `WaitOptions`, ...); here a field that does not apply is
`None`, which costs less memory in a fan-out of 100,000 and reads better.

Nothing here does I/O, and nothing here imports anything of ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, ClassVar

from durably.actors.frozen import frozen


class OperationType(Enum):
    """What kind of thing an operation is."""

    EXECUTION = "EXECUTION"
    CONTEXT = "CONTEXT"
    STEP = "STEP"
    WAIT = "WAIT"
    CALLBACK = "CALLBACK"
    CHAINED_INVOKE = "CHAINED_INVOKE"


class OperationStatus(Enum):
    """Where an operation is in its life."""

    STARTED = "STARTED"
    PENDING = "PENDING"
    READY = "READY"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
    TIMED_OUT = "TIMED_OUT"
    STOPPED = "STOPPED"

    is_terminal: bool
    """True of SUCCEEDED, FAILED, CANCELLED, TIMED_OUT and STOPPED: nothing follows them."""


for _status in OperationStatus:
    _status.is_terminal = _status.value not in ("STARTED", "PENDING", "READY")


class OperationAction(Enum):
    """What an update asks the service to do with an operation."""

    START = "START"
    SUCCEED = "SUCCEED"
    FAIL = "FAIL"
    RETRY = "RETRY"
    CANCEL = "CANCEL"


class OperationSubType(StrEnum):
    """The subtypes that this library writes. A subtype is free text on the wire (1-32 characters)."""

    STEP = "Step"
    WAIT = "Wait"
    CALLBACK = "Callback"
    CHAINED_INVOKE = "ChainedInvoke"
    RUN_IN_CHILD_CONTEXT = "RunInChildContext"
    MAP = "Map"
    MAP_ITERATION = "MapIteration"
    PARALLEL = "Parallel"
    PARALLEL_BRANCH = "ParallelBranch"
    WAIT_FOR_CALLBACK = "WaitForCallback"
    WAIT_FOR_CONDITION = "WaitForCondition"


@dataclass(frozen=True, slots=True)
class ErrorObject:
    """An error as it is recorded. All four fields are optional on the wire.

    It is a dataclass because users make it, too: of what they answer to a callback, say.
    """

    message: str | None = None
    type: str | None = None
    data: str | None = None
    stack_trace: Sequence[str] | None = None

    recorder: ClassVar[Callable[[BaseException], "ErrorObject"]]
    """Records an exception. Set by `durably.workflows.errors`, where the names on the wire are known."""

    def __post_init__(self) -> None:
        if isinstance(self.stack_trace, list):  # one record is shared by all who read it
            object.__setattr__(self, "stack_trace", tuple(self.stack_trace))

    @classmethod
    def from_exception(cls, exception: BaseException) -> "ErrorObject":
        """What is recorded of `exception`: its class and text; of an operation's error, all its fields."""
        return cls.recorder(exception)

    @classmethod
    def from_message(cls, message: str) -> "ErrorObject":
        """An error of which no more is known than its text."""
        return cls(message)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "ErrorObject":
        """The error that the wire has; what is absent is None."""
        stack = data.get("StackTrace")
        return cls(
            data.get("ErrorMessage"),
            data.get("ErrorType"),
            data.get("ErrorData"),
            None if stack is None else tuple(stack),
        )

    def to_dict(self) -> dict[str, Any]:
        """The error as the wire has it; what is None is left out."""
        wire: dict[str, Any] = {}
        if self.message is not None:
            wire["ErrorMessage"] = self.message
        if self.type is not None:
            wire["ErrorType"] = self.type
        if self.data is not None:
            wire["ErrorData"] = self.data
        if self.stack_trace is not None:
            wire["StackTrace"] = list(self.stack_trace)
        return wire


@frozen
class Operation:
    """An operation as the service has recorded it. Times are timezone-aware.

    `result` is the serialized text: a step's or context's `Result`, a callback's, an invoke's.
    `attempt` counts a step's *finished* attempts. `ends_at` is a wait's `ScheduledEndTimestamp`, and
    `next_attempt_at` a PENDING step's `NextAttemptTimestamp`.
    """

    id: str
    type: OperationType
    status: OperationStatus
    sub_type: str | None = None
    name: str | None = None
    parent_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    result: str | None = None
    error: ErrorObject | None = None
    attempt: int = 0
    next_attempt_at: datetime | None = None
    ends_at: datetime | None = None
    replay_children: bool = False
    callback_id: str | None = None
    input_payload: str | None = None  # EXECUTION only


@frozen
class OperationUpdate:
    """One change that an invocation asks the service to make.

    The last seven fields are options of one type of operation: `replay_children` of a CONTEXT's
    SUCCEED, `next_attempt_delay_seconds` of a STEP's RETRY, `wait_seconds` of a WAIT's START,
    the timeouts of a CALLBACK's START (both, 0 for none), the rest of a CHAINED_INVOKE's START.
    """

    id: str
    type: OperationType
    action: OperationAction
    sub_type: str | None = None
    name: str | None = None
    parent_id: str | None = None
    payload: str | None = None
    error: ErrorObject | None = None
    replay_children: bool | None = None
    next_attempt_delay_seconds: int | None = None
    wait_seconds: int | None = None
    timeout_seconds: int | None = None
    heartbeat_timeout_seconds: int | None = None
    function_name: str | None = None
    tenant_id: str | None = None
    trace_id: str | None = None


@frozen
class CheckpointResponse:
    """What the service answers to a checkpoint: the next token, and every operation that changed.

    A `token` of `None` withdraws the right to checkpoint: this invocation may send nothing more.
    `next_marker` is empty when `operations` is complete.
    """

    token: str | None
    operations: tuple[Operation, ...] = ()
    next_marker: str = ""


@frozen
class StatePage:
    """One page of an execution's state; `next_marker` is empty on the last."""

    operations: tuple[Operation, ...] = ()
    next_marker: str = ""
