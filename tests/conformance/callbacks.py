"""Handlers for the requirements of callbacks (4-x)."""

import json
from datetime import datetime
from typing import Any

from durably.workflows import CallbackError, DurableContext, durable_execution
from durably.workflows.config import CallbackConfig, Duration
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()


class Timestamped(SerDes[dict[str, Any]]):
    """JSON with a `timestamp`, which is a datetime here."""

    def serialize(self, value: dict[str, Any], serdes_context: SerDesContext) -> str:
        return json.dumps({**value, "timestamp": value["timestamp"].isoformat()})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> dict[str, Any]:
        value = json.loads(data)
        return {**value, "timestamp": datetime.fromisoformat(value["timestamp"])}


@FUNCTIONS.meets("4-1")
@durable_execution
def asks(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name=event).result()


@FUNCTIONS.meets("4-3")
@durable_execution
def asks_in_vain(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event, CallbackConfig(timeout=Duration.from_seconds(5))).result()


@FUNCTIONS.meets("4-5")
@durable_execution
def asks_for_signs_of_life(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(heartbeat_timeout=Duration.from_seconds(10))
    return context.create_callback(event, config).result()


@FUNCTIONS.meets("4-7")
@durable_execution
def asks_then_works(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event)
    context.step(lambda _: "worked")
    return callback.result()


@FUNCTIONS.meets("4-9")
@durable_execution
def asks_then_waits(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event)
    context.wait(Duration.from_seconds(5))
    return callback.result()


@FUNCTIONS.meets("4-11")
@durable_execution
def asks_in_vain_then_waits(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event, CallbackConfig(timeout=Duration.from_seconds(3)))
    context.wait(Duration.from_seconds(6))
    return callback.result()


@FUNCTIONS.meets("4-13")
@durable_execution
def is_refused(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event)
    try:
        answer = callback.result()
    except CallbackError as error:
        answer = error.message
    context.wait(Duration.from_seconds(2))
    return answer


@FUNCTIONS.meets("4-15")
@durable_execution
def asks_for_an_object(event: Any, context: DurableContext) -> Any:
    received = context.create_callback(event, CallbackConfig(serdes=Timestamped())).result()
    return {"received": {**received, "timestamp": int(received["timestamp"].timestamp())}}


@FUNCTIONS.meets("4-17")
@durable_execution
def asks_two_in_turn(event: Any, context: DurableContext) -> Any:
    first = context.create_callback(event[0]).result()
    return [first, context.create_callback(event[1]).result()]


@FUNCTIONS.meets("4-19")
@durable_execution
def asks_two_at_once(event: Any, context: DurableContext) -> Any:
    first, second = context.create_callback(event[0]), context.create_callback(event[1])
    answer = second.result()
    return [first.result(), answer]
