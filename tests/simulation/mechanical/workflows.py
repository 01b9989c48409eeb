"""Small workflows, each of which needs something of the actors that is seldom needed."""

import contextvars

from durably.workflows import (
    CallbackConfig,
    Duration,
    MapConfig,
    StepConfig,
    StepError,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    WaitForConditionDecision,
    durable_execution,
)
from durably.workflows.config import CompletionConfig, complete_batch, continue_batch
from durably.workflows.exceptions import DurableOperationError
from durably.workflows.plugin import DurableInstrumentationPlugin
from durably.workflows.serdes import PassThroughSerDes
from tests.simulation.mechanical.steps import CAREFUL, CAREFUL_ONCE, FLAT, ONCE, broken, flaky, summary
from tests.simulation.mechanical.unfinished import UNFINISHED
from tests.simulation.realistic import TWICE, S, attempts


@durable_execution
def awaited_late(event, context):
    """Futures that are awaited while their operations rest, or when they have ended long ago."""
    futures = [
        context.deferred.step(lambda _: "step", name="step"),
        context.deferred.step(flaky, name="flaky", config=TWICE),
        context.deferred.wait(S(5), name="wait"),
        context.deferred.invoke("function", {}, name="invoke"),
        context.deferred.run_in_child_context(lambda child: child.wait(S(2)) or "child", "child"),
    ]
    context.wait(S(1), name="first")
    early = [future.result() for future in futures[:2]]
    context.step(lambda _: None, name="between")
    return [*early, *(future.result() for future in reversed(futures)), futures[0].result()]


@durable_execution
def several_awaiters(event, context):
    """Tasks that wait for one future, and combinators that have the same ones again."""
    wait = context.deferred.wait(S(2), name="wait")
    step = context.deferred.step(flaky, name="step", config=TWICE)
    other = context.deferred.run_in_child_context(lambda child: child.step(lambda _: 7, name="s"), "other")
    branches = [lambda _, future=future: future.result() for future in (wait, wait, step, step, other)]
    batch = context.parallel(branches, "p")
    race = context.race([wait, step], "race") is None or True
    settled = context.all_settled([wait, step, other], "settled")
    return [batch.get_results(), race, [each.value for each in settled], context.any([other], "any")]


@durable_execution
def thresholds(event, context):
    """How many successes, failures, or what share of them is enough."""

    def branch(child, item, *_):
        return child.step(lambda _: 1 if item else 1 / 0, name="s", config=ONCE)

    def ends(outcomes, **limits):
        config = MapConfig(max_concurrency=1, nesting_type=FLAT, completion_config=CompletionConfig(**limits))
        return summary(context.map(outcomes, branch, None, config))

    def decides(status):
        if status.failure_count == 2:
            raise LookupError("the predicate")
        return complete_batch() if status.success_count == 2 else continue_batch()

    found = [
        ends([1, 1]),
        ends([1, 0, 1]),
        ends([]),
        ends([1, 1, 1], min_successful=2),
        ends([0, 0, 1, 1], min_successful=1),
        ends([1, 1], min_successful=2),
        ends([0, 0, 1, 1], tolerated_failure_count=1),
        ends([0, 1, 1, 1], tolerated_failure_count=1),
        ends([0, 0, 1, 1], tolerated_failure_percentage=49),
        ends([0, 0, 1, 1], tolerated_failure_percentage=50),
        ends([0, 0, 1, 1], tolerated_failure_percentage=100, tolerated_failure_count=1),
        ends([0, 1, 1, 1], tolerated_failure_percentage=10, tolerated_failure_count=2),
        ends([0, 1, 1], tolerated_failure_count=0),
        ends([0, 1, 1], min_successful=1, tolerated_failure_count=0),
        ends([], tolerated_failure_percentage=0),
        ends([1, 1, 1], should_complete=decides),
        ends([1, 0], should_complete=decides),
    ]
    try:
        ends([0, 0, 1], should_complete=decides)
    except DurableOperationError as error:
        found.append(str(error))
    return found


@durable_execution
def failing_everywhere(event, context):
    """Steps, children, branches and callbacks that fail, and code that goes on."""

    def branch(child, item, *_):
        try:
            child.step(broken, name=f"s{item}", config=TWICE)
        except StepError:
            pass
        return child.run_in_child_context(lambda inner: inner.step(broken, name="x", config=TWICE), "c")

    def asks(child):
        config = WaitForCallbackConfig(timeout=Duration.from_hours(1), retry_strategy=attempts(3))
        return child.wait_for_callback(lambda *_: None, name="refused", config=config)

    batch = context.map([1, 2], branch, "m", MapConfig(completion_config=CompletionConfig.all_completed()))
    found = [summary(batch)]
    for call in (asks, lambda child: child.step(broken, name="careful", config=CAREFUL_ONCE)):
        try:
            context.run_in_child_context(call, "asks")
        except DurableOperationError as error:
            found.append(type(error).__name__)
    return found


@durable_execution
def careful_retries(event, context):
    """At most once in an attempt, and several attempts, beside a wait."""

    def body(step):
        if step.attempt < 3:
            raise ValueError(f"attempt {step.attempt}")
        return "done"

    wait = context.deferred.wait(S(1), name="wait")
    future = context.deferred.step(body, name="careful", config=CAREFUL)
    wait.result()
    return [context.step(flaky, name="beside", config=TWICE), future.result()]


@durable_execution
def many_steps(event, context):
    """More branches than begin at a time where that are few, short ones."""

    def branch(child, item, *_):
        return child.step(lambda _: item, name="s")

    return sum(context.map(list(range(9)), branch, "m", MapConfig(nesting_type=FLAT)).get_results())


@durable_execution
def many_waits(event, context):
    """More branches than begin at a time where that are few, all of which wait."""

    def branch(child, item, *_):
        child.wait(S(1), name="w")
        return item

    return sum(context.map(list(range(9)), branch, "m", MapConfig(nesting_type=FLAT)).get_results())


@durable_execution
def large_updates(event, context):
    """More bytes than fit into a call; and an update that is too large for any, and sent alone."""
    futures = [context.deferred.step(lambda _: "x" * 240_000, name=f"s{number}") for number in range(5)]
    config = StepConfig(serdes=PassThroughSerDes())  # as text of which each character takes six bytes
    futures.append(context.deferred.step(lambda _: "\x01" * 200_000, name="huge", config=config))
    return [len(future.result()) for future in futures]


@durable_execution
def long_body(event, context):
    """A body that goes on while others wait, so that polls are worth it."""

    def waits(child):
        child.wait(S(2), name="w")
        return child.invoke("function", {}, name="i")

    def calls(child):
        return child.wait_for_callback(lambda *_: None, name="callback")

    branches = [waits, calls, lambda child: child.step(lambda _: "body", name="body")]
    return context.parallel(branches, "p").get_results()


@durable_execution
def conditions(event, context):
    """Conditions that are polled beside each other, one of them awaited late."""

    def decide(state, attempt):
        stop = WaitForConditionDecision.stop_polling()
        return stop if state >= 2 else WaitForConditionDecision.continue_waiting(S(1))

    config = WaitForConditionConfig(initial_state=0, wait_strategy=decide)
    futures = [
        context.deferred.wait_for_condition(lambda state, _: state + 1, config, name=f"c{number}")
        for number in range(2)
    ]
    context.step(lambda _: 1, name="s")
    return [future.result() for future in futures]


@durable_execution
def callbacks_in_a_row(event, context):
    """Callbacks that are made at once and awaited one after the other."""
    config = CallbackConfig(timeout=Duration.from_days(1))
    made = [context.create_callback(f"callback{number}", config) for number in range(3)]
    context.step(lambda _: [each.callback_id and 1 for each in made], name="mail")
    return [each.result() for each in made]


@durable_execution
def fails_early(event, context):
    """A branch has failed, and the others go on in later invocations."""

    def branch(child, item, *_):
        child.step(lambda _: 1 / item, name="s", config=ONCE)
        child.wait(Duration.from_hours(item), name="w")
        return item

    config = MapConfig(completion_config=CompletionConfig(tolerated_failure_count=1))
    return summary(context.map([0, 1, 2], branch, "m", config))


VARIABLE = contextvars.ContextVar("VARIABLE", default="nothing")


@durable_execution
def variables(event, context):
    """Each attempt of a step has the context variables of where it was called, and its own."""

    def body(step):
        before = VARIABLE.get()
        VARIABLE.set(f"attempt {step.attempt}")
        if step.attempt == 1:
            raise ValueError(before)
        return before

    VARIABLE.set("outside")
    return context.step(body, config=TWICE)


SEEN: list[str] = []
"""What the plugin below has been told in the run that goes on."""


class Writes(DurableInstrumentationPlugin):
    """Writes down which hook was called for which operation."""

    def on_operation_start(self, info):
        SEEN.append(f"{info.name} starts")

    def on_operation_end(self, info):
        SEEN.append(f"{info.name} ends")

    def on_user_function_start(self, info):
        SEEN.append(f"{info.name} runs")

    def on_user_function_end(self, info):
        SEEN.append(f"{info.name} has run")


class MakesWrites:
    """Its factory."""

    def create_plugin(self, _info):
        """A new one for every invocation."""
        return Writes()


@durable_execution(plugins=[MakesWrites()])
def observed(event, context):
    """A plugin looks on."""

    def branch(child, item, *_):
        child.wait(S(item), name=f"w{item}")
        return child.step(flaky, name=f"s{item}", config=TWICE)

    return context.map([1, 20], branch, "m").get_results()


CALLBACKS = {f"callback{number}": f"answer {number}" for number in range(3)}
OUTSIDE = {
    awaited_late: {"functions": {"function": "invoked"}},
    long_body: {"functions": {"function": "invoked"}, "answers": {"callback": "answered"}},
    failing_everywhere: {"answers": {"refused": ValueError("refused")}},
    callbacks_in_a_row: {"answers": CALLBACKS},
}
SMALL = [
    awaited_late,
    several_awaiters,
    thresholds,
    failing_everywhere,
    careful_retries,
    long_body,
    conditions,
    callbacks_in_a_row,
    fails_early,
    variables,
    observed,
    many_steps,
    many_waits,
    large_updates,
    *UNFINISHED,
]
