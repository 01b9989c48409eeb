"""Workflows as people write them, with the answers that the world outside has for them."""

from durably.workflows import (
    CallbackConfig,
    ChildConfig,
    Duration,
    MapConfig,
    NestingType,
    RetryDecision,
    StepConfig,
    StepError,
    StepSemantics,
    WaitForCallbackConfig,
    WaitForConditionConfig,
    WaitForConditionDecision,
    durable_execution,
)
from durably.workflows.config import CompletionConfig
from durably.workflows.exceptions import InvokeError

S = Duration.from_seconds


def attempts(most):
    """As many attempts, a second apart."""
    return lambda error, attempt: RetryDecision.retry(S(1)) if attempt < most else RetryDecision.no_retry()


TWICE = StepConfig(retry_strategy=attempts(2))
AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=attempts(20))


@durable_execution
def approval(event, context):
    """Somebody answers a callback that was mailed to them."""
    callback = context.create_callback("approval", CallbackConfig(timeout=Duration.from_days(1)))
    context.step(lambda _: callback.callback_id and 1, name="mail")
    return callback.result()


@durable_execution
def two_approvals(event, context):
    """Two people are asked at once, and one of them says now and then that they are still there."""

    def branch(child, item, *_):
        config = WaitForCallbackConfig(
            timeout=Duration.from_hours(item), heartbeat_timeout=Duration.from_minutes(5)
        )
        answer = child.wait_for_callback(lambda *_: None, name=f"ask{item}", config=config)
        child.wait(S(5))
        return answer

    return context.map([1, 2], branch, name="m").get_results()


@durable_execution
def charges(event, context):
    """Another function is invoked for each item, two at a time; one of them fails."""

    def branch(child, item, *_):
        try:
            return child.invoke("charge", {"n": item}, name=f"c{item}")
        except InvokeError:
            return f"failed {item}"

    return context.map([1, 2, 3], branch, "m", MapConfig(max_concurrency=2)).get_results()


def charge(payload):
    """The function that is invoked."""
    if payload["n"] == 2:
        raise ValueError("no money")
    return payload["n"] * 10


@durable_execution
def polling(event, context):
    """A condition is looked at until it is met, while a wait goes on."""

    def decide(state, attempt):
        stop = WaitForConditionDecision.stop_polling()
        return stop if state >= 3 else WaitForConditionDecision.continue_waiting(S(2))

    wait = context.deferred.wait(S(3), name="w")
    config = WaitForConditionConfig(initial_state=0, wait_strategy=decide)
    state = context.wait_for_condition(lambda state, _: state + 1, config, name="cond")
    wait.result()
    return state


@durable_execution
def race_of_three(event, context):
    """Whoever wins, in the end all are there."""

    def slow(child):
        child.wait(S(1))
        return child.step(lambda _: "c", name="s")

    futures = [
        context.deferred.step(lambda _: "a", name="a"),
        context.deferred.wait(S(1), name="b"),
        context.deferred.run_in_child_context(slow, "c"),
    ]
    context.race(futures, "race")
    return [settled.value for settled in context.all_settled(futures, "all")]


@durable_execution
def at_most_once(event, context):
    """Steps that must not run twice in an attempt."""

    def branch(child, item, *_):
        return child.step(lambda _: item, name=f"s{item}", config=AT_MOST_ONCE)

    return context.map([1, 2, 3], branch, "m", MapConfig(max_concurrency=2)).get_results()


@durable_execution
def nested_early(event, context):
    """Two of three are enough, in each of two maps."""

    def inner(child, item, *_):
        child.wait(S(item + 1), name=f"w{item}")
        return child.step(lambda _: item, name=f"s{item}")

    def outer(child, item, *_):
        config = MapConfig(completion_config=CompletionConfig(min_successful=2))
        return child.map([item, item + 1, item + 2], inner, f"m{item}", config).success_count >= 2

    return context.map([0, 5], outer, name="o").get_results()


@durable_execution
def flat_in_flat(event, context):
    """Maps without records of their branches, one in the other, one branch at a time."""

    def inner(child, item, *_):
        return child.step(lambda _: item, name=f"s{item}", config=TWICE)

    def outer(child, item, *_):
        child.wait(S(1), name=f"w{item}")
        config = MapConfig(nesting_type=NestingType.FLAT)
        return sum(child.map([item, item + 1], inner, f"m{item}", config).get_results())

    config = MapConfig(nesting_type=NestingType.FLAT, max_concurrency=1)
    return context.map([0, 5], outer, "o", config).get_results()


@durable_execution
def large_results(event, context):
    """Results that are not recorded with their context, but rebuilt."""

    def child_code(child):
        first = child.step(lambda _: "y" * 150_000, name="y1")
        return first + child.step(lambda _: "y" * 150_000, name="y2")

    def branch(child, item, *_):
        child.wait(S(1), name=f"w{item}")
        return child.step(lambda _: "x" * 200_000, name=f"s{item}") + str(item)

    big = context.run_in_child_context(child_code, name="child")
    batch = context.map([1, 2], branch, name="m")
    context.wait(S(2), name="after")
    return [*(len(each) for each in batch.get_results()), len(big)]


@durable_execution
def saga(event, context):
    """What was booked is cancelled, last first, when something cannot be had."""

    def no_car(_):
        raise ValueError("no car")

    done = [context.step(lambda _, what=what: what, name=what) for what in ("flight", "hotel")]
    try:
        context.step(no_car, name="car", config=TWICE)
    except StepError:
        for what in reversed(done):
            context.step(lambda _: "cancelled", name=f"cancel {what}", config=TWICE)
    return done


@durable_execution
def tolerated_failure(event, context):
    """One of three may fail."""

    def branch(child, item, *_):
        def body(_):
            if item == 1:
                raise ValueError("one")
            return item

        child.wait(S(1))
        return child.step(body, name=f"s{item}", config=TWICE)

    config = MapConfig(completion_config=CompletionConfig(tolerated_failure_count=1))
    batch = context.map([0, 1, 2], branch, "m", config)
    return [batch.success_count, batch.failure_count]


@durable_execution
def parallel_waits(event, context):
    """Three branches, each with something of its own."""

    def waits(child):
        child.wait(S(3))
        return child.step(lambda _: 1, name="x")

    def nests(child):
        return child.run_in_child_context(lambda inner: inner.wait(S(2)) or 2, name="inner")

    def defers(child):
        future = child.deferred.step(lambda _: 3, name="f")
        child.wait(S(1))
        return future.result()

    return context.parallel([waits, nests, defers], name="p").get_results()


@durable_execution
def virtual_contexts(event, context):
    """Contexts that record nothing: one that waits, one beside it that is awaited later."""
    virtual = ChildConfig(is_virtual=True)

    def later(child):
        child.wait(S(2), name="w2")
        return child.step(lambda _: 2, name="s2", config=TWICE)

    beside = context.deferred.run_in_child_context(later, "later", virtual)
    context.run_in_child_context(lambda child: child.wait(S(60), name="w1"), "waits", virtual)
    return [context.step(lambda _: 1, name="s1"), beside.result()]


OUTSIDE = {
    approval: {"answers": {"approval": "yes"}},
    two_approvals: {"answers": {"ask1": "yes", "ask2": lambda name: f"from {name}"}},
    charges: {"functions": {"charge": charge}},
}
REALISTIC = [
    approval,
    two_approvals,
    charges,
    polling,
    race_of_three,
    at_most_once,
    nested_early,
    flat_in_flat,
    large_results,
    saga,
    tolerated_failure,
    parallel_waits,
    virtual_contexts,
]
