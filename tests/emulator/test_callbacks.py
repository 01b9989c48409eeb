"""Callbacks on AWS's emulator, completed from outside through boto3."""

import pytest
from botocore.exceptions import ClientError


def test_an_answer(real):
    """The payload is what the handler gets, as text."""
    execution = real.start("asks", {})
    callback = execution.callback("question")
    execution.suspended()
    real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b'{"ok": true}')
    assert execution.result() == {"answer": '{"ok": true}'}


def test_an_answer_with_a_serdes(real):
    """With a serdes the payload is decoded."""
    execution = real.start("asks", {"json": True})
    callback = execution.callback()
    real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b'{"ok": true}')
    assert execution.result() == {"answer": {"ok": True}}


def test_an_answer_without_a_payload(real):
    """A success may bring nothing."""
    execution = real.start("asks", {})
    real.client.send_durable_execution_callback_success(CallbackId=execution.callback())
    assert execution.result()["answer"] in (None, "")


def test_a_failure(real):
    """The message comes through; the outsider's error type does not."""
    execution = real.start("asks", {})
    error = {"ErrorMessage": "rejected", "ErrorType": "Rejection", "ErrorData": "d"}
    real.client.send_durable_execution_callback_failure(CallbackId=execution.callback(), Error=error)
    result = execution.result()
    assert (result["error"], result["message"]) == ("CallbackExternalError", "rejected")


def test_no_answer_in_time(real):
    """A callback that nobody completes times out."""
    result = real.start("asks", {"timeout": 1}).result()
    assert result["error"] == "CallbackTimeoutError"


def test_no_sign_of_life(real):
    """Without a heartbeat in time the callback times out, long before its timeout."""
    execution = real.start("asks", {"timeout": 600, "heartbeat": 1})
    assert execution.result()["error"] == "CallbackTimeoutError"


def test_a_sign_of_life(real):
    """A heartbeat is accepted, and an answer after it counts."""
    execution = real.start("asks", {"heartbeat": 30})
    callback = execution.callback()
    real.client.send_durable_execution_callback_heartbeat(CallbackId=callback)
    real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"here")
    assert execution.result() == {"answer": "here"}


def test_a_callback_is_completed_once(real):
    """A second answer is refused, and changes nothing."""
    execution = real.start("asks", {})
    callback = execution.callback()
    real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"first")
    with pytest.raises(ClientError):
        real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"second")
    assert execution.result() == {"answer": "first"}


def test_wait_for_callback(real):
    """The submitter is a step of its own; the answer comes through."""
    execution = real.start("submits", {})
    callback = execution.callback()
    execution.suspended()
    real.client.send_durable_execution_callback_success(CallbackId=callback, Result=b"granted")
    assert execution.result() == {"answer": "granted"}
    names = {event.get("Name") for event in execution.history()}
    assert {"approval", "approval create callback id", "approval submitter"} <= names


def test_wait_for_callback_that_is_refused(real):
    """A failure from outside surfaces as itself."""
    execution = real.start("submits", {})
    error = {"ErrorMessage": "no budget"}
    real.client.send_durable_execution_callback_failure(CallbackId=execution.callback(), Error=error)
    assert execution.result() == {"error": "CallbackExternalError", "message": "no budget"}


@pytest.mark.parametrize("limit", ["timeout", "heartbeat"])
def test_wait_for_callback_that_times_out(real, limit):
    """Both timeouts surface as CallbackTimeoutError."""
    assert real.start("submits", {limit: 1}).result()["error"] == "CallbackTimeoutError"


def test_a_submitter_that_fails(real):
    """A submitter is retried by its own strategy; its last error ends the operation."""
    execution = real.start("submits-in-vain")
    error = execution.error()
    assert error["ErrorType"].endswith("CallbackSubmitterError")
    assert "not sent" in error["ErrorMessage"]
    assert execution.events().count("StepStarted approval submitter") == 2
