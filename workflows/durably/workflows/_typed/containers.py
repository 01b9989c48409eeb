"""Codecs of lists, tuples, sets and mappings.

An abstract annotation takes the built-in type alone: a `Sequence` is a list, a `Mapping` a dict. A tuple in
its place would come back as a list, which is not equal.
"""

import collections
import collections.abc
import json
from collections.abc import Callable, Iterable
from typing import Any, get_args, get_origin

from durably.workflows._typed.codec import Codec, Mismatch, Read, Write, expected, named, traced_read

LISTS: dict[Any, tuple[tuple[type, ...], Any]] = {
    list: ((list,), list),
    collections.abc.Sequence: ((list,), list),
    collections.abc.MutableSequence: ((list,), list),
    collections.abc.Collection: ((list,), list),
    collections.abc.Iterable: ((list,), list),
    set: ((set, frozenset), set),  # which are equal to each other
    frozenset: ((frozenset, set), frozenset),
    collections.abc.Set: ((set, frozenset), set),
    collections.abc.MutableSet: ((set,), set),
}
"""Annotation to the classes that it takes, and what it reads them as."""

MAPPINGS: dict[Any, Any] = {
    dict: dict,
    collections.abc.Mapping: dict,
    collections.abc.MutableMapping: dict,
    collections.OrderedDict: collections.OrderedDict,
}


def list_codec(type_: Any, of: Callable[[Any], Codec], *, trace: bool) -> Codec:
    """A list or set of any number of members."""
    classes, make = LISTS[get_origin(type_) or type_]
    member = _member(of, (get_args(type_) or (Any,))[0])
    write_all, read_all = _write_members(member, trace=trace), _read_members(member, trace=trace)

    def write(value: Any) -> Any:
        if isinstance(value, classes):
            return write_all(value)
        raise expected(type_, value)

    def read(tree: Any, _: Any) -> Any:
        if tree.__class__ is not list:
            raise expected(f"an array for {named(type_)}", tree)
        return make(read_all(tree))

    return Codec(type_, classes, frozenset((list,)), write, read)


def tuple_codec(type_: Any, of: Callable[[Any], Codec], *, trace: bool) -> Codec:
    """A tuple: of any number of members alike (`tuple[int, ...]`), or of these."""
    parts = get_args(type_)
    if type_ is tuple or get_origin(type_) is None:
        parts = (Any, ...)
    if len(parts) == 2 and parts[1] is ...:
        member = _member(of, parts[0])
        write_all, read_all = _write_members(member, trace=trace), _read_members(member, trace=trace)
    else:
        members = [_member(of, part, f"[{index}]") for index, part in enumerate(parts)]
        write_all, read_all = (
            _write_each(type_, members, trace=trace),
            _read_each(type_, members, trace=trace),
        )

    def write(value: Any) -> Any:
        if tuple in value.__class__.__mro__:
            return write_all(value)
        raise expected(type_, value)

    def read(tree: Any, _: Any) -> Any:
        if tree.__class__ is list:
            return tuple(read_all(tree))
        raise expected(f"an array for {named(type_)}", tree)

    return Codec(type_, (tuple,), frozenset((list,)), write, read)


def mapping_codec(type_: Any, of: Callable[[Any], Codec], *, trace: bool) -> Codec:
    """A dict. Keys are text in JSON: numbers are written as their digits, the rest as their own text."""
    class_ = MAPPINGS[get_origin(type_) or type_]
    key_type, value_type = get_args(type_) or (Any, Any)
    if key_type is Any:
        key_type = str
    write_key, read_key = _key(type_, _member(of, key_type))
    codec = _member(of, value_type, "[...]")

    def write(value: Any) -> Any:
        if not isinstance(value, class_):
            raise expected(type_, value)
        write_value = codec.write
        if not trace:
            return {write_key(key): write_value(each) for key, each in value.items()}
        tree: dict[str, Any] = {}
        for key, each in value.items():
            try:
                text = write_key(key)
            except Mismatch as error:
                raise Mismatch(f"a key: {error}") from None
            try:
                tree[text] = write_value(each)
            except Mismatch as error:
                error.under(f"[{text!r}]")
                raise
        return tree

    def read(tree: Any, _: Any) -> Any:
        if tree.__class__ is not dict:
            raise expected(f"an object for {named(type_)}", tree)
        read_value = codec.read
        if trace:
            pairs = [
                (
                    traced_read(f" key {key!r}", read_key)(key, None),
                    traced_read(f"[{key!r}]", read_value)(each, None),
                )
                for key, each in tree.items()
            ]
        else:
            pairs = [(read_key(key, None), read_value(each, None)) for key, each in tree.items()]
        return class_(pairs)

    return Codec(type_, (class_,), frozenset((dict,)), write, read)


def _key(type_: Any, codec: Codec) -> tuple[Write, Read]:
    write, read, kinds = codec.write, codec.read, codec.kinds
    if str in kinds and len(kinds) == 1:
        return write, read
    if kinds & {type(None), str, list, dict}:
        raise Mismatch(f"the keys of {named(type_)} have no text: JSON's keys are text")

    def write_key(key: Any) -> str:
        tree = write(key)
        return tree if type(tree) is str else json.dumps(tree)

    def read_key(text: Any, _: Any) -> Any:
        try:
            tree = text if text in ("NaN", "Infinity", "-Infinity") else json.loads(text)
        except ValueError:
            raise expected(codec.annotation, text) from None
        return read(tree, None)

    return write_key, read_key


def _member(of: Callable[[Any], Codec], type_: Any, step: str = "[...]") -> Codec:
    try:
        return of(type_)
    except Mismatch as error:
        error.under(step)
        raise


def _write_members(member: Codec, *, trace: bool) -> Write:
    def fast(values: Iterable[Any]) -> list[Any]:
        return list(map(member.write, values))

    def slow(values: Iterable[Any]) -> list[Any]:
        tree: list[Any] = []
        try:
            for each in values:
                tree.append(member.write(each))  # noqa: PERF401  # its length says where it failed
        except Mismatch as error:
            error.under(f"[{len(tree)}]")
            raise
        return tree

    return slow if trace else fast


def _read_members(member: Codec, *, trace: bool) -> Callable[[list[Any]], list[Any]]:
    def fast(trees: list[Any]) -> list[Any]:
        read = member.read
        return [read(each, None) for each in trees]

    def slow(trees: list[Any]) -> list[Any]:
        return [traced_read(f"[{index}]", member.read)(each, None) for index, each in enumerate(trees)]

    return slow if trace else fast


def _write_each(type_: Any, members: list[Codec], *, trace: bool) -> Write:
    def write(values: Iterable[Any]) -> list[Any]:
        parts = list(values)
        if len(parts) != len(members):
            raise Mismatch(f"expected {named(type_)}, found {len(parts)} members")
        return [_at(index, member.write, each, trace=trace) for index, (member, each) in _zip(members, parts)]

    return write


def _read_each(type_: Any, members: list[Codec], *, trace: bool) -> Callable[[list[Any]], list[Any]]:
    def read(trees: list[Any]) -> list[Any]:
        if len(trees) != len(members):
            raise Mismatch(f"expected {named(type_)}, found an array of {len(trees)}")
        return [
            _at(index, member.read, each, None, trace=trace) for index, (member, each) in _zip(members, trees)
        ]

    return read


def _zip(members: list[Codec], parts: list[Any]) -> Iterable[tuple[int, tuple[Codec, Any]]]:
    return enumerate(zip(members, parts, strict=True))


def _at(index: int, call: Callable[..., Any], *arguments: Any, trace: bool) -> Any:
    if not trace:
        return call(*arguments)
    try:
        return call(*arguments)
    except Mismatch as error:
        error.under(f"[{index}]")
        raise
