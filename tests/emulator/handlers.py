"""The functions that run against AWS's emulator. Imported by the process that serves them, not by tests."""

from collections.abc import Callable
from typing import Any

from durably.workflows import (
    ChildConfig,
    CompletionConfig,
    DurableContext,
    Duration,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    RetryPresets,
    StepConfig,
    durable_execution,
)
from durably.workflows.config import CallbackConfig, InvokeConfig, WaitForCallbackConfig
from durably.workflows.exceptions import CallbackError, DurableOperationError, StepError
from durably.workflows.retries import RetryDecision, WithRetryConfig, with_retry
from durably.workflows.serdes import JsonSerDes
from durably.workflows.waits import (
    WaitForConditionConfig,
    WaitForConditionDecision,
    WaitStrategyConfig,
    create_wait_strategy,
)

FUNCTIONS: dict[str, Callable[[Any, Any], Any]] = {}
ISOLATED = {"crashes"}
INVOCABLE: dict[str, dict[str, Any]] = {
    "plain-echo": {},
    "plain-fails": {},
    "durable-echo": {"DurableConfig": {}},
    "durable-fails": {"DurableConfig": {}},
    "durable-asks": {"DurableConfig": {"ExecutionTimeout": 60}},
    "durable-sleeps": {"DurableConfig": {"ExecutionTimeout": 1}},
}
SECOND = Duration.from_seconds(1)


def durable(function: Callable[[Any, DurableContext], Any]) -> Callable[[Any, Any], Any]:
    handler = FUNCTIONS[function.__name__.replace("_", "-")] = durable_execution(function)
    return handler


def plain(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    FUNCTIONS[function.__name__.replace("_", "-")] = function
    return function


def retried(attempts: int) -> StepConfig:
    """One second later, up to so many attempts."""

    def strategy(error: Exception, attempt: int) -> RetryDecision:
        return RetryDecision.retry(SECOND) if attempt < attempts else RetryDecision.no_retry()

    return StepConfig(retry_strategy=strategy)


ONCE = StepConfig(retry_strategy=RetryPresets.none())


def fails(_: Any) -> None:
    raise ValueError("no")


# ------------------------------------------------------------------ what is invoked


@plain
def plain_echo(event: Any, context: Any) -> Any:
    return event


@plain
def plain_fails(event: Any, context: Any) -> Any:
    raise ValueError("plainly")


@durable
def durable_echo(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: event, name="echo")


@durable
def durable_fails(event: Any, context: DurableContext) -> Any:
    raise ValueError("durably")


@durable
def durable_asks(event: Any, context: DurableContext) -> Any:
    return context.create_callback("question").result()


@durable
def durable_sleeps(event: Any, context: DurableContext) -> Any:
    context.create_callback("never").result()


# ------------------------------------------------------------------ steps, waits, children


@durable
def greets(event: Any, context: DurableContext) -> Any:
    def greet(step: Any) -> str:
        step.logger.info("greeting %s", event)
        return f"Hello, {event}!"

    context.logger.info("before")
    greeting = context.step(greet, name="greet")
    context.wait(SECOND, "pause")
    context.logger.info("after")
    return greeting


@durable
def retries(event: Any, context: DurableContext) -> Any:
    def body(step: Any) -> int:
        if step.attempt < event:
            raise ValueError(f"attempt {step.attempt}")
        return step.attempt

    return context.step(body, name="flaky", config=retried(3))


@durable
def fails_in_a_child(event: Any, context: DurableContext) -> Any:
    context.run_in_child_context(lambda child: child.step(fails, name="bad", config=ONCE), name="child")


@durable
def catches(event: Any, context: DurableContext) -> Any:
    try:
        context.step(fails, name="bad", config=ONCE)
    except StepError as error:
        return [error.message, error.error_type]


@durable
def waits(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(event), "long")
    return "awake"


@durable
def crashes(event: Any, context: DurableContext) -> Any:
    """Its process ends within its first invocation, after a step; the next goes on from there."""
    import os

    seen: list[str] = []
    first = context.step(lambda _: seen.append("ran") or 1, name="first")
    if seen:
        os._exit(3)
    return first + 1


@durable
def large_child(event: Any, context: DurableContext) -> Any:
    """A child whose result is over the limit, and is made again from its children."""

    def body(child: DurableContext) -> str:
        return child.step(lambda _: "x", name="small") * event

    text = context.run_in_child_context(body, name="large")
    context.wait(SECOND, "replay")
    return len(text)


@durable
def large_step(event: Any, context: DurableContext) -> Any:
    """A step's result of `event` characters, with others queued before and after it."""
    before = context.step(lambda _: 1, name="before")
    text = context.step(lambda _: "x" * event, name="large")
    context.wait(SECOND, "replay")
    return before + len(text)


@durable
def large_result(event: Any, context: DurableContext) -> Any:
    return "x" * event


@durable
def large_error(event: Any, context: DurableContext) -> Any:
    try:
        context.step(lambda _: raise_("x" * event), name="wordy", config=ONCE)
    except StepError as error:
        return len(error.message)


def raise_(message: str) -> None:
    raise ValueError(message)


# ------------------------------------------------------------------ map and parallel


@durable
def maps(event: Any, context: DurableContext) -> Any:
    """`event` items that each take a step, wait, and take another."""

    def item(child: DurableContext, value: int, index: int, items: Any) -> int:
        double = child.step(lambda _: value * 2, name="double")
        child.wait(SECOND, "pause")
        return child.step(lambda _: double + 1, name="more")

    nesting = NestingType.FLAT if event["flat"] else NestingType.NESTED
    config = MapConfig(max_concurrency=event.get("max"), nesting_type=nesting)
    return context.map(list(range(event["items"])), item, "map", config).get_results()


@durable
def maps_large(event: Any, context: DurableContext) -> Any:
    """A batch whose result is over the limit, replayed after a wait."""

    def item(child: DurableContext, value: int, index: int, items: Any) -> str:
        return child.step(lambda _: str(value) * event["size"], name="text")

    batch = context.map(list(range(event["items"])), item, "map", MapConfig(max_concurrency=1))
    context.wait(SECOND, "replay")
    return [len(each) for each in batch.get_results()]


@durable
def tolerates(event: Any, context: DurableContext) -> Any:
    def item(child: DurableContext, value: int, index: int, items: Any) -> int:
        if value < 0:
            raise ValueError(f"negative: {value}")
        return value

    completion = CompletionConfig(tolerated_failure_count=1)
    batch = context.map(event, item, "map", MapConfig(max_concurrency=1, completion_config=completion))
    return [batch.completion_reason.value, batch.success_count, batch.failure_count, batch.total_count]


@durable
def parallel(event: Any, context: DurableContext) -> Any:
    branches = [
        ParallelBranch(lambda child: child.step(lambda _: "a", name="a"), name="left"),
        ParallelBranch(lambda child: child.wait(SECOND, "w") or "b", name="right"),
    ]
    return context.parallel(branches, "both", ParallelConfig(max_concurrency=2)).get_results()


# ------------------------------------------------------------------ at the same time


@durable
def defers(event: Any, context: DurableContext) -> Any:
    """Begins three operations at once, and takes the first, the failed and all."""
    soon = context.deferred.step(lambda _: "soon", name="soon")
    bad = context.deferred.step(fails, name="bad", config=ONCE)
    later = context.deferred.run_in_child_context(
        lambda child: child.wait(Duration.from_seconds(60), "pause") or "later", name="later"
    )
    first = context.race([soon, later], "first")
    settled = context.all_settled([soon, bad], "settled")
    best = context.any([bad, later], "best")
    everything = context.all([soon, later], "all")
    return [first, [each.ok for each in settled], best, everything]


@durable
def tries_again(event: Any, context: DurableContext) -> Any:
    """A block of a step and a child that succeeds in its third attempt."""

    def block(child: DurableContext, attempt: int) -> Any:
        value = child.step(lambda _: attempt, name="try")
        if attempt < 3:
            raise ValueError("again")
        return value

    strategy = retried(5).retry_strategy
    assert strategy is not None
    return with_retry(context, block, WithRetryConfig(retry_strategy=strategy), "block")


# ------------------------------------------------------------------ from outside


@durable
def asks(event: Any, context: DurableContext) -> Any:
    """Creates a callback as `event` says, and returns its outcome."""
    config = CallbackConfig(
        timeout=Duration.from_seconds(event.get("timeout", 0)),
        heartbeat_timeout=Duration.from_seconds(event.get("heartbeat", 0)),
        serdes=JsonSerDes() if event.get("json") else None,
    )
    callback = context.create_callback("question", config)
    context.step(lambda _: callback.callback_id, name="send")
    try:
        return {"answer": callback.result()}
    except CallbackError as error:
        return {"error": type(error).__name__, "message": error.message, "type": error.error_type}


@durable
def submits(event: Any, context: DurableContext) -> Any:
    """Waits for a callback whose submitter fails `event["failures"]` times."""

    def submit(callback_id: str, submitter: Any) -> None:
        if submitter.attempt <= event.get("failures", 0) if hasattr(submitter, "attempt") else False:
            raise ValueError("not sent")

    config = WaitForCallbackConfig(
        timeout=Duration.from_seconds(event.get("timeout", 0)),
        heartbeat_timeout=Duration.from_seconds(event.get("heartbeat", 0)),
    )
    try:
        return {"answer": context.wait_for_callback(submit, "approval", config)}
    except CallbackError as error:
        return {"error": type(error).__name__, "message": error.message}


@durable
def submits_in_vain(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        raise ValueError("not sent")

    config = WaitForCallbackConfig(retry_strategy=retried(2).retry_strategy)
    context.wait_for_callback(submit, "approval", config)


@durable
def invokes(event: Any, context: DurableContext) -> Any:
    """Invokes a function, and tells what came of it."""

    def call(context: DurableContext) -> Any:
        return context.invoke(event["function"], event.get("payload"), "call", InvokeConfig())

    try:
        inside = event.get("in_child", False)
        return {"result": context.run_in_child_context(call, name="child") if inside else call(context)}
    except DurableOperationError as error:
        return {"error": type(error).__name__, "message": error.message, "type": error.error_type}


@durable
def polls(event: Any, context: DurableContext) -> Any:
    """Counts until `event`, looking again after 1 s, 2 s, 4 s."""
    strategy = create_wait_strategy(
        WaitStrategyConfig(
            should_continue_polling=lambda state: state < event,
            max_attempts=10,
            initial_delay=SECOND,
            backoff_rate=2,
        )
    )
    return context.wait_for_condition(
        lambda state, check: state + 1, WaitForConditionConfig(strategy, initial_state=0), "count"
    )


@durable
def polls_badly(event: Any, context: DurableContext) -> Any:
    config = WaitForConditionConfig(lambda state, attempts: WaitForConditionDecision.stop_polling(), 0)
    context.wait_for_condition(lambda state, check: raise_("cannot look"), config, "look")


@durable
def endless(event: Any, context: DurableContext) -> Any:
    """Goes on until it is stopped from outside."""
    context.create_callback("never").result()


@durable
def works_on(event: Any, context: DurableContext) -> Any:
    """Takes step after step until it is stopped from outside."""
    for n in range(100_000):
        context.step(lambda _: None, name=f"s{n}")


@durable
def many(event: Any, context: DurableContext) -> Any:
    """`event` operations, then a wait: the next invocation gets them in pages."""

    def body(child: DurableContext) -> int:
        return sum(child.step(lambda _: 1, name=f"s{n}") for n in range(event["steps"]))

    def item(child: DurableContext, value: int, index: int, items: Any) -> int:
        return body(child)

    total = sum(context.map(list(range(event["children"])), item, "map").get_results())
    context.wait(SECOND, "replay")
    return total + context.step(lambda _: 1, name="last")


@durable
def heavy(event: Any, context: DurableContext) -> Any:
    """`event` steps with results of 500,000 characters each: pages are cut by size."""
    lengths = [len(context.step(lambda _: "x" * 500_000, name=f"s{n}")) for n in range(event)]
    context.wait(SECOND, "replay")
    return sum(lengths)


@durable
def summarizes(event: Any, context: DurableContext) -> Any:
    """A large child with a summary of its own."""
    config = ChildConfig(summary_generator=lambda result: f"{len(result)} characters")
    text = context.run_in_child_context(lambda child: "x" * event, "large", config)
    context.wait(SECOND, "replay")
    return len(text)
