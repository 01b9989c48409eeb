"""What a function says that it returns."""

import functools
import inspect
import typing
import weakref
from collections.abc import Callable
from typing import Any

from durably.workflows._typed.classes import unresolvable
from durably.workflows._typed.codec import Mismatch
from durably.workflows.config import ParallelBranch

_known: "weakref.WeakKeyDictionary[Callable[..., Any], Any]" = weakref.WeakKeyDictionary()


def return_type(func: Callable[..., Any]) -> Any:
    """The return annotation of a function, resolved; of a class, the class.

    Raises:
        Mismatch: it has none, or names what cannot be found.
    """
    inner = _unwrapped(func)
    if isinstance(inner, type):
        return inner
    try:
        return _known[inner]
    except (KeyError, TypeError):  # a callable object may take no weak reference
        found = _resolved(inner)
    try:
        _known[inner] = found
    except TypeError:
        pass
    return found


def _unwrapped(func: Any) -> Any:
    """The function that a user wrote, below decorators, partial objects, branches and methods."""
    while True:
        if isinstance(func, functools.partial | ParallelBranch):
            func = func.func  # pyright: ignore[reportUnknownMemberType]  # of whatever type
        elif hasattr(func, "_annotated_function"):
            func = func._annotated_function  # noqa: SLF001  # left there by `durable_step` and its like
        elif hasattr(func, "__wrapped__"):
            func = func.__wrapped__
        elif inspect.ismethod(func):
            func = func.__func__
        elif isinstance(func, type) or inspect.isfunction(func) or inspect.isbuiltin(func):
            return func
        else:  # an object that can be called
            return getattr(func.__class__, "__call__", func)  # noqa: B004  # for its annotations


def _resolved(func: Any) -> Any:
    name = getattr(func, "__qualname__", repr(func))
    annotation = getattr(func, "__annotations__", {}).get("return", inspect.Signature.empty)
    if annotation is inspect.Signature.empty:
        raise Mismatch(
            f"the function {name} has no return annotation: write one, as in def "
            "f(step) -> Order, or give the type, typed(Order)"
        )

    def alone() -> None:  # its other annotations may be names that only a type checker knows
        """Carries the one annotation."""

    alone.__annotations__ = {"return": annotation}
    try:
        return typing.get_type_hints(alone, getattr(func, "__globals__", {}), _closure(func))["return"]
    except NameError as error:
        raise unresolvable(f"the function {name}", error) from None


def _closure(func: Any) -> dict[str, Any]:
    code = getattr(func, "__code__", None)
    found: dict[str, Any] = {}
    for name, cell in zip(
        getattr(code, "co_freevars", ()), getattr(func, "__closure__", None) or (), strict=False
    ):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return found
