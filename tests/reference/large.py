"""Scenarios of results and errors that are too large to be recorded as they are."""

from tests.reference.bodies import (
    LARGE,
    ShopError,
    completing,
    fails,
    is_,
    large,
    mapped,
    of_size,
    quick_or_waiting,
)
from tests.reference.scenarios import Scenarios, batch_described

scenario = Scenarios()


@scenario()
def a_large_child(sdk, world):
    def work(child):
        world.again("child")
        return child.step(lambda _: world.again("s"), name="s"), "x" * LARGE

    def handler(event, context):
        first = len(context.run_in_child_context(work, name="work")[1])
        context.wait(sdk.seconds(1))
        return [first, world.again("child"), world.again("s")]

    return handler


@scenario()
def a_large_child_with_a_summary_and_a_wait(sdk, world):
    def work(child):
        child.wait(sdk.seconds(9), name="inside")
        inner = child.run_in_child_context(lambda c: c.step(large, name="bytes"), name="inner")
        return [inner, child.step(is_(1), name="s")]

    def handler(event, context):
        config = sdk.ChildConfig(summary_generator=lambda result: f"{len(result)} things \u00fc")
        value = context.run_in_child_context(work, name="work", config=config)
        context.wait(sdk.seconds(1))
        return [len(value[0]), value[1]]

    return handler


@scenario()
def a_summary_that_fails(sdk, world):
    config = sdk.ChildConfig(summary_generator=lambda result: 1 // 0)
    return lambda event, context: context.run_in_child_context(large, name="work", config=config)


@scenario()
def a_child_that_is_just_not_large(sdk, world):
    def handler(event, context):
        for size in (262_142, 262_143):  # with its quotes: 262,144 and one more
            context.run_in_child_context(lambda c, n=size: "x" * n, name=str(size))
        context.run_in_child_context(lambda c: "\u00fc" * 50_000, name="escaped: six characters each")

    return handler


@scenario()
def a_large_step(sdk, world):
    def handler(event, context):
        length = len(context.step(large, name="bytes"))
        context.wait(sdk.seconds(1))
        return length

    return handler


@scenario()
def a_large_result(sdk, world):
    return lambda event, context: "x" * (6_291_406 - 2)


@scenario()
def a_result_that_is_checkpointed(sdk, world):
    return lambda event, context: context.step(is_(1), name="s") and "x" * (6_291_406 - 1)


@scenario()
def a_result_that_no_checkpoint_takes(sdk, world):
    return lambda event, context: "x" * 7_000_000


@scenario()
def an_error_that_no_checkpoint_takes(sdk, world):
    def handler(event, context):
        raise ShopError("x" * 7_000_000)

    return handler


@scenario()
def an_error_of_40_kilobytes_in_a_step(sdk, world):
    def handler(event, context):
        try:
            context.step(fails(ShopError("x" * 40_000)), name="s", config=sdk.step_config())
        except sdk.StepError as error:
            return len(str(error))

    return handler


@scenario()
def a_large_map(sdk, world):
    return mapped(sdk, range(5), of_size(60))


@scenario()
def a_large_map_with_a_summary(sdk, world):
    config = sdk.MapConfig(
        summary_generator=lambda batch: f"{batch.success_count} of {batch.total_count} \u00fc"
    )
    return mapped(sdk, range(5), of_size(60), config)


@scenario()
def a_large_flat_parallel(sdk, world):
    config = sdk.ParallelConfig(nesting_type=sdk.NestingType.FLAT, max_concurrency=2)

    def handler(event, context):
        branches = [lambda c, n=n: c.step(is_("x" * 60 * 1024), name=f"s {n}") for n in range(5)]
        result = batch_described(context.parallel(branches, name="p", config=config))
        context.wait(sdk.seconds(1))
        return result

    return handler


@scenario()
def a_large_branch(sdk, world):
    return mapped(sdk, range(2), of_size(300))


@scenario()
def a_large_map_with_failures(sdk, world):
    def branch(context, item, index, items):
        if index == 1:
            context.step(fails(ShopError("one")), name="bad", config=sdk.step_config())
        return "x" * LARGE

    return mapped(sdk, range(4), branch, completing(sdk, min_successful=2))


@scenario()
def a_large_map_that_ends_while_branches_wait(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.first_successful())
    return mapped(sdk, ["quick", "slow", "slower"], quick_or_waiting(sdk, world, "x" * LARGE), config)


@scenario()
def a_large_map_in_a_large_child(sdk, world):
    def work(child):
        batch = child.map(range(3), of_size(120), name="inner")
        child.wait(sdk.seconds(2))
        return [len(text) for text in batch.get_results()], "x" * LARGE

    def handler(event, context):
        first = context.run_in_child_context(work, name="work")
        context.wait(sdk.seconds(1))
        return first[0]

    return handler


@scenario(page_size=2)
def a_large_map_in_pages(sdk, world):
    return mapped(sdk, range(5), of_size(60))


@scenario()
def a_summary_of_a_batch_that_fails(sdk, world):
    return mapped(sdk, range(2), of_size(200), sdk.MapConfig(summary_generator=lambda batch: 1 // 0))
