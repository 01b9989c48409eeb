"""Scenarios of code that changes under a running execution."""

from tests.reference.bodies import LARGE, doubled, is_, of_size
from tests.reference.outside import Answer
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


def became(name, before, after, *answers):
    """Add a scenario of an operation that is another one in the second invocation."""

    def build(sdk, world):
        def handler(event, context):
            (before if world.again("handler") == 1 else after)(sdk, context)
            context.wait(sdk.seconds(1))

        return handler

    build.__name__ = name
    scenario(answers=answers)(build)


def looked_at(sdk, context, name):
    strategy = lambda state, attempt: sdk.WaitForConditionDecision.stop_polling()  # noqa: E731
    return context.wait_for_condition(lambda state, _: state, sdk.WaitForConditionConfig(strategy, 1), name)


def handed_over(sdk, context, name):
    return context.wait_for_callback(lambda *_: None, name)


became(
    "a_callback_that_was_renamed",
    lambda sdk, c: c.create_callback("a"),
    lambda sdk, c: c.create_callback("b"),
)
became(
    "a_callback_whose_subtype_changed",
    lambda sdk, c: c.create_callback("a"),
    lambda sdk, c: c.create_callback("a", sdk.CallbackConfig(sub_type="Other")),
)
became(
    "a_callback_that_became_an_invoke",
    lambda sdk, c: c.create_callback("a"),
    lambda sdk, c: c.invoke("shop", 1, "a"),
)
became(
    "an_invoke_that_became_a_step",
    lambda sdk, c: c.invoke("f", 1, "a"),
    lambda sdk, c: c.step(is_(1), "a"),
    Answer("a", "1"),
)
became(
    "an_invoke_that_was_renamed",
    lambda sdk, c: c.invoke("f", 1, "a"),
    lambda sdk, c: c.invoke("f", 1, "b"),
    Answer("a", "1"),
)
became(
    "an_invoke_of_another_function",  # which nobody compares
    lambda sdk, c: c.invoke("f", 1, "a"),
    lambda sdk, c: c.invoke("g", 2, "a", sdk.InvokeConfig(tenant_id="t")),
    Answer("a", "1"),
)
became(
    "a_step_that_became_a_condition",
    lambda sdk, c: c.step(is_(1), "a"),
    lambda sdk, c: looked_at(sdk, c, "a"),
)
became(
    "a_condition_that_was_renamed",
    lambda sdk, c: looked_at(sdk, c, "a"),
    lambda sdk, c: looked_at(sdk, c, "b"),
)
became(
    "a_child_that_became_a_wait_for_a_callback",
    lambda sdk, c: c.run_in_child_context(lambda own: 1, "a"),
    lambda sdk, c: handed_over(sdk, c, "a"),
)
became(
    "a_callback_and_a_step_that_became_a_wait_for_a_callback",
    lambda sdk, c: (c.create_callback("a"), c.step(is_(1), "s"), c.wait(sdk.seconds(1))),
    lambda sdk, c: handed_over(sdk, c, "a"),
)
