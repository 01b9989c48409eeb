"""The default text form of values: JSON that keeps the Python types which JSON has not.

`None`, `str`, `int`, `float`, `bool`, and lists of only those, are written as plain compact JSON. Any
other value is written with a tag at each of its nodes, `{"t":<tag>,"v":<value>}`, so that a tuple comes
back as a tuple and a `Decimal` as a `Decimal`. The text is byte for byte that of AWS's SDK.

Text is built and read by one function for each type, found by the exact class in a table. There is no
object for a node on the way: a fan-out serializes as many values as it has branches.
"""

from __future__ import annotations

import base64
import inspect
import json
import math
import uuid
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any, cast

from durably.workflows.concurrency.models import BatchResult
from durably.workflows.errors import error_to_wire
from durably.workflows.exceptions import SerDesError

_quote: Callable[[str], str] = encode_basestring_ascii
_write_plain = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_PLAIN = frozenset((str, int, float, bool, type(None)))


def is_plain(value: object) -> bool:
    """Whether `value` is written as plain JSON: a primitive, or a list (of lists) of primitives."""
    if value is None or isinstance(value, str | int | float):
        return True
    if not isinstance(value, list):
        return False
    members = cast("list[object]", value)
    others = set(map(type, members)) - _PLAIN
    if not others:
        return True
    if not all(issubclass(each, str | int | float | list) for each in others):
        return False
    return all(is_plain(member) for member in members if type(member) not in _PLAIN)


def to_text(value: object) -> str:
    """The text of `value`.

    Raises:
        SerDesError: it holds something of a type that has no text.
        TypeError: a key of a mapping cannot be a key in JSON.
    """
    if type(value) is str:
        return _quote(value)
    if value is None:
        return "null"
    if type(value) is int:
        return int.__repr__(value)
    if is_plain(value):
        return _write_plain(value)
    return _tagged(value)


def from_text(text: str) -> Any:
    """The value that `text` is of.

    Raises:
        SerDesError: it is neither plain nor tagged, or a tag is unknown or holds the wrong thing.
        ValueError: it is no JSON, or a tagged value has the wrong form.
    """
    node: Any = json.loads(text)
    if is_plain(node):
        return node
    if not (isinstance(node, dict) and "t" in node and "v" in node):
        raise SerDesError('Malformed envelope: missing "t" or "v" at root.')
    return _untagged(node)


# Writing


def _tagged(value: object) -> str:
    write = _WRITERS.get(type(value))
    if write is None:
        write = _writer_of_base(value)
    return write(value)


def _writer_of_base(value: object) -> Callable[[Any], str]:
    for base in _BASES:
        if isinstance(value, base):
            return _WRITERS[base]
    raise SerDesError(f"Unsupported type: {type(value)}: {_remedy(value)}")


def _remedy(value: object) -> str:
    if inspect.isawaitable(value):
        return "the function is async; make it a plain one, with asyncio.run() in a step"
    if inspect.isroutine(value):
        return "a function that a decorator such as @durable_step made is called first, with its arguments"
    return "return what JSON has, or give a serdes, such as typed() for dataclasses and sets"


def _none(_: object) -> str:
    return '{"t":"n","v":null}'


def _str(value: str) -> str:
    return f'{{"t":"s","v":{_quote(value)}}}'


def _bool(value: bool) -> str:
    return '{"t":"b","v":true}' if value else '{"t":"b","v":false}'


def _int(value: int) -> str:
    return f'{{"t":"i","v":{int.__repr__(value)}}}'


def _float(value: float) -> str:
    return f'{{"t":"f","v":{_float_text(value)}}}'


def _float_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


def _bytes(value: bytes | bytearray | memoryview) -> str:
    return f'{{"t":"B","v":"{base64.b64encode(bytes(value)).decode("ascii")}"}}'


def _uuid(value: uuid.UUID) -> str:
    return f'{{"t":"u","v":{_quote(str(value))}}}'


def _decimal(value: Decimal) -> str:
    return f'{{"t":"d","v":{_quote(str(value))}}}'


def _datetime(value: datetime) -> str:
    return f'{{"t":"dt","v":{_quote(value.isoformat())}}}'


def _date(value: date) -> str:
    return f'{{"t":"D","v":{_quote(value.isoformat())}}}'


def _list(value: list[Any]) -> str:
    return f'{{"t":"l","v":[{",".join([_tagged(each) for each in value])}]}}'


def _tuple(value: tuple[Any, ...]) -> str:
    return f'{{"t":"t","v":[{",".join([_tagged(each) for each in value])}]}}'


def _dict(value: dict[Any, Any]) -> str:
    members = [
        f"{_quote(key) if type(key) is str else _key(key)}:{_tagged(each)}" for key, each in value.items()
    ]
    return f'{{"t":"m","v":{{{",".join(members)}}}}}'


def _key(key: object) -> str:
    if isinstance(key, str):
        return _quote(key)
    if isinstance(key, float):
        return f'"{_float_text(key)}"'
    if key is None:
        return '"null"'
    if isinstance(key, bool):
        return '"true"' if key else '"false"'
    if isinstance(key, int):
        return f'"{int.__repr__(key)}"'
    if isinstance(key, tuple):
        raise SerDesError("Tuple keys not supported")
    raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")


def _batch(value: BatchResult[Any]) -> str:
    items = [
        f'{{"t":"m","v":{{"index":{_tagged(item.index)},"status":{_str(item.status.value)},'
        f'"result":{_tagged(item.result)},'
        f'"error":{_none(None) if item.error is None else _dict(error_to_wire(item.error))}}}}}'
        for item in value.all
    ]
    reason = _str(value.completion_reason.value)
    return f'{{"t":"br","v":{{"all":{{"t":"l","v":[{",".join(items)}]}},"completionReason":{reason}}}}}'


_WRITERS: dict[type, Callable[[Any], str]] = {
    type(None): _none,
    str: _str,
    bool: _bool,
    int: _int,
    float: _float,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    uuid.UUID: _uuid,
    Decimal: _decimal,
    datetime: _datetime,
    date: _date,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    BatchResult: _batch,
}
_BASES = tuple(_WRITERS)  # in the order in which a subclass is taken for one of them


# Reading


def _untagged(node: Any) -> Any:
    # What has no tag where one belongs is taken as it stands.
    if type(node) is not dict:
        return node  # pyright: ignore[reportUnknownVariableType]  # narrowed out of Any
    envelope = cast("dict[str, Any]", node)
    if "t" not in envelope or "v" not in envelope:
        return envelope
    tag = envelope["t"]
    read = _READERS.get(tag) if isinstance(tag, str) else None
    if read is None:
        raise SerDesError(f'Unknown type tag: "{tag}"')
    return read(envelope["v"])


def _read_none(_: object) -> None:
    return None


def _read_bytes(value: str) -> bytes:
    return base64.b64decode(value.encode())


def _read_datetime(value: str) -> datetime:
    return datetime.fromisoformat(f"{value[:-1]}+00:00" if value.endswith("Z") else value)


def _read_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise SerDesError(f"Expected list, got {type(value)}")
    members = cast("list[object]", value)
    return [_untagged(each) for each in members]


def _read_tuple(value: object) -> tuple[Any, ...]:
    return tuple(_read_list(value))


def _read_dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise SerDesError(f"Expected dict, got {type(value)}")
    members = cast("dict[str, Any]", value)
    return {key: _untagged(each) for key, each in members.items()}


def _read_batch(value: object) -> BatchResult[Any]:
    return BatchResult[Any].from_dict(_read_dict(value))


_READERS: dict[str, Callable[[Any], Any]] = {
    "n": _read_none,
    "s": str,
    "b": bool,
    "i": int,
    "f": float,
    "B": _read_bytes,
    "u": uuid.UUID,
    "d": Decimal,
    "dt": _read_datetime,
    "D": date.fromisoformat,
    "l": _read_list,
    "t": _read_tuple,
    "m": _read_dict,
    "br": _read_batch,
}
