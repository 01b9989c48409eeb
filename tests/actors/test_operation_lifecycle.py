"""The lifecycle of one operation: for every kind, what each message does in each state it can be in.

The table is the whole truth: what stands in it happens, and nothing else; what does not stand in it raises.
"""

import logging
from collections.abc import Iterable
from typing import Any

import pytest

from durably.actors.messages import (
    Abandon,
    Await,
    Begin,
    BodyDone,
    BranchDone,
    Completed,
    Confirmed,
    Due,
    Failed,
    Go,
    MapDone,
    Message,
    News,
    Orphaned,
    Outcome,
    Raised,
    Refresh,
    Refused,
    Resumption,
    Retried,
    Returned,
    Settled,
    Submit,
    Succeeded,
    Unwound,
    Waiting,
    Watch,
)
from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.actors.operation import ImpossibleMessageError, OperationActor, OperationState
from durably.actors.spec import Body, Kind, Spec
from durably.actors.task import Scope, Task
from tests.actors.invocation import TYPES, moment, update
from tests.actors.stage import EPOCH, RecordingStage, actor_of, awaiter

KINDS = {
    "S": Kind.STEP,
    "A": Kind.AT_MOST_ONCE,
    "W": Kind.WAIT,
    "C": Kind.CALLBACK,
    "X": Kind.CONTEXT,
    "M": Kind.MAP,
}

# The columns: kinds; state; message; the state after it; what it asks for, in order.
# `submit` is an update whose confirmation does nothing, `confirm` one that the operation waits for.
# A record that is STARTED, PENDING or READY has one finished attempt, so `body 2` is what runs next.
TABLE = """
S   NEW       Begin                EXECUTING   submit START; body 1
A   NEW       Begin                STARTING    confirm START
WC  NEW       Begin                STARTING    confirm START
X   NEW       Begin                EXECUTING   submit START; task
M   NEW       Begin                EXECUTING   submit START; go
S   NEW       Begin STARTED        EXECUTING   watch; body 2
A   NEW       Begin STARTED        EXECUTING   watch; body 2 interrupted
WC  NEW       Begin STARTED        WATCHING    watch
X   NEW       Begin STARTED        EXECUTING   watch; task
M   NEW       Begin STARTED        EXECUTING   watch; go
SA  NEW       Begin PENDING        WATCHING    watch
S   NEW       Begin READY          EXECUTING   submit START; body 2
A   NEW       Begin READY          STARTING    confirm START
SAWC NEW      Begin SUCCEEDED      WATCHING    watch
X   NEW       Begin SUCCEEDED      EXECUTING   watch; task
M   NEW       Begin SUCCEEDED      EXECUTING   watch; go

SAWC WATCHING Await                WATCHING
SA  WATCHING  Confirmed STARTED    IDLE_AWAITED poll 1; waiting WAIT_SCHEDULED
SA  WATCHING  News STARTED         IDLE_AWAITED poll 1; waiting WAIT_SCHEDULED
W   WATCHING  Confirmed STARTED    IDLE_AWAITED timer 5; waiting WAIT_SCHEDULED
W   WATCHING  News STARTED         IDLE_AWAITED timer 5; waiting WAIT_SCHEDULED
C   WATCHING  Confirmed STARTED    IDLE_AWAITED poll 1; waiting CALLBACK_PENDING
C   WATCHING  News STARTED         IDLE_AWAITED poll 1; waiting CALLBACK_PENDING
SA  WATCHING  Confirmed PENDING    RETRY_WAITING timer 7; waiting RETRY_SCHEDULED
SA  WATCHING  News PENDING         RETRY_WAITING timer 7; waiting RETRY_SCHEDULED
S   WATCHING  Confirmed READY      EXECUTING   submit START; body 2
S   WATCHING  News READY           EXECUTING   submit START; body 2
A   WATCHING  Confirmed READY      STARTING    confirm START
A   WATCHING  News READY           STARTING    confirm START
SAWC WATCHING Confirmed SUCCEEDED  COMPLETED   resume Completed
SAWC WATCHING News SUCCEEDED       COMPLETED   resume Completed
SAWC WATCHING Orphaned             ORPHANED    resume Unwound

AWC STARTING  Await                STARTING
AWC STARTING  Due                  STARTING
A   STARTING  Confirmed STARTED    EXECUTING   body 1
A   STARTING  News STARTED         EXECUTING   body 1
W   STARTING  Confirmed STARTED    IDLE_AWAITED timer 5; waiting WAIT_SCHEDULED
W   STARTING  News STARTED         IDLE_AWAITED timer 5; waiting WAIT_SCHEDULED
C   STARTING  Confirmed STARTED    IDLE_AWAITED poll 1; waiting CALLBACK_PENDING
C   STARTING  News STARTED         IDLE_AWAITED poll 1; waiting CALLBACK_PENDING
A   STARTING  Confirmed PENDING    STARTING
A   STARTING  News PENDING         STARTING
A   STARTING  Confirmed READY      STARTING    confirm START
A   STARTING  News READY           STARTING    confirm START
AWC STARTING  Confirmed SUCCEEDED  COMPLETED   resume Completed
AWC STARTING  News SUCCEEDED       COMPLETED   resume Completed
AWC STARTING  Orphaned             ORPHANED    resume Unwound

SAXM EXECUTING Await               EXECUTING
SAXM EXECUTING Due                 EXECUTING
SA  EXECUTING BodyDone Succeeded   ENDING      confirm SUCCEED
SA  EXECUTING BodyDone Failed      ENDING      confirm FAIL
SA  EXECUTING BodyDone Retried     RETRYING    confirm RETRY
SA  EXECUTING BodyDone Raised      COMPLETED   resume Refused
X   EXECUTING Returned Succeeded   ENDING      confirm SUCCEED; branch Succeeded
X   EXECUTING Returned Failed      ENDING      confirm FAIL; branch Failed
X   EXECUTING Returned Raised      COMPLETED   branch Raised; resume Refused
M   EXECUTING MapDone Succeeded    ENDING      confirm SUCCEED
M   EXECUTING MapDone Failed       ENDING      confirm FAIL
M   EXECUTING MapDone Raised       COMPLETED   resume Refused
SAXM EXECUTING News STARTED        EXECUTING
SA  EXECUTING News PENDING         EXECUTING
SA  EXECUTING News READY           EXECUTING
SAXM EXECUTING News SUCCEEDED      EXECUTING
SA  EXECUTING Orphaned             ORPHANED    drop body; resume Unwound
X   EXECUTING Orphaned             ORPHANED    resume Unwound; resume Unwound
M   EXECUTING Orphaned             ORPHANED    abandon; resume Unwound

SAXM ENDING   Await                ENDING
SAXM ENDING   Confirmed STARTED    ENDING
SAXM ENDING   News STARTED         ENDING
SA  ENDING    Confirmed PENDING    ENDING
SA  ENDING    News PENDING         ENDING
SA  ENDING    Confirmed READY      ENDING
SA  ENDING    News READY           ENDING
SAXM ENDING   Confirmed SUCCEEDED  COMPLETED   resume Completed
SAXM ENDING   News SUCCEEDED       COMPLETED   resume Completed
SAXM ENDING   Orphaned             ORPHANED    resume Unwound

SA  RETRYING  Await                RETRYING
SA  RETRYING  Confirmed STARTED    RETRYING
SA  RETRYING  News STARTED         RETRYING
SA  RETRYING  Confirmed PENDING    RETRY_WAITING timer 7; waiting RETRY_SCHEDULED
SA  RETRYING  News PENDING         RETRY_WAITING timer 7; waiting RETRY_SCHEDULED
S   RETRYING  Confirmed READY      EXECUTING   submit START; body 2
S   RETRYING  News READY           EXECUTING   submit START; body 2
A   RETRYING  Confirmed READY      STARTING    confirm START
A   RETRYING  News READY           STARTING    confirm START
SA  RETRYING  Confirmed SUCCEEDED  COMPLETED   resume Completed
SA  RETRYING  News SUCCEEDED       COMPLETED   resume Completed
SA  RETRYING  Orphaned             ORPHANED    resume Unwound

SA  RETRY_WAITING Await               RETRY_WAITING
SA  RETRY_WAITING Due                 RETRY_WAITING refresh; poll 1
SA  RETRY_WAITING Confirmed STARTED   RETRY_WAITING
SA  RETRY_WAITING News STARTED        RETRY_WAITING
SA  RETRY_WAITING Confirmed PENDING   RETRY_WAITING
SA  RETRY_WAITING News PENDING        RETRY_WAITING
S   RETRY_WAITING Confirmed READY     EXECUTING cancel; settled; submit START; body 2
S   RETRY_WAITING News READY          EXECUTING cancel; settled; submit START; body 2
A   RETRY_WAITING Confirmed READY     STARTING  cancel; settled; confirm START
A   RETRY_WAITING News READY          STARTING  cancel; settled; confirm START
SA  RETRY_WAITING Confirmed SUCCEEDED COMPLETED cancel; settled; resume Completed
SA  RETRY_WAITING News SUCCEEDED      COMPLETED cancel; settled; resume Completed
SA  RETRY_WAITING Orphaned            ORPHANED  cancel; settled; resume Unwound

W   IDLE_NOT_AWAITED Await               IDLE_AWAITED timer 5; waiting WAIT_SCHEDULED
C   IDLE_NOT_AWAITED Await               IDLE_AWAITED poll 1; waiting CALLBACK_PENDING
WC  IDLE_NOT_AWAITED Confirmed STARTED   IDLE_NOT_AWAITED
WC  IDLE_NOT_AWAITED News STARTED        IDLE_NOT_AWAITED
WC  IDLE_NOT_AWAITED Confirmed SUCCEEDED COMPLETED
WC  IDLE_NOT_AWAITED News SUCCEEDED      COMPLETED
WC  IDLE_NOT_AWAITED Orphaned            ORPHANED

WC  IDLE_AWAITED Await               IDLE_AWAITED
W   IDLE_AWAITED Due                 IDLE_AWAITED refresh; poll 1
C   IDLE_AWAITED Due                 IDLE_AWAITED refresh; poll 2
WC  IDLE_AWAITED Confirmed STARTED   IDLE_AWAITED
WC  IDLE_AWAITED News STARTED        IDLE_AWAITED
WC  IDLE_AWAITED Confirmed SUCCEEDED COMPLETED cancel; settled; resume Completed
WC  IDLE_AWAITED News SUCCEEDED      COMPLETED cancel; settled; resume Completed
WC  IDLE_AWAITED Orphaned            ORPHANED  cancel; settled; resume Unwound

SAWCXM COMPLETED Await             COMPLETED   resume Completed
SAWCXM COMPLETED Due               COMPLETED
SAWCXM COMPLETED News STARTED      COMPLETED
SA  COMPLETED News PENDING         COMPLETED
SA  COMPLETED News READY           COMPLETED
SAWCXM COMPLETED News SUCCEEDED    COMPLETED
SAWCXM COMPLETED Orphaned          COMPLETED

SAWCXM ORPHANED Await              ORPHANED    resume Unwound
SAWCXM ORPHANED Due                ORPHANED
SAWCXM ORPHANED Orphaned           ORPHANED
SA  ORPHANED  BodyDone Succeeded   ORPHANED
SA  ORPHANED  BodyDone Failed      ORPHANED
SA  ORPHANED  BodyDone Retried     ORPHANED
SA  ORPHANED  BodyDone Raised      ORPHANED
X   ORPHANED  Returned Succeeded   ORPHANED
X   ORPHANED  Returned Failed      ORPHANED
X   ORPHANED  Returned Raised      ORPHANED
M   ORPHANED  MapDone Succeeded    ORPHANED
M   ORPHANED  MapDone Failed       ORPHANED
M   ORPHANED  MapDone Raised       ORPHANED
SAWCXM ORPHANED Confirmed STARTED  ORPHANED
SA  ORPHANED  Confirmed PENDING    ORPHANED
SA  ORPHANED  Confirmed READY      ORPHANED
SAWCXM ORPHANED Confirmed SUCCEEDED ORPHANED
SAWCXM ORPHANED News STARTED       ORPHANED
SA  ORPHANED  News PENDING         ORPHANED
SA  ORPHANED  News READY           ORPHANED
SAWCXM ORPHANED News SUCCEEDED     ORPHANED
"""

# How each kind comes into each state; a state that is not here is none of this kind's.
WORK = {"S": "BodyDone", "A": "BodyDone", "X": "Returned", "M": "MapDone"}
IN_ENDING = {
    letter: ["Begin", *(["Confirmed STARTED"] if letter == "A" else []), f"{done} Succeeded"]
    for letter, done in WORK.items()
}
IN_RETRYING = {letter: [*IN_ENDING[letter][:-1], "BodyDone Retried"] for letter in "SA"}


def each(letters: Iterable[str], *path: str) -> dict[str, list[str]]:
    return {letter: [*path] for letter in letters}


PATHS: dict[str, dict[str, list[str]]] = {
    "NEW": each(KINDS),
    "WATCHING": each("SA", "Begin PENDING") | each("WC", "Begin STARTED"),
    "STARTING": each("AWC", "Begin"),
    "EXECUTING": {letter: path[:-1] for letter, path in IN_ENDING.items()},
    "ENDING": IN_ENDING,
    "RETRYING": IN_RETRYING,
    "RETRY_WAITING": {letter: [*path, "Confirmed PENDING"] for letter, path in IN_RETRYING.items()},
    "IDLE_NOT_AWAITED": each("WC", "Begin lonely", "Confirmed STARTED"),
    "IDLE_AWAITED": each("WC", "Begin", "Confirmed STARTED"),
    "COMPLETED": {letter: [*path, "Confirmed SUCCEEDED"] for letter, path in IN_ENDING.items()}
    | each("WC", "Begin", "Confirmed STARTED", "News SUCCEEDED"),
    "ORPHANED": each(KINDS, "Begin", "Orphaned"),
}

STATUSES = {
    letter: ["STARTED", "PENDING", "READY", "SUCCEEDED"] if letter in "SA" else ["STARTED", "SUCCEEDED"]
    for letter in KINDS
}


def messages_of(letter: str) -> list[str]:
    """Every message that an operation of this kind may ever get."""
    of_records = [
        f"{name} {status}" for name in ("Begin", "Confirmed", "News") for status in STATUSES[letter]
    ]
    outcomes = ["Succeeded", "Failed", "Raised", *(["Retried"] if letter in "SA" else [])]
    of_work = [f"{WORK[letter]} {outcome}" for outcome in outcomes] if letter in WORK else []
    return ["Begin", "Await", "Due", "Orphaned", *of_records, *of_work]


def read_table() -> dict[tuple[str, str, str], tuple[str, str]]:
    cells: dict[tuple[str, str, str], tuple[str, str]] = {}
    for line in TABLE.strip().splitlines():
        if not line:
            continue
        letters, state, *rest = line.split()
        message = " ".join(rest[:1] if rest[1] in OperationState.__members__ else rest[:2])
        after, *asked = rest[len(message.split()) :]
        for letter in letters:
            assert (letter, state, message) not in cells, line
            cells[letter, state, message] = (after, " ".join(asked))
    return cells


CELLS = read_table()
PRODUCT = [
    (letter, state, message)
    for state, paths in PATHS.items()
    for letter in paths
    for message in messages_of(letter)
]
OUTCOMES: dict[str, Outcome] = {
    "Succeeded": Succeeded('"x"', "x"),
    "Failed": Failed(ErrorObject("no", "ValueError")),
    "Retried": Retried(7, ErrorObject("no", "ValueError")),
    "Raised": Raised(KeyError("x")),
}


class Scene:
    """One operation alone on a stage, awaited by a task inside the context `outer`."""

    def __init__(self, letter: str, **fields: Any) -> None:
        self.stage = RecordingStage()
        self.letter = letter
        self.type = TYPES[KINDS[letter]]
        self.ran: list[tuple[int, bool]] = []
        self.awaiter = awaiter("task", "outer")
        seconds = {"wait_seconds": 5} if letter == "W" else {}
        spec = Spec(
            KINDS[letter],
            update("op", self.type, parent_id="outer", **seconds, **fields),
            body=Body(self.body, code="code") if letter in "SA" else None,
            task=self.make_task if letter == "X" else None,
            concurrency=self.make_concurrency if letter == "M" else None,
            branch=(self.stage.recorder("map"), 3) if letter == "X" else None,
        )
        checkpoint, supervisor = self.stage.recorder("checkpoint"), self.stage.recorder("termination")
        self.ref = OperationActor(self.stage, checkpoint, supervisor, spec).ref

    def body(self, attempt: int, interrupted: bool) -> Outcome:
        self.ran.append((attempt, interrupted))
        return OUTCOMES["Succeeded"]

    def make_task(self, operation: Any) -> Task:
        assert operation == self.ref
        return Task("context", Scope("op"), lambda: None)

    def make_concurrency(self, operation: Any) -> Any:
        assert operation == self.ref
        return self.stage.recorder("concurrency")

    @property
    def state(self) -> str:
        return actor_of(self.ref).state.name

    def record(self, status: str) -> Operation:
        return Operation(
            "op",
            self.type,
            OperationStatus(status),
            attempt=1,
            next_attempt_at=moment(EPOCH + 7) if status == "PENDING" else None,
            ends_at=moment(EPOCH + 5) if self.letter == "W" else None,
        )

    def message(self, text: str) -> Message:
        name, _, what = text.partition(" ")
        match name:
            case "Begin":
                known = None if what in ("", "lonely") else self.record(what)
                return Begin(None if what == "lonely" else self.awaiter, known)
            case "Await":
                return Await(awaiter("another task", "outer", ticket=9))
            case "Due":
                return Due()
            case "Orphaned":
                return Orphaned("outer")
            case "Confirmed" | "News":
                return {"Confirmed": Confirmed, "News": News}[name](self.record(what))
            case _:
                done = {"BodyDone": BodyDone, "Returned": Returned, "MapDone": MapDone}[name]
                return done(OUTCOMES[what])

    def tell(self, *texts: str) -> None:
        self.stage.tell(self.ref, *map(self.message, texts))

    def asks_after(self, text: str) -> str:
        """Tell it this; what it asked for."""
        self.stage.take()
        live = [timer for timer in self.stage.timers if not timer.cancelled]
        self.tell(text)
        cancelled = ["cancel"] if any(timer.cancelled for timer in live) else []
        return "; ".join([*cancelled, *(self.in_words(*each) for each in self.stage.take())])

    def in_words(self, who: str, what: Any) -> str:
        match who, what:
            case "checkpoint", Submit(update=sent, awaited=awaited):
                assert (sent.id, sent.type, sent.parent_id) == ("op", self.type, "outer")
                return f"{'confirm' if awaited else 'submit'} {sent.action.value}"
            case "checkpoint", Watch():
                return "watch"
            case "checkpoint", Refresh():
                return "refresh"
            case "termination", Waiting(operation="op", reason=reason):
                return f"waiting {reason.name}"
            case "termination", Settled(operation="op"):
                return "settled"
            case "map", BranchDone(index=3, outcome=outcome):
                return f"branch {type(outcome).__name__}"
            case "concurrency", Go():
                return "go"
            case "concurrency", Abandon():
                return "abandon"
            case "work", job:
                assert isinstance(job.run(), BodyDone)
                assert job.code == "code"
                attempt, interrupted = self.ran.pop()
                return f"body {attempt}{' interrupted' * interrupted}"
            case "drop", _:
                return "drop body"
            case "task", _:
                return "task"
            case "timer", timer:
                assert isinstance(timer.message, Due)
                return f"{'poll' if timer.needs_company else 'timer'} {timer.moment:g}"
            case "resume", (_, _, how):
                return f"resume {type(how).__name__}"
        raise AssertionError((who, what))


@pytest.mark.parametrize(("letter", "state", "message"), PRODUCT)
def test_what_a_message_does_in_a_state(letter: str, state: str, message: str):
    """A cell of the table changes the state and asks for what it says; what is in no cell raises."""
    scene = Scene(letter)
    scene.tell(*PATHS[state][letter])
    assert scene.state == state
    cell = CELLS.get((letter, state, message))
    if cell is None:
        with pytest.raises(ImpossibleMessageError, match=f"op got {message.partition(' ')[0]} while {state}"):
            scene.tell(message)
        assert scene.state == state
    else:
        assert (scene.asks_after(message), scene.state) == (cell[1], cell[0])


def test_the_table_has_a_row_for_every_state():
    """Every state of an operation is reached by some kind, and every line of the table by a test."""
    assert set(PATHS) == set(OperationState.__members__)
    assert set(CELLS) <= set(PRODUCT)


def test_the_table_has_the_very_cells_of_the_actor():
    """A message that the actor learns to handle in a state, or forgets, makes this table wrong."""
    cells = {(message.partition(" ")[0], state) for _, state, message in CELLS}
    handled = {
        (message.__name__, state.name)
        for message, by_state in OperationActor.TRANSITIONS.items()
        for state in by_state
    }
    # An operation that works has nothing to be ready for yet but what its kind's work ends with.
    work = {
        (name, state) for name in ("BodyDone", "Returned", "MapDone") for state in ("EXECUTING", "ORPHANED")
    }
    assert cells | work == handled


# ------------------------------------------------------------------ what the table leaves out


@pytest.mark.parametrize("letter", ["S", "A"])
def test_a_retry_that_nobody_awaits_has_a_timer_but_does_not_count_as_waiting(letter: str):
    """RETRY_WAITING arms its timer in any case, and says Waiting once somebody awaits it."""
    scene = Scene(letter)
    scene.tell("Begin lonely", *IN_RETRYING[letter][1:])
    assert scene.asks_after("Confirmed PENDING") == "timer 7"
    assert scene.asks_after("Await") == "waiting RETRY_SCHEDULED"
    assert scene.asks_after("Await") == ""


@pytest.mark.parametrize("letter", ["W", "C"])
@pytest.mark.parametrize("path", [["Begin lonely"], ["Begin lonely", "Await"]])
def test_whether_a_started_operation_is_idle_alone_depends_on_awaiters_only(letter: str, path: list[str]):
    """An await that comes before the confirmation counts as one that was there from the beginning."""
    scene = Scene(letter)
    scene.tell(*path, "Confirmed STARTED")
    assert scene.state == ("IDLE_AWAITED" if "Await" in path else "IDLE_NOT_AWAITED")


def test_every_awaiter_is_resumed_with_its_own_ticket():
    """Whoever awaits, early or late, is resumed on the ticket that it gave, in the order of awaiting."""
    scene = Scene("S")
    scene.tell("Begin", "Await", "BodyDone Succeeded", "Confirmed SUCCEEDED", "Await")
    assert [(task.name, ticket) for task, ticket, _ in scene.stage.of("resume")] == [
        ("task", 1),
        ("another task", 9),
        ("another task", 9),
    ]


def test_an_awaiter_gets_the_record_and_how_the_work_ended():
    """What a task is resumed with is the record as confirmed, and the outcome of this invocation."""
    scene = Scene("S")
    scene.tell("Begin", "BodyDone Succeeded", "Confirmed SUCCEEDED")
    ((_, _, how),) = scene.stage.of("resume")
    assert how.operation == scene.record("SUCCEEDED")
    assert how.outcome is OUTCOMES["Succeeded"]


@pytest.mark.parametrize("after", [False, True])
def test_an_awaiter_outside_the_finished_context_learns_that_its_operation_was_abandoned(after: bool):
    """Only tasks inside the finished context are unwound; one outside gets an error that says what to do."""
    scene = Scene("C")
    outside = Await(awaiter("outside", "elsewhere"))
    scene.tell("Begin", "Confirmed STARTED")
    for message in [Orphaned("outer"), outside] if after else [outside, Orphaned("outer")]:
        scene.stage.tell(scene.ref, message)
    ended = {task.name: how for task, _, how in scene.stage.of("resume")}
    assert type(ended["task"]).__name__ == "Unwound"
    assert "Await it inside that context" in str(ended["outside"].exception)


def test_everybody_is_unwound_when_the_whole_invocation_is_over():
    """Below ROOT there is no outside."""
    scene = Scene("C")
    scene.stage.tell(scene.ref, Begin(awaiter("outside", "elsewhere")), Orphaned(""))
    assert [type(how).__name__ for _, _, how in scene.stage.of("resume")] == ["Unwound"]


@pytest.mark.parametrize("status", [status for status in OperationStatus if status.is_terminal])
def test_every_terminal_status_completes(status: OperationStatus):
    """SUCCEEDED, FAILED, CANCELLED, TIMED_OUT and STOPPED end an operation alike: nothing hangs."""
    scene = Scene("W")
    scene.tell("Begin", "Confirmed STARTED")
    assert scene.asks_after(f"News {status.value}") == "cancel; settled; resume Completed"


def test_what_ended_unrecorded_is_raised_to_later_awaiters_too():
    """An exception that is not recorded goes to whoever awaits the operation, whenever."""
    scene = Scene("S")
    scene.tell("Begin", "BodyDone Raised", "Await")
    raised = OUTCOMES["Raised"]
    assert isinstance(raised, Raised)
    assert [how.exception for _, _, how in scene.stage.of("resume")] == [raised.exception] * 2


def test_polls_come_after_one_second_more_each_time_and_not_for_ever():
    """1, 2, 3 seconds and so on up to 10, then every 10, for some 15 minutes: then it waits in silence."""
    scene = Scene("C")
    scene.tell("Begin", "Confirmed STARTED")
    for _ in range(200):
        scene.tell("Due")
    delays = [timer.moment for timer in scene.stage.timers]
    assert delays == [*range(1, 10), *[10] * (len(delays) - 9)]
    assert 15 * 60 - 10 <= sum(delays) < 15 * 60 + 10
    assert scene.state == "IDLE_AWAITED"
    assert not scene.stage.of("termination", Settled)


@pytest.mark.parametrize("polls", [2, 200])
def test_polls_begin_anew_when_it_rests_again(polls):
    """However often it has asked after an attempt, after the next it asks as if for the first time."""
    scene = Scene("S")
    rests = ["BodyDone Retried", "Confirmed PENDING", *["Due"] * polls]
    scene.tell("Begin", *rests)
    first = [timer.moment for timer in scene.stage.timers]
    scene.tell("News READY", *rests)
    assert [timer.moment for timer in scene.stage.timers] == first * 2
    assert first[1:3] == [1, 2]


def test_a_wait_that_should_have_ended_already_asks_at_once():
    """A timer for a moment in the past is due now, never at a negative delay."""
    scene = Scene("W")
    scene.stage.now += 60
    scene.tell("Begin", "Confirmed STARTED")
    assert [timer.moment for timer in scene.stage.timers] == [0]


def test_a_retry_counts_its_attempts_from_what_the_service_says():
    """The attempt after a READY record with n finished attempts is n + 1, whatever was counted here."""
    scene = Scene("S")
    scene.tell("Begin", "BodyDone Retried", "Confirmed PENDING")
    assert scene.asks_after("News READY") == "cancel; settled; submit START; body 2"


@pytest.mark.parametrize(
    ("letter", "outcome", "fields"),
    [
        ("S", "Succeeded", {"payload": '"x"', "replay_children": None}),
        ("S", "Failed", {"error": ErrorObject("no", "ValueError"), "payload": None}),
        ("S", "Retried", {"error": ErrorObject("no", "ValueError"), "next_attempt_delay_seconds": 7}),
        ("X", "Succeeded", {"payload": '"x"', "replay_children": False}),
        ("M", "Failed", {"error": ErrorObject("no", "ValueError"), "payload": None}),
    ],
)
def test_the_end_repeats_the_names_of_the_start_and_carries_the_outcome(
    letter: str, outcome: str, fields: dict[str, Any]
):
    """Name, subtype and parent stand in every update of an operation."""
    scene = Scene(letter, name="n", sub_type="Some")
    scene.tell("Begin", f"{WORK[letter]} {outcome}")
    start, end = (sent.update for sent in scene.stage.of("checkpoint", Submit))
    assert (end.name, end.sub_type, end.parent_id) == (start.name, start.sub_type, start.parent_id)
    assert {name: getattr(end, name) for name in fields} == fields


def test_a_condition_keeps_its_state_in_the_retry():
    """A Retried with a payload sends it, without an error."""
    scene = Scene("S")
    scene.tell("Begin")
    scene.stage.tell(scene.ref, BodyDone(Retried(3, payload="[1]")))
    retry = scene.stage.of("checkpoint", Submit)[-1].update
    assert (retry.payload, retry.error, retry.next_attempt_delay_seconds) == ("[1]", None, 3)


@pytest.mark.parametrize("type", list(OperationType))
def test_every_type_of_operation_but_the_execution_has_a_kind(type: OperationType):
    """An invoke is a WAIT to this actor: the service completes it. An execution has no actor."""
    known = {*TYPES.values(), OperationType.CHAINED_INVOKE}
    assert (type in known) is (type is not OperationType.EXECUTION)


# ------------------------------------------------------------------ deferred, created, decided


class Deferred(Scene):
    """One operation that is begun and not awaited; what its future is told stands among what it asks for."""

    def begin(self, creator: Any = None, record: Operation | None = None) -> None:
        self.stage.tell(self.ref, Begin(None, record, creator, self.settle))

    def settle(self, how: Resumption) -> None:
        self.stage.asked.append(("future", how))

    def resumed(self) -> list[tuple[str, str]]:
        """The future and the tasks that were told how it ended, in order."""
        told = [(who, what) for who, what in self.stage.take() if who in ("future", "resume")]
        return [
            (who, type(what).__name__) if who == "future" else (what[0].name, type(what[2]).__name__)
            for who, what in told
        ]


@pytest.mark.parametrize("news", ["Confirmed", "News"])
def test_a_creator_goes_on_when_the_start_is_confirmed_and_not_before(news: str):
    """It is resumed once, with the STARTED record, and does not count as somebody who awaits the end."""
    scene = Deferred("C")
    scene.begin(awaiter("creator", "outer"))
    assert scene.resumed() == []
    scene.tell(f"{news} STARTED")
    ((_, _, how),) = scene.stage.of("resume")
    assert (how.operation, scene.state) == (scene.record("STARTED"), "IDLE_NOT_AWAITED")
    assert not scene.stage.of("termination", Waiting)
    scene.stage.take()
    scene.tell("News SUCCEEDED")
    assert scene.resumed() == [("future", "Completed")]


def test_a_creator_goes_on_if_the_answer_is_terminal_already():
    """A callback may be answered before its START is confirmed: the future is settled first."""
    scene = Deferred("C")
    scene.begin(awaiter("creator", "outer"))
    scene.tell("Confirmed SUCCEEDED")
    assert scene.resumed() == [("future", "Completed"), ("creator", "Completed")]
    assert scene.state == "COMPLETED"


@pytest.mark.parametrize(("inside", "how"), [(True, "Unwound"), (False, "Refused")])
def test_a_creator_is_told_when_its_operation_is_orphaned(inside: bool, how: str):
    """It is unwound with the finished context, or refused if it is outside."""
    scene = Deferred("C")
    scene.begin(awaiter("creator", "outer" if inside else "elsewhere"))
    scene.tell("Orphaned")
    assert scene.resumed() == [("creator", how), ("future", "Unwound")]


def test_a_creator_that_went_on_is_not_told_again():
    """Neither by the end nor by the end of its context."""
    for end in ("News SUCCEEDED", "Orphaned"):
        scene = Deferred("C")
        scene.begin(awaiter("creator", "outer"))
        scene.tell("Confirmed STARTED")
        scene.stage.take()
        scene.tell(end)
        assert [who for who, _ in scene.resumed()] == ["future"]


@pytest.mark.parametrize(
    ("letter", "path", "how"),
    [
        ("S", ["BodyDone Succeeded", "Confirmed SUCCEEDED"], Completed),
        ("S", ["BodyDone Raised"], Refused),
        ("W", ["Confirmed STARTED", "News SUCCEEDED"], Completed),
        ("X", ["Returned Failed", "Confirmed SUCCEEDED"], Completed),
        ("M", ["MapDone Succeeded", "Confirmed SUCCEEDED"], Completed),
        ("S", ["Orphaned"], Unwound),
        ("W", ["Confirmed STARTED", "Orphaned"], Unwound),
    ],
)
def test_a_future_is_told_before_those_who_await_it_go_on(
    letter: str, path: list[str], how: type[Resumption]
):
    """What is noted when they run is complete: an end is never lost, whoever runs meanwhile."""
    scene = Deferred(letter)
    scene.begin()
    scene.tell("Await", *path)
    assert scene.resumed() == [("future", how.__name__), ("another task", how.__name__)]


def test_a_deferred_operation_that_rests_does_not_count_as_waiting():
    """It sets no timer and says nothing to the supervisor, until somebody awaits it."""
    scene = Deferred("W")
    scene.begin()
    assert (scene.asks_after("Confirmed STARTED"), scene.state) == ("", "IDLE_NOT_AWAITED")
    assert scene.asks_after("Await") == "timer 5; waiting WAIT_SCHEDULED"


@pytest.mark.parametrize("awaited", [False, True])
def test_a_body_that_nobody_awaited_is_named_when_its_result_is_dropped(
    awaited: bool, caplog: pytest.LogCaptureFixture
):
    """A warning says so when it ends after its context; who is unwound with it needs none."""
    scene = Deferred("S", name="left behind")
    scene.begin()
    scene.tell(*(["Await"] if awaited else []), "Orphaned")
    with caplog.at_level(logging.WARNING, "durably.actors"):
        scene.tell("BodyDone Succeeded")
    assert ["left behind" in each.getMessage() for each in caplog.records] == ([] if awaited else [True])


@pytest.mark.parametrize("status", [None, "STARTED"])
def test_a_decided_step_ends_as_soon_as_it_begins(status: str | None):
    """START and SUCCEED follow each other, without a body; one that was STARTED is ended."""
    scene = Deferred("S")
    spec = Spec(Kind.STEP, update("op", scene.type, parent_id="outer"), outcome=Succeeded("1", 1))
    checkpoint, supervisor = scene.stage.recorder("checkpoint"), scene.stage.recorder("termination")
    scene.ref = OperationActor(scene.stage, checkpoint, supervisor, spec).ref
    scene.begin(None, None if status is None else scene.record(status))
    assert [scene.in_words(*each) for each in scene.stage.take()] == [
        "submit START" if status is None else "watch",
        "confirm SUCCEED",
    ]
    assert scene.state == "ENDING"
