"""Where an operation binds its serializers to the functions that it runs.

A serdes that wants to know has `for_function(func)`, which gives the one to use; a serdes of a batch may have
`for_batch(functions)` as well. That is how `typed()` learns its type.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import SerDes

C = TypeVar("C", bound="Configured")


def is_typed(serdes: object) -> bool:
    """Whether it takes values of one type alone."""
    return getattr(serdes, "is_typed", False) is True


def bound(
    serdes: SerDes[Any] | None, func: Callable[..., Any] | None, operation: str | None = None
) -> SerDes[Any] | None:
    """The serdes for what `func` returns; None for `func` says that nobody here knows the type.

    Args:
        serdes: as it was configured.
        func: the user's function, decorated or not.
        operation: its name, for errors.

    Raises:
        SerDesError: the function's return annotation is missing or cannot be serialized.
    """
    for_function = getattr(serdes, "for_function", None)
    if for_function is None:
        return serdes
    try:
        return cast("SerDes[Any]", for_function(func))
    except SerDesError as error:
        raise _of(operation, error) from error.__cause__


class Configured(Protocol):
    """A config with a serializer."""

    @property
    def serdes(self) -> SerDes[Any] | None: ...


def with_bound(config: C, func: Callable[..., Any] | None, operation: str | None = None) -> C:
    """The config with its `serdes` bound.

    Raises:
        SerDesError: as `bound` does.
    """
    serdes = config.serdes
    if serdes is None:
        return config
    now = bound(serdes, func, operation)
    return config if now is serdes else dataclasses.replace(cast(Any, config), serdes=now)


def bound_batch(
    serdes: SerDes[Any] | None,
    item_serdes: SerDes[Any] | None,
    functions: Sequence[Callable[..., Any]],
    operation: str | None = None,
) -> tuple[SerDes[Any] | None, list[SerDes[Any] | None]]:
    """The serdes of a `BatchResult`, and those of its items: one for each of `functions`.

    A typed `serdes` may be given the items' type or the batch's; a typed `item_serdes` alone is enough.

    Raises:
        SerDesError: as `bound` does.
    """
    item: Any = item_serdes or serdes
    if item is None:
        return None, [None] * len(functions)
    if item_serdes is None and hasattr(item, "for_item"):
        item = item.for_item()
    items = [bound(item, func, operation) for func in functions]
    whole: Any = serdes
    if serdes is None and hasattr(item, "for_item"):
        whole = item
    for_batch = getattr(whole, "for_batch", None)
    if for_batch is None:
        return serdes, items
    try:
        return for_batch(functions), items
    except SerDesError as error:
        raise _of(operation, error) from error.__cause__


def _of(operation: str | None, error: SerDesError) -> SerDesError:
    return SerDesError(f"{error} (operation {operation!r})") if operation else error
