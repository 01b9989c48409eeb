"""The checkpoint queue: batches, tokens, news, finished contexts, and what becomes of everybody."""

from typing import Any

import attrs
import pytest

from durably.actors.checkpoint import MAX_BYTES, MAX_UPDATES, CheckpointActor, CheckpointState
from durably.actors.messages import (
    CallDone,
    CallFailed,
    CheckpointingOver,
    Close,
    Confirmed,
    FailureKind,
    Flush,
    Message,
    News,
    Orphaned,
    Refresh,
    Submit,
    Watch,
)
from durably.actors.model import (
    CheckpointResponse,
    Operation,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.actors.recorded import wire_size
from durably.actors.stage import JobKind
from tests.actors.invocation import record, update
from tests.actors.stage import RecordingStage, actor_of

STEP, CONTEXT, WAIT = OperationType.STEP, OperationType.CONTEXT, OperationType.WAIT


class Queue:
    """A checkpoint actor alone on a stage. Its calls are answered when the test says so."""

    def __init__(self, *history: Operation) -> None:
        self.stage = RecordingStage()
        self.sent: list[tuple[tuple[OperationUpdate, ...], str]] = []
        self.answer: CheckpointResponse | Exception = CheckpointResponse("token 1")
        self.history = {each.id: each for each in history}
        self.ref = CheckpointActor(
            self.stage, self.call, "token 0", self.history, self.stage.recorder("termination")
        ).ref

    def call(self, updates: tuple[OperationUpdate, ...], token: str) -> CheckpointResponse:
        self.sent.append((updates, token))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def state(self) -> CheckpointState:
        return actor_of(self.ref).state

    def tell(self, *messages: Message) -> None:
        self.stage.tell(self.ref, *messages)

    def submit(self, id: str, type: OperationType = STEP, action: str = "START", **more: Any) -> None:
        """As operation `id` does it."""
        awaited = more.pop("awaited", True)
        self.tell(Submit(self.stage.recorder(id), update(id, type, action, **more), awaited))

    def watch(self, id: str, type: OperationType = STEP, status: str = "STARTED", **more: Any) -> None:
        self.tell(Watch(self.stage.recorder(id), record(id, type, status, **more)))

    def run_call(self, token: str | None = "token 1", *changed: Operation) -> list[str]:
        """Let the call that was asked for last happen; the ids in it."""
        self.answer = CheckpointResponse(token, changed)
        return self.finish_call()

    def fail_call(self, error: Exception) -> list[str]:
        self.answer = error
        return self.finish_call()

    def finish_call(self) -> list[str]:
        job = self.stage.of("work")[-1]
        assert job.kind is JobKind.CALL
        self.stage.tell(job.reply_to, job.run())
        return [each.id for each in self.sent[-1][0]]

    def told(self, id: str) -> list[str]:
        """What an operation has been told, as words."""
        words = []
        for message in self.stage.of(id):
            match message:
                case Confirmed(record=known):
                    words.append(f"confirmed {known.status.value}")
                case News(record=known):
                    words.append(f"news {known.status.value}")
                case Orphaned(finished=finished):
                    words.append(f"orphaned {finished or 'ROOT'}")
        return words

    @property
    def calls(self) -> int:
        return len(self.stage.of("work"))

    @property
    def wishes(self) -> int:
        return len(self.stage.of("flush"))


# ------------------------------------------------------------------ the table

# How the queue comes to be in each situation; operation `old` is live, `sent` in flight, `late` queued.
SITUATIONS = {
    "OPEN idle": "watch",
    "OPEN sending": "watch submit flush",
    "OPEN sending, queued": "watch submit flush queue",
    "CLOSING idle": "watch close",
    "CLOSING sending": "watch submit flush close",
    "CLOSING sending, queued": "watch submit flush queue close",
    "OVER": "watch submit flush queue fail",
}
# A flush is a wish to be told when the batch is full; a call is one that begins.
TABLE = """
Submit     | OPEN idle               | OPEN    | flush
Submit     | OPEN sending            | OPEN    |
Submit     | OPEN sending, queued    | OPEN    |
Submit     | CLOSING idle            | CLOSING | new orphaned ROOT
Submit     | CLOSING sending         | CLOSING | new orphaned ROOT
Submit     | CLOSING sending, queued | CLOSING | new orphaned ROOT
Submit     | OVER                    | OVER    | new orphaned ROOT
Watch      | OPEN idle               | OPEN    | new news STARTED
Watch      | OPEN sending            | OPEN    | new news STARTED
Watch      | OPEN sending, queued    | OPEN    | new news STARTED
Watch      | CLOSING idle            | CLOSING | new orphaned ROOT
Watch      | CLOSING sending         | CLOSING | new orphaned ROOT
Watch      | CLOSING sending, queued | CLOSING | new orphaned ROOT
Watch      | OVER                    | OVER    | new orphaned ROOT
Refresh    | OPEN idle               | OPEN    | flush
Refresh    | OPEN sending            | OPEN    |
Refresh    | OPEN sending, queued    | OPEN    |
Refresh    | CLOSING idle            | CLOSING |
Refresh    | CLOSING sending         | CLOSING |
Refresh    | CLOSING sending, queued | CLOSING |
Refresh    | OVER                    | OVER    |
Flush      | OPEN idle               | OPEN    |
Flush      | OPEN sending            | OPEN    |
Flush      | OPEN sending, queued    | OPEN    |
Flush      | CLOSING idle            | CLOSING |
Flush      | CLOSING sending         | CLOSING |
Flush      | CLOSING sending, queued | CLOSING |
Flush      | OVER                    | OVER    |
CallDone   | OPEN idle               | never   |
CallDone   | OPEN sending            | OPEN    | sent confirmed STARTED
CallDone   | OPEN sending, queued    | OPEN    | sent confirmed STARTED, flush
CallDone   | CLOSING idle            | never   |
CallDone   | CLOSING sending         | CLOSING |
CallDone   | CLOSING sending, queued | CLOSING | flush
CallDone   | OVER                    | never   |
CallFailed | OPEN idle               | never   |
CallFailed | OPEN sending            | OVER    | over refused, old orphaned ROOT, sent orphaned ROOT
CallFailed | OPEN sending, queued    | OVER    | over refused, all orphaned
CallFailed | CLOSING idle            | never   |
CallFailed | CLOSING sending         | OVER    | over refused
CallFailed | CLOSING sending, queued | OVER    | over refused
CallFailed | OVER                    | never   |
Close      | OPEN idle               | CLOSING | old orphaned ROOT
Close      | OPEN sending            | CLOSING | old orphaned ROOT, sent orphaned ROOT
Close      | OPEN sending, queued    | CLOSING | all orphaned
Close      | CLOSING idle            | CLOSING |
Close      | CLOSING sending         | CLOSING |
Close      | CLOSING sending, queued | CLOSING |
Close      | OVER                    | OVER    |
"""
CELLS = {
    (message, situation): (after, asked)
    for message, situation, after, asked in (
        tuple(part.strip() for part in line.split("|")) for line in TABLE.strip().splitlines()
    )
}
PRODUCT = [(message.__name__, situation) for message in CheckpointActor.HANDLERS for situation in SITUATIONS]


def queue_in(situation: str) -> Queue:
    queue = Queue()
    for action in SITUATIONS[situation].split():
        match action:
            case "watch":
                queue.watch("old")
            case "submit":
                queue.submit("sent")
            case "flush":
                queue.tell(Flush())
            case "queue":
                queue.submit("late")
            case "close":
                queue.tell(Close())
            case "fail":
                queue.fail_call(OSError("gone"))
    queue.stage.take()
    return queue


def in_words(who: str, what: Any) -> str:
    match who, what:
        case "flush", _:
            return "flush"
        case "work", _:
            return "call"
        case _, CheckpointingOver(kind=kind):
            return f"over {kind.value}"
        case _, Orphaned(finished=finished):
            return f"{who} orphaned {finished or 'ROOT'}"
        case _, Confirmed(record=known) | News(record=known):
            return f"{who} {type(what).__name__.lower()} {known.status.value}"
    raise AssertionError((who, what))


@pytest.mark.parametrize(("message", "situation"), PRODUCT)
def test_what_a_message_does_in_a_situation(message: str, situation: str):
    """Every message in every situation does what the table says; only a call's answer needs a call."""
    after, asked = CELLS[message, situation]
    if after == "never":
        assert "sending" not in situation
        return
    queue = queue_in(situation)
    new = queue.stage.recorder("new")
    messages: dict[str, Message] = {
        "Submit": Submit(new, update("new", STEP)),
        "Watch": Watch(new, record("new", STEP)),
        "Refresh": Refresh(),
        "Flush": Flush(),
        "CallDone": CallDone(CheckpointResponse("token 1")),
        "CallFailed": CallFailed(OSError("gone")),
        "Close": Close(),
    }
    queue.tell(messages[message])
    assert queue.state.name == after
    everybody = "old orphaned ROOT, sent orphaned ROOT, late orphaned ROOT"
    assert ", ".join(in_words(*each) for each in queue.stage.take()) == asked.replace(
        "all orphaned", everybody
    )


def test_the_table_has_every_cell():
    """Every message that the queue handles, in every state, and nothing else."""
    assert set(CELLS) == set(PRODUCT)
    assert {situation.split()[0] for situation in SITUATIONS} == set(CheckpointState.__members__)


def test_a_message_that_is_for_others_raises():
    """The queue has no idea what to do when somebody tells it to begin."""
    with pytest.raises(KeyError):
        Queue().tell(Confirmed(record("x", STEP)))


# ------------------------------------------------------------------ batches


def test_a_batch_is_sent_when_the_stage_says_that_it_gets_no_fuller():
    """What is submitted in one go travels in one call, in order, with the newest token."""
    queue = Queue()
    for name in "abc":
        queue.submit(name)
    assert queue.calls == 0
    queue.tell(Flush())
    assert queue.run_call() == ["a", "b", "c"]
    assert queue.sent[0][1] == "token 0"


def test_a_batch_holds_at_most_250_updates():
    """The 250th update sends the batch at once; the rest follows in calls of their own, one at a time."""
    queue = Queue()
    for number in range(2 * MAX_UPDATES + 1):
        queue.submit(str(number))
        assert queue.calls == (number >= MAX_UPDATES - 1)
    sizes = [len(queue.run_call()), len(queue.run_call())]
    assert queue.calls == 2
    queue.tell(Flush())
    sizes.append(len(queue.run_call()))
    assert sizes == [250, 250, 1]
    assert [token for _, token in queue.sent] == ["token 0", "token 1", "token 1"]


def payload_of(bytes: int) -> str:
    """A payload whose update takes so many bytes on the wire."""
    return "x" * (bytes - wire_size(update("a", STEP, "SUCCEED", payload="x" * 1000)) + 1000)


@pytest.mark.parametrize(("excess", "first"), [(0, ["a", "b"]), (1, ["a"])])
def test_a_batch_holds_at_most_768_000_bytes(excess: int, first: list[str]):
    """Two updates of together 768,000 bytes share a call; one byte more, and they do not."""
    queue = Queue()
    queue.submit("a", action="SUCCEED", payload=payload_of(MAX_BYTES // 2))
    queue.submit("b", action="SUCCEED", payload=payload_of(MAX_BYTES // 2 + excess))
    assert queue.calls == 1, "it is full: nothing is gained by waiting"
    assert queue.run_call() == first


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_larger_update_goes_alone_wherever_it_stands(position: int):
    """An update that no batch has room for is sent by itself, before and after others, and nothing hangs."""
    queue = Queue()
    ids = ["small", "tiny"]
    ids.insert(position, "large")
    for name in ids:
        queue.submit(name, action="SUCCEED", payload="x" * (MAX_BYTES + 1 if name == "large" else 10))
    batches = []
    while queue.calls > len(batches) or queue.wishes:
        queue.tell(Flush())
        if queue.calls == len(batches):
            break
        batches.append(queue.run_call())
    assert [name for batch in batches for name in batch] == ids
    assert ["large"] in batches


@pytest.mark.parametrize("text", ["x" * 500, "ü" * 500, "😀" * 500, '"\n' * 500, "ü", ""])
def test_an_update_is_never_larger_on_the_wire_than_it_counts(text: str):
    """What is counted is an upper bound of the JSON that is sent, escapes included."""
    import json

    sent = update("x" * 64, STEP, "SUCCEED", payload=text, name=text[:100])
    fields = {name: value for name, value in attrs.asdict(sent).items() if isinstance(value, str)}
    assert wire_size(sent) >= len(json.dumps(fields).encode())


def test_one_call_is_in_flight():
    """However much is submitted meanwhile, the next call begins when the last one is answered."""
    queue = Queue()
    queue.submit("a")
    queue.tell(Flush())
    for number in range(600):
        queue.submit(str(number))
        queue.tell(Flush())
    assert queue.calls == 1
    queue.run_call()
    assert queue.calls == 2


def test_every_call_carries_the_newest_token():
    """Each answer brings the token of the next call."""
    queue = Queue()
    for number in range(3):
        queue.submit(str(number))
        queue.tell(Flush())
        queue.run_call(f"token {number + 1}")
    assert [token for _, token in queue.sent] == ["token 0", "token 1", "token 2"]


# ------------------------------------------------------------------ answers


def test_whoever_is_told_finds_everything_merged():
    """All of an answer is in the history before anybody learns of any of it."""
    queue = Queue()
    queue.submit("a")
    queue.submit("b")
    queue.tell(Flush())
    queue.run_call("token 1", record("a", STEP, "STARTED"), record("b", STEP, "SUCCEEDED", result="1"))
    assert queue.history["b"].result == "1"
    known = [message.record for who in "ab" for message in queue.stage.of(who)]
    assert known == [queue.history["a"], queue.history["b"]]


def test_an_answer_is_merged_before_the_first_is_told():
    """The operation that is told first already finds the news of the one that is told last."""
    queue = Queue()
    seen: list[list[str]] = []
    post = queue.stage.post

    def look(actor: Any, envelope: Any) -> None:
        if isinstance(envelope, Confirmed):
            seen.append(sorted(queue.history))
        post(actor, envelope)

    queue.stage.post = look  # type: ignore[method-assign]  # a stage that looks around
    queue.submit("a")
    queue.submit("b")
    queue.tell(Flush())
    queue.run_call()
    assert seen == [["a", "b"], ["a", "b"]]


def test_an_update_that_the_answer_does_not_mention_is_applied_here():
    """The service may answer with nothing at all: what it accepted is known, times included."""
    queue = Queue()
    queue.submit("s", action="START")
    queue.submit("s", action="RETRY", next_attempt_delay_seconds=5)
    queue.submit("w", WAIT, wait_seconds=9)
    queue.tell(Flush())
    queue.run_call()
    step, wait = queue.history["s"], queue.history["w"]
    assert (step.status, step.attempt) == (OperationStatus.PENDING, 1)
    assert step.next_attempt_at is not None
    assert step.next_attempt_at.timestamp() == queue.stage.now + 5
    assert wait.ends_at is not None
    assert wait.ends_at.timestamp() == queue.stage.now + 9
    assert queue.told("s") == ["confirmed PENDING"]


def test_a_start_that_nobody_waits_for_is_confirmed_to_nobody():
    """Only an update that is awaited is worth a message; one awaited update among several is enough."""
    queue = Queue()
    queue.submit("a", awaited=False)
    queue.submit("b", awaited=False)
    queue.submit("b", action="SUCCEED")
    queue.tell(Flush())
    queue.run_call()
    assert (queue.told("a"), queue.told("b")) == ([], ["confirmed SUCCEEDED"])


def test_news_is_what_changes_the_status_of_a_live_operation():
    """An operation hears of every change once, of the same status never again, and nothing after its end."""
    queue = Queue(record("a", STEP, "PENDING"))
    queue.watch("a", status="PENDING")
    for status in ("PENDING", "READY", "READY", "SUCCEEDED", "STARTED"):
        queue.tell(Refresh(), Flush())
        queue.run_call("token", record("a", STEP, status), record("stranger", STEP, status))
    assert queue.told("a") == ["news PENDING", "news READY", "news SUCCEEDED"]


def test_watching_answers_with_the_record_as_it_stands():
    """The history is newer than the snapshot that a watcher knows; one that is complete is answered too."""
    queue = Queue(record("a", STEP, "SUCCEEDED"), record("b", STEP, "READY"))
    queue.watch("a", status="PENDING")
    queue.watch("b", status="PENDING")
    assert (queue.told("a"), queue.told("b")) == (["news SUCCEEDED"], ["news READY"])


# ------------------------------------------------------------------ refresh


def test_refresh_requests_are_served_by_one_empty_call():
    """A hundred operations that ask for news cost one call without updates."""
    queue = Queue()
    queue.tell(*[Refresh() for _ in range(100)], Flush())
    assert queue.run_call() == []
    queue.tell(Flush())
    assert queue.calls == 1


def test_a_refresh_travels_with_updates():
    """If there is something to send, no further call is needed."""
    queue = Queue()
    queue.submit("a")
    queue.tell(Refresh(), Flush())
    assert queue.run_call() == ["a"]
    queue.tell(Flush())
    assert queue.calls == 1


@pytest.mark.parametrize("during", [False, True])
def test_a_refresh_is_served_by_the_next_call_never_by_the_one_in_flight(during: bool):
    """The service may have answered already: a refresh during a call asks for another one."""
    queue = Queue()
    queue.submit("a")
    messages: list[Message] = [Flush(), Refresh()] if during else [Refresh(), Flush()]
    queue.tell(*messages)
    queue.run_call()
    queue.tell(Flush())
    assert queue.calls == 1 + during
    if during:
        assert queue.run_call() == []


def test_the_stage_learns_whether_somebody_waits_for_the_answer():
    """A START that nobody waits for may be held back while a body runs; what is awaited may not."""
    queue = Queue()
    queue.submit("a", awaited=False)
    assert queue.stage.of("flush") == [False]
    queue.submit("b", awaited=True)
    queue.submit("c", awaited=False)
    assert queue.stage.of("flush")[-1] is True
    queue.tell(Flush())
    queue.run_call()
    queue.submit("d", awaited=False)
    assert queue.stage.of("flush")[-1] is False
    queue.tell(Refresh())
    assert queue.stage.of("flush")[-1] is True


# ------------------------------------------------------------------ finished contexts


def end(queue: Queue, id: str, action: str = "SUCCEED", **more: Any) -> None:
    queue.submit(id, CONTEXT, action, **more)


@pytest.mark.parametrize("action", ["SUCCEED", "FAIL"])
def test_the_end_of_a_context_orphans_everything_live_below_it(action: str):
    """However deep: each is told which context has finished. What is beside it lives on."""
    queue = Queue()
    queue.submit("outer", CONTEXT)
    queue.submit("inner", CONTEXT, parent_id="outer")
    queue.submit("deep", parent_id="inner")
    queue.submit("beside")
    end(queue, "outer", action)
    assert [queue.told(name) for name in ("inner", "deep")] == [["orphaned outer"]] * 2
    assert [queue.told(name) for name in ("outer", "beside")] == [[], []]
    queue.tell(Flush())
    assert queue.run_call() == ["outer", "inner", "deep", "beside", "outer"]
    assert queue.told("outer") == ["confirmed SUCCEEDED" if action == "SUCCEED" else "confirmed FAILED"]


def test_nothing_below_a_finished_context_is_accepted():
    """An update, a watch, at any depth: refused, and never sent. The answer names the outermost context."""
    queue = Queue()
    queue.submit("outer", CONTEXT)
    queue.submit("inner", CONTEXT, parent_id="outer")
    end(queue, "outer")
    queue.submit("late", parent_id="outer")
    queue.submit("deep", parent_id="inner")
    queue.watch("old", parent_id="inner")
    assert [queue.told(name) for name in ("late", "deep", "old")] == [["orphaned outer"]] * 3
    queue.tell(Flush())
    assert queue.run_call() == ["outer", "inner", "outer"]


@pytest.mark.parametrize("known", [False, True])
def test_a_context_that_begins_too_late_takes_its_children_with_it(known: bool):
    """Contexts begun after the end, and the children of those, are refused down to any depth."""
    queue = Queue()
    queue.submit("outer", CONTEXT)
    end(queue, "outer")
    around = "outer"
    for depth in range(5):
        name = f"context {depth}"
        queue.watch(name, CONTEXT, parent_id=around) if known else queue.submit(
            name, CONTEXT, parent_id=around
        )
        assert queue.told(name) == ["orphaned outer"]
        around = name
    queue.submit("step", parent_id=around)
    assert queue.told("step") == ["orphaned outer"]


def test_the_outermost_finished_context_is_named_though_an_inner_one_finished_first():
    """Who is inside the outermost is unwound; so it must be the outermost that is told."""
    queue = Queue()
    queue.submit("outer", CONTEXT)
    queue.submit("inner", CONTEXT, parent_id="outer")
    end(queue, "inner", parent_id="outer")
    queue.submit("one", parent_id="inner")
    end(queue, "outer")
    queue.submit("two", parent_id="inner")
    assert (queue.told("one"), queue.told("two")) == (["orphaned inner"], ["orphaned outer"])


def test_a_context_that_was_complete_before_this_invocation_is_finished():
    """The history counts as much as what happened here."""
    queue = Queue(record("old", CONTEXT, "SUCCEEDED"))
    queue.submit("late", parent_id="old")
    assert queue.told("late") == ["orphaned old"]


@pytest.mark.parametrize("body_first", [True, False])
def test_an_orphan_that_ends_after_its_context_is_not_recorded(body_first: bool):
    """Whichever comes first to the queue is sent: the end of the step, or nothing of it any more."""
    queue = Queue()
    queue.submit("context", CONTEXT)
    queue.submit("step", parent_id="context", awaited=False)
    if body_first:
        queue.submit("step", action="SUCCEED", parent_id="context")
    end(queue, "context")
    if not body_first:
        queue.submit("step", action="SUCCEED", parent_id="context")
    queue.tell(Flush())
    assert queue.run_call() == ["context", "step", *["step"] * body_first, "context"]
    assert queue.told("step")[0] == "orphaned context"


# ------------------------------------------------------------------ the end


def test_an_answer_without_a_token_withdraws_the_right_to_checkpoint():
    """What was in the call is confirmed, everything else is over; nothing is ever sent again."""
    queue = Queue()
    queue.submit("a")
    queue.tell(Flush())
    queue.submit("b")
    queue.run_call(None)
    assert queue.told("a") == ["confirmed STARTED", "orphaned ROOT"]
    assert queue.told("b") == ["orphaned ROOT"]
    (over,) = queue.stage.of("termination", CheckpointingOver)
    assert (over.kind, over.exception) == (FailureKind.WITHDRAWN, None)
    queue.submit("c")
    queue.tell(Refresh(), Flush(), Close())
    assert (queue.calls, queue.told("c")) == (1, ["orphaned ROOT"])


def test_a_call_that_fails_settles_everybody():
    """Those in the call, those queued, those who only watch: all learn of it, and the supervisor of why."""
    queue = Queue()
    queue.watch("watcher")
    queue.submit("in flight")
    queue.tell(Flush())
    queue.submit("queued")
    error = OSError("connection reset")
    queue.fail_call(error)
    assert [queue.told(name)[-1] for name in ("watcher", "in flight", "queued")] == ["orphaned ROOT"] * 3
    (over,) = queue.stage.of("termination", CheckpointingOver)
    assert (over.kind, over.exception) == (FailureKind.REFUSED, error)
    queue.tell(Flush())
    assert queue.calls == 1


@pytest.mark.parametrize("in_flight", [False, True])
def test_closing_sends_what_was_accepted(in_flight: bool):
    """What was accepted before the end of the root is sent, in as many calls as it takes; nothing later."""
    queue = Queue()
    if in_flight:
        queue.submit("first")
        queue.tell(Flush())
    for number in range(300):
        queue.submit(str(number))
    queue.tell(Close())
    queue.submit("late")
    batches = []
    while queue.calls > len(batches):
        batches.append(queue.run_call())
        queue.tell(Flush())
    assert [name for batch in batches for name in batch] == (
        ["first"] * in_flight + [str(number) for number in range(300)]
    )
    assert queue.told("late") == ["orphaned ROOT"]


def test_closing_forgets_what_nobody_needs_any_more():
    """A refresh that was asked for is not worth a call once the outcome is known."""
    queue = Queue()
    queue.tell(Refresh(), Close(), Flush())
    assert queue.calls == 0


def test_a_failed_call_forgets_what_was_asked_for():
    """A refresh that was to come with the next call does not bring about another call."""
    queue = Queue()
    queue.submit("a")
    queue.tell(Flush(), Refresh())
    queue.fail_call(ValueError("no"))
    queue.tell(Flush())
    assert queue.calls == 1


def test_the_queue_forgets_operations_that_are_complete():
    """A thousand operations that came and went are no longer live, and below no context."""
    queue = Queue()
    queue.submit("context", CONTEXT)
    for number in range(1000):
        queue.submit(str(number), action="SUCCEED", parent_id="context")
    done = 0
    while queue.calls > done:
        queue.run_call()
        queue.tell(Flush())
        done += 1
    actor = actor_of(queue.ref)
    assert (list(actor._live), list(actor._below)) == (["context"], [""])
