"""`context.deferred`: the operations of a context, each begun at once while the code goes on."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

from durably.workflows.concurrency.models import BatchResult
from durably.workflows.config import (
    ChildConfig,
    Duration,
    InvokeConfig,
    MapConfig,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from durably.workflows.futures import DurableFuture
from durably.workflows.operations.callback import wait_for_callback
from durably.workflows.operations.child import run_in_child_context
from durably.workflows.operations.condition import wait_for_condition
from durably.workflows.operations.invoke import invoke
from durably.workflows.operations.map import map_over, parallel
from durably.workflows.operations.step import step
from durably.workflows.operations.wait import wait
from durably.workflows.types import StepContext, WaitForCallbackContext, WaitForConditionCheckContext
from durably.workflows.waits import WaitForConditionConfig

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

T = TypeVar("T")
U = TypeVar("U")
P = TypeVar("P")
R = TypeVar("R")


class DeferredOperations:
    """The methods of `DurableContext` with the same arguments, each giving a `DurableFuture` at once.

    An operation is numbered where it is begun, so replays begin the same ones in the same order. One that
    nobody awaits does not keep the invocation alive; when its context ends before it, it is abandoned. A
    failure is raised where the future is awaited, and nowhere if it is not.

    Raises (all of them):
        ValidationError: an argument is of the wrong type or out of range.
    """

    def __init__(self, context: "DurableContext") -> None:
        self._context = context

    def step(
        self, func: Callable[[StepContext], T], name: str | None = None, config: StepConfig | None = None
    ) -> DurableFuture[T]:
        """As `DurableContext.step`. Bodies of several deferred steps run beside each other."""
        return step(self._context, func, name, config, deferred=True).begin()

    def wait(self, duration: Duration, name: str | None = None) -> DurableFuture[None]:
        """As `DurableContext.wait`: a timer, to be raced against something else."""
        return wait(self._context, duration, name, deferred=True).begin()

    @overload
    def invoke(
        self, function_name: str, payload: Any, name: str | None = None, config: None = None
    ) -> DurableFuture[Any]: ...
    @overload
    def invoke(
        self, function_name: str, payload: P, name: str | None, config: InvokeConfig[P, R]
    ) -> DurableFuture[R]: ...
    @overload
    def invoke(
        self, function_name: str, payload: P, name: str | None = None, *, config: InvokeConfig[P, R]
    ) -> DurableFuture[R]: ...
    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> DurableFuture[Any]:
        """As `DurableContext.invoke`."""
        return invoke(self._context, function_name, payload, name, config, deferred=True).begin()

    def run_in_child_context(
        self,
        func: "Callable[[DurableContext], T]",
        name: str | None = None,
        config: ChildConfig[Any] | None = None,
    ) -> DurableFuture[T]:
        """As `DurableContext.run_in_child_context`: the child's code runs beside this context's."""
        return run_in_child_context(self._context, func, name, config, deferred=True).begin()

    def map(
        self,
        inputs: Sequence[U],
        func: "Callable[[DurableContext, U, int, Sequence[U]], T]",
        name: str | None = None,
        config: MapConfig[Any] | None = None,
    ) -> DurableFuture[BatchResult[T]]:
        """As `DurableContext.map`."""
        return map_over(self._context, inputs, func, name, config, deferred=True).begin()

    def parallel(
        self,
        functions: "Sequence[Callable[[DurableContext], T] | ParallelBranch[T]]",
        name: str | None = None,
        config: ParallelConfig | None = None,
    ) -> DurableFuture[BatchResult[T]]:
        """As `DurableContext.parallel`."""
        return parallel(self._context, functions, name, config, deferred=True).begin()

    def wait_for_callback(
        self,
        submitter: Callable[[str, WaitForCallbackContext], Any],
        name: str | None = None,
        config: WaitForCallbackConfig | None = None,
    ) -> DurableFuture[Any]:
        """As `DurableContext.wait_for_callback`."""
        return wait_for_callback(self._context, submitter, name, config, deferred=True).begin()

    def wait_for_condition(
        self,
        check: Callable[[T, WaitForConditionCheckContext], T],
        config: WaitForConditionConfig[T],
        name: str | None = None,
    ) -> DurableFuture[T]:
        """As `DurableContext.wait_for_condition`."""
        return wait_for_condition(self._context, check, config, name, deferred=True).begin()
