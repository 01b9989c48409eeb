"""The configuration beside AWS's: the same names, arguments, defaults and members at the same paths."""

import dataclasses
import enum
import importlib
import inspect
from typing import Any

import pytest

SURFACE = {
    "config": [
        "Duration",
        "NestingType",
        "BatchItemStatus",
        "CompletionOutcome",
        "CompletionDecision",
        "continue_batch",
        "complete_batch",
        "CompletionItemStatus",
        "CompletionStatus",
        "CompletionConfig",
        "ParallelBranch",
        "ParallelConfig",
        "StepSemantics",
        "StepConfig",
        "ChildConfig",
        "MapConfig",
        "InvokeConfig",
        "CallbackConfig",
        "WaitForCallbackConfig",
        "JitterStrategy",
    ],
    "retries": [
        "RetryDecision",
        "RetryStrategyConfig",
        "LinearRetryStrategyConfig",
        "create_retry_strategy",
        "create_linear_retry_strategy",
        "RetryPresets",
        "WithRetryConfig",
    ],
    "waits": [
        "WaitStrategyConfig",
        "WaitForConditionDecision",
        "create_wait_strategy",
        "WaitForConditionConfig",
    ],
    "serdes": [
        "SerDesContext",
        "SerDes",
        "PassThroughSerDes",
        "JsonSerDes",
        "ExtendedTypeSerDes",
        "serialize",
        "deserialize",
    ],
    "types": [
        "LoggerInterface",
        "OperationContext",
        "StepContext",
        "WaitForCallbackContext",
        "WaitForConditionCheckContext",
        "Callback",
        "BatchResult",
        "DurableContext",
        "LambdaContext",
        "SummaryGenerator",
        "DurableExecutionArn",
    ],
    "concurrency.models": ["CompletionReason", "BatchItem", "BatchResult", "BatchCompletionError"],
    "logger": ["LogInfo", "Logger"],
    "lambda_service": [
        "OperationAction",
        "OperationStatus",
        "OperationType",
        "OperationSubType",
        "InvocationStatus",
        "LambdaClient",
    ],
}
PAIRS = [(module, name) for module, names in SURFACE.items() for name in names]
OURS_ALONE = {
    "LambdaClient": {"checkpoint", "get_execution_state"}
}  # of the seam behind it, in our own vocabulary


def pair(module: str, name: str) -> tuple[Any, Any]:
    return tuple(
        getattr(importlib.import_module(f"{root}.{module}"), name)
        for root in ("durably.workflows", "aws_durable_execution_sdk_python")
    )  # type: ignore[return-value]  # of two


def shape(value: Any) -> Any:
    """A default by what it is: an enum member by name, a duration by length, a function by nothing."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [shape(getattr(value, field.name)) for field in dataclasses.fields(value)]
    return value.name if isinstance(value, enum.Enum) else "function" if inspect.isfunction(value) else value


def parameters(function: Any) -> list[Any]:
    signature = inspect.signature(function)
    return [
        (each.name, each.kind, "factory" if "factory" in repr(each.default) else shape(each.default))
        for each in signature.parameters.values()
    ]


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_name_takes_the_same_arguments(module: str, name: str) -> None:
    """Names, kinds and defaults of the parameters are the official ones."""
    ours, theirs = pair(module, name)
    if isinstance(theirs, type) and issubclass(theirs, enum.Enum):
        members = {each.name: each.value for each in theirs}
        assert {
            key: getattr(value, "value", value) for key, value in vars(ours).items() if key in members
        } == members
    else:
        assert parameters(ours) == parameters(theirs)


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_class_has_the_same_public_methods(module: str, name: str) -> None:
    """Every public method and property exists, with the same parameters."""
    ours, theirs = pair(module, name)
    if not isinstance(theirs, type) or issubclass(theirs, enum.Enum):
        return
    for key in set(dir(theirs)) - set(dir(object)) - OURS_ALONE.get(name, set()):
        if not key.startswith("_"):
            there = inspect.getattr_static(theirs, key)
            assert hasattr(ours, key), key
            if isinstance(there, classmethod | staticmethod) or inspect.isfunction(there):
                assert parameters(getattr(ours, key)) == parameters(getattr(theirs, key)), key


@pytest.mark.parametrize(("module", "name"), PAIRS)
def test_a_dataclass_is_a_dataclass_with_the_same_fields(module: str, name: str) -> None:
    """`dataclasses.replace` works, and defaults made by factories are equal."""
    ours, theirs = pair(module, name)
    if not dataclasses.is_dataclass(theirs):
        return
    assert dataclasses.is_dataclass(ours)
    assert [each.name for each in dataclasses.fields(ours)] == [
        each.name for each in dataclasses.fields(theirs)
    ]
    assert ours.__dataclass_params__.frozen == theirs.__dataclass_params__.frozen
    defaults = [
        [
            shape(each.default_factory())
            for each in dataclasses.fields(cls)
            if each.default_factory is not dataclasses.MISSING
        ]
        for cls in (ours, theirs)
    ]
    assert defaults[0] == defaults[1]
