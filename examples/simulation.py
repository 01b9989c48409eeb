"""A race: the receipts of an order stand in the order in which they were written. `mended` has none.

`durably simulate examples/simulation.py` finds it; docs/simulation.md tells how.
"""

from typing import Any

from durably.workflows import DurableContext, StepContext, durable_execution, durable_step

ITEMS = ["kite", "lamp"]


@durable_step
def charge(step: StepContext, item: str) -> str:
    return f"receipt for the {item}"


@durable_execution
def handler(event: Any, context: DurableContext) -> list[str]:
    receipts: list[str] = []

    def pay(branch: DurableContext, item: str, *_: Any) -> None:
        receipts.append(branch.step(charge(item), name=f"charge {item}"))

    context.map(event or ITEMS, pay, name="pay")
    return receipts


@durable_execution
def mended(event: Any, context: DurableContext) -> list[str]:
    def pay(branch: DurableContext, item: str, *_: Any) -> str:
        return branch.step(charge(item), name=f"charge {item}")

    return context.map(event or ITEMS, pay, name="pay").get_results()
