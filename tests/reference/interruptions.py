"""Scenarios of invocations that are lost, refused or raise, and of bodies that need one another."""

from datetime import UTC, datetime

from tests.reference.bodies import (
    LARGE,
    ShopError,
    doubled,
    failing_on,
    fails,
    is_,
    mapped,
    of_size,
    quick_or_waiting,
)
from tests.reference.scenarios import PAGES, Crash, Fate, Scenarios

scenario = Scenarios()


@scenario()
def an_invocation_error_in_a_step_is_retried(sdk, world):
    return lambda event, context: context.step(
        fails(sdk.InvocationError("later")), name="s", config=sdk.step_config(2)
    )


@scenario()
def a_serializer_that_fails_for_now(sdk, world):
    class Store(sdk.SerDes):
        def serialize(self, value, _):
            if world.again("store") == 1:
                raise sdk.RetryableSerDesError("store is down")
            return str(value)

        def deserialize(self, data, _):
            return int(data)

    return lambda event, context: context.step(is_(7), name="s", config=sdk.StepConfig(serdes=Store()))


@scenario(crash=Crash("s"))
def an_at_most_once_step_interrupted_with_an_attempt_left(sdk, world):
    def body(step):
        return [step.attempt, world.again("body")]

    return lambda event, context: context.step(body, name="s", config=sdk.at_most_once(2))


@scenario(crash=Crash("s"))
def an_at_most_once_step_interrupted_in_its_last_attempt(sdk, world):
    return lambda event, context: context.step(is_(1), name="s", config=sdk.at_most_once(1))


@scenario(crash=Crash("s"))
def an_interrupted_at_most_once_step_that_is_caught(sdk, world):
    def handler(event, context):
        try:
            context.step(is_(1), name="s", config=sdk.at_most_once(1))
        except sdk.StepError as error:
            return [error.error_type, type(error.__cause__).__name__, context.step(is_(2), name="after")]

    return handler


@scenario(crash=Crash("s"))
def a_step_interrupted_in_its_body(sdk, world):
    def body(step):
        world.until("s")
        return [step.attempt, world.again("body")]

    return lambda event, context: context.step(body, name="s")


@scenario(crash=Crash("b"))
def a_crash_before_a_result_is_recorded(sdk, world):
    def handler(event, context):
        return [context.step(lambda _, n=name: world.again(n), name=name) for name in "abc"]

    return handler


@scenario(crash=Crash("b", "SUCCEED", Fate.RECORDED))
def a_crash_after_a_result_is_recorded(sdk, world):
    def handler(event, context):
        return [context.step(lambda _, n=name: world.again(n), name=name) for name in "abc"]

    return handler


@scenario(crash=Crash("s", "RETRY"))
def a_crash_before_a_retry_is_recorded(sdk, world):
    def body(step):
        if step.attempt == 1:
            raise ValueError(world.again("s"))
        return world.again("s")

    return lambda event, context: context.step(body, name="s", config=sdk.step_config(3))


@scenario(crash=Crash("s", "RETRY", Fate.RECORDED))
def a_crash_after_a_retry_is_recorded(sdk, world):
    def body(step):
        if step.attempt == 1:
            raise ValueError(world.again("s"))
        return world.again("s")

    return lambda event, context: context.step(body, name="s", config=sdk.step_config(3))


@scenario(crash=Crash("s", "FAIL", Fate.RECORDED))
def a_crash_after_a_failure_is_recorded(sdk, world):
    return lambda event, context: context.step(fails(ValueError("x")), name="s", config=sdk.step_config())


@scenario(crash=Crash("w", "START", Fate.RECORDED))
def a_crash_after_a_wait_has_started(sdk, world):
    return lambda event, context: context.wait(sdk.seconds(5), name="w")


@scenario(page_size=1)
def history_in_pages(sdk, world):
    def handler(event, context):
        first = [context.step(is_(n), name=f"step {n}") for n in range(5)]
        context.wait(sdk.seconds(1))
        return first

    return handler


@scenario()
def a_handler_that_asks_to_be_invoked_again(sdk, world):
    def handler(event, context):
        context.step(is_(1), name="s")
        if world.again("handler") == 1:
            raise sdk.InvocationError("later")
        return "done"

    return handler


def a_step_and_a_wait(sdk):
    """Two operations, and history that an event has to carry."""

    def handler(event, context):
        value = context.step(is_(1), name="s")
        context.wait(sdk.seconds(1), name="w")
        return [value, context.step(is_(2), name="t")]

    return handler


@scenario(crash=Crash("s", fate=Fate.WITHDRAWN))
def a_token_withdrawn_after_a_step(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario(crash=Crash("w", "START", Fate.WITHDRAWN))
def a_token_withdrawn_after_a_wait(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario(crash=Crash("t", fate=Fate.WITHDRAWN))
def a_token_withdrawn_at_the_last_step(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario(crash=Crash("s", fate=Fate.REFUSED))
def a_result_that_is_refused_for_good(sdk, world):
    # At most once, so that START is recorded by itself: else it may share a call with its end, or not.
    return lambda event, context: context.step(is_(1), name="s", config=sdk.at_most_once(2))


@scenario(crash=Crash("w", "START", Fate.REFUSED))
def a_wait_that_is_refused_for_good(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario(page_size=1, crash=Crash(PAGES))
def history_that_cannot_be_read_for_now(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario(page_size=1, crash=Crash(PAGES, fate=Fate.REFUSED))
def history_that_cannot_be_read(sdk, world):
    return a_step_and_a_wait(sdk)


@scenario()
def an_invocation_error_in_a_child(sdk, world):
    def work(child):
        child.step(is_(1), name="s")
        if world.again("child") == 1:
            raise sdk.InvocationError("later")
        return "done"

    return lambda event, context: context.run_in_child_context(work, name="work")


@scenario()
def a_permanent_api_error_in_a_child(sdk, world):
    def work(child):
        raise sdk.CheckpointError("refused", sdk.DurableApiErrorCategory.EXECUTION)

    return lambda event, context: context.run_in_child_context(work, name="work")


@scenario(crash=Crash("work"))
def a_crash_before_a_childs_end(sdk, world):
    def work(child):
        return [child.step(lambda _: world.again("s"), name="s"), world.again("child")]

    return lambda event, context: context.run_in_child_context(work, name="work")


@scenario(crash=Crash("work", "FAIL", Fate.RECORDED))
def a_crash_after_a_childs_failure(sdk, world):
    def work(child):
        raise ShopError(world.again("child"))

    return lambda event, context: context.run_in_child_context(work, name="work")


def now():
    """The machine's time, as precise as the wire has it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@scenario()
def an_invocation_error_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        value = context.step(lambda _: world.again(f"step {index}"), name=f"step {index}")
        if index == 1 and world.again("branch") == 1:
            raise sdk.InvocationError("later")
        return value

    return mapped(sdk, "abc", branch, sdk.MapConfig(max_concurrency=1))


@scenario(crash=Crash("map-item-1"))
def a_crash_before_the_end_of_a_branch(sdk, world):
    def branch(context, item, index, items):
        # How often c's step has run would tell: ours begins c when b's end is on its way, AWS's when it is
        # recorded. Either is right, and the step's body may run twice in any case.
        return [context.step(is_(item), name=item), item == "b" and world.again("branch")]

    return mapped(sdk, "abc", branch, sdk.MapConfig(max_concurrency=1))


@scenario(crash=Crash("m"))
def a_crash_before_the_end_of_a_map(sdk, world):
    def branch(context, item, index, items):
        return context.step(lambda _: world.again(item), name=item)

    return mapped(sdk, "abc", branch)


@scenario(crash=Crash("m", "SUCCEED", Fate.RECORDED))
def a_crash_after_the_end_of_a_large_map(sdk, world):
    return mapped(sdk, range(5), of_size(60))


@scenario(crash=Crash("quick"))
def a_crash_in_a_branch_while_others_wait(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.first_successful())
    return mapped(sdk, ["quick", "slow"], quick_or_waiting(sdk, world), config)


@scenario()
def a_branch_that_waits_while_another_runs(sdk, world):
    def branch(context, item, index, items):
        if index == 0:
            context.wait(sdk.seconds(30), name="wait")
            return context.step(is_("woken"), name="later")
        return context.step(lambda _: world.until("wait"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario(clock=now, time_passes=True)
def a_branch_that_goes_on_while_another_runs(sdk, world):
    def branch(context, item, index, items):
        if index == 0:
            context.wait(sdk.seconds(1), name="wait")
            return context.step(is_("woken"), name="later")
        return context.step(lambda _: world.until("later", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario(clock=now, time_passes=True)
def a_branch_that_goes_on_while_anothers_second_step_runs(sdk, world):
    def branch(context, item, index, items):
        if index == 0:
            context.wait(sdk.seconds(1), name="wait")
            return context.step(is_("woken"), name="later")
        context.step(is_(1), name="first")
        return context.step(lambda _: world.until("later", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario()
def a_body_that_needs_anothers_at_most_once_step(sdk, world):
    def branch(context, item, index, items):
        context.step(is_(1), name=f"before {index}")
        if index == 0:
            return context.step(is_(2), name="once", config=sdk.at_most_once(1))
        return context.step(lambda _: world.until("once", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario()
def a_body_that_needs_anothers_child(sdk, world):
    def branch(context, item, index, items):
        if index == 0:
            context.run_in_child_context(lambda c: None, name="child")
            return context.step(is_(2), name="after the child")
        return context.step(lambda _: world.until("after the child", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario()
def a_permanent_api_error_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        raise sdk.CheckpointError("refused", sdk.DurableApiErrorCategory.EXECUTION)

    return mapped(sdk, [1], branch)


@scenario()
def an_invocation_error_in_a_flat_branch(sdk, world):
    def branch(context, item, index, items):
        value = context.step(is_(item), name=f"step {index}")
        if index == 1 and world.again("branch") == 1:
            raise sdk.RetryableSerDesError("later")
        return value

    return mapped(sdk, "abc", branch, sdk.MapConfig(max_concurrency=1, nesting_type=sdk.NestingType.FLAT))


@scenario(crash=Crash("once"))
def an_at_most_once_step_interrupted_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        return context.step(is_(item), name="once" if index else "first", config=sdk.at_most_once(1))

    return mapped(sdk, [1, 2, 3], branch, sdk.MapConfig(max_concurrency=1))


@scenario(crash=Crash("work", fate=Fate.RECORDED))
def a_crash_after_the_end_of_a_large_child(sdk, world):
    def work(child):
        return [child.step(lambda _: world.again("s"), name="s"), "x" * LARGE]

    return lambda event, context: context.run_in_child_context(work, name="work")[0]


@scenario(crash=Crash("m", fate=Fate.WITHDRAWN))
def a_token_withdrawn_at_the_end_of_a_map(sdk, world):
    return mapped(sdk, [1, 2], doubled)


@scenario(crash=Crash("map-item-1", "FAIL", Fate.RECORDED))
def a_crash_after_the_failure_that_stops_a_map(sdk, world):
    return mapped(sdk, range(4), failing_on(sdk, 1), sdk.MapConfig(max_concurrency=1))


@scenario(crash=Crash("s", "RETRY", Fate.WITHDRAWN))
def a_token_withdrawn_at_a_retry(sdk, world):
    def flaky(step):
        if step.attempt == 1:
            raise ShopError("once")
        return step.attempt

    return lambda event, context: context.step(flaky, name="s", config=sdk.step_config(2))


@scenario(crash=Crash("s", "START", Fate.WITHDRAWN))
def a_token_withdrawn_before_an_at_most_once_body(sdk, world):
    return lambda event, context: context.step(is_(1), name="s", config=sdk.at_most_once(2))


@scenario(crash=Crash("quick", fate=Fate.REFUSED))
def a_refusal_in_a_branch_that_another_waits_beside(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
    return mapped(sdk, ["quick", "slow"], quick_or_waiting(sdk, world), config)
