"""Retry strategies: functions from an error and the attempts made to a `RetryDecision`; and `with_retry`.

A strategy is any such callable; here are the two makers (exponential and linear) and the presets. The
base delay of attempt n is capped, given its jitter, and rounded up to whole seconds, at least one. A step
takes a strategy in its config; `with_retry` applies one to a block of operations.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from durably.workflows._typed.binding import with_bound
from durably.workflows._validation import check_callable, check_int, check_type, is_number, name_of, refuse
from durably.workflows.config import ChildConfig, Duration, JitterStrategy, Numeric
from durably.workflows.exceptions import NonDeterministicExecutionError, ValidationError

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

T = TypeVar("T")

_LONGEST_NAME = 240
"""Of a block: what a name may have in the service, less what is added for a backoff's."""


@dataclass
class RetryDecision:
    """Whether to try again, and after which delay. Made by `retry()` and `no_retry()`.

    Raises:
        ValidationError: it says to retry, and `delay` is no `Duration`.
    """

    should_retry: bool
    delay: Duration

    def __post_init__(self) -> None:
        if self.should_retry:
            check_type("delay", self.delay, Duration)

    @property
    def delay_seconds(self) -> int:
        return self.delay.seconds

    @classmethod
    def retry(cls, delay: Duration) -> RetryDecision:
        """Try again after `delay`. A step takes less than a second for one; `with_retry` refuses it."""
        return cls(should_retry=True, delay=delay)

    @classmethod
    def no_retry(cls) -> RetryDecision:
        """Give up: the operation fails with this attempt's error."""
        return cls(should_retry=False, delay=Duration())


@dataclass
class RetryStrategyConfig:
    """Delays that grow by a factor.

    Args:
        max_attempts: how often to run in all, the first included; at least 1.
        initial_delay: before the second attempt.
        max_delay: the most between two attempts, before jitter.
        backoff_rate: what each delay is multiplied by to give the next; above 0.
        jitter_strategy: how much of it is left to chance.
        retryable_errors: retry errors whose message contains one of these strings or matches one of
            these patterns.
        retryable_error_types: retry errors of these classes.

    With neither of the last two every error is retried; with either, only what one of them names.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    max_attempts: int = 3
    initial_delay: Duration = field(default_factory=lambda: Duration(5))
    max_delay: Duration = field(default_factory=lambda: Duration(300))
    backoff_rate: Numeric = 2.0
    jitter_strategy: JitterStrategy = field(default=JitterStrategy.FULL)
    retryable_errors: list[str | re.Pattern[str]] | None = None
    retryable_error_types: list[type[Exception]] | None = None

    def __post_init__(self) -> None:
        _check_common(self)
        check_backoff_rate(self.backoff_rate)

    @property
    def initial_delay_seconds(self) -> int:
        return self.initial_delay.seconds

    @property
    def max_delay_seconds(self) -> int:
        return self.max_delay.seconds


@dataclass
class LinearRetryStrategyConfig:
    """Delays that grow by `increment` each time; all else as in `RetryStrategyConfig`."""

    max_attempts: int = 6
    initial_delay: Duration = field(default_factory=lambda: Duration(1))
    increment: Duration = field(default_factory=lambda: Duration(1))
    max_delay: Duration = field(default_factory=lambda: Duration(300))
    jitter_strategy: JitterStrategy = field(default=JitterStrategy.FULL)
    retryable_errors: list[str | re.Pattern[str]] | None = None
    retryable_error_types: list[type[Exception]] | None = None

    def __post_init__(self) -> None:
        _check_common(self)
        check_type("increment", self.increment, Duration)

    @property
    def initial_delay_seconds(self) -> int:
        return self.initial_delay.seconds

    @property
    def increment_seconds(self) -> int:
        return self.increment.seconds

    @property
    def max_delay_seconds(self) -> int:
        return self.max_delay.seconds


def check_backoff_rate(value: object) -> None:
    """`value` must be a number above zero."""
    if not is_number(value) or value <= 0:
        raise refuse("backoff_rate", "a number above 0", value)


def _check_common(config: RetryStrategyConfig | LinearRetryStrategyConfig) -> None:
    check_int("max_attempts", config.max_attempts, 1)
    check_type("initial_delay", config.initial_delay, Duration)
    check_type("max_delay", config.max_delay, Duration)
    check_type("jitter_strategy", config.jitter_strategy, JitterStrategy)
    patterns: object = config.retryable_errors
    if patterns is not None and not _all_of(patterns, lambda each: isinstance(each, str | re.Pattern)):
        raise refuse("retryable_errors", "a list of strings and compiled patterns", patterns)
    types: object = config.retryable_error_types
    if types is not None and not _all_of(
        types, lambda each: isinstance(each, type) and issubclass(each, BaseException)
    ):
        raise refuse("retryable_error_types", "a list of exception classes", types)


def _all_of(values: object, accepts: Callable[[object], bool]) -> bool:
    # A bare string is a sequence too: of one-letter patterns, which nobody means.
    if not isinstance(values, Sequence | set | frozenset) or isinstance(values, str | bytes):
        return False
    return all(accepts(each) for each in cast("Iterable[object]", values))


def exponential_delay(initial: int, rate: Numeric, attempts_made: int, maximum: int) -> float:
    """The base delay in seconds after `attempts_made`: `initial * rate ** (attempts_made - 1)`, capped."""
    try:
        return min(initial * rate ** (attempts_made - 1), maximum)
    except OverflowError:  # a thousand attempts in: far above any cap
        return maximum


def _retries(config: RetryStrategyConfig | LinearRetryStrategyConfig, error: Exception) -> bool:
    patterns, types = config.retryable_errors, config.retryable_error_types
    if patterns is None and types is None:
        return True
    if types and isinstance(error, tuple(types)):
        return True
    message = str(error) if patterns else ""
    return any(
        each in message if isinstance(each, str) else each.search(message) is not None
        for each in patterns or ()
    )


def create_retry_strategy(
    config: RetryStrategyConfig | None = None,
) -> Callable[[Exception, int], RetryDecision]:
    """A strategy with exponential backoff; by default three attempts, from 5 s up to 5 minutes apart.

    Raises:
        ValidationError: `config` is no `RetryStrategyConfig`.
    """
    settings = RetryStrategyConfig() if config is None else config
    check_type("config", settings, RetryStrategyConfig)

    def retry_strategy(error: Exception, attempts_made: int) -> RetryDecision:
        if attempts_made >= settings.max_attempts or not _retries(settings, error):
            return RetryDecision.no_retry()
        base = exponential_delay(
            settings.initial_delay_seconds, settings.backoff_rate, attempts_made, settings.max_delay_seconds
        )
        return RetryDecision.retry(Duration(settings.jitter_strategy.finalize_delay(base)))

    return retry_strategy


def create_linear_retry_strategy(
    config: LinearRetryStrategyConfig | None = None,
) -> Callable[[Exception, int], RetryDecision]:
    """A strategy whose delays grow evenly; by default six attempts, 1 s, 2 s, 3 s, ... apart.

    Raises:
        ValidationError: `config` is no `LinearRetryStrategyConfig`.
    """
    settings = LinearRetryStrategyConfig() if config is None else config
    check_type("config", settings, LinearRetryStrategyConfig)

    def linear_retry_strategy(error: Exception, attempts_made: int) -> RetryDecision:
        if attempts_made >= settings.max_attempts or not _retries(settings, error):
            return RetryDecision.no_retry()
        base = settings.initial_delay_seconds + settings.increment_seconds * (attempts_made - 1)
        base = min(base, settings.max_delay_seconds)
        return RetryDecision.retry(Duration(settings.jitter_strategy.finalize_delay(base)))

    return linear_retry_strategy


class RetryPresets:
    """Strategies for the common cases."""

    @classmethod
    def none(cls) -> Callable[[Exception, int], RetryDecision]:
        """One attempt."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=1))

    @classmethod
    def default(cls) -> Callable[[Exception, int], RetryDecision]:
        """What a step without a strategy gets: six attempts, from 5 s up to a minute apart."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=6, max_delay=Duration(60)))

    @classmethod
    def transient(cls) -> Callable[[Exception, int], RetryDecision]:
        """For what passes soon: three attempts, with less left to chance."""
        return create_retry_strategy(RetryStrategyConfig(jitter_strategy=JitterStrategy.HALF))

    @classmethod
    def resource_availability(cls) -> Callable[[Exception, int], RetryDecision]:
        """For a resource that takes its time: five attempts, from 5 s up to 5 minutes apart."""
        return create_retry_strategy(RetryStrategyConfig(max_attempts=5))

    @classmethod
    def critical(cls) -> Callable[[Exception, int], RetryDecision]:
        """For what must succeed: ten attempts, from 1 s up to a minute apart, nothing left to chance."""
        return create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=10,
                initial_delay=Duration(1),
                max_delay=Duration(60),
                backoff_rate=1.5,
                jitter_strategy=JitterStrategy.NONE,
            )
        )

    @classmethod
    def linear(cls) -> Callable[[Exception, int], RetryDecision]:
        """Six attempts, exactly 1, 2, 3, 4 and 5 s apart."""
        return create_linear_retry_strategy(LinearRetryStrategyConfig(jitter_strategy=JitterStrategy.NONE))

    @classmethod
    def fixed(cls, interval: Duration | None = None) -> Callable[[Exception, int], RetryDecision]:
        """Five attempts, `interval` apart: 5 s by default."""
        delay = Duration(5) if interval is None else interval
        return create_retry_strategy(
            RetryStrategyConfig(
                max_attempts=5,
                initial_delay=delay,
                max_delay=delay,
                backoff_rate=1,
                jitter_strategy=JitterStrategy.NONE,
            )
        )


@dataclass(frozen=True)
class WithRetryConfig(Generic[T]):
    """How `with_retry` repeats a block of operations that gives a T.

    Args:
        retry_strategy: None is `create_retry_strategy()`.
        wrap_with_run_in_child_context: run the block in a child context, whose failure is a
            `ChildContextError`; otherwise the last error is raised as it is.
        child_context_config: of that child context.

    Raises:
        ValidationError: an argument is of the wrong type.
    """

    retry_strategy: Callable[[Exception, int], RetryDecision] | None = None
    wrap_with_run_in_child_context: bool = True
    child_context_config: ChildConfig[T] | None = None

    def __post_init__(self) -> None:
        check_callable("retry_strategy", self.retry_strategy)
        check_type("wrap_with_run_in_child_context", self.wrap_with_run_in_child_context, bool)
        if self.child_context_config is not None:
            check_type("child_context_config", self.child_context_config, ChildConfig)


def with_retry(
    context: DurableContext,
    func: Callable[[DurableContext, int], T],
    config: WithRetryConfig[T],
    name: str | None = None,
) -> T:
    """Run a block of operations, and run it anew from its beginning when it fails.

    It is no operation of its own: its attempts follow each other in one child context (or, unwrapped, in
    `context`), and between two of them is a wait. Every `Exception` that leaves the block is shown to the
    strategy, but for a `NonDeterministicExecutionError`, which no attempt can mend.

    Args:
        context: where it is called.
        func: gets a context, which it must use instead of `context`, and the attempt, from 1.
        config: the strategy, and whether a child context holds the attempts.
        name: of the child context; at most 240 characters. The waits are `<name>-backoff-<attempt>`.

    Returns:
        What the first attempt that succeeds returns.

    Raises:
        ChildContextError: the strategy gave up; its cause says on what. Unwrapped, the last attempt's error
            as it is.
        ValidationError: an argument is of the wrong type, or (in the block) the strategy returned no
            `RetryDecision`, or a delay that no wait takes.
    """
    if not callable(getattr(context, "run_in_child_context", None)):
        raise refuse("context", "a DurableContext", context)
    check_callable("func", func, required=True)
    check_type("config", config, WithRetryConfig)
    label = name_of(name)
    if label is not None and len(label) > _LONGEST_NAME:
        raise refuse("name", f"at most {_LONGEST_NAME} characters, for its backoffs' names are longer", label)
    strategy = config.retry_strategy or create_retry_strategy()

    def attempts(own: DurableContext) -> T:
        attempt = 1
        while True:
            try:
                return func(own, attempt)
            except NonDeterministicExecutionError:
                raise
            except Exception as error:
                delay = _delay(strategy, error, attempt, label)
                if delay is None:
                    raise
            own.wait(delay, None if label is None else f"{label}-backoff-{attempt}")
            attempt += 1

    if config.wrap_with_run_in_child_context:
        child_config = config.child_context_config
        if child_config is not None:
            child_config = with_bound(child_config, func, label)
        return context.run_in_child_context(attempts, label, child_config)
    return attempts(context)


def _delay(
    strategy: Callable[[Exception, int], object], error: Exception, attempt: int, label: str | None
) -> Duration | None:
    decision = strategy(error, attempt)
    if isinstance(decision, RetryDecision):
        return decision.delay if decision.should_retry else None
    block = "with_retry" if label is None else f"with_retry {label!r}"
    raise ValidationError(
        f"The retry_strategy of {block} must return a RetryDecision, got {decision!r}."
    ) from error
