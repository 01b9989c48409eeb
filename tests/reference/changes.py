"""Scenarios of code that changes under a running execution."""

from tests.reference.bodies import LARGE, doubled, is_, of_size
from tests.reference.scenarios import Scenarios, batch_described

scenario = Scenarios()


@scenario()
def a_step_that_was_renamed(sdk, world):
    def handler(event, context):
        context.step(is_(1), name=f"run {world.again('handler')}")
        context.wait(sdk.seconds(1))

    return handler


@scenario()
def a_step_that_became_a_wait(sdk, world):
    def handler(event, context):
        if world.again("handler") == 1:
            context.step(is_(1))
        context.wait(sdk.seconds(1))
        context.wait(sdk.seconds(1))

    return handler


@scenario()
def a_subtype_that_changed(sdk, world):
    def handler(event, context):
        context.step(is_(1), config=sdk.step_config(sub_type=f"Run{world.again('handler')}"))
        context.wait(sdk.seconds(1))

    return handler


@scenario()
def a_child_that_became_virtual(sdk, world):
    def handler(event, context):
        virtual = world.again("handler") > 1
        context.run_in_child_context(lambda c: 1, name="w", config=sdk.ChildConfig(is_virtual=virtual))
        context.wait(sdk.seconds(1))

    return handler


@scenario()
def a_child_that_changed_inside(sdk, world):
    def work(child):
        child.step(is_(1), name=f"run {world.again('child')}")
        child.wait(sdk.seconds(1))

    def handler(event, context):
        try:
            context.run_in_child_context(work, name="work")
        except sdk.ChildContextError:
            return "must not be caught"

    return handler


@scenario()
def a_large_child_that_changed(sdk, world):
    def work(child):
        if world.again("child") > 1:
            child.step(is_(1), name="new")
        return "x" * LARGE

    def handler(event, context):
        context.run_in_child_context(work, name="work")
        context.wait(sdk.seconds(1))
        return "done"

    return handler


@scenario()
def a_large_map_that_went_flat(sdk, world):
    def handler(event, context):
        nesting = sdk.NestingType.NESTED if world.again("handler") == 1 else sdk.NestingType.FLAT
        context.map([1, 2], of_size(200), name="m", config=sdk.MapConfig(nesting_type=nesting))
        context.wait(sdk.seconds(1))

    return handler


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
