"""What user code is handed, and the protocols by which it may name the rest.

`StepContext` and its siblings go to bodies; `LoggerInterface`, `Callback`, `DurableContext` and the
others are for annotations. Nothing of ours is imported at run time, so that everything may import this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from durably.workflows.config import (
        CallbackConfig,
        ChildConfig,
        Duration,
        MapConfig,
        ParallelBranch,
        ParallelConfig,
        StepConfig,
    )

T = TypeVar("T")
U = TypeVar("U")
C_co = TypeVar("C_co", covariant=True)
C_contra = TypeVar("C_contra", contravariant=True)


class LoggerInterface(Protocol):
    """The part of `logging.Logger` that this library uses: structlog and Powertools have it as well."""

    __slots__ = ()

    def debug(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def warning(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def error(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...

    def exception(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None: ...


@dataclass(frozen=True)
class OperationContext:
    """What every body is handed: a logger whose records name the operation."""

    logger: LoggerInterface


@dataclass(frozen=True)
class StepContext(OperationContext):
    """What a step's body is handed; `attempt` counts from 1."""

    attempt: int


@dataclass(frozen=True)
class WaitForCallbackContext(OperationContext):
    """What the submitter of a `wait_for_callback` is handed, beside the callback's id."""


@dataclass(frozen=True)
class WaitForConditionCheckContext(OperationContext):
    """What the check of a `wait_for_condition` is handed, beside the state; `attempt` counts from 1."""

    attempt: int


class Callback(Protocol, Generic[C_co]):
    """A callback that was created: hand `callback_id` to whoever is to answer, then await `result()`."""

    callback_id: str

    def result(self) -> C_co | None:
        """What was answered; suspends until then.

        Raises:
            CallbackError: it was answered with a failure, or not in time.
        """
        ...


class BatchResult(Protocol, Generic[T]):
    """The result of a map or parallel, for annotations; the class is in `concurrency.models`."""

    def get_results(self) -> list[T]:
        """The results of the branches that succeeded, in order of the inputs."""
        ...


class SummaryGenerator(Protocol[C_contra]):
    """Makes the text that is recorded in the place of a result too large to record."""

    def __call__(self, result: C_contra) -> str: ...


class DurableContext(Protocol):
    """The operations of a context, for annotations; the class is in `context`."""

    def step(
        self, func: Callable[[StepContext], T], name: str | None = None, config: StepConfig | None = None
    ) -> T:
        """Run `func` and record its result."""
        ...

    def run_in_child_context(
        self,
        func: Callable[[DurableContext], T],
        name: str | None = None,
        config: ChildConfig[Any] | None = None,
    ) -> T:
        """Run `func` on a context of its own and record its result."""
        ...

    def map(
        self,
        inputs: Sequence[U],
        func: Callable[[DurableContext, U, int, Sequence[U]], T],
        name: str | None = None,
        config: MapConfig[Any] | None = None,
    ) -> BatchResult[T]:
        """Run `func` for each of `inputs`, on contexts of their own."""
        ...

    def parallel(
        self,
        functions: Sequence[Callable[[DurableContext], T] | ParallelBranch[T]],
        name: str | None = None,
        config: ParallelConfig | None = None,
    ) -> BatchResult[T]:
        """Run each of `functions` on a context of its own."""
        ...

    def wait(self, duration: Duration, name: str | None = None) -> None:
        """Suspend for `duration`, at least a second."""
        ...

    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Callback[Any]:
        """Create a callback that somebody outside answers."""
        ...


class LambdaContext(Protocol):
    """What AWS Lambda passes to a handler beside the event."""

    aws_request_id: str
    log_group_name: str | None = None
    log_stream_name: str | None = None
    function_name: str | None = None
    memory_limit_in_mb: str | None = None
    function_version: str | None = None
    invoked_function_arn: str | None = None
    tenant_id: str | None = None
    client_context: Any | None = None
    identity: Any | None = None

    def get_remaining_time_in_millis(self) -> int:
        """How long until Lambda kills this invocation, in milliseconds."""
        ...

    def log(self, msg: Any) -> None:
        """Write to the function's log."""
        ...


_ARN = re.compile(
    r"arn:[^:]*:lambda:[^:]*:[^:]*:function:(?P<function>[^:/]+):[^:/]+"
    r"/durable-execution/(?P<execution>[^/]+)/(?P<invocation>[^/]+)"
)


@dataclass(frozen=True)
class DurableExecutionArn:
    """The parts of `arn:...:function:<function>:<version>/durable-execution/<execution>/<invocation>`."""

    function_name: str
    execution_name: str
    invocation_id: str

    @classmethod
    def from_arn(cls, arn: str) -> DurableExecutionArn | None:
        """The parts of `arn`; None if it has another form, as an emulator's does."""
        match = _ARN.fullmatch(arn)
        return cls(match["function"], match["execution"], match["invocation"]) if match else None
