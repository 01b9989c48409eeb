"""Checks of arguments, all raising `ValidationError` with the argument's name and the value given.

They run when a config is made, long before anything is checkpointed. A `bool` is never taken for a
number: `max_concurrency=True` is a slip, not a one.
"""

import math
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeGuard

from durably.workflows.exceptions import ValidationError

LONGEST_WAIT = 31_622_400
"""In seconds (366 days): of waits, and of delays between attempts."""
_SUB_TYPE = re.compile(r"[A-Za-z0-9_-]{1,32}")


def refuse(name: str, wanted: str, value: object) -> ValidationError:
    """The error that says what `name` must be and what it is."""
    return ValidationError(f"{name} must be {wanted}, got: {value!r}")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is a finite int or float, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def check_int(name: str, value: object, minimum: int, maximum: int | None = None) -> None:
    """`value` must be an int from `minimum` to `maximum` (no bound if None)."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise refuse(name, "a whole number", value)
    if maximum is not None and not minimum <= value <= maximum:
        raise refuse(name, f"between {minimum} and {maximum}", value)
    if value < minimum:
        raise refuse(name, "non-negative" if minimum == 0 else f"at least {minimum}", value)


def check_type(name: str, value: object, wanted: type) -> None:
    """`value` must be an instance of `wanted`."""
    if not isinstance(value, wanted):
        if issubclass(wanted, Enum):
            members = ", ".join(member.name for member in wanted)
            raise refuse(name, f"a member of {wanted.__name__} ({members})", value)
        article = "an" if wanted.__name__[0] in "AEIOaeio" else "a"
        error = refuse(name, f"{article} {wanted.__name__}", value)
        if wanted.__name__ == "Duration" and is_number(value):
            error = ValidationError(f"{error}. Make it Duration.from_seconds({value})")
        raise error


def check_callable(name: str, value: object, required: bool = False) -> None:
    """`value` must be callable, or None unless `required`."""
    if callable(value) or (value is None and not required):
        return
    made_from = type(value).__name__
    hint = f" (a function made from the {made_from})" if made_from.endswith("StrategyConfig") else ""
    raise refuse(name, f"callable{hint}", value)


def check_name(name: str, value: object) -> str:
    """`value` must be what the service takes as a name: 1 to 256 printable ASCII characters."""
    if not isinstance(value, str):
        raise refuse(name, "a str", value)
    if not (0 < len(value) <= 256 and value.isascii() and value.isprintable()):
        raise refuse(name, "1 to 256 printable ASCII characters", value)
    return value


def name_of(name: object, func: object = None) -> str | None:
    """The name that is given, or the one of a function made by a `durable_*` decorator."""
    if name is None or name == "":
        name = getattr(func, "_original_name", None)
        if name is None:
            return None
    return check_name("name", name)


def check_sequence(name: str, value: object) -> None:
    """`value` must be a sequence, whose order and length are known."""
    if not isinstance(value, Sequence) or isinstance(value, Mapping):
        hint = " Make a list of it." if hasattr(value, "__iter__") else ""
        raise ValidationError(f"{name} must be a sequence, got {type(value).__name__}.{hint}")


def check_serdes(name: str, value: object) -> None:
    """`value` must be None or have the methods of a `SerDes`; a class is no instance."""
    if value is None:
        return
    complete = callable(getattr(value, "serialize", None)) and callable(getattr(value, "deserialize", None))
    if isinstance(value, type) or not complete:
        raise refuse(name, "a SerDes instance (with serialize and deserialize)", value)


def check_sub_type(value: object) -> None:
    """`value` must be what the service takes for a subtype; None and "" choose the default."""
    if value is None or value == "":
        return
    if not isinstance(value, str) or not _SUB_TYPE.fullmatch(value):
        raise refuse("sub_type", "1 to 32 characters from A-Z, a-z, 0-9, hyphen, and underscore", value)
