"""Codecs of unions: by what JSON itself tells apart, else by a tag.

A member whose JSON nobody else has is written as it is: `Order | None`, `int | str | list[int]`. Members that
JSON cannot tell apart are tagged with the name of their class, a class beside its fields
(`{"_type": "Card", "number": "..."}`), anything else around it (`{"_type": "date", "_value": "2024-01-02"}`);
of these, what JSON has itself goes on without a tag, as the `str` of `str | UUID` does. The class is decided
by the value when it is written and by the tag when it is read, so nothing is ever guessed.
"""

import math
from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

from durably.workflows._typed.codec import Codec, Mismatch, Read, Write, expected, found, lookup, named

TAG = "_type"
CONTENT = "_value"


def union_codec(type_: Any, of: Callable[[Any], Codec]) -> Codec:
    """The codec of a union.

    Raises:
        Mismatch: two of its members have values of the same class, or the same name.
    """
    codecs = [of(each) for each in _members(get_args(type_))]
    for codec in codecs:
        if object in codec.classes:
            return codec  # what it takes besides is in Any already
    _refuse_same_classes(type_, codecs)
    tagged = _tagged(codecs)
    if len({codec.tag for codec in tagged}) < len(tagged):
        names = ", ".join(named(codec.annotation) for codec in tagged)
        raise Mismatch(f"{named(type_)} is ambiguous: some of {names} have the same name. Rename one")
    written = {class_: _written(codec, tagged) for codec in codecs for class_ in codec.classes}
    plain = [codec for codec in codecs if codec not in tagged]
    read_by_kind: dict[type, Read] = {}
    for codec in sorted(plain, key=lambda codec: float in codec.classes):  # an int is an int, if there is one
        for kind in codec.kinds:
            read_by_kind.setdefault(kind, codec.read)
    if tagged:
        read_by_kind[dict] = _read_tagged(type_, tagged)
    for codec in plain:
        if float in codec.classes:
            _make_room_for_nan(codec, written, read_by_kind)

    def write(value: Any) -> Any:
        codec = lookup(written, value)
        if codec is None:
            raise expected(type_, value)
        return codec.write(value)

    def read(tree: Any, _: Any) -> Any:
        read_as = read_by_kind.get(tree.__class__)
        if read_as is None:
            raise expected(type_, tree)
        return read_as(tree, None)

    return Codec(type_, tuple(written), frozenset(read_by_kind), write, read)


def _members(types: tuple[Any, ...]) -> list[Any]:
    """The types; all literals as one."""
    literals = [value for each in types if get_origin(each) is Literal for value in get_args(each)]
    others = [each for each in types if get_origin(each) is not Literal]
    return [*others, Literal[tuple(literals)]] if literals else others


def _refuse_same_classes(type_: Any, codecs: list[Codec]) -> None:
    seen: dict[type, Codec] = {}
    for codec in codecs:
        for class_ in codec.classes:
            other = seen.setdefault(class_, codec)
            if other is not codec:
                raise Mismatch(
                    f"{named(type_)} is ambiguous: {named(other.annotation)} and {named(codec.annotation)} "
                    f"are both instances of {named(class_)}. Make a class of one, or a field of a class"
                )


def _tagged(codecs: list[Codec]) -> list[Codec]:
    """Those whose kind of JSON another has too, but what JSON has itself."""
    tagged = [
        codec
        for codec in codecs
        if not codec.is_native and any(codec.kinds & other.kinds for other in codecs if other is not codec)
    ]
    if tagged:  # which makes objects of them
        tagged += [codec for codec in codecs if codec not in tagged and dict in codec.kinds]
    return tagged


def _written(codec: Codec, tagged: list[Codec]) -> Codec:
    if codec not in tagged:
        return codec
    tag = codec.tag

    def write_inline(value: Any) -> Any:
        return {TAG: tag, **codec.write(value)}

    def write_around(value: Any) -> Any:
        return {TAG: tag, CONTENT: codec.write(value)}

    write: Write = write_inline if _inlined(codec) else write_around
    return Codec(codec.annotation, codec.classes, frozenset((dict,)), write, codec.read)


def _inlined(codec: Codec) -> bool:
    return codec.inline and TAG not in codec.members


def _read_tagged(type_: Any, tagged: list[Codec]) -> Read:
    by_tag = {codec.tag: codec for codec in tagged}

    def read(tree: Any, _: Any) -> Any:
        tag = tree.get(TAG)
        codec = by_tag.get(tag) if isinstance(tag, str) else None
        if codec is None:
            known = ", ".join(by_tag)
            what = f"the {TAG} {tag!r}" if isinstance(tag, str) else f"no {TAG}"
            raise Mismatch(f"expected {named(type_)}, told apart by {TAG} ({known}), found {what}")
        if _inlined(codec):
            return codec.read({key: each for key, each in tree.items() if key != TAG}, None)
        if CONTENT not in tree:
            raise Mismatch(f"expected a {tag} as {CONTENT}, found {found(None)}")
        return codec.read(tree[CONTENT], None)

    return read


def _make_room_for_nan(codec: Codec, written: dict[type, Codec], read_by_kind: dict[type, Read]) -> None:
    """NaN and the infinities are written as text, if no other member is text."""
    if read_by_kind.setdefault(str, codec.read) is codec.read:
        return
    write_float = codec.write

    def write(value: Any) -> Any:
        if not math.isfinite(value):
            raise Mismatch(f"{value!r} is written as text, and would be read as another member of the union")
        return write_float(value)

    written[float] = Codec(codec.annotation, codec.classes, codec.kinds, write, codec.read)
