"""Handlers for the requirements of map (9-x)."""

from typing import Any

from durably.workflows import BatchItemStatus, BatchResult, DurableContext, durable_execution
from durably.workflows.concurrency.models import BatchItem, CompletionReason
from durably.workflows.config import CompletionConfig, Duration, MapConfig
from durably.workflows.serdes import ExtendedTypeSerDes, SerDes, SerDesContext
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()


class Joined(SerDes[BatchResult[str]]):
    """A whole batch of texts as one text."""

    def serialize(self, value: BatchResult[str], serdes_context: SerDesContext) -> str:
        return "OPSERDE:" + ",".join(value.get_results())

    def deserialize(self, data: str, serdes_context: SerDesContext) -> BatchResult[str]:
        texts = data.removeprefix("OPSERDE:").split(",")
        items = [BatchItem(index, BatchItemStatus.SUCCEEDED, text) for index, text in enumerate(texts)]
        return BatchResult(items, CompletionReason.ALL_COMPLETED)


def in_turn(**completion: Any) -> MapConfig:
    """One item at a time."""
    if completion:
        return MapConfig(max_concurrency=1, completion_config=CompletionConfig(**completion))
    return MapConfig(max_concurrency=1)


def succeeds_if(value: Any) -> Any:
    """What an item that is told to fail does not."""
    if value is None:
        raise RuntimeError("never")
    return value


def the_item(child: DurableContext, item: Any, index: int, items: Any) -> Any:
    return succeeds_if(item)


def upper(child: DurableContext, item: str, index: int, items: Any) -> str:
    return item.upper()


def projection(batch: Any, *fields: str) -> dict[str, Any]:
    """What a handler returns of a batch."""
    values = {
        "completionReason": batch.completion_reason.value,
        "status": batch.status.value,
        "successCount": batch.success_count,
        "failureCount": batch.failure_count,
        "totalCount": batch.total_count,
    }
    return {field: values[field] for field in fields or values}


@FUNCTIONS.meets("9-1")
@durable_execution
def greets_all(event: Any, context: DurableContext) -> Any:
    def greet(child: DurableContext, item: str, index: int, items: Any) -> str:
        return child.step(lambda _: f"Hello, {item}!")

    return context.map(event, greet, "map", in_turn()).get_results()


@FUNCTIONS.meets("9-3")
@durable_execution
def adds_indexes(event: Any, context: DurableContext) -> Any:
    return context.map(
        event, lambda child, item, index, items: item + index, "indexed", in_turn()
    ).get_results()


@FUNCTIONS.meets("9-5")
@durable_execution
def fails_fast(event: Any, context: DurableContext) -> Any:
    config = in_turn(tolerated_failure_count=0)
    return projection(context.map(["ok", None, "late"], the_item, "failfast", config))


@FUNCTIONS.meets("9-7")
@durable_execution
def two_are_enough(event: Any, context: DurableContext) -> Any:
    batch = context.map(["a", "b", "c", "d"], the_item, "min-successful", in_turn(min_successful=2))
    return projection(batch, "completionReason", "successCount", "totalCount")


@FUNCTIONS.meets("9-9")
@durable_execution
def one_failure_too_many(event: Any, context: DurableContext) -> Any:
    config = in_turn(tolerated_failure_count=1)
    batch = context.map([None, None, "late"], the_item, "tolerated-exceeded", config)
    return projection(batch, "completionReason", "successCount", "failureCount", "totalCount")


@FUNCTIONS.meets("9-11")
@durable_execution
def two_at_a_time(event: Any, context: DurableContext) -> Any:
    config = MapConfig(max_concurrency=2)
    return context.map(["r0", "r1", "r2"], the_item, "concurrent", config).get_results()


@FUNCTIONS.meets("9-13")
@durable_execution
def names_items(event: Any, context: DurableContext) -> Any:
    config = MapConfig(max_concurrency=1, item_namer=lambda item, index: f"item-{item}")
    return context.map(
        event, lambda child, item, index, items: item * 10, "named-items", config
    ).get_results()


@FUNCTIONS.meets("9-15")
@durable_execution
def suspends_within(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext, item: str, index: int, items: Any) -> str:
        if index == 1:
            child.wait(Duration.from_seconds(1))
        return child.step(lambda _: item)

    return context.map(["r0", "r1"], body, "suspend", in_turn()).get_results()


@FUNCTIONS.meets("9-17")
@durable_execution
def suspends_after(event: Any, context: DurableContext) -> Any:
    batch = context.map(["a", "b"], upper, "then-wait", in_turn())
    context.wait(Duration.from_seconds(1))
    return batch.get_results()


@FUNCTIONS.meets("9-19")
@durable_execution
def joins(event: Any, context: DurableContext) -> Any:
    config = MapConfig(max_concurrency=1, serdes=Joined(), item_serdes=ExtendedTypeSerDes())
    return context.map(["x", "y"], upper, "op-serde", config).get_results()
