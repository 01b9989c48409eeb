"""Handlers for the requirements of steps (1-x)."""

import sys
from typing import Any

from durably.workflows import DurableContext, StepContext, durable_execution, durable_step
from durably.workflows.config import Duration, StepConfig, StepSemantics
from durably.workflows.retries import RetryDecision, RetryPresets
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()
ISOLATED = {"1-17"}


class TransientError(Exception):
    """What is worth another attempt."""


def after_a_second(error: Exception, attempt: int) -> RetryDecision:
    return RetryDecision.retry(Duration.from_seconds(1)) if attempt < 3 else RetryDecision.no_retry()


def if_transient(error: Exception, attempt: int) -> RetryDecision:
    if isinstance(error, TransientError):
        return RetryDecision.retry(Duration.from_seconds(1))
    return RetryDecision.no_retry()


@durable_step
def greet(step: StepContext, name: str) -> str:
    return f"Hello, {name}!"


@FUNCTIONS.meets("1-1")
@durable_execution
def greets(event: Any, context: DurableContext) -> str:
    return context.step(greet(event))


@FUNCTIONS.meets("1-3")
@durable_execution
def one_after_the_other(event: Any, context: DurableContext) -> str:
    first = context.step(lambda _: "first")
    return context.step(lambda _: f"{first}_second")


@FUNCTIONS.meets("1-5")
@durable_execution
def does_nothing(event: Any, context: DurableContext) -> None:
    return context.step(lambda _: None)


@FUNCTIONS.meets("1-7")
@durable_execution
def logs(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        step.logger.info("Greeting step started for: %s", event)
        greeting = f"Hello, {event}!"
        step.logger.info("Greeting step completed with: %s", greeting)
        return greeting

    return context.step(body)


@FUNCTIONS.meets("1-9")
@durable_execution
def step_then_wait(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        step.logger.info("step executed")
        return "cached_value"

    value = context.step(body)
    context.wait(Duration.from_seconds(1))
    return value


@FUNCTIONS.meets("1-11")
@durable_execution
def fails_once(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        if step.attempt == 1:
            raise RuntimeError("not yet")
        return "Operation succeeded"

    return context.step(body, config=StepConfig(retry_strategy=after_a_second))


@FUNCTIONS.meets("1-13")
@durable_execution
def fails_twice(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        if step.attempt < 3:
            raise RuntimeError("not yet")
        return "Operation succeeded"

    return context.step(body)


@FUNCTIONS.meets("1-15")
@durable_execution
def retries_what_is_transient(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        if step.attempt == 1:
            raise TransientError("busy")
        return "done"

    return context.step(body, config=StepConfig(retry_strategy=if_transient))


@FUNCTIONS.meets("1-17")
@durable_execution
def is_interrupted(event: Any, context: DurableContext) -> None:
    def body(step: StepContext) -> None:
        step.logger.info("about to exit: %s", event)
        sys.exit(1)

    config = StepConfig(
        retry_strategy=RetryPresets.none(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    context.step(body, name="at_most_once_flaky_step", config=config)


@FUNCTIONS.meets("1-19")
@durable_execution
def fails(event: Any, context: DurableContext) -> None:
    def body(step: StepContext) -> None:
        raise RuntimeError("never")

    context.step(body, config=StepConfig(retry_strategy=RetryPresets.none()))
