"""Who is to learn of an end, and what may not come after it: a part of the invariants.

Its books are those of an onlooker, of the messages that are handled: whoever has submitted or watched is to
learn what becomes of it, by a terminal record or by being told that a context above it has finished.
"""

from collections.abc import Callable

from durably.actors.actor import Ref
from durably.actors.messages import CallDone, CallFailed, Close, Confirmed, News, Orphaned, Submit, Watch
from durably.actors.model import OperationAction, OperationType, OperationUpdate

IsTold = Callable[[Ref], bool]
"""Whether an operation's mail has the last word for it."""
Broken = tuple[str, str] | None
"""The name of an invariant, and how it is broken."""


class Ends:
    """Within one invocation.

    Attributes:
        orphaned: operations that have learned that they are below something finished.
        end: that of everything, in words, once there is one: nothing is accepted any more.
        is_cut_off: whether nothing may be sent any more.
    """

    def __init__(self) -> None:
        self.orphaned: set[str] = set()
        self.end = ""
        self.is_cut_off = False
        self._around: dict[str, str | None] = {}  # of every operation, the context around it
        self._live: dict[str, Ref] = {}  # who has something to learn

    # ------------------------------------------------------------------ what is handled

    def submits(self, message: Submit) -> None:
        """An operation has something to be sent."""
        self._live[message.update.id] = message.operation
        self._around[message.update.id] = message.update.parent_id

    def watches(self, message: Watch) -> None:
        """An operation wants to know how it stands."""
        self._live[message.record.id] = message.operation
        self._around[message.record.id] = message.record.parent_id

    def learns(self, operation: str, message: Confirmed | News | Orphaned) -> None:
        """An operation is told of."""
        if isinstance(message, Orphaned):
            self.orphaned.add(operation)
        if is_last_word(message):
            self._live.pop(operation, None)

    def called(self, message: CallDone) -> None:
        """The service has answered."""
        if message.response.token is None:
            self.end, self.is_cut_off = "the token was withdrawn", True

    def over(self, message: CallFailed | Close) -> None:
        """Nothing is accepted any more."""
        if isinstance(message, CallFailed):
            self.end, self.is_cut_off = "a call failed", True
        else:
            self.end = self.end or "the root finished"

    # ------------------------------------------------------------------ when it has been handled

    def accepted(self, update: OperationUpdate, is_told: IsTold) -> Broken:
        """An update was; if a context ends by it, whoever is below it must have been told."""
        if self.end:
            what = f"{update.action.value} of {update.name or update.id} is accepted after {self.end}"
            return "parent-last", what
        if update.type is OperationType.CONTEXT and update.action is not OperationAction.START:
            for key, ref in self._live.items():
                if self._is_below(key, update.id) and not is_told(ref):
                    what = f"{update.name or update.id} has ended, and nobody tells {ref.actor_urn}"
                    return "parent-last", what
        return None

    def answered(self, is_told: IsTold) -> Broken:
        """A call was, or all is over: then everybody must have been told."""
        untold = [ref.actor_urn for ref in self._live.values() if self.end and not is_told(ref)]
        return ("no-lost-wakeup", f"{self.end}, and nobody tells {', '.join(untold)}") if untold else None

    def _is_below(self, operation: str, context: str) -> bool:
        around = self._around.get(operation)
        while around is not None and around != context:
            around = self._around.get(around)
        return around is not None


def is_last_word(mail: object) -> bool:
    """Whether an operation has nothing more to learn after this."""
    if isinstance(mail, Confirmed | News):
        return mail.record.status.is_terminal
    return isinstance(mail, Orphaned)
