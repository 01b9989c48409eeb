"""Handlers for the requirements of parallel (8-x)."""

import json
from collections.abc import Callable
from typing import Any

from durably.workflows import DurableContext, ParallelBranch, durable_execution
from durably.workflows.config import CompletionConfig, ParallelConfig
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.registry import Handlers

FUNCTIONS = Handlers()
Branch = Callable[[DurableContext], Any]


class Wrapped(SerDes[Any]):
    """JSON in an envelope."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps({"wrapped": value})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)["wrapped"]


def gives(value: Any) -> Branch:
    return lambda child: value


def steps(value: Any) -> Branch:
    return lambda child: child.step(lambda _: value)


def fails(child: DurableContext) -> None:
    raise RuntimeError("never")


def in_turn(**completion: Any) -> ParallelConfig:
    """One branch at a time."""
    if completion:
        return ParallelConfig(max_concurrency=1, completion_config=CompletionConfig(**completion))
    return ParallelConfig(max_concurrency=1)


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


@FUNCTIONS.meets("8-1")
@durable_execution
def two_steps(event: Any, context: DurableContext) -> Any:
    return context.parallel([steps("task-1"), steps("task-2")], "parallel", in_turn()).get_results()


@FUNCTIONS.meets("8-3")
@durable_execution
def named(event: Any, context: DurableContext) -> Any:
    branches = [ParallelBranch(gives("one"), name="first"), ParallelBranch(gives("two"), name="second")]
    return context.parallel(branches, "named", in_turn()).get_results()


@FUNCTIONS.meets("8-5")
@durable_execution
def none(event: Any, context: DurableContext) -> Any:
    return context.parallel([], "empty").get_results()


@FUNCTIONS.meets("8-7")
@durable_execution
def rethrows(event: Any, context: DurableContext) -> Any:
    batch = context.parallel([fails, gives("ok")], "throwing", in_turn(tolerated_failure_count=0))
    batch.throw_if_error()


@FUNCTIONS.meets("8-9")
@durable_execution
def tolerates_one(event: Any, context: DurableContext) -> Any:
    branches = [gives("a"), fails, gives("c")]
    return projection(context.parallel(branches, "tolerated", in_turn(tolerated_failure_count=1)))


@FUNCTIONS.meets("8-11")
@durable_execution
def two_at_a_time(event: Any, context: DurableContext) -> Any:
    branches = [gives("r0"), gives("r1"), gives("r2")]
    return context.parallel(branches, "concurrent", ParallelConfig(max_concurrency=2)).get_results()


@FUNCTIONS.meets("8-13")
@durable_execution
def tolerates_a_quarter(event: Any, context: DurableContext) -> Any:
    branches = [fails, fails, gives("c"), gives("d")]
    batch = context.parallel(branches, "tolerated-pct", in_turn(tolerated_failure_percentage=25))
    return projection(batch, "completionReason", "successCount", "failureCount", "totalCount")


@FUNCTIONS.meets("8-15")
@durable_execution
def wraps_items(event: Any, context: DurableContext) -> Any:
    config = ParallelConfig(max_concurrency=1, item_serdes=Wrapped())
    return context.parallel([gives("x"), gives("y")], "serde", config).get_results()


@FUNCTIONS.meets("8-17")
@durable_execution
def too_few(event: Any, context: DurableContext) -> Any:
    branches = [gives("a"), fails, gives("c")]
    return projection(context.parallel(branches, "min-not-reached", in_turn(min_successful=3)))


@FUNCTIONS.meets("8-19")
@durable_execution
def not_even_one_at_a_time(event: Any, context: DurableContext) -> Any:
    config = ParallelConfig(max_concurrency=0)
    return context.parallel([gives("a"), gives("b")], "bad-concurrency", config).get_results()


@FUNCTIONS.meets("8-21")
@durable_execution
def nested(event: Any, context: DurableContext) -> Any:
    def outer(child: DurableContext) -> Any:
        return child.parallel([steps("i1"), steps("i2")], "inner", in_turn()).get_results()

    return context.parallel([outer], "outer", in_turn()).get_results()
