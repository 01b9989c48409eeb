"""Retries: of one step, and of a block of operations that only makes sense as a whole."""

from typing import Any

from durably.workflows import (
    ChildContextError,
    DurableContext,
    Duration,
    JitterStrategy,
    RetryPresets,
    RetryStrategyConfig,
    StepConfig,
    StepContext,
    WithRetryConfig,
    create_retry_strategy,
    durable_execution,
    durable_step,
    with_retry,
)

PATIENT = create_retry_strategy(
    RetryStrategyConfig(
        max_attempts=4,
        initial_delay=Duration.from_seconds(1),
        max_delay=Duration.from_minutes(1),
        jitter_strategy=JitterStrategy.HALF,
        retryable_error_types=[TimeoutError],
    )
)


@durable_step
def quote(step: StepContext) -> float:
    if step.attempt < 3:
        raise TimeoutError("no answer")
    return 99.5


@durable_step
def hold(step: StepContext, seat: int) -> str:
    return f"hold on seat {seat}"


@durable_step
def confirm(step: StepContext, seat: int) -> str:
    if seat < 12:
        raise LookupError(f"seat {seat} is gone")
    return f"seat {seat}"


def book(context: DurableContext, attempt: int) -> str:
    seat = 10 + attempt
    context.step(hold(seat))  # it lapses: to confirm again without a new one would be of no use
    context.wait(Duration.from_seconds(1), name="customer confirms")
    return context.step(confirm(seat), config=StepConfig(retry_strategy=RetryPresets.none()))


def sold_out(context: DurableContext, attempt: int) -> str:
    return context.step(confirm(attempt), config=StepConfig(retry_strategy=RetryPresets.none()))


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    price = context.step(quote(), config=StepConfig(retry_strategy=PATIENT))

    every_two_seconds = RetryPresets.fixed(Duration.from_seconds(2))
    seat = with_retry(context, book, WithRetryConfig(retry_strategy=every_two_seconds), name="book")

    try:
        other = with_retry(context, sold_out, WithRetryConfig(retry_strategy=PATIENT), name="other")
    except ChildContextError as error:
        other = str(error)
    return {"price": price, "seat": seat, "other": other}
