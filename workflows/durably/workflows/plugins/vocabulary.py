"""The classes that a plugin knows.

A plugin written for AWS's SDK derives from that package's base class, and may ask
`info.operation_type is OperationType.STEP` with its enum. It is then told everything in that package's own
classes, which stand in the module of its base class under the same names as ours. Any other plugin gets ours.
"""

import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, cast

from durably.actors.model import ErrorObject
from durably.workflows import plugin as ours
from durably.workflows.plugin import OperationChangeInfo, OperationInfo

BASES = ("DurableInstrumentationPlugin", "DurableInstrumentationPluginFactory")
_MAPS = ("operations", "updated_operations")


class Vocabulary:
    """The classes of `module`, in place of those of `durably.workflows.plugin`."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._foreign = module is not ours

    @classmethod
    def of(cls, plugin: object) -> "Vocabulary":
        """The vocabulary of a plugin or a factory."""
        for base in type(plugin).__mro__:
            module = sys.modules.get(base.__module__)
            if base.__name__ in BASES and all(hasattr(module, name) for name in ours.__all__):
                return cls(module)
        return cls(ours)

    def say(self, info: Any) -> Any:
        """The same in the plugin's classes."""
        if not self._foreign:
            return info
        if isinstance(info, Enum | ErrorObject) or not is_dataclass(info):
            return self._value(info)
        cls: Any = getattr(self._module, type(info).__name__)
        known = {field.name for field in fields(cls)}
        values = {
            field.name: self._field(field.name, getattr(info, field.name))
            for field in fields(info)
            if field.name in known
        }
        return cls(**values)

    def _field(self, name: str, value: Any) -> Any:
        if name in _MAPS:
            return {key: self.say(each) for key, each in value.items()}
        return self._value(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, Enum):
            known = getattr(self._module, type(value).__name__, None)
            return value if known is None else known(value.value)
        if isinstance(value, ErrorObject):
            stack = None if value.stack_trace is None else list(value.stack_trace)
            return self._module.ErrorObject(value.message, value.type, value.data, stack)
        return value

    def change(
        self, arn: str, updated: dict[str, OperationInfo], read: Callable[[], dict[str, OperationInfo]]
    ) -> OperationChangeInfo:
        """An `OperationChangeInfo` that reads all operations only when it is asked for them.

        There may be 100,000 of them, and a thousand changes.
        """
        base: type[Any] = self._module.OperationChangeInfo
        info = _lazy(base)(arn, {key: self.say(each) for key, each in updated.items()}, None)
        info.__dict__["_read"] = lambda: {key: self.say(each) for key, each in read().items()}
        return cast("OperationChangeInfo", info)


def _lazy(base: type[Any]) -> type[Any]:
    def operations(self: Any) -> Any:
        state = self.__dict__
        if "_operations" not in state:
            state["_operations"] = state["_read"]()
        return state["_operations"]

    def keep_nothing(self: Any, value: object) -> None:
        """The generated `__init__` sets every field."""

    return type(base.__name__, (base,), {"operations": property(operations, keep_nothing)})
