"""Handlers for the requirements of waits (2-x)."""

from typing import Any

from durably.workflows import DurableContext, durable_execution
from durably.workflows.config import Duration
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()


@FUNCTIONS.meets("2-1")
@durable_execution
def waits(event: Any, context: DurableContext) -> str:
    context.wait(Duration.from_seconds(2))
    return "done"


@FUNCTIONS.meets("2-3")
@durable_execution
def waits_twice(event: Any, context: DurableContext) -> dict[str, int]:
    context.wait(Duration.from_seconds(2), name="wait-1")
    context.wait(Duration.from_seconds(2), name="wait-2")
    return {"completedWaits": 2}


@FUNCTIONS.meets("2-5")
@durable_execution
def waits_long(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_hours(1))
