"""Immutable classes that cost no more to make than mutable ones.

A step makes some twenty messages and records. attrs' own `frozen` sets each field through
`object.__setattr__`, which is a fifth of all that a step costs here. So the type checkers see `attrs.frozen`
and refuse an assignment, and at run time the check is there in Python's development mode
(`python -X dev`) only. Without comparison (`eq=False`) attrs is asked for as little as it can generate, since
that is time at import.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attrs import frozen
else:
    import attrs

    def frozen(cls: Any = None, *, eq: bool = True) -> Any:
        """As `attrs.frozen`; checked at run time in development mode only."""
        if cls is None:
            return lambda decorated: frozen(decorated, eq=eq)
        if sys.flags.dev_mode:
            return attrs.frozen(cls, eq=eq)
        if eq:
            return attrs.define(cls, unsafe_hash=True)
        if "__repr__" not in vars(cls):
            cls.__repr__ = _repr
        return attrs.define(cls, eq=False, repr=False, match_args=False, weakref_slot=False)

    def _repr(self: Any) -> str:
        fields = attrs.fields(type(self))
        values = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields)
        return f"{type(self).__name__}({values})"


__all__ = ["frozen"]
