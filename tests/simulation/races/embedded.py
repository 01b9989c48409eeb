"""F. The service: several invocations of one execution, timers, and what happens around its end.

The embedded service has threads, which the simulation has not; what those can race on is tested directly, and
named here. What an execution is told, and what it accepts, is simulated.
"""

from collections import Counter

from durably.actors.model import ErrorObject, OperationStatus
from durably.actors.simulation import Choice, ChoiceKind
from durably.workflows import Duration, MapConfig, NestingType, RetryDecision, StepConfig, durable_execution
from durably.workflows.testing.simulated import Faults, SimulatedRun
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, pct, section
from tests.simulation.races.watching import once

race = section("F. The service")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
TWICE = StepConfig(
    retry_strategy=lambda _, attempt: RetryDecision.retry(SECOND) if attempt < 2 else RetryDecision.no_retry()
)
DRIVING = "tests/local/test_driving.py"

R44 = race(
    "R44",
    "skipped time fired three retry timers at once: three invocations of one execution, two with stale tokens",
    "js#262, js#298; py#516; pyt#28",
    guard="An execution has one lane, and a lane has one turn at a time.",
    tests=[f"{DRIVING}::test_timers_that_fire_together_are_one_invocation_at_a_time"],
)


@R44.scenario(pct(150, faults=0.05), faults=Faults(duplicated=1), sees=["together"])
def three_retries_are_due_at_once():
    """Three flat branches fail in their first attempt; the service may invoke twice as well: each runs twice."""
    attempts = Counter[tuple[str, int]]()

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            def body(step):
                attempts[f"s{item}", step.attempt] += 1
                if step.attempt == 1:
                    raise ValueError("the first attempt")
                return step.attempt

            return child.step(body, name=f"s{item}", config=TWICE)

        return context.map([1, 2, 3], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

    def note(view):
        if view.invocations == 1:
            once(attempts, "an attempt has run")
        if [each for each in view.choices if each.startswith("Due for s")]:
            act.seen.add("together")

    act = Act(handler, [[2, 2, 2]], at_end=note)
    return act


R45 = race(
    "R45",
    "a timer was taken from its table before the checkpoint that it caused was settled: the runner believed that "
    "nothing was scheduled, and rejected a valid PENDING",
    "js#732",
    design="Whether a PENDING is valid is read from the records, what pends and what is news, under the execution's "
    "lock; not from a table of timers.",
    tests=[f"{DRIVING}::test_a_timer_that_fired_leaves_its_pending_answer_valid"],
)

R46 = race(
    "R46",
    "a wait that fell due while the handler ran was not told before the handler had returned",
    "py#587, py#588, js#157",
    tests=[
        f"{DRIVING}::test_what_falls_due_while_the_handler_runs_is_told_at_once",
        "tests/local/test_memory_execution.py::TestNews::test_a_wait_that_falls_due_while_the_handler_runs_is_in_the_next_answer",
    ],
)


@R46.scenario(every(), faults=Faults(frozen=1), sees=["in one invocation", "in a later one"])
def a_wait_falls_due_while_a_step_goes_on():
    """An hour passes at any moment of a step beside a wait of an hour: the answer to the next call has its end."""

    @durable_execution
    def handler(event, context):
        wait = context.deferred.wait(HOUR, name="w")
        context.step(lambda _: 1, name="s")
        wait.result()
        return "done"

    def note(view):
        act.seen.add("in one invocation" if view.invocations == 1 else "in a later one")

    act = Act(handler, ["done"], at_end=note)
    return act


R47 = race(
    "R47",
    "a timeout was a timer of the loop that the handler blocked: it never fired",
    "py#415, py#498",
    guard="Whoever waits for a result waits on a condition with a timeout, on a thread of their own.",
    tests=[f"{DRIVING}::test_waiting_for_a_result_ends_while_the_handler_blocks"],
)

R48 = race(
    "R48",
    "an execution had its result before its invocation was over: an event lost, a checkpoint accepted after the end, "
    "waiters never told, timers that outlived it",
    "js#316, js#269, js#317, js#318, js#281, js#351",
    tests=[
        f"{DRIVING}::test_a_result_comes_after_the_last_invocation_has_ended",
        f"{DRIVING}::test_nothing_is_accepted_after_the_end",
    ],
)


class StoppedRun(SimulatedRun):
    """Somebody may stop the execution once, at any moment."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        usual = self.outside.choices
        self.outside.choices = lambda: usual() + self._stopping()

    def _stopping(self):
        if self.service.execution.is_finished:
            return []
        return [Choice(ChoiceKind.OUTSIDE, "the execution is stopped", "the world outside", self._stop)]

    def _stop(self) -> None:
        self.service.execution.finish(
            OperationStatus.STOPPED, None, ErrorObject("Stopped.", "Stopped.Stopped")
        )
        if self._pended:  # nobody invokes it any more
            self._pended, self.output = False, self._recorded()


@R48.scenario(
    every(),
    answers={"nobody": ""},
    run_class=StoppedRun,
    sees=["stopped while it runs", "stopped while it waits"],
)
def an_execution_is_stopped_at_any_moment():
    """A wait of an hour and its start: nothing is accepted after the end, and nobody invokes again."""
    accepted: list[int] = []

    @durable_execution
    def handler(event, context):
        context.wait(HOUR, name="w")
        return "done"

    def nothing_after_the_end(view: RunView) -> None:
        if "the execution is stopped" in view.choices:
            accepted.append(len(view.updates))
            assert accepted[-1] == accepted[0], "a checkpoint was accepted after the end"

    def note(view):
        if "the execution is stopped" in view.choices:
            last = view.choices[-1] == "the execution is stopped"
            act.seen.add("stopped while it waits" if last else "stopped while it runs")

    act = Act(handler, ["done", "Stopped"], [nothing_after_the_end], note)
    return act


R49 = race(
    "R49",
    "the flag of a shutdown was tested, and a child execution made after that: half-made",
    "py#731",
    guard="Beginning and closing are decided under one lock.",
    tests=[
        "tests/local/test_service.py::TestClosing::test_closing_ends_an_invocation_at_its_next_checkpoint"
    ],
)
R50 = race(
    "R50",
    "stopping an execution twice was an error",
    "py 5e184cb",
    tests=[f"{DRIVING}::TestStopping::test_stopping_interrupts_and_may_be_repeated"],
)
