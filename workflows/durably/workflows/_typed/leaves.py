"""Codecs of types that have no parts: numbers, text, times, identifiers, enums and literals.

What JSON has not is written as text in the form that other languages know: ISO 8601 for times and
durations, base64 for bytes, decimal digits for `Decimal`. NaN and the infinities are the texts "NaN",
"Infinity" and "-Infinity".
"""

import base64
import binascii
import datetime as dt
import enum
import ipaddress
import math
import pathlib
import re
import uuid
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from durably.workflows._typed.codec import JSON_KINDS, Codec, Mismatch, expected, leaf, named

_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DURATION = re.compile(
    r"(?P<sign>[+-]?)P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)(?:[.,](?P<fraction>\d{1,6}))?S)?)?"
)


def _write_none(value: Any) -> None:
    if value is not None:
        raise expected("None", value)


def _read_none(tree: Any, _: Any) -> None:
    if tree is not None:
        raise expected("null", tree)


def _write_bool(value: Any) -> bool:
    if value is True or value is False:
        return value
    raise expected(bool, value)


def _read_bool(tree: Any, _: Any) -> bool:
    return _write_bool(tree)


def _write_int(value: Any) -> int:
    if type(value) is int:
        return value
    if isinstance(value, int):  # True is an int, and an IntEnum: they come back as equal ints
        return int(value)
    raise expected(int, value)


def _read_int(tree: Any, _: Any) -> int:
    if type(tree) is int:
        return tree
    raise expected(int, tree)


def _write_float(value: Any) -> float | str:
    if not isinstance(value, float | int):
        raise expected(float, value)
    number = value if type(value) is float else _exact(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def _exact(value: float) -> float:
    try:
        number = float(value)
    except OverflowError:
        number = math.nan
    if number == value or isinstance(value, float):  # of a subclass, perhaps NaN
        return number
    raise Mismatch("this int has no equal float: annotate it as int")


def _read_float(tree: Any, _: Any) -> float:
    if type(tree) is float:
        return tree
    if type(tree) is int:
        return _exact(tree)
    if type(tree) is str and tree in _NOT_FINITE:
        return _NOT_FINITE[tree]
    raise expected(float, tree)


def _write_str(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):
        return str.__str__(value)
    raise expected(str, value)


def _read_str(tree: Any, _: Any) -> str:
    if type(tree) is str:
        return tree
    raise expected(str, tree)


def _text_codec(type_: Any, to_text: Callable[[Any], str], from_text: Callable[[str], Any]) -> Codec:
    name = named(type_)

    def write(value: Any) -> str:
        if isinstance(value, type_):
            return to_text(value)
        raise expected(name, value)

    def read(tree: Any, _: Any) -> Any:
        if type(tree) is not str:
            raise expected(f"the text of a {name}", tree)
        try:
            return from_text(tree)
        except (ValueError, InvalidOperation, binascii.Error, OverflowError):
            raise Mismatch(f"expected the text of a {name}, found another text") from None

    return leaf(type_, str, write, read)


def _decimal() -> Codec:
    codec = _text_codec(Decimal, str, Decimal)
    read_text = codec.read

    def read(tree: Any, type_: Any) -> Decimal:
        if type(tree) is int:  # as another language may write it
            return Decimal(tree)
        if type(tree) is float:
            return Decimal(repr(tree))
        value: Decimal = read_text(tree, type_)
        return value

    codec.read = read
    return codec


def _date() -> Codec:
    codec = _text_codec(dt.date, dt.date.isoformat, dt.date.fromisoformat)
    write_date = codec.write

    def write(value: Any) -> Any:
        if isinstance(value, dt.datetime):  # a date by inheritance, whose time would be lost
            raise expected("date", value)
        return write_date(value)

    codec.write = write
    return codec


def _base64(value: bytes | bytearray) -> str:
    return base64.b64encode(value).decode("ascii")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text.encode(), validate=True)


def _write_duration(value: dt.timedelta) -> str:
    whole = abs(value)
    minutes, seconds = divmod(whole.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{whole.microseconds:06}".rstrip("0") if whole.microseconds else ""
    sign = "-" if value < dt.timedelta() else ""
    return f"{sign}P{whole.days}DT{hours}H{minutes}M{seconds}{fraction}S"


def _read_duration(text: str) -> dt.timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or text[-1] in "PT":
        raise ValueError(text)
    amounts = {unit: int(match[unit] or 0) for unit in ("weeks", "days", "hours", "minutes", "seconds")}
    microseconds = int((match["fraction"] or "0").ljust(6, "0"))
    value = dt.timedelta(microseconds=microseconds, **amounts)
    return -value if match["sign"] == "-" else value


def _own_text(type_: Callable[[str], Any]) -> Callable[[], Codec]:
    return lambda: _text_codec(type_, str, type_)


def _paths() -> dict[type, Callable[[], Codec]]:
    classes: tuple[type, ...] = (
        pathlib.PurePath,
        pathlib.PurePosixPath,
        pathlib.PureWindowsPath,
        pathlib.Path,
        type(pathlib.Path()),
    )
    return {each: _own_text(each) for each in classes}


LEAVES: dict[type, Callable[[], Codec]] = {
    type(None): lambda: leaf(type(None), type(None), _write_none, _read_none),
    bool: lambda: leaf(bool, bool, _write_bool, _read_bool),
    int: lambda: leaf(int, int, _write_int, _read_int),
    float: lambda: Codec(float, (float,), frozenset((int, float)), _write_float, _read_float),
    str: lambda: leaf(str, str, _write_str, _read_str),
    bytes: lambda: _text_codec(bytes, _base64, _from_base64),
    bytearray: lambda: _text_codec(bytearray, _base64, lambda text: bytearray(_from_base64(text))),
    uuid.UUID: lambda: _text_codec(uuid.UUID, str, uuid.UUID),
    Decimal: _decimal,
    dt.datetime: lambda: _text_codec(dt.datetime, dt.datetime.isoformat, dt.datetime.fromisoformat),
    dt.date: _date,
    dt.time: lambda: _text_codec(dt.time, dt.time.isoformat, dt.time.fromisoformat),
    dt.timedelta: lambda: _text_codec(dt.timedelta, _write_duration, _read_duration),
    **_paths(),
    **{
        each: _own_text(each)
        for each in (
            ipaddress.IPv4Address,
            ipaddress.IPv6Address,
            ipaddress.IPv4Network,
            ipaddress.IPv6Network,
        )
    },
}


def enum_codec(type_: type[enum.Enum]) -> Codec:
    """By value if all values are text, or all are whole numbers; else by name."""
    values = [member.value for member in type_]
    flags = issubclass(type_, enum.Flag)
    by_value = flags or any(values and all(type(each) is kind for each in values) for kind in (str, int))
    kind = int if flags or (by_value and type(values[0]) is int) else str
    name = named(type_)

    def write(value: Any) -> Any:
        if type(value) is not type_:
            raise expected(name, value)
        return value.value if by_value else value.name

    def read(tree: Any, _: Any) -> Any:
        if type(tree) is not kind:
            raise expected(f"the {'value' if by_value else 'name'} of a {name}", tree)
        try:
            return type_(tree) if by_value else type_[str(tree)]
        except (ValueError, KeyError):
            raise Mismatch(f"found what is no {'value' if by_value else 'name'} of {name}") from None

    return leaf(type_, kind, write, read)


def literal_codec(type_: Any, values: tuple[Any, ...]) -> Codec:
    """Exactly these values: None, text, numbers, bytes, and members of enums."""
    trees: dict[tuple[type, Any], Any] = {}
    back: dict[tuple[type, Any], Any] = {}
    value: Any
    for value in values:
        if isinstance(value, enum.Enum):
            tree: Any = enum_codec(type(value)).write(value)
        else:
            tree = _base64(value) if isinstance(value, bytes) else value
        if back.setdefault((tree.__class__, tree), value) is not value:
            raise Mismatch(f"{named(type_)} is ambiguous: two of its values have the same JSON")
        trees[type(value), value] = tree
    classes: tuple[type, ...] = tuple({key[0]: None for key in trees})
    name = named(type_)

    def write(value: Any) -> Any:
        if type(value) in classes and (type(value), value) in trees:
            return trees[type(value), value]
        raise expected(name, value)

    def read(tree: Any, _: Any) -> Any:
        if tree.__class__ in (list, dict) or (type(tree), tree) not in back:
            raise expected(name, tree)
        return back[type(tree), tree]

    return Codec(type_, classes, frozenset(key[0] for key in back), write, read)


def any_codec(type_: Any) -> Codec:
    """What JSON has itself, and nothing else: it could not be told what else to read back."""

    def check(value: Any) -> None:
        if value is None or type(value) in (str, int, bool, float):
            return
        if value.__class__ is list:
            for each in value:
                check(each)
        elif value.__class__ is dict and all(type(key) is str for key in value):
            for each in value.values():
                check(each)
        else:
            raise Mismatch(
                f"{named(type_)} stands for what JSON has (None, bool, int, float, str, list, and dict with "
                f"keys of str); a value of type {named(type(value))} needs an annotation of its own"
            )

    def write(value: Any) -> Any:
        check(value)
        return value

    def read(tree: Any, _: Any) -> Any:
        return tree

    return Codec(type_, (object,), JSON_KINDS, write, read)
