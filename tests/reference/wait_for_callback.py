"""Scenarios of `wait_for_callback`: a callback, the step that hands it over, and the answer."""

from durably.actors.model import ErrorObject
from tests.reference.bodies import LARGE, ShopError
from tests.reference.callbacks import FAILURE
from tests.reference.outside import TIME, Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described, outcome

scenario = Scenarios()

CALLBACK, SUBMITTER = "ask create callback id", "ask submitter"


class Marked:
    """A serializer that shows where it was at work."""

    def serialize(self, value, _):
        return f"<{value}>"

    def deserialize(self, data, _):
        return ["read", data]


def submitting(value=None, fails_before=1):
    """A submitter that gives `value`, or fails in every attempt that `world` counts before."""

    def made(world):
        def submit(callback_id, context):
            attempt = world.again("submit")
            if attempt < fails_before:
                raise ShopError(f"attempt {attempt}")
            return value

        return submit

    return made


def asking(sdk, world, made=None, **options):
    """A handler that waits for a callback, and says what is answered and what a replay makes of it."""
    submit = (made or submitting())(world)
    config = sdk.WaitForCallbackConfig(**options) if options else None

    def handler(event, context):
        answer = outcome(context.wait_for_callback, submit, name="ask", config=config)
        context.wait(sdk.seconds(1), name="afterwards")
        return [answer, world.again("handler"), world.again("submit")]

    return handler


def ends(name, **how):
    """Add a scenario of one whose callback ends so."""

    def build(sdk, world):
        return asking(sdk, world)

    build.__name__ = name
    scenario(answers=[Answer(CALLBACK, **how)])(build)


ends("waiting_for_an_answer", result="yes")
ends("waiting_for_an_empty_answer", result="")
ends("waiting_for_an_answer_without_a_result")
ends("waiting_for_a_large_answer", result="x" * LARGE)
ends("waiting_for_an_answer_that_is_a_failure", error=FAILURE)
ends("waiting_for_an_answer_that_is_a_failure_without_a_word", error=ErrorObject())
ends("waiting_for_an_answer_that_is_cancelled", status="CANCELLED")
ends("waiting_for_an_answer_that_is_stopped", error=FAILURE, status="STOPPED")
ends("waiting_for_an_answer_that_comes_with_its_submission", result="yes", at=(SUBMITTER, "SUCCEED"))
ends("waiting_for_an_answer_that_comes_before_its_submission", result="yes", at=(CALLBACK, "START"))


@scenario(answers=[Answer("create callback id", "yes")])
def waiting_for_an_answer_without_a_name(sdk, world):
    return lambda event, context: context.wait_for_callback(submitting()(world))


@scenario(answers=[Answer("order create callback id", "yes")])
def waiting_for_an_answer_with_a_decorated_submitter(sdk, world):
    @sdk.durable_wait_for_callback
    def order(callback_id, context, item, *, count):
        return [item, count, bool(callback_id), type(context).__name__]

    return lambda event, context: context.wait_for_callback(order("tea", count=2))


@scenario()
def waiting_for_an_answer_that_never_comes(sdk, world):
    return asking(sdk, world, timeout=sdk.seconds(60))


@scenario()
def waiting_for_an_answer_that_never_comes_uncaught(sdk, world):
    config = sdk.WaitForCallbackConfig(timeout=sdk.seconds(60))
    return lambda event, context: context.wait_for_callback(submitting()(world), "ask", config)


@scenario(answers=[Answer(CALLBACK, heartbeat=5), TIME])
def waiting_for_somebody_whose_heart_stops(sdk, world):
    return asking(sdk, world, heartbeat_timeout=sdk.seconds(9))


@scenario(answers=[Answer(CALLBACK, error=FAILURE)])
def waiting_for_an_answer_that_is_a_failure_uncaught(sdk, world):
    return lambda event, context: context.wait_for_callback(submitting()(world), "ask")


@scenario(answers=[TIME, Answer(CALLBACK, "yes")])
def a_submitter_that_fails_once(sdk, world):
    return asking(sdk, world, submitting(7, 2), retry_strategy=sdk.retries(3, 4))


@scenario(answers=[Answer(CALLBACK, "yes")])
def a_submitter_that_fails_once_and_is_answered_before_it_tries_again(sdk, world):
    return asking(sdk, world, submitting(7, 2), retry_strategy=sdk.retries(3, 4))


@scenario(answers=[Answer(CALLBACK, error=FAILURE)])
def a_submitter_that_fails_once_and_is_refused_before_it_tries_again(sdk, world):
    return asking(sdk, world, submitting(7, 2), retry_strategy=sdk.retries(3, 4))


@scenario()
def a_submitter_that_fails_for_good(sdk, world):
    return asking(sdk, world, submitting(7, 9), retry_strategy=sdk.retries(2))


@scenario()
def a_submitter_that_fails_for_good_uncaught(sdk, world):
    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(2))
    return lambda event, context: context.wait_for_callback(submitting(7, 9)(world), "ask", config)


@scenario(answers=[Answer(CALLBACK, "too late", at=(SUBMITTER, "RETRY"))])
def a_submitter_that_fails_for_good_and_is_answered(sdk, world):
    return asking(sdk, world, submitting(7, 9), retry_strategy=sdk.retries(2))


@scenario()
def a_submitter_that_fails_without_words(sdk, world):
    def submit(callback_id, context):
        raise ShopError

    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(1))
    return lambda event, context: outcome(context.wait_for_callback, submit, "ask", config)


@scenario()
def a_submitter_whose_result_cannot_be_serialized(sdk, world):
    return asking(sdk, world, submitting({1}))


@scenario()
def a_submitter_that_gives_up(sdk, world):
    def submit(callback_id, context):
        raise sdk.ExecutionError("give up")

    # At most once is not to be had, so START may share a call with what comes next; nothing does here.
    return lambda event, context: context.wait_for_callback(submit, "ask")


@scenario(answers=[TIME, Answer(CALLBACK, "yes")])
def a_submitter_that_asks_to_be_invoked_again(sdk, world):
    def submit(callback_id, context):
        if world.again("submit") == 1:
            raise sdk.InvocationError("later")

    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(2))
    return lambda event, context: context.wait_for_callback(submit, "ask", config)


@scenario(answers=[Answer(CALLBACK, "yes")])
def waiting_for_an_answer_with_a_serializer(sdk, world):
    return asking(sdk, world, submitting("id"), serdes=Marked())


@scenario(answers=[Answer(CALLBACK, '{"a": [1]}')])
def waiting_for_an_answer_in_json(sdk, world):
    return asking(sdk, world, serdes=sdk.JsonSerDes())


@scenario(answers=[Answer(CALLBACK, "no json")])
def waiting_for_an_answer_that_cannot_be_read(sdk, world):
    return asking(sdk, world, serdes=sdk.JsonSerDes())


@scenario(answers=[Answer(CALLBACK, "yes")])
def waiting_for_an_answer_that_becomes_what_cannot_be_recorded(sdk, world):
    class Odd(Marked):
        def deserialize(self, data, _):
            return {data}

    return asking(sdk, world, serdes=Odd())


@scenario(answers=[Answer(CALLBACK, "yes")])
def waiting_for_an_answer_with_a_subtype(sdk, world):
    return asking(sdk, world, sub_type="Approval")


@scenario(answers=[Answer(f"{index} create callback id", error=FAILURE) for index in (1, 0)])
def waiting_for_answers_in_branches_that_fail(sdk, world):
    def branch(context, item, index, items):
        return context.wait_for_callback(submitting()(world), str(index))

    def handler(event, context):
        config = sdk.MapConfig(completion_config=sdk.CompletionConfig.all_completed())
        batch = context.map("ab", branch, name="m", config=config)
        context.wait(sdk.seconds(1), name="afterwards")
        return [batch_described(batch), outcome(batch.throw_if_error)]

    return handler


@scenario()
def submitters_in_branches_that_fail(sdk, world):
    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.retries(1))

    def branch(context, item, index, items):
        def submit(callback_id, context):
            raise ShopError(item)

        return context.wait_for_callback(submit, str(index), config)

    def handler(event, context):
        flat = sdk.MapConfig(
            completion_config=sdk.CompletionConfig.all_completed(), nesting_type=sdk.NestingType.FLAT
        )
        return batch_described(context.map("ab", branch, name="m", config=flat))

    return handler


@scenario(answers=[Answer(CALLBACK, error=FAILURE)])
def waiting_for_an_answer_in_a_child_that_fails(sdk, world):
    def handler(event, context):
        return outcome(
            context.run_in_child_context,
            lambda child: child.wait_for_callback(submitting()(world), "ask"),
            name="work",
        )

    return handler


@scenario(crash=Crash(CALLBACK, "START", Fate.RECORDED), answers=[Answer(CALLBACK, "yes")])
def a_crash_after_the_callback_that_is_waited_for_has_begun(sdk, world):
    return asking(sdk, world)


@scenario(crash=Crash(SUBMITTER, "SUCCEED", Fate.RECORDED), answers=[Answer(CALLBACK, "yes")])
def a_crash_after_a_submission(sdk, world):
    return asking(sdk, world)


@scenario(crash=Crash("ask", "SUCCEED"), answers=[Answer(CALLBACK, "yes")])
def a_crash_before_an_answer_is_taken_over(sdk, world):
    return asking(sdk, world)


@scenario(crash=Crash("ask", "FAIL"), answers=[Answer(CALLBACK, error=FAILURE)])
def a_crash_before_a_failure_is_taken_over(sdk, world):
    return asking(sdk, world)


HUGE = ErrorObject("big", "Big", "d" * 32_700)
"""Which the service takes; with a longer type it does not."""


@scenario(answers=[Answer(CALLBACK, error=HUGE)])
def waiting_for_an_answer_that_is_a_huge_failure(sdk, world):
    return asking(sdk, world)


@scenario(answers=[Answer("order create callback id", "yes")])
def waiting_for_an_answer_with_an_empty_name_and_a_decorated_submitter(sdk, world):
    @sdk.durable_wait_for_callback
    def order(callback_id, context):
        return None

    return lambda event, context: context.wait_for_callback(order(), name="")
