"""The library's promises: each is broken on purpose, and found by its name. And those of users."""

import json

from durably.actors import checkpoint
from durably.actors.checkpoint import CheckpointActor, CheckpointState
from durably.actors.concurrency import ConcurrencyActor
from durably.actors.lifecycle import OperationState
from durably.actors.messages import Begin, CallDone, Close, CooldownElapsed, Flush
from durably.actors.operation import OperationActor
from durably.actors.simulation import RandomWalk
from durably.actors.termination import TerminationActor
from durably.workflows import (
    Duration,
    MapConfig,
    WaitForConditionConfig,
    WaitForConditionDecision,
    durable_execution,
)
from durably.workflows.config import CompletionConfig
from durably.workflows.operations import batch
from durably.workflows.operations.place import Place
from durably.workflows.testing.simulation import NOTHING, Faults, RunView, simulate
from tests.simulation.realistic import at_most_once, nested_early

SECOND = Duration.from_seconds(1)
MINUTE = Duration.from_minutes(1)
"""Longer than an invocation waits for what comes due."""


@durable_execution
def steps_around_a_wait(event, context):
    """Replayed once at least."""
    first = context.step(lambda _: 1, name="a")
    context.wait(MINUTE, name="w")
    return first + context.step(lambda _: 2, name="b")


@durable_execution
def nobody_awaits(event, context):
    """A step that goes on when the handler has its result."""
    context.deferred.step(lambda _: 1, name="a")
    context.deferred.step(lambda _: 2, name="b")
    return "done"


@durable_execution
def goes_on_behind(event, context):
    """A child context that goes on when the handler has its result."""

    def child(inner):
        inner.wait(SECOND, name="w")
        return inner.step(lambda _: 1, name="s")

    context.deferred.run_in_child_context(child, "child")
    context.wait(SECOND, name="w")


@durable_execution
def two_at_a_time(event, context):
    """Five branches, and room for two."""

    def branch(child, item, *_):
        return child.step(lambda _: item, name=f"s{item}")

    return context.map(range(5), branch, "m", MapConfig(max_concurrency=2)).get_results()


@durable_execution
def large_and_early(event, context):
    """One of three is enough; its result is too large to be recorded with the batch."""
    config = MapConfig(max_concurrency=1, completion_config=CompletionConfig.first_successful())
    found = context.map([1, 2, 3], lambda *_: "x" * 150_000 + "y" * 150_000, "m", config)
    context.wait(MINUTE)
    return found.total_count


@durable_execution
def many_steps(event, context):
    """More than go into one call."""
    return context.all([context.deferred.step(lambda _: 1, name=f"s{n}") for n in range(300)])


@durable_execution
def long_results(event, context):
    """More bytes than go into one call."""
    return len(context.all([context.deferred.step(lambda _: "x" * 200_000, name=n) for n in "abcde"]))


def finds(name, workflow, faults=NOTHING, schedules=300, **options):
    """The failure of the first schedule in which something is wrong, and that it is this."""
    report = simulate(workflow, schedules=schedules, faults=faults, shrink=False, guard=False, **options)
    assert not report.ok, f"{name} is not missed in {report.schedules} schedules"
    text = str(report.failures[0].error)
    assert text.startswith(f"{name}: ")
    return text


def before(monkeypatch, owner, name, does):
    """Let a method do something else first."""
    usual = getattr(owner, name)

    def broken(self, *arguments, **named):
        does(self)
        return usual(self, *arguments, **named)

    monkeypatch.setattr(owner, name, broken)
    return broken


class TestALibraryIsFoundThat:
    def test_loses_what_is_queued_when_it_closes(self, monkeypatch):
        """no-lost-update: it was accepted, and never sent."""

        def close(actor, _message):
            actor.state = CheckpointState.CLOSING
            actor._queue.clear()
            actor._orphan_all()

        monkeypatch.setitem(CheckpointActor.HANDLERS, Close, close)
        assert "never sent: START of" in finds("no-lost-update", nobody_awaits)

    def test_ends_while_something_is_outstanding(self, monkeypatch):
        """no-early-end: the supervisor does not look again."""

        def end_anyway(supervisor, _message):
            if supervisor._waiting:
                supervisor._end_pending()

        monkeypatch.setitem(TerminationActor.HANDLERS, CooldownElapsed, end_anyway)
        assert "it ended PENDING while" in finds("no-early-end", nested_early)

    def test_does_not_wake_who_waits(self, monkeypatch):
        """no-lost-wakeup: the operation is complete, and its task is still parked; it says where."""
        monkeypatch.setattr(OperationActor, "_resume_all", lambda _self: None)
        text = finds("no-lost-wakeup", steps_around_a_wait)
        assert "a is SUCCEEDED, and the handler waits for 'a' at" in text
        assert "test_invariants.py" in text

    def test_wakes_who_waits_twice(self, monkeypatch):
        """no-lost-wakeup: exactly once."""
        usual = OperationActor._resume

        def twice(self, awaiter, how):
            usual(self, awaiter, how)
            self.stage.dispatcher.ready(awaiter.task)

        monkeypatch.setattr(OperationActor, "_resume", twice)
        assert "resumed twice" in finds("no-lost-wakeup", steps_around_a_wait)

    def test_hangs(self, monkeypatch):
        """no-hang: nobody knows of the one who waits; the error says who waits for what, and where."""
        monkeypatch.setattr(OperationActor, "_tell_waiting", lambda _self: None)
        assert "the handler waits for 'w' at" in finds("no-hang", steps_around_a_wait)

    def test_tells_nobody_that_a_context_has_ended(self, monkeypatch):
        """parent-last: what goes on below it is to learn of it at once."""
        monkeypatch.setattr(CheckpointActor, "_finish", lambda _self, _context: None)
        assert "has ended, and nobody tells" in finds("parent-last", nested_early)

    def test_tells_nobody_that_the_root_has_finished(self, monkeypatch):
        """no-lost-wakeup: the same of everything that goes on then."""
        monkeypatch.setattr(CheckpointActor, "_orphan_all", lambda _self: None)
        assert "the root finished, and nobody tells" in finds("no-lost-wakeup", goes_on_behind)

    def test_accepts_what_comes_after_the_root_has_finished(self, monkeypatch):
        """parent-last: it could be recorded behind the end of the execution."""
        monkeypatch.setattr(CheckpointActor, "_close", lambda self, _message: self._orphan_all())
        handlers = {**CheckpointActor.HANDLERS, Close: CheckpointActor._close}
        monkeypatch.setattr(CheckpointActor, "HANDLERS", handlers)
        assert "is accepted after the root finished" in finds("parent-last", goes_on_behind)

    def test_sends_updates_from_below_a_finished_context(self, monkeypatch):
        """parent-last: what begins below a context that has ended is sent."""
        monkeypatch.setattr(CheckpointActor, "_is_over", lambda _self, _context: False)
        assert "after the end of its context" in finds("parent-last", nested_early)

    def test_sends_too_many_updates(self, monkeypatch):
        """one-call: 250 at most."""
        monkeypatch.setattr(checkpoint, "MAX_UPDATES", 10_000)
        assert "updates in one call" in finds("one-call", many_steps, schedules=1)

    def test_sends_too_many_bytes(self, monkeypatch):
        """one-call: 750 KB at most, unless it is one update."""
        monkeypatch.setattr(checkpoint, "MAX_BYTES", 10_000_000)
        assert "bytes in one call" in finds("one-call", long_results)

    def test_sends_an_old_token(self, monkeypatch):
        """one-call: always the newest."""

        def keeps_the_token(actor, message):
            token = actor.token
            actor._call_done(message)
            actor.token = token

        monkeypatch.setitem(CheckpointActor.HANDLERS, CallDone, keeps_the_token)
        assert "another token than the newest" in finds("one-call", steps_around_a_wait)

    def test_sends_updates_of_an_operation_in_another_order(self, monkeypatch):
        """one-call: START comes first."""
        before(monkeypatch, CheckpointActor, "_send", lambda actor: actor._queue.reverse())
        assert "START is due" in finds("one-call", steps_around_a_wait)

    def test_sends_a_call_while_another_is_in_flight(self, monkeypatch):
        """one-call: one."""

        def forget(actor):
            actor._in_flight = None

        before(monkeypatch, CheckpointActor, "_pump", forget)
        flush = before(monkeypatch, CheckpointActor, "_flush", forget)
        monkeypatch.setitem(CheckpointActor.HANDLERS, Flush, flush)
        assert "while another one is in flight" in finds("one-call", two_at_a_time)

    def test_lets_too_many_branches_begin(self, monkeypatch):
        """bounded-admission: no more than `max_concurrency`."""

        def forget(actor):
            actor._unfinished = 0

        before(monkeypatch, ConcurrencyActor, "_begin_branches", forget)
        assert "branches are unfinished, and 2 may be" in finds("bounded-admission", two_at_a_time)

    def test_lets_branches_begin_in_another_order(self, monkeypatch):
        """bounded-admission: by index."""

        def begin_last_first(actor):
            if actor._next == 0:
                actor._begin(actor.ref, 4)

        before(monkeypatch, ConcurrencyActor, "_begin_branches", begin_last_first)
        assert "branch 0 begins after branch 4" in finds("bounded-admission", two_at_a_time)

    def test_forgets_a_decision(self, monkeypatch):
        """stable-decision: a replay gives another result than the first run."""
        monkeypatch.setattr(batch, "read_completion_record", lambda _text: None)
        assert "the result of m was" in finds("stable-decision", large_and_early)

    def test_runs_an_interrupted_attempt_again(self, monkeypatch):
        """at-most-once: not even when the process has died since."""
        usual = OperationActor._execute

        def execute(self, me, *, interrupted=False):
            usual(self, me)

        monkeypatch.setattr(OperationActor, "_execute", execute)
        text = finds("at-most-once", at_most_once, faults=Faults(crashes=1))
        assert "runs again in attempt 1" in text

    def test_runs_a_step_again_that_has_succeeded(self, monkeypatch):
        """confirmed-once: its result is recorded."""
        usual = OperationActor.TRANSITIONS[Begin][OperationState.NEW]

        def begin(self, message):
            if message.record is not None and self._spec.body is not None:
                self._awaiters = [message.awaiter]
                self._execute(self.ref)
            else:
                usual(self, message)

        monkeypatch.setitem(OperationActor.TRANSITIONS[Begin], OperationState.NEW, begin)
        monkeypatch.setattr(Place, "is_complete", property(lambda _self: False))
        assert "the body of a runs" in finds("confirmed-once", steps_around_a_wait)

    def test_gives_another_result_on_replay(self, monkeypatch):
        """same-answer: what is read from the record is not what was there."""
        usual = Place.result

        def result(self, completed, *arguments):
            value = usual(self, completed, *arguments)
            return value if completed.outcome is not None or value is None else value + 1

        monkeypatch.setattr(Place, "result", result)
        assert "it came to" in finds("same-answer", steps_around_a_wait, faults=Faults(crashes=1))


def test_a_workflow_without_an_end_is_found():
    """no-hang: after the last fault an execution ends within a bounded number of invocations."""

    @durable_execution
    def polls_for_ever(event, context):
        config = WaitForConditionConfig(
            initial_state=0, wait_strategy=lambda *_: WaitForConditionDecision.continue_waiting(SECOND)
        )
        return context.wait_for_condition(lambda state, _: state, config, name="never")

    assert "no end after" in finds("no-hang", polls_for_ever)


class TestAnInvariantOfOnesOwn:
    @staticmethod
    def booked(view: RunView) -> list:
        """What is booked at this moment."""
        return [each.name for each in view.operations.values() if each.result == json.dumps("booked")]

    @durable_execution
    def books(event, context):  # noqa: N805  # a handler
        """Two things, of which only both are of use."""
        context.step(lambda _: "booked", name="flight")
        context.wait(SECOND)
        context.step(lambda _: "booked", name="hotel")

    def test_is_looked_at_before_every_choice(self):
        """By what it asserts, or by what it returns."""
        views = []

        def never_one_alone(view: RunView) -> None:
            views.append((len(view.choices), view.output))
            assert len(self.booked(view)) != 1, f"only {self.booked(view)}"

        text = finds("never_one_alone", self.books, invariants=[never_one_alone])
        assert "only ['flight']" in text
        assert [number for number, _ in views] == list(range(len(views)))

        def at_most_one(view: RunView) -> bool:
            return len(view.named("hotel")) == 0

        assert "it does not hold" in finds("at_most_one", self.books, invariants=[at_most_one])

    def test_sees_the_end(self):
        """The output is there then, and only then."""
        outputs = []
        simulate(self.books, schedules=1, invariants=[lambda view: outputs.append(view.output)]).check()
        assert {json.dumps(output) for output in outputs} == {
            "null",
            '{"Status": "SUCCEEDED", "Result": "null"}',
        }

    def test_that_holds_is_silent(self):
        """A hundred schedules, with faults."""

        def no_more_than_two(view: RunView) -> bool:
            return len(self.booked(view)) <= 2

        simulate(self.books, schedules=100, strategy=RandomWalk(1), invariants=[no_more_than_two]).check()
