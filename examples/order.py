"""An order in three operations: two steps, and a wait between them.

The input is a JSON object with an item and its price, for example {"item": "kite", "price": 12}.
"""

from typing import Any

from durably.workflows import DurableContext, Duration, StepContext, durable_execution, durable_step

DEFAULT = {"item": "lamp", "price": 40}


@durable_step
def charge(step: StepContext, price: int) -> str:
    """What has an effect outside belongs into a step: it is not done again once its result is recorded."""
    step.logger.info("charging %d", price)
    return f"receipt for {price}"


@durable_step
def ship(step: StepContext, item: str) -> str:
    return f"{item} is on its way"


@durable_execution
def handler(event: dict[str, Any] | None, context: DurableContext) -> dict[str, str]:
    order = event or DEFAULT
    receipt = context.step(charge(order["price"]))
    context.wait(Duration.from_seconds(1), name="time to change your mind")
    return {"receipt": receipt, "shipping": context.step(ship(order["item"]))}
