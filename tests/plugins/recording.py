"""A plugin that writes down what it is told, for either SDK."""

import threading
from collections.abc import Callable
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any

HOOKS = (
    "on_invocation_start",
    "on_invocation_end",
    "on_operation_start",
    "on_operation_end",
    "on_operation_change",
    "on_user_function_start",
    "on_user_function_end",
)


class Note:
    """One call of a hook: what was told, and on which thread."""

    def __init__(self, hook: str, info: Any) -> None:
        self.hook = hook
        self.info = info
        self.thread = threading.current_thread()

    def __repr__(self) -> str:
        return f"{self.hook.removeprefix('on_')} {self.what}"

    @property
    def what(self) -> str:
        """What it is about: the operation's name or type, or the status of the invocation."""
        info = self.info
        if hasattr(info, "operation_type"):
            return info.name or info.operation_type.value
        return (
            info.status.value if hasattr(info, "status") else "first" if info.is_first_invocation else "again"
        )


class Recorder:
    """A factory of plugins, which all write into its `notes`; one list for each invocation.

    Args:
        base: what the plugin's class derives from.
        hooks: which hooks the plugin has.
        before: called with every note, in the hook.
    """

    def __init__(
        self,
        base: type = object,
        hooks: tuple[str, ...] = HOOKS,
        before: Callable[[Note], object] = lambda note: None,
    ) -> None:
        self.invocations: list[list[Note]] = []
        self.started_with: list[Any] = []
        self.plugin_class = type("Recording", (base,), {hook: _hook(hook) for hook in hooks})
        self._before = before

    def create_plugin(self, info: Any) -> Any:
        self.started_with.append(info)
        plugin = self.plugin_class()
        plugin.notes = []
        plugin.before = self._before
        self.invocations.append(plugin.notes)
        return plugin

    @property
    def notes(self) -> list[Note]:
        """Of the only invocation."""
        (notes,) = self.invocations
        return notes

    def told(self, *hooks: str) -> list[str]:
        """What all invocations were told, in words; of all hooks but changes, or of some."""
        chosen = [f"on_{hook}" for hook in hooks] or [hook for hook in HOOKS if hook != "on_operation_change"]
        return [repr(note) for notes in self.invocations for note in notes if note.hook in chosen]

    def infos(self, hook: str, name: str | None = None) -> list[Any]:
        """What a hook was told, of all operations or of those with this name."""
        return [
            note.info
            for notes in self.invocations
            for note in notes
            if note.hook == f"on_{hook}" and (name is None or note.info.name == name)
        ]


def _hook(hook: str) -> Callable[[Any, Any], None]:
    def call(self: Any, info: Any) -> None:
        note = Note(hook, info)
        self.notes.append(note)
        self.before(note)

    return call


def plain(value: Any) -> Any:
    """A hook's argument as plain data: moments only as present or not, enums by value."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return "a moment"
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if type(value).__name__ == "ErrorObject":
        return [value.message, value.type, value.data, plain(value.stack_trace)]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return value
