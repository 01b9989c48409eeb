"""What a user writes with `with_retry` and the values around it: the block's result keeps its type."""

from typing import Any

from durably.workflows import (
    CallbackTimeoutType,
    ChildConfig,
    DurableContext,
    DurableExecutionInvocationOutput,
    Duration,
    ErrorObject,
    InvocationStatus,
    LinearRetryStrategyConfig,
    Logger,
    LoggerInterface,
    OperationSubType,
    RetryDecision,
    RetryPresets,
    RetryStrategyConfig,
    WithRetryConfig,
    create_linear_retry_strategy,
    create_retry_strategy,
    types,
    with_retry,
)


def book(context: DurableContext, attempt: int) -> list[str]:
    return [context.step(lambda step: f"{attempt} {step.attempt}")]


def by_protocol(context: types.DurableContext, attempt: int) -> float:
    context.wait(Duration.from_seconds(attempt))
    return attempt / 2


def decide(error: Exception, attempts: int) -> RetryDecision:
    return RetryDecision.retry(Duration(attempts)) if attempts < 3 else RetryDecision.no_retry()


def right(context: DurableContext, error: ErrorObject) -> Any:
    booked: list[str] = with_retry(context, book, WithRetryConfig(), name="book")
    half: float = with_retry(context, by_protocol, WithRetryConfig(retry_strategy=decide))
    own: int = with_retry(
        context,
        lambda own, attempt: attempt + len(booked),
        WithRetryConfig(RetryPresets.transient(), wrap_with_run_in_child_context=False),
    )
    config = WithRetryConfig[list[str]](child_context_config=ChildConfig(sub_type="Saga"))
    again: list[str] = with_retry(context, book, config)
    create_retry_strategy(RetryStrategyConfig(retryable_error_types=[TimeoutError, OSError]))
    create_linear_retry_strategy(LinearRetryStrategyConfig(increment=Duration(2)))
    logger: LoggerInterface = context.logger
    named: Logger = context.logger
    status: InvocationStatus = DurableExecutionInvocationOutput.from_dict({"Status": "PENDING"}).status
    late: bool = error.type == CallbackTimeoutType.HEARTBEAT.value
    wire: dict[str, Any] = ErrorObject.from_exception(ValueError("no")).to_dict()
    sub_type: str = OperationSubType.MAP
    return booked, half, own, again, logger, named, status, late, wire, sub_type


def wrong(context: DurableContext) -> None:
    # assert-type-error-pyright: "\"list\[str\]\" is not assignable to \"int\""
    number: int = with_retry(context, book, WithRetryConfig())
    print(number)

    # assert-type-error-pyright: "missing for parameter \"config\""
    with_retry(context, book)

    # assert-type-error-pyright: "cannot be assigned to parameter \"func\""
    with_retry(context, lambda own: 1, WithRetryConfig())

    # assert-type-error-pyright: "\"RetryStrategyConfig\" is not assignable to"
    WithRetryConfig[str](RetryStrategyConfig())

    # assert-type-error-pyright: "\"Literal\[5\]\" is not assignable to \"str"
    with_retry(context, book, WithRetryConfig(), 5)

    # assert-type-error-pyright: "\"Literal\['context'\]\" is not assignable to \"DurableContext\""
    with_retry("context", book, WithRetryConfig())

    # assert-type-error-pyright: "\"Literal\[5\]\" is not assignable to \"Duration\""
    RetryDecision.retry(5)

    # assert-type-error-pyright: "Attribute \"message\" is read-only|is frozen"
    ErrorObject("no").message = "yes"
