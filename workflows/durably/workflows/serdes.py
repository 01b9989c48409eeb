"""How values become text and come back: the interface, and the serializers that ship.

`ExtendedTypeSerDes` is the default of every operation but invoke (whose other side need not be Python,
so it speaks plain JSON) and callback results (which are handed over as the text they are). The odd
parameter names of the three that ship are those of AWS's SDK. Operations
call `serialize` and `deserialize`, which turn whatever goes wrong into a `SerDesError` that names the
operation.
"""

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast, overload

from durably.workflows import _tagged
from durably.workflows.exceptions import RetryableSerDesError, SerDesError

T = TypeVar("T")


@dataclass(frozen=True)
class SerDesContext:
    """For which operation of which execution a serdes is asked; both empty outside of one."""

    operation_id: str = ""
    durable_execution_arn: str = ""


class SerDes(ABC, Generic[T]):
    """Turns values of type T into text and back. Called on any thread; must not depend on time or state.

    Raise `RetryableSerDesError` for a failure that may pass (the invocation ends and is repeated);
    anything else that is raised fails the operation with a `SerDesError`.
    """

    @abstractmethod
    def serialize(self, value: T, serdes_context: SerDesContext) -> str:
        """The text of `value`."""

    @abstractmethod
    def deserialize(self, data: str, serdes_context: SerDesContext) -> T:
        """The value whose text is `data`."""

    @staticmethod
    def is_primitive(obj: Any) -> bool:
        """Whether JSON alone keeps `obj` as it is: a primitive, or a list of primitives."""
        return _tagged.is_plain(obj)


class PassThroughSerDes(SerDes[T]):
    """For values that are text already."""

    def serialize(self, value: T, _: SerDesContext) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        return cast(str, value)

    def deserialize(self, data: str, _: SerDesContext) -> T:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        return cast(T, data)


class JsonSerDes(SerDes[T]):
    """Plain JSON: tuples come back as lists, and keys as strings."""

    def serialize(self, value: T, _: SerDesContext) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        return json.dumps(value)

    def deserialize(self, data: str, _: SerDesContext) -> T:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        return cast(T, json.loads(data))


class ExtendedTypeSerDes(SerDes[T]):
    """The default: JSON with tags, for tuples, bytes, `UUID`, `Decimal`, dates and `BatchResult` too.

    Keys of mappings come back as strings, `bytearray` as `bytes`, and a subclass of a type it knows as
    that type. Sets and classes of your own are refused: return a mapping, or give a serdes.
    """

    def serialize(self, value: Any, context: SerDesContext | None = None) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        try:
            return _tagged.to_text(value)
        except SerDesError as error:
            raise _named(error, context.operation_id if context else "") from None

    def deserialize(self, data: str, context: SerDesContext | None = None) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]  # AWS's name
        try:
            return _tagged.from_text(data)
        except SerDesError as error:
            raise _named(error, context.operation_id if context else "") from None


LARGEST_PAYLOAD = 6_291_456
"""In bytes."""
DEFAULT_JSON_SERDES: SerDes[Any] = JsonSerDes()
EXTENDED_TYPES_SERDES: SerDes[Any] = ExtendedTypeSerDes()


@overload
def typed() -> SerDes[Any]: ...
@overload
def typed(type_: type[T], /) -> SerDes[T]: ...
@overload
def typed(type_: Any, /) -> SerDes[Any]: ...


def typed(*types: Any) -> SerDes[Any]:
    """A serdes for values of an annotated type: `typed(Order)`, `typed(list[Order])`, `typed(Card | Cash)`.

    They come back as they were, and what is stored is plain JSON. Without a type it takes the return
    annotation of the function that it is used with: of a step, a child context, a condition's check, or the
    branches of a map or parallel.

    It takes dataclasses, attrs classes, Pydantic models, NamedTuples, TypedDicts, enums,
    literals, times, numbers and the like, and built-in containers and unions of these.

    Raises:
        SerDesError: the type, or one that it is made of, cannot be serialized; the error names the field.
    """
    from durably.workflows._typed.serializer import TypedSerDes, UnboundSerDes

    if len(types) > 1:
        raise TypeError(f"typed() takes at most one type, got {len(types)}: for a choice write typed(A | B)")
    return TypedSerDes[Any](types[0]) if types else UnboundSerDes()


def serialize(
    serdes: SerDes[T] | None, value: T, operation_id: str, durable_execution_arn: str
) -> str | None:
    """The text of an operation's `value`, by `serdes` or the default; None stands for no payload at all.

    Raises:
        SerDesError: it has none, and never will.
        RetryableSerDesError: `serdes` says that another invocation may succeed.
    """
    try:
        if serdes is None or serdes is EXTENDED_TYPES_SERDES:  # spares a fan-out the context object
            return _tagged.to_text(value)
        text: str | None = serdes.serialize(value, SerDesContext(operation_id, durable_execution_arn))
    except (RetryableSerDesError, SerDesError) as error:
        if serdes is None or serdes is EXTENDED_TYPES_SERDES:
            raise _named(error, operation_id) from None
        raise
    except Exception as error:
        raise SerDesError(f"Serialization failed for id: {operation_id}, error: {error}.") from error
    _require_text(text, type(serdes).__name__, operation_id)
    return text


def recordable(text: str | None, operation_id: str) -> str | None:
    """The text, if the service can record it.

    Raises:
        SerDesError: it is too large.
    """
    if text is not None and len(text) > LARGEST_PAYLOAD // 4:  # a character takes 4 bytes at most
        size = len(text.encode("utf-8", "surrogatepass"))
        if size > LARGEST_PAYLOAD:
            raise SerDesError(
                f"The result takes {size} bytes, and the service records at most {LARGEST_PAYLOAD} "
                f"(operation {operation_id}). Store it elsewhere and return a reference to it."
            )
    return text


def deserialize(serdes: SerDes[T] | None, data: str, operation_id: str, durable_execution_arn: str) -> T:
    """The value whose text an operation recorded, by `serdes` or the default.

    Raises:
        SerDesError: the text is of no value, and never will be.
        RetryableSerDesError: `serdes` says that another invocation may succeed.
    """
    try:
        if serdes is None or serdes is EXTENDED_TYPES_SERDES:
            value: T = _tagged.from_text(data)
            return value
        return serdes.deserialize(data, SerDesContext(operation_id, durable_execution_arn))
    except (RetryableSerDesError, SerDesError) as error:
        if serdes is None or serdes is EXTENDED_TYPES_SERDES:
            raise _named(error, operation_id) from None
        raise
    except Exception as error:
        raise SerDesError(f"Deserialization failed for id: {operation_id}, error: {error}.") from error


def _named(error: Exception, operation_id: str) -> SerDesError:
    return SerDesError(f"{error} (operation {operation_id})" if operation_id else str(error))


def _require_text(text: object, serdes: str, operation_id: str) -> None:
    # None stands for no payload at all: what PassThroughSerDes makes of None.
    if text is not None and not isinstance(text, str):
        raise SerDesError(
            f"{serdes}.serialize returned a {type(text).__name__}, not a str (operation {operation_id})"
        )
