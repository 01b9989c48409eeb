"""What an invariant of yours may look at, and how it says that something is wrong."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from durably.actors.model import Operation, OperationUpdate
from durably.workflows.testing.invariant import InvariantError


@attrs.frozen
class RunView:
    """What an invariant of yours may look at.

    Attributes:
        operations: the service's records by id, the execution's own among them.
        updates: every update that the service has accepted, in order.
        time: what the service's clock says.
        invocations: how many there were.
        choices: what has happened, one choice after the other.
        output: what the execution came to, once it has.
    """

    operations: Mapping[str, Operation]
    updates: Sequence[OperationUpdate]
    time: datetime
    invocations: int
    choices: Sequence[str]
    output: Mapping[str, Any] | None

    def named(self, name: str) -> list[Operation]:
        """The operations of this name, in order of their creation."""
        return [operation for operation in self.operations.values() if operation.name == name]


Invariant = Callable[[RunView], object]
"""Says whether all is well: by returning anything but False, and by raising no AssertionError."""


def check(invariants: Sequence[Invariant], view: RunView) -> None:
    """Nothing, if all hold.

    Raises:
        InvariantError: one does not.
    """
    for invariant in invariants:
        name = getattr(invariant, "__name__", type(invariant).__name__)
        try:
            holds = invariant(view)
        except InvariantError:
            raise
        except AssertionError as error:
            raise InvariantError(name, str(error) or "it does not hold") from error
        if holds is False:
            raise InvariantError(name, "it does not hold")
