"""Scenarios of `create_callback`: its id, its options, and every way in which it can end."""

from durably.actors.model import ErrorObject
from tests.reference.bodies import LARGE
from tests.reference.outside import TIME, Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, outcome

scenario = Scenarios()

FAILURE = ErrorObject("card declined", "PaymentError", '{"code": 51}', ("at pay", "at main"))


def awaiting(sdk, world, name="cb", **options):
    """A handler that creates a callback, hands it over in a step and says what is answered, twice."""

    def handler(event, context):
        callback = context.create_callback(name=name, config=sdk.CallbackConfig(**options))
        context.step(world.body("hand over", bool(callback.callback_id)), name="hand over")
        answer = outcome(callback.result)
        context.wait(sdk.seconds(1), name="afterwards")
        return [answer, outcome(callback.result)]

    return handler


def ends(name, **how):
    """Add a scenario of a callback that ends so."""

    def build(sdk, world):
        return awaiting(sdk, world)

    build.__name__ = name
    scenario(answers=[Answer("cb", **how)])(build)


ends("a_callback_that_is_answered", result='{"paid": true}')
ends("a_callback_that_is_answered_with_an_empty_text", result="")
ends("a_callback_that_is_answered_without_a_result")
ends("a_callback_that_is_answered_with_much", result="x" * LARGE)
ends("a_callback_that_fails", error=FAILURE)
ends("a_callback_that_fails_without_a_word", error=ErrorObject())
ends("a_callback_that_fails_with_an_empty_message", error=ErrorObject("", data=""))
ends("a_callback_that_fails_with_data_alone", error=ErrorObject(data="d", stack_trace=()))
ends("a_callback_that_is_cancelled", status="CANCELLED")
ends("a_callback_that_is_cancelled_with_an_error", error=FAILURE, status="CANCELLED")
ends("a_callback_that_is_stopped", status="STOPPED")
ends("a_callback_that_is_stopped_with_an_error", error=FAILURE, status="STOPPED")
ends("a_callback_that_times_out_without_a_word", status="TIMED_OUT")
ends("a_callback_that_is_answered_before_it_is_awaited", result="early", at=("hand over", "SUCCEED"))
ends("a_callback_that_fails_before_it_is_awaited", error=FAILURE, at=("hand over", "SUCCEED"))
ends("a_callback_that_is_answered_as_it_begins", result="at once", at=("cb", "START"))


@scenario(answers=[Answer("", "yes")])
def a_callback_without_config_and_name(sdk, world):
    return lambda event, context: context.create_callback().result()


@scenario()
def a_callback_that_nobody_awaits(sdk, world):
    def handler(event, context):
        context.create_callback(name="cb")
        return context.step(world.body("s", 1), name="s")

    return handler


@scenario(answers=[TIME, Answer("b", "too late for anybody")])
def a_callback_that_is_answered_and_not_awaited(sdk, world):
    def handler(event, context):
        a = context.create_callback(name="a", config=sdk.CallbackConfig(timeout=sdk.seconds(5)))
        context.create_callback(name="b")
        seen = outcome(a.result)
        context.wait(sdk.seconds(5), name="w")
        return seen

    return handler


@scenario()
def a_callback_that_times_out(sdk, world):
    return awaiting(sdk, world, timeout=sdk.Duration.from_minutes(5))


@scenario(answers=[TIME])
def a_callback_whose_heart_stops(sdk, world):
    return awaiting(sdk, world, heartbeat_timeout=sdk.seconds(30), timeout=sdk.Duration.from_days(1))


@scenario(answers=[Answer("cb", heartbeat=20), Answer("cb", heartbeat=20), Answer("cb", "alive")])
def a_callback_whose_heart_beats(sdk, world):
    # Without the beats it would have timed out; time does not pass while somebody is about to answer.
    return awaiting(sdk, world, heartbeat_timeout=sdk.seconds(30))


@scenario(answers=[Answer("cb", heartbeat=20), TIME])
def a_callback_whose_heart_beats_once(sdk, world):
    return awaiting(sdk, world, heartbeat_timeout=sdk.seconds(30))


@scenario()
def a_callback_that_times_out_uncaught(sdk, world):
    config = sdk.CallbackConfig(timeout=sdk.seconds(99_999_999))
    return lambda event, context: context.create_callback("cb", config).result()


@scenario(answers=[Answer("cb", error=FAILURE)])
def a_callback_that_fails_uncaught(sdk, world):
    return lambda event, context: context.create_callback("cb").result()


@scenario(answers=[Answer("cb", "yes")])
def a_callback_with_a_subtype(sdk, world):
    return awaiting(sdk, world, sub_type="Approval")


@scenario(answers=[Answer("cb", '{"a": [1, 2.5, null]}')])
def a_callback_that_is_answered_in_json(sdk, world):
    return awaiting(sdk, world, serdes=sdk.JsonSerDes())


@scenario(answers=[Answer("cb", "no json")])
def a_callback_whose_answer_cannot_be_read(sdk, world):
    return awaiting(sdk, world, serdes=sdk.JsonSerDes())


@scenario(answers=[Answer("cb", "no json")])
def a_callback_whose_answer_cannot_be_read_uncaught(sdk, world):
    config = sdk.CallbackConfig(serdes=sdk.JsonSerDes())
    return lambda event, context: context.create_callback("cb", config).result()


@scenario(answers=[Answer("cb", "7")])
def a_callback_whose_serializer_fails_for_now(sdk, world):
    class Store(sdk.SerDes):
        def serialize(self, value, _):
            raise AssertionError(value)

        def deserialize(self, data, _):
            if world.again("store") == 1:
                raise sdk.RetryableSerDesError("store is down")
            return int(data)

    return awaiting(sdk, world, serdes=Store())


def two(sdk, world):
    """Two callbacks, awaited in order."""

    def handler(event, context):
        callbacks = [context.create_callback(name=name) for name in "ab"]
        context.step(world.body("s"), name="s")
        seen = []
        for name, callback in zip("ab", callbacks, strict=True):
            seen.append(outcome(callback.result))
            context.step(world.body(f"after {name}"), name="after")
        return seen

    return handler


@scenario(answers=[Answer("a", "1"), Answer("b", "2")])
def callbacks_that_are_answered_in_order(sdk, world):
    return two(sdk, world)


@scenario(answers=[Answer("b", "2"), Answer("a", "1")])
def callbacks_that_are_answered_out_of_order(sdk, world):
    return two(sdk, world)


@scenario(answers=[[Answer("b", error=FAILURE), Answer("a", "1")]])
def callbacks_that_are_answered_together(sdk, world):
    return two(sdk, world)


@scenario(answers=[Answer("cb", "yes")])
def a_callback_that_is_awaited_in_a_child(sdk, world):
    def handler(event, context):
        callback = context.create_callback(name="cb")

        def work(child):
            child.step(world.body("s"), name="s")
            return [callback.result(), child.step(world.body("t"), name="t")]

        seen = context.run_in_child_context(work, name="work")
        context.wait(sdk.seconds(1))
        return [seen, callback.result()]

    return handler


@scenario(answers=[Answer("cb", "yes")])
def a_callback_that_two_branches_await(sdk, world):
    def handler(event, context):
        callback = context.create_callback(name="cb")

        def branch(child, item, index, items):
            return [callback.result(), child.step(world.body(f"s {index}", item), name=f"s {index}")]

        return context.map([1, 2], branch, name="m").get_results()

    return handler


@scenario(answers=[Answer("cb", error=FAILURE)])
def a_callback_that_fails_in_a_child_uncaught(sdk, world):
    def handler(event, context):
        return outcome(
            context.run_in_child_context, lambda child: child.create_callback("cb").result(), name="work"
        )

    return handler


@scenario(crash=Crash("cb", "START", Fate.RECORDED), answers=[Answer("cb", "yes")])
def a_crash_after_a_callback_has_begun(sdk, world):
    return awaiting(sdk, world)


@scenario(crash=Crash("cb", "START"), answers=[Answer("cb", "yes")])
def a_crash_before_a_callback_has_begun(sdk, world):
    return awaiting(sdk, world)


@scenario(crash=Crash("cb", "START", Fate.WITHDRAWN), answers=[Answer("cb", "yes")])
def a_token_withdrawn_after_a_callback(sdk, world):
    return awaiting(sdk, world)


@scenario(crash=Crash("cb", "START", Fate.REFUSED))
def a_callback_that_is_refused_for_good(sdk, world):
    return awaiting(sdk, world)
