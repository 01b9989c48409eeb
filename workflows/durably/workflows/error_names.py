"""The names that errors bear on the wire, both ways.

On the wire an error is named by its class's dotted path. Our classes go by the path that they have in
AWS's SDK, because either SDK must be able to resume what the other began. `exceptions` and
`concurrency.models` register theirs here; this module imports nothing of ours.
"""

from typing import TypeVar

_OURS = "durably.workflows."
_OFFICIAL = "aws_durable_execution_sdk_python."

_names: dict[type[BaseException], str] = {}
_classes: dict[str, type[BaseException]] = {}

_E = TypeVar("_E", bound=type[BaseException])


def on_wire(cls: _E) -> _E:
    """Give `cls` the name on the wire that its counterpart in AWS's SDK has. A class decorator."""
    own = f"{cls.__module__}.{cls.__qualname__}"
    official = own.replace(_OURS, _OFFICIAL, 1)
    _names[cls] = official
    _classes[own] = _classes[official] = cls
    return cls


def error_type_of(exception: BaseException | type[BaseException]) -> str:
    """The `ErrorType` of an exception or its class: `module.QualName`, builtins bare."""
    cls = exception if isinstance(exception, type) else type(exception)
    name = _names.get(cls)
    if name is None:
        module = cls.__module__
        name = cls.__qualname__ if module == "builtins" else f"{module}.{cls.__qualname__}"
    return name


def error_class_for(type_name: str | None) -> type[BaseException] | None:
    """The class of ours that `type_name` names, by AWS's path or by ours; None for any other name."""
    return _classes.get(type_name) if type_name else None
