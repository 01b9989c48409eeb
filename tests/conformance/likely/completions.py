"""When maps and parallels are over, and what they come to then."""

from typing import Any

from durably.workflows import (
    BatchCompletionError,
    ChildContextError,
    DurableContext,
    ValidationError,
    complete_batch,
    continue_batch,
    durable_execution,
)
from durably.workflows.config import CompletionConfig, CompletionOutcome, Duration
from tests.conformance.likely.batches import KINDS, SECOND, both_of, do, fails, projection
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
both = both_of(FUNCTIONS)


def completed(kind: str, context: DurableContext, works: list[Any], **completion: Any) -> Any:
    """The projection of a batch with this completion, one after the other; the same after a replay."""
    config = {"completion_config": CompletionConfig(**completion)} if completion else {}
    batch = do(kind, context, works, max_concurrency=1, **config)
    context.wait(SECOND)
    return projection(batch)


COMPLETIONS: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "empty": ([], {}),
    "one": (["a"], {}),
    "default-with-a-failure": (["a", fails, "c"], {}),
    "all-fail": ([fails, fails], {}),
    "fail-fast": (["a", fails, "c"], {"tolerated_failure_count": 0}),
    "tolerated": ([fails, "b", "c"], {"tolerated_failure_count": 1}),
    "tolerated-exceeded": ([fails, fails, "c"], {"tolerated_failure_count": 1}),
    "percentage": ([fails, "b", "c", "d"], {"tolerated_failure_percentage": 25}),
    "percentage-exceeded": ([fails, fails, "c", "d"], {"tolerated_failure_percentage": 25}),
    "percentage-of-none": ([fails, "b"], {"tolerated_failure_percentage": 0}),
    "min-successful": (["a", "b", "c"], {"min_successful": 2}),
    "min-successful-despite": (["a", fails, "c", "d"], {"min_successful": 2}),
    "min-successful-not-reached": (["a", fails], {"min_successful": 2}),
    "min-successful-and-tolerance": (
        [fails, fails, "c"],
        {"min_successful": 2, "tolerated_failure_count": 1},
    ),
    "min-successful-last": ([fails, "b", "c"], {"min_successful": 2}),
}


def _completion(kind: str, works: list[Any], options: dict[str, Any]) -> Any:
    @durable_execution
    def handler(event: Any, context: DurableContext) -> Any:
        return completed(kind, context, works, **options)

    return handler


for _kind in KINDS:
    for _name, (_works, _options) in COMPLETIONS.items():
        FUNCTIONS.case(f"{_kind}/{_name}", f"What it comes to: {_options or 'no criteria'}.")(
            _completion(_kind, _works, _options)
        )


@both("first-successful", "The first success is enough.")
def first_successful(kind: str, context: DurableContext) -> Any:
    config = CompletionConfig.first_successful()
    return projection(do(kind, context, [fails, "b", "c"], max_concurrency=1, completion_config=config))


@both("all-completed", "All are run, whatever comes.")
def all_completed(kind: str, context: DurableContext) -> Any:
    config = CompletionConfig.all_completed()
    return projection(do(kind, context, [fails, "b", fails], max_concurrency=1, completion_config=config))


@both("all-successful", "All must succeed.")
def all_successful(kind: str, context: DurableContext) -> Any:
    config = CompletionConfig.all_successful()
    return projection(do(kind, context, ["a", fails, "c"], max_concurrency=1, completion_config=config))


@both("custom-completion", "A decision of the application's.")
def custom_completion(kind: str, context: DurableContext) -> Any:
    def decide(status: Any) -> Any:
        return complete_batch(CompletionOutcome.SUCCEEDED) if status.success_count >= 2 else continue_batch()

    config = CompletionConfig(should_complete=decide)
    batch = do(kind, context, ["a", "b", "c"], max_concurrency=1, completion_config=config)
    context.wait(SECOND)
    return projection(batch)


@both("custom-failure", "A decision of the application's that it has failed.")
def custom_failure(kind: str, context: DurableContext) -> Any:
    def decide(status: Any) -> Any:
        return complete_batch(CompletionOutcome.FAILED) if status.success_count else continue_batch()

    config = CompletionConfig(should_complete=decide)
    batch = do(kind, context, ["a", "b"], max_concurrency=1, completion_config=config)
    context.wait(SECOND)
    try:
        batch.throw_if_error()
    except BatchCompletionError as error:
        return [projection(batch), error.message]


@both("throw-if-error", "The first failure is raised, and caught.")
def throw_if_error(kind: str, context: DurableContext) -> Any:
    batch = do(kind, context, ["a", fails], max_concurrency=1)
    try:
        batch.throw_if_error()
    except ChildContextError as error:
        return [error.message, error.error_type, type(error.__cause__).__name__]


@both("throw-uncaught", "The first failure is raised, and fails the execution.")
def throw_uncaught(kind: str, context: DurableContext) -> Any:
    do(kind, context, ["a", fails], max_concurrency=1).throw_if_error()


@both("throw-nothing", "Nothing to raise.")
def throw_nothing(kind: str, context: DurableContext) -> Any:
    batch = do(kind, context, ["a", "b"], max_concurrency=1)
    batch.throw_if_error()
    return [batch.has_failure, [item.result for item in batch.succeeded()], batch.failed(), batch.started()]


@both("min-successful-too-many", "More successes are asked for than there are items.")
def too_many(kind: str, context: DurableContext) -> Any:
    return projection(do(kind, context, ["a"], completion_config=CompletionConfig(min_successful=2)))


@both("negative-concurrency", "A concurrency below one.")
def negative_concurrency(kind: str, context: DurableContext) -> Any:
    return projection(do(kind, context, ["a"], max_concurrency=-1))


@both("bad-percentage", "A percentage over 100, caught.")
def bad_percentage(kind: str, context: DurableContext) -> Any:
    try:
        CompletionConfig(tolerated_failure_percentage=101)
    except ValidationError as error:
        said = type(error).__name__
    return context.step(lambda _: said)


@both("first-wins", "While one waits for long, another is enough.", first_events=2)
def first_wins(kind: str, context: DurableContext) -> Any:
    def waits(child: DurableContext) -> str:
        child.wait(Duration.from_hours(1))
        return "late"

    config = CompletionConfig.first_successful()
    batch = do(kind, context, [waits, lambda child: child.step(lambda _: "b")], completion_config=config)
    return [batch.get_results(), batch.completion_reason.value, batch.started_count]


@both("suspends-after-a-failure", "A wait after a batch with a failure: the batch is the same.")
def suspends_after_a_failure(kind: str, context: DurableContext) -> Any:
    config = CompletionConfig.all_completed()
    batch = do(kind, context, ["a", fails], max_concurrency=1, completion_config=config)
    before = projection(batch)
    context.wait(SECOND)
    return [before, projection(batch)]
