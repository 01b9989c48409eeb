"""Conditions: look again and again, suspended in between, until a state is reached."""

from typing import Any

from durably.workflows import DurableContext, Duration, WaitForConditionError, durable_execution
from durably.workflows.types import WaitForConditionCheckContext
from durably.workflows.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy

State = dict[str, int]


def look(state: State, context: WaitForConditionCheckContext) -> State:
    """Ask a service how far it is; here it gets on by 40 % with each look."""
    return {"percent": min(100, state["percent"] + 40)}


def until(percent: int, looks: int) -> WaitForConditionConfig[State]:
    strategy = create_wait_strategy(
        WaitStrategyConfig[State](
            should_continue_polling=lambda state: state["percent"] < percent,
            max_attempts=looks,
            initial_delay=Duration.from_seconds(1),
            max_delay=Duration.from_minutes(5),
        )
    )
    return WaitForConditionConfig(wait_strategy=strategy, initial_state={"percent": 0})


@durable_execution
def handler(event: Any, context: DurableContext) -> list[Any]:
    ready = context.wait_for_condition(look, until(100, looks=10), name="export")
    try:
        context.wait_for_condition(look, until(100, looks=1), name="impatient")
    except WaitForConditionError as error:
        return [ready, error.message]
    return [ready]
