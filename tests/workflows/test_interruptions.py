"""An invocation that dies at any of its calls: the execution comes to the same result all the same."""

import pytest

from durably.actors.model import OperationStatus
from durably.workflows import (
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    StepError,
    StepSemantics,
)
from durably.workflows.config import CallbackConfig
from durably.workflows.exceptions import CallbackError, CheckpointError
from durably.workflows.retries import RetryPresets
from tests.workflows.running import ONCE, SECOND, Run, refused

VIRTUAL = ChildConfig(is_virtual=True)
RETRIED = StepConfig(retry_strategy=RetryPresets.fixed())
AT_MOST_ONCE = StepConfig(
    retry_strategy=RetryPresets.fixed(), step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY
)


def sequential(event, context, body):
    values = [context.step(body("a"), "a"), context.step(body("b", fails=1), "b", RETRIED)]
    context.wait(SECOND)
    values.append(context.step(body("c"), "c", AT_MOST_ONCE))
    try:
        context.step(body("d", fails=9), "d", ONCE)
    except StepError as error:
        values.append(error.message)
    return values


def nested(event, context, body):
    def outer(child):
        first = child.step(body("a"), "a")

        def inner(grandchild):
            grandchild.wait(SECOND)
            return grandchild.step(body("b", fails=1), "b", RETRIED) + "!" * 300_000

        large = child.run_in_child_context(inner, "large")
        second = child.run_in_child_context(lambda c: c.step(body("c"), "c"), config=VIRTUAL)
        return [first, len(large), second]

    return context.run_in_child_context(outer, "outer")


def mapped(nesting):
    def handler(event, context, body):
        def branch(child, item, *_):
            first = child.step(body(f"a{item}", fails=item % 2), f"a{item}", RETRIED)
            if item == 2:
                child.wait(SECOND)
            if item == 3:
                raise ValueError("three")
            return first + child.step(body(f"b{item}"), f"b{item}")

        config = MapConfig(
            max_concurrency=3, nesting_type=nesting, completion_config=CompletionConfig.all_completed()
        )
        batch = context.map(range(6), branch, "map", config)
        after = context.step(body("after"), "after")
        return [batch.get_results(), [error.message for error in batch.get_errors()], after]

    return handler


def decided(event, context, body):
    def waits(child):
        child.wait(SECOND)
        child.wait(SECOND)
        return child.step(body("late"), "late")

    config = ParallelConfig(completion_config=CompletionConfig.first_successful())
    batch = context.parallel([waits, lambda child: child.step(body("quick"), "quick")], "race", config)
    context.wait(SECOND)
    return [batch.completion_reason.value, batch.get_results(), context.step(body("after"), "after")]


def deferred(event, context, body):
    """Whatever the order in which they end, the answer is the same."""

    def group(child):
        child.deferred.step(body("left behind"), "left behind")
        first = child.deferred.step(body("c", fails=1), "c", RETRIED)
        child.wait(SECOND)
        return first.result()

    futures = [
        context.deferred.step(body("a"), "a"),
        context.deferred.step(body("b", fails=1), "b", RETRIED),
        context.deferred.wait(SECOND),
        context.deferred.run_in_child_context(group, "group"),
        context.deferred.run_in_child_context(lambda c: c.step(body("d"), "d"), config=VIRTUAL),
        context.deferred.map(range(2), lambda c, i, *_: c.step(body(f"e{i}"), f"e{i}"), "map"),
    ]
    context.deferred.wait(Duration.from_days(365), "nobody awaits it")
    *values, batch = context.all(futures, "all")
    return [values, batch.get_results(), context.step(body("after"), "after")]


def combined(event, context, body):
    """The winners are certain: what loses has not ended, or has failed, wherever the invocation dies."""
    never = context.create_callback("never")
    bad = context.deferred.step(body("bad", fails=9), "bad", ONCE)
    good = context.deferred.step(body("good", fails=1), "good", RETRIED)
    callback = context.create_callback("callback", CallbackConfig(timeout=SECOND))
    first = context.any([never, bad, good], "any")
    try:
        context.race([never, callback], "race")
    except CallbackError as error:
        late = type(error).__name__
    settled = context.all_settled([bad, good, callback], "all settled")
    return [first, late, [str(each.error or each.value) for each in settled]]


def decisive(event, context, body):
    """Who wins may depend on where the invocation dies; but it is decided once."""
    slow = context.deferred.run_in_child_context(lambda c: [c.wait(SECOND), c.step(body("slow"), "slow")][1])
    quick = context.deferred.step(body("quick", fails=1), "quick", RETRIED)
    seen = [context.race([slow, quick], "race")]
    context.wait(SECOND)
    seen.append(context.race([quick, slow], "again"))
    both = context.all([slow, quick])
    again = context.step(lambda step: seen, "seen")
    assert again == seen, "decided twice"
    return both


HANDLERS = {
    "sequential": sequential,
    "nested": nested,
    "map": mapped(NestingType.NESTED),
    "flat map": mapped(NestingType.FLAT),
    "decided": decided,
    "deferred": deferred,
    "combined": combined,
    "decisive": decisive,
}


class Watched:
    """A run of a handler whose bodies refuse to run once their result is recorded."""

    def __init__(self, handler, **hooks):
        self.run = Run(lambda event, context: handler(event, context, self.body), **hooks)

    def body(self, name, *, fails=0):
        def body(step):
            recorded = [each for each in self.run.service.operations.values() if each.name == name]
            assert all(each.status is not OperationStatus.SUCCEEDED for each in recorded), f"{name} again"
            if step.attempt <= fails:
                raise ValueError(f"{name} {step.attempt}")
            return name

        return body

    def result(self):
        """To the end, over as many invocations as it takes; and how many of them were interrupted."""
        interrupted = 0
        while True:
            try:
                return self.run.result(), interrupted
            except CheckpointError:
                interrupted += 1
                assert interrupted < 3


class DiesAt:
    """Fails the call with this number, counting from 1."""

    def __init__(self, number):
        self.left = number

    def __call__(self, updates):
        self.left -= 1
        if self.left == 0:
            raise refused(503)


class WithdrawnAt:
    """Lets the call with this number, counting from 1, be answered without a token."""

    def __init__(self, number):
        self.left = number
        self.execution = None

    def __call__(self, updates):
        self.left -= 1
        self.execution._withdrawn = self.left == 0


@pytest.mark.parametrize("hook", ["before", "after"])
@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS.keys())
def test_wherever_an_invocation_dies_the_result_is_the_same(handler, hook):
    """Each call fails once, or its answer is lost: same result, and no recorded body runs again."""
    undisturbed = Watched(handler)
    expected, _ = undisturbed.result()
    calls = undisturbed.run.service.calls
    for number in range(1, calls + 1):
        dying = Watched(handler, **{hook: DiesAt(number)})
        result, _ = dying.result()
        assert result == expected, f"call {number} of {calls}"
        assert dying.result() == (expected, 0)


@pytest.mark.parametrize("handler", HANDLERS.values(), ids=HANDLERS.keys())
def test_wherever_the_token_is_withdrawn_the_result_is_the_same(handler):
    """The service may end an invocation at any of its calls: it answers PENDING and another one goes on."""
    undisturbed = Watched(handler)
    expected, _ = undisturbed.result()
    for number in range(1, undisturbed.run.service.calls + 1):
        withdrawing = WithdrawnAt(number)
        watched = Watched(handler, before=withdrawing)
        withdrawing.execution = watched.run.service.execution
        assert watched.result() == (expected, 0), f"call {number}"
