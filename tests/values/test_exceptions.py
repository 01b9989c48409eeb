"""The exceptions beside AWS's: the same tree, the same signatures, the same names on the wire."""

import enum
import inspect
import itertools
from typing import Any

import aws_durable_execution_sdk_python.exceptions as official
import pytest
from aws_durable_execution_sdk_python.lambda_service import ErrorObject as OfficialErrorObject

from durably.actors.model import ErrorObject
from durably.workflows import exceptions
from durably.workflows.concurrency.models import BatchCompletionError
from durably.workflows.error_names import error_class_for, error_type_of
from durably.workflows.errors import error_from_wire, error_object_from, error_to_wire, operation_error_from
from durably.workflows.exceptions import (
    CallbackError,
    ChildContextError,
    DeadlockError,
    DurableOperationError,
    InvokeError,
    SerDesError,
    StepError,
    TerminationReason,
)

NAMES = [
    name
    for name, value in vars(official).items()
    if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == official.__name__
]


def public_bases(cls: type) -> set[str]:
    return {base.__name__ for base in cls.__mro__ if not base.__name__.startswith("_")}


@pytest.mark.parametrize("name", NAMES)
def test_an_exception_stands_where_it_stands_there(name: str) -> None:
    """Every official exception exists, below the same bases, with the same constructor."""
    ours, theirs = getattr(exceptions, name), getattr(official, name)
    assert public_bases(ours) == public_bases(theirs)
    signatures = [
        [
            (each.name, getattr(each.default, "value", each.default))
            for each in inspect.signature(cls.__init__).parameters.values()
        ]
        for cls in (ours, theirs)
    ]
    assert signatures[0] == signatures[1]


@pytest.mark.parametrize("name", ["TerminationReason", "DurableApiErrorCategory", "CheckpointErrorCategory"])
def test_enumerations_have_the_same_members(name: str) -> None:
    """Names and values are those of the official SDK."""
    ours: type[enum.Enum] = getattr(exceptions, name)
    assert {each.name: each.value for each in ours} == {
        each.name: each.value for each in getattr(official, name)
    }


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda m: m.ExecutionError("x"), "EXECUTION_ERROR"),
        (lambda m: m.InvocationError("x"), "INVOCATION_ERROR"),
        (lambda m: m.NonDeterministicExecutionError("x", "id"), "NON_DETERMINISTIC_EXECUTION"),
        (lambda m: m.StepInterruptedError("x", "id"), "STEP_INTERRUPTED"),
        (lambda m: m.RetryableSerDesError("x"), "SERIALIZATION_ERROR"),
        (lambda m: m.CheckpointError("x"), "CHECKPOINT_FAILED"),
        (lambda m: m.GetExecutionStateError("x"), "INVOCATION_ERROR"),
    ],
)
def test_an_unrecoverable_error_says_why(make: Any, reason: str) -> None:
    """Its termination reason, message and attributes are the official ones."""
    ours, theirs = make(exceptions), make(official)
    assert ours.termination_reason is TerminationReason[reason]
    assert theirs.termination_reason.value == reason
    assert str(ours) == str(theirs)
    assert sorted(vars(ours)) == sorted(vars(theirs))


RESPONSES = [
    {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    for code, message, status in itertools.product(
        ["InvalidParameterValueException", "KMSNotFoundException", "Other", None],
        ["Invalid checkpoint token: old", "Else", None],
        [200, 400, 403, 408, 409, 429, 499, 500, 502, None],
    )
    if code == "InvalidParameterValueException" or not message or message == "Else"  # the rest: the next test
] + [
    {},
    {"Error": None},
    {"ResponseMetadata": {"HTTPStatusCode": 400}},
    {"Error": {}, "ResponseMetadata": {}},
]


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_an_api_error_is_classified_as_there(response: dict[str, Any]) -> None:
    """Whatever a response says, both SDKs end the same: this invocation, or the execution."""
    error = Exception("boom")
    error.response = response  # type: ignore[attr-defined]  # as botocore's ClientError has it
    ours, theirs = (
        exceptions.CheckpointError.from_exception(error),
        official.CheckpointError.from_exception(error),
    )
    assert ours.is_retryable() is ours.is_retriable() is theirs.is_retryable()
    assert ours.error_category.value == theirs.error_category.value
    assert ours.build_logger_extras() == theirs.build_logger_extras()
    assert str(ours) == str(theirs) == "boom"


@pytest.mark.parametrize(
    "message", ["Invalid checkpoint token", "INVALID CHECKPOINT TOKEN", "invalid Checkpoint Token: x"]
)
@pytest.mark.parametrize("code", ["InvalidParameterValueException", "400", None])
def test_a_stale_token_is_told_by_its_message_in_any_case(message: str, code: str | None) -> None:
    """Emulators over HTTP name no error type, and services differ in their capitals."""
    error = Exception("boom")
    error.response = {  # type: ignore[attr-defined]  # as botocore's ClientError has it
        "Error": {"Code": code, "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 400},
    }
    assert exceptions.CheckpointError.from_exception(error).is_retryable()


class Outer:
    """Holds an exception, whose name is then qualified."""

    class AppError(Exception):
        """A user's own."""


OPERATION_ERRORS = [
    name for name in NAMES if issubclass(getattr(official, name), official.DurableOperationError)
]


@pytest.mark.parametrize("name", [name for name in NAMES if issubclass(getattr(official, name), Exception)])
def test_an_exception_of_ours_goes_by_its_official_name(name: str) -> None:
    """What one SDK records the other recognizes; our own path is read as well."""
    cls = getattr(exceptions, name)
    path = f"aws_durable_execution_sdk_python.exceptions.{name}"
    assert error_type_of(cls) == path
    assert error_class_for(path) is cls
    assert error_class_for(f"durably.workflows.exceptions.{name}") is cls


def test_other_exceptions_go_by_their_dotted_path() -> None:
    """Builtins are bare, classes of the user's are module and qualified name, ours alone keep our path."""
    assert error_type_of(ValueError("x")) == "ValueError"
    assert error_type_of(Outer.AppError()) == f"{__name__}.Outer.AppError"
    assert error_type_of(DeadlockError("x")) == "durably.workflows.exceptions.DeadlockError"
    assert error_type_of(BatchCompletionError()) == (
        "aws_durable_execution_sdk_python.concurrency.models.BatchCompletionError"
    )
    assert error_class_for("ValueError") is error_class_for("") is error_class_for(None) is None


class OwnStepError(StepError):
    pass


class OwnSerDesError(SerDesError):
    pass


@pytest.mark.parametrize(
    ("error", "recorded"),
    [
        (ValueError("no"), ErrorObject("no", "ValueError")),
        (KeyError("k"), ErrorObject("'k'", "KeyError")),
        (ValueError(), ErrorObject("", "ValueError")),
        (
            StepError("m", "ValueError", "d", ["s"]),
            ErrorObject("m", "aws_durable_execution_sdk_python.exceptions.StepError", "d", ("s",)),
        ),
        (InvokeError(), ErrorObject(None, "aws_durable_execution_sdk_python.exceptions.InvokeError")),
        (OwnStepError("m"), ErrorObject("m", f"{__name__}.OwnStepError")),
        (
            OwnSerDesError("m", data="d"),
            ErrorObject("m", "aws_durable_execution_sdk_python.exceptions.SerDesError", "d"),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_is_recorded_by_type_and_message(error: Exception, recorded: ErrorObject) -> None:
    """A user's exception carries neither data nor stack; an operation's keeps its own."""
    assert error_object_from(error) == recorded


def test_an_exception_whose_text_fails_is_recorded_all_the_same() -> None:
    """A broken `__str__` does not hide that something failed."""

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    message = error_object_from(BrokenError()).message
    assert message is not None
    assert "Broken" in message


RECORDED = [
    ErrorObject("m", kind, "d", ("s",))
    for kind in ["ValueError", "app.E", None, *(f"{official.__name__}.{name}" for name in OPERATION_ERRORS)]
] + [ErrorObject(), ErrorObject("m", f"{official.__name__}.SerDesError", "d")]


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda value: str(value.type))
@pytest.mark.parametrize("kind", ["StepError", "ChildContextError", "CallbackTimeoutError"])
def test_an_error_is_rebuilt_as_there(recorded: ErrorObject, kind: str) -> None:
    """Class, fields and cause are those that the official SDK rebuilds from the same record."""
    ours = operation_error_from(getattr(exceptions, kind), recorded)
    with pytest.raises((official.DurableOperationError, official.SerDesError)) as raised:
        OfficialErrorObject.from_dict(error_to_wire(recorded)).raise_as_operation_error(
            getattr(official, kind)
        )
    for mine, theirs in ((ours, raised.value), (ours.__cause__, raised.value.__cause__)):
        assert type(mine).__name__ == type(theirs).__name__
        assert vars(mine) == vars(theirs)
        assert str(mine) == str(theirs)


def test_without_a_record_the_error_says_so() -> None:
    """A failed operation that recorded no error still raises its class."""
    error = operation_error_from(CallbackError, None)
    assert type(error) is CallbackError
    assert error.message == "Unknown error. No ErrorObject exists on the Checkpoint Operation."


def test_an_error_survives_the_wire() -> None:
    """What is None is absent there, and None again here."""
    for error in RECORDED:
        assert error_from_wire(error_to_wire(error)) == error
    assert error_to_wire(ErrorObject()) == {}


def test_a_batch_completion_error_is_rebuilt_with_its_reason() -> None:
    """Its constructor differs, and still takes the recorded fields."""
    recorded = error_object_from(BatchCompletionError())
    cause = operation_error_from(ChildContextError, recorded).__cause__
    assert isinstance(cause, BatchCompletionError)
    assert isinstance(cause, DurableOperationError)
    assert cause.message == recorded.message
    assert cause.completion_reason.value == "CUSTOM_COMPLETION_FAILED"
