"""The testing tools beside AWS's package: the same names at the same paths, with the same arguments.

What a test of a durable function imports from `aws_durable_execution_sdk_python_testing` stands at the same
path below `durably.workflows.testing`. What is missing, or differs, stands in the two tables below, each with
its reason; where the same call does something else is said in docs/testing.md.
"""

import dataclasses
import enum
import importlib
import inspect
from fnmatch import fnmatchcase
from typing import Any

import pytest

OFFICIAL, OURS = "aws_durable_execution_sdk_python_testing", "durably.workflows.testing"
SDK = "aws_durable_execution_sdk_python"

SURFACE = {
    "": [
        "DurableChildContextTestRunner",
        "DurableFunctionCloudTestRunner",
        "DurableFunctionTestResult",
        "DurableFunctionTestRunner",
    ],
    "runner": [
        "CallbackOperation",
        "ContextOperation",
        "DurableChildContextTestRunner",
        "DurableFunctionCloudTestRunner",
        "DurableFunctionTestResult",
        "DurableFunctionTestRunner",
        "ExecutionOperation",
        "ExecutionStatus",
        "InvokeOperation",
        "Operation",
        "StepOperation",
        "WaitOperation",
    ],
    "execution": ["ExecutionStatus"],
    "exceptions": [
        "AwsApiException",
        "DurableFunctionsLocalRunnerError",
        "DurableFunctionsTestError",
        "InvalidParameterValueException",
        "ResourceNotFoundException",
    ],
    "model": [
        "Event",
        "EventError",
        "EventInput",
        "EventResult",
        "EventType",
        "GetDurableExecutionHistoryResponse",
        "GetDurableExecutionResponse",
        "RetryDetails",
        "events_to_operations",
    ],
}
PAIRS = [(module, name) for module, names in SURFACE.items() for name in names]

MISSING = {
    "WebRunner": "AWS's emulator as a web server; ours is the embedded service",
    "WebRunnerConfig": "as WebRunner",
    "__version__": "durably is one package, and has one version",
    "*TestRunner.pause_execution": "experimental there, and not implemented for the cloud",
    "*TestRunner.resume_execution": "as pause_execution",
    "*Exception.to_dict": "makes the emulator's HTTP responses",
    "*Operation.from_svc_operation": "takes the SDK's own record class; ours are made by operation_tree",
    "Event*.from_d*": "reads the emulator's own classes; of Event itself from_dict is there",
    "*.to_dict": "histories are read here; the service writes them, see LocalExecution.history_json",
    "RetryDetails.from_dict": "a part of an event is read with it",
    "Event.create_*": "is how the emulator makes events",
    "Event.from_event_with_id": "is how the emulator makes events",
    "EventInput.from_start_durable_execution_input": "is how the emulator makes events",
}
"""What there is not, and why not."""

DIFFERENT = {
    "DurableFunctionTestRunner.__init__": "has answers_from_threads besides, by name only",
}
"""What takes other arguments, and why. All that the official one takes is taken."""


def pair(module: str, name: str) -> tuple[Any, Any]:
    pytest.importorskip(OFFICIAL)
    path = f".{module}" if module else ""
    found = [getattr(importlib.import_module(root + path), name) for root in (OURS, OFFICIAL)]
    return found[0], found[1]


def methods(cls: type) -> set[str]:
    """The public methods that Python's own classes have not."""
    own = {name for base in cls.__mro__ if base.__module__ != "builtins" for name in vars(base)}
    return {name for name in own if not name.startswith("_") and callable(getattr(cls, name))}


def missing(cls: str, method: str) -> bool:
    return any(fnmatchcase(f"{cls}.{method}", pattern) for pattern in MISSING)


def shape(default: Any) -> Any:
    return default.name if isinstance(default, enum.Enum) else default


def parameters(function: Any) -> list[Any]:
    return [
        (each.name, each.kind, shape(each.default))
        for each in inspect.signature(function).parameters.values()
    ]


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_name_takes_the_same_arguments(module: str, name: str) -> None:
    """Names, kinds and defaults of the parameters are the official ones; of an enum, its members."""
    ours, theirs = pair(module, name)
    if isinstance(theirs, type) and issubclass(theirs, enum.Enum):
        assert {each.name: each.value for each in ours} == {each.name: each.value for each in theirs}
    elif isinstance(theirs, type) and theirs.__init__ is Exception.__init__:
        assert ours.__init__ is Exception.__init__
    elif f"{name}.__init__" in DIFFERENT:
        assert parameters(ours)[: len(parameters(theirs))] == parameters(theirs)
    else:
        assert parameters(ours) == parameters(theirs)


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_class_has_the_same_methods(module: str, name: str) -> None:
    """Every public method exists, with the same parameters, but for those in the tables."""
    ours, theirs = pair(module, name)
    if not isinstance(theirs, type) or issubclass(theirs, enum.Enum):
        return
    assert not [each for each in methods(theirs) - methods(ours) if not missing(name, each)]
    for method in methods(theirs) & methods(ours):
        assert parameters(getattr(ours, method)) == parameters(getattr(theirs, method)), method


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_class_has_the_same_fields_and_bases(module: str, name: str) -> None:
    """Dataclasses are dataclasses, frozen ones frozen; what is a subclass there is one here."""
    ours, theirs = pair(module, name)
    if not isinstance(theirs, type):
        return
    ancestors = {base.__name__ for base in ours.__mro__}
    assert {base.__name__ for base in theirs.__mro__} <= ancestors
    if dataclasses.is_dataclass(theirs):
        assert [each.name for each in dataclasses.fields(ours)] == [
            each.name for each in dataclasses.fields(theirs)
        ]
        assert ours.__dataclass_params__.frozen == theirs.__dataclass_params__.frozen


def test_the_root_has_every_official_name() -> None:
    """All of the official `__all__`, but for what the table says."""
    official = pytest.importorskip(OFFICIAL)
    assert set(official.__all__) - set(MISSING) == set(SURFACE[""])


def test_a_reason_is_given_only_for_what_is_so() -> None:
    """What is called missing is missing here and present there; what is called different differs."""
    classes = {name: pair(module, name) for module, name in PAIRS}
    for pattern in MISSING:
        if "." in pattern:
            lacking = [
                (name, method)
                for name, (ours, theirs) in classes.items()
                if isinstance(theirs, type) and not issubclass(theirs, enum.Enum)
                for method in methods(theirs) - methods(ours)
                if fnmatchcase(f"{name}.{method}", pattern)
            ]
            assert lacking, pattern
    for entry in DIFFERENT:
        name, _, method = entry.partition(".")
        ours, theirs = (getattr(cls, method) for cls in classes[name])
        assert parameters(ours) != parameters(theirs), entry


def test_the_package_offers_what_it_says() -> None:
    """Every name of `__all__` is there, and there are no others."""
    testing = importlib.import_module(OURS)
    assert len({*testing.__all__}) == len(testing.__all__)  # ruff sorts them
    assert all(hasattr(testing, name) for name in testing.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'WebRunner'"):
        _ = testing.WebRunner
