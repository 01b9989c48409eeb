"""C. The checkpoint queue: what is sent, when who is told, and what becomes of it when a call fails."""

from collections import Counter

from durably.actors.model import OperationAction, OperationStatus
from durably.actors.simulation import Choice, ChoiceKind
from durably.workflows import Duration, StepConfig, StepSemantics, durable_execution
from durably.workflows.testing.simulated import Faults, SimulatedRun
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, once, pct, random, section

race = section("C. The checkpoint queue")

SECOND, HOUR = Duration.from_seconds(1), Duration.from_hours(1)
AT_MOST_ONCE = StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY)
BAD_CALL = Faults(failed=1, lost=1)


def starts_once(view: RunView) -> None:
    """An invariant: no operation that is not retried has two STARTs."""
    starts = Counter(update.name for update in view.updates if update.action is OperationAction.START)
    once(starts, "START is recorded")


def steps(*names):
    """A handler with steps of these names, one after the other."""

    @durable_execution
    def handler(event, context):
        return [context.step(lambda _, name=name: name, name=name) for name in names]

    return handler


# ------------------------------------------------------------------ R19 to R23: one queue, and everybody learns

R19 = race(
    "R19",
    "the end of a batch was told before its operations were merged; who looked again saw nothing, and sent START "
    "a second time",
    "py#245, py#246",
    tests=["tests/actors/test_checkpoint_queue.py::test_an_answer_is_merged_before_the_first_is_told"],
)


@R19.scenario(every(), faults=Faults(lost=1))
def an_answer_is_lost_after_the_service_has_merged_it():
    """Two steps, and the answer to any call is lost: nothing that is recorded is started again."""
    return Act(steps("a", "b"), [["a", "b"]], [starts_once])


@R19.scenario(every(), answers={"c": "yes"}, faults=Faults(crashes=1))
def who_is_told_looks_at_once():
    """A callback whose creator goes on when START is confirmed and awaits it at once; and a crash anywhere."""

    @durable_execution
    def handler(event, context):
        return context.create_callback("c").result()

    return Act(handler, ["yes"], [starts_once])


R20 = race(
    "R20",
    "the end of a child was sent and not awaited, the handler returned, the last call failed, and the drain knew only "
    "how to resolve: SUCCEEDED, and the checkpoint lost for ever",
    "js#365, js#869, js#870 open, js#335",
)


@R20.scenario(every(), faults=Faults(failed=1), sees=["the last call failed"])
def the_call_with_the_end_of_a_child_fails():
    """A child with a step, then the handler returns: what is reported is recorded, whichever call fails."""

    @durable_execution
    def handler(event, context):
        return context.run_in_child_context(lambda child: child.step(lambda _: 1, name="s"), "x")

    def recorded(view):
        for name in "sx":
            (operation,) = view.named(name)
            assert operation.status is OperationStatus.SUCCEEDED, f"{name} is {operation.status.value}"
        if view.invocations > 1:
            act.seen.add("the last call failed")

    act = Act(handler, [1], at_end=recorded)
    return act


@R20.scenario(every(), faults=Faults(failed=2, lost=1), sees=["recorded", "its call failed", "not begun"])
def the_handler_returns_while_the_start_of_a_wait_is_in_a_call_that_fails():
    """A deferred wait that nobody awaits: if its START was accepted it is recorded before the end is reported."""

    @durable_execution
    def handler(event, context):
        context.deferred.wait(HOUR, name="w")
        return "done"

    def note(view):
        act.seen.add("recorded" if view.named("w") else "not begun")
        if view.invocations > 1:
            act.seen.add("its call failed")

    act = Act(handler, ["done"], at_end=note)
    return act


R21 = race(
    "R21",
    "a batch was taken from the queue before it was sent; when the call failed the queue was cleared and the batch in "
    "flight was never settled: with a large result it hung until the timeout",
    "js#871 open",
)


@R21.scenario(every(), faults=BAD_CALL, sees=["the end was sent twice"])
def the_call_with_a_large_result_fails():
    """A result that must be sent as a checkpoint of its own, of which each call may fail in each way."""
    large = "x" * (6 * 1024 * 1024 - 20)

    @durable_execution
    def handler(event, context):
        return large

    def note(view):
        if view.invocations > 1:
            act.seen.add("the end was sent twice")

    act = Act(handler, [large], at_end=note)
    return act


@R21.scenario(pct(60), faults=Faults(throttled=1, failed=1, lost=1, crashes=1))
def calls_with_large_results_of_a_child_and_of_steps_fail():
    """Results that do not fit into one call, in a child that is rebuilt from them."""

    @durable_execution
    def handler(event, context):
        def child(inner):
            futures = [inner.deferred.step(lambda _, n=n: n * 300_000, name=n) for n in "abc"]
            return "".join(future.result() for future in futures)

        return len(context.run_in_child_context(child, "x"))

    return Act(handler, [900_000])


R22 = race(
    "R22",
    "a failure rejected each of N promises and ended the invocation as well: unhandled rejections, and an invalid "
    "transition; or only what was pending failed, and the execution went on",
    "js#133, js#183, js#216; java#51",
    tests=["tests/actors/test_races.py::test_when_the_call_in_flight_fails_everybody_learns_of_it"],
)


@R22.scenario(pct(200), faults=Faults(refused=1), sees=["it failed", "it went well"])
def a_call_is_refused_while_two_wait_for_it():
    """Two deferred steps in one call or in two, and a call is refused for good: the execution fails with that."""

    @durable_execution
    def handler(event, context):
        futures = [context.deferred.step(lambda _: 1, name=name) for name in "ab"]
        try:
            return sum(future.result() for future in futures)
        except Exception as error:
            return f"caught {error!r}"

    def note(view):
        act.seen.add("it failed" if view.output["Status"] == "FAILED" else "it went well")

    act = Act(handler, [2], at_end=note)
    return act


R23 = race(
    "R23",
    "the table of operations was read while an answer was merged into it: the dictionary changed its size",
    "py 12b5d66, java#362",
    design="The live history is the checkpoint actor's, and nobody else holds it. Operations are told their record in "
    "a message; replay reads the snapshot that the invocation began with, which never changes. No lock, no reader.",
    tests=["tests/actors/test_checkpoint_queue.py::test_whoever_is_told_finds_everything_merged"],
)

# ------------------------------------------------------------------ R24, R25, R27: tokens

R24 = race(
    "R24",
    "two invocations were alive, the older one sent a superseded token, and its refusal was not recognized: the whole "
    "execution FAILED instead of this invocation",
    "py#721, py#723; js#917, js#920; rs#66, rs#68; dn#2571 open",
    tests=["tests/wire/test_lambda_client.py::test_a_refusal_ends_the_invocation_or_the_execution"],
)


@R24.scenario(every(), faults=Faults(duplicated=1), sees=["the older one went on"])
def the_service_invokes_again_while_an_invocation_goes_on():
    """One step, and a second invocation at any moment, after which the first one's token is void."""

    def note(view):
        if view.invocations > 1 and view.choices[-1] != "termination handles Finish from task the handler":
            act.seen.add("the older one went on")

    act = Act(steps("a"), [["a"]], at_end=note)
    return act


@R24.scenario(every(), faults=Faults(stale=1), sees=["refused"])
def a_token_is_refused_though_it_is_the_newest():
    """A step, and any call is refused because of its token: this invocation ends, the execution goes on."""

    def note(view):
        if view.invocations > 1:
            act.seen.add("refused")

    act = Act(steps("a"), [["a"]], at_end=note)
    return act


R25 = race(
    "R25",
    "an answer came without a token (no more checkpoints); the SDK sent an empty or the old one, and crashed",
    "py#43, py#565, py#571; js#918, java#706, dn#2572 open",
    tests=["tests/workflows/test_interruptions.py::test_wherever_the_token_is_withdrawn_the_result_is_the_same"],
)


class WithdrawingRun(SimulatedRun):
    """The service may withdraw the right to checkpoint once, at any moment, and invokes again after that."""

    def __init__(self, *arguments, **named) -> None:
        super().__init__(*arguments, **named)
        self._may_withdraw = True
        usual = self.outside.choices
        self.outside.choices = lambda: usual() + self._withdrawing()

    def _withdrawing(self):
        if not self._may_withdraw or self._pended:
            return []
        return [Choice(ChoiceKind.OUTSIDE, "the token is withdrawn", "the service", self._withdraw)]

    def _withdraw(self) -> None:
        self._may_withdraw = False
        self.service.execution.withdraw()

    def _between(self) -> None:
        if self.service.execution.is_withdrawn:
            self.service.execution._withdrawn = False
            self._pended = False
        super()._between()


@R25.scenario(every(), run_class=WithdrawingRun, sees=["it was invoked again"])
def the_token_is_withdrawn_at_any_moment():
    """A step: what was sent counts, nothing is sent without a token, and another invocation goes on."""

    def note(view):
        if view.invocations > 1:
            act.seen.add("it was invoked again")

    act = Act(steps("a"), [["a"]], [starts_once], note)
    return act


R27 = race(
    "R27",
    "the checkpointer was one for the process: two invocations in it shared the queue and the token",
    "js#314, js#327",
    design="All actors of an invocation are made with its `ActorSystem` and reachable from nowhere else; there is no "
    "module-level state, and Pykka's process-wide registry is not used.",
    tests=[
        "tests/workflows/test_many_invocations.py::test_thirty_two_at_once",
        "tests/actors/test_messages.py::test_pykkas_process_wide_registry_is_not_used",
    ],
)


@R27.scenario(pct(100, faults=0.1), faults=Faults(duplicated=2), sees=["three at once"])
def three_invocations_are_alive_in_one_process():
    """Each call carries the token that its own invocation was given last; three steps are recorded once."""

    def note(view):
        if view.invocations == 3:
            act.seen.add("three at once")

    act = Act(steps("a", "b", "c"), [["a", "b", "c"]], [starts_once], note)
    return act


# ------------------------------------------------------------------ R26: state in pages

R26 = race(
    "R26",
    "whether it replays was decided before the other pages of the state were loaded: a replay was taken for a first "
    "run, with its logs, hooks and side effects",
    "py#377; java#54, java 55442b1f",
    tests=["tests/workflows/test_replay.py::TestReplaying::test_a_history_of_many_pages_is_read_completely"],
)


@R26.scenario(every(), faults=Faults(split=1), sees=["replayed from pages"])
def the_state_comes_in_pages():
    """Two steps around a wait; the second invocation's state comes in pages of any size: no body runs again."""
    return _paged(faults_may_repeat=False)


@R26.scenario(random(200, faults=0.1), faults=Faults(split=3, crashes=1, lost=1), sees=["replayed from pages"])
def pages_are_lost_and_the_process_dies():
    """The same with several faults in one run: what is recorded is never taken for new."""
    return _paged(faults_may_repeat=True)


def _paged(*, faults_may_repeat):
    bodies = Counter[str]()
    fresh = Counter[str]()

    @durable_execution
    def handler(event, context):
        first = context.step(lambda _: bodies.update("a") or 1, name="a")
        if not context.is_replaying:
            fresh["a"] += 1
        context.wait(HOUR, name="w")
        return first + context.step(lambda _: bodies.update("b") or 2, name="b")

    def note(view):
        if not faults_may_repeat and not any("dies" in each for each in view.choices):
            once(bodies, "a body has run")
            once(fresh, "taken for a first run")
        if any("in pages of" in each for each in view.choices):
            act.seen.add("replayed from pages")

    act = Act(handler, [3], [starts_once], note)
    return act


