"""`DurableContext`: what workflow code calls.

A context belongs to one flow of code (the handler, a child context, a branch); see `flow`. The operations
themselves are in `operations/`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from durably.workflows.concurrency.models import BatchResult
from durably.workflows.config import (
    CallbackConfig,
    ChildConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from durably.workflows.decorators import (
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
    durable_with_child_context,
)
from durably.workflows.deferred import DeferredOperations
from durably.workflows.flow import Flow
from durably.workflows.futures import DurableFuture
from durably.workflows.operations import callback as callback_operation
from durably.workflows.operations import child as child_operation
from durably.workflows.operations import combine
from durably.workflows.operations import condition as condition_operation
from durably.workflows.operations import invoke as invoke_operation
from durably.workflows.operations import map as map_operation
from durably.workflows.operations import step as step_operation
from durably.workflows.operations import wait as wait_operation
from durably.workflows.operations.callback import Callback
from durably.workflows.operations.combine import Settled
from durably.workflows.types import StepContext, WaitForCallbackContext, WaitForConditionCheckContext
from durably.workflows.waits import WaitForConditionConfig

__all__ = [
    "Callback",
    "DurableContext",
    "DurableFuture",
    "ExecutionContext",
    "Settled",
    "durable_parallel_branch",
    "durable_step",
    "durable_wait_for_callback",
    "durable_with_child_context",
]

T = TypeVar("T")
U = TypeVar("U")
P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True)
class ExecutionContext:
    """What is known of the execution: its ARN."""

    durable_execution_arn: str


class DurableContext(Flow):
    """The durable operations, and where they are called from.

    Never made by a user: a handler, a child context and a branch are handed theirs. It may be used only in
    the code that it was handed to; a context's operations called from a step body, from a child's code or
    from another thread are refused.

    Attributes:
        logger: drops records while this context replays; its records say where they come from.
        lambda_context: what AWS Lambda passed to the handler.
    """

    @property
    def execution_context(self) -> ExecutionContext:
        """What is known of the execution."""
        return ExecutionContext(self.invocation.durable_execution_arn)

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
        return step_operation.step(self, func, name, config).run()

    def wait(self, duration: Duration, name: str | None = None) -> None:
        """Let time pass, without paying for it if nothing else runs.

        Args:
            duration: at least a second, at most 366 days.
            name: what history calls it.

        Raises:
            ValidationError: an argument is of the wrong type or out of range.
        """
        wait_operation.wait(self, duration, name).run()

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
        return child_operation.run_in_child_context(self, func, name, config).run()

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
        return map_operation.map_over(self, inputs, func, name, config).run()

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
        return map_operation.parallel(self, functions, name, config).run()

    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Callback[Any]:
        """Create a callback: somebody outside is handed its id, and answers.

        Args:
            name: what history calls it.
            config: timeouts and serializer.

        Returns:
            A future with the `callback_id`. Awaiting its `result()` suspends until it is answered, and raises
            `CallbackExternalError` or `CallbackTimeoutError`.

        Raises:
            ValidationError: an argument is of the wrong type or out of range.
        """
        return callback_operation.create_callback(self, name, config)

    def wait_for_callback(
        self,
        submitter: Callable[[str, WaitForCallbackContext], Any],
        name: str | None = None,
        config: WaitForCallbackConfig | None = None,
    ) -> Any:
        """Create a callback, hand its id over in a step, and wait for the answer.

        Args:
            submitter: gets the callback's id and a context; runs as a step.
            name: what history calls it; by default the name of a `durable_wait_for_callback` function.
            config: timeouts, serializer, and the submitter's retries.

        Returns:
            The text that was answered, or what `config.serdes` makes of it.

        Raises:
            CallbackExternalError: it was answered with a failure.
            CallbackTimeoutError: it was not answered, or sent no heartbeat, in time.
            CallbackSubmitterError: `submitter` failed; its cause says how.
            ValidationError: an argument is of the wrong type or out of range.
        """
        return callback_operation.wait_for_callback(self, submitter, name, config).run()

    def wait_for_condition(
        self,
        check: Callable[[T, WaitForConditionCheckContext], T],
        config: WaitForConditionConfig[T],
        name: str | None = None,
    ) -> T:
        """Look again and again until a state is reached, suspended in between.

        Args:
            check: gets the state that it returned last, and a context; returns the state as it is now.
            config: the initial state, and the strategy that says when to look again or that it is enough.
            name: what history calls it.

        Returns:
            The state that was enough.

        Raises:
            WaitForConditionError: `check` or the strategy raised; its cause says what.
            SerDesError: the state cannot be serialized.
            ValidationError: an argument is of the wrong type.
        """
        return condition_operation.wait_for_condition(self, check, config, name).run()

    @overload
    def invoke(
        self, function_name: str, payload: Any, name: str | None = None, config: None = None
    ) -> Any: ...
    @overload
    def invoke(self, function_name: str, payload: P, name: str | None, config: InvokeConfig[P, R]) -> R: ...
    @overload
    def invoke(
        self, function_name: str, payload: P, name: str | None = None, *, config: InvokeConfig[P, R]
    ) -> R: ...
    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> Any:
        """Invoke another function, and wait for its result.

        Args:
            function_name: its name or ARN, with a version or alias.
            payload: its input, as plain JSON unless `config` says otherwise; at most 1 MiB of text.
            name: what history calls it.
            config: serializers and tenant.

        Raises:
            InvokeError: the function failed, timed out or was stopped.
            SerDesError: the payload or the result cannot be serialized.
            ValidationError: an argument is of the wrong type or out of range.
        """
        return invoke_operation.invoke(self, function_name, payload, name, config).run()

    # ------------------------------------------------------------------ operations that run meanwhile

    @property
    def deferred(self) -> DeferredOperations:
        """The same operations, begun at once while the code goes on; each gives a `DurableFuture`."""
        return DeferredOperations(self)

    def all(self, futures: Sequence[DurableFuture[T]], name: str | None = None) -> list[T]:
        """Wait until all have a result; raise the error of the first that fails, without the others.

        This and the other three are recorded: a replay gives the same answer, whatever is done by then.

        Args:
            futures: of operations that this context, or one above, has begun with `deferred`.
            name: what history calls it.

        Raises:
            ValidationError: `futures` is no sequence of futures.
            ExecutionError: a future belongs to another context.
        """
        return combine.all_of(self, futures, name)

    def all_settled(self, futures: Sequence[DurableFuture[T]], name: str | None = None) -> list[Settled[T]]:
        """Wait until all have ended, and say how each did."""
        return combine.all_settled(self, futures, name)

    def any(self, futures: Sequence[DurableFuture[T]], name: str | None = None) -> T:
        """The result of the first that has one, whatever has failed before; the others are not awaited.

        Raises:
            ExceptionGroup: all have failed; the errors in order of the futures.
        """
        return combine.any_of(self, futures, name)

    def race(self, futures: Sequence[DurableFuture[T]], name: str | None = None) -> T:
        """The result, or the error, of the first that ends; the others are not awaited."""
        return combine.race(self, futures, name)
