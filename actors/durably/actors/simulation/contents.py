"""What a message holds, in a few words and without payloads: who, which operation, how it came out.

Results and errors of users never stand in a trace: of an outcome, an update or a record only its kind does.
What is shown says the same in every run, so no address and no random name is among it.
"""

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs
import pykka
from pykka.messages import ProxyCall, ProxyGetAttr, ProxySetAttr

from durably.actors.messages import Awaiter
from durably.actors.model import CheckpointResponse, Operation, OperationUpdate

LONGEST_TEXT = 40
"""In characters."""
MOST_ITEMS = 6

Label = Callable[[str], str]


def word(message: object) -> str:
    """What kind of message it is: its class, or what a Pykka proxy asks for."""
    match message:
        case ProxyCall():
            return f"{_path(message.attr_path)}()"
        case ProxyGetAttr():
            return f"get {_path(message.attr_path)}"
        case ProxySetAttr():
            return f"set {_path(message.attr_path)}"
        case enum.Enum():
            return str(message.value)
        case str() | int() | float() | Mapping() | None:
            return brief(cast(object, message), str)
        case _:
            return type(message).__name__.lstrip("_")


def contents(message: object, label: Label = str) -> str:
    """Its fields, `name=value` each; empty if it has none worth a word."""
    match message:
        case ProxyCall():
            arguments = [brief(value, label) for value in message.args]
            arguments += [f"{name}={brief(value, label)}" for name, value in message.kwargs.items()]
            return ", ".join(arguments)
        case ProxySetAttr():
            return brief(message.value, label)
        case _:
            pass
    fields = [(name, getattr(message, name)) for name in _fields_of(type(message))]
    return ", ".join(f"{name}={brief(value, label)}" for name, value in fields if value is not None)


def brief(value: object, label: Label) -> str:
    """One value in a few words."""
    match value:
        case enum.Enum():
            return value.name
        case bool() | int() | float() | None:
            return str(value)
        case str():
            return _cut(label(value))
        case pykka.ActorRef():
            return _cut(label(value.actor_urn) if _is_named(value) else value.actor_class.__name__)
        case Awaiter():
            return _cut(f"task {label(value.task.name)}")
        case OperationUpdate():
            return _cut(f"{value.action.value} {value.type.value} {label(value.name or value.id)}")
        case Operation():
            return _cut(f"{value.type.value} {value.status.value} {label(value.name or value.id)}")
        case CheckpointResponse():
            return f"{len(value.operations)} operations"
        case Mapping():
            items = [f"{brief(key, label)}: {brief(item, label)}" for key, item in _some(value.items())]
            return "{" + ", ".join(items) + "}"
        case list() | tuple():
            return "[" + ", ".join(brief(item, label) for item in _some(value)) + "]"
        case _:
            return type(value).__name__


def _fields_of(kind: type[Any]) -> list[str]:
    if attrs.has(kind):
        return [field.name for field in attrs.fields(kind)]
    if dataclasses.is_dataclass(kind):
        return [field.name for field in dataclasses.fields(kind)]
    return list(getattr(kind, "_fields", ()))


def _is_named(ref: "pykka.ActorRef[Any]") -> bool:
    return not ref.actor_urn.startswith("urn:uuid:")


def _some(items: Any) -> list[Any]:
    return list(items)[:MOST_ITEMS]


def _path(path: Any) -> str:
    return ".".join(map(str, path))


def _cut(text: str) -> str:
    text = text.replace("\n", " ")
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
