"""What a run did, to be looked at: as text, JSON, a diagram, and a page."""

import json
from html.parser import HTMLParser

import pytest

from durably.actors.clock import VirtualClock
from durably.actors.simulation import Fifo, RandomWalk, Scheduler, SimulatedDispatcher
from durably.actors.simulation.strategies import DriftedError
from durably.actors.simulation.trace import Trace
from durably.actors.system import ActorSystem
from durably.workflows import Duration, durable_execution
from durably.workflows.testing.deviations import Deviation
from durably.workflows.testing.schedules import token_of
from durably.workflows.testing.simulated import Faults, SimulatedRun
from durably.workflows.testing.simulated_trace import short_id, trace_schedule
from tests.simulation.bank import Account, Open, Teller

HOSTILE = "</script><script>alert(1)</script><img src=x onerror='alert(2)'>&\"; end"


@durable_execution
def sequence(event, context):
    first = context.step(lambda _: "a secret", name="a")
    context.wait(Duration.from_seconds(5), name="w")
    return first + context.step(lambda _: "!", name="b")


@durable_execution
def hostile(event, context):
    return context.step(lambda _: 1, name=HOSTILE)


def one_schedule(number=0):
    """The choices of a schedule of `sequence` in which the process dies once."""
    strategy = RandomWalk(5)
    strategy.begin(number)
    scheduler = Scheduler(strategy, label=short_id)
    SimulatedRun(sequence, None, scheduler, Faults(crashes=1, throttled=1, lost=0)).run()
    return scheduler.taken


class TestATrace:
    def test_says_who_chose_what_and_whom_they_told(self):
        """A message stands at the step that sent it, with its receiver and its contents."""
        trace = trace_schedule(sequence)
        assert trace.steps[0].name == "invocation 1 begins"
        submit = next(m for m in trace.messages if m.word == "Submit")
        assert (submit.sender, submit.to) == ("a", "checkpoint")
        assert submit.contents == "operation=a, update=START STEP a, awaited=False"
        assert trace.steps[submit.handled_at].name == "checkpoint handles Submit from a"

    def test_says_which_states_an_actor_was_in(self):
        """Every change stands at the choice that made it."""
        trace = trace_schedule(sequence)
        states = [c.after for step in trace.steps for c in step.changes if c.who == "a"]
        assert states == ["EXECUTING", "ENDING", "COMPLETED"]

    def test_has_virtual_time_and_the_ends_of_invocations(self):
        """The wait takes five seconds, in which the invocation goes on or ends."""
        trace = trace_schedule(sequence)
        assert trace.steps[-1].moment == pytest.approx(5.0, abs=0.01)
        assert trace.steps[-1].name.endswith("ends: finished")

    def test_holds_no_payloads(self):
        """What a step returns is nowhere in it."""
        trace = trace_schedule(sequence)
        assert "secret" not in trace.json() + trace.text() + trace.html() + trace.mermaid()

    def test_takes_tokens_and_deviations_as_well(self):
        """Whatever a report has of a schedule."""
        taken = one_schedule(3)
        by_token = trace_schedule(sequence, None, token_of(taken))
        assert by_token == trace_schedule(sequence, None, taken)
        first = Deviation("nobody handles Begin", "task the handler goes on")
        with pytest.raises(DriftedError):
            trace_schedule(sequence, None, [first])

    def test_marks_faults(self):
        """A crash ends an invocation, whose mail is never handled."""
        taken = next(t for t in map(one_schedule, range(50)) if "the process dies" in t)
        trace = trace_schedule(sequence, None, taken)
        crash = next(step for step in trace.steps if step.kind == "FAULT" and step.name == "the process dies")
        assert trace.steps[crash.number + 1].name.endswith("ends: it broke off")
        assert [step.name for step in trace.steps if step.among] == taken

    def test_of_a_run_that_failed_ends_with_why(self):
        """The error is its last step."""

        @durable_execution
        def no_end(event, context):
            context.wait(Duration.from_seconds(1))
            context.create_callback("never").result()

        last = trace_schedule(no_end).steps[-1]
        assert last.kind == "FAILED"
        assert "InvariantError" in last.name

    def test_of_choices_that_are_not_at_hand_is_refused(self):
        """The error says what was expected, and what there is."""
        with pytest.raises(DriftedError, match="one of: task the handler goes on"):
            trace_schedule(sequence, None, ["nobody does anything"])

    def test_of_actors_that_are_no_workflow_is_one_as_well(self):
        """Any system under the scheduler can be looked at."""
        trace, strategy = Trace(), Fifo()
        strategy.begin(0)
        scheduler = Scheduler(strategy, observers=[trace])
        system = ActorSystem(SimulatedDispatcher(scheduler, VirtualClock()))
        account = Account(system).begin()
        Teller(system, "Ann", account, careful=False).begin().tell(Open())
        system.run()
        assert [f"{m.sender} -> {m.to}: {m}" for m in trace.messages] == [
            "the world -> Ann: Open",
            "Ann -> account: Read(teller=Ann)",
            "account -> Ann: Balance(amount=0)",
            "Ann -> account: Write(amount=10)",
        ]


class TestTwoTraces:
    def test_of_the_same_choices_are_equal(self):
        """Their fingerprints are, too."""
        taken = one_schedule(3)
        one, other = (trace_schedule(sequence, None, taken) for _ in range(2))
        assert one == other
        assert one.fingerprint == other.fingerprint
        assert one.difference(other) == ""

    def test_say_where_they_part(self):
        """The first line that is not the same in both is told."""
        one = trace_schedule(sequence)
        other = trace_schedule(
            sequence, None, next(t for t in map(one_schedule, range(50)) if t != taken_of(one))
        )
        assert one.fingerprint != other.fingerprint
        assert one.difference(other).startswith("line ")

    def test_of_which_one_is_longer_part_at_its_end(self):
        """The rest is told."""
        one, other = trace_schedule(sequence), trace_schedule(sequence)
        other.failed(ValueError("of late"))
        assert one.difference(other).endswith("ValueError: of late")


class TestAsText:
    def test_each_step_has_a_line_and_what_it_did_below_it(self):
        """Number, moment, choice; then changed states and messages."""
        lines = trace_schedule(sequence).text().splitlines()
        at = lines.index("     1      0.000  a handles Begin from task the handler")
        assert [line.strip() for line in lines[at + 1 : at + 4]] == [
            "a: NEW -> EXECUTING",
            "a -> checkpoint: Submit(operation=a, update=START STEP a, awaited=False)",
            "a -> body of a: run",
        ]

    def test_numbers_and_marks_are_those_of_the_report(self):
        """A choice has its number in the schedule; one that came early a mark, as a fault has."""
        crash = Deviation("the process dies", "the answer arrives")
        trace = trace_schedule(sequence, None, [crash])
        lines = trace.text().splitlines()
        names = [step.name for step in trace.steps if step.choice is not None]
        assert f"!{names.index('the process dies'):5}      0.000  the process dies" in lines
        assert [step.choice for step in trace.steps if step.is_early] == [names.index("the process dies")]

    def test_json_has_steps_and_messages(self):
        """It is the trace, in plain values."""
        trace = trace_schedule(sequence)
        assert json.loads(trace.json()) == trace.as_dict()


class TestAsADiagram:
    def test_messages_are_arrows_between_participants(self):
        """A participant has an alias, so that any name can be one."""
        lines = [line.strip() for line in trace_schedule(sequence).mermaid().splitlines()]
        assert lines[0] == "sequenceDiagram"
        alias = {line.split(" as ")[1]: line.split()[1] for line in lines if line.startswith("participant")}
        assert f"{alias['a']}->>{alias['body of a']}: run" in lines
        assert f"Note over {alias['a']}: NEW to EXECUTING" in lines

    def test_no_name_ends_a_statement(self):
        """What has a meaning in the language is written as a code."""
        diagram = trace_schedule(hostile).mermaid()
        assert "<" not in diagram
        assert "#60;script#62;" in diagram


class Page(HTMLParser):
    """The elements of a page, with their attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def all(self, tag: str, of: str = "") -> list[dict[str, str | None]]:
        """The attributes of the elements of this name, and of this class."""
        return [
            a for name, a in self.elements if name == tag and (not of or of in (a.get("class") or "").split())
        ]


class TestAsAPage:
    def test_has_a_row_for_each_step_and_an_arrow_for_each_message(self):
        """A lane has a line; a changed state has a mark."""
        trace = trace_schedule(sequence)
        page = Page(trace.html())
        assert len(page.all("li")) == len(page.all("rect", "row")) == len(trace.steps)
        assert len(page.all("g", "message")) == len(trace.messages)
        assert len(page.all("g", "state")) == sum(len(step.changes) for step in trace.steps)
        assert {"a", "b", "w", "checkpoint", "termination", "body of a"} <= set(page.texts)

    def test_marks_faults_and_messages_that_were_never_handled(self):
        """Both are there after a crash."""
        taken = next(t for t in map(one_schedule, range(50)) if "the process dies" in t)
        page = Page(trace_schedule(sequence, None, taken).html())
        assert page.all("circle", "fault")
        assert page.all("li", "fault")
        assert page.all("g", "lost")

    def test_shows_what_the_pointer_is_over(self):
        """An arrow says from whom, to whom, what, and when it was handled."""
        said = [arrow["data-what"] for arrow in Page(trace_schedule(sequence).html()).all("g", "message")]
        assert any(text.startswith("task the handler → a: Begin(") for text in said)
        assert all("handled" in text for text in said)

    def test_needs_nothing_from_elsewhere(self):
        """No element loads anything, and the page's own policy refuses what is not in it."""
        page = Page(trace_schedule(sequence).html())
        assert not [a for _, a in page.elements if "src" in a or "href" in a]
        [policy] = [a["content"] for a in page.all("meta") if a.get("http-equiv")]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy

    def test_a_name_cannot_become_code(self):
        """There is one script, no image and no handler of an event, whatever an operation is called."""
        page = Page(trace_schedule(hostile).html(HOSTILE))
        assert len(page.all("script")) == 1
        assert not page.all("img")
        assert not [a for _, a in page.elements if any(name.startswith("on") for name in a)]
        assert HOSTILE in page.texts


def taken_of(trace):
    """The choices of a trace."""
    return [step.name for step in trace.steps if step.among]
