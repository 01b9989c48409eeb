"""Child contexts: operations that are grouped, named, recorded as one, and fail as one."""

from typing import Any

from durably.workflows import (
    ChildContextError,
    DurableContext,
    durable_execution,
    durable_with_child_context,
)


@durable_with_child_context
def book_trip(context: DurableContext, city: str) -> dict[str, str]:
    """The context that this code is handed is its own: it uses that one, never the handler's."""
    flight = context.step(lambda step: f"flight to {city}", name="flight")
    hotel = context.step(lambda step: f"hotel in {city}", name="hotel")
    if city == "Atlantis":
        raise LookupError(f"no way to {city}")
    return {"flight": flight, "hotel": hotel}


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    trip = context.run_in_child_context(book_trip("Oslo"))
    try:
        context.run_in_child_context(book_trip("Atlantis"), name="second trip")
        second = "booked"
    except ChildContextError as error:
        second = f"{error.error_type}: {error}"
    return {"trip": trip, "second": second}
