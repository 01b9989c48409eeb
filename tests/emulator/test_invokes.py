"""One function invokes another on AWS's emulator."""

import pytest


@pytest.mark.parametrize("function", ["plain-echo", "durable-echo"])
def test_a_function_is_invoked(skipping, function):
    """Payload and result are JSON, whether the function is durable or not."""
    payload = {"nested": {"items": [1, 2, None]}}
    execution = skipping.start("invokes", {"function": function, "payload": payload})
    assert execution.result() == {"result": payload}
    assert {"ChainedInvokeStarted call", "ChainedInvokeSucceeded call"} <= set(execution.events())


@pytest.mark.parametrize(("function", "message"), [("plain-fails", "plainly"), ("durable-fails", "durably")])
def test_a_function_that_fails(skipping, function, message):
    """Its error is an InvokeError with its message and type."""
    result = skipping.start("invokes", {"function": function}).result()
    assert result == {"error": "InvokeError", "message": message, "type": "ValueError"}


def test_a_function_that_does_not_exist(skipping):
    """The service fails the operation in its answer to the checkpoint, and nothing suspends."""
    execution = skipping.start("invokes", {"function": "nobody"})
    result = execution.result()
    assert (result["error"], result["type"]) == ("InvokeError", "ResourceNotFoundException")


def test_a_function_that_takes_too_long(real):
    """An invoked execution that times out is an InvokeError too."""
    result = real.start("invokes", {"function": "durable-sleeps"}).result()
    assert result["error"] == "InvokeError"
    assert "timed out" in result["message"].lower()


def test_a_function_that_is_stopped(real):
    """An invoked execution that is stopped from outside is an InvokeError too."""
    execution = real.start("invokes", {"function": "durable-asks"})
    (arn,) = execution.happened(
        lambda events: [
            event["ChainedInvokeStartedDetails"]["DurableExecutionArn"]
            for event in events
            if event.get("ChainedInvokeStartedDetails", {}).get("DurableExecutionArn")
        ]
    )
    real.client.stop_durable_execution(DurableExecutionArn=arn)
    result = execution.result()
    assert (result["error"], "stopped" in result["message"]) == ("InvokeError", True)


@pytest.mark.parametrize("in_child", [False, True], ids=["at the root", "in a child"])
def test_a_large_payload(skipping, in_child):
    """A megabyte is the service's limit, both ways; just below it is fine, whatever is sent before it."""
    payload = "x" * 1_000_000
    event = {"function": "plain-echo", "payload": payload, "in_child": in_child}
    assert skipping.start("invokes", event).result() == {"result": payload}
