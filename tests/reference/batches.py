"""Scenarios of map and parallel: branches and their results."""

from tests.reference.bodies import ShopError, completing, doubled, failing_on, fails, is_, mapped
from tests.reference.scenarios import Scenarios, batch_described, described

scenario = Scenarios()


@scenario()
def a_map(sdk, world):
    return mapped(sdk, [1, 2, 3, 4, 5], doubled)


@scenario()
def a_map_without_a_name_over_a_string(sdk, world):
    return mapped(sdk, "abc", doubled, name=None)


@scenario()
def a_map_in_a_child_with_names_for_its_items(sdk, world):
    config = sdk.MapConfig(item_namer=lambda item, index: f"{item}-{index}" if index else "")

    def handler(event, context):
        batch = context.run_in_child_context(
            lambda c: c.map((7, 8), doubled, name="m", config=config), name="c"
        )
        return batch_described(batch)

    return handler


@scenario()
def an_empty_map(sdk, world):
    return mapped(sdk, [], doubled)


@scenario()
def an_empty_parallel(sdk, world):
    return lambda event, context: batch_described(context.parallel([], name="p"))


@scenario()
def a_parallel_with_named_branches(sdk, world):
    @sdk.durable_parallel_branch("fetch")
    def fetch(context, url):
        return context.step(is_(url), name="get")

    @sdk.durable_parallel_branch()
    def unnamed(context):
        return (1, 2)

    branches = [
        fetch("a"),
        unnamed(),
        sdk.ParallelBranch(lambda context: None, name="none"),
        sdk.ParallelBranch(lambda context: 1, name=""),
        lambda context: {"plain": True},
    ]

    def handler(event, context):
        result = batch_described(context.parallel(branches))
        context.wait(sdk.seconds(1))
        return result

    return handler


@scenario()
def two_at_a_time_with_waits(sdk, world):
    def branch(context, item, index, items):
        context.wait(sdk.seconds(item), name=f"wait {index}")
        return context.step(is_(item), name=f"step {index}")

    return mapped(sdk, [5, 3, 1, 2], branch, sdk.MapConfig(max_concurrency=2))


@scenario()
def waits_in_all_branches(sdk, world):
    def branch(context, item, index, items):
        before = context.step(lambda _: world.again(f"before {index}"), name=f"before {index}")
        context.wait(sdk.seconds(item), name=f"wait {index}")
        return [before, context.step(lambda _: world.again(f"after {index}"), name=f"after {index}")]

    return mapped(sdk, [10, 20, 10], branch)


@scenario()
def one_at_a_time_with_retries(sdk, world):
    def branch(context, item, index, items):
        def flaky(step):
            if step.attempt <= index:
                raise ValueError(f"attempt {step.attempt}")
            return step.attempt

        return context.step(flaky, name=f"step {index}", config=sdk.step_config(3))

    return mapped(sdk, "abc", branch, sdk.MapConfig(max_concurrency=1))


@scenario()
def a_step_that_fails_in_a_child_in_a_map(sdk, world):
    def branch(context, item, index, items):
        def work(child):
            child.step(fails(ShopError(f"deep {index}")), name=f"s {index}", config=sdk.step_config())

        context.run_in_child_context(work, name=f"child {index}")

    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
    return mapped(sdk, [1, 2], branch, config)


@scenario()
def an_execution_error_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        context.step(is_(item), name="s")
        raise sdk.ExecutionError("give up")

    config = completing(sdk, tolerated_failure_count=5)
    return mapped(sdk, [1, 2], branch, config)


@scenario()
def a_branch_whose_result_cannot_be_serialized(sdk, world):
    def handler(event, context):
        batch = context.map([1], lambda context, item, index, items: {1}, name="m")
        try:
            batch.throw_if_error()
        except sdk.SerDesError as error:
            return [error.error_type, batch.failure_count, batch.completion_reason.value]

    return handler


@scenario()
def flat_branches(sdk, world):
    def branch(context, item, index, items):
        context.wait(sdk.seconds(item), name=f"wait {index}")
        nested = context.run_in_child_context(
            lambda c: c.step(is_(index), name=f"in {index}"), name=f"c {index}"
        )
        return (nested, item)

    return mapped(sdk, [1, 2, 3], branch, sdk.MapConfig(nesting_type=sdk.NestingType.FLAT))


@scenario()
def a_flat_parallel_with_a_failure(sdk, world):
    config = sdk.ParallelConfig(
        max_concurrency=1,
        nesting_type=sdk.NestingType.FLAT,
        completion_config=sdk.CompletionConfig(tolerated_failure_count=1),
    )

    def bad(context):
        context.step(fails(ShopError("no")), name="s", config=sdk.step_config())

    def handler(event, context):
        result = batch_described(context.parallel([bad, lambda c: c.step(is_(1)), bad, bad], config=config))
        context.wait(sdk.seconds(1))
        return result

    return handler


@scenario()
def a_parallel_in_a_map(sdk, world):
    def branch(context, item, index, items):
        batch = context.parallel([lambda c: c.step(is_(item)), lambda c: -item], name=f"p {index}")
        return batch.get_results()

    return mapped(sdk, [1, 2], branch)


@scenario()
def a_batch_as_the_result_of_a_branch(sdk, world):
    return mapped(sdk, ["ab", "cd"], lambda c, item, index, items: c.map(item, doubled, name="inner"))


@scenario()
def an_item_namer_that_raises(sdk, world):
    return mapped(sdk, [1, 2], doubled, sdk.MapConfig(item_namer=lambda item, index: item.name))


@scenario()
def serializers_for_items_and_batch(sdk, world):
    class Marked(sdk.SerDes):
        def __init__(self, mark):
            self.mark = mark

        def serialize(self, value, _):
            return f"{self.mark}{len(value.all) if hasattr(value, 'all') else value}"

        def deserialize(self, data, _):
            return [self.mark, data]

    def handler(event, context):
        both = sdk.MapConfig(serdes=Marked("batch:"), item_serdes=Marked("item:"))
        one = sdk.MapConfig(serdes=Marked("all:"))
        result = [context.map([1, 2], doubled, name=n, config=c) for n, c in (("both", both), ("one", one))]
        context.wait(sdk.seconds(1))
        items = sdk.MapConfig(item_serdes=Marked("only:"))
        return [*result, batch_described(context.map([1, 2], doubled, name="items", config=items))]

    return handler


@scenario()
def an_execution_error_in_a_step_of_a_flat_branch(sdk, world):
    def branch(context, item, index, items):
        # At most once, so that the START is recorded for certain before the error ends all.
        once = sdk.StepConfig(step_semantics=sdk.StepSemantics.AT_MOST_ONCE_PER_RETRY)
        context.step(fails(sdk.ExecutionError("give up")), name="s", config=once)

    return mapped(sdk, [1], branch, sdk.MapConfig(nesting_type=sdk.NestingType.FLAT))


@scenario()
def a_flat_branch_whose_result_cannot_be_serialized(sdk, world):
    config = sdk.MapConfig(nesting_type=sdk.NestingType.FLAT)
    return mapped(sdk, [1], lambda context, item, index, items: {1}, config)


@scenario()
def a_batch_as_the_result_of_a_step(sdk, world):
    def handler(event, context):
        batch = context.map([1, 2], failing_on(sdk, 2), name="m", config=sdk.MapConfig(max_concurrency=1))
        again = context.step(is_({"batch": batch}), name="s")["batch"]
        context.wait(sdk.seconds(1))
        return [batch_described(again), again == batch]

    return handler


@scenario()
def flat_in_flat(sdk, world):
    flat = sdk.MapConfig(nesting_type=sdk.NestingType.FLAT)

    def branch(context, item, index, items):
        inner = context.map("ab", doubled, name=f"inner {index}", config=flat)
        virtual = context.run_in_child_context(
            lambda c: c.step(is_(index), name=f"v {index}"), config=sdk.ChildConfig(is_virtual=True)
        )
        return [inner.get_results(), virtual]

    return mapped(sdk, [1, 2], branch, flat)


@scenario()
def child_functions_as_branches(sdk, world):
    @sdk.durable_with_child_context
    def work(context, value):
        return context.step(is_(value), name="s")

    return lambda event, context: context.parallel([work(1), work(2)], name="p").get_results()


@scenario()
def a_failed_map_in_a_child(sdk, world):
    def work(child):
        child.map([1], failing_on(sdk, 1), name="m").throw_if_error()

    def handler(event, context):
        try:
            context.run_in_child_context(work, name="work")
        except sdk.ChildContextError as error:
            return described(error)

    return handler


@scenario()
def names_of_branches_that_a_predicate_sees(sdk, world):
    seen = []

    def look(status):
        seen.append([item.name for item in status.items])
        return sdk.continue_batch()

    completion = sdk.CompletionConfig(should_complete=look)

    def handler(event, context):
        mine, unnamed = sdk.ParallelBranch(lambda c: 1, name="mine"), sdk.ParallelBranch(lambda c: 3)
        branches = [mine, lambda c: 2, unnamed]
        config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)
        context.parallel(branches, name="p", config=config)
        namer = sdk.MapConfig(
            max_concurrency=1, completion_config=completion, item_namer=lambda item, index: f"item {item}"
        )
        context.map("ab", doubled, name="m", config=namer)
        return seen

    return handler


@scenario()
def a_map_over_everything_that_is_a_sequence(sdk, world):
    def handler(event, context):
        sizes = []
        for inputs in ((1, 2), range(3), b"ab", "xyz", [None, None]):
            batch = context.map(inputs, lambda c, item, index, items: [index, str(item), len(items)])
            sizes.append(batch.get_results())
        return sizes

    return handler


@scenario()
def a_context_within_its_child(sdk, world):
    def handler(event, context):
        def branch(c, item, index, items):
            inner = c.parallel([lambda cc: cc.step(is_(item), name="deep")], name=f"inner {index}")
            c.wait(sdk.seconds(2), name=f"w {index}")
            return [*inner.get_results(), c.step(is_(index), name="last")]

        return context.run_in_child_context(
            lambda c: c.map([1, 2], branch, name="m").get_results(), name="outer"
        )

    return handler
