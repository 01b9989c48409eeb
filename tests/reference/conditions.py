"""Scenarios of `wait_for_condition`: what is looked at, how often, and every way in which it can end."""

from tests.reference.bodies import LARGE, ShopError
from tests.reference.outside import Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, outcome
from tests.reference.steps import EVERY_TYPE

scenario = Scenarios()


def polling(sdk, until, attempts=9, delay=1, **more):
    """A wait strategy without chance, which polls until a state is `until`."""
    return sdk.create_wait_strategy(
        sdk.WaitStrategyConfig(
            should_continue_polling=lambda state: state != until,
            max_attempts=attempts,
            initial_delay=sdk.seconds(delay),
            jitter_strategy=sdk.JitterStrategy.NONE,
            **more,
        )
    )


def counting(world):
    """A check that adds one in each look, of which there is one in each attempt."""

    def check(state, context):
        assert world.again(f"look {context.attempt}") == 1
        return state + 1

    return check


def looking(sdk, check, strategy, initial=0, name="c", **more):
    """A handler that waits for a condition, says what comes of it, and replays that."""
    config = sdk.WaitForConditionConfig(wait_strategy=strategy, initial_state=initial, **more)

    def handler(event, context):
        seen = outcome(context.wait_for_condition, check, config, name)
        context.wait(sdk.seconds(1), name="afterwards")
        return seen

    return handler


@scenario()
def a_condition_that_is_met_at_once(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 1))


@scenario()
def a_condition_that_is_met_at_the_third_look(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 3))


@scenario()
def a_condition_without_a_name(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 2), name=None)


@scenario()
def a_condition_that_is_met_at_the_last_look(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 2, attempts=2))


@scenario()
def a_condition_that_is_never_met(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 9, attempts=3))


@scenario()
def a_condition_that_is_never_met_uncaught(sdk, world):
    config = sdk.WaitForConditionConfig(polling(sdk, 9, attempts=2), 0)
    return lambda event, context: context.wait_for_condition(counting(world), config)


@scenario()
def delays_between_looks(sdk, world):
    strategy = polling(sdk, 6, delay=3, backoff_rate=1.7, max_delay=sdk.seconds(10))
    return looking(sdk, counting(world), strategy)


@scenario()
def what_a_check_and_a_strategy_see(sdk, world):
    def check(state, context):
        world.seen.append(["check", context.attempt, repr(state), type(context).__name__])
        return (*state, context.attempt)

    def strategy(state, attempt):
        world.seen.append(["strategy", attempt, repr(state)])
        if len(state) > 2:
            return sdk.WaitForConditionDecision.stop_polling()
        return sdk.WaitForConditionDecision.continue_waiting(sdk.seconds(5))

    config = sdk.WaitForConditionConfig(wait_strategy=strategy, initial_state=())

    def handler(event, context):
        return [repr(context.wait_for_condition(check, config, name="c")), world.seen]

    return handler


@scenario()
def states_of_every_type(sdk, world):
    def twice(state, attempt):
        if attempt > 1:
            return sdk.WaitForConditionDecision.stop_polling()
        return sdk.WaitForConditionDecision.continue_waiting(sdk.seconds(1))

    def branch(context, index, _, __):
        config = sdk.WaitForConditionConfig(wait_strategy=twice, initial_state=EVERY_TYPE[index])
        seen = context.wait_for_condition(lambda state, _: state, config, f"c {index}")
        return repr(seen)

    def handler(event, context):
        batch = context.map(range(len(EVERY_TYPE)), branch, name="m")
        context.wait(sdk.seconds(1), name="afterwards")
        return batch_described(batch)

    return handler


def falsy(name, value):
    """Add a scenario of a condition whose state becomes `value`, and then 1."""

    def build(sdk, world):
        def check(state, context):
            return value if context.attempt == 1 else [state, context.attempt]

        return looking(sdk, check, polling(sdk, [value, 2]), initial={"first": True})

    build.__name__ = f"a_state_that_becomes_{name}"
    scenario()(build)


falsy("nothing", None)
falsy("an_empty_text", "")
falsy("zero", 0)
falsy("an_empty_list", [])
falsy("an_empty_dict", {})
falsy("false", False)


@scenario()
def a_state_that_is_changed_in_place(sdk, world):
    def check(state, context):
        state["looks"] = state.get("looks", 0) + 1
        return state

    def strategy(state, attempt):
        looks = state.pop("looks")
        state["touched"] = True
        if looks == 3:
            return sdk.WaitForConditionDecision.stop_polling()
        return sdk.WaitForConditionDecision.continue_waiting(sdk.seconds(2))

    return looking(sdk, check, strategy, {})


@scenario()
def a_check_that_fails(sdk, world):
    def check(state, context):
        raise ShopError("no")

    return looking(sdk, check, polling(sdk, 1))


@scenario()
def a_check_that_fails_at_the_second_look_uncaught(sdk, world):
    def check(state, context):
        if context.attempt == 2:
            raise ShopError("no")
        return state

    config = sdk.WaitForConditionConfig(polling(sdk, 1), 0)
    return lambda event, context: context.wait_for_condition(check, config, "c")


@scenario()
def a_wait_strategy_that_fails(sdk, world):
    def strategy(state, attempt):
        raise KeyError("broken strategy")

    return looking(sdk, counting(world), strategy)


@scenario()
def a_wait_strategy_that_decides_nothing(sdk, world):
    return looking(sdk, counting(world), lambda state, attempt: None)


@scenario()
def a_delay_of_no_time(sdk, world):
    def strategy(state, attempt):
        if attempt == 3:
            return sdk.WaitForConditionDecision.stop_polling()
        return sdk.WaitForConditionDecision.continue_waiting(sdk.Duration())

    return looking(sdk, counting(world), strategy)


@scenario()
def a_delay_of_more_than_a_year(sdk, world):
    def strategy(state, attempt):
        return sdk.WaitForConditionDecision.continue_waiting(sdk.Duration.from_days(400))

    return looking(sdk, counting(world), strategy)


@scenario()
def an_initial_state_that_cannot_be_serialized(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 1), {1})


@scenario()
def a_state_that_cannot_be_serialized(sdk, world):
    return looking(sdk, lambda state, context: 0 if context.attempt == 1 else {1}, polling(sdk, 1))


class Marked:
    """A serializer that shows where it was at work."""

    def serialize(self, value, _):
        return f"<{value}>"

    def deserialize(self, data, _):
        return len(data)


@scenario()
def states_with_a_serializer(sdk, world):
    return looking(sdk, lambda state, _: "x" * state, polling(sdk, 9), serdes=Marked())


@scenario()
def states_in_plain_json(sdk, world):
    def check(state, context):
        return (*state, context.attempt)

    return looking(sdk, check, polling(sdk, [1, 2]), (), serdes=sdk.JsonSerDes())


@scenario()
def a_state_that_is_written_as_an_empty_text(sdk, world):
    class Text(Marked):
        def serialize(self, value, _):
            return value

        def deserialize(self, data, _):
            return data

    def check(state, context):
        return "" if context.attempt == 1 else f"{state}{context.attempt}"

    return looking(sdk, check, polling(sdk, "2", attempts=3), "first", serdes=Text())


@scenario()
def a_state_that_cannot_be_read_again(sdk, world):
    class OneWay(Marked):
        def deserialize(self, data, _):
            raise ValueError("cannot read")

    return looking(sdk, counting(world), polling(sdk, 1), serdes=OneWay())


@scenario()
def a_state_whose_serializer_fails_for_now(sdk, world):
    class Store(Marked):
        def serialize(self, value, _):
            if world.again("store") == 2:
                raise sdk.RetryableSerDesError("store is down")
            return str(value)

        def deserialize(self, data, _):
            return int(data)

    return looking(sdk, lambda state, _: state + 1, polling(sdk, 2), serdes=Store())


@scenario()
def a_large_state(sdk, world):
    return looking(sdk, lambda state, context: state + "x" * LARGE, polling(sdk, "x" * 2 * LARGE), "")


@scenario()
def a_check_that_gives_up(sdk, world):
    def check(state, context):
        raise sdk.ExecutionError("give up")

    return looking(sdk, check, polling(sdk, 1))


@scenario()
def a_check_that_asks_to_be_invoked_again(sdk, world):
    def check(state, context):
        if world.again("check") == 2:
            raise sdk.InvocationError("later")
        return state + 1

    return looking(sdk, check, polling(sdk, 2))


@scenario()
def a_check_with_a_permanent_api_error(sdk, world):
    def check(state, context):
        raise sdk.CheckpointError("refused", sdk.DurableApiErrorCategory.EXECUTION)

    return looking(sdk, check, polling(sdk, 1))


@scenario()
def a_check_that_fails_with_an_error_of_a_serializer(sdk, world):
    def check(state, context):
        raise sdk.SerDesError("of mine")

    return looking(sdk, check, polling(sdk, 1))


@scenario()
def conditions_in_branches_of_which_one_fails(sdk, world):
    def branch(context, item, index, items):
        def check(state, own):
            if own.attempt == item:
                raise ShopError(f"item {item}")
            return state + 1

        config = sdk.WaitForConditionConfig(polling(sdk, 3, delay=index + 1), 0)
        return context.wait_for_condition(check, config, f"c {index}")

    def handler(event, context):
        config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
        batch = context.map([9, 2, 9], branch, name="m", config=config)
        context.wait(sdk.seconds(1), name="afterwards")
        return [batch_described(batch), outcome(batch.throw_if_error)]

    return handler


@scenario(answers=[Answer("cb", "yes")])
def a_condition_and_a_callback_side_by_side(sdk, world):
    config = sdk.WaitForConditionConfig(polling(sdk, 3), 0)
    branches = [
        lambda context: context.wait_for_condition(counting(world), config, "c"),
        lambda context: context.create_callback("cb").result(),
    ]
    return lambda event, context: context.parallel(branches, name="p").get_results()


@scenario(crash=Crash("c", "RETRY"))
def a_crash_before_a_look_is_recorded(sdk, world):
    return looking(sdk, lambda state, context: [*state, context.attempt], polling(sdk, [1, 2]), [])


@scenario(crash=Crash("c", "RETRY", Fate.RECORDED))
def a_crash_after_a_look_is_recorded(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 2))


@scenario(crash=Crash("c"))
def a_crash_before_a_condition_is_met(sdk, world):
    # The look before is not lost: its state is what the interrupted one is given again.
    return looking(sdk, lambda state, context: [*state, context.attempt], polling(sdk, [1, 2]), [])


@scenario(crash=Crash("c", fate=Fate.RECORDED))
def a_crash_after_a_condition_is_met(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 2))


@scenario(crash=Crash("c", "RETRY", Fate.WITHDRAWN))
def a_token_withdrawn_after_a_look(sdk, world):
    return looking(sdk, counting(world), polling(sdk, 2))


@scenario()
def a_state_that_is_a_batch(sdk, world):
    def handler(event, context):
        batch = context.map([1, 2], lambda own, item, index, items: item, name="m")

        def check(state, own):
            return {"looks": own.attempt, "batch": state["batch"]}

        def strategy(state, attempt):
            if attempt == 2:
                return sdk.WaitForConditionDecision.stop_polling()
            return sdk.WaitForConditionDecision.continue_waiting(sdk.seconds(1))

        config = sdk.WaitForConditionConfig(strategy, {"batch": batch})
        state = context.wait_for_condition(check, config, "")
        return [state["looks"], batch_described(state["batch"])]

    return handler
