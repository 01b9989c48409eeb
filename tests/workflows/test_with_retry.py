"""`with_retry`: a block of operations that is run anew, from its beginning, when it fails."""

import itertools

import pytest

from durably.workflows import (
    ChildConfig,
    ChildContextError,
    Duration,
    ExecutionError,
    JitterStrategy,
    RetryDecision,
    RetryStrategyConfig,
    StepError,
    ValidationError,
    WithRetryConfig,
    create_retry_strategy,
    with_retry,
)
from tests.workflows.running import ONCE, SECOND, Run

UNWRAPPED = WithRetryConfig(
    lambda error, attempt: RetryDecision.retry(SECOND), wrap_with_run_in_child_context=False
)


def after(seconds):
    """A config whose strategy always says to try again, so many seconds later."""
    return WithRetryConfig(lambda error, attempt: RetryDecision.retry(Duration(seconds)))


def good_in(number):
    """A block that fails in every attempt before `number`; and what it was called with."""
    calls = []

    def block(context, attempt):
        calls.append(attempt)
        context.step(lambda step: attempt, name=f"step {attempt}")
        if attempt < number:
            raise ValueError(f"attempt {attempt}")
        return f"good in attempt {attempt}"

    return block, calls


def message_of(call):
    """What a call is refused with, before anything is recorded."""

    def handler(event, context):
        with pytest.raises(ValidationError) as refused:
            call(context)
        return str(refused.value)

    run = Run(handler)
    message = run.result()
    assert run.actions() == []
    return message


class TestAttempts:
    def test_a_block_that_succeeds_runs_once(self):
        """It gets a context of its own and the number 1, and its result is the call's."""
        block, calls = good_in(1)
        run = Run(lambda event, context: with_retry(context, block, WithRetryConfig(), "b"))
        assert run.result() == "good in attempt 1"
        assert calls == [1]
        assert run.recorded == ["b", "step 1"]

    def test_a_block_that_fails_is_run_anew_after_a_wait(self):
        """What its earlier attempts did is there still, the new attempt's operations are new ones."""
        block, _ = good_in(3)
        run = Run(lambda event, context: with_retry(context, block, after(7), "b"))
        assert run.result() == "good in attempt 3"
        assert run.recorded == ["b", "step 1", "b-backoff-1", "step 2", "b-backoff-2", "step 3"]
        assert [run.updates(f"b-backoff-{n}")[0].wait_seconds for n in (1, 2)] == [7, 7]
        assert {each.parent_id for each in run.service.operations.values() if each.name != "b"} - {None} == {
            run.named("b").id
        }

    def test_no_invocation_lasts_through_a_backoff(self):
        """The invocation ends PENDING, and the next replays the attempts that have failed."""
        block, calls = good_in(2)
        run = Run(lambda event, context: with_retry(context, block, after(60), "b"))
        assert run.invoke() == {"Status": "PENDING"}
        assert run.invoke() == {"Status": "PENDING"}
        run.service.advance(60)
        assert run.invoke()["Status"] == "SUCCEEDED"
        assert calls == [1, 1, 1, 2]
        assert run.actions("step 1") == ["START", "SUCCEED"]

    def test_a_finished_block_is_not_run_by_a_replay(self):
        """Its result is recorded like any child context's."""
        block, calls = good_in(1)

        def handler(event, context):
            result = with_retry(context, block, WithRetryConfig(), "b")
            context.wait(SECOND)
            return result

        assert Run(handler).result() == "good in attempt 1"
        assert calls == [1]

    def test_three_attempts_are_made_without_a_strategy(self):
        """The default is `create_retry_strategy()`: 5 seconds, doubling, all of it left to chance."""
        block, calls = good_in(9)
        run = Run(lambda event, context: with_retry(context, block, WithRetryConfig(), "b"))
        assert run.error()["ErrorMessage"] == "attempt 3"
        assert max(calls) == 3
        waited = [run.updates(f"b-backoff-{n}")[0].wait_seconds or 0 for n in (1, 2)]
        assert 1 <= waited[0] <= 5
        assert 1 <= waited[1] <= 10

    def test_the_strategy_is_asked_with_the_error_and_the_attempts_made(self):
        """The error is the one that left the block, as an operation raised it."""
        asked = []

        def strategy(error, attempts_made):
            asked.append((type(error), str(error), attempts_made))
            return RetryDecision.retry(SECOND) if attempts_made < 2 else RetryDecision.no_retry()

        def broken(step):
            raise ValueError("no")

        def block(context, attempt):
            context.step(broken, config=ONCE)

        run = Run(lambda event, context: with_retry(context, block, WithRetryConfig(strategy)))
        run.error()
        assert list(dict.fromkeys(asked)) == [(StepError, "no", 1), (StepError, "no", 2)]

    def test_without_a_name_its_operations_have_none(self):
        """Neither the context nor the waits."""
        block, _ = good_in(2)
        run = Run(lambda event, context: with_retry(context, block, after(1)))
        run.result()
        assert run.recorded == ["CONTEXT", "step 1", "WAIT", "step 2"]

    def test_a_hundred_attempts_are_made(self):
        """There is no limit but the strategy's."""
        block, _ = good_in(100)
        assert Run(lambda event, context: with_retry(context, block, after(1), "b")).result() == (
            "good in attempt 100"
        )

    def test_blocks_in_branches_are_retried_side_by_side(self):
        """The backoff of one does not hold up another, and they wait together."""
        blocks = [good_in(number)[0] for number in (1, 2, 3)]

        def branch(context, number, index, items):
            return with_retry(context, blocks[index], after(30), f"b{index}")

        def handler(event, context):
            return context.map([1, 2, 3], branch, name="m").get_results()

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        assert [run.named(name).status.value for name in ("b0", "b1-backoff-1", "b2-backoff-1")] == [
            "SUCCEEDED",
            "STARTED",
            "STARTED",
        ]
        assert run.result() == [f"good in attempt {number}" for number in (1, 2, 3)]


class TestGivingUp:
    def test_the_last_error_comes_as_that_of_a_child_context(self):
        """It says what escaped the block, as any child context's error does."""
        seen = []

        def handler(event, context):
            try:
                with_retry(context, good_in(2)[0], WithRetryConfig(lambda *_: RetryDecision.no_retry()), "b")
            except ChildContextError as error:
                seen.append((error.error_type, str(error)))

        run = Run(handler)
        run.result()
        assert seen == [("ValueError", "attempt 1")]
        assert run.named("b").status.value == "FAILED"

    def test_errors_that_the_strategy_does_not_name_are_not_retried(self):
        """As for a step."""
        strategy = create_retry_strategy(RetryStrategyConfig(retryable_error_types=[KeyError]))
        block, calls = good_in(2)
        run = Run(lambda event, context: with_retry(context, block, WithRetryConfig(strategy), "b"))
        assert run.error()["ErrorMessage"] == "attempt 1"
        assert calls == [1]

    def test_what_is_no_exception_is_not_retried(self):
        """A `KeyboardInterrupt` leaves the invocation."""

        def block(context, attempt):
            raise KeyboardInterrupt

        run = Run(lambda event, context: with_retry(context, block, after(1)))
        with pytest.raises(KeyboardInterrupt):
            run.invoke()

    def test_an_error_raised_on_purpose_to_end_the_execution_is_shown_to_the_strategy_too(self):
        """As by AWS's SDK: only a strategy that names it away lets an `ExecutionError` end the execution."""
        attempts = []

        def block(context, attempt):
            attempts.append(attempt)
            raise ExecutionError("enough")

        strategy = create_retry_strategy(RetryStrategyConfig(max_attempts=2))
        run = Run(lambda event, context: with_retry(context, block, WithRetryConfig(strategy)))
        assert run.error()["ErrorType"].endswith(".ExecutionError")
        assert max(attempts) == 2

    def test_code_that_changed_is_not_retried(self):
        """No attempt can mend a replay that differs: the execution fails, and nothing is recorded below."""
        names = itertools.count()

        def block(context, attempt):
            context.wait(SECOND, f"wait {next(names)}")

        run = Run(lambda event, context: with_retry(context, block, after(1), "b"))
        assert run.error()["ErrorType"].endswith(".NonDeterministicExecutionError")
        assert run.recorded == ["b", "wait 0"]


class TestUnwrapped:
    def test_the_attempts_are_operations_of_the_caller(self):
        """There is no context of their own, and they count on where the caller was."""
        block, _ = good_in(2)

        def handler(event, context):
            context.step(lambda step: 0, name="before")
            result = with_retry(context, block, UNWRAPPED, "b")
            context.step(lambda step: 0, name="after")
            return result

        run = Run(handler)
        assert run.result() == "good in attempt 2"
        assert run.recorded == ["before", "step 1", "b-backoff-1", "step 2", "after"]
        assert {each.parent_id for each in run.service.operations.values()} == {None}

    def test_the_block_gets_the_callers_context(self):
        """It is not another."""

        def handler(event, context):
            return with_retry(context, lambda own, attempt: own is context, UNWRAPPED)

        assert Run(handler).result() is True

    def test_the_last_error_is_raised_as_it_is(self):
        """The very object that left the block."""
        config = WithRetryConfig(
            lambda error, attempt: RetryDecision.no_retry(), wrap_with_run_in_child_context=False
        )
        error = ValueError("mine")

        def block(context, attempt):
            raise error

        def handler(event, context):
            with pytest.raises(ValueError, match="mine") as raised:
                with_retry(context, block, config)
            return raised.value is error

        assert Run(handler).result() is True


class TestChildConfig:
    def test_it_is_that_of_the_child_context(self):
        """Its subtype, say."""
        config = WithRetryConfig[str](child_context_config=ChildConfig(sub_type="Saga"))
        run = Run(lambda event, context: with_retry(context, good_in(1)[0], config, "b"))
        run.result()
        assert run.named("b").sub_type == "Saga"

    def test_a_virtual_context_records_only_what_is_in_it(self):
        """The attempts' operations, and the waits between them."""
        config = WithRetryConfig(
            lambda error, attempt: RetryDecision.retry(SECOND),
            child_context_config=ChildConfig(is_virtual=True),
        )
        run = Run(lambda event, context: with_retry(context, good_in(2)[0], config, "b"))
        assert run.result() == "good in attempt 2"
        assert run.recorded == ["step 1", "b-backoff-1", "step 2"]


class TestWrongArguments:
    GOOD = staticmethod(good_in(1)[0])

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda c, f: with_retry("c", f, WithRetryConfig()),
                "context must be a DurableContext, got",
            ),
            (lambda c, f: with_retry(c, 5, WithRetryConfig()), "func must be callable, got: 5"),
            (lambda c, f: with_retry(c, f, None), "config must be a WithRetryConfig, got: None"),
            (
                lambda c, f: with_retry(c, f, ChildConfig()),
                "config must be a WithRetryConfig, got",
            ),
            (lambda c, f: with_retry(c, f, WithRetryConfig(), 5), "name must be a str, got: 5"),
            (lambda c, f: with_retry(c, f, UNWRAPPED, "é"), "name must be 1 to 256 printable ASCII"),
            (lambda c, f: with_retry(c, f, UNWRAPPED, "n" * 241), "name must be at most 240 characters"),
        ],
    )
    def test_an_argument_is_refused_by_its_name_before_anything_is_recorded(self, call, message):
        """Wrapped or not."""
        assert message_of(lambda context: call(context, self.GOOD)).startswith(message)

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"retry_strategy": 3}, "retry_strategy must be callable"),
            (
                {"retry_strategy": RetryStrategyConfig()},
                "retry_strategy must be callable .a function",
            ),
            ({"wrap_with_run_in_child_context": 1}, "wrap_with_run_in_child_context must be a bool, got: 1"),
            ({"child_context_config": {}}, "child_context_config must be a ChildConfig, got: {}"),
        ],
    )
    def test_a_config_is_refused_where_it_is_made(self, arguments, message):
        """By the argument's name."""
        with pytest.raises(ValidationError, match=message):
            WithRetryConfig(**arguments)

    @pytest.mark.parametrize(
        ("decision", "message"),
        [
            (None, "The retry_strategy of with_retry 'b' must return a RetryDecision, got None."),
            (True, "The retry_strategy of with_retry 'b' must return a RetryDecision, got True."),
            (RetryDecision.retry(Duration(0)), "duration must be at least 1 second"),
            (RetryDecision.retry(Duration.from_days(400)), "duration must be at least 1 second and at most"),
        ],
    )
    def test_a_strategys_nonsense_fails_the_block(self, decision, message):
        """It is no error of the block's own, and is not shown to the strategy again."""
        config = WithRetryConfig(lambda error, attempt: decision)
        run = Run(lambda event, context: with_retry(context, good_in(2)[0], config, "b"))
        assert run.error()["ErrorMessage"].startswith(message)
        assert run.named("b").error.type.endswith(".ValidationError")

    def test_a_strategy_that_raises_fails_the_block_with_what_it_raised(self):
        """The same as of a step."""

        def strategy(error, attempt):
            raise KeyError("broken")

        run = Run(lambda event, context: with_retry(context, good_in(2)[0], WithRetryConfig(strategy), "b"))
        run.error()
        assert run.named("b").error.type == "KeyError"

    def test_the_callers_context_used_in_the_block_is_refused(self):
        """The block has a context of its own, unless it is unwrapped."""
        strategy = create_retry_strategy(
            RetryStrategyConfig(max_attempts=1, jitter_strategy=JitterStrategy.NONE)
        )

        def handler(event, context):
            return with_retry(
                context, lambda own, attempt: context.step(lambda step: 1), WithRetryConfig(strategy)
            )

        assert "must use that context only" in Run(handler).error()["ErrorMessage"]
