"""What every codec is, and the one error that codecs raise.

A codec writes values as what `json.dumps` takes (its *tree*) and reads them from what `json.loads` gives. It
is strict both ways: a value is written only if it would be read back equal. What says *where* something is
wrong costs a call for every field, so it is left out at first: only if something is wrong is the type
compiled again, `traced`, to find the place.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import attrs

Write: TypeAlias = Callable[[Any], Any]
Read: TypeAlias = Callable[[Any, Any], Any]
"""Takes the tree, and a type that it ignores: the form of cattrs' hooks."""

JSON_KINDS: frozenset[type] = frozenset((type(None), bool, int, float, str, list, dict))


class Mismatch(Exception):  # noqa: N818  # never seen by a user: it becomes a SerDesError
    """A value or a tree is not of the type; or the type itself has no codec."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self._steps: list[str] = []

    def under(self, step: str) -> "Mismatch":
        """This, seen from one level up: `.field`, `[3]` or `['key']`."""
        self._steps.append(step)
        return self

    def __str__(self) -> str:
        path = "".join(reversed(self._steps)).removeprefix(".")
        return f"at {path}: {self.reason}" if path else self.reason


@attrs.define(eq=False)
class Codec:
    """Between the values of one type and their trees.

    It is handed out before it is complete: a class may contain itself. So `kinds`, `classes` and `tag` are
    known from the beginning, while `write` and `read` are filled in at the end.

    Attributes:
        annotation: the type that it is for.
        classes: the classes whose instances it writes.
        kinds: what its trees are: classes out of `JSON_KINDS`.
        tag: what it is called where a union must tell its members apart.
        inline: its trees are dicts, to which a tag may be added.
        members: if it is inline, the keys of its trees, as far as they are known.
    """

    annotation: Any
    classes: tuple[type, ...]
    kinds: frozenset[type]
    write: Write
    read: Read
    inline: bool = False
    members: tuple[str, ...] = ()

    @property
    def tag(self) -> str:
        return named(self.annotation).partition("[")[0]

    @property
    def is_native(self) -> bool:
        """JSON has this type itself."""
        return len(self.classes) == 1 and self.classes[0] in JSON_KINDS


def leaf(type_: type, kind: type, write: Write, read: Read) -> Codec:
    """The codec of a type without parts, whose trees are of one kind."""
    return Codec(type_, (type_,), frozenset((kind,)), write, read)


def named(type_: Any) -> str:
    """A type as its author wrote it, more or less."""
    if isinstance(type_, type) and not hasattr(type_, "__args__"):
        return "None" if type_ is type(None) else type_.__qualname__.rpartition(".<locals>.")[2]
    origin = getattr(type_, "__origin__", None)
    arguments = getattr(type_, "__args__", ())
    if isinstance(origin, type) and arguments:
        return f"{named(origin)}[{', '.join(named(each) for each in arguments)}]"
    if arguments and (origin is None or getattr(origin, "_name", "") in ("Union", "Optional")):
        return " | ".join(named(each) for each in arguments)
    return "..." if type_ is ... else repr(type_).removeprefix("typing.")


def found(value: object) -> str:
    """What a value is, without showing it: it may be a secret."""
    return "null" if value is None else f"a value of type {named(type(value))}"


def expected(type_: Any, value: object) -> Mismatch:
    """The error that a value is not of the type."""
    wanted = type_ if isinstance(type_, str) else named(type_)
    return Mismatch(f"expected {wanted}, found {found(value)}")


def traced_write(step: str, write: Write) -> Write:
    """The same, naming where it was when it fails."""

    def traced(value: Any) -> Any:
        try:
            return write(value)
        except Mismatch as error:
            error.under(step)
            raise

    return traced


def traced_read(step: str, read: Read) -> Read:
    """The same, naming where it was when it fails."""

    def traced(tree: Any, type_: Any) -> Any:
        try:
            return read(tree, type_)
        except Mismatch as error:
            error.under(step)
            raise

    return traced


def lookup(table: Mapping[type, Codec], value: object) -> Codec | None:
    """The codec for the nearest class of `value`."""
    for each in type(value).__mro__:
        codec = table.get(each)
        if codec is not None:
            return codec
    return None
