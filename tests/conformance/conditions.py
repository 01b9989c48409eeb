"""Handlers for the requirements of wait_for_condition (6-x)."""

import codecs
from collections.abc import Callable
from typing import Any

from durably.workflows import DurableContext, durable_execution
from durably.workflows.config import Duration
from durably.workflows.serdes import SerDes, SerDesContext
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()


class Rotated(SerDes[str]):
    """Text, recorded so that nobody reads it by accident."""

    def serialize(self, value: str, serdes_context: SerDesContext) -> str:
        return codecs.encode(f"state:{value}", "rot13")

    def deserialize(self, data: str, serdes_context: SerDesContext) -> str:
        return codecs.decode(data, "rot13").removeprefix("state:")


def until(
    done: Callable[[Any], bool], initial: Any, seconds: int = 1, **others: Any
) -> WaitForConditionConfig[Any]:
    """Looks again after so many seconds."""

    def strategy(state: Any, attempts: int) -> WaitForConditionDecision:
        if done(state):
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_seconds(seconds))

    return WaitForConditionConfig(wait_strategy=strategy, initial_state=initial, **others)


def one_more(state: int, check: Any) -> int:
    return state + 1


@FUNCTIONS.meets("6-1")
@durable_execution
def counts(event: Any, context: DurableContext) -> int:
    return context.wait_for_condition(one_more, until(lambda state: state >= event, 0))


@FUNCTIONS.meets("6-3")
@durable_execution
def counts_by_name(event: Any, context: DurableContext) -> int:
    return context.wait_for_condition(one_more, until(lambda state: state >= 2, 0), name="poll-status")


@FUNCTIONS.meets("6-5")
@durable_execution
def counts_slowly(event: Any, context: DurableContext) -> int:
    return context.wait_for_condition(one_more, until(lambda state: state >= event, 0, seconds=2))


@FUNCTIONS.meets("6-7")
@durable_execution
def cannot_look(event: Any, context: DurableContext) -> Any:
    def check(state: int, check: Any) -> int:
        raise RuntimeError("cannot look")

    return context.wait_for_condition(check, until(lambda state: True, 0))


@FUNCTIONS.meets("6-9")
@durable_execution
def watches_an_object(event: Any, context: DurableContext) -> Any:
    def check(state: dict[str, Any], check: Any) -> dict[str, Any]:
        attempts = state["attempts"] + 1
        return {"status": "DONE" if attempts >= 2 else "PENDING", "attempts": attempts}

    initial = {"status": "PENDING", "attempts": 0}
    return context.wait_for_condition(check, until(lambda state: state["status"] == "DONE", initial))


@FUNCTIONS.meets("6-11")
@durable_execution
def encodes_its_state(event: Any, context: DurableContext) -> str:
    config = until(lambda state: len(state) >= 2, "", serdes=Rotated())
    return context.wait_for_condition(lambda state, check: f"{state}x", config)


@FUNCTIONS.meets("6-13")
@durable_execution
def counts_on(event: Any, context: DurableContext) -> int:
    first = context.wait_for_condition(one_more, until(lambda state: state >= 2, 0))
    return context.wait_for_condition(one_more, until(lambda state: state >= 4, first))
