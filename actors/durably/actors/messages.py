"""Every message that the actors of an invocation exchange; `docs/architecture.md` has them as a table.

Each is a frozen class. The refs in them are the only way in which actors know each other.
"""

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durably.actors.frozen import frozen
from durably.actors.model import CheckpointResponse, ErrorObject, Operation, OperationUpdate

if TYPE_CHECKING:
    from durably.actors.actor import Ref
    from durably.actors.task import Task

ROOT = ""
"""The finished ancestor of `Orphaned` when the whole invocation is over."""


class Message:
    """What an actor receives."""

    __slots__ = ()


# ------------------------------------------------------------------ how a piece of work came out


@frozen
class Succeeded:
    """It has a result: its serialized text, and the value that this text gives when it is read back."""

    payload: str | None
    value: Any = None
    replay_children: bool = False


@frozen
class Failed:
    """It is over without a result."""

    error: ErrorObject


@frozen
class Retried:
    """It is tried again in `delay` seconds. A condition keeps its state in `payload`."""

    delay: int
    error: ErrorObject | None = None
    payload: str | None = None


@frozen
class Raised:
    """It ended in a way that is not recorded: the exception goes to whoever awaits it."""

    exception: BaseException


Outcome = Succeeded | Failed | Retried | Raised


# ------------------------------------------------------------------ what a parked task is resumed with


@frozen(eq=False)
class Completed:
    """What was awaited is complete: its record, if it has one, and how it ended, if in this invocation."""

    operation: Operation | None
    outcome: Outcome | None = None


@frozen(eq=False)
class Refused:
    """The task gets an exception."""

    exception: BaseException


@frozen(eq=False)
class Unwound:
    """The task's context is finished: its code is unwound and never goes on."""


Resumption = Completed | Refused | Unwound


@frozen
class Awaiter:
    """A task that is parked until an operation is complete."""

    task: "Task"
    ticket: int


# ------------------------------------------------------------------ to an operation


@frozen(eq=False)
class Begin(Message):
    """Start the operation, or go on with what the service had `record`ed when the invocation began.

    `awaiter` is parked until the operation is complete, `creator` only until its START is confirmed.
    `settle` is told how it ended, or that it never will, before those who await it are resumed.
    """

    awaiter: Awaiter | None = None
    record: Operation | None = None
    creator: Awaiter | None = None
    settle: Callable[[Resumption], None] | None = None


@frozen(eq=False)
class Await(Message):
    """A task parks until the operation is complete."""

    awaiter: Awaiter


@frozen(eq=False)
class Due(Message):
    """The timer has fired: ask the service again."""


@frozen(eq=False)
class BodyDone(Message):
    """The body has ended."""

    outcome: Outcome


@frozen(eq=False)
class Returned(Message):
    """The code of the context has returned."""

    outcome: Outcome


@frozen(eq=False)
class MapDone(Message):
    """The map or parallel is decided."""

    outcome: Outcome


@frozen(eq=False)
class Confirmed(Message):
    """The service has the update; the record is as it stands after it."""

    record: Operation


@frozen(eq=False)
class News(Message):
    """The record as it stands: the answer to `Watch`, and whenever its status changes."""

    record: Operation


@frozen(eq=False)
class Orphaned(Message):
    """The operation is below a finished context: the outermost such, or ROOT."""

    finished: str


# ------------------------------------------------------------------ to the checkpoint actor


@frozen(eq=False)
class Submit(Message):
    """Send an update. `awaited` tells whether the operation does something when it is confirmed."""

    operation: "Ref"
    update: OperationUpdate
    awaited: bool = True


@frozen(eq=False)
class Watch(Message):
    """Answer with the operation as it stands, and then with every change."""

    operation: "Ref"
    record: Operation


@frozen(eq=False)
class Refresh(Message):
    """Fetch news with the next call."""


@frozen(eq=False)
class Flush(Message):
    """From the system: the batch will not get fuller. Send it, if no call is in flight."""


@frozen(eq=False)
class CallDone(Message):
    """The service has answered; the response is complete (every page of it)."""

    response: CheckpointResponse


@frozen(eq=False)
class CallFailed(Message):
    """The call in flight was refused or lost."""

    exception: Exception


@frozen(eq=False)
class Close(Message):
    """The root has finished: refuse everything from here on, and send what was accepted."""


# ------------------------------------------------------------------ to a concurrency actor


@frozen(eq=False)
class Go(Message):
    """Decide, or begin the first branches."""


@frozen(eq=False)
class GoOn(Message):
    """To itself, when there is nothing better to do: begin some more branches."""


@frozen(eq=False)
class BranchDone(Message):
    """A branch is complete."""

    index: int
    outcome: Outcome


@frozen(eq=False)
class Abandon(Message):
    """The map or parallel is orphaned: begin nothing more."""


# ------------------------------------------------------------------ to the supervisor


class WaitingFor(enum.IntEnum):
    """Why an invocation may end PENDING; the strongest reason names the end."""

    CALLBACK_PENDING = 1
    WAIT_SCHEDULED = 2
    RETRY_SCHEDULED = 3


@frozen(eq=False)
class Waiting(Message):
    """An awaited operation waits for the service."""

    operation: str
    reason: WaitingFor


@frozen(eq=False)
class Settled(Message):
    """It no longer does."""

    operation: str


@frozen(eq=False)
class Finish(Message):
    """The root has finished, with this outcome of the user's code."""

    outcome: Outcome


class FailureKind(enum.Enum):
    """What became of the connection to the service."""

    REFUSED = "refused"  # a call failed
    WITHDRAWN = "withdrawn"  # a response without a token: this invocation may send nothing more


@frozen(eq=False)
class CheckpointingOver(Message):
    """No update will reach the service any more (`Failed` in the model)."""

    kind: FailureKind
    exception: Exception | None = None


@frozen(eq=False)
class Quiet(Message):
    """From the system: nothing is outstanding, for the `number`-th time."""

    number: int


@frozen(eq=False)
class CooldownElapsed(Message):
    """The cooldown that began with stillness `number` is over."""

    number: int


@frozen(eq=False)
class DeadlineNear(Message):
    """What still runs is not waited for any longer."""


# ------------------------------------------------------------------ the end


class EndKind(enum.Enum):
    """How an invocation ends."""

    FINISHED = "finished"
    PENDING = "pending"
    CHECKPOINTING_FAILED = "checkpointing failed"
    DEADLOCK = "deadlock"


@frozen
class Ending:
    """The supervisor's decision.

    `outcome` is the root's when FINISHED; `exception` the failed call's; `reason` why it is PENDING
    (None if the service withdrew the token).
    """

    kind: EndKind
    outcome: Outcome | None = None
    reason: WaitingFor | None = None
    exception: Exception | None = None
