"""Histories: read from JSON or from boto3, and added up to the operations that they tell of."""

from datetime import UTC, datetime

import pytest

from durably.workflows.lambda_service import OperationStatus
from durably.workflows.testing import DurableFunctionTestResult, DurableFunctionTestRunner
from durably.workflows.testing.exceptions import InvalidParameterValueException
from durably.workflows.testing.model import (
    Event,
    EventType,
    GetDurableExecutionHistoryResponse,
    GetDurableExecutionResponse,
    events_to_operations,
)
from tests.testing import workflows
from tests.testing.twins import told

AT = 1_735_689_600.5
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)


def event(kind: str, number: int = 1, id: str | None = "x", **details) -> dict:
    return {"EventType": kind, "EventId": number, "Id": id, "EventTimestamp": AT, f"{kind}Details": details}


def operations(*events: dict) -> list:
    return events_to_operations(Event.from_dict(each) for each in events)


@pytest.mark.parametrize(
    ("function", "input"),
    [
        ("orders", "1"),
        ("retries", "3"),
        ("retries", "4"),
        ("maps", "[1, -2, 3]"),
        ("polls", "3"),
        ("fails", None),
        ("asks", '{"questions": ["colour"], "timeout": 5}'),
        ("invokes", '{"function": "echo"}'),
        ("invokes", '{"function": "nobody"}'),
    ],
)
def test_a_history_adds_up_to_the_operations_of_the_execution(function, input):
    """The result that is made of events is the one that is made of what the service has."""
    with DurableFunctionTestRunner(workflows.FUNCTIONS[function.replace("_", "-")]) as runner:
        runner.register_durable_function("echo", workflows.echo)
        arn = runner.run_async(input)
        result = runner.wait_for_result(arn)
        history = runner.get_execution_history(arn, include_execution_data=True)
    whole = GetDurableExecutionResponse(
        arn, "x", "f", result.execution_status.value, NOON, result=result.result, error=result.error
    )
    assert told(DurableFunctionTestResult.from_execution_history(whole, history)) == told(result)


class TestAnEvent:
    @pytest.mark.parametrize("at", [NOON, NOON.timestamp(), NOON.isoformat()])
    def test_has_its_time_however_it_is_written(self, at):
        """boto3 gives datetimes, JSON has seconds or ISO text."""
        wire = {"EventType": "StepStarted", "EventTimestamp": at}
        assert Event.from_dict(wire).event_timestamp == NOON

    @pytest.mark.parametrize("kind", list(EventType))
    def test_has_its_details_in_the_field_of_its_type(self, kind):
        """Every type of event has one, and `details` is whichever it is."""
        read = Event.from_dict({"EventType": kind.value, "EventTimestamp": AT, f"{kind.value}Details": {}})
        field = f"{kind.name.lower()}_details"
        assert getattr(read, field) == read.details
        assert [name for name, value in vars(read).items() if name.endswith("_details") and value] == [field]

    def test_of_an_unknown_kind_is_refused(self):
        """A service that has learned something new is not misread."""
        with pytest.raises(InvalidParameterValueException, match="Unknown event type: StepDreamt"):
            Event.from_dict({"EventType": "StepDreamt", "EventTimestamp": AT})

    def test_without_a_time_is_refused(self):
        """The error says what is missing from which event."""
        with pytest.raises(InvalidParameterValueException, match="A StepStarted event has no EventTimestamp"):
            Event.from_dict({"EventType": "StepStarted"})


class TestOperations:
    def test_wait_for_their_next_attempt_if_a_delay_is_recorded(self):
        """A failed attempt with a delay is no end; one without is."""
        failed = event(
            "StepFailed", 2, RetryDetails={"CurrentAttempt": 1, "NextAttemptDelaySeconds": 60}, Error={}
        )
        [step] = operations(event("StepStarted"), failed)
        assert (step.status, step.attempt, step.ended_at) == (OperationStatus.PENDING, 1, None)
        assert (step.next_attempt_at - step.started_at).total_seconds() == 60

    def test_have_no_payload_where_it_was_not_asked_for(self):
        """A truncated history has the statuses all the same."""
        [step] = operations(event("StepStarted"), event("StepSucceeded", 2, Result={"Truncated": True}))
        assert (step.status, step.result) == (OperationStatus.SUCCEEDED, None)

    def test_need_an_id(self):
        """An event of nothing is refused by its number."""
        with pytest.raises(InvalidParameterValueException, match=r"Event 7 \(StepStarted\) has no Id"):
            operations(event("StepStarted", 7, id=None))

    def test_are_not_made_of_invocations(self):
        """The end of an invocation belongs to no operation."""
        page = {"Events": [event("InvocationCompleted", id=None)], "NextMarker": "2"}
        history = GetDurableExecutionHistoryResponse.from_dict(page)
        assert events_to_operations(history.events) == []
        assert history.next_marker == "2"
