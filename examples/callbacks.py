"""Callbacks: somebody outside answers, or the time for it runs out."""

from typing import Any

from durably.workflows import CallbackTimeoutError, DurableContext, Duration, durable_execution
from durably.workflows.config import CallbackConfig, WaitForCallbackConfig
from durably.workflows.types import WaitForCallbackContext


def ask_the_manager(callback_id: str, context: WaitForCallbackContext) -> None:
    """A mail with a link in it, say; whoever follows the link sends the answer with this id."""
    context.logger.info("Please approve: %s", callback_id)


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, str]:
    try:
        approval = context.wait_for_callback(
            ask_the_manager, "approval", WaitForCallbackConfig(timeout=Duration.from_seconds(1))
        )
    except CallbackTimeoutError:
        approval = "nobody has answered"

    receipt = context.create_callback("receipt", CallbackConfig(timeout=Duration.from_days(7)))
    context.step(
        lambda step: step.logger.info("The printer answers to %s", receipt.callback_id), name="print"
    )
    return {"approval": approval, "receipt": "done" if receipt.done else "pending"}
