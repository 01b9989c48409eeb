"""`DurableFunctionCloudTestRunner`: against AWS's emulator, and a stub of what AWS may answer."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from durably.workflows.lambda_service import ErrorObject, InvocationStatus, OperationStatus
from durably.workflows.testing import (
    DurableFunctionCloudTestRunner,
    DurableFunctionsTestError,
    DurableFunctionTestRunner,
    ExecutionStatus,
)
from tests.testing import workflows
from tests.testing.twins import told


@pytest.fixture(scope="module")
def lambda_api() -> Iterator[str]:
    """Where the Lambda API is: the emulator, and our functions, as processes of their own."""
    pytest.importorskip("aws_durable_execution_sdk_python_testing")
    from tests.emulator.world import World
    from tests.testing.lambda_api import LambdaApi

    invocable = {"echo": {"DurableConfig": {}}, "fails": {"DurableConfig": {}}}
    world = World([workflows.__name__], skip_time=True, functions=invocable)
    api = LambdaApi(world.url, workflows.FUNCTIONS)
    yield api.url
    api.close()
    world.close()


@pytest.fixture
def deployed(lambda_api):
    """Makes a runner of a deployed function."""
    runners = []

    def make(function: str) -> DurableFunctionCloudTestRunner:
        runners.append(
            DurableFunctionCloudTestRunner(function, lambda_endpoint=lambda_api, poll_interval=0.01)
        )
        return runners[-1]

    yield make
    for runner in runners:
        runner.close()


class TestADeployedFunction:
    @pytest.mark.parametrize(
        ("function", "input"),
        [
            ("echo", '{"a": [1, null]}'),
            ("echo", "plain text"),
            ("echo", None),
            ("orders", "12"),
            ("retries", "3"),
            ("retries", "4"),
            ("maps", "[1, -2, 3]"),
            ("in-parallel", None),
            ("fails", None),
            ("polls", "3"),
            ("invokes", '{"function": "echo", "payload": {"a": 1}}'),
            ("invokes", '{"function": "fails"}'),
        ],
    )
    def test_has_the_result_that_it_has_in_process(self, deployed, function, input):
        """The same test may run against both: every operation is what the local runner reports."""
        there = told(deployed(function).run(input, timeout=30))
        with DurableFunctionTestRunner(workflows.FUNCTIONS[function]) as runner:
            runner.register_durable_function("echo", workflows.echo)
            runner.register_durable_function("fails", workflows.fails)
            here = told(runner.run(input))
        assert there == here

    def test_asks_the_test(self, deployed):
        """A callback is found by its name, kept alive, and answered."""
        runner = deployed("asks")
        arn = runner.run_async({"questions": ["colour", "size"], "heartbeat": 60})
        colour = runner.wait_for_callback(arn, name="colour", timeout=30)
        runner.send_callback_heartbeat(colour)
        runner.send_callback_success(colour, b"red")
        runner.send_callback_failure(runner.wait_for_callback(arn, timeout=30), ErrorObject("none", "NoSize"))
        result = runner.wait_for_result(arn, timeout=30)
        assert json.loads(result.result) == ["red", ["CallbackExternalError", "none"]]
        assert result.get_callback("colour").callback_id == colour

    def test_asks_by_wait_for_callback(self, deployed):
        """The operation's own name will do."""
        runner = deployed("approves")
        arn = runner.run_async({"days": 7})
        runner.send_callback_success(runner.wait_for_callback(arn, name="approval", timeout=30), b"yes")
        assert runner.wait_for_result(arn, timeout=30).result == '"yes"'

    def test_has_a_history(self, deployed):
        """With payloads if they are asked for."""
        runner = deployed("orders")
        arn = runner.run_async("1")
        runner.wait_for_result(arn, timeout=30)
        events = runner.get_execution_history(arn, include_execution_data=True).events
        charged = next(event for event in events if event.event_type == "StepSucceeded")
        assert charged.step_succeeded_details.result.payload == '"receipt for 1"'

    def test_that_goes_on_is_not_waited_for_longer_than_the_test_likes(self, deployed):
        """Neither its end nor a callback that there is not."""
        runner = deployed("asks")
        arn = runner.run_async({"questions": ["colour"]})
        with pytest.raises(TimeoutError, match=r"within 0 s \(last status: RUNNING\)"):
            runner.wait_for_result(arn, timeout=0)
        with pytest.raises(TimeoutError, match="'size' did not become available within 0 s"):
            runner.wait_for_callback(arn, name="size", timeout=0)
        runner.send_callback_success(runner.wait_for_callback(arn, timeout=30))
        runner.wait_for_result(arn, timeout=30)
        with pytest.raises(DurableFunctionsTestError, match="'colour' does not wait"):
            runner.wait_for_callback(arn, name="colour")

    def test_that_there_is_not_cannot_be_invoked(self, deployed):
        """The error names the function."""
        with pytest.raises(DurableFunctionsTestError, match="Failed to invoke Lambda function nobody"):
            deployed("nobody").run()

    def test_does_not_take_an_answer_to_nobody(self, deployed):
        """An unknown callback is an error of the test."""
        runner = deployed("asks")
        for send in (
            runner.send_callback_success,
            runner.send_callback_failure,
            runner.send_callback_heartbeat,
        ):
            with pytest.raises(DurableFunctionsTestError, match="Failed to send callback"):
                send("bm9ib2R5")


ARN = "arn:aws:lambda:us-west-2:123456789012:function:f:1/durable-execution/x/y"
AT = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def stubbed():
    """A runner whose boto3 client answers what the test says."""
    with (
        DurableFunctionCloudTestRunner("f", poll_interval=0) as runner,
        Stubber(runner.lambda_client) as stub,
    ):
        yield runner, stub
        stub.assert_no_pending_responses()


def payload(text: bytes = b"") -> StreamingBody:
    return StreamingBody(io.BytesIO(text), len(text))


def description(status: str, **more: object) -> dict[str, object]:
    return {
        "DurableExecutionArn": ARN,
        "DurableExecutionName": "x",
        "FunctionArn": "arn:aws:lambda:us-west-2:123456789012:function:f",
        "StartTimestamp": AT,
        "Status": status,
        **more,
    }


class TestWhatAwsMayAnswer:
    def test_an_execution_is_not_known_at_once(self, stubbed):
        """Soon after an asynchronous invocation the service may not find it: it is asked again."""
        runner, stub = stubbed
        stub.add_client_error("get_durable_execution", "ResourceNotFoundException", http_status_code=404)
        stub.add_response("get_durable_execution", description("SUCCEEDED", Result="1"))
        stub.add_response("get_durable_execution_history", {"Events": []})
        assert runner.wait_for_result(ARN).result == "1"

    def test_a_history_comes_in_pages(self, stubbed):
        """All of them are fetched, and an operation may begin on one and end on the next."""
        runner, stub = stubbed
        started = {"EventType": "WaitStarted", "EventId": 1, "Id": "w", "Name": "w", "EventTimestamp": AT}
        started["WaitStartedDetails"] = {"Duration": 1, "ScheduledEndTimestamp": AT}
        ended = {"EventType": "WaitSucceeded", "EventId": 2, "Id": "w", "EventTimestamp": AT}
        ended["WaitSucceededDetails"] = {"Duration": 1}
        asked = {"DurableExecutionArn": ARN, "IncludeExecutionData": True}
        stub.add_response("get_durable_execution", description("SUCCEEDED"))
        stub.add_response("get_durable_execution_history", {"Events": [started], "NextMarker": "2"}, asked)
        stub.add_response("get_durable_execution_history", {"Events": [ended]}, {**asked, "Marker": "2"})
        assert runner.wait_for_result(ARN).get_wait("w").status is OperationStatus.SUCCEEDED

    @pytest.mark.parametrize("end", ["FAILED", "TIMED_OUT", "STOPPED"])
    def test_every_bad_end_is_failed(self, stubbed, end):
        """Which one it was says `execution_status`."""
        runner, stub = stubbed
        stub.add_response("get_durable_execution", description(end, Error={"ErrorMessage": "no"}))
        stub.add_response("get_durable_execution_history", {"Events": []})
        result = runner.wait_for_result(ARN)
        assert (result.status, result.execution_status) == (InvocationStatus.FAILED, ExecutionStatus[end])
        assert result.error.message == "no"

    def test_a_function_that_is_not_durable_has_no_execution(self, stubbed):
        """The error says what it answered instead."""
        runner, stub = stubbed
        answer = {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": payload(b'{"errorType": "E"}')}
        stub.add_response("invoke", answer)
        with pytest.raises(
            DurableFunctionsTestError, match=r'is it durable.*It answered \{"errorType": "E"\}'
        ):
            runner.run()

    def test_an_invocation_that_was_not_accepted_is_an_error(self, stubbed):
        """Whatever it was, its status is named."""
        runner, stub = stubbed
        stub.add_response("invoke", {"StatusCode": 202, "Payload": payload(b"later")})
        with pytest.raises(DurableFunctionsTestError, match="failed with status 202: later"):
            runner.run()

    def test_a_refusal_is_an_error_of_the_test(self, stubbed):
        """What AWS said is in it, and is its cause."""
        runner, stub = stubbed
        stub.add_client_error("get_durable_execution", "AccessDeniedException", "no", http_status_code=403)
        with pytest.raises(
            DurableFunctionsTestError, match=r"get execution status \(f\).*AccessDenied"
        ) as raised:
            runner.wait_for_result(ARN)
        assert type(raised.value.__cause__).__name__ == "ClientError"

    def test_a_history_of_nothing_is_an_error(self, stubbed):
        """If it is asked for by itself, there must be an execution."""
        runner, stub = stubbed
        stub.add_client_error(
            "get_durable_execution_history", "ResourceNotFoundException", http_status_code=404
        )
        with pytest.raises(DurableFunctionsTestError, match="no execution"):
            runner.get_execution_history(ARN)
