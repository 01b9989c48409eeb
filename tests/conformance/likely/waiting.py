"""Waits, callbacks, and callbacks that are waited for."""

import json
from typing import Any

from durably.workflows import (
    CallbackError,
    CallbackExternalError,
    CallbackSubmitterError,
    CallbackTimeoutError,
    DurableContext,
    DurableOperationError,
    durable_execution,
)
from durably.workflows.config import CallbackConfig, Duration, StepConfig, WaitForCallbackConfig
from durably.workflows.retries import RetryDecision, RetryPresets
from durably.workflows.serdes import JsonSerDes, PassThroughSerDes, SerDes, SerDesContext
from tests.conformance.likely.cases import Cases, answers, refusal

FUNCTIONS = Cases()
SECOND = Duration.from_seconds(1)
PATIENCE = Duration.from_seconds(4)
"""Long enough for what comes first, on a busy machine."""


class Doubled(SerDes[Any]):
    """A number, sent as its half."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps({"half": value / 2})

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        return json.loads(data)["half"] * 2


class Unreadable(SerDes[Any]):
    """Cannot read."""

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        return json.dumps(value)

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        raise ValueError("cannot be read")


def said(error: DurableOperationError) -> list[Any]:
    """What a handler sees of a failure."""
    return [type(error).__name__, error.message, error.error_type and error.error_type.rpartition(".")[2]]


def submit(callback_id: str, submitter: Any) -> None:
    """Hand the id to an external system; the test's looks for it by itself."""


# ------------------------------------------------------------------ waits


@FUNCTIONS.case("wait/name", "A wait with a name has it in all of its events.")
@durable_execution
def named_wait(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(2), name="cooling-down")
    return "done"


@FUNCTIONS.case(
    "wait/between-steps", "What comes after a wait runs after it, what was before does not again."
)
@durable_execution
def between_steps(event: Any, context: DurableContext) -> Any:
    first = context.step(lambda step: step.logger.info("before") or 1, name="before")
    context.wait(SECOND)
    return first + context.step(lambda step: step.logger.info("after") or 2, name="after")


@FUNCTIONS.case("wait/minutes", "A wait is recorded in seconds.", first_events=3)
@durable_execution
def in_minutes(event: Any, context: DurableContext) -> Any:
    context.wait(Duration(seconds=1))
    return Duration.from_minutes(2).to_seconds() + Duration.from_days(1).to_seconds()


@FUNCTIONS.case("wait/none", "A wait of no time is refused.")
@durable_execution
def no_time(event: Any, context: DurableContext) -> Any:
    context.wait(Duration.from_seconds(0))


@FUNCTIONS.case("wait/in-a-child", "A wait in a child context belongs to it.")
@durable_execution
def in_a_child(event: Any, context: DurableContext) -> Any:
    def body(child: DurableContext) -> str:
        child.wait(SECOND, name="within")
        return "waited"

    return context.run_in_child_context(body, name="child")


# ------------------------------------------------------------------ callbacks


@FUNCTIONS.case("callback/refused", "A refusal that nobody catches fails the execution.", "ask", [refusal()])
@durable_execution
def refused(event: Any, context: DurableContext) -> Any:
    return context.create_callback(name=event).result()


@FUNCTIONS.case("callback/refused-and-caught", "A refusal that is caught.", "ask", [refusal()])
@durable_execution
def refused_and_caught(event: Any, context: DurableContext) -> Any:
    try:
        return context.create_callback(name=event).result()
    except CallbackExternalError as error:
        return said(error)


@FUNCTIONS.case("callback/heartbeat-missed", "Silence for too long is a timeout.", "ask", real_time=True)
@durable_execution
def heartbeat_missed(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(heartbeat_timeout=PATIENCE)
    return context.create_callback(event, config).result()


@FUNCTIONS.case("callback/both-timeouts", "With both timeouts the earlier one counts.", "ask", real_time=True)
@durable_execution
def both_timeouts(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(timeout=Duration.from_seconds(9), heartbeat_timeout=PATIENCE)
    try:
        return context.create_callback(event, config).result()
    except CallbackTimeoutError as error:
        return said(error)


@FUNCTIONS.case(
    "callback/timeout-caught", "A timeout that is caught, and a replay after.", "ask", real_time=True
)
@durable_execution
def timeout_caught(event: Any, context: DurableContext) -> Any:
    try:
        context.create_callback(event, CallbackConfig(timeout=PATIENCE)).result()
    except CallbackError as error:
        answer = said(error)
    else:
        raise AssertionError
    context.wait(SECOND)
    return answer


@FUNCTIONS.case(
    "callback/heartbeats",
    "Heartbeats keep a callback alive beyond its heartbeat timeout.",
    "ask",
    [
        {"CallbackName": "ask", "Operation": "heartbeat", "Delay": 3},
        *answers("late", after=8),
    ],
)
@durable_execution
def heartbeats(event: Any, context: DurableContext) -> Any:
    config = CallbackConfig(heartbeat_timeout=Duration.from_seconds(6))
    return context.create_callback(event, config).result()


@FUNCTIONS.case("callback/unnamed", "A callback needs no name.", actions=answers("yes"))
@durable_execution
def unnamed(event: Any, context: DurableContext) -> Any:
    return context.create_callback().result()


@FUNCTIONS.case("callback/empty", "An answer without a payload is None.", "ask", answers(None))
@durable_execution
def empty(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event).result()


@FUNCTIONS.case(
    "callback/text", "Without a serializer the result is the payload's text.", "ask", answers({"a": 1})
)
@durable_execution
def text(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event).result()


@FUNCTIONS.case("callback/json", "A serializer decodes the payload.", "ask", answers({"a": [1, None]}))
@durable_execution
def as_json(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event, CallbackConfig(serdes=JsonSerDes())).result()


@FUNCTIONS.case("callback/unreadable", "A payload that cannot be decoded fails.", "ask", answers("x"))
@durable_execution
def unreadable(event: Any, context: DurableContext) -> Any:
    return context.create_callback(event, CallbackConfig(serdes=Unreadable())).result()


@FUNCTIONS.case("callback/step-then-result", "A step between, and an answer.", "ask", answers("yes"))
@durable_execution
def step_then_result(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event)
    sent = context.step(lambda _: bool(callback.callback_id), name="send")
    return [sent, callback.result()]


@FUNCTIONS.case("callback/step-then-timeout", "A step between, and no answer.", "ask", real_time=True)
@durable_execution
def step_then_timeout(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event, CallbackConfig(timeout=PATIENCE))
    context.step(lambda _: "sent", name="send")
    return callback.result()


@FUNCTIONS.case("callback/refused-during-a-wait", "A refusal that comes during a wait.", "ask", [refusal()])
@durable_execution
def refused_during_a_wait(event: Any, context: DurableContext) -> Any:
    callback = context.create_callback(event)
    context.wait(Duration.from_seconds(6))
    return callback.result()


@FUNCTIONS.case("callback/then-wait", "An answer is there again after a replay.", "ask", answers("yes"))
@durable_execution
def then_wait(event: Any, context: DurableContext) -> Any:
    answer = context.create_callback(event).result()
    context.wait(SECOND)
    return answer


@FUNCTIONS.case(
    "callback/two-at-once", "Two callbacks, awaited in order.", ["a", "b"],
    [*answers("A", name="a"), *answers("B", name="b", after=6)],
)  # fmt: skip
@durable_execution
def two_at_once(event: Any, context: DurableContext) -> Any:
    first, second = context.create_callback(event[0]), context.create_callback(event[1])
    return [first.result(), second.result()]


@FUNCTIONS.case(
    "callback/one-of-two-refused", "One is answered, the other refused.", ["a", "b"],
    [*answers("A", name="a"), refusal(name="b", after=6)],
)  # fmt: skip
@durable_execution
def one_of_two_refused(event: Any, context: DurableContext) -> Any:
    first, second = context.create_callback(event[0]), context.create_callback(event[1])
    answer = first.result()
    try:
        second.result()
    except CallbackError as error:
        return [answer, said(error)]


@FUNCTIONS.case("callback/in-a-child", "A callback of a child context belongs to it.", "ask", answers("yes"))
@durable_execution
def callback_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.create_callback(event).result(), name="child")


@FUNCTIONS.case(
    "callback/in-branches", "Two branches wait for a callback each.", None,
    [*answers("A", name="a"), *answers("B", name="b", after=6)], first_events=2,
)  # fmt: skip
@durable_execution
def in_branches(event: Any, context: DurableContext) -> Any:
    branches = [lambda child, name=name: child.create_callback(name).result() for name in ("a", "b")]
    return context.parallel(branches, name="ask both").get_results()


# ------------------------------------------------------------------ callbacks that are waited for


@FUNCTIONS.case("wait_for_callback/refused", "A refusal fails the execution.", "ask", [refusal()])
@durable_execution
def submitted_and_refused(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, name=event)


@FUNCTIONS.case("wait_for_callback/caught", "A refusal is caught; a replay after.", "ask", [refusal()])
@durable_execution
def submitted_refused_and_caught(event: Any, context: DurableContext) -> Any:
    try:
        context.wait_for_callback(submit, name=event)
    except CallbackError as error:
        answer = said(error)
    else:
        raise AssertionError
    context.wait(SECOND)
    return answer


@FUNCTIONS.case("wait_for_callback/timeout-caught", "No answer, and it is caught.", "ask", real_time=True)
@durable_execution
def submitted_in_vain(event: Any, context: DurableContext) -> Any:
    try:
        context.wait_for_callback(submit, event, WaitForCallbackConfig(timeout=PATIENCE))
    except CallbackError as error:
        return said(error)


@FUNCTIONS.case("wait_for_callback/heartbeat-missed", "Silence for too long.", "ask", real_time=True)
@durable_execution
def submitted_and_silent(event: Any, context: DurableContext) -> Any:
    config = WaitForCallbackConfig(heartbeat_timeout=PATIENCE)
    return context.wait_for_callback(submit, event, config)


@FUNCTIONS.case(
    "wait_for_callback/submitter-retried",
    "The submitter has another attempt.",
    "ask",
    answers("yes", after=6),
)
@durable_execution
def submitter_retried(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        submitter.logger.info("submits")
        if context.execution_context.durable_execution_arn not in _seen:
            _seen.add(context.execution_context.durable_execution_arn)
            raise RuntimeError("busy")

    config = WaitForCallbackConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(SECOND))
    return context.wait_for_callback(submit, event, config)


_seen: set[str] = set()


@FUNCTIONS.case("wait_for_callback/submitter-fails", "A submitter that fails for good, caught.", "ask")
@durable_execution
def submitter_fails(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        raise RuntimeError("cannot submit")

    config = WaitForCallbackConfig(retry_strategy=RetryPresets.none())
    try:
        context.wait_for_callback(submit, event, config)
    except CallbackSubmitterError as error:
        return [*said(error), type(error.__cause__).__name__]


@FUNCTIONS.case("wait_for_callback/in-a-child", "In a child context.", "ask", answers("yes"))
@durable_execution
def submitted_in_a_child(event: Any, context: DurableContext) -> Any:
    return context.run_in_child_context(lambda child: child.wait_for_callback(submit, event), name="child")


@FUNCTIONS.case(
    "wait_for_callback/in-branches", "Two branches wait, and are answered one after the other.", None,
    [*answers("A"), *answers("B", after=6)], first_events=2,
)  # fmt: skip
@durable_execution
def submitted_in_branches(event: Any, context: DurableContext) -> Any:
    branches = [
        lambda child: child.wait_for_callback(submit, "a"),
        lambda child: child.wait_for_callback(submit, "b"),
    ]
    return sorted(context.parallel(branches, name="both").get_results())


@FUNCTIONS.case(
    "wait_for_callback/then-wait", "The answer is there again after a replay.", "ask", answers("yes")
)
@durable_execution
def submitted_then_wait(event: Any, context: DurableContext) -> Any:
    answer = context.wait_for_callback(submit, event)
    context.wait(SECOND)
    return answer


@FUNCTIONS.case(
    "wait_for_callback/serdes", "A serializer of the application's.", "ask", answers({"half": 21})
)
@durable_execution
def submitted_with_serdes(event: Any, context: DurableContext) -> Any:
    answer = context.wait_for_callback(submit, event, WaitForCallbackConfig(serdes=Doubled()))
    context.wait(SECOND)
    return answer


@FUNCTIONS.case("wait_for_callback/pass-through", "The text as it came.", "ask", answers("yes"))
@durable_execution
def submitted_pass_through(event: Any, context: DurableContext) -> Any:
    return context.wait_for_callback(submit, event, WaitForCallbackConfig(serdes=PassThroughSerDes()))


@FUNCTIONS.case("wait_for_callback/step-within", "What the submitter is told.", "ask", answers("yes"))
@durable_execution
def submitter_logs(event: Any, context: DurableContext) -> Any:
    def submit(callback_id: str, submitter: Any) -> None:
        submitter.logger.info("submitting %s", bool(callback_id))

    before = context.step(lambda _: "before", config=StepConfig(retry_strategy=RetryPresets.none()))
    return [before, context.wait_for_callback(submit, name=event)]
