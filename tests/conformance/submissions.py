"""Handlers for the requirements of wait_for_callback (7-x)."""

from typing import Any

from durably.workflows import DurableContext, durable_execution
from durably.workflows.config import Duration, WaitForCallbackConfig
from durably.workflows.retries import RetryDecision
from durably.workflows.serdes import JsonSerDes
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()


def submit(callback_id: str, submitter: Any) -> None:
    """Hand the id to an external system; the test's looks for it by itself."""


def twice(error: Exception, attempt: int) -> RetryDecision:
    return RetryDecision.retry(Duration.from_seconds(1)) if attempt < 2 else RetryDecision.no_retry()


@FUNCTIONS.meets("7-1", "7-15")
@durable_execution
def submits(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name=event)


@FUNCTIONS.meets("7-3")
@durable_execution
def submits_without_a_name(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, submitter: None)


@FUNCTIONS.meets("7-5")
@durable_execution
def submits_in_vain(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(timeout=Duration.from_seconds(3))
    return context.wait_for_callback(submit, name=event, config=config)


@FUNCTIONS.meets("7-7")
@durable_execution
def cannot_submit(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        raise RuntimeError("cannot submit")

    return context.wait_for_callback(submit, name=event, config=WaitForCallbackConfig(retry_strategy=twice))


@FUNCTIONS.meets("7-9")
@durable_execution
def submits_twice(event: Any, context: DurableContext) -> Any:
    context.wait_for_callback(submit, name="first")
    return context.wait_for_callback(submit, name="second")


@FUNCTIONS.meets("7-11")
@durable_execution
def expects_an_object(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(serdes=JsonSerDes())
    return context.wait_for_callback(submit, name=event, config=config)["status"]


@FUNCTIONS.meets("7-13")
@durable_execution
def expects_signs_of_life(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(heartbeat_timeout=Duration.from_seconds(10))
    return context.wait_for_callback(submit, name=event, config=config)
