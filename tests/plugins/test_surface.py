"""The names of `durably.workflows.plugin` are those of AWS's SDK, with the same fields and defaults."""

import inspect
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum

import aws_durable_execution_sdk_python.plugin as official
import aws_durable_execution_sdk_python.plugin_discovery as official_discovery
import pytest

from durably.workflows import plugin, plugin_discovery

THEIRS_ALONE = {"PluginExecutor": "what calls hooks", "PluginHost": "what keeps factories"}
"""Public by name, and of no use outside that SDK."""

PUBLIC = [
    name
    for name, value in vars(official).items()
    if isinstance(value, type)
    and value.__module__ == official.__name__
    and not name.startswith("_")
    and name not in THEIRS_ALONE
]


def described(cls: type) -> object:
    if issubclass(cls, Enum):
        return {member.name: member.value for member in cls}
    if is_dataclass(cls):
        return [
            (
                field.name,
                field.default,
                None if field.default_factory is MISSING else field.default_factory(),
                field.kw_only,
                field.repr,
                field.compare,
            )
            for field in fields(cls)
        ]
    return {
        name: list(inspect.signature(method).parameters.values())[1].name
        for name, method in vars(cls).items()
        if inspect.isfunction(method) and not name.startswith("_")
    }


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_class_is_there_and_has_the_same_fields(name: str):
    """And the same enum values, hooks and base classes."""
    ours, theirs = getattr(plugin, name), getattr(official, name)
    assert described(ours) == described(theirs)
    assert [base.__name__ for base in ours.__mro__] == [base.__name__ for base in theirs.__mro__]
    assert is_dataclass(ours) == is_dataclass(theirs)


@pytest.mark.parametrize("name", ["PLUGIN_ENTRY_POINT_GROUP", "PLUGIN_ENVIRONMENT_VARIABLE"])
def test_the_names_for_discovery_are_the_same(name: str):
    """The group of entry points, and the variable."""
    assert getattr(plugin_discovery, name) == getattr(official_discovery, name)


def test_factories_are_loaded_the_same_way():
    """With the same parameters."""
    ours = inspect.signature(plugin_discovery.load_configured_plugins).parameters
    theirs = inspect.signature(official_discovery.load_configured_plugins).parameters
    assert [(p.name, p.kind, p.default) for p in ours.values()] == [
        (p.name, p.kind, p.default) for p in theirs.values()
    ]
