"""One execution in memory: tokens, news, pages, and time that passes when told to."""

import pytest

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows.exceptions import CheckpointError, GetExecutionStateError
from durably.workflows.local import MemoryExecution
from tests.local.scripted import Invocation, retry, step_done, update, wait


def begin(service: MemoryExecution) -> Invocation:
    return Invocation(service.event(), service)


class TestTokens:
    def test_each_token_is_good_once(self):
        """A checkpoint takes the token of the last answer, and no older one; the error is retryable."""
        service = MemoryExecution()
        invocation = begin(service)
        first = invocation.token or ""
        invocation.send(step_done("a"))
        with pytest.raises(CheckpointError, match=r"^Invalid checkpoint token") as refused:
            service.checkpoint(service.arn, first, [])
        assert refused.value.is_retryable()

    def test_a_new_invocation_supersedes_the_one_before(self):
        """Once a second invocation has begun, the first can neither write nor read."""
        service = MemoryExecution()
        first, second = begin(service), begin(service)
        with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
            first.send(step_done("a"))
        with pytest.raises(GetExecutionStateError, match="Invalid checkpoint token"):
            service.get_execution_state(service.arn, first.token or "", "")
        second.send(step_done("a"))

    def test_a_finished_execution_takes_nothing_more(self):
        """After the EXECUTION update even the newest token is refused."""
        invocation = begin(service := MemoryExecution())
        invocation.send(update("EXECUTION", "SUCCEED", "end", payload="7"))
        assert service.execution.summary.result == "7"
        with pytest.raises(CheckpointError, match="Invalid checkpoint token"):
            invocation.send()

    def test_a_call_made_again_is_answered_again(self):
        """The same client token and token get the same answer, and the updates count once."""
        execution = MemoryExecution().execution
        token = execution.begin().token
        first = execution.checkpoint(token, [step_done("a")], "client")
        assert execution.checkpoint(token, [step_done("a")], "client") is first

    def test_a_withdrawn_execution_takes_one_more_batch(self):
        """Its updates count, the answer has no token, and nothing follows."""
        invocation = begin(service := MemoryExecution())
        service.execution.withdraw()
        assert set(invocation.send(step_done("a"))) == {"a"}
        assert invocation.token is None
        with pytest.raises(CheckpointError):
            invocation.send(step_done("b"))

    def test_a_refusal_fails_the_execution_and_changes_nothing(self):
        """A wrong update is a permanent error; neither it nor its batch nor the token counts."""
        invocation = begin(service := MemoryExecution())
        with pytest.raises(CheckpointError, match="Invalid parent") as refused:
            invocation.send(step_done("a"), update("STEP", "START", "b", parent_id="nobody"))
        assert not refused.value.is_retryable()
        assert len(service.operations) == 1
        assert service.updates == []
        invocation.send(step_done("a"))


class TestNews:
    def test_an_answer_has_what_changed_and_no_more(self):
        """A response carries the operations of its batch, the next one not again."""
        invocation = begin(MemoryExecution())
        assert set(invocation.send(step_done("a"), wait("w", 5))) == {"a", "w"}
        assert set(invocation.send(step_done("b"))) == {"b"}
        assert invocation.send() == {}

    def test_a_wait_that_falls_due_while_the_handler_runs_is_in_the_next_answer(self):
        """What time has done by now is delivered with any checkpoint, an empty one too."""
        invocation = begin(service := MemoryExecution())
        invocation.send(wait("w", 5), retry("r", 5))
        service.clock.advance(5)
        news = invocation.send()
        assert news["w"].status is OperationStatus.SUCCEEDED
        assert (news["r"].status, news["r"].next_attempt_at) == (OperationStatus.READY, None)

    def test_an_event_names_what_changed_since_the_last_answer(self):
        """UpdatedOperationIds has what the handler has not seen, and nothing at first."""
        first = begin(service := MemoryExecution())
        assert first.event["UpdatedOperationIds"] == []
        first.send(wait("w", 5), wait("later", 50))
        assert service.advance()
        assert begin(service).event["UpdatedOperationIds"] == ["w"]

    def test_time_moves_to_what_is_due_next(self):
        """advance() goes from one due time to the next, and says when there is none."""
        invocation = begin(service := MemoryExecution())
        invocation.send(wait("w", 50), retry("r", 5))
        assert service.advance()
        assert service.operations["w"].status is OperationStatus.STARTED
        assert service.operations["r"].status is OperationStatus.READY
        assert service.advance()
        assert not service.advance()


class TestCallbacks:
    def test_a_callback_succeeds_or_fails_once(self):
        """It takes one outcome from outside; a second is refused."""
        invocation = begin(service := MemoryExecution())
        news = invocation.send(update("CALLBACK", "START", "good"), update("CALLBACK", "START", "bad"))
        service.complete_callback(news["good"].callback_id or "", "yes")
        service.complete_callback(news["bad"].callback_id or "", error=ErrorObject("no"))
        with pytest.raises(Exception, match="SUCCEEDED already"):
            service.complete_callback(news["good"].callback_id or "", "again")
        assert (service.operations["good"].result, service.operations["bad"].error) == (
            "yes",
            ErrorObject("no"),
        )

    def test_a_callback_times_out(self):
        """After its timeout it is TIMED_OUT with the service's error, heartbeats or not."""
        invocation = begin(service := MemoryExecution())
        invocation.send(update("CALLBACK", "START", "c", timeout_seconds=60, heartbeat_timeout_seconds=0))
        assert service.advance()
        timed_out = service.operations["c"]
        assert timed_out.status is OperationStatus.TIMED_OUT
        assert timed_out.error == ErrorObject("Callback timed out", "Callback.Timeout")

    def test_heartbeats_put_the_heartbeat_timeout_off(self):
        """Silence counts from the last heartbeat, not from the start."""
        invocation = begin(service := MemoryExecution())
        start = update("CALLBACK", "START", "c", timeout_seconds=100, heartbeat_timeout_seconds=10)
        callback = invocation.send(start)["c"].callback_id or ""
        service.advance(8)
        service.heartbeat_callback(callback)
        assert not service.advance(8)
        assert service.advance()
        error = service.operations["c"].error
        assert error == ErrorObject("Callback timed out on heartbeat", "Callback.Heartbeat")

    @pytest.mark.parametrize("text", ["", "x", "bm8=", "WzEsMl0="])
    def test_what_is_no_callback_id_is_refused(self, text):
        """Any other text is refused as such."""
        with pytest.raises(Exception, match="Invalid callback id"):
            MemoryExecution().complete_callback(text)


class TestPages:
    def test_an_event_has_one_page_and_the_rest_is_fetched(self):
        """Every operation is on exactly one page, in the order of creation."""
        begin(service := MemoryExecution(page_size=10)).send(*[step_done(str(n)) for n in range(95)])
        invocation = begin(service)
        ids = list(invocation.operations)
        marker = invocation.event["InitialExecutionState"]["NextMarker"]
        while marker:
            page = service.get_execution_state(service.arn, invocation.token or "", marker, 30)
            ids += [operation.id for operation in page.operations]
            marker = page.next_marker
        assert ids[1:] == [str(n) for n in range(95)]

    def test_a_page_is_bounded_by_bytes_too(self):
        """Large results make smaller pages, and a page has at least one operation."""
        begin(service := MemoryExecution()).send(*[step_done(str(n), "x" * 5_000_000) for n in range(3)])
        assert list(begin(service).operations)[1:] == []
        page = service.get_execution_state(service.arn, begin(service).token or "", "1")
        assert [operation.id for operation in page.operations] == ["0"]

    def test_a_marker_of_ones_own_is_refused(self):
        """A marker that no answer has named is a permanent error."""
        invocation = begin(service := MemoryExecution())
        with pytest.raises(GetExecutionStateError, match="Invalid marker"):
            service.get_execution_state(service.arn, invocation.token or "", "nowhere")


class TestInvokes:
    def test_any_function_can_be_invoked_unless_they_are_named(self):
        """It waits for the outcome that it is given; of a function that is not there it fails at once."""
        for functions, status in ((None, "STARTED"), (["shop"], "STARTED"), ([], "FAILED")):
            service = MemoryExecution(functions=functions)
            begin(service).send(update("CHAINED_INVOKE", "START", "i", function_name="shop"))
            assert service.operations["i"].status.value == status
            if status == "STARTED":
                service.complete_invoke("i", "7")
                assert service.operations["i"].result == "7"
