"""The end of an invocation: when it comes, why, and what calls it off."""

from typing import Any

import pytest

from durably.actors.messages import (
    CheckpointingOver,
    Close,
    CooldownElapsed,
    DeadlineNear,
    Ending,
    EndKind,
    FailureKind,
    Finish,
    Message,
    Quiet,
    Refresh,
    Settled,
    Succeeded,
    Waiting,
    WaitingFor,
)
from durably.actors.termination import TerminationActor, TerminationState
from tests.actors.stage import RecordingStage, actor_of

RETRY, WAIT, CALLBACK = WaitingFor.RETRY_SCHEDULED, WaitingFor.WAIT_SCHEDULED, WaitingFor.CALLBACK_PENDING
OUTCOME = Succeeded('"x"', "x")
LOST = OSError("gone")


class Supervisor:
    """A termination actor alone on a stage; stillness 7 lasts."""

    def __init__(self, cooldown: float = 0.05, time_left: Any = None) -> None:
        self.stage = RecordingStage()
        self.stage.lasting = 7
        self.ref = TerminationActor(self.stage, cooldown, time_left).ref
        actor_of(self.ref).checkpoint = self.stage.recorder("checkpoint")

    def tell(self, *messages: Message) -> None:
        self.stage.tell(self.ref, *messages)

    @property
    def state(self) -> str:
        return actor_of(self.ref).state.name

    @property
    def ending(self) -> Ending | None:
        endings = self.stage.of("end")
        assert len(endings) <= 1
        return endings[0] if endings else None


# ------------------------------------------------------------------ the table

# In every state operation `a` waits. `close` goes to the checkpoint actor, a cooldown is a timer.
TABLE = """
Waiting            | RUNNING            | RUNNING            |
Waiting            | COOLING            | COOLING            |
Waiting            | FINISHED           | FINISHED           |
Waiting            | CHECKPOINTING_OVER | CHECKPOINTING_OVER |
Waiting            | ENDED              | ENDED              |
Settled            | RUNNING            | RUNNING            |
Settled            | COOLING            | COOLING            |
Settled            | FINISHED           | FINISHED           |
Settled            | CHECKPOINTING_OVER | CHECKPOINTING_OVER |
Settled            | ENDED              | ENDED              |
Finish             | RUNNING            | FINISHED           | deadline, close
Finish             | COOLING            | FINISHED           | deadline, close
Finish             | CHECKPOINTING_OVER | CHECKPOINTING_OVER |
Finish             | ENDED              | ENDED              |
CheckpointingOver  | RUNNING            | CHECKPOINTING_OVER | deadline
CheckpointingOver  | COOLING            | CHECKPOINTING_OVER | deadline
CheckpointingOver  | FINISHED           | CHECKPOINTING_OVER |
CheckpointingOver  | ENDED              | ENDED              |
Quiet              | RUNNING            | COOLING            | cooldown
Quiet              | COOLING            | COOLING            | cooldown
Quiet              | FINISHED           | ENDED              | end FINISHED
Quiet              | CHECKPOINTING_OVER | ENDED              | end CHECKPOINTING_FAILED
Quiet              | ENDED              | ENDED              |
CooldownElapsed    | RUNNING            | RUNNING            |
CooldownElapsed    | COOLING            | ENDED              | end PENDING
CooldownElapsed    | FINISHED           | FINISHED           |
CooldownElapsed    | CHECKPOINTING_OVER | CHECKPOINTING_OVER |
CooldownElapsed    | ENDED              | ENDED              |
DeadlineNear       | FINISHED           | ENDED              | end FINISHED
DeadlineNear       | CHECKPOINTING_OVER | ENDED              | end CHECKPOINTING_FAILED
DeadlineNear       | ENDED              | ENDED              |
"""
# The root finishes once, checkpointing is over once, and the deadline's timer is set when one of them is.
NEVER = {
    ("Finish", "FINISHED"),
    ("CheckpointingOver", "CHECKPOINTING_OVER"),
    ("DeadlineNear", "RUNNING"),
    ("DeadlineNear", "COOLING"),
}
CELLS = {
    (message, state): (after, asked)
    for message, state, after, asked in (
        tuple(part.strip() for part in line.split("|")) for line in TABLE.strip().splitlines()
    )
}
FAILED = CheckpointingOver(FailureKind.REFUSED, LOST)
MESSAGES: dict[str, Message] = {
    "Waiting": Waiting("b", WAIT),
    "Settled": Settled("b"),
    "Finish": Finish(OUTCOME),
    "CheckpointingOver": FAILED,
    "Quiet": Quiet(7),
    "CooldownElapsed": CooldownElapsed(7),
    "DeadlineNear": DeadlineNear(),
}
PATHS: dict[str, list[Message]] = {
    "RUNNING": [],
    "COOLING": [Quiet(7)],
    "FINISHED": [Finish(OUTCOME)],
    "CHECKPOINTING_OVER": [FAILED],
    "ENDED": [Quiet(7), CooldownElapsed(7)],
}


def in_words(who: str, what: Any) -> str:
    match who, what:
        case "checkpoint", Close():
            return "close"
        case "timer", timer:
            return {CooldownElapsed: "cooldown", DeadlineNear: "deadline"}[type(timer.message)]
        case "end", ending:
            return f"end {ending.kind.name}"
    raise AssertionError((who, what))


@pytest.mark.parametrize(("message", "state"), sorted(CELLS))
def test_what_a_message_does_in_a_state(message: str, state: str):
    """A cell of the table: the state after it, and what is asked for."""
    supervisor = Supervisor(time_left=lambda: 3.0)
    supervisor.tell(Waiting("a", WAIT), *PATHS[state])
    assert supervisor.state == state
    supervisor.stage.take()
    supervisor.tell(MESSAGES[message])
    asked = ", ".join(in_words(*each) for each in supervisor.stage.take())
    assert (supervisor.state, asked) == CELLS[message, state]


def test_the_table_has_every_cell():
    """Every state and every message that the supervisor handles; nothing else."""
    assert set(PATHS) == set(TerminationState.__members__)
    assert set(MESSAGES) == {message.__name__ for message in TerminationActor.HANDLERS}
    assert set(CELLS) | NEVER == {(message, state) for message in MESSAGES for state in PATHS}
    assert not set(CELLS) & NEVER


def test_a_message_that_is_for_others_raises():
    """The supervisor fetches no news."""
    with pytest.raises(KeyError):
        Supervisor().tell(Refresh())


# ------------------------------------------------------------------ nothing is outstanding


def test_stillness_in_which_nobody_waits_is_a_deadlock():
    """Nothing runs, nothing will come, and the root has not finished."""
    supervisor = Supervisor()
    supervisor.tell(Quiet(7))
    assert supervisor.ending == Ending(EndKind.DEADLOCK)


def test_who_has_settled_does_not_wait():
    """The last one that settles leaves a deadlock, not a suspension."""
    supervisor = Supervisor()
    supervisor.tell(Waiting("a", WAIT), Settled("a"), Settled("never heard of"), Quiet(7))
    assert supervisor.ending == Ending(EndKind.DEADLOCK)


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_without_a_cooldown_it_ends_at_once(seconds: float):
    """A cooldown of nothing needs no timer."""
    supervisor = Supervisor(cooldown=seconds)
    supervisor.tell(Waiting("a", WAIT), Quiet(7))
    assert supervisor.ending == Ending(EndKind.PENDING, reason=WAIT)
    assert not supervisor.stage.timers


def test_a_cooldown_in_which_nothing_comes_due_is_not_waited_for():
    """Only a timer could end the stillness; without one the invocation ends at once."""
    supervisor = Supervisor()
    supervisor.stage.due_soon = False
    supervisor.tell(Waiting("a", WAIT), Quiet(7))
    assert supervisor.ending == Ending(EndKind.PENDING, reason=WAIT)
    assert not supervisor.stage.timers


def test_the_cooldown_lasts_as_long_as_it_was_made_to():
    """The timer has the delay that the supervisor was made with, and fires whoever keeps company."""
    supervisor = Supervisor(cooldown=0.25)
    supervisor.tell(Waiting("a", WAIT), Quiet(7))
    (timer,) = supervisor.stage.timers
    assert (timer.moment, timer.needs_company, timer.message.number) == (0.25, False, 7)


@pytest.mark.parametrize("lasts", [True, False])
def test_the_cooldown_is_checked_again(lasts: bool):
    """Only if the very stillness it began with still lasts, the invocation ends."""
    supervisor = Supervisor()
    supervisor.tell(Waiting("a", WAIT), Quiet(7))
    supervisor.stage.lasting = 7 if lasts else None
    supervisor.tell(CooldownElapsed(7))
    assert supervisor.ending == (Ending(EndKind.PENDING, reason=WAIT) if lasts else None)


def test_a_cooldown_of_an_earlier_stillness_ends_nothing():
    """Stillness 8 has a cooldown of its own; that of 7 elapses during it, and is over."""
    supervisor = Supervisor()
    supervisor.tell(Waiting("a", WAIT), Quiet(7))
    supervisor.stage.lasting = 8
    supervisor.tell(Quiet(8), CooldownElapsed(7))
    assert supervisor.ending is None
    supervisor.tell(CooldownElapsed(8))
    assert supervisor.ending == Ending(EndKind.PENDING, reason=WAIT)


def test_a_stillness_that_is_over_when_it_is_told_means_nothing():
    """By then something has happened."""
    supervisor = Supervisor()
    supervisor.stage.lasting = 8
    supervisor.tell(Quiet(7))
    assert (supervisor.ending, supervisor.state) == (None, "RUNNING")


@pytest.mark.parametrize(
    ("waiting", "strongest"),
    [
        ([CALLBACK], CALLBACK),
        ([WAIT, CALLBACK], WAIT),
        ([CALLBACK, WAIT], WAIT),
        ([RETRY, WAIT, CALLBACK], RETRY),
        ([CALLBACK, RETRY], RETRY),
    ],
)
def test_the_strongest_reason_names_the_end(waiting: list[WaitingFor], strongest: WaitingFor):
    """A retry before a wait before a callback, in whatever order they began to wait."""
    supervisor = Supervisor(cooldown=0)
    supervisor.tell(*[Waiting(str(number), reason) for number, reason in enumerate(waiting)], Quiet(7))
    assert supervisor.ending == Ending(EndKind.PENDING, reason=strongest)


# ------------------------------------------------------------------ the outcome is known


def test_the_outcome_of_the_root_is_the_end_once_everything_sent_is_confirmed():
    """It closes the queue first, and ends at the stillness after that."""
    supervisor = Supervisor()
    supervisor.tell(Waiting("a", WAIT), Finish(OUTCOME))
    assert supervisor.ending is None
    supervisor.tell(Quiet(7))
    assert supervisor.ending == Ending(EndKind.FINISHED, OUTCOME)


@pytest.mark.parametrize("messages", [[Finish(OUTCOME), FAILED], [FAILED, Finish(OUTCOME)]])
def test_a_failed_call_outweighs_the_outcome_in_either_order(messages: list[Message]):
    """What could not be recorded has not happened."""
    supervisor = Supervisor()
    supervisor.tell(*messages, Quiet(7))
    assert supervisor.ending == Ending(EndKind.CHECKPOINTING_FAILED, exception=LOST)


def test_a_withdrawn_token_ends_pending_without_a_reason():
    """The service wants this invocation to stop; it will invoke again."""
    supervisor = Supervisor()
    supervisor.tell(CheckpointingOver(FailureKind.WITHDRAWN), Quiet(7))
    assert supervisor.ending == Ending(EndKind.PENDING)


def test_an_outcome_calls_the_cooldown_off():
    """The root finishes during the cooldown: its timer means nothing any more."""
    supervisor = Supervisor()
    supervisor.tell(Waiting("a", WAIT), Quiet(7), Finish(OUTCOME), CooldownElapsed(7))
    assert supervisor.ending is None


# ------------------------------------------------------------------ the deadline


@pytest.mark.parametrize(("left", "delay"), [(12.5, 12.5), (0.0, 0.0), (-3.0, 0.0)])
def test_bodies_that_nobody_needs_are_waited_for_until_the_deadline(left: float, delay: float):
    """The time that is left is asked for when the outcome is known; then it ends, still or not."""
    supervisor = Supervisor(time_left=lambda: left)
    assert not supervisor.stage.timers
    supervisor.tell(Finish(OUTCOME))
    assert [timer.moment for timer in supervisor.stage.timers] == [delay]
    supervisor.stage.lasting = None
    supervisor.tell(DeadlineNear())
    assert supervisor.ending == Ending(EndKind.FINISHED, OUTCOME)


def test_the_deadline_is_set_once():
    """A failure after the outcome does not give more time."""
    supervisor = Supervisor(time_left=lambda: 9.0)
    supervisor.tell(Finish(OUTCOME), FAILED)
    assert len(supervisor.stage.timers) == 1
    supervisor.tell(DeadlineNear())
    assert supervisor.ending == Ending(EndKind.CHECKPOINTING_FAILED, exception=LOST)


def test_without_a_deadline_there_is_no_timer():
    """Bodies are waited for as long as they take."""
    supervisor = Supervisor()
    supervisor.tell(Finish(OUTCOME))
    assert not supervisor.stage.timers
