"""The `SerDes` that `typed()` gives: codecs around plain JSON, and errors that say where."""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar, cast, get_args, get_origin

from durably.workflows._typed.annotations import return_type
from durably.workflows._typed.batches import is_batch, items_codec
from durably.workflows._typed.codec import Codec, Mismatch, named
from durably.workflows._typed.compiler import compile_type
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import SerDes, SerDesContext

T = TypeVar("T")

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False, allow_nan=False).encode
_compiled = functools.lru_cache(maxsize=512)(compile_type)


class TypedSerDes(SerDes[T], Generic[T]):
    """Values of one type as plain JSON. `compile_codec(trace)` gives its codec."""

    is_typed = True

    def __init__(self, type_: Any, compile_codec: Callable[[bool], Codec] | None = None) -> None:
        self.type = type_
        self._name = named(type_)
        self._compile = compile_codec or functools.partial(_codec_of, type_)
        try:
            self._codec = self._compile(False)
        except Mismatch as error:
            raise SerDesError(f"typed({self._name}): {error}") from error.__cause__

    def __repr__(self) -> str:
        return f"typed({self._name})"

    def serialize(self, value: T, serdes_context: SerDesContext) -> str:
        try:
            return _encode(self._codec.write(value))
        except (Mismatch, RecursionError, ValueError, TypeError) as error:
            failure, cause = self._failed("serialize", error, value, serdes_context)
            raise failure from cause

    def deserialize(self, data: str, serdes_context: SerDesContext) -> T:
        try:
            tree: Any = json.loads(data)
        except (ValueError, RecursionError, TypeError) as error:
            raise self._error("deserialize", f"what is stored is no JSON: {error}", serdes_context) from error
        try:
            return cast(T, self._codec.read(tree, None))
        except Exception as error:  # constructors and validators may raise anything
            failure, cause = self._failed("deserialize", error, tree, serdes_context)
            raise failure from cause

    def for_function(self, func: Callable[..., Any] | None) -> "TypedSerDes[T]":
        """This: its type is known."""
        return self

    def for_batch(self, functions: Sequence[Callable[..., Any]]) -> "TypedSerDes[Any]":
        """The serdes of a `BatchResult` whose items are of this type."""
        if is_batch(get_origin(self.type) or self.type):
            return self
        return _batch(lambda _index, trace: self._compile(trace))

    def for_item(self) -> "TypedSerDes[Any]":
        """If this is of a `BatchResult`, the serdes of its items."""
        if is_batch(get_origin(self.type) or self.type):
            return TypedSerDes((get_args(self.type) or (Any,))[0])
        return self

    def _failed(
        self, action: str, error: Exception, value: Any, serdes_context: SerDesContext
    ) -> tuple[SerDesError, BaseException | None]:
        """The error, with the place where it is, and its cause: found by doing it again."""
        if isinstance(error, RecursionError):
            return self._error(action, "it contains itself, or is nested too deeply", serdes_context), None
        traced = self._compile(True)
        try:
            if action == "serialize":
                traced.write(value)
            else:
                traced.read(value, None)
        except Exception as located:
            error = located
        cause = error.__cause__ if isinstance(error, Mismatch) else error
        return self._error(action, str(error) or repr(error), serdes_context), cause

    def _error(self, action: str, reason: str, serdes_context: SerDesContext) -> SerDesError:
        where = f" (operation {serdes_context.operation_id})" if serdes_context.operation_id else ""
        return SerDesError(f"Cannot {action} {self._name}: {reason}{where}")


class UnboundSerDes(SerDes[Any]):
    """`typed()` before it knows a function."""

    def __repr__(self) -> str:
        return "typed()"

    def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
        raise _no_function()

    def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
        raise _no_function()

    def for_function(self, func: Callable[..., Any] | None) -> TypedSerDes[Any]:
        """The serdes of what the function returns.

        Raises:
            SerDesError: it has no return annotation, or one that cannot be serialized.
        """
        if func is None:
            raise _no_function()
        try:
            return _typed(return_type(func))
        except Mismatch as error:
            raise SerDesError(f"typed(): {error}") from None

    def for_batch(self, functions: Sequence[Callable[..., Any]]) -> TypedSerDes[Any]:
        """The serdes of a `BatchResult`, each of whose items is what its function returns."""
        items = [self.for_function(func) for func in functions]
        if len(items) == 1:
            return items[0].for_batch(functions)
        return _batch(lambda index, trace: _codec_of(items[index].type, trace))

    def for_item(self) -> "UnboundSerDes":
        """This: an item's type is what its function returns."""
        return self


def _no_function() -> SerDesError:
    return SerDesError(
        "typed() takes its type from the function of a step, a child context or a branch, and here is none: "
        "give the type, as in typed(Order)"
    )


def _codec_of(type_: Any, trace: bool) -> Codec:
    try:
        return _compiled(type_, trace=trace)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return compile_type(type_, trace=trace)


@functools.lru_cache(maxsize=512)
def _typed_of(type_: Any) -> TypedSerDes[Any]:
    return TypedSerDes(type_)


def _typed(type_: Any) -> TypedSerDes[Any]:
    try:
        return _typed_of(type_)
    except TypeError as error:
        if "unhashable" not in str(error):
            raise
        return TypedSerDes(type_)


def _batch(item_of: Callable[[int, bool], Codec]) -> TypedSerDes[Any]:
    return TypedSerDes(
        BatchResult, lambda trace: items_codec(BatchResult, lambda index: item_of(index, trace))
    )
