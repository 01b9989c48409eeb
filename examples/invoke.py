"""Invoke: another function does its part, durably as well, and this execution waits for its result."""

from typing import Any

from durably.workflows import DurableContext, Duration, InvokeError, durable_execution


@durable_execution
def charge(event: dict[str, Any], context: DurableContext) -> dict[str, Any]:
    """A function of its own: it has a history of its own, and may be written in another language."""
    if event["cents"] > 10_000:
        raise ValueError("over the limit")
    context.wait(Duration.from_seconds(1), name="bank")
    return {"charged": event["cents"]}


@durable_execution
def handler(event: Any, context: DurableContext) -> list[Any]:
    paid = context.invoke("charge", {"cents": 999}, name="small")
    try:
        context.invoke("charge", {"cents": 1_000_000}, name="large")
    except InvokeError as error:
        return [paid, f"{error.error_type}: {error.message}"]
    return [paid]
