"""What may go wrong in a run: each fault strikes, and an execution comes to the same all the same."""

import contextlib
import gc
from collections import Counter

import attrs
import pytest

from durably.actors.simulation import Pct, RandomWalk, Scheduler
from durably.actors.task import TaskGreenlet
from durably.workflows import (
    CallbackConfig,
    Duration,
    RetryDecision,
    StepConfig,
    durable_execution,
)
from durably.workflows.exceptions import CallbackError, InvokeError, StepError
from durably.workflows.testing.deviations import Deviating, Deviation
from durably.workflows.testing.simulated import SimulatedRun
from durably.workflows.testing.simulation import HARMLESS, NOTHING, Faults, simulate
from tests.simulation.realistic import OUTSIDE, REALISTIC, large_results, parallel_waits

S = Duration.from_seconds
NAMES = [field.name for field in attrs.fields(Faults)]


@durable_execution
def branches_that_wait(event, context):
    """Steps before, during and after waits: something for each fault."""
    context.step(lambda _: 0, name="before")

    def branch(child, item, *_):
        child.wait(S(item))
        return child.step(lambda _: item, name=f"s{item}")

    return context.map([1, 2], branch, name="m").get_results()


@durable_execution
def asks(event, context):
    """One callback, an hour to answer it."""
    callback = context.create_callback("approval", CallbackConfig(timeout=Duration.from_hours(1)))
    try:
        return callback.result()
    except CallbackError as error:
        return f"{type(error).__name__}: {error.message}"


@durable_execution
def calls(event, context):
    """One invoke."""
    try:
        return context.invoke("charge", {"amount": 3}, name="c")
    except InvokeError as error:
        return f"{error.error_type}: {error.message}"


def test_all_that_must_not_change_the_result_happen_by_default():
    """The other three have to be asked for, and the withdrawal of a token, which does not come of itself."""
    happens = {name for name in NAMES if getattr(HARMLESS, name)}
    assert set(NAMES) - happens == {"refused", "raised", "late", "withdrawn"}
    assert attrs.asdict(NOTHING) == dict.fromkeys(NAMES, 0)


@pytest.mark.parametrize("fault", ["withdrawn", *(name for name in NAMES if getattr(HARMLESS, name))])
def test_a_fault_strikes_as_often_as_it_may_and_changes_nothing(fault):
    """Twice in one run, of a hundred; and each comes to the same."""
    faults, struck = Faults(**{fault: 2}), Counter()
    strategy = RandomWalk(2, faults=0.1)
    for number in range(60):
        strategy.begin(number)
        run = SimulatedRun(branches_that_wait, None, Scheduler(strategy), faults)
        run.run()
        assert run.result == [1, 2]
        struck[run.strikes.struck[fault]] += 1
    assert struck[2] > 0
    assert max(struck) == 2


@pytest.mark.parametrize("strategy", [RandomWalk(3), Pct(3)], ids=["random", "pct"])
@pytest.mark.parametrize("workflow", REALISTIC, ids=lambda workflow: workflow.__name__)
def test_realistic_workflows_come_to_the_same(workflow, strategy):
    """All harmless faults, and what the world outside has to say."""
    schedules = 6 if workflow is large_results else 25
    simulate(workflow, schedules=schedules, strategy=strategy, **OUTSIDE.get(workflow, {})).check()


class TestACall:
    def test_that_is_refused_for_good_fails_the_execution(self):
        """With that error: which the same answer allows for, since it is what was asked for."""
        report = simulate(branches_that_wait, schedules=60, faults=Faults(refused=1))
        report.check()
        outcomes = Counter()
        strategy = RandomWalk(0)
        for number in range(60):
            strategy.begin(number)
            run = SimulatedRun(branches_that_wait, None, Scheduler(strategy), Faults(refused=1))
            outcomes[run.run()["Status"]] += 1
            if run.output["Status"] == "FAILED":
                assert run.result["ErrorMessage"] == "Refused by the simulation"
        assert outcomes["FAILED"] > 0

    def test_that_is_refused_and_nothing_else_may_fail_it(self):
        """Another error is not the same answer."""

        @durable_execution
        def fails_in_a_second_run(event, context):
            seen.append(1)
            context.step(lambda _: 1, name="a")
            if len(seen) > 1:
                raise ValueError("again")

        seen = []
        assert not simulate(fails_in_a_second_run, schedules=20, faults=Faults(refused=1)).ok


class TestTheBodyOfAStep:
    def test_may_raise_instead_of_running(self):
        """Whoever retries comes to the same."""
        attempts = StepConfig(retry_strategy=lambda _, attempt: RetryDecision.retry(S(1)))

        @durable_execution
        def retries(event, context):
            return context.step(lambda step: bodies.append(step.attempt) or 1, name="a", config=attempts)

        bodies = []
        simulate(retries, schedules=60, faults=Faults(raised=2)).check()
        assert set(bodies) == {1, 2, 3}

    def test_that_is_not_retried_fails(self):
        """The failure is named, so that it can be told from one of the workflow's own."""

        @durable_execution
        def gives_up(event, context):
            try:
                return context.step(
                    lambda _: 1,
                    name="a",
                    config=StepConfig(retry_strategy=lambda *_: RetryDecision.no_retry()),
                )
            except StepError as error:
                return error.error_type

        report = simulate(gives_up, schedules=60, faults=Faults(raised=1))
        assert "SimulatedFailure" in str(report.failures[0].error)


class TestACallback:
    @pytest.mark.parametrize(
        ("answer", "result"),
        [
            ("yes", "yes"),
            (None, None),
            ({"by": "Ann"}, '{"by": "Ann"}'),
            (lambda name: f"{name}: yes", "approval: yes"),
            (ValueError("no"), "CallbackExternalError: no"),
        ],
    )
    def test_is_answered(self, answer, result):
        """With text, JSON, an error, or whatever a function says; at any moment, and before its timeout."""
        report = simulate(asks, schedules=40, answers={"approval": answer})
        report.check()
        assert report.result == result

    def test_that_nobody_answers_times_out(self):
        """Time passes until it does."""
        report = simulate(asks, schedules=20)
        report.check()
        assert report.result.startswith("CallbackTimeoutError")

    def test_may_be_answered_too_late(self):
        """If that is asked for."""
        report = simulate(
            asks, strategy=RandomWalk(faults=0.5), faults=Faults(late=1), answers={"approval": "yes"}
        )
        assert "Callback timed out" in str(report.failures[0].error)

    def test_without_timeout_and_answer_is_a_hang_that_is_named(self):
        """The error says what to do."""

        @durable_execution
        def waits_for_ever(event, context):
            return context.create_callback("approval").result()

        report = simulate(waits_for_ever, shrink=False)
        assert "no-hang: it waits for callback 'approval', which nobody answers" in str(report)
        mistyped = simulate(waits_for_ever, shrink=False, answers={"aproval": "yes", "other": "no"})
        assert "answers={...}) (so far for: 'aproval', 'other')" in str(mistyped)

    def test_is_given_heartbeats(self):
        """They are choices as well, where a heartbeat is waited for."""

        @durable_execution
        def needs_a_heartbeat(event, context):
            config = CallbackConfig(heartbeat_timeout=Duration.from_minutes(1))
            return context.create_callback("approval", config).result()

        strategy, seen = RandomWalk(0), set()
        for number in range(30):
            strategy.begin(number)
            scheduler = Scheduler(strategy)
            SimulatedRun(needs_a_heartbeat, None, scheduler, answers={"approval": "yes"}).run()
            seen.update(scheduler.taken)
        assert "callback approval is given a heartbeat" in seen


class TestAnInvokedFunction:
    @pytest.mark.parametrize(
        ("outcome", "result"),
        [
            (7, 7),
            (lambda payload: payload["amount"] * 2, 6),
            (ValueError("no money"), "ValueError: no money"),
        ],
    )
    def test_comes_to_what_is_said(self, outcome, result):
        """A value, what a callable makes of the payload, or an error."""
        report = simulate(calls, schedules=40, functions={"charge": outcome})
        report.check()
        assert report.result == result

    def test_that_is_not_there_is_a_hang_that_is_named(self):
        """The error says what to do."""
        assert "waits for function 'charge', which never ends" in str(simulate(calls, shrink=False))


class TestARun:
    def test_is_a_pure_function_of_its_choices(self):
        """The same seed and number: the same choices and updates, whatever goes wrong."""
        first, taken = {}, set()
        for _ in range(2):
            strategy = RandomWalk(11, faults=0.2)
            for number in range(15):
                strategy.begin(number)
                scheduler = Scheduler(strategy)
                run = SimulatedRun(parallel_waits, None, scheduler, HARMLESS)
                run.run()
                taken.add(tuple(scheduler.taken))
                assert run.difference(first.setdefault(number, run)) == ""
        assert len(taken) == 15


class TestAProcessThatDies:
    def test_runs_no_finally_as_long_as_the_run_goes_on(self):
        """The next invocation finds nothing that the dead one would have tidied up."""
        tidied, found = [], []

        @durable_execution
        def handler(event, context):
            found.append(list(tidied))
            try:
                context.step(lambda _: 1, name="a")
            finally:
                tidied.append("tidied")

        strategy = Deviating([Deviation("the process dies", "the answer arrives")])
        run = SimulatedRun(handler, None, Scheduler(strategy), Faults(crashes=1))
        run.run()
        assert run.strikes.struck == {"crashes": 1}
        assert found == [[], []]

    def test_leaves_nothing_behind(self):
        """When a run is over, the code of its dead processes is gone, and all that it held."""

        @durable_execution
        def handler(event, context):
            def branch(child, item, *_):
                with contextlib.suppress(BaseException):  # code that will not go
                    child.wait(S(60), name="w")
                return item

            return context.map([1, 2], branch, "m").get_results()

        def parked():
            gc.collect()
            return [each for each in gc.get_objects() if isinstance(each, TaskGreenlet) and each]

        before = parked()  # of other tests
        simulate(handler, schedules=40, faults=Faults(crashes=1), same_answer=False).check()
        assert [each for each in parked() if each not in before] == []
