"""An operation that is about to go on from what was recorded of it: at once, or while the code goes on.

Every operation makes a `Planned` of its arguments. `run` is the blocking call, `begin` the deferred one.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from durably.actors.frozen import frozen
from durably.actors.messages import Completed
from durably.actors.spec import Spec
from durably.workflows.exceptions import DurableOperationError
from durably.workflows.futures import DurableFuture
from durably.workflows.operations.code import ContextCode
from durably.workflows.operations.place import Place
from durably.workflows.serdes import SerDes

R = TypeVar("R")
T = TypeVar("T")


@frozen(eq=False)
class Planned(Generic[T]):
    """What is to happen in a place, and how its result is read.

    `spec` is the operation that begins or goes on; `code` that of a virtual context, which is none. Neither
    is there if the place's record is terminal: then only the result is left to be read, by `serdes` or as
    an error of `error_class`; `read` does it instead where that is not all.
    """

    place: Place
    error_class: type[DurableOperationError]
    serdes: SerDes[Any] | None = None
    spec: Spec | None = None
    code: ContextCode | None = None
    read: Callable[[Completed], T] | None = None

    def result(self, completed: Completed) -> T:
        """What it comes to, now that it is complete.

        Raises:
            DurableOperationError: of `error_class`, if it has no result.
        """
        if self.read is not None:
            return self.read(completed)
        result: T = self.place.result(completed, self.serdes, self.error_class)
        return result

    def run(self) -> T:
        """Park the current task until it is complete.

        Raises:
            DurableOperationError: of `error_class`, if it has no result.
        """
        place = self.place
        context = place.context
        try:
            if self.spec is not None:
                return self.result(context.invocation.run(context.task, self.spec, place.record))
            if self.code is not None:
                return self.result(context.invocation.join(context.task, self.code))
            return self.result(Completed(place.record))
        finally:
            context.leave(place)

    def begin(self) -> DurableFuture[T]:
        """Start it, and go on.

        Code that records nothing cannot wait until somebody asks for it; of what was recorded as complete,
        the result is read, or rebuilt, when somebody does.
        """
        place = self.place
        future: DurableFuture[T] = DurableFuture(place, self.result)
        if self.code is not None:
            invocation = place.context.invocation
            invocation.begin_deferred(self.code, lambda how: future.resume(invocation.system, how))
        else:
            future.go_on(self.spec)
        return future

    def reading(self, read: Callable[[Completed], R]) -> "Planned[R]":
        """The same with another way to read the result."""
        return Planned(self.place, self.error_class, self.serdes, self.spec, self.code, read)
