"""Scenarios of `invoke`: what another function is given, and every way in which it can end."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

from durably.actors.model import ErrorObject
from tests.reference.outside import Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, outcome

scenario = Scenarios()

FAILURE = ErrorObject("no stock", "shop.StockError", '{"left": 0}', ("at take", "at main"))


def invoking(sdk, world, payload=None, **options):
    """A handler that invokes, says what comes of it, and replays that."""
    config = sdk.InvokeConfig(**options) if options else None

    def handler(event, context):
        context.step(world.body("before"), name="before")
        answer = outcome(context.invoke, "shop", payload, name="inv", config=config)
        context.step(world.body("after"), name="after")
        context.wait(sdk.seconds(1), name="afterwards")
        return answer

    return handler


def ends(name, payload=None, **how):
    """Add a scenario of an invoke that ends so."""

    def build(sdk, world):
        return invoking(sdk, world, payload)

    build.__name__ = name
    scenario(answers=[Answer("inv", **how)])(build)


ends(
    "an_invoke", {"items": ["tea", 2, None, 1.5, True]}, result='{"total": [12.5, null, {"t": "s", "v": 1}]}'
)
ends("an_invoke_of_a_text", "snow \u2603 \ud800", result='"\\u2603"')
ends("an_invoke_of_nothing_that_gives_nothing")
ends("an_invoke_that_gives_null", 0, result="null")
ends("an_invoke_that_gives_an_empty_text", "", result="")
ends("an_invoke_that_gives_what_is_no_json", [], result="no json")
ends("an_invoke_of_a_tuple_and_keys_that_are_numbers", {1: (1, (2, [3]))}, result="[1]")
ends("an_invoke_of_not_a_number", [float("nan"), float("inf")], result="[NaN, -Infinity]")
ends("an_invoke_that_fails", error=FAILURE)
ends("an_invoke_that_fails_without_a_word", error=ErrorObject())
ends("an_invoke_that_fails_with_an_error_of_ours", error=ErrorObject("x", "ValueError"))
ends("an_invoke_that_times_out", error=ErrorObject("Timed out", "ChainedInvoke.Timeout"), status="TIMED_OUT")
ends("an_invoke_that_times_out_without_a_word", status="TIMED_OUT")
ends("an_invoke_that_is_stopped", error=FAILURE, status="STOPPED")
ends("an_invoke_that_is_stopped_without_a_word", status="STOPPED")
ends("an_invoke_that_is_answered_as_it_begins", 1, result="2", at=("inv", "START"))
ends("an_invoke_that_fails_as_it_begins", 1, error=FAILURE, at=("inv", "START"))


@scenario(functions=["other"])
def an_invoke_of_an_unknown_function(sdk, world):
    return invoking(sdk, world)


@scenario(functions=[])
def an_invoke_of_an_unknown_function_uncaught(sdk, world):
    return lambda event, context: context.invoke("shop", None)


@scenario(answers=[Answer("", "1")])
def an_invoke_without_a_name(sdk, world):
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop:7"
    return lambda event, context: context.invoke(function_name=arn, payload=[1])


@scenario(answers=[Answer("inv", error=FAILURE)])
def an_invoke_that_fails_uncaught(sdk, world):
    return lambda event, context: context.invoke("shop", None, "inv")


@scenario()
def payloads_that_cannot_be_sent(sdk, world):
    values = [datetime(2024, 1, 2, tzinfo=UTC), Decimal(1), uuid.UUID(int=7), b"x", {1, 2}, {(1, 2): 3}]

    def handler(event, context):
        seen = [outcome(context.invoke, "shop", value) for value in values]
        context.wait(sdk.seconds(1))
        return [[each["class"], each["error_type"]] for each in seen]

    return handler


@scenario()
def a_payload_that_cannot_be_sent_uncaught(sdk, world):
    return lambda event, context: context.invoke("shop", {"at": datetime(2024, 1, 2, tzinfo=UTC)}, "inv")


class Marked:
    """A serializer that shows where it was at work."""

    def serialize(self, value, _):
        return f"<{value}>"

    def deserialize(self, data, _):
        return ("read", data)


@scenario(answers=[Answer("inv", "<result>")])
def an_invoke_with_serializers(sdk, world):
    return invoking(sdk, world, "payload", serdes_payload=Marked(), serdes_result=Marked())


@scenario(answers=[Answer("inv", '{"t":"t","v":[{"t":"i","v":1}]}')])
def an_invoke_with_extended_types(sdk, world):
    serdes = sdk.ExtendedTypeSerDes()
    return invoking(sdk, world, {"at": (Decimal(1), b"x")}, serdes_payload=serdes, serdes_result=serdes)


@scenario(answers=[Answer("inv", "1")])
def an_invoke_whose_payload_becomes_nothing(sdk, world):
    class Nothing(Marked):
        def serialize(self, value, _):
            return None

    return invoking(sdk, world, 1, serdes_payload=Nothing())


@scenario(answers=[Answer("inv", "text")])
def an_invoke_whose_result_cannot_be_read(sdk, world):
    class Broken(Marked):
        def deserialize(self, data, _):
            raise ValueError(data)

    return invoking(sdk, world, 1, serdes_result=Broken())


@scenario(answers=[Answer("inv", "7")])
def an_invoke_whose_serializers_fail_for_now(sdk, world):
    class Store(Marked):
        def serialize(self, value, _):
            if world.again("out") == 1:
                raise sdk.RetryableSerDesError("store is down")
            return str(value)

        def deserialize(self, data, _):
            if world.again("back") == 1:
                raise sdk.RetryableSerDesError("store is down")
            return int(data)

    return invoking(sdk, world, 1, serdes_payload=Store(), serdes_result=Store())


@scenario(answers=[Answer("inv", "1")])
def an_invoke_for_a_tenant(sdk, world):
    return invoking(sdk, world, {"a": 1}, tenant_id="acme")


@scenario(answers=[Answer("a", "1"), Answer("b", "2"), Answer("c", error=FAILURE)])
def invokes_one_after_another(sdk, world):
    def handler(event, context):
        seen = []
        for name in "abc":
            seen.append(outcome(context.invoke, "shop", seen, name=name))
            context.step(world.body(name), name=f"after {name}")
        return seen

    return handler


@scenario(answers=[[Answer("inv 1", error=FAILURE), Answer("inv 0", "[1]")], Answer("inv 2", "[2]")])
def invokes_in_branches_of_which_one_fails(sdk, world):
    def branch(context, item, index, items):
        return context.invoke("shop", item, f"inv {index}")

    def handler(event, context):
        config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
        batch = context.map("abc", branch, name="m", config=config)
        context.wait(sdk.seconds(1), name="afterwards")
        return [batch_described(batch), outcome(batch.throw_if_error)]

    return handler


@scenario(answers=[Answer("inv", error=FAILURE)])
def an_invoke_in_a_child_that_fails(sdk, world):
    def handler(event, context):
        return outcome(context.run_in_child_context, lambda c: c.invoke("shop", 1, "inv"), name="work")

    return handler


@scenario(crash=Crash("inv", "START", Fate.RECORDED), answers=[Answer("inv", "1")])
def a_crash_after_an_invoke_has_begun(sdk, world):
    return invoking(sdk, world, 1)


@scenario(crash=Crash("inv", "START"), answers=[Answer("inv", "1")])
def a_crash_before_an_invoke_has_begun(sdk, world):
    return invoking(sdk, world, 1)


@scenario(crash=Crash("inv", "START", Fate.WITHDRAWN), answers=[Answer("inv", "1")])
def a_token_withdrawn_after_an_invoke(sdk, world):
    return invoking(sdk, world, 1)


@scenario(crash=Crash("inv", "START", Fate.REFUSED))
def an_invoke_that_is_refused_for_good(sdk, world):
    return invoking(sdk, world, 1)


@scenario(answers=[Answer("inv", status="CANCELLED")])
def an_invoke_that_is_cancelled(sdk, world):
    return invoking(sdk, world)


@scenario(answers=[Answer("inv", error=ErrorObject("big", "Big", "d" * 32_700))])
def an_invoke_that_fails_hugely_in_a_child(sdk, world):
    def handler(event, context):
        seen = outcome(context.run_in_child_context, lambda c: c.invoke("shop", 1, "inv"), name="work")
        return [seen["class"], len(seen["data"] or "")]

    return handler


@scenario(answers=[Answer("inv", '"' + "y" * 1_048_574 + '"')])
def an_invoke_of_a_mebibyte(sdk, world):
    def handler(event, context):
        text = context.invoke("shop", "x" * 1_048_574, "inv")
        context.wait(sdk.seconds(1))
        return len(text)

    return handler


@scenario()
def an_invoke_of_more_than_a_mebibyte(sdk, world):
    return lambda event, context: context.invoke("shop", "x" * 1_048_575, "inv")


@scenario(answers=[Answer("", "1")])
def an_invoke_with_an_empty_name(sdk, world):
    return lambda event, context: context.invoke("shop", 1, name="")
