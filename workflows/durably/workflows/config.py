"""The configuration that operations take: small frozen dataclasses that refuse nonsense at once.

A wrong value raises `ValidationError` where the config is made, naming the argument and the value, so
that it is never found out by the service, half-way through an execution. What concerns the completion
of a map or parallel is written in `completion` and public here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from durably.workflows._validation import (
    check_callable,
    check_int,
    check_serdes,
    check_sub_type,
    check_type,
    is_number,
    refuse,
)
from durably.workflows.completion import (
    BatchItemStatus,
    CompletionConfig,
    CompletionDecision,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionStatus,
    complete_batch,
    continue_batch,
)
from durably.workflows.exceptions import ValidationError

if TYPE_CHECKING:
    from durably.workflows.retries import RetryDecision
    from durably.workflows.serdes import SerDes
    from durably.workflows.types import SummaryGenerator

__all__ = [
    "BatchItemStatus",
    "CallbackConfig",
    "ChildConfig",
    "CompletionConfig",
    "CompletionDecision",
    "CompletionItemStatus",
    "CompletionOutcome",
    "CompletionStatus",
    "Duration",
    "InvokeConfig",
    "JitterStrategy",
    "MapConfig",
    "NestingType",
    "Numeric",
    "ParallelBranch",
    "ParallelConfig",
    "StepConfig",
    "StepSemantics",
    "WaitForCallbackConfig",
    "complete_batch",
    "continue_batch",
]

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Numeric = int | float

_MAX_CALLBACK_SECONDS = 99_999_999


@dataclass(frozen=True)
class Duration:
    """A span of time in whole seconds, zero or more. Fractions of a second are cut off."""

    seconds: int = 0

    def __post_init__(self) -> None:
        value: object = self.seconds
        if is_number(value) and value < 0:
            raise ValidationError(f"Duration seconds must be positive, got: {value!r}")
        check_int("seconds", value, 0)

    def to_seconds(self) -> int:
        """The whole span in seconds."""
        return self.seconds

    @classmethod
    def from_seconds(cls, value: float) -> Duration:
        """`value` seconds."""
        return cls(_whole_seconds(value, 1))

    @classmethod
    def from_minutes(cls, value: float) -> Duration:
        """`value` minutes."""
        return cls(_whole_seconds(value, 60))

    @classmethod
    def from_hours(cls, value: float) -> Duration:
        """`value` hours."""
        return cls(_whole_seconds(value, 3600))

    @classmethod
    def from_days(cls, value: float) -> Duration:
        """`value` days of 24 hours."""
        return cls(_whole_seconds(value, 86400))


def _whole_seconds(value: object, unit: int) -> int:
    if not is_number(value):
        raise refuse("value", "a number", value)
    return int(value * unit)


class JitterStrategy(StrEnum):
    """How much of a computed delay is left to chance, so that many retries do not come at once.

    NONE keeps the delay, FULL takes a random part of it, HALF at least half of it.
    """

    NONE = "NONE"
    FULL = "FULL"
    HALF = "HALF"

    def apply_jitter(self, delay: float) -> float:
        """A delay between 0 (FULL), `delay / 2` (HALF) or `delay` (NONE), and `delay`."""
        if self is JitterStrategy.NONE:
            return delay
        if self is JitterStrategy.HALF:
            return delay / 2 * (1 + random.random())
        return delay * random.random()

    def finalize_delay(self, base_delay: float) -> int:
        """The delay with its jitter, rounded up to whole seconds, at least 1."""
        return max(1, math.ceil(self.apply_jitter(base_delay)))


class NestingType(Enum):
    """Whether a branch is an operation of its own. FLAT saves its START and SUCCEED, and its history."""

    NESTED = "NESTED"
    FLAT = "FLAT"


class StepSemantics(Enum):
    """How often a step's body may run in one attempt, if the invocation is interrupted.

    AT_MOST_ONCE_PER_RETRY waits until START is recorded before the body runs, and an interrupted
    attempt counts as failed. AT_LEAST_ONCE_PER_RETRY runs the body again.
    """

    AT_MOST_ONCE_PER_RETRY = "AT_MOST_ONCE_PER_RETRY"
    AT_LEAST_ONCE_PER_RETRY = "AT_LEAST_ONCE_PER_RETRY"


@dataclass(frozen=True)
class StepConfig:
    """How a step runs.

    Args:
        retry_strategy: called with the error and the attempts made; None is six attempts, from 5 s up
            to a minute apart.
        step_semantics: how often an attempt's body may run.
        serdes: for the result; None is the default serializer.
        sub_type: what history calls the operation instead of "Step"; 1 to 32 of `[A-Za-z0-9_-]`.
            Replay compares it, so it may not change under a running execution.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    retry_strategy: Callable[[Exception, int], RetryDecision] | None = None
    step_semantics: StepSemantics = StepSemantics.AT_LEAST_ONCE_PER_RETRY
    serdes: SerDes[Any] | None = None
    sub_type: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        check_callable("retry_strategy", self.retry_strategy)
        check_type("step_semantics", self.step_semantics, StepSemantics)
        check_serdes("serdes", self.serdes)
        check_sub_type(self.sub_type)


@dataclass(frozen=True)
class ChildConfig(Generic[T]):
    """How a child context is recorded.

    Args:
        serdes: for the result; None is the default serializer.
        sub_type: what history calls the operation instead of "RunInChildContext".
        summary_generator: given a result of more than 256 KB serialized, makes the text that is
            recorded in its place; replay then runs the children's code again for the result itself.
        is_virtual: record nothing of the context itself; its operations belong to the nearest recorded
            one.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    serdes: SerDes[Any] | None = None
    sub_type: str | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    is_virtual: bool = False

    def __post_init__(self) -> None:
        check_serdes("serdes", self.serdes)
        check_sub_type(self.sub_type)
        check_callable("summary_generator", self.summary_generator)
        check_type("is_virtual", self.is_virtual, bool)


@dataclass(frozen=True)
class ParallelConfig:
    """How a parallel runs its branches.

    Args:
        max_concurrency: how many branches may be started and unfinished; None is no limit.
        completion_config: when it stops early; by default at the first failure.
        serdes: for the `BatchResult`, and for the branches' results unless `item_serdes` is given.
        item_serdes: for the branches' results.
        summary_generator: its text is recorded beside the completion record of a large result.
        nesting_type: whether branches are operations of their own.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    max_concurrency: int | None = None
    completion_config: CompletionConfig = field(default_factory=CompletionConfig.all_successful)
    serdes: SerDes[Any] | None = None
    item_serdes: SerDes[Any] | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    nesting_type: NestingType = NestingType.NESTED

    def __post_init__(self) -> None:
        _check_batch(self)


@dataclass(frozen=True)
class MapConfig(Generic[T]):
    """How a map runs over its inputs (of type T).

    Args:
        max_concurrency: how many items may be started and unfinished; None is no limit.
        completion_config: when it stops early; by default at the first failure.
        serdes: for the `BatchResult`, and for the items' results unless `item_serdes` is given.
        item_serdes: for the items' results.
        summary_generator: its text is recorded beside the completion record of a large result.
        nesting_type: whether items are operations of their own.
        item_namer: names an item, given it and its index, instead of `map-item-<index>`; called for
            every input on every run, so it must be deterministic.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    max_concurrency: int | None = None
    completion_config: CompletionConfig = field(default_factory=CompletionConfig)
    serdes: SerDes[Any] | None = None
    item_serdes: SerDes[Any] | None = None
    summary_generator: SummaryGenerator[Any] | None = None
    nesting_type: NestingType = NestingType.NESTED
    item_namer: Callable[[T, int], str] | None = None

    def __post_init__(self) -> None:
        _check_batch(self)
        check_callable("item_namer", self.item_namer)


def _check_batch(config: ParallelConfig | MapConfig[Any]) -> None:
    if config.max_concurrency is not None:
        check_int("max_concurrency", config.max_concurrency, 1)
    check_type("completion_config", config.completion_config, CompletionConfig)
    check_serdes("serdes", config.serdes)
    check_serdes("item_serdes", config.item_serdes)
    check_callable("summary_generator", config.summary_generator)
    check_type("nesting_type", config.nesting_type, NestingType)


@dataclass(frozen=True)
class ParallelBranch(Generic[T_co]):
    """A branch of a parallel with a `name` of its own; calling it calls `func`."""

    func: Callable[..., T_co]
    name: str | None = None

    def __post_init__(self) -> None:
        check_callable("func", self.func, required=True)
        if self.name is not None:
            check_type("name", self.name, str)

    def __call__(self, *args: Any, **kwargs: Any) -> T_co:
        return self.func(*args, **kwargs)


@dataclass(frozen=True)
class InvokeConfig(Generic[P, R]):
    """How another function is invoked.

    Args:
        serdes_payload: for the payload (type P); None is plain JSON.
        serdes_result: for the result (type R); None is plain JSON.
        tenant_id: the tenant for whom it runs; 1 to 256 characters.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    serdes_payload: SerDes[P] | None = None
    serdes_result: SerDes[R] | None = None
    tenant_id: str | None = None

    def __post_init__(self) -> None:
        check_serdes("serdes_payload", self.serdes_payload)
        check_serdes("serdes_result", self.serdes_result)
        if self.tenant_id is not None:
            check_type("tenant_id", self.tenant_id, str)
            if not 1 <= len(self.tenant_id) <= 256:
                raise refuse("tenant_id", "1 to 256 characters", self.tenant_id)


@dataclass(frozen=True)
class CallbackConfig:
    """How a callback waits.

    Args:
        timeout: how long for its result; zero is forever.
        heartbeat_timeout: how long from one heartbeat to the next; zero is forever.
        serdes: decodes the payload; None hands it over as the text it is.
        sub_type: what history calls the operation instead of "Callback".

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    timeout: Duration = field(default_factory=Duration)
    heartbeat_timeout: Duration = field(default_factory=Duration)
    serdes: SerDes[Any] | None = None
    sub_type: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (("timeout", self.timeout), ("heartbeat_timeout", self.heartbeat_timeout)):
            check_type(name, value, Duration)
            check_int(name, value.seconds, 0, _MAX_CALLBACK_SECONDS)
        check_serdes("serdes", self.serdes)
        check_sub_type(self.sub_type)

    @property
    def timeout_seconds(self) -> int:
        return self.timeout.seconds

    @property
    def heartbeat_timeout_seconds(self) -> int:
        return self.heartbeat_timeout.seconds


@dataclass(frozen=True)
class WaitForCallbackConfig(CallbackConfig):
    """As `CallbackConfig`, with the `retry_strategy` of the submitter's step."""

    retry_strategy: Callable[[Exception, int], RetryDecision] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        check_callable("retry_strategy", self.retry_strategy)
