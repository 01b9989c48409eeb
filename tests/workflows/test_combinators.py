"""`context.all`, `all_settled`, `any` and `race`: several futures as one answer, the same on every replay."""

import threading

import pytest

from durably.actors.model import OperationStatus
from durably.workflows import (
    CallbackTimeoutError,
    CompletionConfig,
    DurableContext,
    Duration,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepError,
    ValidationError,
)
from durably.workflows.config import CallbackConfig
from durably.workflows.exceptions import CheckpointError
from tests.workflows.deferring import HOUR, LARGE, VIRTUAL, YEAR, Slow, fails, nothing
from tests.workflows.running import ONCE, SECOND, Once, Run, happens, refused, starts


def waiting(context, duration, name=None):
    return context.deferred.wait(duration, name)


def virtually_waiting(context, duration, name=None):
    return context.deferred.run_in_child_context(lambda child: child.wait(duration, name), None, VIRTUAL)


class TestAll:
    def test_it_gives_the_values_in_order(self):
        """Whichever ends first; and the same on replay, without a body."""
        slow, bodies = Slow(), []

        def handler(event, context):
            futures = [context.deferred.step(slow, "slow")]
            futures.append(context.deferred.step(lambda step: bodies.append(1) or "quick", "quick"))
            futures.append(context.deferred.wait(SECOND))
            context.race(futures)
            slow.released.set()
            values = context.all(futures, "both")
            context.wait(SECOND)
            return [values, context.all(futures) == values]

        run = Run(handler)
        assert run.result() == [["slow", "quick", None], True]
        assert run.result() == [["slow", "quick", None], True]
        assert (slow.runs, len(bodies)) == (1, 1)
        assert run.actions("both") == ["START", "SUCCEED"]

    def test_it_fails_at_the_first_failure_without_waiting_for_the_others(self):
        """A wait of a year beside it does not matter."""

        def handler(event, context):
            futures = [context.deferred.wait(YEAR), context.deferred.step(fails, "s", ONCE)]
            try:
                context.all(futures)
            except StepError as error:
                return error.message

        run = Run(handler)
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": '"no"'}
        assert run.named("s").status is OperationStatus.FAILED

    def test_the_failure_that_was_first_is_raised_on_replay_too(self):
        """Although another future, earlier in the list, has failed since."""
        slow = Slow()

        def later(step):
            slow(step)
            raise ValueError("later")

        def handler(event, context):
            futures = [context.deferred.step(later, "later", ONCE), context.deferred.step(fails, "s", ONCE)]
            try:
                context.all(futures)
            except StepError as error:
                first = error.message
            slow.released.set()
            ended = context.all_settled(futures)
            context.wait(SECOND)
            return [first, [str(each.error) for each in ended]]

        run = Run(handler)
        assert run.result() == ["no", ["later", "no"]]
        assert run.result() == ["no", ["later", "no"]]

    def test_of_nothing_is_nothing(self):
        """`all` and `all_settled` of an empty list are complete at once, and recorded."""
        run = Run(lambda event, context: [context.all([], "a"), context.all_settled((), "b")])
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": "[[], []]"}
        assert run.actions() == ["START", "SUCCEED"] * 2

    def test_a_list_that_changes_meanwhile_is_taken_as_it_was(self):
        """What other code adds or removes while the futures are awaited does not count."""

        def handler(event, context):
            futures = [context.deferred.step(lambda step, each=each: each) for each in (1, 2)]
            context.deferred.run_in_child_context(lambda child: futures.clear())
            return context.all(futures)

        assert Run(handler).result() == [1, 2]

    def test_the_same_future_twice(self):
        """It counts twice."""

        def handler(event, context):
            future = context.deferred.wait(SECOND)
            return context.all([future, future])

        assert Run(handler).result() == [None, None]

    def test_it_suspends_until_the_last_of_many_waits(self):
        """Each wait that is over is an invocation at most; the last one decides."""

        def handler(event, context):
            return context.all([context.deferred.wait(Duration.from_seconds(n)) for n in (3, 1, 2)])

        assert Run(handler).result() == [None, None, None]

    def test_waits_and_bodies_arrive_in_one_invocation(self):
        """A wait whose end comes with a body's answer is not lost while the code is resumed for another."""
        slow = Slow()
        runs = []

        def over(step):
            runs[0].service.clock.advance(1)
            slow.released.set()
            return "over"

        def handler(event, context):
            futures = [context.deferred.wait(SECOND, f"w{n}") for n in range(3)]
            futures += [context.deferred.step(slow, "slow"), context.deferred.step(over, "over")]
            return context.all(futures)

        runs.append(Run(handler))
        assert runs[0].result() == [None, None, None, "slow", "over"]

    def test_a_future_whose_result_is_rebuilt_does_not_hide_the_others(self):
        """Reading a large result takes the code elsewhere; what arrives then still counts."""
        slow = Slow()

        def handler(event, context):
            large = context.deferred.map(range(2), lambda c, *_: c.step(lambda step: "x" * LARGE), "large")
            context.wait(SECOND)
            late = context.deferred.step(slow, "slow")
            later = context.deferred.step(lambda step: slow.released.set() or slow(step), "later")
            batch, *values = context.all([large, late, later])
            return [batch.success_count, *values]

        run = Run(handler)
        assert run.result() == [2, "slow", "slow"]
        assert run.result() == [2, "slow", "slow"]

    @pytest.mark.parametrize("nesting", list(NestingType))
    @pytest.mark.parametrize("begin", [waiting, virtually_waiting])
    @pytest.mark.parametrize("combine", [DurableContext.all, DurableContext.all_settled])
    def test_a_branch_that_is_ended_while_futures_arrive_is_unwound_at_once(self, combine, begin, nesting):
        """One of its waits ends with the other branch's: its `finally` runs before the code goes on."""
        alive, started, left, seen = Slow(), threading.Event(), [], []

        def moves_the_time(step):
            happens(started)
            run.service.clock.advance(1)

        def quick(child):
            child.wait(SECOND)

        def combines(child):
            try:
                combine(child, [begin(child, SECOND), begin(child, YEAR, "year")])
            finally:
                left.append("unwound")

        def handler(event, context):
            body = context.deferred.step(alive)
            context.deferred.step(moves_the_time)
            config = ParallelConfig(
                completion_config=CompletionConfig.first_successful(), nesting_type=nesting
            )
            context.parallel([quick, combines, quick], None, config)
            seen.extend(left)
            alive.released.set()
            return body.result()

        run = Run(handler, after=lambda updates: started.set() if starts(updates, "year") else None)
        assert run.result() == "slow"
        assert (seen, left) == (["unwound"], ["unwound"])


class TestAllSettled:
    def test_it_says_how_each_ended(self):
        """Values and errors, in order; `result()` of one gives the value or raises."""

        def handler(event, context):
            futures = [context.deferred.step(lambda step: 1, "a"), context.deferred.step(fails, "b", ONCE)]
            good, bad = context.all_settled([*futures, context.deferred.wait(SECOND)])[:2]
            with pytest.raises(StepError):
                bad.result()
            return [good.ok, good.result(), good.error, bad.ok, bad.value, str(bad.error)]

        run = Run(handler)
        assert run.result() == [True, 1, None, False, None, "no"]
        assert run.result() == [True, 1, None, False, None, "no"]


class TestAny:
    def test_it_gives_the_first_value_whatever_failed_before(self):
        """A failure does not decide, and what is not done is not awaited."""

        def handler(event, context):
            futures = [
                context.deferred.step(fails, "bad", ONCE),
                context.deferred.wait(SECOND),
                context.deferred.wait(YEAR),
            ]
            return context.any(futures, "first")

        run = Run(handler)
        assert run.result() is None
        assert run.named("first").result == "1"

    def test_if_all_fail_it_raises_all_errors(self):
        """An ExceptionGroup with the errors in order of the futures, now and on replay."""

        def handler(event, context):
            def body(n):
                def fail(step):
                    raise ValueError(f"no {n}")

                return fail

            futures = [context.deferred.step(body(n), f"s{n}", ONCE) for n in range(3)]
            try:
                context.any(futures, "first")
            except* StepError as group:
                said = [str(group), [error.message for error in group.exceptions]]
            context.wait(SECOND)
            return said

        run = Run(handler)
        expected = ["all 3 futures failed (3 sub-exceptions)", ["no 0", "no 1", "no 2"]]
        assert run.result() == expected
        assert run.result() == expected
        assert run.named("first").result == "null"


class TestRace:
    def test_the_loser_is_not_awaited(self):
        """The handler returns as soon as the winner is there."""

        def handler(event, context):
            return context.race([context.deferred.wait(YEAR), context.deferred.step(lambda step: "won", "s")])

        assert Run(handler).invoke() == {"Status": "SUCCEEDED", "Result": '"won"'}

    def test_the_winner_is_the_recorded_one_although_the_loser_is_done_by_then(self):
        """On replay both are complete, the loser first in the list: the answer is the same."""
        slow = Slow("lost")

        def handler(event, context):
            futures = [context.deferred.step(slow, "a"), context.deferred.step(lambda step: "won", "b")]
            winner = context.race(futures, "race")
            slow.released.set()
            loser = futures[0].result()
            context.wait(SECOND)
            return [winner, loser, context.race(futures)]

        run = Run(handler)
        assert run.result() == ["won", "lost", "lost"]
        assert run.result() == ["won", "lost", "lost"]
        assert run.named("race").result == "1"
        assert slow.runs == 1

    def test_an_error_may_win(self):
        """What the first comes to, value or error, on replay too."""

        def handler(event, context):
            futures = [context.deferred.wait(HOUR), context.deferred.step(fails, "s", ONCE)]
            try:
                context.race(futures)
            except StepError as error:
                said = error.message
            futures[0].result()
            return said

        run = Run(handler)
        assert run.result() == "no"
        assert run.result() == "no"

    def test_of_two_waits_the_shorter_wins(self):
        """Over several invocations, and whatever comes after it."""

        def handler(event, context):
            long, short = context.deferred.wait(HOUR, "long"), context.deferred.wait(SECOND, "short")
            context.race([long, short], "race")
            long.result()
            return context.step(lambda step: "after")

        run = Run(handler)
        assert run.result() == "after"
        assert run.named("race").result == "1"

    def test_a_crash_between_the_arrival_and_the_record_decides_again(self):
        """Nobody has seen the first decision; the one that is recorded is the one that all replays give."""
        seen = []

        def handler(event, context):
            futures = [context.deferred.wait(HOUR, "wait"), context.deferred.step(lambda step: "step", "s")]
            seen.append(context.race(futures, "race"))
            context.wait(SECOND)
            return seen[-1]

        crash = Once(lambda updates: starts(updates, "race"), refused(503))
        run = Run(handler, before=crash)
        with pytest.raises(CheckpointError):
            run.invoke()
        assert seen == []
        run.service.advance(3600)
        assert run.result() is None
        assert run.result() is None
        assert run.named("race").result == "0"

    def test_a_decision_that_was_started_and_not_ended_is_made_again(self):
        """The START alone was recorded when the invocation died."""
        lost = Once(lambda updates: starts(updates, "race"), refused(503))

        def handler(event, context):
            return context.race([context.deferred.step(lambda step: "won", "s")], "race")

        run = Run(handler, after=lost)
        with pytest.raises(CheckpointError):
            run.invoke()
        assert run.result() == "won"
        assert run.actions("race").count("START") == 1

    def test_fewer_futures_than_were_raced_are_refused(self):
        """The recorded winner must be among them."""
        invocations = []

        def handler(event, context):
            invocations.append(1)
            futures = [context.deferred.wait(HOUR), context.deferred.step(lambda step: "won", "s")]
            context.race(futures[: 3 - len(invocations)], "race")
            context.wait(SECOND)

        error = Run(handler).error()
        assert "NonDeterministic" in error["ErrorType"]
        assert "decided by future 1" in error["ErrorMessage"]


class TestApproval:
    """A human approves, or a timer runs out: a race of a callback and a wait."""

    def handler(self, event, context):
        approval = context.create_callback("approval")
        context.step(lambda step: f"mailed {approval.callback_id}", "ask")
        late = context.deferred.wait(Duration.from_days(3), "late")
        context.race([approval, late], "answer or timeout")
        return approval.result() if approval.done else "nobody answered"

    def decided(self, event, context):
        """The same with a decision that does not depend on `done`."""
        approval = context.create_callback("approval")

        def answered(child):
            return f"answered {approval.result()}"

        def late(child):
            child.wait(Duration.from_days(3), "late")
            return "nobody answered"

        return context.race(
            [context.deferred.run_in_child_context(answered), context.deferred.run_in_child_context(late)]
        )

    def test_an_answer_in_time_wins(self):
        """The execution is suspended until then, and does not wait for the timer."""
        run = Run(self.decided)
        assert run.invoke()["Status"] == "PENDING"
        run.service.complete_callback(run.named("approval").callback_id, "yes")
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": '"answered yes"'}

    def test_without_an_answer_the_timer_wins(self):
        """After three days."""
        run = Run(self.decided)
        assert run.invoke()["Status"] == "PENDING"
        assert run.result() == "nobody answered"

    def test_a_callback_and_a_wait_race(self):
        """A callback is a future like any other."""
        run = Run(self.handler)
        assert run.invoke()["Status"] == "PENDING"
        run.service.complete_callback(run.named("approval").callback_id, "yes")
        assert run.result() == "yes"
        assert run.named("answer or timeout").result == "0"

    def test_a_callbacks_own_timeout_is_an_error_that_may_win(self):
        """The error of the callback is raised out of the race."""

        def handler(event, context):
            config = CallbackConfig(timeout=Duration.from_seconds(5))
            try:
                context.race([context.create_callback("c", config), context.deferred.wait(HOUR)])
            except CallbackTimeoutError:
                return "timed out"

        assert Run(handler).result() == "timed out"


WRONG = {
    "all of nothing": (lambda c: c.all(None), "futures must be a sequence"),
    "all of a generator": (lambda c: c.all(f for f in []), "Make a list of it"),
    "all of one future": (lambda c: c.all(c.deferred.wait), "futures must be a sequence"),
    "all of values": (lambda c: c.all([1]), r"futures\[0\] must be a DurableFuture"),
    "all_settled of methods": (lambda c: c.all_settled([c.deferred.step]), r"futures\[0\] must be"),
    "any of none": (lambda c: c.any([]), "futures must not be empty: any"),
    "any of a str": (lambda c: c.any("ab"), r"futures\[0\] must be a DurableFuture"),
    "race of none": (lambda c: c.race([]), "futures must not be empty: race"),
    "race of a set": (lambda c: c.race({1}), "futures must be a sequence"),
    "race of nothing": (lambda c: c.race(None), "futures must be a sequence"),
    "all name": (lambda c: c.all([], 7), "name must be"),
    "race name": (lambda c: c.all_settled([], "x" * 257), "name must be"),
    "deferred step of no function": (lambda c: c.deferred.step(5), "func must be callable"),
    "deferred step config": (lambda c: c.deferred.step(nothing, None, MapConfig()), "StepConfig"),
    "deferred wait of a number": (lambda c: c.deferred.wait(5), "Duration"),
    "deferred wait of nothing": (lambda c: c.deferred.wait(Duration.from_seconds(0)), "duration"),
    "deferred invoke of no name": (lambda c: c.deferred.invoke(5, None), "function_name"),
    "deferred child of no function": (lambda c: c.deferred.run_in_child_context(5), "func"),
    "deferred map over a number": (lambda c: c.deferred.map(5, nothing), "inputs must be a sequence"),
    "deferred parallel of results": (lambda c: c.deferred.parallel([5]), r"functions\[0\]"),
    "deferred submitter": (lambda c: c.deferred.wait_for_callback(5), "submitter"),
    "deferred condition": (lambda c: c.deferred.wait_for_condition(nothing, 5), "config"),
}


class TestWrongArguments:
    @pytest.mark.parametrize(("call", "says"), WRONG.values(), ids=WRONG.keys())
    def test_a_wrong_argument_is_refused_before_anything_is_recorded(self, call, says):
        """ValidationError names the argument, and the next operation takes the same place."""

        def handler(event, context):
            with pytest.raises(ValidationError, match=says):
                call(context)
            calls.append(run.service.calls)
            return context.step(lambda step: "fine")

        run, calls = Run(handler), []
        assert run.result() == "fine"
        assert calls == [0]
        assert run.result() == "fine"
        assert len(run.recorded) == 1
