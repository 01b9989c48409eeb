"""Maps and parallels: which branch begins when, and when enough of them have ended."""

from typing import Any

import pytest

from durably.actors.concurrency import (
    AT_A_TIME,
    Branch,
    BranchStatus,
    CompletionReason,
    ConcurrencyActor,
    ConcurrencyState,
    Decision,
    Limits,
)
from durably.actors.messages import (
    Abandon,
    BranchDone,
    Failed,
    Go,
    GoOn,
    MapDone,
    Message,
    Outcome,
    Raised,
    Succeeded,
)
from durably.actors.model import ErrorObject
from tests.actors.stage import RecordingStage, actor_of

GOOD = Succeeded('"x"', "x")
BAD = Failed(ErrorObject("no", "ValueError"))


class Map:
    """A concurrency actor alone on a stage."""

    def __init__(self, size: int | list[BranchStatus], limits: Limits | None = None) -> None:
        self.stage = RecordingStage()
        self.begun: list[int] = []
        statuses = [BranchStatus.UNSTARTED] * size if isinstance(size, int) else size
        branches = [Branch(status=status) for status in statuses]
        self.decisions: list[Decision | Exception] = []
        self.stopped = 0
        self.ref = ConcurrencyActor(
            self.stage,
            "map",
            self.stage.recorder("operation"),
            limits or Limits(),
            branches,
            self.begin,
            self.conclude,
            self.stop,
        ).ref

    def begin(self, to: Any, index: int) -> None:
        assert to == self.ref
        self.begun.append(index)

    def conclude(self, decision: Decision | Exception) -> Outcome:
        self.decisions.append(decision)
        return GOOD

    def stop(self) -> None:
        self.stopped += 1

    def tell(self, *messages: Message) -> None:
        self.stage.tell(self.ref, *messages)

    def end(self, index: int, outcome: Outcome = GOOD) -> None:
        self.tell(BranchDone(index, outcome))

    @property
    def state(self) -> str:
        return actor_of(self.ref).state.name

    @property
    def reason(self) -> str | None:
        """Why it is complete; None while it is not."""
        assert len(self.decisions) == len(self.stage.of("operation", MapDone)) <= 1
        for decision in self.decisions:
            assert isinstance(decision, Decision)
            return decision.reason.value
        return None

    @property
    def statuses(self) -> str:
        """How each branch stood at the decision, by the first letter of its status."""
        (decision,) = self.decisions
        assert isinstance(decision, Decision)
        return "".join(branch.status.name[0] for branch in decision.branches)


# ------------------------------------------------------------------ the table

# A map of three branches with room for two; GoOn comes only when it was asked for, and is harmless else.
CELLS = {
    ("NEW", "Go"): ("OPEN", [0, 1], None),
    ("NEW", "GoOn"): ("NEW", [], None),
    ("OPEN", "GoOn"): ("OPEN", [], None),
    ("OPEN", "BranchDone good"): ("OPEN", [2], None),
    ("OPEN", "BranchDone bad"): ("DECIDED", [], "FAILURE_TOLERANCE_EXCEEDED"),
    ("DECIDED", "GoOn"): ("DECIDED", [], None),
    ("DECIDED", "BranchDone good"): ("DECIDED", [], None),
    ("DECIDED", "BranchDone bad"): ("DECIDED", [], None),
    ("OPEN", "Abandon"): ("DECIDED", [], None),
    ("DECIDED", "Abandon"): ("DECIDED", [], None),
}
# What nobody ever tells: a map goes once, and a branch ends after it has begun.
NEVER = {
    ("NEW", "BranchDone good"),
    ("NEW", "BranchDone bad"),
    ("NEW", "Abandon"),
    ("OPEN", "Go"),
    ("DECIDED", "Go"),
}
VARIANTS = {
    "Go": Go(),
    "GoOn": GoOn(),
    "BranchDone good": BranchDone(0, GOOD),
    "BranchDone bad": BranchDone(0, BAD),
    "Abandon": Abandon(),
}
PATHS: dict[str, list[Message]] = {"NEW": [], "OPEN": [Go()], "DECIDED": [Go(), BranchDone(1, BAD)]}


@pytest.mark.parametrize(("state", "message"), sorted(CELLS))
def test_what_a_message_does_in_a_state(state: str, message: str):
    """A cell of the table: the state after it, the branches that begin, and the decision if one is made."""
    fan = Map(3, Limits(max_concurrency=2))
    fan.tell(*PATHS[state])
    fan.begun.clear()
    decided = len(fan.stage.of("operation"))
    fan.tell(VARIANTS[message])
    assert (fan.state, fan.begun) == (CELLS[state, message][0], CELLS[state, message][1])
    assert len(fan.stage.of("operation")) - decided == (CELLS[state, message][2] is not None)
    if decided == 0:
        assert fan.reason == CELLS[state, message][2]


def test_the_table_has_every_cell():
    """Every state and every message that the actor handles; nothing else."""
    assert set(PATHS) == set(ConcurrencyState.__members__)
    assert {name.partition(" ")[0] for name in VARIANTS} == {m.__name__ for m in ConcurrencyActor.HANDLERS}
    assert set(CELLS) | NEVER == {(state, message) for state in PATHS for message in VARIANTS}
    assert not set(CELLS) & NEVER


def test_a_message_that_is_for_others_raises():
    """The controller of a map is told no decisions."""
    with pytest.raises(KeyError):
        Map(1).tell(MapDone(GOOD))


# ------------------------------------------------------------------ admission


def test_branches_begin_in_index_order_and_never_more_than_there_is_room_for():
    """Whichever ends, the next to begin is the next by index."""
    fan = Map(6, Limits(max_concurrency=2))
    fan.tell(Go())
    for index, begun in ((1, 3), (2, 4), (0, 5), (4, 6)):
        assert fan.begun == list(range(begun - 1))
        fan.end(index)
    assert fan.begun == list(range(6))
    assert fan.reason is None
    fan.end(3)
    fan.end(5)
    assert fan.reason == "ALL_COMPLETED"


def test_without_a_limit_all_of_a_small_map_begin_at_once():
    """No limit means no limit."""
    fan = Map(200)
    fan.tell(Go())
    assert fan.begun == list(range(200))


def test_a_large_map_begins_some_hundreds_at_a_time_and_goes_on_when_the_stage_is_idle():
    """The stage is asked once, and the rest begins in order when it says so."""
    fan = Map(3 * AT_A_TIME)
    fan.tell(Go())
    assert fan.begun == list(range(AT_A_TIME))
    for count in (2, 3):
        assert [type(message) for message in fan.stage.of("idle")] == [GoOn] * (count - 1)
        fan.tell(GoOn())
        assert fan.begun == list(range(count * AT_A_TIME))


def test_a_large_map_goes_on_too_when_branches_end():
    """Room made by an end is used, whether or not the stage is ever idle."""
    fan = Map(2 * AT_A_TIME)
    fan.tell(Go())
    for index in range(2 * AT_A_TIME):
        fan.end(index)
    assert fan.begun == list(range(2 * AT_A_TIME))
    assert fan.reason == "ALL_COMPLETED"
    fan.tell(GoOn())


def test_nothing_begins_after_the_decision():
    """Branches that have not begun by then never will."""
    fan = Map(5, Limits(max_concurrency=2, min_successful=1))
    fan.tell(Go())
    fan.end(0)
    assert fan.statuses == "SSUUU"
    fan.end(1)
    assert fan.begun == [0, 1]


@pytest.mark.parametrize("end", [BranchDone(0, BAD), BranchDone(0, Raised(ValueError("no"))), Abandon()])
def test_branches_are_stopped_when_it_is_over(end: Message):
    """Decided or abandoned: whoever has no operation of its own is told by nobody else."""
    fan = Map(3)
    fan.tell(Go())
    assert fan.stopped == 0
    fan.tell(end)
    assert (fan.state, fan.stopped) == ("DECIDED", 1)


def test_recorded_branches_count_first():
    """What an earlier invocation has recorded is not begun again, and takes no room."""
    good, bad, new = BranchStatus.SUCCEEDED, BranchStatus.FAILED, BranchStatus.UNSTARTED
    fan = Map([good, new, bad, new, new], Limits(max_concurrency=2, tolerated_failure_count=1))
    fan.tell(Go())
    assert fan.begun == [1, 3]
    fan.end(3)
    assert fan.begun == [1, 3, 4]


def test_a_map_that_is_decided_by_what_is_recorded_begins_nothing():
    """All are recorded: the decision is made at once."""
    fan = Map([BranchStatus.SUCCEEDED] * 3)
    fan.tell(Go())
    assert (fan.begun, fan.reason) == ([], "ALL_COMPLETED")


# ------------------------------------------------------------------ completion


def test_an_empty_map_is_complete():
    """No branches: all of them are complete."""
    for limits in (Limits(), Limits(min_successful=1), Limits(tolerated_failure_percentage=0.0)):
        fan = Map(0, limits)
        fan.tell(Go())
        assert fan.reason == "ALL_COMPLETED"


ALL, ENOUGH, TOO_MANY = "ALL_COMPLETED", "MIN_SUCCESSFUL_REACHED", "FAILURE_TOLERANCE_EXCEEDED"


@pytest.mark.parametrize(
    ("limits", "size", "ends", "reason"),
    [
        (Limits(), 3, "SS", None),
        (Limits(), 3, "SSS", ALL),
        (Limits(), 3, "F", TOO_MANY),
        (Limits(), 1, "F", TOO_MANY),
        (Limits(min_successful=2), 5, "SF", None),
        (Limits(min_successful=2), 5, "SFS", ENOUGH),
        (Limits(min_successful=2), 5, "FFFFF", ALL),
        (Limits(min_successful=2), 2, "SS", ALL),
        (Limits(min_successful=9), 2, "SS", ALL),
        (Limits(tolerated_failure_count=0), 3, "F", TOO_MANY),
        (Limits(tolerated_failure_count=1), 3, "F", None),
        (Limits(tolerated_failure_count=1), 3, "FF", TOO_MANY),
        (Limits(tolerated_failure_count=1), 3, "FSS", ALL),
        (Limits(tolerated_failure_count=1), 2, "FF", TOO_MANY),
        (Limits(tolerated_failure_percentage=0.0), 4, "S", None),
        (Limits(tolerated_failure_percentage=0.0), 4, "F", TOO_MANY),
        (Limits(tolerated_failure_percentage=25.0), 4, "F", None),
        (Limits(tolerated_failure_percentage=25.0), 4, "FF", TOO_MANY),
        (Limits(tolerated_failure_percentage=24.9), 4, "F", TOO_MANY),
        (Limits(tolerated_failure_percentage=100.0), 3, "FFF", ALL),
        (Limits(tolerated_failure_count=2, tolerated_failure_percentage=25.0), 4, "FF", TOO_MANY),
        (Limits(tolerated_failure_count=0, tolerated_failure_percentage=90.0), 4, "F", TOO_MANY),
        (Limits(min_successful=1, tolerated_failure_count=1), 4, "FF", TOO_MANY),
        (Limits(min_successful=1, tolerated_failure_count=1), 4, "FS", ENOUGH),
    ],
)
def test_when_it_is_enough(limits: Limits, size: int, ends: str, reason: str | None):
    """The first reason that holds after an end is the reason; before the last of these ends none holds."""
    fan = Map(size, limits)
    fan.tell(Go())
    for index, letter in enumerate(ends):
        assert fan.reason is None
        fan.end(index, GOOD if letter == "S" else BAD)
    assert fan.reason == reason


@pytest.mark.parametrize("late", [GOOD, BAD, Raised(KeyError("x"))])
@pytest.mark.parametrize("before", [False, True])
def test_a_decision_is_made_once(before: bool, late: Outcome):
    """The end of the second branch decides if it comes first, and revises nothing if it comes late."""
    fan = Map(2, Limits(min_successful=1))
    fan.tell(Go())
    if before:
        fan.end(1, BAD)
    fan.end(0)
    if not before:
        fan.end(1, late)
    assert fan.reason == (ALL if before else ENOUGH)
    assert fan.statuses == ("SF" if before else "SS"), "a branch stands as it stood when it was decided"
    assert len(fan.stage.of("operation", MapDone)) == 1


def test_a_decision_holds_the_outcomes():
    """Each branch that has ended in this invocation brings its outcome."""
    fan = Map(3, Limits(tolerated_failure_count=3))
    fan.tell(Go())
    for index, outcome in ((2, GOOD), (0, BAD), (1, GOOD)):
        fan.end(index, outcome)
    (decision,) = fan.decisions
    assert isinstance(decision, Decision)
    assert [branch.outcome for branch in decision.branches] == [BAD, GOOD, GOOD]


def test_what_a_branch_raises_unrecorded_is_the_maps_outcome_at_once():
    """It goes to whoever awaits the map, past all thresholds."""
    fan = Map(3, Limits(tolerated_failure_count=3))
    fan.tell(Go())
    raised = Raised(KeyError("x"))
    fan.end(1, raised)
    (done,) = fan.stage.of("operation", MapDone)
    assert done.outcome is raised
    assert (fan.decisions, fan.state) == ([], "DECIDED")


# ------------------------------------------------------------------ the user's own criterion


def test_a_custom_criterion_decides_instead_of_the_thresholds():
    """It sees how many have succeeded and failed, and every branch; None means: go on."""
    seen = []

    def custom(succeeded: int, failed: int, branches: Any) -> CompletionReason | None:
        seen.append((succeeded, failed, len(branches)))
        return CompletionReason.CUSTOM_COMPLETION_FAILED if failed == 2 else None

    fan = Map(4, Limits(custom=custom, tolerated_failure_count=0, min_successful=1))
    fan.tell(Go())
    fan.end(0, BAD)
    fan.end(3, BAD)
    assert fan.reason == "CUSTOM_COMPLETION_FAILED"
    assert seen == [(0, 0, 4), (0, 1, 4), (0, 2, 4)]


def test_a_custom_criterion_that_never_holds_lets_all_complete():
    """After the last end there is nothing to go on with."""
    fan = Map(2, Limits(custom=lambda *_: None))
    fan.tell(Go())
    fan.end(0, BAD)
    fan.end(1, BAD)
    assert fan.reason == "ALL_COMPLETED"


@pytest.mark.parametrize("after", [0, 1])
def test_a_custom_criterion_that_raises_decides_the_map_with_its_exception(after: int):
    """The user's error is concluded upon like a decision, once, at Go and after an end alike."""
    error = ZeroDivisionError("mine")

    def custom(succeeded: int, _failed: int, _branches: Any) -> CompletionReason | None:
        if succeeded == after:
            raise error
        return None

    fan = Map(3, Limits(custom=custom))
    fan.tell(Go())
    if after:
        fan.end(0)
    fan.tell(BranchDone(1, GOOD))
    assert fan.decisions == [error]
    assert len(fan.stage.of("operation", MapDone)) == 1
    assert fan.begun == ([0, 1, 2] if after else [])
