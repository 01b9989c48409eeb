"""Codecs of Pydantic models. Pydantic is never imported here: a type that is a model has done so."""

import json
import sys
from typing import Any

from durably.workflows._typed.codec import JSON_KINDS, Codec, Mismatch, expected, named


def is_model(class_: type) -> bool:
    pydantic: Any = sys.modules.get("pydantic")
    base = getattr(pydantic, "BaseModel", None)
    return base is not None and issubclass(class_, base)


def model_codec(class_: Any) -> Codec:
    """A model: its own JSON, by its aliases, validated when it is read."""
    import pydantic

    name = named(class_)
    is_root = issubclass(class_, pydantic.RootModel)

    def write(value: Any) -> Any:
        if type(value) is not class_:
            raise expected(name, value)
        try:
            return value.model_dump(mode="json", by_alias=True, round_trip=True, warnings="error")
        except Exception as error:
            raise Mismatch(f"{name} cannot be written by Pydantic: {_first_line(error)}") from error

    def read(tree: Any, _: Any) -> Any:
        try:
            return class_.model_validate_json(json.dumps(tree))  # as JSON: strict models know no other form
        except pydantic.ValidationError as error:
            raise _located(name, error) from None

    kinds = JSON_KINDS if is_root else frozenset((dict,))
    fields: dict[str, Any] = {} if is_root else class_.model_fields
    keys = (*fields, *(each.serialization_alias or each.alias or "" for each in fields.values()))
    return Codec(class_, (class_,), kinds, write, read, inline=not is_root, members=keys)


def _located(name: str, error: Any) -> Mismatch:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    mismatch = Mismatch(f"{name}: {first['msg']}")
    for step in reversed(first["loc"]):
        mismatch.under(f"[{step}]" if isinstance(step, int) else f".{step}")
    return mismatch


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
