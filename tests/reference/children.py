"""Scenarios of child contexts, and of results that are too large to be recorded as they are."""

from tests.reference.scenarios import Crash, Fate, Scenarios, described
from tests.reference.steps import ShopError, fails, is_

CHILDREN = scenario = Scenarios()

LARGE = 300 * 1024


def large(_):
    """A body, or a child's code, whose result is 300 KB."""
    return "x" * LARGE


@scenario()
def nested_children(sdk, world):
    @sdk.durable_with_child_context
    def deeper(context, depth):
        value = context.step(is_(depth), name=f"step {depth}")
        return [value, context.run_in_child_context(deeper(depth - 1)) if depth else None]

    def handler(event, context):
        first = context.run_in_child_context(deeper(3))
        context.wait(sdk.seconds(1))
        return [first, context.run_in_child_context(lambda child: None), context.step(is_(1))]

    return handler


@scenario()
def a_child_with_a_subtype_and_a_wait(sdk, world):
    def work(child):
        child.step(is_(1), name="before")
        child.wait(sdk.seconds(60))
        return (child.step(is_(2), name="after"),)

    return lambda event, context: repr(
        context.run_in_child_context(work, name="work", config=sdk.ChildConfig(sub_type="Saga"))
    )


@scenario()
def a_child_that_fails(sdk, world):
    def work(child):
        raise ShopError("no")

    return lambda event, context: context.run_in_child_context(work, name="work")


@scenario()
def a_failure_through_two_children(sdk, world):
    def inner(child):
        child.step(fails(ShopError("deep")), name="s", config=sdk.step_config(2))

    def outer(child):
        child.run_in_child_context(inner, name="inner")

    def handler(event, context):
        seen = None
        try:
            context.run_in_child_context(outer, name="outer")
        except sdk.ChildContextError as error:
            seen = described(error)
        context.wait(sdk.seconds(1))
        return seen

    return handler


@scenario()
def an_execution_error_in_a_child(sdk, world):
    def work(child):
        child.step(is_(1))
        raise sdk.ExecutionError("give up")

    return lambda event, context: context.run_in_child_context(work, name="work")


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


@scenario()
def a_childs_result_that_cannot_be_serialized(sdk, world):
    return lambda event, context: context.run_in_child_context(lambda child: {1}, name="work")


@scenario()
def a_childs_error_with_a_serializer_of_its_own(sdk, world):
    class Picky(sdk.SerDes):
        def serialize(self, value, _):
            raise sdk.SerDesError("I do not like it", data="data", stack_trace=["line"])

        def deserialize(self, data, _):
            raise AssertionError(data)

    def handler(event, context):
        try:
            context.run_in_child_context(lambda child: 1, name="w", config=sdk.ChildConfig(serdes=Picky()))
        except sdk.SerDesError as error:
            return described(error)

    return handler


@scenario()
def virtual_children(sdk, world):
    virtual = sdk.ChildConfig(is_virtual=True)

    def work(child):
        child.step(is_(1), name="in virtual")
        nested = child.run_in_child_context(
            lambda c: c.step(is_(2), name="in nested"), name="n", config=virtual
        )
        recorded = child.run_in_child_context(lambda c: c.step(is_((3,)), name="in recorded"), name="r")
        child.wait(sdk.seconds(5))
        return [nested, recorded, (4,)]

    def handler(event, context):
        whole = context.run_in_child_context(
            lambda child: child.run_in_child_context(work, name="v", config=virtual), name="outer"
        )
        root = context.run_in_child_context(work, name="v", config=virtual)
        return [repr(whole), repr(root)]

    return handler


@scenario()
def a_virtual_child_that_fails(sdk, world):
    def work(child):
        child.step(is_(1))
        raise ShopError("no")

    def handler(event, context):
        try:
            context.run_in_child_context(work, config=sdk.ChildConfig(is_virtual=True))
        except sdk.ChildContextError as error:
            return described(error)

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
