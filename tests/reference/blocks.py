"""Scenarios of `with_retry`: a block of operations, run anew when it fails."""

from tests.reference.bodies import LARGE, ShopError, fails, is_
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, described

scenario = Scenarios()


def block(sdk, attempts=3, **more):
    """A config of a block that is tried so often, a second apart at first."""
    return sdk.WithRetryConfig(retry_strategy=sdk.retries(attempts), **more)


def good_from(sdk, number):
    """A block of a step, a wait and a step that fails in every attempt before `number`."""

    def work(context, attempt):
        first = context.step(is_(attempt), name="first")
        context.wait(sdk.seconds(2), name="pause")
        failing = fails(ShopError(f"attempt {attempt}"))
        body = is_(attempt) if attempt >= number else failing
        return [first, context.step(body, name="second", config=sdk.step_config()), (attempt,)]

    return work


@scenario()
def a_block_whose_third_attempt_is_good(sdk, world):
    def handler(event, context):
        result = sdk.with_retry(context, good_from(sdk, 3), block(sdk), name="b")
        context.wait(sdk.seconds(1), name="afterwards")
        return repr(result)

    return handler


@scenario()
def a_block_without_a_name(sdk, world):
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), block(sdk)))


@scenario()
def a_block_with_a_name_that_is_empty(sdk, world):
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), block(sdk), ""))


@scenario()
def a_block_of_a_decorated_function(sdk, world):
    @sdk.durable_with_child_context
    def decorated(context):
        raise ShopError("no")

    def handler(event, context):
        try:
            sdk.with_retry(context, lambda own, attempt: decorated()(own), block(sdk, 2), "b")
        except sdk.ChildContextError as error:
            return described(error)

    return handler


def giving_up(sdk, **more):
    def handler(event, context):
        seen = None
        try:
            sdk.with_retry(context, good_from(sdk, 9), block(sdk, 2, **more), name="b")
        except Exception as error:
            seen = described(error)
        context.wait(sdk.seconds(1), name="afterwards")
        return [seen, context.step(is_(1), name="after")]

    return handler


@scenario()
def a_block_that_gives_up(sdk, world):
    return giving_up(sdk)


@scenario()
def an_unwrapped_block_that_gives_up(sdk, world):
    return giving_up(sdk, wrap_with_run_in_child_context=False)


@scenario()
def a_virtual_block_that_gives_up(sdk, world):
    return giving_up(sdk, child_context_config=sdk.ChildConfig(is_virtual=True))


@scenario()
def an_unwrapped_block_among_other_operations(sdk, world):
    config = block(sdk, wrap_with_run_in_child_context=False)

    def handler(event, context):
        before = context.step(is_(0), name="before")
        result = sdk.with_retry(context, good_from(sdk, 3), config, name="b")
        after = context.run_in_child_context(lambda child: child.step(is_(1)), name="after")
        return repr([before, result, after])

    return handler


@scenario()
def a_block_whose_own_code_fails(sdk, world):
    def work(context, attempt):
        if world.again("work") < 3:
            raise ShopError("on the way")
        return attempt

    return lambda event, context: sdk.with_retry(context, work, block(sdk, 5), name="b")


@scenario()
def a_block_with_a_subtype(sdk, world):
    config = block(sdk, child_context_config=sdk.ChildConfig(sub_type="Saga"))
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), config, "b"))


@scenario()
def a_block_with_a_large_result(sdk, world):
    def work(context, attempt):
        context.step(is_(1) if attempt > 1 else fails(ShopError("no")), name="s", config=sdk.step_config())
        return "x" * LARGE

    config = block(sdk, child_context_config=sdk.ChildConfig(summary_generator=lambda result: "much"))

    def handler(event, context):
        size = len(sdk.with_retry(context, work, config, "b"))
        context.wait(sdk.seconds(1))
        return [size, context.step(is_(2))]

    return handler


@scenario()
def a_block_in_a_block(sdk, world):
    def outer(context, attempt):
        return sdk.with_retry(context, good_from(sdk, 9 if attempt == 1 else 2), block(sdk, 2), "inner")

    return lambda event, context: repr(sdk.with_retry(context, outer, block(sdk), name="outer"))


@scenario()
def blocks_in_branches(sdk, world):
    def branch(context, item, index, items):
        return sdk.with_retry(context, good_from(sdk, item), block(sdk, 2), name=f"b {index}")

    return lambda event, context: batch_described(context.map([1, 2, 3], branch, config=forgiving(sdk)))


def forgiving(sdk):
    completion = sdk.CompletionConfig(tolerated_failure_count=9)
    return sdk.MapConfig(max_concurrency=1, completion_config=completion)


@scenario()
def an_execution_error_in_a_block(sdk, world):
    def work(context, attempt):
        context.step(is_(attempt), name="s")
        raise sdk.ExecutionError(f"give up {attempt}")

    return lambda event, context: sdk.with_retry(context, work, block(sdk, 2), name="b")


@scenario()
def a_serializer_in_a_block_whose_store_is_away(sdk, world):
    class Away(sdk.SerDes):
        def serialize(self, value, _):
            if world.again("serialize") == 1:
                raise sdk.RetryableSerDesError("away")
            return str(value)

        def deserialize(self, data, _):
            return int(data)

    def work(context, attempt):
        return context.step(is_(attempt), name="s", config=sdk.step_config(serdes=Away()))

    return lambda event, context: sdk.with_retry(context, work, block(sdk), name="b")


@scenario()
def a_block_that_retries_some_errors_only(sdk, world):
    def work(context, attempt):
        if attempt == 1:
            raise ShopError("once more")
        raise KeyError("never")

    strategy = sdk.retries(9, retryable_error_types=[ShopError])
    config = sdk.WithRetryConfig(retry_strategy=strategy)

    def handler(event, context):
        try:
            sdk.with_retry(context, work, config, name="b")
        except sdk.ChildContextError as error:
            return described(error)

    return handler


def with_strategy(sdk, strategy):
    def handler(event, context):
        try:
            sdk.with_retry(context, good_from(sdk, 2), sdk.WithRetryConfig(retry_strategy=strategy), "b")
        except sdk.ChildContextError as error:
            return described(error)

    return handler


@scenario()
def a_block_whose_strategy_raises(sdk, world):
    def strategy(error, attempt):
        raise KeyError(attempt)

    return with_strategy(sdk, strategy)


@scenario()
def a_block_whose_strategy_waits_no_time(sdk, world):
    config = sdk.WithRetryConfig(lambda error, attempt: sdk.RetryDecision.retry(sdk.seconds(0)))
    return lambda event, context: sdk.with_retry(context, good_from(sdk, 2), config, name="b")


@scenario()
def a_block_whose_strategy_decides_nothing(sdk, world):
    return with_strategy(sdk, lambda error, attempt: None)


@scenario(crash=Crash("b-backoff-1", "START", Fate.LOST))
def a_block_lost_before_its_backoff(sdk, world):
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), block(sdk), "b"))


@scenario(crash=Crash("b-backoff-1", "START", Fate.RECORDED))
def a_block_lost_after_its_backoff(sdk, world):
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), block(sdk), "b"))


@scenario(crash=Crash("b", "SUCCEED", Fate.LOST))
def a_block_lost_at_its_end(sdk, world):
    return lambda event, context: repr(sdk.with_retry(context, good_from(sdk, 2), block(sdk), "b"))


@scenario()
def a_block_that_changed(sdk, world):
    def work(context, attempt):
        context.wait(sdk.seconds(1), name=f"run {world.again('work')}")

    return lambda event, context: sdk.with_retry(context, work, block(sdk), name="b")
