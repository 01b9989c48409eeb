"""Conditions that are waited for."""

from collections.abc import Callable
from typing import Any

from durably.workflows import DurableContext, WaitForConditionError, durable_execution
from durably.workflows.config import Duration
from durably.workflows.serdes import SerDes, SerDesContext
from durably.workflows.waits import (
    JitterStrategy,
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)
from tests.conformance.likely.cases import Cases

FUNCTIONS = Cases()
SECOND = Duration.from_seconds(1)


def until(done: Callable[[Any], bool], initial: Any, delays: Callable[[int], int] = lambda attempt: 1) -> Any:
    """Looks again after a delay that depends on the attempt."""

    def strategy(state: Any, attempt: int) -> WaitForConditionDecision:
        if done(state):
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration.from_seconds(delays(attempt)))

    return WaitForConditionConfig(wait_strategy=strategy, initial_state=initial)


def one_more(state: int, check: Any) -> int:
    return state + 1


def at_most(attempts: int, done: Callable[[Any], bool] = lambda state: False) -> Any:
    """The presets' strategy, without chance."""
    config = WaitStrategyConfig(
        should_continue_polling=lambda state: not done(state),
        max_attempts=attempts,
        initial_delay=SECOND,
        jitter_strategy=JitterStrategy.NONE,
    )
    return WaitForConditionConfig(wait_strategy=create_wait_strategy(config), initial_state=0)


@FUNCTIONS.case("wait_for_condition/at-once", "Met at the first look.")
@durable_execution
def at_once(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(one_more, until(lambda state: True, 41), name="met")


@FUNCTIONS.case("wait_for_condition/exhausted", "Not met after the last look.")
@durable_execution
def exhausted(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(one_more, at_most(2), name="never")


@FUNCTIONS.case("wait_for_condition/exhausted-and-caught", "Not met, and caught.")
@durable_execution
def exhausted_and_caught(event: Any, context: DurableContext) -> Any:
    try:
        context.wait_for_condition(one_more, at_most(2))
    except WaitForConditionError as error:
        return [type(error).__name__, error.message, error.error_type and error.error_type.rpartition(".")[2]]


@FUNCTIONS.case("wait_for_condition/strategy", "The strategy that the library makes.")
@durable_execution
def with_strategy(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(one_more, at_most(5, lambda state: state >= 3))


@FUNCTIONS.case("wait_for_condition/delays", "Delays that grow.")
@durable_execution
def growing(event: Any, context: DurableContext) -> Any:
    return context.wait_for_condition(one_more, until(lambda state: state >= 3, 0, lambda attempt: attempt))


@FUNCTIONS.case("wait_for_condition/fails-and-caught", "A look that fails, caught; a replay after.")
@durable_execution
def fails_and_caught(event: Any, context: DurableContext) -> Any:
    def check(state: Any, check: Any) -> Any:
        raise RuntimeError("cannot look")

    try:
        context.wait_for_condition(check, until(lambda state: True, 0), name="fails")
    except WaitForConditionError as error:
        answer = [error.message, error.error_type]
    else:
        raise AssertionError
    context.wait(SECOND)
    return answer


@FUNCTIONS.case("wait_for_condition/fails-later", "The second look fails.")
@durable_execution
def fails_later(event: Any, context: DurableContext) -> Any:
    def check(state: int, check: Any) -> Any:
        if state:
            raise RuntimeError("cannot look any more")
        return state + 1

    return context.wait_for_condition(check, until(lambda state: False, 0))


@FUNCTIONS.case("wait_for_condition/nothing", "A state of nothing.")
@durable_execution
def nothing(event: Any, context: DurableContext) -> Any:
    config = until(lambda state: state is not None and len(state) >= 2, None)
    return context.wait_for_condition(lambda state, check: (state or "") + "x", config)


@FUNCTIONS.case("wait_for_condition/in-a-child", "In a child context.")
@durable_execution
def in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(
        lambda child: child.wait_for_condition(one_more, until(lambda state: state >= 2, 0), name="within"),
        name="child",
    )


@FUNCTIONS.case("wait_for_condition/then-wait", "The state is there again after a replay.")
@durable_execution
def then_wait(event: Any, context: DurableContext) -> Any:
    state = context.wait_for_condition(one_more, until(lambda state: state >= 2, 0))
    context.wait(SECOND)
    return state


@FUNCTIONS.case("wait_for_condition/logger", "Each look logs, with its number.")
@durable_execution
def logs(event: Any, context: DurableContext) -> Any:
    def check(state: int, check: Any) -> int:
        check.logger.info("looks at %s", state)
        return state + 1

    return context.wait_for_condition(check, until(lambda state: state >= 2, 0), name="logs")


@FUNCTIONS.case("wait_for_condition/step-around", "Between two steps.")
@durable_execution
def step_around(event: Any, context: DurableContext) -> Any:
    first = context.step(lambda _: 1, name="before")
    state = context.wait_for_condition(one_more, until(lambda state: state >= 3, first))
    return context.step(lambda _: state * 10, name="after")


class Unreadable(SerDes[Any]):
    """Cannot read."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return str(value)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        raise ValueError("cannot be read")


@FUNCTIONS.case("wait_for_condition/unreadable", "A state that cannot be read.")
@durable_execution
def unreadable(event: Any, context: DurableContext) -> Any:
    config = WaitForConditionConfig(
        wait_strategy=lambda state, attempt: WaitForConditionDecision.stop_polling(),
        initial_state=0,
        serdes=Unreadable(),
    )
    return context.wait_for_condition(one_more, config)


@FUNCTIONS.case("wait_for_condition/in-branches", "In two branches.", first_events=2)
@durable_execution
def in_branches(event: Any, context: DurableContext) -> Any:
    branches = [
        lambda child, n=n: child.wait_for_condition(one_more, until(lambda state: state >= n, 0))
        for n in (1, 2)
    ]
    return context.parallel(branches, name="both").get_results()
