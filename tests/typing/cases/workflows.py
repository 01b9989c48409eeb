"""What a user writes with `durably.workflows`: results keep their types, and wrong code is refused."""

from typing import Any

from durably.workflows import (
    BatchResult,
    ChildConfig,
    CompletionConfig,
    DurableContext,
    MapConfig,
    ParallelBranch,
    ParallelConfig,
    RetryDecision,
    StepConfig,
    StepContext,
    durable_execution,
    durable_step,
    durable_with_child_context,
)
from durably.workflows.config import Duration


@durable_step
def fetch(step: StepContext, url: str, *, attempts: int = 1) -> bytes:
    return url.encode() * attempts


@durable_with_child_context
def group(context: DurableContext, size: int) -> list[int]:
    return [context.step(lambda step: step.attempt) for _ in range(size)]


def branch(context: DurableContext, item: str, index: int, items: Any) -> float:
    return index / len(item)


def count(context: DurableContext) -> int:
    return context.step(lambda step: step.attempt)


def strategy(error: Exception, attempt: int) -> RetryDecision:
    return RetryDecision.retry(Duration.from_seconds(attempt))


@durable_execution
def handler(event: Any, context: DurableContext) -> dict[str, Any]:
    fetched: bytes = context.step(fetch("u", attempts=2), "fetch", StepConfig(retry_strategy=strategy))
    grouped: list[int] = context.run_in_child_context(group(3), config=ChildConfig(is_virtual=True))
    mapped: BatchResult[float] = context.map(["a", "b"], branch, config=MapConfig(max_concurrency=2))
    first: list[float] = mapped.get_results()
    ran: BatchResult[int] = context.parallel([count, ParallelBranch(count, "two")])
    context.wait(Duration.from_minutes(1), "pause")
    return {"all": [fetched, grouped, first, ran.get_results()]}


output: dict[str, Any] = handler({}, None)


def wrong(context: DurableContext) -> None:
    # assert-type-error-pyright: "\"Literal\[5\]\" is not assignable to \"str\""
    context.step(fetch(5))

    # assert-type-error-pyright: "No parameter named \"tries\""
    context.step(fetch("u", tries=2))

    # assert-type-error-pyright: "cannot be assigned to parameter \"func\""
    context.step(fetch)

    # assert-type-error-pyright: "not assignable to \"str \| None\"|not assignable to \"str\""
    context.step(fetch("u"), 7)

    # assert-type-error-pyright: "\"ChildConfig\[.*\]\" is not assignable to \"StepConfig\""
    context.step(fetch("u"), None, ChildConfig())

    # assert-type-error-pyright: "\"bytes\" is not assignable to \"int\""
    number: int = context.step(fetch("u"))
    print(number)

    # assert-type-error-pyright: "\"Literal\[60\]\" is not assignable to \"Duration\""
    context.wait(60)

    # assert-type-error-pyright: "cannot be assigned to parameter \"func\""
    context.run_in_child_context(fetch("u"))

    # assert-type-error-pyright: "cannot be assigned to parameter \"func\""
    context.map([1, 2], branch)

    # assert-type-error-pyright: "cannot be assigned to parameter \"func\""
    context.map(["a"], group(1))

    # assert-type-error-pyright: "\"ParallelConfig\" is not assignable to \"MapConfig\[Any\]\""
    context.map(["a"], branch, None, ParallelConfig())

    # assert-type-error-pyright: "\"set\[str\]\" is not assignable to \"Sequence"
    context.map({"a"}, branch)

    # assert-type-error-pyright: "cannot be assigned to parameter \"functions\""
    context.parallel([branch])

    # assert-type-error-pyright: "cannot be assigned to parameter \"functions\""
    context.parallel(group(1))

    # assert-type-error-pyright: "\"Literal\['2'\]\" is not assignable to \"int\""
    MapConfig[str](max_concurrency="2")

    # assert-type-error-pyright: "\"Literal\['half'\]\" is not assignable to"
    CompletionConfig(tolerated_failure_percentage="half")

    # assert-type-error-pyright: "is not assignable to"
    StepConfig(retry_strategy=fetch)


# assert-type-error-pyright: "Argument of type|No overloads for"
@durable_execution
def no_context(event: Any) -> None: ...


# assert-type-error-pyright: "Argument of type"
@durable_step
def no_step_context(url: str) -> str:
    return url
