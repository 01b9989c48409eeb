"""A flow of workflow code: the handler's, a child context's, a branch's.

It numbers the operations that its code calls, finds what was recorded of each, and knows whether the code
is still replaying. `DurableContext` is a flow with the operations that users call.
"""

import logging
from typing import TYPE_CHECKING, cast

from durably.actors.model import OperationType
from durably.actors.task import Task, current_task
from durably.workflows.exceptions import ExecutionError
from durably.workflows.identity import operation_id
from durably.workflows.logger import Logger, LogInfo
from durably.workflows.operations.place import Place
from durably.workflows.types import LambdaContext, LoggerInterface

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.invocation import Invocation


class Flow:
    """Where operations are called from, and how far it has got.

    `parent_id` is the nearest context that is recorded, `prefix` the one whose id its operations' ids begin
    with (another, if this one is virtual). A `complete` one was recorded as such: nothing new may happen in
    it, and it replays to its end.
    """

    def __init__(
        self,
        invocation: "Invocation",
        task: Task,
        *,
        parent_id: str | None = None,
        prefix: str | None = None,
        replaying: bool = False,
        complete: bool = False,
        base_logger: LoggerInterface | None = None,
    ) -> None:
        self.invocation = invocation
        self.task = task
        self.parent_id = parent_id
        self.complete = complete
        self.lambda_context: LambdaContext | None = invocation.lambda_context
        self._prefix = prefix
        self._replaying = replaying
        self.base_logger: LoggerInterface = base_logger or logging.getLogger()
        self._logger: Logger | None = None
        self._count = 0
        self._next_id: str | None = None

    @property
    def is_virtual(self) -> bool:
        """True if this context is no operation of its own."""
        return self._prefix != self.parent_id

    def is_replaying(self) -> bool:
        """True while the code does what an earlier invocation has done already."""
        return self._replaying or self.complete

    @property
    def logger(self) -> Logger:
        """The logger for code of this context. While this context replays, records are dropped."""
        if self._logger is None:
            info = LogInfo(self.invocation, self.parent_id)
            self._logger = Logger(self.base_logger, info, self.is_replaying)
        return self._logger

    def set_logger(self, new_logger: LoggerInterface) -> None:
        """Write to another logger from here on, in this context and in those made in it."""
        self.base_logger = new_logger
        self._logger = None

    # ------------------------------------------------------------------ contexts made in this one

    def child(
        self,
        id: str,
        task: Task,
        *,
        virtual: bool = False,
        complete: bool = False,
        replaying: bool | None = None,
        base_logger: LoggerInterface | None = None,
    ) -> "DurableContext":
        """The context of the operation `id`, whose code is `task`'s; of the same class as this one.

        The operations of a `virtual` one belong to this context's operation. `replaying` and `base_logger`
        are this context's, unless they are given.
        """
        made = type(self)(
            self.invocation,
            task,
            parent_id=self.parent_id if virtual else id,
            prefix=id,
            replaying=self.is_replaying() if replaying is None else replaying,
            complete=complete or self.complete,
            base_logger=base_logger or self.base_logger,
        )
        return cast("DurableContext", made)

    # ------------------------------------------------------------------ the numbering of operations

    def enter(
        self,
        type: OperationType,
        sub_type: str,
        name: str | None,
        *,
        virtual: bool = False,
        deferred: bool = False,
    ) -> Place:
        """The next operation's place.

        Replaying ends before an operation that has not been recorded, or a step that is not complete; and
        after any other that is not. The code goes on past a `deferred` one, complete or not: there it ends
        when the future is awaited.

        Raises:
            NonDeterministicExecutionError: something else was recorded here.
            ExecutionError: this is not the code that may use this context.
        """
        task = self.task
        if not task.is_current():
            raise self.misused()
        task.check()
        self._count += 1
        own_id = self._next_id or operation_id(self._prefix, self._count)
        self._next_id = None
        record = self.invocation.snapshot.get(own_id)
        if record is None:
            place = Place(self, own_id, type, sub_type, name, None, False)
            if self.complete and not virtual and not deferred:
                raise place.missing()
            self._replaying = False
            return place
        ends_replay = self._replaying and not record.status.is_terminal
        place = Place(self, own_id, type, sub_type, name, record, ends_replay)
        if not virtual:
            place.check_record()
            if self.invocation.plugins is not None:
                self.invocation.plugins.replays(record)
        if ends_replay and type is OperationType.STEP and not deferred:
            self._replaying = False
        return place

    def leave(self, place: Place) -> None:
        """The code goes on after an operation is complete, or is unwound before."""
        if self.invocation.plugins is not None:
            self.invocation.plugins.left(place.id)
        if not self._replaying:
            return
        if place.ends_replay:
            self._replaying = False
            return
        self._next_id = operation_id(self._prefix, self._count + 1)
        if self._next_id not in self.invocation.snapshot:
            self._replaying = False

    def misused(self) -> BaseException:
        """Why this context cannot be used where it is used."""
        current = current_task()
        if current is not None and id(current) not in self.invocation.system.tasks:
            return ExecutionError(
                f"A context of {self.task.name!r} in an earlier invocation was used in {current.name!r}. "
                "Each invocation hands out contexts of its own; do not keep them."
            )
        if current is not None:
            return ExecutionError(
                f"A durable operation of {self.task.name!r} was called in the code of {current.name!r}. "
                "Code that is handed a context must use that context only."
            )
        return ExecutionError(
            f"A durable operation of {self.task.name!r} was called outside workflow code: inside a step's "
            "body, or on a thread of your own. A step cannot contain operations: use "
            "context.run_in_child_context() to group them."
        )
