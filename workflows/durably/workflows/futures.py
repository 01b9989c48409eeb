"""`DurableFuture`: an operation that runs while the code that began it goes on."""

from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Generic, TypeVar

from durably.actors.actor import Ref
from durably.actors.messages import Await, Awaiter, Begin, Completed, Refused, Resumption, Unwound
from durably.actors.model import Operation
from durably.actors.spec import Spec
from durably.actors.system import ActorSystem
from durably.actors.task import Task, current_task
from durably.workflows.exceptions import ExecutionError
from durably.workflows.operations.place import Place

T_co = TypeVar("T_co", covariant=True)


class DurableFuture(Generic[T_co]):
    """An operation that was begun with `context.deferred`, and what will come of it.

    As long as nobody awaits it, it neither keeps the invocation alive nor ends it. It can be awaited in the
    context that began it and in contexts made below, as often as one likes.
    """

    __slots__ = (
        "_awaiters",
        "_error",
        "_how",
        "_is_read",
        "_is_unwound",
        "_listeners",
        "_place",
        "_read",
        "_readers",
        "_stays_as_it_is",
        "_traceback",
        "_value",
        "operation",
    )

    def __init__(self, place: Place, read: Callable[[Completed], T_co]) -> None:
        self.operation: Ref | None = None
        self._place = place
        self._read = read
        self._how: Completed | Refused | None = None
        self._value: T_co | None = None
        self._error: Exception | None = None
        self._traceback: TracebackType | None = None
        self._is_read = False
        self._readers: list[Awaiter] | None = None  # if a task is reading it: who else would like to
        self._stays_as_it_is = False
        self._is_unwound = False
        self._awaiters: list[Awaiter] = []
        self._listeners: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<DurableFuture of {self._place.label!r}, {'done' if self.done else 'not done'}>"

    @property
    def name(self) -> str | None:
        """What history calls the operation."""
        return self._place.name

    @property
    def done(self) -> bool:
        """True if the operation is complete, as far as this invocation knows.

        A replay may know of it earlier than the first run did. So what the code does next must not depend on
        it, or not durably: use `context.race` to act on whichever comes first.
        """
        return self._how is not None

    def result(self) -> T_co:
        """What the operation came to. Suspends until it is complete.

        Raises:
            ExecutionError: it is awaited outside the context that began it.
            Exception: the same as the operation that is not deferred.
        """
        place = self._place
        task = self.awaiting_task()
        try:
            if self._how is None:
                self.listen(task.awaiter())
                task.park(place.label)
            return self._read_once(task)
        finally:
            if task is place.context.task:
                place.context.leave(place)

    # ------------------------------------------------------------------ for those who await it

    def awaiting_task(self) -> Task:
        """The task whose code asks for the result, if it may.

        Raises:
            ExecutionError: it may not.
        """
        task, own = current_task(), self._place.context.task
        if task is None or not _is_below(task, own):
            where = "outside workflow code" if task is None else f"in the code of {task.name!r}"
            raise ExecutionError(
                f"The future of {self._place.label!r} ({self._place.id}), which {own.name!r} began, was "
                f"awaited {where}. Await it in the context that began it, or in one made below."
            )
        if id(task) not in self._place.context.invocation.system.tasks:
            raise ExecutionError(
                f"The future of {self._place.label!r} ({self._place.id}) belongs to an earlier invocation. "
                "Each invocation begins futures of its own; do not keep them."
            )
        task.check()
        return task

    def listen(self, awaiter: Awaiter, arrived: Callable[[], None] | None = None) -> None:
        """Let the awaiter be resumed when it is done; `arrived` is called just before.

        Raises:
            NonDeterministicExecutionError: it will never be.
            SuspendExecution: its code was unwound, and so is the task's.
        """
        if self._is_unwound:
            awaiter.task.unwound = True
            raise awaiter.task.unwinding()
        if arrived is not None:
            self._listeners.append(arrived)
        if self.operation is not None:
            self.operation.tell(Await(awaiter))
        elif self._stays_as_it_is:
            raise self._place.missing()
        else:
            self._awaiters.append(awaiter)

    def _read_once(self, task: Task) -> T_co:
        while not self._is_read:
            if self._readers is None:
                self._read_now()
            else:  # while another task rebuilds it
                self._readers.append(task.awaiter())
                task.park(self._place.label)
        if self._error is not None:
            # As it was: or else it would grow, and keep the frames of all who ever asked.
            raise self._error.with_traceback(self._traceback)
        result: Any = self._value
        return result  # type: ignore[no-any-return]  # None may be a value of T

    def _read_now(self) -> None:
        """Keep what it came to. Reading may park the task; if it is unwound meanwhile, another one reads."""
        self._readers = []
        try:
            if isinstance(self._how, Refused):
                raise self._how.exception
            assert self._how is not None
            self._value = self._read(self._how)
            self._is_read = True
        except Exception as error:
            self._error, self._traceback, self._is_read = error, error.__traceback__, True
        finally:
            readers, self._readers = self._readers, None
            for reader in readers:
                self._place.context.invocation.system.resume(reader.task, reader.ticket, Completed(None))

    # ------------------------------------------------------------------ for the operation

    def go_on(self, spec: Spec | None) -> None:
        """Let the operation begin, or go on from what was recorded of it; without `spec` it is complete.

        In a context that was recorded as complete nothing begins: what was not awaited there stays as it is.
        """
        place = self._place
        if spec is None or place.is_complete:
            self.settle(Completed(place.record))
        elif place.context.complete:
            self._stays_as_it_is = True
        else:
            self.operation = place.context.invocation.operation(spec)
            self.operation.tell(Begin(None, place.record, None, self.settle))

    def create(self, spec: Spec) -> Operation:
        """Let it begin and park the current task until the service has it, or let it go on; its record."""
        place = self._place
        if place.record is not None:
            self.go_on(spec)
            return place.record
        task = place.context.task
        self.operation = place.context.invocation.operation(spec)
        self.operation.tell(Begin(None, None, task.awaiter(), self.settle))
        created = task.park(place.label).operation
        assert created is not None
        return created

    def settle(self, how: Resumption) -> None:
        """Keep what came of it; told before those who await it are resumed.

        One that is abandoned arrives as well, or else it could do so while the code that awaits several runs
        for another, and be lost. Whoever asks for its result is then unwound.
        """
        if not isinstance(how, Unwound):
            self._how = how
            self.operation = None  # nobody tells it anything any more
        listeners, self._listeners = self._listeners, []
        for arrived in listeners:
            arrived()

    def resume(self, system: ActorSystem, how: Resumption) -> None:
        """The same for one that has no operation: it resumes those who await it itself."""
        self._is_unwound = isinstance(how, Unwound)
        self.settle(how)
        awaiters, self._awaiters = self._awaiters, []
        for awaiter in awaiters:
            system.resume(awaiter.task, awaiter.ticket, how)


class Arrivals:
    """Several futures, in the order in which they become done.

    All are awaited with one ticket, which stays good while they arrive one after another: so N futures take
    N messages, however many are waited for.
    """

    def __init__(self, futures: Sequence[DurableFuture[Any]], task: Task, label: str) -> None:
        self._task = task
        self._label = label
        self._arrived = deque(index for index, future in enumerate(futures) if future.done)
        self._awaiter = task.awaiter()
        for index, future in enumerate(futures):
            if not future.done:
                future.listen(self._awaiter, self._arrival(index))

    def _arrival(self, index: int) -> Callable[[], None]:
        return lambda: self._arrived.append(index)

    def next(self) -> int:
        """The index of the next; parks the task if there is none yet."""
        while not self._arrived:
            self._task.park(self._label, self._awaiter)
        return self._arrived.popleft()


def _is_below(task: Task, own: Task) -> bool:
    if task is own or own.scope is None:
        return True
    return task.scope is not None and task.scope.is_within(own.scope.id)
