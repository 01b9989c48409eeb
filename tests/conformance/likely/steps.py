"""Steps: names, values, retries, interruptions, errors that are caught, logs."""

import json
import sys
from dataclasses import dataclass
from typing import Any

from durably.workflows import DurableContext, StepContext, StepError, durable_execution, durable_step
from durably.workflows.config import Duration, StepConfig, StepSemantics
from durably.workflows.retries import (
    JitterStrategy,
    RetryPresets,
    RetryStrategyConfig,
    create_retry_strategy,
)
from durably.workflows.serdes import PassThroughSerDes, SerDes, SerDesContext
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
ISOLATED = {"step/interrupted", "step/interrupted-and-caught"}
ONCE = StepConfig(retry_strategy=RetryPresets.none())


class OrderError(Exception):
    """An error of the application's."""


class HopelessError(Exception):
    """What is not worth another attempt."""


@dataclass
class Order:
    id: str
    total: int


class OrderSerDes(SerDes[Order]):
    """An order as a JSON object."""

    def serialize(self, value: Order, serdes_context: SerDesContext) -> str:
        return json.dumps({"id": value.id, "total": value.total})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Order:
        return Order(**json.loads(data))


class Broken(SerDes[Any]):
    """Cannot write."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        raise ValueError("cannot be written")

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)


class Unreadable(Broken):
    """Writes what it cannot read."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        raise ValueError("cannot be read")


def backoff(attempts: int, **others: Any) -> StepConfig:
    """Delays of 1, 2, 4 ... seconds."""
    config = RetryStrategyConfig(
        max_attempts=attempts,
        initial_delay=Duration.from_seconds(1),
        jitter_strategy=JitterStrategy.NONE,
        **others,
    )
    return StepConfig(retry_strategy=create_retry_strategy(config))


def fails(step: StepContext) -> None:
    raise OrderError("never")


def fails_twice(step: StepContext) -> str:
    if step.attempt < 3:
        raise OrderError(f"not at attempt {step.attempt}")
    return "done"


@durable_step
def add(step: StepContext, a: int, b: int = 0) -> int:
    return a + b


@FUNCTIONS.case("step/name", "A step with a name has it in all of its events.", "x")
@durable_execution
def named(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: event, name="a step/with: any [name]")


@FUNCTIONS.case("step/decorated", "A step that was made by the decorator bears its function's name.")
@durable_execution
def decorated(event: Any, context: DurableContext) -> Any:
    return context.step(add(1, b=2))


@FUNCTIONS.case("step/function", "A plain function given to step() names the operation or not.")
@durable_execution
def plain(event: Any, context: DurableContext) -> Any:
    def work(step: StepContext) -> str:
        return "worked"

    return context.step(work)


@FUNCTIONS.case("step/objects", "Objects, lists and nothing are results.", {"a": [1, {"b": None}], "ü": "é"})
@durable_execution
def objects(event: Any, context: DurableContext) -> Any:
    first = context.step(lambda _: event, name="object")
    second = context.step(lambda _: [first["a"], 1.5, True, ""], name="list")
    third = context.step(lambda _: None, name="nothing")
    return {"first": first, "second": second, "third": third}


@FUNCTIONS.case("step/large", "A result of 200,000 characters is recorded whole.")
@durable_execution
def large(event: Any, context: DurableContext) -> Any:
    return len(context.step(lambda _: "x" * 200_000))


@FUNCTIONS.case("step/very-large", "A step has no limit of 256 KB.")
@durable_execution
def very_large(event: Any, context: DurableContext) -> Any:
    value = context.step(lambda _: "x" * 300_000)
    context.wait(Duration.from_seconds(1))
    return len(value)


@FUNCTIONS.case("step/many", "Ten steps in turn.")
@durable_execution
def many(event: Any, context: DurableContext) -> Any:
    return [context.step(lambda _, n=n: n, name=f"step-{n}") for n in range(10)]


@FUNCTIONS.case("step/serdes", "A serializer makes an object of the application's of the record.")
@durable_execution
def with_serdes(event: Any, context: DurableContext) -> Any:
    config = StepConfig(serdes=OrderSerDes())
    order = context.step(lambda _: Order("o-1", 3), name="order", config=config)
    context.wait(Duration.from_seconds(1))
    return order.total


@FUNCTIONS.case("step/pass-through", "Text may go through as it is.")
@durable_execution
def passes_through(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: "as it is", config=StepConfig(serdes=PassThroughSerDes()))


@FUNCTIONS.case(
    "step/unwritable", "A result that cannot be written fails the step, and is no retry's affair."
)
@durable_execution
def unwritable(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: 1, config=StepConfig(serdes=Broken()))


@FUNCTIONS.case("step/unreadable", "A result that cannot be read on replay fails.")
@durable_execution
def unreadable(event: Any, context: DurableContext) -> Any:
    value = context.step(lambda _: 1, config=StepConfig(serdes=Unreadable()))
    context.wait(Duration.from_seconds(1))
    return value


@FUNCTIONS.case(
    "step/exhausted", "When no attempt is left, the step fails for good and the execution with it."
)
@durable_execution
def exhausted(event: Any, context: DurableContext) -> Any:
    return context.step(fails, name="fails", config=backoff(3))


@FUNCTIONS.case("step/backoff", "Delays grow, and are in the history.")
@durable_execution
def backs_off(event: Any, context: DurableContext) -> Any:
    return context.step(fails_twice, config=backoff(3))


@FUNCTIONS.case("step/not-retryable", "An error that the strategy does not retry fails the step at once.")
@durable_execution
def not_retryable(event: Any, context: DurableContext) -> Any:
    return context.step(fails, config=backoff(3, retryable_error_types=[HopelessError]))


@FUNCTIONS.case(
    "step/caught", "A failure that is caught has the recorded type and message; another step follows."
)
@durable_execution
def caught(event: Any, context: DurableContext) -> Any:
    try:
        context.step(fails, name="fails", config=ONCE)
    except StepError as error:
        said = [type(error).__name__, error.error_type.rpartition(".")[2], error.message]
    else:
        raise AssertionError
    return context.step(lambda _: said, name="recovers")


@FUNCTIONS.case("step/caught-again", "A failure that was caught is the same after a replay.")
@durable_execution
def caught_again(event: Any, context: DurableContext) -> Any:
    try:
        context.step(fails, name="fails", config=ONCE)
    except StepError as error:
        said = [str(error), error.error_type.rpartition(".")[2]]
    else:
        raise AssertionError
    context.wait(Duration.from_seconds(1))
    return said


@FUNCTIONS.case("step/exhausted-and-caught", "After its last attempt a failure can be caught.")
@durable_execution
def exhausted_and_caught(event: Any, context: DurableContext) -> Any:
    try:
        context.step(fails, config=backoff(2))
    except StepError as error:
        return error.message
    raise AssertionError


@FUNCTIONS.case("step/uncaught", "An error outside of a step fails the execution.", "x")
@durable_execution
def uncaught(event: Any, context: DurableContext) -> Any:
    context.step(lambda _: event)
    raise OrderError("at last")


@FUNCTIONS.case("step/nothing", "A handler without operations.", {"n": 1})
@durable_execution
def nothing(event: Any, context: DurableContext) -> Any:
    return event


@FUNCTIONS.case("step/logger", "The context's logger is silent while it replays.", "said")
@durable_execution
def logs(event: Any, context: DurableContext) -> Any:
    context.logger.info("before: %s", event)
    context.step(lambda step: step.logger.info("in the step: %s", event), name="logs")
    context.logger.info("between: %s", event)
    context.wait(Duration.from_seconds(1))
    context.logger.info("after: %s", event)
    return event


@FUNCTIONS.case("step/logger-of-attempts", "Every attempt logs, with its number.")
@durable_execution
def logs_attempts(event: Any, context: DurableContext) -> Any:
    def body(step: StepContext) -> str:
        step.logger.warning("attempt", extra={"colour": "red"})
        return fails_twice(step)

    return context.step(body, name="logs", config=backoff(3))


@FUNCTIONS.case(
    "step/interrupted", "An attempt whose process ended is not repeated, but retried.", first_events=1
)
@durable_execution
def interrupted(event: Any, context: DurableContext) -> Any:
    strategy = backoff(2).retry_strategy
    config = StepConfig(retry_strategy=strategy, step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(lambda step: sys.exit(1) if step.attempt == 1 else "done", config=config)


@FUNCTIONS.case(
    "step/interrupted-and-caught", "Whoever catches it learns of the interruption.", first_events=1
)
@durable_execution
def interrupted_and_caught(event: Any, context: DurableContext) -> Any:
    semantics = StepSemantics.AT_MOST_ONCE_PER_RETRY
    config = StepConfig(retry_strategy=RetryPresets.none(), step_semantics=semantics)
    try:
        context.step(lambda _: sys.exit(1), config=config)
    except StepError as error:
        return [type(error.__cause__).__name__, error.error_type.rpartition(".")[2]]
    raise AssertionError
