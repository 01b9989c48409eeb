"""Scenarios of steps, waits, and of what a handler itself returns or raises."""

import importlib
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal

from tests.reference.bodies import ShopError, fails, is_
from tests.reference.scenarios import Scenarios, described

scenario = Scenarios()


EVERY_TYPE = [
    None,
    True,
    -7,
    10**30,
    1.5,
    float("inf"),
    "",
    "snow \u2603 \U0001f600 \ud800",
    [],
    [1, "a", None, [False]],
    {},
    {"a": 1, "t": {"t": "s", "v": "no tag"}},
    {1: "int", None: "none", False: "false", 2.5: "float"},
    (),
    (1, (2, [3])),
    datetime(2024, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    datetime(2024, 1, 2),  # noqa: DTZ001  # a naive one stays naive
    date(2024, 1, 2),
    Decimal("1.10"),
    uuid.UUID(int=7),
    b"\x00\xff",
    bytearray(b"hi"),
    {"deep": [({"x": Decimal(0)},), None, b""]},
]


@scenario(input={"name": "Ada"})
def one_step(sdk, world):
    return lambda event, context: context.step(lambda _: f"hello {event['name']}", name="greet")


@scenario()
def steps_named_and_unnamed(sdk, world):
    @sdk.durable_step
    def price(_, item, *, currency):
        return f"{item} {currency}"

    def handler(event, context):
        return [
            context.step(price("tea", currency="EUR")),
            context.step(price("tea", currency="USD"), name="in dollars"),
            context.step(is_(3)),
            context.step(is_(4), name=""),
        ]

    return handler


@scenario()
def results_of_every_type(sdk, world):
    def handler(event, context):
        first = [repr(context.step(is_(value), name=f"value {n}")) for n, value in enumerate(EVERY_TYPE)]
        context.wait(sdk.seconds(1))
        return first

    return handler


@scenario()
def a_name_that_is_not_ascii(sdk, world):
    return lambda event, context: context.step(is_(1), name="caf\u00e9 \u2603")


@scenario()
def a_subtype_of_ones_own(sdk, world):
    def handler(event, context):
        context.step(is_(1), config=sdk.step_config(sub_type="My-step_1"))
        context.wait(sdk.seconds(1))
        return context.step(is_(2), name="b", config=sdk.step_config(sub_type="Other"))

    return handler


@scenario()
def a_subtype_that_is_refused(sdk, world):
    def handler(event, context):
        try:
            sdk.StepConfig(sub_type="not allowed!")
        except sdk.ValidationError as error:
            return type(error).__name__

    return handler


@scenario()
def a_step_that_fails_twice_and_then_succeeds(sdk, world):
    def flaky(step):
        if step.attempt < 3:
            raise ShopError(f"attempt {step.attempt}: \u00fc")
        return {"attempt": step.attempt}

    return lambda event, context: context.step(flaky, name="flaky", config=sdk.step_config(5))


@scenario()
def a_step_that_fails_for_good(sdk, world):
    return lambda event, context: context.step(
        fails(ShopError("sold out")), name="s", config=sdk.step_config(3)
    )


@scenario()
def a_failed_step_that_is_caught_and_replayed(sdk, world):
    def handler(event, context):
        seen = []
        for error in (ValueError("no"), ShopError(), KeyError("key"), ShopError("a", 1)):
            try:
                context.step(fails(error), config=sdk.step_config())
            except sdk.StepError as failure:
                seen.append(described(failure))
        context.wait(sdk.seconds(10))
        return seen

    return handler


@scenario()
def errors_that_are_not_retried(sdk, world):
    def handler(event, context):
        config = sdk.StepConfig(retry_strategy=sdk.retries(4, retryable_error_types=[KeyError]))
        caught = []
        for error in (KeyError("again"), ValueError("once")):
            try:
                context.step(fails(error), config=config)
            except sdk.StepError as failure:
                caught.append(str(failure))
        config = sdk.StepConfig(retry_strategy=sdk.retries(2, retryable_errors=["transient"]))
        for error in (ValueError("transient fault"), ValueError("fault")):
            try:
                context.step(fails(error), config=config)
            except sdk.StepError as failure:
                caught.append(str(failure))
        return caught

    return handler


@scenario()
def a_delay_of_less_than_a_second(sdk, world):
    def strategy(error, attempts):
        return sdk.RetryDecision.retry(sdk.Duration(0)) if attempts < 2 else sdk.RetryDecision.no_retry()

    return lambda event, context: context.step(
        fails(ValueError("x")), config=sdk.StepConfig(retry_strategy=strategy)
    )


@scenario()
def delays_that_grow_to_their_maximum(sdk, world):
    def handler(event, context):
        strategy = sdk.retries(5, delay=3, backoff_rate=1.7, max_delay=sdk.seconds(10))
        return context.step(fails(ValueError("x")), name="s", config=sdk.StepConfig(retry_strategy=strategy))

    return handler


@scenario()
def delays_that_grow_by_steps(sdk, world):
    strategy = sdk.create_linear_retry_strategy(
        sdk.LinearRetryStrategyConfig(
            max_attempts=4,
            initial_delay=sdk.Duration.from_minutes(0.05),
            increment=sdk.seconds(4),
            max_delay=sdk.seconds(9),
            jitter_strategy=sdk.JitterStrategy.NONE,
        )
    )
    return lambda event, context: context.step(
        fails(ValueError("x")), name="s", config=sdk.StepConfig(retry_strategy=strategy)
    )


@scenario()
def a_retry_strategy_that_raises(sdk, world):
    def strategy(error, attempts):
        raise RuntimeError("broken strategy")

    return lambda event, context: context.step(
        fails(ValueError("x")), name="s", config=sdk.StepConfig(retry_strategy=strategy)
    )


@scenario()
def an_execution_error_in_a_step(sdk, world):
    return lambda event, context: context.step(fails(sdk.ExecutionError("give up")), name="s")


@scenario()
def a_result_that_cannot_be_serialized(sdk, world):
    return lambda event, context: context.step(is_({1, 2}), name="s")


@scenario()
def an_unserializable_result_that_is_caught_and_replayed(sdk, world):
    def handler(event, context):
        seen = []
        for value in (object(), {(1, 2): 3}, [set()]):
            try:
                context.step(is_(value))
            except sdk.SerDesError as error:
                seen.append([type(error).__name__, error.error_type])
        context.wait(sdk.seconds(1))
        return seen

    return handler


@scenario()
def serializers_of_ones_own(sdk, world):
    class Reversed(sdk.SerDes):
        def serialize(self, value, where):
            return value[::-1] if len(where.operation_id) == 64 else "no id"

        def deserialize(self, data, where):
            return data[::-1] + "!"

    class Nothing(sdk.SerDes):
        def serialize(self, value, _):
            return None

        def deserialize(self, data, _):
            raise AssertionError(data)

    def handler(event, context):
        results = [
            context.step(is_(value), name=str(n), config=sdk.StepConfig(serdes=serdes))
            for n, (value, serdes) in enumerate(
                [
                    ("abc", Reversed()),
                    ((1, 2), sdk.JsonSerDes()),
                    ("as is", sdk.PassThroughSerDes()),
                    (1, Nothing()),
                ]
            )
        ]
        context.wait(sdk.seconds(1))
        return results

    return handler


@scenario()
def a_serializer_that_cannot_read_what_it_wrote(sdk, world):
    class OneWay(sdk.SerDes):
        def serialize(self, value, _):
            return "text"

        def deserialize(self, data, _):
            raise ValueError("cannot read")

    return lambda event, context: context.step(is_(1), name="s", config=sdk.StepConfig(serdes=OneWay()))


@scenario()
def an_at_most_once_step(sdk, world):
    return lambda event, context: context.step(is_(1), name="s", config=sdk.at_most_once(1))


@scenario()
def an_at_most_once_step_that_is_retried(sdk, world):
    def flaky(step):
        if step.attempt == 1:
            raise ValueError("once")
        return step.attempt

    return lambda event, context: context.step(flaky, name="s", config=sdk.at_most_once(2))


@scenario()
def waits(sdk, world):
    def handler(event, context):
        context.wait(sdk.seconds(1))
        context.wait(sdk.Duration.from_minutes(2), name="tea")
        context.wait(sdk.Duration.from_days(366))
        return "late"

    return handler


@scenario()
def a_wait_of_no_time(sdk, world):
    def handler(event, context):
        try:
            context.wait(sdk.seconds(0))
        except sdk.ValidationError:
            return context.step(is_("refused"))

    return handler


@scenario()
def a_wait_of_more_than_a_year(sdk, world):
    return lambda event, context: context.wait(sdk.Duration.from_days(400), name="w")


@scenario()
def a_handler_that_fails(sdk, world):
    def handler(event, context):
        raise ShopError("closed \u2603")

    return handler


@scenario()
def a_handler_that_gives_up(sdk, world):
    def handler(event, context):
        context.step(is_(1))
        raise sdk.ExecutionError("give up")

    return handler


@scenario()
def a_result_of_a_handler_that_is_not_json(sdk, world):
    return lambda event, context: {1, 2}


@scenario(input=[float("nan"), None, "\u00fc"])
def a_handler_that_returns_its_input(sdk, world):
    return lambda event, context: event


@scenario()
def decorators_from_where_aws_has_them(sdk, world):
    context_module = importlib.import_module(f"{sdk.root}.context")

    @context_module.durable_step
    def named(_):
        return 1

    return lambda event, context: context.step(named())
