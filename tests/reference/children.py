"""Scenarios of child contexts, recorded and virtual."""

from tests.reference.bodies import ShopError, fails, is_
from tests.reference.scenarios import Scenarios, described

scenario = Scenarios()


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
