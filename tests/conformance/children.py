"""Handlers for the requirements of child contexts (3-x)."""

from typing import Any

from durably.workflows import ChildContextError, DurableContext, StepContext, durable_execution
from durably.workflows.config import Duration, StepConfig
from durably.workflows.logger import Logger
from durably.workflows.retries import RetryDecision, RetryPresets
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()
ONCE = StepConfig(retry_strategy=RetryPresets.none())


def fails(_: Any) -> None:
    raise RuntimeError("never")


def also_while_replaying(context: DurableContext) -> Logger:
    """The context's logger, without its silence during a replay."""
    return context.logger.with_is_replaying(lambda: False)


@FUNCTIONS.meets("3-1")
@durable_execution
def child_with_a_step(event: Any, context: DurableContext) -> str:
    return context.run_in_child_context(lambda child: child.step(lambda _: event))


@FUNCTIONS.meets("3-3")
@durable_execution
def child_with_two_steps(event: Any, context: DurableContext) -> str:
    def body(child: DurableContext) -> str:
        first = child.step(lambda _: event, name="first")
        return child.step(lambda _: first, name="second")

    return context.run_in_child_context(body, name="child")


@FUNCTIONS.meets("3-5")
@durable_execution
def recovers(event: Any, context: DurableContext) -> str:
    try:
        context.run_in_child_context(lambda child: child.step(fails, config=ONCE))
    except ChildContextError:
        return context.step(lambda _: event)
    raise AssertionError("the child did not fail")


@FUNCTIONS.meets("3-7")
@durable_execution
def child_with_a_retry(event: Any, context: DurableContext) -> str:
    def flaky(step: StepContext) -> str:
        if step.attempt == 1:
            raise RuntimeError("not yet")
        return event

    config = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(Duration.from_seconds(1)))
    return context.run_in_child_context(lambda child: child.step(flaky, config=config), name="child")


@FUNCTIONS.meets("3-9")
@durable_execution
def child_then_wait(event: Any, context: DurableContext) -> str:
    value = context.run_in_child_context(lambda child: child.step(lambda _: event))
    context.wait(Duration.from_seconds(1))
    return value


@FUNCTIONS.meets("3-11")
@durable_execution
def large_child(event: Any, context: DurableContext) -> int:
    def body(child: DurableContext) -> str:
        also_while_replaying(child).info("in the child: %s", event)
        return child.step(lambda _: "x") * 300_000

    value = context.run_in_child_context(body, name="large")
    context.wait(Duration.from_seconds(1))
    return len(value)


@FUNCTIONS.meets("3-13")
@durable_execution
def child_that_waits(event: Any, context: DurableContext) -> str:
    def body(child: DurableContext) -> str:
        child.wait(Duration.from_seconds(1))
        return event

    value = context.run_in_child_context(body, name="child")
    return context.step(lambda _: value)


@FUNCTIONS.meets("3-15")
@durable_execution
def child_that_fails(event: Any, context: DurableContext) -> None:
    context.run_in_child_context(fails, name="child")


@FUNCTIONS.meets("3-17")
@durable_execution
def child_that_logs(event: Any, context: DurableContext) -> str:
    def body(child: DurableContext) -> str:
        also_while_replaying(child).info("in the child: %s", event)
        return event

    value = context.run_in_child_context(body, name="child")
    context.wait(Duration.from_seconds(1))
    return value
