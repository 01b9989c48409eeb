"""What an operation is: its START, and what that sets going.

Workflow code describes an operation with a `Spec`; the operation's actor brings it to its end.
"""

import contextvars
import enum
from collections.abc import Callable

from durably.actors.actor import Ref
from durably.actors.frozen import frozen
from durably.actors.messages import Outcome
from durably.actors.model import OperationUpdate
from durably.actors.task import Task


class Kind(enum.IntEnum):
    """What the START of an operation sets going."""

    STEP = 0
    AT_MOST_ONCE = 1
    WAIT = 2  # and an invoke: the service completes it
    CALLBACK = 3
    CONTEXT = 4
    MAP = 5


CONFIRMED = (Kind.WAIT, Kind.CALLBACK, Kind.AT_MOST_ONCE)
"""What goes on when its START is confirmed; the others do so at once."""


@frozen(eq=False)
class Body:
    """User code of a step. `run(attempt, interrupted)` answers for every `Exception` itself.

    `interrupted` is true for an at-most-once attempt that may have run before: then it must only decide
    what becomes of the operation. `code` identifies the function.
    """

    run: Callable[[int, bool], Outcome]
    code: object = None
    context: contextvars.Context | None = None


@frozen(eq=False)
class Spec:
    """What an operation is: its START, and what that sets going.

    Exactly one of `body` (steps), `outcome` (a step that is decided already), `task` (a context: makes the
    task, given the actor that it returns to) and `concurrency` (a map: makes the actor that decides it) is
    there; none for waits and callbacks. `branch` is the map's actor and the index, if this is a branch.
    """

    kind: Kind
    start: OperationUpdate
    body: Body | None = None
    task: Callable[[Ref], Task] | None = None
    concurrency: Callable[[Ref], Ref] | None = None
    branch: tuple[Ref, int] | None = None
    outcome: Outcome | None = None
