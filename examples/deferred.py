"""Deferred operations: offers are asked for beside each other, and an approval has a time limit."""

from typing import Any

from durably.workflows import DurableContext, Duration, StepContext, durable_execution, durable_step

AIRLINES = {"North": 240, "South": 190, "West": 310}


@durable_step
def ask(step: StepContext, airline: str) -> int:
    """A call of a slow service, in a real workflow."""
    return AIRLINES[airline]


@durable_step
def mail(step: StepContext, question: str, callback_id: str) -> str:
    """Whoever gets it answers with `durably callback succeed ID --result yes`."""
    return f"{question} Answer to {callback_id}."


def approved(context: DurableContext, question: str, limit: Duration) -> bool:
    """Whether somebody says yes in time: a callback races against a wait."""
    callback = context.create_callback(name="approval")
    context.step(mail(question, callback.callback_id))
    too_late = context.deferred.wait(limit, name="too late")
    answer = context.race([callback, too_late], name="answer or too late")
    return answer == "yes"  # a wait comes to None


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    offers = [context.deferred.step(ask(airline), name=airline) for airline in AIRLINES]
    prices = context.all(offers, name="offers")
    price = min(prices)
    booked = approved(context, f"Book for {price}?", Duration.from_seconds((event or {}).get("seconds", 1)))
    return {"prices": prices, "booked": booked}
