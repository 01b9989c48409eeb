"""Handlers for the requirements of invokes (5-x), and the functions that they invoke."""

import json
import os
import threading
from typing import Any

from durably.workflows import DurableContext, durable_execution
from durably.workflows.config import Duration, InvokeConfig
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()
INVOCABLE = {name: {"DurableConfig": {}} for name in ("target-echo", "target-fails", "target-size")}


class Shouting(SerDes[Any]):
    """JSON in capitals."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value).upper()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)


def takes_a_moment(_: Any) -> None:
    """On AWS's emulator, what is invoked comes back when its caller has long been suspended.

    The emulator runs it while the caller still ends, and records what is over first.
    """
    if "TESTS_SDK" in os.environ:
        threading.Event().wait(0.3)


@FUNCTIONS.meets("target-echo")
@durable_execution
def echo(event: Any, context: DurableContext) -> Any:
    context.step(takes_a_moment)
    return event


@FUNCTIONS.meets("target-fails")
@durable_execution
def fails(event: Any, context: DurableContext) -> Any:
    context.step(takes_a_moment)
    raise RuntimeError("never")


@FUNCTIONS.meets("target-size")
@durable_execution
def size(event: Any, context: DurableContext) -> Any:
    context.step(takes_a_moment)
    return {"size": len(event["text"])}


@FUNCTIONS.meets("5-1", "5-3")
@durable_execution
def invokes(event: Any, context: DurableContext) -> Any:
    return context.invoke("target-echo", event)


@FUNCTIONS.meets("5-5")
@durable_execution
def invokes_in_vain(event: Any, context: DurableContext) -> Any:
    return context.invoke("target-fails", event)


@FUNCTIONS.meets("5-7")
@durable_execution
def invokes_with_much(event: Any, context: DurableContext) -> Any:
    return context.invoke("target-size", {"text": "x" * 250_000})


@FUNCTIONS.meets("5-9")
@durable_execution
def invokes_then_waits(event: Any, context: DurableContext) -> Any:
    value = context.invoke("target-echo", event)
    context.wait(Duration.from_seconds(1))
    return value


@FUNCTIONS.meets("5-11")
@durable_execution
def works_then_invokes(event: Any, context: DurableContext) -> Any:
    value = context.step(lambda _: "worked")
    return context.invoke("target-echo", value)


@FUNCTIONS.meets("5-13")
@durable_execution
def invokes_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.invoke("target-echo", event))


@FUNCTIONS.meets("5-15")
@durable_execution
def invokes_loudly(event: Any, context: DurableContext) -> Any:
    return context.invoke("target-echo", event, config=InvokeConfig(serdes_payload=Shouting()))
