"""Scenarios of when a map or parallel is complete."""

from tests.reference.bodies import (
    ShopError,
    complete_when,
    completing,
    doubled,
    failing_on,
    is_,
    mapped,
    quick_or_waiting,
)
from tests.reference.scenarios import Scenarios, batch_described, described

scenario = Scenarios()


@scenario()
def a_map_that_stops_at_its_first_failure(sdk, world):
    config = sdk.MapConfig(max_concurrency=1)
    return mapped(sdk, range(5), failing_on(sdk, 1), config)


@scenario()
def a_tolerated_number_of_failures(sdk, world):
    return mapped(sdk, range(4), failing_on(sdk, 1, 3), completing(sdk, tolerated_failure_count=2))


@scenario()
def a_number_of_failures_that_is_not_tolerated(sdk, world):
    return mapped(sdk, range(5), failing_on(sdk, 0, 2), completing(sdk, tolerated_failure_count=1))


@scenario()
def a_share_of_failures_that_is_not_tolerated(sdk, world):
    return mapped(
        sdk, range(10), failing_on(sdk, 0, 1, 3, 4), completing(sdk, tolerated_failure_percentage=20)
    )


@scenario()
def all_completed_with_failures(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
    return mapped(sdk, range(4), failing_on(sdk, 0, 1, 2, 3), config)


@scenario()
def enough_successes(sdk, world):
    return mapped(sdk, range(5), failing_on(sdk, 0), completing(sdk, min_successful=2))


@scenario()
def successes_that_never_come(sdk, world):
    return mapped(sdk, range(3), failing_on(sdk, 0, 1), completing(sdk, min_successful=3))


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
        context.map(
            [1, 2], failing_on(sdk, 2), name="m", config=sdk.MapConfig(max_concurrency=1)
        ).throw_if_error()

    return handler


@scenario()
def enough_while_other_branches_wait(sdk, world):
    config = sdk.MapConfig(completion_config=sdk.CompletionConfig.first_successful())
    return mapped(sdk, ["quick", "slow", "slower"], quick_or_waiting(sdk, world), config)


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
def a_predicate_that_is_content(sdk, world):
    return mapped(sdk, range(5), failing_on(sdk, 0), complete_when(sdk, lambda s: s.success_count == 2))


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
    return mapped(sdk, range(3), failing_on(sdk, 0, 1), complete_when(sdk, lambda s: False))


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
        context.map(range(3), failing_on(sdk, 1), name="m", config=config)
        return seen

    return handler


@scenario()
def a_predicate_that_raises(sdk, world):
    return mapped(sdk, [1, 2], doubled, complete_when(sdk, lambda s: 1 // s.total_count // 0))


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
