"""`context.step`: results that are recorded, and bodies that run no more often than they should."""

import logging
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from durably.actors.model import OperationStatus
from durably.workflows import (
    RetryDecision,
    SerDesError,
    StepConfig,
    StepError,
    StepInterruptedError,
    StepSemantics,
    durable_step,
)
from durably.workflows.config import Duration
from durably.workflows.exceptions import CheckpointError, ExecutionError, RetryableSerDesError
from durably.workflows.retries import RetryPresets, RetryStrategyConfig, create_retry_strategy
from durably.workflows.serdes import JsonSerDes, PassThroughSerDes, SerDes
from tests.workflows.running import ONCE, Once, Run, ends, happens, refused, starts


class Custom:
    """No serializer knows it."""


@dataclass
class Fetch:
    """A body that cannot be hashed, as every dataclass that compares."""

    url: str

    def __call__(self, step):
        return self.url


class TestResults:
    def test_a_result_is_recorded_and_not_made_again(self):
        """A body whose result is recorded does not run in another invocation."""
        ran = []

        def handler(event, context):
            return context.step(lambda step: ran.append(1) or len(ran), "count")

        run = Run(handler)
        assert [run.invoke(), run.invoke()] == [{"Status": "SUCCEEDED", "Result": "1"}] * 2
        assert run.actions("count") == ["START", "SUCCEED"]
        assert ran == [1]

    @pytest.mark.parametrize(
        ("value", "back"),
        [
            ((1, (2,)), (1, (2,))),
            ({1: "a"}, {"1": "a"}),
            (bytearray(b"x"), b"x"),
            (None, None),
            ("", ""),
            ([Decimal("1.10"), UUID(int=1)], [Decimal("1.10"), UUID(int=1)]),
            (datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)),
        ],
    )
    def test_the_first_run_gets_what_a_replay_gets(self, value, back):
        """A result is what comes out of the record, on the first run already, type by type."""
        seen = []

        def handler(event, context):
            seen.append(context.step(lambda step: value))

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen == [back, back]
        assert [type(each) for each in seen] == [type(back)] * 2

    def test_a_result_is_no_alias_of_what_the_body_returned(self):
        """Changing the list that a body keeps does not change the result."""
        kept = [1]

        def handler(event, context):
            result = context.step(lambda step: kept)
            kept.append(2)
            return result

        assert Run(handler).result() == [1]

    def test_a_result_that_no_serializer_knows_is_refused(self):
        """It is a SerDesError that names operation and type, recorded as a failure and not retried."""
        ran = []

        def handler(event, context):
            try:
                context.step(lambda step: ran.append(1) or Custom(), "make")
            except SerDesError as error:
                return str(error)

        run = Run(handler)
        first, second = run.result(), run.result()
        assert first == second
        assert "Custom" in first
        assert run.named("make").id in first or "make" in first
        assert run.actions("make") == ["START", "FAIL"]
        assert ran == [1]

    def test_a_serializer_of_ones_own_writes_and_reads(self):
        """The config's serdes makes the payload, and both runs get what it reads."""
        seen = []

        def handler(event, context):
            seen.append(context.step(lambda step: (1, 2), "json", StepConfig(serdes=JsonSerDes())))
            seen.append(context.step(lambda step: "raw", "raw", StepConfig(serdes=PassThroughSerDes())))

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen == [[1, 2], "raw"] * 2
        assert [run.named(name).result for name in ("json", "raw")] == ["[1, 2]", "raw"]

    def test_a_serializer_that_fails_fails_the_step(self):
        """Whatever a serdes raises becomes a SerDesError with the operation's id."""

        class Broken(SerDes):
            def serialize(self, value, serdes_context):
                raise ZeroDivisionError("oh")

            def deserialize(self, data, serdes_context):
                return data

        def handler(event, context):
            context.step(lambda step: 1, "broken", StepConfig(serdes=Broken()))

        run = Run(handler)
        error = run.error()
        assert error["ErrorType"].endswith("SerDesError")
        assert run.named("broken").id in error["ErrorMessage"]
        assert run.named("broken").status is OperationStatus.FAILED

    def test_a_serializer_whose_failure_may_pass_ends_the_invocation(self):
        """RetryableSerDesError leaves the handler, nothing is recorded, and another invocation succeeds."""
        failures = [RetryableSerDesError("store timed out")]

        class Store(PassThroughSerDes):
            def serialize(self, value, serdes_context):
                if failures:
                    raise failures.pop()
                return value

        def handler(event, context):
            return context.step(lambda step: "x", "s", StepConfig(serdes=Store()))

        run = Run(handler)
        with pytest.raises(RetryableSerDesError, match="timed out"):
            run.invoke()
        assert "SUCCEED" not in run.actions("s")
        assert "FAIL" not in run.actions("s")
        assert run.result() == "x"

    def test_a_body_may_be_a_callable_object_that_cannot_be_hashed(self):
        """Any callable will do, one after another of the same class."""

        def handler(event, context):
            return [context.step(Fetch("a")), context.step(Fetch("b"))]

        assert Run(handler).result() == ["a", "b"]

    def test_an_execution_error_in_a_body_fails_the_execution(self):
        """It is no failure of the step: nothing of it is recorded, and user code cannot retry it."""

        def handler(event, context):
            def body(step):
                raise ExecutionError("not with this input")

            context.step(body, "s")

        run = Run(handler)
        assert run.error()["ErrorMessage"] == "not with this input"
        assert "FAIL" not in run.actions("s")


class TestNames:
    def test_a_step_is_named_by_hand_or_by_its_decorated_function(self):
        """The argument names it, else the `durable_step` function; a bare function lends no name."""

        @durable_step
        def fetch(step, url, *, times=1):
            return url * times

        def bare(step):
            return None

        def handler(event, context):
            context.step(bare)
            context.step(bare, "by hand")
            context.step(fetch("u"), "renamed")
            return context.step(fetch("u", times=2))

        run = Run(handler)
        assert run.result() == "uu"
        assert run.recorded == ["STEP", "by hand", "renamed", "fetch"]

    def test_a_subtype_of_ones_own_is_recorded(self):
        """`sub_type` replaces "Step" in the record."""

        def handler(event, context):
            context.step(lambda step: 1, "plain")
            context.step(lambda step: 1, "special", StepConfig(sub_type="Charge"))

        run = Run(handler)
        run.result()
        assert [run.named(name).sub_type for name in ("plain", "special")] == ["Step", "Charge"]


class TestRetries:
    def test_attempts_count_from_one_and_delays_are_recorded(self):
        """Body and strategy get attempts 1, 2, 3; each delay is what the strategy said."""
        attempts, asked = [], []

        def strategy(error, attempt):
            asked.append((str(error), attempt))
            return RetryDecision.retry(Duration.from_seconds(7 * attempt))

        def handler(event, context):
            def body(step):
                attempts.append(step.attempt)
                if step.attempt < 3:
                    raise ValueError(f"no {step.attempt}")
                return "yes"

            return context.step(body, "flaky", StepConfig(retry_strategy=strategy))

        run = Run(handler)
        assert run.result() == "yes"
        assert attempts == [1, 2, 3]
        assert asked == [("no 1", 1), ("no 2", 2)]
        assert [update.next_attempt_delay_seconds for update in run.updates("flaky")] == [
            each for delay in (7, 14) for each in (None, delay)
        ] + [None, None]
        assert run.actions("flaky") == ["START", "RETRY", "START", "RETRY", "START", "SUCCEED"]

    def test_an_attempt_is_not_repeated_before_its_delay_is_over(self):
        """An invocation that comes too early runs nothing and stays PENDING."""
        ran = []

        def handler(event, context):
            def body(step):
                ran.append(step.attempt)
                raise ValueError("no")

            context.step(body, "flaky", StepConfig(retry_strategy=RetryPresets.fixed(Duration(30))))

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        assert run.invoke() == {"Status": "PENDING"}
        run.service.advance(29)
        assert run.invoke() == {"Status": "PENDING"}
        assert ran == [1]
        run.service.advance(1)
        assert run.invoke() == {"Status": "PENDING"}
        assert ran == [1, 2]

    def test_a_strategy_that_gives_up_fails_the_step(self):
        """After the last attempt FAIL is recorded with that attempt's error."""
        config = StepConfig(retry_strategy=create_retry_strategy(RetryStrategyConfig(max_attempts=2)))

        def handler(event, context):
            def body(step):
                raise ValueError(f"attempt {step.attempt}")

            try:
                context.step(body, "s", config)
            except StepError as error:
                return error.message

        run = Run(handler)
        assert run.result() == "attempt 2"
        assert run.actions("s") == ["START", "RETRY", "START", "FAIL"]

    def test_without_a_strategy_a_step_has_six_attempts(self):
        """The default retries five times, with delays of at most a minute."""
        ran = []

        def handler(event, context):
            def body(step):
                ran.append(step.attempt)
                raise ValueError("no")

            context.step(body, "s")

        run = Run(handler)
        assert run.error()["ErrorType"].endswith("StepError")
        assert ran == [1, 2, 3, 4, 5, 6]
        delays = [u.next_attempt_delay_seconds for u in run.updates("s") if u.action.value == "RETRY"]
        assert all(1 <= delay <= bound for delay, bound in zip(delays, (5, 10, 20, 40, 60), strict=True))

    def test_a_strategy_that_raises_fails_the_step_with_its_error(self):
        """The step does not stay STARTED: FAIL names what the strategy raised."""

        def strategy(error, attempt):
            raise KeyError("strategy")

        def handler(event, context):
            def body(step):
                raise ValueError("body")

            try:
                context.step(body, "s", StepConfig(retry_strategy=strategy))
            except StepError as error:
                return error.error_type

        run = Run(handler)
        assert [run.result(), run.result()] == ["KeyError"] * 2
        assert run.actions("s") == ["START", "FAIL"]

    def test_a_strategy_that_answers_nonsense_fails_the_step(self):
        """The error names the strategy and the step, and what it has to return."""

        def handler(event, context):
            def body(step):
                raise ValueError("body")

            config = StepConfig(retry_strategy=lambda error, attempt: None)  # type: ignore[arg-type,return-value]  # on purpose
            try:
                context.step(body, "s", config)
            except StepError as error:
                return [error.error_type.rpartition(".")[2], error.message]

        run = Run(handler)
        kind, message = run.result()
        assert kind == "ValidationError"
        assert "retry_strategy of step s must return a RetryDecision" in message
        assert run.actions("s") == ["START", "FAIL"]

    def test_a_delay_below_a_second_is_raised_to_one(self, caplog):
        """The service takes whole seconds from 1; the log says what was made of the delay."""

        def handler(event, context):
            def body(step):
                if step.attempt == 1:
                    raise ValueError("no")

            strategy = StepConfig(retry_strategy=lambda error, attempt: RetryDecision.retry(Duration()))
            context.step(body, "s", strategy)

        run = Run(handler)
        with caplog.at_level(logging.WARNING):
            run.result()
        assert run.updates("s")[1].next_attempt_delay_seconds == 1
        assert "raised to 1 s" in caplog.text


class TestErrors:
    def test_an_error_is_the_same_on_the_first_run_and_on_replay(self):
        """Class, message, recorded type, data, stack and cause are what a replay can know."""
        seen = []

        def handler(event, context):
            def body(step):
                raise LookupError("nothing there")

            try:
                context.step(body, "s", ONCE)
            except StepError as error:
                cause = error.__cause__
                fields = (error.message, error.error_type, error.data, error.stack_trace)
                whence = (type(cause), str(cause), getattr(cause, "error_type", None))
                seen.append((type(error), str(error), *fields, *whence))

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen[0] == seen[1]
        assert seen[0][:4] == (StepError, "nothing there", "nothing there", "LookupError")
        assert seen[0][7:] == ("nothing there", "LookupError")

    def test_an_error_whose_text_fails_is_recorded_all_the_same(self):
        """A broken `__str__` does not hide that the step failed."""

        class MuteError(Exception):
            def __str__(self):
                raise RuntimeError("mute")

        def handler(event, context):
            def body(step):
                raise MuteError

            try:
                context.step(body, "s", ONCE)
            except StepError as error:
                return error.message

        assert "MuteError" in Run(handler).result()

    @pytest.mark.parametrize("error", [StopIteration(1), GeneratorExit(), SystemExit(3)])
    def test_what_is_odd_to_raise_neither_hangs_nor_succeeds(self, error):
        """StopIteration is an error like others; what is no Exception ends the invocation with itself."""

        def handler(event, context):
            def body(step):
                raise error

            context.step(body, "s", ONCE)

        run = Run(handler)
        if isinstance(error, Exception):
            assert run.error()["ErrorType"].endswith("StepError")
        else:
            with pytest.raises(type(error)):
                run.invoke()
        assert "SUCCEED" not in run.actions()


def interrupted_step(semantics, strategy=None, *, lost_answer=False):
    """A step whose SUCCEED meets a lost call; the attempts that its body ran."""
    ran = []

    def handler(event, context):
        config = StepConfig(step_semantics=semantics, retry_strategy=strategy)
        try:
            return context.step(lambda step: ran.append(step.attempt) or "done", "s", config)
        except StepError as error:
            return [error.error_type.rsplit(".", 1)[-1], error.message]

    fault = Once(lambda updates: ends(updates, "s"), refused(500))
    run = Run(handler, after=fault) if lost_answer else Run(handler, before=fault)
    with pytest.raises(CheckpointError):
        run.invoke()
    return run, ran


class TestInterruption:
    def test_at_least_once_a_body_whose_result_was_lost_runs_again(self):
        """The result never arrived, so the same attempt is made again."""
        run, ran = interrupted_step(StepSemantics.AT_LEAST_ONCE_PER_RETRY)
        assert run.result() == "done"
        assert ran == [1, 1]

    @pytest.mark.parametrize("semantics", list(StepSemantics))
    def test_a_body_whose_result_arrived_does_not_run_again(self, semantics):
        """Only the answer was lost: the record decides, and it has the result."""
        run, ran = interrupted_step(semantics, lost_answer=True)
        assert run.result() == "done"
        assert ran == [1]

    def test_at_most_once_an_interrupted_attempt_counts_as_failed(self):
        """The strategy is asked about a StepInterruptedError, and the body runs in the next attempt only."""
        asked = []

        def strategy(error, attempt):
            asked.append((type(error), attempt))
            return RetryDecision.retry(Duration(5))

        run, ran = interrupted_step(StepSemantics.AT_MOST_ONCE_PER_RETRY, strategy)
        assert run.invoke() == {"Status": "PENDING"}
        assert ran == [1]
        assert run.result() == "done"
        assert asked == [(StepInterruptedError, 1)]
        assert ran == [1, 2]

    def test_at_most_once_without_retries_the_step_fails(self):
        """The body is not run again; user code gets a StepError that says it was interrupted."""
        run, ran = interrupted_step(
            StepSemantics.AT_MOST_ONCE_PER_RETRY, lambda error, attempt: RetryDecision.no_retry()
        )
        kind, message = run.result()
        assert kind == "StepInterruptedError"
        assert "s" in message
        assert "interrupted" in message
        assert ran == [1]
        assert run.result() == [kind, message]

    def test_at_most_once_the_start_is_recorded_before_the_body_runs(self):
        """When the body runs, the service has its START already; if that is lost the body never ran."""
        seen, ran = [], []

        def handler(event, context):
            def body(step):
                ran.append(1)
                seen.append(run.named("s").status)

            context.step(lambda step: None, "before")
            context.step(body, "s", StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY))

        run = Run(handler, before=Once(lambda updates: starts(updates, "s"), refused(500)))
        with pytest.raises(CheckpointError):
            run.invoke()
        assert ran == []
        run.result()
        assert seen == [OperationStatus.STARTED]
        assert ran == [1]


class TestTheStartOfAStep:
    """A body that lasts is seen by others from the start: here it lasts until it has been seen."""

    def test_of_the_first_step(self):
        """The first body finds its START recorded."""
        seen = threading.Event()
        run = Run(
            lambda event, context: context.step(lambda step: happens(seen), "first"),
            after=lambda updates: starts(updates, "first") and seen.set(),
        )
        run.result()

    def test_of_a_second_step_with_another_body(self):
        """So does a later one, though nothing but this body runs."""
        seen = threading.Event()

        def handler(event, context):
            context.step(lambda step: None, "first")
            context.step(lambda step: happens(seen), "second")
            context.step(lambda step: None, "third")

        run = Run(handler, after=lambda updates: starts(updates, "second") and seen.set())
        run.result()
        assert [run.actions(name) for name in ("first", "second", "third")] == [["START", "SUCCEED"]] * 3

    def test_of_every_step_of_a_map(self):
        """All bodies of a map are seen while none of them has ended."""
        seen = [threading.Event() for _ in range(20)]

        def after(updates):
            for index, event in enumerate(seen):
                if starts(updates, f"step {index}"):
                    event.set()

        def handler(event, context):
            def branch(child, item, index, items):
                child.step(lambda step: [happens(each) for each in seen] and None, f"step {index}")

            return context.map(range(20), branch).success_count

        assert Run(handler, after=after).result() == 20

    def test_of_a_step_in_the_only_branch(self):
        """A body that has no company in its map is seen as well."""
        seen = threading.Event()

        def handler(event, context):
            context.step(lambda step: None, "before")
            return context.map(
                [0], lambda child, *_: child.step(lambda step: happens(seen), "alone")
            ).success_count

        assert Run(handler, after=lambda updates: starts(updates, "alone") and seen.set()).result() == 1
