"""Invokes: names, payloads, failures, timeouts, functions that are not durable or not there."""

import json
from typing import Any

from durably.workflows import DurableContext, InvokeError, durable_execution
from durably.workflows.config import Duration, InvokeConfig, MapConfig, ParallelConfig
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
INVOCABLE: dict[str, Any] = {
    "likely-raises": {"DurableConfig": {}},
    "likely-waits": {"DurableConfig": {}},
    "likely-asks": {"DurableConfig": {"ExecutionTimeout": 4}},
    "likely-plain": {},
    "likely-plain-raises": {},
}


class Reversed(SerDes[Any]):
    """JSON, backwards after it was read."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value[::-1])

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)[::-1]


class OrderError(Exception):
    """An error of the application's."""


def said(error: InvokeError) -> list[Any]:
    return [type(error).__name__, error.message, error.error_type and error.error_type.rpartition(".")[2]]


@FUNCTIONS.meets("likely-raises")
@durable_execution
def raises(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(1))
    raise OrderError("no such order")


@FUNCTIONS.meets("likely-waits")
@durable_execution
def waits(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(1))
    return {"got": event}


@FUNCTIONS.meets("likely-asks")
@durable_execution
def asks(event: Any, context: DurableContext) -> Any:
    return context.create_callback("nobody answers").result()


def moment() -> None:
    """See `takes_a_moment` of the known requirements' functions."""
    import os
    import threading

    if "TESTS_SDK" in os.environ:
        threading.Event().wait(0.3)


@FUNCTIONS.meets("likely-plain")
def plain(event: Any, lambda_context: Any) -> Any:
    moment()
    return {"plain": event}


@FUNCTIONS.meets("likely-plain-raises")
def plain_raises(event: Any, lambda_context: Any) -> Any:
    moment()
    raise OrderError("no such order")


@FUNCTIONS.case("invoke/name", "An invoke with a name.", {"a": 1})
@durable_execution
def named(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-waits", event, name="ask the other")


@FUNCTIONS.case("invoke/nothing", "A payload of nothing.")
@durable_execution
def nothing(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-waits", None)


@FUNCTIONS.case("invoke/caught", "A failure that is caught, and a replay after.")
@durable_execution
def caught(event: Any, context: DurableContext) -> Any:
    try:
        context.invoke("likely-raises", event, name="raises")
    except InvokeError as error:
        answer = said(error)
    else:
        raise AssertionError
    context.wait(Duration.from_seconds(1))
    return answer


@FUNCTIONS.case("invoke/uncaught", "A failure that nobody catches.")
@durable_execution
def uncaught(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-raises", event)


@FUNCTIONS.case("invoke/timed-out", "A function that takes too long.", real_time=True)
@durable_execution
def timed_out(event: Any, context: DurableContext) -> Any:
    try:
        return context.invoke("likely-asks", event)
    except InvokeError as error:
        return said(error)


@FUNCTIONS.case("invoke/unknown", "A function that is not there.")
@durable_execution
def unknown(event: Any, context: DurableContext) -> Any:
    return context.invoke("nobody", event)


@FUNCTIONS.case("invoke/unknown-and-caught", "A function that is not there, caught.")
@durable_execution
def unknown_and_caught(event: Any, context: DurableContext) -> Any:
    try:
        return context.invoke("nobody", event, name="call")
    except InvokeError as error:
        return [type(error).__name__, error.error_type]


@FUNCTIONS.case("invoke/plain", "A function that is not durable.", {"a": [1]})
@durable_execution
def invokes_plain(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-plain", event)


@FUNCTIONS.case("invoke/plain-raises", "A function that is not durable, and fails.")
@durable_execution
def invokes_plain_raises(event: Any, context: DurableContext) -> Any:
    try:
        return context.invoke("likely-plain-raises", event)
    except InvokeError as error:
        return said(error)


@FUNCTIONS.case("invoke/two", "Two in turn; the second takes the first one's result.", "x")
@durable_execution
def two(event: Any, context: DurableContext) -> Any:
    first = context.invoke("likely-waits", event, name="first")
    return context.invoke("likely-waits", first, name="second")


@FUNCTIONS.case("invoke/then-step", "An invoke, then a step with its result.", "x")
@durable_execution
def then_step(event: Any, context: DurableContext) -> Any:
    got = context.invoke("likely-waits", event)
    return context.step(lambda _: got["got"] + "!", name="after")


@FUNCTIONS.case("invoke/wait-then-invoke", "A wait, then an invoke.", "x")
@durable_execution
def wait_then_invoke(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(1))
    return context.invoke("likely-waits", event)


@FUNCTIONS.case("invoke/serdes-result", "A serializer for the result.", "abc")
@durable_execution
def serdes_result(event: Any, context: DurableContext) -> Any:
    config = InvokeConfig(serdes_result=Reversed())
    return context.invoke("target-echo", event, config=config)


@FUNCTIONS.case("invoke/serdes-both", "Serializers for both.", "abc")
@durable_execution
def serdes_both(event: Any, context: DurableContext) -> Any:
    config = InvokeConfig(serdes_payload=Reversed(), serdes_result=Reversed())
    return context.invoke("target-echo", event, config=config)


@FUNCTIONS.case("invoke/tenant", "A tenant.", "x")
@durable_execution
def tenant(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-waits", event, config=InvokeConfig(tenant_id="acme"))


@FUNCTIONS.case("invoke/in-branches", "Two branches, each with an invoke.", first_events=2)
@durable_execution
def in_branches(event: Any, context: DurableContext) -> Any:
    branches = [lambda child, n=n: child.invoke("likely-waits", n) for n in (1, 2)]
    return context.parallel(branches, name="both").get_results()


@FUNCTIONS.case("invoke/in-turn", "Two branches in turn, each with an invoke.")
@durable_execution
def in_turn(event: Any, context: DurableContext) -> Any:
    branches = [lambda child, n=n: child.invoke("likely-waits", n) for n in (1, 2)]
    return context.parallel(branches, name="both", config=ParallelConfig(max_concurrency=1)).get_results()


@FUNCTIONS.case("invoke/in-a-map", "Items, each with an invoke.", ["a", "b"])
@durable_execution
def in_a_map(event: Any, context: DurableContext) -> Any:
    config = MapConfig(max_concurrency=1)
    batch = context.map(
        event, lambda child, item, index, items: child.invoke("likely-waits", item), "all", config
    )
    return batch.get_results()


@FUNCTIONS.case("invoke/fails-in-a-child", "A failure in a child context, and what is recorded of it.")
@durable_execution
def fails_in_a_child(event: Any, context: DurableContext) -> Any:
    context.run_in_child_context(lambda child: child.invoke("likely-raises", 1), name="child")


@FUNCTIONS.case("invoke/unwritable", "A payload that is no JSON.")
@durable_execution
def unwritable(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-waits", {1, 2})
