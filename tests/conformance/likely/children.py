"""Child contexts: names, nesting, failures, large results, values, logs."""

import json
from typing import Any

from durably.workflows import (
    ChildContextError,
    DurableContext,
    StepContext,
    StepError,
    durable_execution,
    durable_with_child_context,
)
from durably.workflows.config import ChildConfig, Duration, StepConfig
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.serdes import SerDes, SerDesContext
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=RetryPresets.none())


class Upper(SerDes[Any]):
    """JSON in capitals."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value).upper()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data).lower()


def fails(_: Any) -> None:
    raise ValueError("never")


@durable_with_child_context
def doubled(child: DurableContext, value: str, times: int = 2) -> str:
    return child.step(lambda _: value * times, name="double")


@FUNCTIONS.case("child/name", "A child context with a name.", "x")
@durable_execution
def named(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.step(lambda _: event, name="inner"), name="outer")


@FUNCTIONS.case("child/decorated", "A child context that was made by the decorator.", "x")
@durable_execution
def decorated(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(doubled(event, times=3))


@FUNCTIONS.case("child/nested", "Three levels of contexts, with a step in each.", "x")
@durable_execution
def nested(event: Any, context: DurableContext) -> Any:
    def inner(child: DurableContext) -> str:
        return child.step(lambda _: f"{event}3", name="three")

    def middle(child: DurableContext) -> str:
        two = child.step(lambda _: f"{event}2", name="two")
        return two + child.run_in_child_context(inner, name="inner")

    one = context.step(lambda _: f"{event}1", name="one")
    return one + context.run_in_child_context(middle, name="middle")


@FUNCTIONS.case("child/siblings", "One child context after the other.")
@durable_execution
def siblings(event: Any, context: DurableContext) -> Any:
    names = ("first", "second")
    return [context.run_in_child_context(lambda child, n=n: child.step(lambda _: n), name=n) for n in names]


@FUNCTIONS.case("child/nothing", "A child context without operations that returns nothing.")
@durable_execution
def nothing(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: None)


@FUNCTIONS.case("child/step-wait-step", "A child context that suspends in its middle.", "x")
@durable_execution
def step_wait_step(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> list[str]:
        child.logger.info("in the child")
        first = child.step(lambda _: "a", name="a")
        child.wait(SECOND)
        child.logger.info("after the wait")
        return [first, child.step(lambda _: event, name="b")]

    return context.run_in_child_context(body, name="child")


@FUNCTIONS.case("child/uncaught", "A failing step in a child context fails the context and the execution.")
@durable_execution
def uncaught(event: Any, context: DurableContext) -> Any:
    context.run_in_child_context(lambda child: child.step(fails, config=ONCE), name="child")


@FUNCTIONS.case("child/nested-failure", "A failure goes up through two contexts, and each records it.")
@durable_execution
def nested_failure(event: Any, context: DurableContext) -> Any:
    def outer(child: DurableContext) -> Any:
        return child.run_in_child_context(lambda inner: inner.step(fails, config=ONCE), name="inner")

    try:
        context.run_in_child_context(outer, name="outer")
    except ChildContextError as error:
        return [error.message, error.error_type.rpartition(".")[2], type(error.__cause__).__name__]


@FUNCTIONS.case(
    "child/caught-again", "A failure of a child context that was caught is the same after a replay."
)
@durable_execution
def caught_again(event: Any, context: DurableContext) -> Any:
    try:
        context.run_in_child_context(fails, name="child")
    except ChildContextError as error:
        said = [type(error).__name__, error.message, error.error_type]
    else:
        raise AssertionError
    context.wait(SECOND)
    return said


@FUNCTIONS.case("child/caught-within", "A failure that the child context catches itself.")
@durable_execution
def caught_within(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> str:
        try:
            child.step(fails, config=ONCE)
        except StepError as error:
            said = f"despite {error.message}"
        return child.step(lambda _: said)

    return context.run_in_child_context(body)


@FUNCTIONS.case("child/exhausted", "A step in a child context has no attempt left.")
@durable_execution
def exhausted(event: Any, context: DurableContext) -> Any:
    def strategy(error: Exception, attempt: int) -> RetryDecision:
        return RetryDecision.retry(SECOND) if attempt < 2 else RetryDecision.no_retry()

    config = StepConfig(retry_strategy=strategy)
    return context.run_in_child_context(lambda child: child.step(fails, config=config), name="child")


@FUNCTIONS.case("child/serdes", "A serializer for the result of a child context.", "x")
@durable_execution
def with_serdes(event: Any, context: DurableContext) -> Any:
    config = ChildConfig(serdes=Upper())
    value = context.run_in_child_context(
        lambda child: child.step(lambda _: event), name="child", config=config
    )
    context.wait(SECOND)
    return value


@FUNCTIONS.case("child/sub-type", "A sub-type of the application's.")
@durable_execution
def with_sub_type(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: 1, name="child", config=ChildConfig(sub_type="Saga"))


@FUNCTIONS.case("child/virtual", "A virtual context leaves no record of itself.")
@durable_execution
def virtual(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> str:
        first = child.step(lambda _: "x", name="inner")
        child.wait(SECOND)
        return first

    return context.run_in_child_context(body, name="virtual", config=ChildConfig(is_virtual=True))


@FUNCTIONS.case("child/summary", "A large result is replaced by a summary, and made anew on replay.")
@durable_execution
def with_summary(event: Any, context: DurableContext) -> Any:
    config = ChildConfig(summary_generator=lambda result: f"{len(result)} characters")

    def body(child: DurableContext) -> str:
        child.logger.info("in the child")
        return child.step(lambda _: "x", name="small") * 300_000

    value = context.run_in_child_context(body, name="large", config=config)
    context.wait(SECOND)
    return len(value)


@FUNCTIONS.case("child/large", "A large result without a summary.")
@durable_execution
def large(event: Any, context: DurableContext) -> Any:
    value = context.run_in_child_context(lambda child: child.step(lambda _: "x") * 300_000)
    context.wait(SECOND)
    return len(value)


@FUNCTIONS.case("child/just-small-enough", "A result just below the limit is recorded.")
@durable_execution
def just_small_enough(event: Any, context: DurableContext) -> Any:
    return len(context.run_in_child_context(lambda child: "x" * 262_142))


@FUNCTIONS.case("child/logger", "A child context that is over does not log again.")
@durable_execution
def logs(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> str:
        child.logger.info("in the child")
        return child.step(lambda step: step.logger.info("in its step") or "x")

    value = context.run_in_child_context(body, name="child")
    context.wait(SECOND)
    return value


@FUNCTIONS.case("child/retry-then-step", "A retry in a child context, a step after it.", "x")
@durable_execution
def retry_then_step(event: Any, context: DurableContext) -> Any:
    def flaky(step: StepContext) -> str:
        if step.attempt == 1:
            raise ValueError("not yet")
        return event

    config = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(SECOND))
    value = context.run_in_child_context(lambda child: child.step(flaky, name="flaky", config=config))
    return context.step(lambda _: value, name="after")
