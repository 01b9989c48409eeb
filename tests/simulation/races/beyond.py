"""N. Races that nobody has reported: parts of this library that the model of its protocol leaves out."""

from collections import Counter

from durably.actors.model import OperationStatus
from durably.workflows import (
    CallbackConfig,
    Duration,
    MapConfig,
    NestingType,
    RetryDecision,
    StepConfig,
    StepSemantics,
    durable_execution,
)
from durably.workflows.config import CompletionConfig
from durably.workflows.exceptions import CallbackError, StepError
from durably.workflows.testing.simulated import Faults
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import once

race = section("N. Not reported anywhere")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
NEVER_AGAIN = StepConfig(retry_strategy=lambda *_: RetryDecision.no_retry())

N1 = race("N1", "a crash, or a second invocation, runs the body of an at-most-once step again")


@N1.scenario(every(), faults=Faults(crashes=1), sees=["interrupted", "it ran"])
def the_process_dies_around_the_body_of_an_at_most_once_step():
    """One step that may run once: after a crash between its START and its end it has failed, and did not run twice."""
    config = StepConfig(
        step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY,
        retry_strategy=lambda *_: RetryDecision.no_retry(),
    )
    bodies = Counter[str]()

    @durable_execution
    def handler(event, context):
        try:
            return context.step(lambda _: bodies.update("a") or "ran", name="a", config=config)
        except StepError:
            return "interrupted"

    def note(view):
        once(bodies, "a body has run")
        act.seen.add("it ran" if bodies else "interrupted")

    act = Act(handler, ["ran", "interrupted"], at_end=note)
    return act


N2 = race("N2", "after a crash another future has won a race than the one whose value the code went on with")


@N2.scenario(pct(300, faults=0.05), faults=Faults(crashes=1), sees=["a replay reads the winner"])
def the_process_dies_around_a_race():
    """Two deferred steps race, and a step after that uses the winner: what it used is what the race gives at the end."""
    used: list[str] = []

    @durable_execution
    def handler(event, context):
        steps = [context.deferred.step(lambda _, name=name: name, name=name) for name in "ab"]
        winner = context.race(steps, "race")
        if used:
            act.seen.add("a replay reads the winner")
        using = context.step(lambda _: used.append(winner) or winner, name="use")
        return winner if winner == using else f"{winner}, but {using} was used"

    def used_one(view):
        assert len(set(used)) == 1, f"the side effect was made with {used}"

    act = Act(handler, ["a", "b"], at_end=used_one)
    return act


N3 = race(
    "N3", "a heartbeat and the timeout that it puts off come together, and the answer of the callback is lost"
)


@N3.scenario(random(150), answers={"c": "yes"}, sees=["a heartbeat"])
def heartbeats_and_the_answer_of_a_callback_come_at_any_moment():
    """A callback that must be heard of each minute: some heartbeats, and an answer that counts."""
    return _asking(["yes"])


@N3.scenario(
    pct(150, faults=0.3), answers={"c": "yes"}, faults=Faults(late=1), sees=["timed out", "answered"]
)
def a_callback_times_out_although_there_is_an_answer():
    """The same with a timeout that may come before the answer: whichever the service has, the code is given."""
    return _asking(["yes", "timed out"])


def _asking(comes_to):
    @durable_execution
    def handler(event, context):
        config = CallbackConfig(heartbeat_timeout=Duration.from_minutes(1))
        try:
            return context.create_callback("c", config).result()
        except CallbackError:
            return "timed out"

    def note(view):
        (callback,) = view.named("c")
        done = callback.status is OperationStatus.SUCCEEDED
        assert ("yes" in str(view.output)) is done, (
            f"it is {callback.status.value}, and came to {view.output}"
        )
        act.seen.add("answered" if done else "timed out")
        if "callback c is given a heartbeat" in view.choices:
            act.seen.add("a heartbeat")

    act = Act(handler, comes_to, at_end=note)
    return act


N4 = race(
    "N4", "branches fail while others succeed, and the count of what is tolerated is off by one in some order"
)


@N4.scenario(pct(150), faults=Faults(raised=1), sees=["1 succeeded", "2 succeeded", "0 succeeded"])
def the_first_failure_ends_a_map():
    """Two flat branches of which one body may raise: without a criterion the first failure is enough."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}", config=NEVER_AGAIN)

        batch = context.map([0, 1], branch, "m", MapConfig(nesting_type=NestingType.FLAT))
        act.seen.add(f"{batch.success_count} succeeded")
        expected = "FAILURE_TOLERANCE_EXCEEDED" if batch.failure_count else "ALL_COMPLETED"
        return [batch.failure_count <= 1, batch.completion_reason.value == expected]

    act = Act(handler, [[True, True]])
    return act


@N4.scenario(pct(200), faults=Faults(raised=2), sees=["0 failed", "1 failed", "2 failed"])
def two_of_four_fail_and_one_may():
    """Four branches, two at a time, one failure tolerated: the reason agrees with the counts in every order."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}", config=NEVER_AGAIN)

        tolerant = CompletionConfig(tolerated_failure_count=1)
        config = MapConfig(max_concurrency=2, completion_config=tolerant)
        batch = context.map([0, 1, 2, 3], branch, "m", config)
        act.seen.add(f"{batch.failure_count} failed")
        if batch.failure_count > 1:
            return batch.completion_reason.value
        return [batch.completion_reason.value, batch.success_count + batch.failure_count]

    act = Act(handler, ["FAILURE_TOLERANCE_EXCEEDED", ["ALL_COMPLETED", 4]])
    return act


N5 = race(
    "N5", "calls are filled to the last byte, and an update is lost, sent twice or out of order at a boundary"
)


@N5.scenario(pct(60, faults=0.05), faults=Faults(lost=1, failed=1, crashes=1), sees=["several calls"])
def updates_of_several_branches_do_not_fit_into_one_call():
    """Four branches whose results fill more than one call, and calls that fail: each is recorded once."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: f"{item}" * 200_000, name=f"s{item}")[0]

        return context.map([1, 2, 3, 4], branch, "m", MapConfig(nesting_type=NestingType.FLAT)).get_results()

    def note(view):
        once(
            Counter(each.name for each in view.updates if each.action.value == "SUCCEED"),
            "SUCCEED is recorded",
        )
        if view.choices.count("the answer arrives") > 1:
            act.seen.add("several calls")

    act = Act(handler, [["1", "2", "3", "4"]], at_end=note)
    return act


N6 = race("N6", "the process dies while a map is inside a branch of another map, each half done")


@N6.scenario(random(200, faults=0.03), faults=Faults(crashes=2, lost=1), sees=["replayed"])
def the_process_dies_with_a_map_inside_a_branch():
    """Two branches with a map of two, one of them early: results and counts are the same after two crashes."""

    @durable_execution
    def handler(event, context):
        def inner(child, item, *_):
            child.wait(SECOND, name=f"w{item}")
            return child.step(lambda _: item, name=f"s{item}")

        def outer(child, item, *_):
            config = MapConfig(completion_config=CompletionConfig(min_successful=2 - item))
            return child.map([10 * item, 10 * item + 1], inner, f"m{item}", config).success_count

        return context.map([0, 1], outer, "o").get_results()

    def note(view):
        if view.choices.count("the process dies") > 1:
            act.seen.add("replayed")

    act = Act(handler, [[2, 1]], at_end=note)
    return act
