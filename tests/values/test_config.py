"""What operations are configured with, and what is refused."""

import dataclasses
import math
from typing import Any

import pytest

from durably.workflows.config import (
    CallbackConfig,
    ChildConfig,
    CompletionConfig,
    CompletionDecision,
    CompletionOutcome,
    Duration,
    InvokeConfig,
    JitterStrategy,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    StepSemantics,
    WaitForCallbackConfig,
    complete_batch,
    continue_batch,
)
from durably.workflows.exceptions import ValidationError
from durably.workflows.retries import (
    LinearRetryStrategyConfig,
    RetryDecision,
    RetryStrategyConfig,
    WithRetryConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
)
from durably.workflows.serdes import JsonSerDes
from durably.workflows.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)


def always(*_: Any) -> bool:
    return True


REFUSED: list[tuple[Any, dict[str, Any], str]] = [
    (Duration, {"seconds": -1}, "seconds must be positive, got: -1"),
    (Duration, {"seconds": 1.5}, "seconds must be a whole number, got: 1.5"),
    (Duration, {"seconds": "5"}, "seconds must be a whole number, got: '5'"),
    (Duration, {"seconds": True}, "seconds must be a whole number, got: True"),
    (Duration.from_minutes, {"value": "1"}, "value must be a number, got: '1'"),
    (Duration.from_days, {"value": math.nan}, "value must be a number, got: nan"),
    (Duration.from_hours, {"value": -1}, "positive"),
    (MapConfig, {"max_concurrency": 0}, "max_concurrency must be at least 1, got: 0"),
    (MapConfig, {"max_concurrency": "3"}, "max_concurrency must be a whole number, got: '3'"),
    (MapConfig, {"max_concurrency": True}, "max_concurrency must be a whole number, got: True"),
    (ParallelConfig, {"max_concurrency": 2.0}, "max_concurrency must be a whole number, got: 2.0"),
    (ParallelConfig, {"completion_config": None}, "completion_config must be a CompletionConfig, got: None"),
    (
        ParallelConfig,
        {"nesting_type": "FLAT"},
        r"nesting_type must be a member of NestingType \(NESTED, FLAT\), got: 'FLAT'",
    ),
    (MapConfig, {"item_namer": "x"}, "item_namer must be callable, got: 'x'"),
    (MapConfig, {"summary_generator": 1}, "summary_generator must be callable, got: 1"),
    (MapConfig, {"serdes": JsonSerDes}, "serdes must be a SerDes instance"),
    (MapConfig, {"item_serdes": object()}, "item_serdes must be a SerDes instance"),
    (CompletionConfig, {"min_successful": 0}, "min_successful must be at least 1, got: 0"),
    (CompletionConfig, {"min_successful": True}, "min_successful must be a whole number, got: True"),
    (
        CompletionConfig,
        {"tolerated_failure_count": -1},
        "tolerated_failure_count must be non-negative, got: -1",
    ),
    (
        CompletionConfig,
        {"tolerated_failure_percentage": 100.5},
        "tolerated_failure_percentage must be between 0 and 100, got: 100.5",
    ),
    (
        CompletionConfig,
        {"tolerated_failure_percentage": math.nan},
        "tolerated_failure_percentage must be between",
    ),
    (CompletionConfig, {"tolerated_failure_percentage": "5"}, "tolerated_failure_percentage must be between"),
    (CompletionConfig, {"should_complete": 1}, "should_complete must be callable"),
    (
        CompletionConfig,
        {"should_complete": always, "min_successful": 1},
        "should_complete cannot be combined",
    ),
    (CompletionDecision, {"complete": True}, "outcome is required when complete is True"),
    (CompletionDecision, {"complete": False, "outcome": CompletionOutcome.FAILED}, "outcome must be None"),
    (
        CompletionDecision,
        {"complete": True, "outcome": "FAILED"},
        "outcome must be a member of CompletionOutcome",
    ),
    (
        StepConfig,
        {"retry_strategy": RetryStrategyConfig()},
        r"retry_strategy must be callable \(a function made from the RetryStrategyConfig\)",
    ),
    (
        StepConfig,
        {"step_semantics": "AT_MOST_ONCE_PER_RETRY"},
        "step_semantics must be a member of StepSemantics",
    ),
    (StepConfig, {"sub_type": "a b"}, "sub_type must be 1 to 32 characters .* got: 'a b'"),
    (StepConfig, {"sub_type": "a" * 33}, "sub_type must be 1 to 32 characters"),
    (StepConfig, {"sub_type": "abc\n"}, "sub_type must be 1 to 32 characters"),
    (ChildConfig, {"sub_type": 5}, "sub_type must be 1 to 32 characters"),
    (ChildConfig, {"is_virtual": "no"}, "is_virtual must be a bool"),
    (CallbackConfig, {"sub_type": "é"}, "sub_type must be 1 to 32 characters"),
    (
        CallbackConfig,
        {"timeout": 5},
        r"timeout must be a Duration, got: 5\. Make it Duration\.from_seconds\(5\)",
    ),
    (
        CallbackConfig,
        {"heartbeat_timeout": Duration(100_000_000)},
        "heartbeat_timeout must be between 0 and 99999999, got: 100000000",
    ),
    (WaitForCallbackConfig, {"retry_strategy": 1}, "retry_strategy must be callable"),
    (WaitForCallbackConfig, {"timeout": None}, "timeout must be a Duration"),
    (InvokeConfig, {"tenant_id": ""}, "tenant_id must be 1 to 256 characters, got: ''"),
    (InvokeConfig, {"tenant_id": 5}, "tenant_id must be a str, got: 5"),
    (InvokeConfig, {"serdes_payload": 5}, "serdes_payload must be a SerDes instance"),
    (ParallelBranch, {"func": None}, "func must be callable, got: None"),
    (ParallelBranch, {"func": always, "name": 5}, "name must be a str, got: 5"),
    (RetryStrategyConfig, {"max_attempts": 0}, "max_attempts must be at least 1, got: 0"),
    (RetryStrategyConfig, {"max_attempts": True}, "max_attempts must be a whole number, got: True"),
    (RetryStrategyConfig, {"initial_delay": 5}, "initial_delay must be a Duration, got: 5"),
    (RetryStrategyConfig, {"backoff_rate": 0}, "backoff_rate must be a number above 0, got: 0"),
    (RetryStrategyConfig, {"backoff_rate": math.inf}, "backoff_rate must be a number above 0, got: inf"),
    (RetryStrategyConfig, {"jitter_strategy": "FULL"}, "jitter_strategy must be a member of JitterStrategy"),
    (
        RetryStrategyConfig,
        {"retryable_errors": "timeout"},
        "retryable_errors must be a list of strings and compiled patterns",
    ),
    (RetryStrategyConfig, {"retryable_errors": [1]}, "retryable_errors must be a list"),
    (
        RetryStrategyConfig,
        {"retryable_error_types": ValueError},
        "retryable_error_types must be a list of exception classes",
    ),
    (RetryStrategyConfig, {"retryable_error_types": [ValueError()]}, "retryable_error_types must be a list"),
    (LinearRetryStrategyConfig, {"increment": 1}, "increment must be a Duration, got: 1"),
    (create_retry_strategy, {"config": LinearRetryStrategyConfig()}, "config must be a RetryStrategyConfig"),
    (create_linear_retry_strategy, {"config": {}}, "config must be a LinearRetryStrategyConfig"),
    (RetryDecision.retry, {"delay": 5}, "delay must be a Duration, got: 5"),
    (WithRetryConfig, {"retry_strategy": 1}, "retry_strategy must be callable"),
    (
        WithRetryConfig,
        {"wrap_with_run_in_child_context": None},
        "wrap_with_run_in_child_context must be a bool",
    ),
    (
        WaitStrategyConfig,
        {"should_continue_polling": None},
        "should_continue_polling must be callable, got: None",
    ),
    (
        WaitStrategyConfig,
        {"should_continue_polling": always, "max_attempts": 0},
        "max_attempts must be at least 1",
    ),
    (WaitForConditionDecision.continue_waiting, {"delay": 5}, "delay must be a Duration, got: 5"),
    (
        WaitForConditionConfig,
        {"wait_strategy": None, "initial_state": 1},
        "wait_strategy must be callable, got: None",
    ),
    (create_wait_strategy, {"config": always}, "config must be a WaitStrategyConfig"),
]


@pytest.mark.parametrize(
    ("make", "arguments", "message"), REFUSED, ids=lambda v: getattr(v, "__qualname__", str(v))
)
def test_a_wrong_value_is_refused_by_name(make: Any, arguments: dict[str, Any], message: str) -> None:
    """The error names the argument and the value, before anything is checkpointed."""
    with pytest.raises(ValidationError, match=message):
        make(**arguments)


def test_durations_are_whole_seconds() -> None:
    """Minutes, hours and days are converted; fractions of a second are cut off."""
    spans = (
        Duration.from_seconds(1.9),
        Duration.from_minutes(1.5),
        Duration.from_hours(2),
        Duration.from_days(0.5),
    )
    assert [each.to_seconds() for each in spans] == [1, 90, 7200, 43200]
    assert Duration() == Duration(0)
    assert Duration(1).seconds == 1


def test_more_successes_than_inputs_are_refused() -> None:
    """Only the call knows how many inputs there are."""
    config = CompletionConfig(min_successful=3)
    config.validate_for_total(3)
    with pytest.raises(ValidationError, match="min_successful cannot be greater than total items: 3 > 2"):
        config.validate_for_total(2)


def test_completion_has_names_for_the_common_cases() -> None:
    """First success, all completed, all successful."""
    assert CompletionConfig.first_successful() == CompletionConfig(min_successful=1)
    assert CompletionConfig.all_completed() == CompletionConfig(tolerated_failure_percentage=100)
    assert CompletionConfig.all_successful() == CompletionConfig(
        tolerated_failure_count=0, tolerated_failure_percentage=0
    )


def test_a_predicate_answers_with_a_decision() -> None:
    """Going on has no outcome; completing succeeds unless told otherwise."""
    assert continue_batch() == CompletionDecision(False)
    assert complete_batch() == CompletionDecision(True, CompletionOutcome.SUCCEEDED)
    assert complete_batch(CompletionOutcome.FAILED).outcome is CompletionOutcome.FAILED


def test_a_replaced_config_is_checked_again() -> None:
    """`dataclasses.replace` keeps what is not named, and refuses what the constructor refuses."""
    config = MapConfig[int](max_concurrency=2, nesting_type=NestingType.FLAT)
    assert dataclasses.replace(config, max_concurrency=3).nesting_type is NestingType.FLAT
    with pytest.raises(ValidationError):
        dataclasses.replace(config, max_concurrency=0)


def test_configs_are_not_changed_in_place() -> None:
    """A config may be shared by any number of operations."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        StepConfig().sub_type = "x"  # type: ignore[misc]  # the mistake in question


def test_a_branch_is_called_as_its_function() -> None:
    """Arguments pass through."""
    assert ParallelBranch(lambda a, b=0: a + b, "n")(1, b=2) == 3


def test_callback_timeouts_are_seconds() -> None:
    """Zero is no timeout."""
    config = WaitForCallbackConfig(Duration.from_minutes(1), Duration(5))
    assert (config.timeout_seconds, config.heartbeat_timeout_seconds) == (60, 5)
    assert CallbackConfig().timeout_seconds == CallbackConfig().heartbeat_timeout_seconds == 0


def test_what_is_duck_typed_is_accepted() -> None:
    """A serdes need not derive from `SerDes`, and an empty subtype is the default."""

    class Duck:
        def serialize(self, value: Any, serdes_context: Any) -> str:
            return ""

        def deserialize(self, data: str, serdes_context: Any) -> Any:
            return None

    assert StepConfig(serdes=Duck(), sub_type="", step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)  # type: ignore[arg-type]  # a duck
    assert JitterStrategy("FULL") is JitterStrategy.FULL
