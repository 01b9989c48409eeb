"""Errors and outputs as objects: what users make of them and of the wire, held against AWS's SDK."""

import dataclasses
from typing import Any

import aws_durable_execution_sdk_python.exceptions as official_exceptions
import aws_durable_execution_sdk_python.lambda_service as official
import pytest

from durably.workflows import exceptions
from durably.workflows.lambda_service import (
    CallbackTimeoutType,
    DurableExecutionInvocationOutput,
    ErrorObject,
    InvocationStatus,
    OperationSubType,
)


class ShopError(Exception):
    """An error of a user's own."""


class TestErrorObject:
    @pytest.mark.parametrize("error", [ValueError("no"), KeyError("k"), ValueError(), ShopError("x", 1)])
    def test_an_exception_is_recorded_as_there(self, error: Exception) -> None:
        """By the name of its class and its text."""
        there = official.ErrorObject.from_exception(error)
        assert ErrorObject.from_exception(error).to_dict() == there.to_dict()

    @pytest.mark.parametrize("name", ["StepError", "SerDesError", "CallbackTimeoutError"])
    def test_an_error_of_the_sdk_keeps_all_its_fields_and_its_official_name(self, name: str) -> None:
        """Either SDK reads what the other has recorded."""
        made = {
            which: getattr(module, name)("m", data="d", stack_trace=["line"])
            for which, module in (("ours", exceptions), ("there", official_exceptions))
        }
        there = official.ErrorObject.from_exception(made["there"]).to_dict()
        assert ErrorObject.from_exception(made["ours"]).to_dict() == there

    def test_a_message_alone_has_no_type(self) -> None:
        """As for an answer to a callback."""
        assert ErrorObject.from_message("denied") == ErrorObject("denied")
        assert ErrorObject.from_message("denied").to_dict() == {"ErrorMessage": "denied"}

    @pytest.mark.parametrize(
        "wire",
        [
            {},
            {"ErrorMessage": "", "ErrorType": "T"},
            {"ErrorMessage": "m", "ErrorType": "T", "ErrorData": "d", "StackTrace": ["a", "b"]},
        ],
    )
    def test_the_wire_comes_back_as_it_was(self, wire: dict[str, Any]) -> None:
        """What is absent stays absent."""
        assert ErrorObject.from_dict(wire).to_dict() == wire == official.ErrorObject.from_dict(wire).to_dict()

    def test_it_is_a_value(self) -> None:
        """It compares by its fields, cannot be changed, and `dataclasses.replace` makes another."""
        error = ErrorObject("m", "T", None, ["line"])
        assert error == ErrorObject("m", "T", None, ("line",))
        assert hash(error) == hash(ErrorObject("m", "T", None, ("line",)))
        assert dataclasses.replace(error, message="n").message == "n"
        with pytest.raises(dataclasses.FrozenInstanceError):
            error.message = "n"  # type: ignore[misc]  # that is the point


class TestInvocationOutput:
    @pytest.mark.parametrize(
        "wire",
        [
            {"Status": "PENDING"},
            {"Status": "SUCCEEDED", "Result": ""},
            {"Status": "FAILED", "Error": {"ErrorMessage": "m"}},
        ],
    )
    def test_what_a_handler_returns_can_be_read_and_written(self, wire: dict[str, Any]) -> None:
        """As there."""
        output = DurableExecutionInvocationOutput.from_dict(wire)
        assert output.to_dict() == wire == official.DurableExecutionInvocationOutput.from_dict(wire).to_dict()

    def test_it_is_made_for_each_ending(self) -> None:
        """Of success, of a retry and of waiting."""
        make = DurableExecutionInvocationOutput
        assert make.create_succeeded("1").to_dict() == {"Status": "SUCCEEDED", "Result": "1"}
        assert make.create_pending().to_dict() == {"Status": "PENDING"}
        assert make.create_retry(ErrorObject("m")) == make(InvocationStatus.RETRY, None, ErrorObject("m"))

    def test_an_unknown_status_is_refused(self) -> None:
        """It is no output at all."""
        with pytest.raises(ValueError, match="None is not a valid InvocationStatus"):
            DurableExecutionInvocationOutput.from_dict({})


class TestEnumerations:
    def test_subtypes_are_members_and_text(self) -> None:
        """They can be listed, made from their text, and compared with what an operation has."""
        assert OperationSubType("Map") is OperationSubType.MAP
        assert {each.value for each in OperationSubType} == {each.value for each in official.OperationSubType}
        assert OperationSubType.MAP == "Map" == f"{OperationSubType.MAP}"

    def test_a_timeout_says_which_it_was(self) -> None:
        """By the type of the recorded error: the callback's own, or its heartbeat's."""
        assert {each.value for each in CallbackTimeoutType} == {"Callback.Timeout", "Callback.Heartbeat"}
