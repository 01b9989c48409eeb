"""Immutable classes that cost no more to make than mutable ones.

A step makes some twenty messages and records. attrs' own `frozen` sets each field through
`object.__setattr__`, which is a fifth of all that a step costs here. So the type checkers see `attrs.frozen`
and refuse an assignment, and at run time the check is there in Python's development mode (`python -X dev`)
only, in which the tests run.
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
        return attrs.define(cls, eq=eq, unsafe_hash=eq or None)


__all__ = ["frozen"]
