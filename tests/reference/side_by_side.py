"""Scenarios of branches that suspend beside others that run, and of failures of all kinds in one place."""

from tests.reference.bodies import LARGE, ShopError, completing, is_, mapped
from tests.reference.callbacks import FAILURE
from tests.reference.conditions import polling
from tests.reference.interruptions import now
from tests.reference.outside import TIME, Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, outcome

scenario = Scenarios()


def beside_steps(sdk, world, operation, *first):
    """A branch with `operation`, beside one that waits until `first` is recorded, and does more then."""

    def branch(context, item, index, items):
        if index == 0:
            seen = outcome(operation, context)
            return [seen, context.step(world.body("told"), name="told")]
        context.step(lambda _: world.until(*first), name="meanwhile")
        for number in range(4):  # long enough for the other to be suspended
            context.step(world.body(f"more {number}", item), name=f"more {number}")
        return item

    return mapped(sdk, [1, 2], branch)


AT_WORK = ("more 3", "SUCCEED")


@scenario(answers=[Answer("cb", "yes", at=AT_WORK)])
def a_callback_that_is_answered_while_another_branch_works(sdk, world):
    return beside_steps(sdk, world, lambda c: c.create_callback("cb").result(), "cb")


@scenario(answers=[Answer("inv", error=FAILURE, at=AT_WORK)])
def an_invoke_that_fails_while_another_branch_works(sdk, world):
    return beside_steps(sdk, world, lambda c: c.invoke("shop", 1, "inv"), "inv")


@scenario(answers=[Answer("ask create callback id", "yes", at=AT_WORK)])
def an_answer_that_comes_while_another_branch_works(sdk, world):
    return beside_steps(
        sdk, world, lambda c: c.wait_for_callback(lambda *_: None, "ask"), "ask submitter", "SUCCEED"
    )


@scenario(clock=now, time_passes=True)
def a_condition_that_is_looked_at_while_another_branch_works(sdk, world):
    config = sdk.WaitForConditionConfig(polling(sdk, 2), 0)

    def branch(context, item, index, items):
        if index == 0:
            seen = context.wait_for_condition(lambda state, _: state + 1, config, "c")
            return [seen, context.step(is_(1), name="later")]
        return context.step(lambda _: world.until("later", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario(clock=now, time_passes=True, answers=[TIME])
def a_submitter_that_tries_again_while_another_branch_works(sdk, world):
    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(2), timeout=sdk.Duration.from_days(1))

    def branch(context, item, index, items):
        if index == 0:

            def submit(callback_id, _):
                if world.again("submit") == 1:
                    raise ShopError("once")

            return outcome(context.wait_for_callback, submit, "ask", config)
        return context.step(lambda _: world.until("ask submitter", "SUCCEED"), name="meanwhile")

    return mapped(sdk, [1, 2], branch)


@scenario(answers=[Answer("cb", "yes")])
def a_callback_of_the_handler_that_a_flat_branch_awaits_beside_a_wait(sdk, world):
    def handler(event, context):
        callback = context.create_callback("cb")
        branches = [
            lambda c: [callback.result(), c.step(world.body("a"), name="a")],
            lambda c: c.wait(sdk.seconds(5), name="w"),
            lambda c: c.run_in_child_context(lambda own: callback.result(), name="child"),
        ]
        config = sdk.ParallelConfig(nesting_type=sdk.NestingType.FLAT)
        return batch_described(context.parallel(branches, name="p", config=config))

    return handler


def failing_everywhere(sdk, world, context):
    """One failure of each operation, caught."""

    def check(state, own):
        raise ShopError("look")

    def submit(callback_id, own):
        raise ShopError("submit")

    once = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(1))
    condition = sdk.WaitForConditionConfig(polling(sdk, 1), 0)
    callback = context.create_callback("cb", sdk.CallbackConfig(timeout=sdk.seconds(5)))
    return [
        outcome(callback.result),
        outcome(context.wait_for_callback, submit, "ask", once),
        outcome(context.wait_for_callback, lambda *_: None, "wait"),
        outcome(context.invoke, "shop", 1, "inv"),
        outcome(context.wait_for_condition, check, condition, "c"),
        context.step(world.body("s"), name="s"),
    ]


FAILURES = [TIME, Answer("wait create callback id", error=FAILURE), Answer("inv", error=FAILURE)]


@scenario(answers=FAILURES)
def failures_of_everything_in_a_large_child(sdk, world):
    def handler(event, context):
        first = context.run_in_child_context(
            lambda child: [failing_everywhere(sdk, world, child), "x" * LARGE], name="work"
        )
        context.wait(sdk.seconds(1), name="afterwards")
        return first[0]

    return handler


@scenario(answers=FAILURES)
def failures_of_everything_in_a_virtual_child(sdk, world):
    def handler(event, context):
        virtual = sdk.ChildConfig(is_virtual=True)
        seen = context.run_in_child_context(
            lambda child: failing_everywhere(sdk, world, child), name="work", config=virtual
        )
        context.wait(sdk.seconds(1), name="afterwards")
        return seen

    return handler


def large_or_failing(sdk, world, nesting):
    """A large map in which one branch fails by a callback, one by an invoke and one by a condition."""

    def branch(context, item, index, items):
        if index == 0:
            return context.step(is_("x" * LARGE), name="s")
        if index == 1:
            return context.create_callback("cb").result()
        if index == 2:
            return context.invoke("shop", 1, "inv")
        config = sdk.WaitForConditionConfig(polling(sdk, 9, attempts=2), 0)
        return context.wait_for_condition(lambda state, _: state + 1, config, "c")

    config = sdk.MapConfig(
        nesting_type=sdk.NestingType[nesting], completion_config=sdk.CompletionConfig.all_completed()
    )
    return mapped(sdk, range(4), branch, config)


@scenario(answers=[[Answer("cb", error=FAILURE), Answer("inv", error=FAILURE)]])
def a_large_map_of_failures(sdk, world):
    return large_or_failing(sdk, world, "NESTED")


@scenario(answers=[[Answer("cb", error=FAILURE), Answer("inv", error=FAILURE)]])
def a_large_flat_map_of_failures(sdk, world):
    return large_or_failing(sdk, world, "FLAT")


@scenario(answers=[Answer("1", error=FAILURE)])
def an_invoke_that_fails_while_the_rest_has_not_begun(sdk, world):
    def branch(context, item, index, items):
        return context.invoke("shop", item, str(index))

    return mapped(sdk, range(5), branch, sdk.MapConfig(max_concurrency=2))


@scenario(
    answers=[Answer(str(index), f"{index}") for index in range(3)], crash=Crash("1", "START", Fate.LOST)
)
def a_crash_as_the_second_of_some_invokes_begins(sdk, world):
    def branch(context, item, index, items):
        return context.invoke("shop", item, str(index))

    return mapped(sdk, range(3), branch, completing(sdk))


@scenario(answers=[Answer("cb", "yes")], crash=Crash("more 1", "SUCCEED", Fate.WITHDRAWN))
def a_token_withdrawn_while_a_branch_awaits_a_callback(sdk, world):
    return beside_steps(sdk, world, lambda c: c.create_callback("cb").result(), "cb")
