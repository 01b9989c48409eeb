"""Durable functions under test: run by our runner, by AWS's (with changed imports), and by AWS's emulator."""

from collections.abc import Callable
from typing import Any

from durably.workflows.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    ParallelBranch,
    StepConfig,
    WaitForCallbackConfig,
)
from durably.workflows.context import DurableContext
from durably.workflows.exceptions import CallbackError
from durably.workflows.execution import durable_execution
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.waits import WaitForConditionConfig, WaitStrategyConfig, create_wait_strategy

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {}


def durable(function: Callable[[Any, DurableContext], Any]) -> Callable[[Any, Any], Any]:
    handler = FUNCTIONS[function.__name__.replace("_", "-")] = durable_execution(function)
    return handler


def three_times(error: Exception, attempt: int) -> RetryDecision:
    return RetryDecision.retry(Duration.from_hours(1)) if attempt < 3 else RetryDecision.no_retry()


@durable
def echo(event: Any, context: DurableContext) -> Any:
    return [event]


@durable
def orders(event: Any, context: DurableContext) -> Any:
    """Two steps, a wait of a month between them, and a child."""
    receipt = context.step(lambda _: f"receipt for {event}", name="charge")
    context.wait(Duration.from_days(30), name="trial")

    def ship(child: DurableContext) -> Any:
        parcel = child.step(lambda _: {"parcel": 7}, name="pack")
        child.wait(Duration.from_seconds(1), name="courier")
        return parcel

    return [receipt, context.run_in_child_context(ship, name="ship")]


@durable
def retries(event: Any, context: DurableContext) -> Any:
    def body(step: Any) -> str:
        if step.attempt < event:
            raise ValueError(f"attempt {step.attempt}")
        return "at last"

    return context.step(body, name="flaky", config=StepConfig(retry_strategy=three_times))


@durable
def maps(event: Any, context: DurableContext) -> Any:
    """An item that is negative fails; two failures are tolerated."""

    def item(child: DurableContext, value: int, index: int, items: Any) -> int:
        def body(_: Any) -> int:
            if value < 0:
                raise ValueError("negative")
            return value * 10

        child.wait(Duration.from_seconds(1), name="pause")
        return child.step(body, name="body", config=StepConfig(retry_strategy=RetryPresets.none()))

    config = MapConfig(max_concurrency=2, completion_config=CompletionConfig(tolerated_failure_count=2))
    batch = context.map(event, item, "map", config)
    return [batch.success_count, batch.failure_count, batch.completion_reason.value]


@durable
def in_parallel(event: Any, context: DurableContext) -> Any:
    branches = [
        ParallelBranch(lambda child: child.step(lambda _: "a", name="a"), name="left"),
        ParallelBranch(lambda child: child.wait(Duration.from_days(1), name="w") or "b", name="right"),
    ]
    return context.parallel(branches, "both").get_results()


@durable
def fails(event: Any, context: DurableContext) -> Any:
    context.step(lambda _: 1, name="before")
    raise KeyError("lost")


@durable
def asks(event: Any, context: DurableContext) -> Any:
    """Asks one question after the other, and returns the answers."""
    config = CallbackConfig(
        timeout=Duration.from_seconds(event.get("timeout", 0)),
        heartbeat_timeout=Duration.from_seconds(event.get("heartbeat", 0)),
    )
    answers = []
    for name in event["questions"]:
        callback = context.create_callback(name, config)
        try:
            answers.append(callback.result())
        except CallbackError as error:
            answers.append([type(error).__name__, error.message])
    return answers


@durable
def approves(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        """Nobody is told."""

    config = WaitForCallbackConfig(timeout=Duration.from_days(event["days"]))
    return context.wait_for_callback(submit, "approval", config)


@durable
def polls(event: Any, context: DurableContext) -> Any:
    strategy = create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=lambda state: state < event,
            max_attempts=50,
            initial_delay=Duration.from_hours(1),
            max_delay=Duration.from_days(1),
            backoff_rate=2,
        )
    )
    return context.wait_for_condition(
        lambda state, check: state + 1, WaitForConditionConfig(strategy, initial_state=0), "count"
    )


@durable
def invokes(event: Any, context: DurableContext) -> Any:
    return context.invoke(event["function"], event.get("payload"), "call", InvokeConfig())
