"""What `wait_for_condition` takes: its config, and strategies that say when to look again.

A strategy is any function from the polled state and the attempts made to a `WaitForConditionDecision`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from durably.workflows._validation import check_callable, check_int, check_serdes, check_type
from durably.workflows.config import Duration, JitterStrategy, Numeric
from durably.workflows.exceptions import WaitForConditionError
from durably.workflows.retries import check_backoff_rate, exponential_delay

if TYPE_CHECKING:
    from durably.workflows.serdes import SerDes

T = TypeVar("T")


@dataclass
class WaitStrategyConfig(Generic[T]):
    """Polling at delays that grow by a factor.

    Args:
        should_continue_polling: whether the polled state is not yet what is waited for.
        max_attempts: how often to look in all; at least 1.
        initial_delay: between the first look and the second.
        max_delay: the most between two looks, before jitter.
        backoff_rate: what each delay is multiplied by to give the next; above 0.
        jitter_strategy: how much of it is left to chance.

    Raises:
        ValidationError: an argument is of the wrong type or out of range.
    """

    should_continue_polling: Callable[[T], bool]
    max_attempts: int = 60
    initial_delay: Duration = field(default_factory=lambda: Duration(5))
    max_delay: Duration = field(default_factory=lambda: Duration(300))
    backoff_rate: Numeric = 1.5
    jitter_strategy: JitterStrategy = field(default=JitterStrategy.FULL)

    def __post_init__(self) -> None:
        check_callable("should_continue_polling", self.should_continue_polling, required=True)
        check_int("max_attempts", self.max_attempts, 1)
        check_type("initial_delay", self.initial_delay, Duration)
        check_type("max_delay", self.max_delay, Duration)
        check_backoff_rate(self.backoff_rate)
        check_type("jitter_strategy", self.jitter_strategy, JitterStrategy)

    @property
    def initial_delay_seconds(self) -> int:
        return self.initial_delay.seconds

    @property
    def max_delay_seconds(self) -> int:
        return self.max_delay.seconds


@dataclass(frozen=True)
class WaitForConditionDecision:
    """Whether to look again, and after which delay. Made by `continue_waiting()` and `stop_polling()`.

    Raises:
        ValidationError: it says to continue, and `delay` is no `Duration`.
    """

    should_continue: bool
    delay: Duration

    def __post_init__(self) -> None:
        if self.should_continue:
            check_type("delay", self.delay, Duration)

    @property
    def delay_seconds(self) -> int:
        return self.delay.seconds

    @classmethod
    def continue_waiting(cls, delay: Duration) -> WaitForConditionDecision:
        """Look again after `delay`; less than a second counts as one."""
        return cls(should_continue=True, delay=delay)

    @classmethod
    def stop_polling(cls) -> WaitForConditionDecision:
        """The condition is met: its state is the operation's result."""
        return cls(should_continue=False, delay=Duration())


def create_wait_strategy(config: WaitStrategyConfig[T]) -> Callable[[T, int], WaitForConditionDecision]:
    """A strategy that polls until the condition is met, or raises `WaitForConditionError` at the last look.

    A condition met at the last look is met.

    Raises:
        ValidationError: `config` is no `WaitStrategyConfig`.
    """
    check_type("config", config, WaitStrategyConfig)

    def wait_strategy(result: T, attempts_made: int) -> WaitForConditionDecision:
        if not config.should_continue_polling(result):
            return WaitForConditionDecision.stop_polling()
        if attempts_made >= config.max_attempts:
            raise WaitForConditionError(
                f"wait_for_condition exhausted {config.max_attempts} attempts before the condition was met"
            )
        base = exponential_delay(
            config.initial_delay_seconds, config.backoff_rate, attempts_made, config.max_delay_seconds
        )
        return WaitForConditionDecision.continue_waiting(
            Duration(config.jitter_strategy.finalize_delay(base))
        )

    return wait_strategy


@dataclass(frozen=True)
class WaitForConditionConfig(Generic[T]):
    """What `wait_for_condition` waits for.

    Args:
        wait_strategy: called with the state and the looks so far, after each look.
        initial_state: what the first look is given; it must survive `serdes`.
        serdes: for the state; None is the default serializer.

    Raises:
        ValidationError: an argument is of the wrong type.
    """

    wait_strategy: Callable[[T, int], WaitForConditionDecision]
    initial_state: T
    serdes: SerDes[Any] | None = None

    def __post_init__(self) -> None:
        check_callable("wait_strategy", self.wait_strategy, required=True)
        check_serdes("serdes", self.serdes)
