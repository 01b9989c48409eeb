"""Errors: what was done is undone when a later step fails for good."""

from collections.abc import Callable
from typing import Any

from durably.workflows import (
    DurableContext,
    DurableOperationError,
    RetryPresets,
    StepConfig,
    StepContext,
    durable_execution,
)

ONE_ATTEMPT = StepConfig(retry_strategy=RetryPresets.none())


def reserve(step: StepContext) -> str:
    return "seat 12"


def charge(step: StepContext) -> str:
    raise PermissionError("card declined")


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    undo: list[tuple[str, Callable[[StepContext], str]]] = []
    try:
        seat = context.step(reserve, name="reserve")
        undo.append(("release", lambda step: f"released {seat}"))
        context.step(charge, name="charge", config=ONE_ATTEMPT)
    except DurableOperationError as error:
        undone = [context.step(compensate, name=name) for name, compensate in reversed(undo)]
        return {"failed": f"{error.error_type}: {error}", "undone": undone}
    return {"seat": seat}
