"""Functions with arguments of their own, as steps, child contexts and branches.

`@durable_step` on `fetch(ctx, url)` makes `fetch(url)` give what `context.step` takes, and lends the step
its name. All of these can be imported from `durably.workflows.context` as well.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from durably.workflows.config import ParallelBranch
from durably.workflows.types import StepContext, WaitForCallbackContext

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext

P = ParamSpec("P")
T = TypeVar("T")


def durable_step(func: Callable[Concatenate[StepContext, P], T]) -> Callable[P, Callable[[StepContext], T]]:
    """Make of `func(step_context, ...)` a function of `...` that gives what `context.step` takes."""

    def bind(*args: P.args, **kwargs: P.kwargs) -> Callable[[StepContext], T]:
        def bound(context: StepContext) -> T:
            return func(context, *args, **kwargs)

        return _named(bound, func)

    return bind


def durable_with_child_context(
    func: "Callable[Concatenate[DurableContext, P], T]",
) -> "Callable[P, Callable[[DurableContext], T]]":
    """Make of `func(context, ...)` a function of `...` that gives what `run_in_child_context` takes."""

    def bind(*args: P.args, **kwargs: P.kwargs) -> "Callable[[DurableContext], T]":
        def bound(context: "DurableContext") -> T:
            return func(context, *args, **kwargs)

        return _named(bound, func)

    return bind


def durable_parallel_branch(
    name: str | None = None,
) -> "Callable[[Callable[Concatenate[DurableContext, P], T]], Callable[P, ParallelBranch[T]]]":
    """Make of `func(context, ...)` a function of `...` that gives a branch for `context.parallel`.

    Args:
        name: what history calls the branch; None for `parallel-branch-<index>`.
    """

    def decorate(func: "Callable[Concatenate[DurableContext, P], T]") -> Callable[P, ParallelBranch[T]]:
        def bind(*args: P.args, **kwargs: P.kwargs) -> ParallelBranch[T]:
            def bound(context: "DurableContext") -> T:
                return func(context, *args, **kwargs)

            return ParallelBranch(_named(bound, func), name)

        return bind

    return decorate


def durable_wait_for_callback(
    func: Callable[Concatenate[str, WaitForCallbackContext, P], T],
) -> Callable[P, Callable[[str, WaitForCallbackContext], T]]:
    """Make of `func(callback_id, context, ...)` a function of `...` that gives a submitter."""

    def bind(*args: P.args, **kwargs: P.kwargs) -> Callable[[str, WaitForCallbackContext], T]:
        def bound(callback_id: str, context: WaitForCallbackContext) -> T:
            return func(callback_id, context, *args, **kwargs)

        return _named(bound, func)

    return bind


B = TypeVar("B", bound=Callable[..., Any])


def _named(bound: B, func: Callable[..., Any]) -> B:
    setattr(bound, "_original_name", getattr(func, "__name__", None))  # noqa: B010  # read by the context
    setattr(bound, "_durable_code", getattr(func, "__code__", func))  # noqa: B010  # read by steps
    setattr(bound, "_annotated_function", func)  # noqa: B010  # whose return annotation typed() reads
    return bound
