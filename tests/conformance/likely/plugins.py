"""What plugins are told, hook by hook: of each of some handlers that are cases of other modules, too."""

from collections.abc import Callable
from enum import Enum
from typing import Any

from durably.workflows import DurableContext, DurableOperationError, StepContext, durable_execution
from durably.workflows.config import (
    CallbackConfig,
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from durably.workflows.plugin import DurableInstrumentationPlugin
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.conformance.likely.cases import Cases, answers, refusal
from tests.emulator.journal import log_line

FUNCTIONS = Cases()
SECOND = Duration.from_seconds(1)
ONCE = StepConfig(retry_strategy=RetryPresets.none())
FIELDS = (
    ("first", "is_first_invocation"),
    ("op", "operation_id"),
    ("name", "name"),
    ("type", "operation_type"),
    ("subType", "sub_type"),
    ("parent", "parent_id"),
    ("status", "status"),
    ("result", "result"),
    ("attempt", "attempt"),
    ("replay", "is_replayed"),
    ("replayingChildren", "is_replay_children"),
    ("outcome", "outcome"),
    ("executionResult", "execution_result"),
    ("input", "execution_input"),
)


class Tells(DurableInstrumentationPlugin):
    """Logs all that it is told."""

    def __init__(self, arn: str | None) -> None:
        self._arn = arn

    def log(self, hook: str, info: Any) -> None:
        fields: dict[str, Any] = {}
        for key, attribute in FIELDS:
            value = getattr(info, attribute, None)
            if value is not None:
                fields[key] = value.value if isinstance(value, Enum) else value
        for moment in ("start_time", "end_time", "execution_start_time", "request_id"):
            if getattr(info, moment, None) is not None:
                fields[moment] = "*"
        if getattr(info, "error", None) is not None:
            fields["error"] = info.error.message
        for count in ("operations", "updated_operations"):
            if hasattr(info, count):
                fields[count] = len(getattr(info, count))
        log_line({"plugin": "LIKELY", "hook": hook, "durableExecutionArn": self._arn, **fields})

    def on_invocation_start(self, info: Any) -> None:
        self.log("invocation-start", info)

    def on_invocation_end(self, info: Any) -> None:
        self.log("invocation-end", info)

    def on_operation_start(self, info: Any) -> None:
        self.log("operation-start", info)

    def on_operation_end(self, info: Any) -> None:
        self.log("operation-end", info)

    def on_user_function_start(self, info: Any) -> None:
        self.log("fn-start", info)

    def on_user_function_end(self, info: Any) -> None:
        self.log("fn-end", info)


class Factory:
    def create_plugin(self, info: Any) -> Any:
        return Tells(info.execution_arn)


def told(name: str, description: str, *case: Any, **options: Any) -> Callable[[Any], Any]:
    """A case whose handler has the plugin."""
    return lambda function: FUNCTIONS.case(f"plugin/{name}", description, *case, **options)(
        durable_execution(function, plugins=[Factory()])
    )


def fails(_: Any) -> None:
    raise ValueError("never")


def flaky(step: StepContext) -> str:
    if step.attempt == 1:
        raise ValueError("not yet")
    return "done"


def retry(attempts: int = 9) -> StepConfig:
    def strategy(error: Exception, attempt: int) -> RetryDecision:
        return RetryDecision.retry(SECOND) if attempt < attempts else RetryDecision.no_retry()

    return StepConfig(retry_strategy=strategy)


@told("step", "One step.", "x")
def step(event: Any, context: DurableContext) -> Any:
    return context.step(lambda _: event, name="work")


@told("nothing", "No operation at all.")
def nothing(event: Any, context: DurableContext) -> Any:
    return "done"


@told("handler-fails", "The handler fails.")
def handler_fails(event: Any, context: DurableContext) -> Any:
    raise ValueError("at once")


@told("wait", "A wait between two steps.")
def wait(event: Any, context: DurableContext) -> Any:
    context.step(lambda _: 1, name="before")
    context.wait(SECOND, name="waits")
    return context.step(lambda _: 2, name="after")


@told("retry", "A step that is retried, and a step before it.")
def retries(event: Any, context: DurableContext) -> Any:
    context.step(lambda _: 1, name="before")
    return context.step(flaky, name="flaky", config=retry())


@told("exhausted", "A step that fails for good after a retry.")
def exhausted(event: Any, context: DurableContext) -> Any:
    context.step(fails, name="fails", config=retry(2))


@told("caught", "A step that fails and is caught; a wait after.")
def caught(event: Any, context: DurableContext) -> Any:
    try:
        context.step(fails, name="fails", config=ONCE)
    except DurableOperationError:
        pass
    context.wait(SECOND)
    return "despite"


@told("child", "Nested contexts with a step each.")
def child(event: Any, context: DurableContext) -> Any:
    def outer(one: DurableContext) -> Any:
        one.step(lambda _: 1, name="one")
        return one.run_in_child_context(lambda two: two.step(lambda _: 2, name="two"), name="inner")

    return context.run_in_child_context(outer, name="outer")


@told("child-suspends", "A context that suspends, and goes on.")
def child_suspends(event: Any, context: DurableContext) -> Any:
    def body(inner: DurableContext) -> Any:
        inner.step(lambda _: 1, name="one")
        inner.wait(SECOND)
        return inner.step(lambda _: 2, name="two")

    return context.run_in_child_context(body, name="child")


@told("child-fails", "A context that fails, and is caught; a wait after.")
def child_fails(event: Any, context: DurableContext) -> Any:
    try:
        context.run_in_child_context(lambda inner: inner.step(fails, name="fails", config=ONCE), name="child")
    except DurableOperationError:
        pass
    context.wait(SECOND)
    return "despite"


@told("child-large", "A large result, made anew on replay.")
def child_large(event: Any, context: DurableContext) -> Any:
    config = ChildConfig(summary_generator=lambda result: "large")
    value = context.run_in_child_context(
        lambda inner: inner.step(lambda _: "x", name="small") * 300_000, name="large", config=config
    )
    context.wait(SECOND)
    return len(value)


@told("child-virtual", "A virtual context.")
def child_virtual(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(
        lambda inner: inner.step(lambda _: "x", name="inner"),
        name="virtual",
        config=ChildConfig(is_virtual=True),
    )


@told("map", "A map of two items, in turn.", ["a", "b"])
def maps(event: Any, context: DurableContext) -> Any:
    return context.map(
        event, lambda each, item, index, items: each.step(lambda _: item), "map", MapConfig(max_concurrency=1)
    ).get_results()


@told("map-suspends", "A map whose second item waits.", ["a", "b"])
def map_suspends(event: Any, context: DurableContext) -> Any:
    def body(each: DurableContext, item: str, index: int, items: Any) -> str:
        if index:
            each.wait(SECOND)
        return each.step(lambda _: item, name=item)

    batch = context.map(event, body, "map", MapConfig(max_concurrency=1))
    context.wait(SECOND)
    return batch.get_results()


@told("parallel-fails", "A parallel with a failure.")
def parallel_fails(event: Any, context: DurableContext) -> Any:
    config = ParallelConfig(max_concurrency=1, completion_config=CompletionConfig.all_completed())
    return context.parallel([fails, lambda each: "b"], "parallel", config).get_results()


@told("condition", "A condition that is met at the second look.")
def condition(event: Any, context: DurableContext) -> Any:
    def strategy(state: int, attempt: int) -> WaitForConditionDecision:
        if state >= 2:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(SECOND)

    config = WaitForConditionConfig(wait_strategy=strategy, initial_state=0)
    return context.wait_for_condition(lambda state, check: state + 1, config, name="condition")


@told("condition-fails", "A condition whose look fails.")
def condition_fails(event: Any, context: DurableContext) -> Any:
    config = WaitForConditionConfig(
        wait_strategy=lambda state, attempt: WaitForConditionDecision.stop_polling(), initial_state=0
    )
    return context.wait_for_condition(lambda state, check: fails(check), config, name="condition")


@told("callback", "A callback that is answered.", "ask", answers("yes"))
def callback(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event).result()


@told("callback-refused", "A callback that is refused, caught.", "ask", [refusal()])
def callback_refused(event: Any, context: DurableContext) -> Any:
    try:
        return context.create_callback(event).result()
    except DurableOperationError as error:
        said = error.message
    return context.step(lambda _: said, name="after")


@told("callback-timeout", "A callback that nobody answers.", "ask", real_time=True)
def callback_timeout(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event, CallbackConfig(timeout=Duration.from_seconds(4))).result()


@told("wait-for-callback", "A callback that is waited for.", "ask", answers("yes"))
def wait_for_callback(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(lambda callback_id, submitter: None, event)


@told("submitter-fails", "A submitter that fails.", "ask")
def submitter_fails(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(retry_strategy=RetryPresets.none())
    return context.wait_for_callback(lambda callback_id, submitter: fails(submitter), event, config)


@told("invoke", "An invoke of another function.", "x")
def invoke(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-waits", event, name="invoke")


@told("invoke-fails", "An invoke that fails.", "x")
def invoke_fails(event: Any, context: DurableContext) -> Any:
    return context.invoke("likely-raises", event, name="invoke")
