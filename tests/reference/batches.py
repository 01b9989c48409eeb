"""Scenarios of map and parallel: their results, and when they are complete."""

from datetime import UTC, datetime

from tests.reference.children import LARGE
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, described
from tests.reference.steps import ShopError, fails, is_

BATCHES = scenario = Scenarios()


def now():
    """The machine's time, as precise as the wire has it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def doubled(context, item, index, items):
    """A branch of one step."""
    return context.step(is_(item * 2), name=f"step {index}")


def failing_on(*bad):
    """A branch of one step, which fails for the items in `bad`."""

    def branch(context, item, index, items):
        def body(_):
            if item in bad:
                raise ShopError(f"item {item}")
            return item

        return context.step(body, name=f"step {index}", config=context_config(context))

    return branch


def context_config(context):
    """No retries, from the SDK that the context is of."""
    from tests.reference.scenarios import Sdk

    return Sdk(type(context).__module__.rpartition(".")[0]).step_config()


def completing(sdk, **criteria):
    """A completion config one item at a time, so that what is decided does not depend on a race."""
    return sdk.MapConfig(max_concurrency=1, completion_config=sdk.CompletionConfig(**criteria))


def mapped(sdk, inputs, branch, config=None, name="m"):
    """A handler that maps, replays, and says what it got."""

    def handler(event, context):
        result = batch_described(context.map(inputs, branch, name=name, config=config))
        context.wait(sdk.seconds(1), name="afterwards")
        return result

    return handler


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
def a_map_that_stops_at_its_first_failure(sdk, world):
    config = sdk.MapConfig(max_concurrency=1)
    return mapped(sdk, range(5), failing_on(1), config)


@scenario()
def a_tolerated_number_of_failures(sdk, world):
    return mapped(sdk, range(4), failing_on(1, 3), completing(sdk, tolerated_failure_count=2))


@scenario()
def a_number_of_failures_that_is_not_tolerated(sdk, world):
    return mapped(sdk, range(5), failing_on(0, 2), completing(sdk, tolerated_failure_count=1))


@scenario()
def a_share_of_failures_that_is_not_tolerated(sdk, world):
    return mapped(sdk, range(10), failing_on(0, 1, 3, 4), completing(sdk, tolerated_failure_percentage=20))


@scenario()
def all_completed_with_failures(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
    return mapped(sdk, range(4), failing_on(0, 1, 2, 3), config)


@scenario()
def enough_successes(sdk, world):
    return mapped(sdk, range(5), failing_on(0), completing(sdk, min_successful=2))


@scenario()
def successes_that_never_come(sdk, world):
    return mapped(sdk, range(3), failing_on(0, 1), completing(sdk, min_successful=3))


@scenario()
def more_successes_than_items(sdk, world):
    def handler(event, context):
        try:
            context.map([1], doubled, config=completing(sdk, min_successful=2))
        except sdk.ValidationError:
            return context.step(is_("refused"))

    return handler


@scenario()
def a_failed_map_that_is_raised(sdk, world):
    def handler(event, context):
        context.map([1, 2], failing_on(2), name="m", config=sdk.MapConfig(max_concurrency=1)).throw_if_error()

    return handler


@scenario()
def enough_while_other_branches_wait(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.first_successful())
    return mapped(sdk, ["quick", "slow", "slower"], quick_or_waiting(sdk, world), config)


def quick_or_waiting(sdk, world, result="quick"):
    """The first branch ends once the others wait for a day."""

    def branch(context, item, index, items):
        if index:
            context.wait(sdk.Duration.from_days(1), name=f"wait {index}")
            return item

        def body(_):
            for other in range(1, len(items)):
                world.until(f"wait {other}")
            return result

        return context.step(body, name="quick")

    return branch


@scenario()
def a_parallel_that_fails_while_another_branch_waits(sdk, world):
    def failing(context):
        def body(_):
            world.until("long")
            raise ShopError("no")

        context.step(body, name="s", config=sdk.step_config())

    def waiting(context):
        context.wait(sdk.Duration.from_days(1), name="long")

    def handler(event, context):
        batch = context.parallel([failing, waiting], name="p")
        try:
            batch.throw_if_error()
        except sdk.ChildContextError as error:
            return [batch_described(batch), described(error)]

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
def an_invocation_error_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        value = context.step(lambda _: world.again(f"step {index}"), name=f"step {index}")
        if index == 1 and world.again("branch") == 1:
            raise sdk.InvocationError("later")
        return value

    return mapped(sdk, "abc", branch, sdk.MapConfig(max_concurrency=1))


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


def complete_when(sdk, condition, outcome="SUCCEEDED"):
    """A config whose predicate completes the batch when `condition` holds of its status."""

    def predicate(status):
        if condition(status):
            return sdk.complete_batch(sdk.CompletionOutcome[outcome])
        return sdk.continue_batch()

    return completing(sdk, should_complete=predicate)


@scenario()
def a_predicate_that_is_content(sdk, world):
    return mapped(sdk, range(5), failing_on(0), complete_when(sdk, lambda s: s.success_count == 2))


@scenario()
def a_predicate_that_fails_the_batch(sdk, world):
    def handler(event, context):
        config = complete_when(sdk, lambda s: s.completed_count == 1, "FAILED")
        batch = context.map([1, 2], doubled, name="m", config=config)
        try:
            batch.throw_if_error()
        except sdk.BatchCompletionError as error:
            return [batch_described(batch), described(error)]

    return handler


@scenario()
def a_predicate_that_wants_nothing(sdk, world):
    return mapped(sdk, range(3), doubled, complete_when(sdk, lambda s: True))


@scenario()
def a_predicate_that_is_never_content(sdk, world):
    return mapped(sdk, range(3), failing_on(0, 1), complete_when(sdk, lambda s: False))


@scenario()
def what_a_predicate_sees(sdk, world):
    seen = []

    def look(status):
        items = [[i.index, i.name, i.status.value if i.status else None] for i in status.items]
        seen.append(
            [status.success_count, status.failure_count, status.completed_count, status.total_count, items]
        )
        return False

    config = complete_when(sdk, look)

    def handler(event, context):
        context.map(range(3), failing_on(1), name="m", config=config)
        return seen

    return handler


@scenario()
def a_predicate_that_raises(sdk, world):
    return mapped(sdk, [1, 2], doubled, complete_when(sdk, lambda s: 1 // s.total_count // 0))


@scenario()
def an_item_namer_that_raises(sdk, world):
    return mapped(sdk, [1, 2], doubled, sdk.MapConfig(item_namer=lambda item, index: item.name))


def of_size(kilobytes):
    """A branch whose result is so large."""

    def branch(context, item, index, items):
        size = context.step(is_(kilobytes), name=f"step {index}")
        return "x" * (size * 1024)

    return branch


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
def a_large_map_that_went_flat(sdk, world):
    def handler(event, context):
        nesting = sdk.NestingType.NESTED if world.again("handler") == 1 else sdk.NestingType.FLAT
        context.map([1, 2], of_size(200), name="m", config=sdk.MapConfig(nesting_type=nesting))
        context.wait(sdk.seconds(1))

    return handler


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


@scenario()
def branches_that_changed_their_names(sdk, world):
    def handler(event, context):
        run = world.again("handler")
        config = sdk.MapConfig(item_namer=lambda item, index: f"{item} in run {run}")

        def branch(c, item, index, items):
            c.wait(sdk.seconds(1), name=f"w {index}")

        context.map([1, 2], branch, name="m", config=config)

    return handler


@scenario()
def a_map_that_became_a_parallel(sdk, world):
    def handler(event, context):
        if world.again("handler") == 1:
            context.map([1], doubled)
        else:
            context.parallel([lambda c: 1])
        context.wait(sdk.seconds(1))

    return handler


def of_nesting(sdk, world, before, after, branch):
    """A handler whose map is nested otherwise in its second invocation."""

    def handler(event, context):
        nesting = sdk.NestingType[before if world.again("handler") == 1 else after]
        config = sdk.MapConfig(nesting_type=nesting, max_concurrency=1)
        batch = context.map([1, 2], branch, name="m", config=config)
        context.wait(sdk.seconds(1))
        return batch_described(batch)

    return handler


@scenario()
def a_large_map_without_operations_that_went_flat(sdk, world):
    return of_nesting(sdk, world, "NESTED", "FLAT", lambda c, item, index, items: "x" * LARGE)


@scenario()
def a_large_map_that_went_nested(sdk, world):
    return of_nesting(sdk, world, "FLAT", "NESTED", of_size(200))


@scenario()
def a_map_under_way_that_went_flat(sdk, world):
    def branch(context, item, index, items):
        context.wait(sdk.seconds(3), name=f"w {index}")

    return of_nesting(sdk, world, "NESTED", "FLAT", branch)


@scenario()
def a_map_under_way_that_went_nested(sdk, world):
    def branch(context, item, index, items):
        context.wait(sdk.seconds(3), name=f"w {index}")

    return of_nesting(sdk, world, "FLAT", "NESTED", branch)


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


def waiting_for_their_item(sdk):
    """Branches that wait as many seconds as their item says, and fail if it is even."""

    def branch(context, item, index, items):
        context.wait(sdk.seconds(item), name=f"wait {index}")
        if item % 2 == 0:
            raise ShopError(f"item {item}")
        return item

    return branch


@scenario()
def enough_successes_in_a_later_invocation(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig(min_successful=2))
    return mapped(sdk, [9, 3, 13, 5, 11], waiting_for_their_item(sdk), config)


@scenario()
def too_many_failures_in_a_later_invocation(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig(tolerated_failure_count=1))
    return mapped(sdk, [9, 2, 13, 4, 11], waiting_for_their_item(sdk), config)


@scenario()
def a_flat_map_with_enough_in_a_later_invocation(sdk, world):
    config = sdk.MapConfig(
        completion_config=sdk.CompletionConfig(min_successful=2), nesting_type=sdk.NestingType.FLAT
    )
    return mapped(sdk, [9, 3, 13, 5, 11], waiting_for_their_item(sdk), config)


@scenario()
def a_predicate_over_invocations(sdk, world):
    def enough(status):
        return sum(item.status is not None and item.status.value == "SUCCEEDED" for item in status.items) >= 2

    config = sdk.MapConfig(completion_config=complete_when(sdk, enough).completion_config)
    return mapped(sdk, [9, 3, 13, 5, 11], waiting_for_their_item(sdk), config)


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


@scenario()
def an_execution_error_in_a_step_of_a_flat_branch(sdk, world):
    def branch(context, item, index, items):
        context.step(fails(sdk.ExecutionError("give up")), name="s")

    return mapped(sdk, [1], branch, sdk.MapConfig(nesting_type=sdk.NestingType.FLAT))


@scenario()
def a_flat_branch_whose_result_cannot_be_serialized(sdk, world):
    config = sdk.MapConfig(nesting_type=sdk.NestingType.FLAT)
    return mapped(sdk, [1], lambda context, item, index, items: {1}, config)


@scenario(crash=Crash("once"))
def an_at_most_once_step_interrupted_in_a_branch(sdk, world):
    def branch(context, item, index, items):
        return context.step(is_(item), name="once" if index else "first", config=sdk.at_most_once(1))

    return mapped(sdk, [1, 2, 3], branch, sdk.MapConfig(max_concurrency=1))


@scenario()
def a_batch_as_the_result_of_a_step(sdk, world):
    def handler(event, context):
        batch = context.map([1, 2], failing_on(2), name="m", config=sdk.MapConfig(max_concurrency=1))
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
def a_summary_of_a_batch_that_fails(sdk, world):
    return mapped(sdk, range(2), of_size(200), sdk.MapConfig(summary_generator=lambda batch: 1 // 0))


@scenario()
def a_failed_map_in_a_child(sdk, world):
    def work(child):
        child.map([1], failing_on(1), name="m").throw_if_error()

    def handler(event, context):
        try:
            context.run_in_child_context(work, name="work")
        except sdk.ChildContextError as error:
            return described(error)

    return handler
