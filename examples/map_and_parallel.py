"""Map and parallel: some failures that are tolerated, and a race that the first success decides."""

from collections.abc import Sequence
from typing import Any

from durably.workflows import (
    CompletionConfig,
    DurableContext,
    Duration,
    MapConfig,
    ParallelBranch,
    ParallelConfig,
    durable_execution,
)

CITIES = ("Oslo", "Rome", "Atlantis", "Lima")


def temperature(context: DurableContext, city: str, index: int, cities: Sequence[str]) -> int:
    if city == "Atlantis":
        raise LookupError(f"no station in {city}")
    return context.step(lambda step: len(city) * 5, name="read station")


def slow_mirror(context: DurableContext) -> str:
    context.wait(Duration.from_hours(1))
    return "slow mirror"


def fast_mirror(context: DurableContext) -> str:
    return context.step(lambda step: "fast mirror", name="ask")


@durable_execution
def handler(event: list[str] | None, context: DurableContext) -> dict[str, Any]:
    readings = context.map(
        event or CITIES,
        temperature,
        name="temperatures",
        config=MapConfig(
            max_concurrency=2,
            completion_config=CompletionConfig(tolerated_failure_count=1),
            item_namer=lambda city, index: city,
        ),
    )
    first = context.parallel(
        [ParallelBranch(slow_mirror, "slow"), ParallelBranch(fast_mirror, "fast")],
        name="mirrors",
        config=ParallelConfig(completion_config=CompletionConfig.first_successful()),
    )
    return {
        "temperatures": readings.get_results(),
        "failed": [item.error.message for item in readings.failed() if item.error],
        "why": readings.completion_reason.value,
        "first": first.get_results(),
        "mirrors": first.completion_reason.value,
    }
