"""Steps: one that is tried again, one that runs at most once in an attempt, and one that fails for good."""

from typing import Any

from durably.workflows import (
    DurableContext,
    Duration,
    RetryPresets,
    StepConfig,
    StepContext,
    StepError,
    StepSemantics,
    durable_execution,
    durable_step,
)


@durable_step
def fetch_rate(step: StepContext, currency: str) -> float:
    """Fails the first time, as services do."""
    if step.attempt == 1:
        raise ConnectionError("the rate service is busy")
    return {"EUR": 1.0, "SEK": 11.5}[currency]


@durable_step
def pay(step: StepContext, amount: float) -> str:
    return f"paid {amount}"


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    every_second = RetryPresets.fixed(Duration.from_seconds(1))
    rate = context.step(fetch_rate("SEK"), config=StepConfig(retry_strategy=every_second))

    at_most_once = StepConfig(
        step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=RetryPresets.none()
    )
    paid = context.step(pay(100 * rate), config=at_most_once)

    try:
        unknown = context.step(fetch_rate("ZZZ"), config=StepConfig(retry_strategy=RetryPresets.none()))
    except StepError as error:
        unknown = f"{error.error_type}: {error}"
    return {"rate": rate, "paid": paid, "unknown": unknown}
