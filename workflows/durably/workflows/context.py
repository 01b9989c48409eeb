"""`DurableContext`: what workflow code calls.

A context belongs to one flow of code (the handler, a child context, a branch). It numbers the operations
that this code calls, finds what was recorded of each, and knows whether it is still replaying. The
operations themselves are in `operations/`.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from durably.actors.model import OperationSubType, OperationType
from durably.actors.task import Task, current_task
from durably.workflows._validation import LONGEST_WAIT, check_callable, check_name, check_type
from durably.workflows.concurrency.models import BatchResult
from durably.workflows.config import (
    ChildConfig,
    Duration,
    MapConfig,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
)
from durably.workflows.decorators import (
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
    durable_with_child_context,
)
from durably.workflows.exceptions import (
    ExecutionError,
    NonDeterministicExecutionError,
    ValidationError,
)
from durably.workflows.identity import operation_id
from durably.workflows.logger import Logger, LogInfo
from durably.workflows.operations import child as child_operation
from durably.workflows.operations import map as map_operation
from durably.workflows.operations import step as step_operation
from durably.workflows.operations import wait as wait_operation
from durably.workflows.operations.place import Place
from durably.workflows.types import LambdaContext, LoggerInterface, StepContext

if TYPE_CHECKING:
    from durably.workflows.invocation import Invocation

__all__ = [
    "DurableContext",
    "ExecutionContext",
    "durable_parallel_branch",
    "durable_step",
    "durable_wait_for_callback",
    "durable_with_child_context",
]

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class ExecutionContext:
    """What is known of the execution: its ARN."""

    durable_execution_arn: str


class DurableContext:
    """The durable operations, and where they are called from.

    Never made by a user: a handler, a child context and a branch are handed theirs. It may be used only in
    the code that it was handed to; a context's operations called from a step body, from a child's code or
    from another thread are refused.

    Attributes:
        logger: drops records while this context replays; its records say where they come from.
        lambda_context: what AWS Lambda passed to the handler.
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
        self.lambda_context: LambdaContext | None = invocation.lambda_context
        self._prefix = prefix
        self._replaying = replaying
        self._complete = complete
        self._base_logger: LoggerInterface = base_logger or logging.getLogger()
        self._logger: Logger | None = None
        self._count = 0
        self._next_id: str | None = None

    # ------------------------------------------------------------------ about itself

    @property
    def execution_context(self) -> ExecutionContext:
        """What is known of the execution."""
        return ExecutionContext(self.invocation.durable_execution_arn)

    @property
    def is_virtual(self) -> bool:
        """True if this context is no operation of its own."""
        return self._prefix != self.parent_id

    @property
    def logger(self) -> Logger:
        """The logger for code of this context."""
        if self._logger is None:
            info = LogInfo(self.invocation, self.parent_id)
            self._logger = Logger(self._base_logger, info, self.is_replaying)
        return self._logger

    def set_logger(self, new_logger: LoggerInterface) -> None:
        """Write to another logger from here on, in this context and in those made in it."""
        self._base_logger = new_logger
        self._logger = None

    def is_replaying(self) -> bool:
        """True while the code does what an earlier invocation has done already."""
        return self._replaying

    # ------------------------------------------------------------------ operations

    def step(
        self, func: Callable[[StepContext], T], name: str | None = None, config: StepConfig | None = None
    ) -> T:
        """Run `func` and record its result; on replay, give the recorded result instead.

        Args:
            func: gets a `StepContext`. Runs beside other branches' steps, on a thread of its own.
            name: what history calls it; by default the name of a `durable_step` function.
            config: semantics, retries and serializer.

        Raises:
            StepError: `func` failed and the retry strategy gave up; its cause says how.
            SerDesError: the result cannot be serialized.
            ValidationError: an argument is of the wrong type.
        """
        if config is None:
            config = step_operation.DEFAULT_CONFIG
        else:
            check_type("config", config, StepConfig)
        check_callable("func", func, required=True)
        place, left = self._enter(
            OperationType.STEP, config.sub_type or OperationSubType.STEP, _name_of(name, func)
        )
        try:
            return step_operation.step(place, func, config)
        finally:
            self._leave(left)

    def wait(self, duration: Duration, name: str | None = None) -> None:
        """Let time pass, without paying for it if nothing else runs.

        Args:
            duration: at least a second, at most 366 days.
            name: what history calls it.

        Raises:
            ValidationError: an argument is of the wrong type or out of range.
        """
        check_type("duration", duration, Duration)
        seconds = duration.to_seconds()
        if not 1 <= seconds <= LONGEST_WAIT:
            raise ValidationError(
                f"duration must be at least 1 second and at most {LONGEST_WAIT} s (366 days), got {seconds} s"
            )
        place, left = self._enter(OperationType.WAIT, OperationSubType.WAIT, _name_of(name))
        try:
            wait_operation.wait(place, seconds)
        finally:
            self._leave(left)

    def run_in_child_context(
        self,
        func: "Callable[[DurableContext], T]",
        name: str | None = None,
        config: ChildConfig[Any] | None = None,
    ) -> T:
        """Run `func` on a context of its own, and record its result as one operation.

        Args:
            func: gets a context, and must use that instead of this one.
            name: what history calls it; by default the name of a `durable_with_child_context` function.
            config: serializer, summary, and whether it is recorded at all.

        Raises:
            ChildContextError: `func` raised; its cause says what.
            SerDesError: the result cannot be serialized.
            ValidationError: an argument is of the wrong type.
        """
        config = child_operation.DEFAULT_CONFIG if config is None else config
        check_callable("func", func, required=True)
        check_type("config", config, ChildConfig)
        sub_type = config.sub_type or OperationSubType.RUN_IN_CHILD_CONTEXT
        virtual = config.is_virtual
        place, left = self._enter(OperationType.CONTEXT, sub_type, _name_of(name, func), virtual=virtual)
        try:
            return child_operation.run_in_child_context(place, func, config)
        finally:
            self._leave(left)

    def map(
        self,
        inputs: Sequence[U],
        func: "Callable[[DurableContext, U, int, Sequence[U]], T]",
        name: str | None = None,
        config: MapConfig[Any] | None = None,
    ) -> BatchResult[T]:
        """Run `func` for each of `inputs`, each on a context of its own, beside each other.

        Args:
            inputs: a sequence; the same on every replay.
            func: gets a context, the item, its index and all inputs.
            name: what history calls it.
            config: how many at once, when to stop early, serializers.

        Returns:
            The branches in order of the inputs. Failed items do not raise: ask `throw_if_error()`.

        Raises:
            ChildContextError: the result itself could not be made.
            ValidationError: an argument is of the wrong type or out of range.
        """
        config = map_operation.DEFAULT_MAP_CONFIG if config is None else config
        check_callable("func", func, required=True)
        check_type("config", config, MapConfig)
        _check_sequence("inputs", inputs)
        config.completion_config.validate_for_total(len(inputs))
        place, left = self._enter(OperationType.CONTEXT, OperationSubType.MAP, _name_of(name, func))
        try:
            return map_operation.map_over(place, inputs, func, config)
        finally:
            self._leave(left)

    def parallel(
        self,
        functions: "Sequence[Callable[[DurableContext], T] | ParallelBranch[T]]",
        name: str | None = None,
        config: ParallelConfig | None = None,
    ) -> BatchResult[T]:
        """Run each of `functions` on a context of its own, beside each other.

        Args:
            functions: each gets a context; `ParallelBranch` gives one a name.
            name: what history calls it.
            config: how many at once, when to stop early, serializers.

        Returns:
            The branches in order of the functions. Failed ones do not raise: ask `throw_if_error()`.

        Raises:
            ChildContextError: the result itself could not be made.
            ValidationError: an argument is of the wrong type or out of range.
        """
        config = map_operation.DEFAULT_PARALLEL_CONFIG if config is None else config
        check_type("config", config, ParallelConfig)
        _check_sequence("functions", functions)
        for index, function in enumerate(functions):
            check_callable(f"functions[{index}]", function, required=True)
            if isinstance(function, ParallelBranch) and function.name:
                check_name(f"functions[{index}].name", function.name)
        config.completion_config.validate_for_total(len(functions))
        place, left = self._enter(OperationType.CONTEXT, OperationSubType.PARALLEL, _name_of(name))
        try:
            return map_operation.parallel(place, functions, config)
        finally:
            self._leave(left)

    # ------------------------------------------------------------------ contexts made in this one

    def child(
        self, id: str, task: Task, *, virtual: bool = False, complete: bool = False
    ) -> "DurableContext":
        """The context of the operation `id`, whose code is `task`'s.

        The operations of a `virtual` one belong to this context's operation. One that is `complete` was
        recorded as such: nothing new may happen in it.
        """
        return DurableContext(
            self.invocation,
            task,
            parent_id=self.parent_id if virtual else id,
            prefix=id,
            replaying=self._replaying,
            complete=complete or self._complete,
            base_logger=self._base_logger,
        )

    def batch_context(self, id: str) -> "DurableContext":
        """The context that the branches of the map or parallel `id` belong to."""
        return self.child(id, self.task)

    # ------------------------------------------------------------------ the numbering of operations

    def _enter(
        self, type: OperationType, sub_type: str, name: str | None, *, virtual: bool = False
    ) -> tuple[Place, bool]:
        """The next operation's place, and whether replaying ends when it is left.

        Replaying ends before an operation that has not been recorded, or a step that is not complete; and
        after any other that is not.

        Raises:
            NonDeterministicExecutionError: something else was recorded here.
        """
        task = self.task
        if not task.is_current():
            raise self._misused()
        task.check()
        self._count += 1
        own_id = self._next_id or operation_id(self._prefix, self._count)
        self._next_id = None
        record = self.invocation.snapshot.get(own_id)
        place = Place(self, own_id, type, sub_type, name, record)
        if record is not None:
            if not virtual:
                place.check_record()
        elif self._complete and not virtual:
            raise NonDeterministicExecutionError(
                f"Operation {place.label!r} ({own_id}) is called in a context that was recorded as complete, "
                "and in which it was never recorded. Workflow code must make the same calls on every run.",
                step_id=own_id,
            )
        if not self._replaying:
            return place, False
        terminal = record is not None and record.status.is_terminal
        if record is None or (type is OperationType.STEP and not terminal):
            self._replaying = False
            return place, False
        return place, not terminal

    def _leave(self, ends_replay: bool) -> None:
        if ends_replay:
            self._replaying = False
        elif self._replaying:
            self._next_id = operation_id(self._prefix, self._count + 1)
            if self._next_id not in self.invocation.snapshot:
                self._replaying = False

    def _misused(self) -> BaseException:
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


def _name_of(name: object, func: object = None) -> str | None:
    """The name that is given, or the one of a function made by a `durable_*` decorator."""
    if not name:
        name = getattr(func, "_original_name", None) if name is None or name == "" else name
        if name is None:
            return None
    return check_name("name", name)


def _check_sequence(argument: str, value: object) -> None:
    if not isinstance(value, Sequence) or isinstance(value, Mapping):
        hint = " Make a list of it." if hasattr(value, "__iter__") else ""
        raise ValidationError(f"{argument} must be a sequence, got {type(value).__name__}.{hint}")
