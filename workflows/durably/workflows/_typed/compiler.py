"""From an annotated type to its codec."""

import collections.abc
import enum
import typing
from typing import Any, ForwardRef, Literal, TypeVar, cast, get_args, get_origin

from durably.workflows._typed.batches import batch_codec, is_batch
from durably.workflows._typed.classes import (
    class_codec,
    complete_class,
    is_class_with_fields,
    substituted,
    typed_dict_codec,
)
from durably.workflows._typed.codec import Codec, Mismatch, named
from durably.workflows._typed.containers import LISTS, MAPPINGS, list_codec, mapping_codec, tuple_codec
from durably.workflows._typed.leaves import LEAVES, any_codec, enum_codec, literal_codec
from durably.workflows._typed.models import is_model, model_codec
from durably.workflows._typed.unions import union_codec

_UNIONS = (typing.Union, type(int | str))
_WRAPPERS = (typing.Annotated, typing.Final, typing.ClassVar, typing.Required, typing.NotRequired)


def compile_type(type_: Any, *, trace: bool = False) -> Codec:
    """The codec of `type_`; `trace` makes its errors say where they are.

    Raises:
        Mismatch: the type, or one that it is made of, has none.
    """
    return _Compiler(trace=trace).codec(type_)


class _Compiler:
    """Compiles one type and all that it is made of. A class is compiled once: it may contain itself."""

    def __init__(self, *, trace: bool) -> None:
        self._trace = trace
        self._codecs: dict[Any, Codec] = {}
        self._aliases: set[Any] = set()

    def codec(self, type_: Any) -> Codec:
        if type_ is None:
            type_ = type(None)
        try:
            done = self._codecs.get(type_)
        except TypeError:  # a Literal or Annotated with something that has no hash
            return self._new(type_)
        return self._new(type_) if done is None else done

    def _new(self, type_: Any) -> Codec:
        origin = get_origin(type_)
        if origin in _UNIONS:
            return union_codec(type_, self.codec)
        if origin is Literal:
            return literal_codec(type_, get_args(type_))
        if origin in _WRAPPERS:
            return self.codec(get_args(type_)[0])
        if type_ is Any or type_ is object:
            return any_codec(type_)
        if type(origin or type_).__name__ == "TypeAliasType":
            return self._alias(type_, origin)
        if hasattr(type_, "__supertype__"):  # a NewType
            return self.codec(type_.__supertype__)
        class_: Any = origin or type_
        if class_ is typing.LiteralString:
            class_ = type_ = str
        if isinstance(class_, type):
            codec = self._class(type_, cast(Any, class_))
            if codec is not None:
                return codec
        raise Mismatch(_why_not(type_))

    def _class(self, type_: Any, class_: Any) -> Codec | None:
        if class_ in LEAVES:
            return LEAVES[class_]()
        if class_ in LISTS:
            return list_codec(type_, self.codec, trace=self._trace)
        if class_ in MAPPINGS:
            return mapping_codec(type_, self.codec, trace=self._trace)
        if class_ is tuple:
            return tuple_codec(type_, self.codec, trace=self._trace)
        if issubclass(class_, enum.Enum):
            return enum_codec(class_)
        if is_batch(class_):
            return batch_codec(type_, self.codec(get_args(type_)[0] if get_args(type_) else Any))
        if is_model(class_):
            return self._codecs.setdefault(type_, model_codec(class_))
        if typing.is_typeddict(class_):
            return typed_dict_codec(type_, self.codec, trace=self._trace)
        if is_class_with_fields(class_):
            codec = self._codecs[type_] = class_codec(type_)
            complete_class(codec, self.codec, trace=self._trace)
            return codec
        return None

    def _alias(self, type_: Any, origin: Any) -> Codec:
        alias = origin or type_
        if alias in self._aliases:
            raise Mismatch(f"the type alias {alias} contains itself: make a class of it")
        self._aliases.add(alias)
        try:
            values = dict(zip(alias.__type_params__, get_args(type_), strict=False))
            return self.codec(substituted(alias.__value__, values))
        finally:
            self._aliases.discard(alias)


def _why_not(type_: Any) -> str:
    if isinstance(type_, str | ForwardRef):
        name = type_ if isinstance(type_, str) else type_.__forward_arg__
        return f"{name!r} is the name of a type, and cannot be resolved here: give the type itself"
    if isinstance(type_, TypeVar):
        return f"the type parameter {type_.__name__} stands for no type here: say which, as in Page[Order]"
    if get_origin(type_) is cast(Any, collections.abc.Callable):
        return "a function cannot be serialized"
    return (
        f"{named(type_)} cannot be serialized by typed(). It takes dataclasses, attrs classes, Pydantic "
        "models, NamedTuples, TypedDicts, enums, and built-in types of these"
    )
