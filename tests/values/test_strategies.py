"""Retry and wait strategies: when to try again, and after how long, beside AWS's."""

import random
import re
from typing import Any

import aws_durable_execution_sdk_python.config as official_config
import aws_durable_execution_sdk_python.retries as official_retries
import aws_durable_execution_sdk_python.waits as official_waits
import pytest

from durably.workflows import config, retries, waits
from durably.workflows.config import Duration, JitterStrategy
from durably.workflows.exceptions import WaitForConditionError
from durably.workflows.retries import (
    RetryDecision,
    RetryPresets,
    RetryStrategyConfig,
    create_retry_strategy,
)

PRESETS = ["none", "default", "transient", "resource_availability", "critical", "linear", "fixed"]


@pytest.fixture
def chance(monkeypatch: pytest.MonkeyPatch) -> float:
    """What every draw gives."""
    monkeypatch.setattr(random, "random", lambda: 0.37)
    return 0.37


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_decides_as_there(name: str, chance: float) -> None:
    """Attempts and delays are the official ones, attempt by attempt."""
    ours, theirs = getattr(RetryPresets, name)(), getattr(official_retries.RetryPresets, name)()
    for attempt in range(1, 14):
        a, b = ours(ValueError("x"), attempt), theirs(ValueError("x"), attempt)
        assert (a.should_retry, a.delay_seconds) == (b.should_retry, b.delay_seconds)


def settings(module: Any, jitter: str, **seconds: int) -> dict[str, Any]:
    durations = {name: module.Duration(value) for name, value in seconds.items()}
    return {"jitter_strategy": module.JitterStrategy(jitter), **durations}


@pytest.mark.parametrize("jitter", ["NONE", "FULL", "HALF"])
@pytest.mark.parametrize(
    ("initial", "maximum", "rate"), [(5, 300, 2), (1, 60, 1.5), (0, 10, 2), (9, 3, 0.5), (2, 9, 1)]
)
def test_delays_grow_as_there(jitter: str, initial: int, maximum: int, rate: float, chance: float) -> None:
    """Initial delay, growth, cap, jitter, rounding up and the least of one second are the official ones."""
    ours = settings(config, jitter, initial_delay=initial, max_delay=maximum)
    theirs = settings(official_config, jitter, initial_delay=initial, max_delay=maximum)
    pairs: list[tuple[Any, Any]] = [
        (
            retries.create_retry_strategy(retries.RetryStrategyConfig(99, backoff_rate=rate, **ours)),
            official_retries.create_retry_strategy(
                official_retries.RetryStrategyConfig(99, backoff_rate=rate, **theirs)
            ),
        ),
        (
            retries.create_linear_retry_strategy(
                retries.LinearRetryStrategyConfig(99, increment=config.Duration(2), **ours)
            ),
            official_retries.create_linear_retry_strategy(
                official_retries.LinearRetryStrategyConfig(
                    99, increment=official_config.Duration(2), **theirs
                )
            ),
        ),
        (
            waits.create_wait_strategy(
                waits.WaitStrategyConfig(lambda _: True, 99, backoff_rate=rate, **ours)
            ),
            official_waits.create_wait_strategy(
                official_waits.WaitStrategyConfig(lambda _: True, 99, backoff_rate=rate, **theirs)
            ),
        ),
    ]
    for mine, official in pairs:
        for attempt in range(1, 12):
            assert mine(ValueError(), attempt).delay_seconds == official(ValueError(), attempt).delay_seconds


def test_jitter_stays_within_its_bounds() -> None:
    """NONE keeps the delay, FULL takes any part of it, HALF at least half; the least is a second."""
    for _ in range(200):
        assert JitterStrategy.NONE.apply_jitter(10) == 10
        assert 0 <= JitterStrategy.FULL.apply_jitter(10) <= 10
        assert 5 <= JitterStrategy.HALF.apply_jitter(10) <= 10
        assert JitterStrategy.FULL.finalize_delay(0.001) == 1


def test_a_thousand_attempts_do_not_overflow() -> None:
    """Growth beyond all numbers is the cap."""
    strategy = create_retry_strategy(RetryStrategyConfig(5000, jitter_strategy=JitterStrategy.NONE))
    assert strategy(ValueError(), 4000).delay_seconds == 300


FILTERS: list[dict[str, Any]] = [
    {},
    {"retryable_errors": []},
    {"retryable_error_types": []},
    {"retryable_errors": ["time"]},
    {"retryable_errors": [re.compile("^t.*t$")]},
    {"retryable_errors": ["(.*)", re.compile("never")]},
    {"retryable_error_types": [OSError]},
    {"retryable_errors": ["never"], "retryable_error_types": [ValueError, KeyError]},
]


@pytest.mark.parametrize("filters", FILTERS, ids=str)
@pytest.mark.parametrize(
    "error", [ValueError("timeout"), TimeoutError("slow"), KeyError("x"), RuntimeError("")], ids=repr
)
def test_errors_are_chosen_by_message_or_class_as_there(filters: dict[str, Any], error: Exception) -> None:
    """Without a filter all are retried; with one, what it names and nothing else."""
    ours = create_retry_strategy(RetryStrategyConfig(**filters))(error, 1)
    theirs = official_retries.create_retry_strategy(official_retries.RetryStrategyConfig(**filters))(error, 1)
    assert ours.should_retry is theirs.should_retry


def test_no_retry_comes_after_the_last_attempt() -> None:
    """`max_attempts` counts the first one too."""
    strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=2))
    assert [strategy(ValueError(), attempt).should_retry for attempt in (1, 2, 3)] == [True, False, False]
    assert RetryDecision.no_retry() == RetryDecision(False, Duration())


def test_a_condition_that_is_met_at_the_last_look_is_met() -> None:
    """Satisfied beats exhausted, and exhausted is an error that says how often was looked."""
    strategy = waits.create_wait_strategy(
        waits.WaitStrategyConfig[int](lambda state: state < 3, max_attempts=2)
    )
    assert strategy(1, 1).should_continue
    assert not strategy(3, 2).should_continue
    with pytest.raises(WaitForConditionError, match="exhausted 2 attempts before the condition was met"):
        strategy(1, 2)
