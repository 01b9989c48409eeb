"""The client over boto3: what it sends, and what it makes of every kind of answer.

Beside botocore's Stubber, which checks requests against the service's model, a real HTTP server on the
loopback interface answers a real boto3 client.
"""

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from durably.actors.model import (
    CheckpointResponse,
    OperationAction,
    OperationType,
    OperationUpdate,
    StatePage,
)
from durably.workflows.exceptions import BotoClientError, CheckpointError, GetExecutionStateError
from durably.workflows.lambda_service import LambdaClient

UPDATE = OperationUpdate("a1", OperationType.STEP, OperationAction.SUCCEED, "Step", "n", payload='{"x":1}')
WIRE = {"Id": "a1", "Type": "STEP", "Action": "SUCCEED", "SubType": "Step", "Name": "n", "Payload": '{"x":1}'}


def boto_client(endpoint: str, **settings: Any) -> Any:
    return boto3.client(
        "lambda",
        region_name="us-east-1",
        endpoint_url=endpoint,
        aws_access_key_id="id",
        aws_secret_access_key="key",
        config=Config(retries={"total_max_attempts": 1}, **settings),
    )


@pytest.fixture
def stubbed() -> Iterator[tuple[LambdaClient, Stubber]]:
    client = boto_client("http://127.0.0.1:9")
    with Stubber(client) as stubber:
        yield LambdaClient(client), stubber
        stubber.assert_no_pending_responses()


def test_a_checkpoint_is_a_valid_request_and_its_answer_is_read(
    stubbed: tuple[LambdaClient, Stubber],
) -> None:
    """Updates go out as the service's model wants them; the next token comes back."""
    client, stubber = stubbed
    stubber.add_response(
        "checkpoint_durable_execution",
        {"CheckpointToken": "t2", "NewExecutionState": {"Operations": [], "NextMarker": "m"}},
        {"DurableExecutionArn": "arn", "CheckpointToken": "t1", "Updates": [WIRE]},
    )
    assert client.checkpoint("arn", "t1", [UPDATE]) == CheckpointResponse("t2", (), "m")


def test_a_client_token_is_sent_along(stubbed: tuple[LambdaClient, Stubber]) -> None:
    """Whoever repeats a call says by it that it is the same call; the arguments have their official names."""
    client, stubber = stubbed
    stubber.add_response(
        "checkpoint_durable_execution",
        {"CheckpointToken": "t2", "NewExecutionState": {}},
        {"DurableExecutionArn": "arn", "CheckpointToken": "t1", "Updates": [], "ClientToken": "once"},
    )
    response = client.checkpoint(
        durable_execution_arn="arn", checkpoint_token="t1", updates=[], client_token="once"
    )
    assert response == CheckpointResponse("t2")


def test_an_answer_without_a_token_withdraws_it(stubbed: tuple[LambdaClient, Stubber]) -> None:
    """No token in the answer is a token of None."""
    client, stubber = stubbed
    stubber.add_response("checkpoint_durable_execution", {"NewExecutionState": {}})
    assert client.checkpoint("arn", "t1", []) == CheckpointResponse(None)


def test_state_is_read_by_pages(stubbed: tuple[LambdaClient, Stubber]) -> None:
    """Marker, page size and token are sent."""
    client, stubber = stubbed
    stubber.add_response(
        "get_durable_execution_state",
        {"Operations": [], "NextMarker": "m2"},
        {"DurableExecutionArn": "arn", "CheckpointToken": "t", "Marker": "m1", "MaxItems": 1000},
    )
    assert client.get_execution_state("arn", "t", "m1") == StatePage((), "m2")


ERRORS = [
    ("InvalidParameterValueException", "Invalid checkpoint token", 400, True),
    ("InvalidParameterValueException", "Invalid Checkpoint Token: expired", 400, True),
    ("400", "invalid checkpoint token", 400, True),
    ("InvalidParameterValueException", "Not an Invalid checkpoint token", 400, False),
    ("InvalidParameterValueException", "Cannot checkpoint multiple operations with the same ID.", 400, False),
    ("ResourceNotFoundException", "gone", 404, False),
    ("RequestTimeout", "slow", 408, False),
    ("Conflict", "other", 409, False),
    ("TooManyRequestsException", "slow down", 429, True),
    ("ServiceException", "oops", 500, True),
    ("Whatever", "oops", 503, True),
    ("KMSAccessDeniedException", "no key", 502, False),
    ("KMSDisabledException", "no key", 502, False),
    ("KMSInvalidStateException", "no key", 502, False),
    ("KMSNotFoundException", "no key", 502, False),
]


@pytest.mark.parametrize(("code", "message", "status", "retryable"), ERRORS)
def test_a_refusal_ends_the_invocation_or_the_execution(
    stubbed: tuple[LambdaClient, Stubber], code: str, message: str, status: int, retryable: bool
) -> None:
    """Stale tokens, throttling and the service's own failures may pass; all else fails the execution."""
    client, stubber = stubbed
    stubber.add_client_error("checkpoint_durable_execution", code, message, status)
    stubber.add_client_error("get_durable_execution_state", code, message, status)
    with pytest.raises(CheckpointError, match=message) as checkpoint:
        client.checkpoint("arn", "t", [])
    with pytest.raises(GetExecutionStateError, match=message) as state:
        client.get_execution_state("arn", "t", "m")
    assert checkpoint.value.is_retryable() is state.value.is_retryable() is retryable
    extras = checkpoint.value.build_logger_extras()
    assert extras["Error"]["Code"] == code
    assert extras["ResponseMetadata"]["HTTPStatusCode"] == status


def test_a_request_that_the_model_forbids_fails_the_execution() -> None:
    """What botocore refuses to send would be refused in every invocation."""
    soon: Any = "soon"
    broken = OperationUpdate("a1", OperationType.WAIT, OperationAction.START, wait_seconds=soon)
    with pytest.raises(CheckpointError, match="WaitSeconds") as raised:
        LambdaClient(boto_client("http://127.0.0.1:9")).checkpoint("arn", "t", [broken])
    assert not raised.value.is_retryable()


def test_without_a_token_nothing_is_sent(stubbed: tuple[LambdaClient, Stubber]) -> None:
    """The error says what is missing."""
    client, _ = stubbed
    with pytest.raises(CheckpointError, match="without a checkpoint token") as raised:
        client.checkpoint("arn", "", [])
    assert raised.value.is_retryable()
    with pytest.raises(GetExecutionStateError, match="without a checkpoint token"):
        client.get_execution_state("arn", "", "m")


class Service(HTTPServer):
    """Keeps requests; answers with `answer`, a status and a body, or hangs up if that is None."""

    answer: tuple[int, dict[str, Any]] | None = (200, {})

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, str, dict[str, Any] | None, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.requests.append((self.command, self.path, body, dict(self.headers)))
        if self.server.answer is None:
            self.close_connection = True
            return
        status, answer = self.server.answer
        payload = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST  # noqa: N815  # the name that http.server calls

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def online(service: Service) -> Iterator[LambdaClient]:
    client = boto_client(service.url)
    yield LambdaClient(client)
    client.close()


def test_a_checkpoint_over_http_has_the_documented_form(service: Service, online: LambdaClient) -> None:
    """Path, body and answer are those of the API; operations come back with their times."""
    service.answer = (
        200,
        {
            "CheckpointToken": "t2",
            "NewExecutionState": {
                "Operations": [
                    {"Id": "a1", "Type": "STEP", "Status": "SUCCEEDED", "StartTimestamp": 1704196800.5}
                ]
            },
        },
    )
    answer = online.checkpoint("arn:1/x", "t1", [UPDATE])
    ((method, path, body, _),) = service.requests
    assert (method, unquote(path)) == ("POST", "/2025-12-01/durable-executions/arn:1/x/checkpoint")
    assert body is not None
    assert body.pop("ClientToken")
    assert body == {"CheckpointToken": "t1", "Updates": [WIRE]}
    assert answer.token == "t2"
    (operation,) = answer.operations
    assert operation.started_at is not None
    assert operation.started_at.timestamp() == 1704196800.5


def test_state_over_http_has_the_documented_form(service: Service, online: LambdaClient) -> None:
    """Everything but the execution stands in the query."""
    service.answer = 200, {"Operations": [], "NextMarker": "m2"}
    assert online.get_execution_state("arn", "t", "m1", 7) == StatePage((), "m2")
    ((method, path, _, _),) = service.requests
    parts = urlsplit(path)
    assert (method, parts.path) == ("GET", "/2025-12-01/durable-executions/arn/state")
    assert parse_qs(parts.query) == {"CheckpointToken": ["t"], "Marker": ["m1"], "MaxItems": ["7"]}


@pytest.mark.parametrize(
    ("status", "body", "retryable"),
    [
        (400, {"Type": "User", "message": "Invalid checkpoint token"}, True),
        (400, {"Type": "User", "Message": "Invalid Checkpoint Token"}, True),
        (400, {"Type": "User", "message": "Invalid parent operation id."}, False),
        (429, {"Type": "User", "message": "slow down"}, True),
        (500, {}, True),
        (
            200,
            {"NewExecutionState": {"Operations": [{"Id": "a1", "Type": "NEW", "Status": "STARTED"}]}},
            True,
        ),
    ],
)
def test_an_error_over_http_is_told_by_status_and_message(
    service: Service, online: LambdaClient, status: int, body: dict[str, Any], retryable: bool
) -> None:
    """An emulator names no error type, so a stale token is known by its message alone."""
    service.answer = status, body
    with pytest.raises(CheckpointError) as raised:
        online.checkpoint("arn", "t", [])
    assert raised.value.is_retryable() is retryable


def test_a_connection_that_is_cut_ends_this_invocation_only(service: Service, online: LambdaClient) -> None:
    """The answer was lost, and whether the updates were applied is for the next invocation to see."""
    service.answer = None
    with pytest.raises(BotoClientError) as raised:
        online.checkpoint("arn", "t", [UPDATE])
    assert raised.value.is_retryable()
    assert raised.value.build_logger_extras() == {}
    assert raised.value.__cause__ is not None


def test_an_answer_that_does_not_come_ends_this_invocation_only() -> None:
    """A server that accepts and stays silent is a timeout, and another invocation may succeed."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = boto_client(f"http://127.0.0.1:{silent.getsockname()[1]}", read_timeout=0.05)
        with pytest.raises(CheckpointError, match=r"(?i)timeout") as raised:
            LambdaClient(client).checkpoint("arn", "t", [])
        client.close()
    assert raised.value.is_retryable()


def test_the_processes_client_is_made_once_with_bounded_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits 5 s to connect and 50 s for an answer, names this library, and is shared."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(LambdaClient, "_cached_boto_client", None)
    first, second = LambdaClient.initialize_client(), LambdaClient.initialize_client()
    config = first.client.meta.config
    first.client.close()
    assert first.client is second.client
    assert (config.connect_timeout, config.read_timeout) == (5, 50)
    assert config.user_agent_extra.startswith("durably/")
