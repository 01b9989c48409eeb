"""C. The checkpoint queue: tokens, several invocations, and state in pages."""

from collections import Counter

from durably.workflows import Duration, durable_execution
from durably.workflows.testing.simulated import Faults
from tests.plugins.recording import Recorder
from tests.simulation.races.checkpoints import steps
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import once, starts_once

race = section("C. The checkpoint queue")
HOUR = Duration.from_hours(1)


R24 = race(
    "R24",
    "two invocations were alive, the older one sent a superseded token, and its refusal was not recognized: the whole "
    "execution FAILED instead of this invocation",
    "py#721, py#723; js#917, js#920; rs#66, rs#68; dn#2571 open",
    tests=["tests/wire/test_lambda_client.py::test_a_refusal_ends_the_invocation_or_the_execution"],
)


@R24.scenario(every(), faults=Faults(duplicated=1), sees=["refused", "in time"])
def the_service_invokes_again_while_an_invocation_goes_on():
    """One step, and a second invocation at any moment: the first one's token is void, and it does not fail."""
    return _superseded("a", most=2)


def _superseded(*names, most):
    recorder = Recorder(hooks=("on_invocation_start", "on_invocation_end"))

    def nobody_fails(view):
        ends = [
            note.info.status.value for notes in recorder.invocations for note in notes if "end" in note.hook
        ]
        assert "FAILED" not in ends, f"invocations ended {ends}"
        if view.invocations == most:
            act.seen.add("refused" if "RETRY" in ends else "in time")

    act = Act(steps(*names, plugins=[recorder]), [list(names)], [starts_once], nobody_fails)
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
    tests=[
        "tests/workflows/test_interruptions.py::test_wherever_the_token_is_withdrawn_the_result_is_the_same"
    ],
)


@R25.scenario(every(), faults=Faults(withdrawn=1), sees=["it was invoked again"])
def an_answer_comes_without_a_token():
    """Two steps, and any answer without a token: what was sent counts, and another invocation goes on."""

    def note(view):
        if view.invocations > 1:
            act.seen.add("it was invoked again")

    act = Act(steps("a", "b"), [["a", "b"]], [starts_once], note)
    return act


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


@R26.scenario(
    random(200, faults=0.1), faults=Faults(split=3, crashes=1, lost=1), sees=["replayed from pages"]
)
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


R27 = race(
    "R27",
    "the checkpointer was one for the process: two invocations in it shared the queue and the token",
    "js#314, js#327",
    design="All actors of an invocation are made with its `ActorSystem` and reachable from nowhere else; no module "
    "keeps anything of an invocation, and Pykka's process-wide registry is not used.",
    tests=[
        "tests/workflows/test_many_invocations.py::test_thirty_two_at_once",
        "tests/actors/test_messages.py::test_pykkas_process_wide_registry_is_not_used",
    ],
)


@R27.scenario(pct(100, faults=0.1), faults=Faults(duplicated=2), sees=["refused"])
def three_invocations_are_alive_in_one_process():
    """Each call carries the token that its own invocation was given last; three steps are recorded once."""
    return _superseded("a", "b", "c", most=3)
