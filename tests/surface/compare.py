"""What differs between a name of AWS's SDK and ours, each difference with a name of its own."""

import dataclasses
import enum
import importlib
import inspect
from collections.abc import Iterator
from typing import Any, Generic, Protocol

OFFICIAL = "aws_durable_execution_sdk_python"
OURS = "durably.workflows"
MISSING = object()
_OF_PYTHON = {object, Generic, Protocol}


def find(root: str, module: str, name: str) -> Any:
    """The name at its dotted path below the root; `MISSING` if it is not there."""
    path = f"{root}.{module}" if module else root
    try:
        return getattr(importlib.import_module(path), name, MISSING)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return MISSING


def differences(module: str, name: str) -> Iterator[str]:
    """Everything in which `module.name` is not what it is there.

    `module.Name` (absent, or of another kind), `module.Name()` (its arguments), `module.Name: frozen`,
    `module.Name: fields`, `module.Name: is a Base`, `module.Name.member`, `module.Name.method()`.
    """
    path = f"{module}.{name}"
    ours, theirs = find(OURS, module, name), find(OFFICIAL, module, name)
    if ours is MISSING or isinstance(ours, type) != isinstance(theirs, type):
        yield path
    elif isinstance(theirs, type):
        yield from _of_classes(path, ours, theirs)
    elif inspect.isfunction(theirs):
        if parameters(ours) != parameters(theirs):
            yield f"{path}()"
    elif type(ours).__name__ != type(theirs).__name__:
        yield path


def _of_classes(path: str, ours: Any, theirs: Any) -> Iterator[str]:
    for base in theirs.__mro__[1:]:
        if base not in _OF_PYTHON and _counterpart(base) not in ours.__mro__:
            yield f"{path}: is a {base.__name__}"
    if issubclass(theirs, enum.Enum):
        for member in theirs:
            if ours.__members__.get(member.name, MISSING) != _of_ours(ours, member):
                yield f"{path}.{member.name}"
        return
    is_protocol = getattr(theirs, "_is_protocol", False)
    if not is_protocol and parameters(ours) != parameters(theirs):
        yield f"{path}()"
    if dataclasses.is_dataclass(theirs):
        if not dataclasses.is_dataclass(ours) or fields(ours) != fields(theirs):
            yield f"{path}: fields"
        elif ours.__dataclass_params__.frozen != theirs.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # untyped
            yield f"{path}: frozen"
    elif annotated(theirs) - annotated(ours) - set(dir(ours)):
        yield f"{path}: fields"
    for key in sorted(set(dir(theirs)) - set(dir(object)) - set(dir(Protocol))):
        if not key.startswith("_"):
            yield from _of_members(f"{path}.{key}", ours, theirs, key)


def _of_members(path: str, ours: Any, theirs: Any, key: str) -> Iterator[str]:
    there = inspect.getattr_static(theirs, key)
    if not hasattr(ours, key) and key not in annotated(ours):
        yield path
    elif _is_method(there) and parameters(getattr(ours, key)) != parameters(getattr(theirs, key)):
        yield f"{path}()"


def _is_method(there: Any) -> bool:
    return isinstance(there, classmethod | staticmethod) or inspect.isfunction(there)


def _counterpart(base: type) -> Any:
    root, _, module = base.__module__.partition(".")
    return find(OURS, module, base.__name__) if root == OFFICIAL else base


def _of_ours(ours: Any, member: enum.Enum) -> Any:
    try:
        return ours(member.value)
    except ValueError:
        return None


def annotated(cls: type) -> set[str]:
    """The public attributes that a class and its bases declare."""
    return {key for base in cls.__mro__ for key in inspect.get_annotations(base) if not key.startswith("_")}


def parameters(function: Any) -> list[Any]:
    """Names, kinds and defaults."""
    try:
        signature = inspect.signature(function)
    except ValueError:  # of a class that is made in C
        return []
    return [
        (each.name, each.kind, "factory" if "factory" in repr(each.default) else shape(each.default))
        for each in signature.parameters.values()
    ]


def fields(cls: Any) -> list[Any]:
    """Of a dataclass: names, and what their defaults are, made by a factory or not."""
    return [
        (
            each.name,
            shape(each.default if each.default_factory is dataclasses.MISSING else each.default_factory()),
        )
        for each in dataclasses.fields(cls)
    ]


def shape(value: Any) -> Any:
    """A default by what it is: members and serializers by name, a duration by length, a function as such."""
    if isinstance(value, enum.Enum):
        return value.name
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [shape(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if inspect.isfunction(value):
        return "function"
    return type(value).__name__ if type(value).__module__.startswith((OFFICIAL, OURS)) else value
