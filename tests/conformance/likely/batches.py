"""Maps and parallels: completion, failures, values, nesting, suspension, replay."""

import json
from typing import Any

from durably.workflows import (
    DurableContext,
    ParallelBranch,
    StepContext,
    durable_execution,
    durable_parallel_branch,
)
from durably.workflows.config import (
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
)
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
SECOND = Duration.from_seconds(1)
KINDS = ("map", "parallel")


class Wrapped(SerDes[Any]):
    """JSON in an envelope."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps({"wrapped": value})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)["wrapped"]


class Counted(SerDes[Any]):
    """A batch, recorded as its results, and read as them."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value.get_results())

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)


def fails(_: Any) -> None:
    raise ValueError("never")


def do(
    kind: str, context: DurableContext, works: list[Any], name: str | None = "batch", **config: Any
) -> Any:
    """A map or a parallel of these: a value is returned, a function is called with the context."""

    def run(child: DurableContext, work: Any) -> Any:
        return work(child) if callable(work) else work

    if kind == "map":
        return context.map(
            works, lambda child, work, index, items: run(child, work), name, MapConfig(**config)
        )
    branches = [lambda child, work=work: run(child, work) for work in works]
    return context.parallel(branches, name, ParallelConfig(**config))


def projection(batch: Any) -> dict[str, Any]:
    """What a handler returns of a batch."""
    return {
        "reason": batch.completion_reason.value,
        "status": batch.status.value,
        "counts": [batch.success_count, batch.failure_count, batch.started_count, batch.total_count],
        "results": batch.get_results(),
        "errors": [[error.message, error.type] for error in batch.get_errors()],
        "items": [[item.index, item.status and item.status.value] for item in batch.all],
    }


def both_of(cases: Cases) -> Any:
    """A decorator of what is done once with a map and once with a parallel."""

    def both(name: str, description: str, **options: Any) -> Any:
        def register(function: Any) -> Any:
            for kind in KINDS:

                def handler(event: Any, context: DurableContext, kind: str = kind) -> Any:
                    return function(kind, context)

                cases.case(f"{kind}/{name}", description, **options)(durable_execution(handler))
            return function

        return register

    return both


both = both_of(FUNCTIONS)


@both("unnamed", "Without a name.")
def unnamed(kind: str, context: DurableContext) -> Any:
    return do(kind, context, ["a", "b"], None, max_concurrency=1).get_results()


@both("failing-step", "A step that fails in a branch: what each level records.")
def failing_step(kind: str, context: DurableContext) -> Any:
    once = StepConfig(retry_strategy=RetryPresets.none())
    works = [lambda child: child.step(fails, name="fails", config=once), "b"]
    return projection(
        do(kind, context, works, max_concurrency=1, completion_config=CompletionConfig.all_completed())
    )


@both("retry", "A step in a branch that is retried.")
def retried(kind: str, context: DurableContext) -> Any:
    def flaky(step: StepContext) -> str:
        if step.attempt == 1:
            raise ValueError("not yet")
        return "done"

    config = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(SECOND))
    works = ["a", lambda child: child.step(flaky, name="flaky", config=config)]
    return do(kind, context, works, max_concurrency=1).get_results()


@both("suspends", "A branch that waits; what was over is not done again.")
def suspends(kind: str, context: DurableContext) -> Any:
    def waits(child: DurableContext) -> str:
        child.wait(SECOND, name="within")
        return child.step(lambda _: "b", name="after")

    def logs(child: DurableContext) -> str:
        child.logger.info("the first")
        return child.step(lambda step: step.logger.info("in its step") or "a")

    return do(kind, context, [logs, waits], max_concurrency=1).get_results()


@both("waits-side-by-side", "All wait at once.", first_events=2)
def waits_side_by_side(kind: str, context: DurableContext) -> Any:
    def waits(child: DurableContext) -> str:
        child.wait(SECOND)
        return "done"

    return do(kind, context, [waits, waits, waits]).get_results()


@both("concurrent-steps", "Without a limit, all run at once; results are in order.", first_events=2)
def concurrent_steps(kind: str, context: DurableContext) -> Any:
    works = [lambda child, n=n: child.step(lambda _: n) for n in range(5)]
    return do(kind, context, works).get_results()


@both("serdes", "A serializer for the batch, read on replay.")
def with_serdes(kind: str, context: DurableContext) -> Any:
    batch = do(kind, context, ["a", "b"], max_concurrency=1, serdes=Counted())
    context.wait(SECOND)
    return batch if isinstance(batch, list) else ["not read", batch.get_results()]


@both("item-serdes", "A serializer for the items.")
def with_item_serdes(kind: str, context: DurableContext) -> Any:
    batch = do(kind, context, ["a", {"b": 1}], max_concurrency=1, item_serdes=Wrapped())
    context.wait(SECOND)
    return batch.get_results()


@both("only-serdes", "A serializer for the batch is that of the items, too, where they have none.")
def with_only_serdes(kind: str, context: DurableContext) -> Any:
    class Plain(SerDes[Any]):
        def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
            return json.dumps(value if isinstance(value, str) else value.get_results())

        def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
            return json.loads(data)

    batch = do(kind, context, ["a", "b"], max_concurrency=1, serdes=Plain())
    return batch if isinstance(batch, list) else batch.get_results()


@both("flat", "Without contexts of their own.")
def flat(kind: str, context: DurableContext) -> Any:
    works = [lambda child, n=n: child.step(lambda _: n, name=f"step-{n}") for n in "ab"]
    batch = do(kind, context, works, max_concurrency=1, nesting_type=NestingType.FLAT)
    context.wait(SECOND)
    return projection(batch)


@both("large", "A large batch: a summary is recorded, and the results are made anew.")
def large(kind: str, context: DurableContext) -> Any:
    works = [lambda child, n=n: child.step(lambda _: n * 150_000) for n in "ab"]
    batch = do(kind, context, works, max_concurrency=1)
    context.wait(SECOND)
    return [[len(each) for each in batch.get_results()], batch.completion_reason.value]


@both("summary", "A summary of the application's.")
def with_summary(kind: str, context: DurableContext) -> Any:
    works = [lambda child, n=n: child.step(lambda _: n * 150_000) for n in "ab"]
    batch = do(kind, context, works, max_concurrency=1, summary_generator=lambda b: f"{b.total_count} items")
    context.wait(SECOND)
    return [len(each) for each in batch.get_results()]


@both("large-with-a-failure", "A large batch that stopped early.")
def large_with_a_failure(kind: str, context: DurableContext) -> Any:
    works = [lambda child: "a" * 200_000, fails, lambda child: "c" * 200_000, "d"]
    batch = do(
        kind,
        context,
        works,
        max_concurrency=1,
        completion_config=CompletionConfig(tolerated_failure_count=1, min_successful=2),
    )
    context.wait(SECOND)
    return [[len(each) for each in batch.get_results()], batch.completion_reason.value, batch.total_count]


@both("nested", "A batch within a batch, of both kinds.")
def nested(kind: str, context: DurableContext) -> Any:
    other = "parallel" if kind == "map" else "map"

    def outer(child: DurableContext) -> Any:
        return do(
            other, child, [1, lambda inner: inner.step(lambda _: 2)], "inner", max_concurrency=1
        ).get_results()

    return do(kind, context, [outer, "b"], "outer", max_concurrency=1).get_results()


@both("in-a-child", "Within a child context.")
def in_a_child(kind: str, context: DurableContext) -> Any:
    return context.run_in_child_context(
        lambda child: do(kind, child, ["a", "b"], max_concurrency=1).get_results(), name="child"
    )


@both("child-within", "A child context within a branch.")
def child_within(kind: str, context: DurableContext) -> Any:
    works = [lambda child: child.run_in_child_context(lambda c: c.step(lambda _: "x"), name="within"), "b"]
    return do(kind, context, works, max_concurrency=1).get_results()


@both("in-turn", "Two batches in turn.")
def in_turn(kind: str, context: DurableContext) -> Any:
    first = do(kind, context, [1, 2], "first", max_concurrency=1).get_results()
    return do(kind, context, [first, 3], "second", max_concurrency=1).get_results()


@both("step-around", "Steps before and after.")
def step_around(kind: str, context: DurableContext) -> Any:
    before = context.step(lambda _: "before", name="before")
    results = do(kind, context, [before, "b"], max_concurrency=1).get_results()
    return context.step(lambda _: ",".join(results), name="after")


@both("nothing", "Branches that return nothing.")
def nothing(kind: str, context: DurableContext) -> Any:
    return projection(do(kind, context, [None, lambda child: None], max_concurrency=1))


@FUNCTIONS.case("parallel/decorated-branches", "Branches that were made by the decorator.")
@durable_execution
def decorated_branches(event: Any, context: DurableContext) -> Any:
    @durable_parallel_branch()
    def first(child: DurableContext) -> str:
        return child.step(lambda _: "a")

    @durable_parallel_branch(name="the-second")
    def second(child: DurableContext) -> str:
        return child.step(lambda _: "b")

    return context.parallel([first(), second()], "batch", ParallelConfig(max_concurrency=1)).get_results()


@FUNCTIONS.case("parallel/named-and-unnamed", "Branches with names and without.")
@durable_execution
def named_and_unnamed(event: Any, context: DurableContext) -> Any:
    branches = [
        ParallelBranch(lambda child: "a", name="first"),
        lambda child: "b",
        ParallelBranch(lambda child: "c"),
    ]
    return context.parallel(branches, "batch", ParallelConfig(max_concurrency=1)).get_results()


@FUNCTIONS.case("map/items", "The function is told the item, its index and all items.", ["a", "b"])
@durable_execution
def items(event: Any, context: DurableContext) -> Any:
    return context.map(
        event,
        lambda child, item, index, items: [item, index, len(items)],
        config=MapConfig(max_concurrency=1),
    ).get_results()


@FUNCTIONS.case("map/objects", "Objects as items and as results.", [{"id": 1}, {"id": 2}])
@durable_execution
def objects(event: Any, context: DurableContext) -> Any:
    batch = context.map(
        event,
        lambda child, item, index, items: child.step(
            lambda _: {**item, "seen": True}, name=f"see-{item['id']}"
        ),
        "orders",
        MapConfig(max_concurrency=1, item_namer=lambda item, index: f"order-{item['id']}-{index}"),
    )
    return batch.to_dict()
