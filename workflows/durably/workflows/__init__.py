"""Durable workflows: a plain function that survives crashes, long waits and large fan-outs.

Decorate a function with `durable_execution`; what it does through its `DurableContext` is checkpointed,
and when it is invoked again it goes on from there.

Names are loaded when they are first used, so that importing one module of this package (its exceptions, say)
does not import the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably.workflows.concurrency.models import (
        BatchCompletionError,
        BatchItem,
        BatchResult,
        CompletionReason,
    )
    from durably.workflows.config import (
        BatchItemStatus,
        ChildConfig,
        CompletionConfig,
        CompletionDecision,
        CompletionItemStatus,
        CompletionOutcome,
        CompletionStatus,
        Duration,
        JitterStrategy,
        MapConfig,
        NestingType,
        ParallelBranch,
        ParallelConfig,
        StepConfig,
        StepSemantics,
        complete_batch,
        continue_batch,
    )
    from durably.workflows.context import DurableContext
    from durably.workflows.decorators import (
        durable_parallel_branch,
        durable_step,
        durable_wait_for_callback,
        durable_with_child_context,
    )
    from durably.workflows.exceptions import (
        CallbackError,
        CallbackExternalError,
        CallbackSubmitterError,
        CallbackTimeoutError,
        ChildContextError,
        DeadlockError,
        DurableExecutionsError,
        DurableOperationError,
        ExecutionError,
        InvocationError,
        InvokeError,
        NonDeterministicExecutionError,
        PluginLoadError,
        RetryableSerDesError,
        SerDesError,
        StepError,
        StepInterruptedError,
        SuspendExecution,
        ValidationError,
        WaitForConditionError,
    )
    from durably.workflows.execution import durable_execution
    from durably.workflows.retries import (
        RetryDecision,
        RetryPresets,
        RetryStrategyConfig,
        WithRetryConfig,
        create_retry_strategy,
        with_retry,
    )
    from durably.workflows.types import StepContext

__version__ = "0.1.0"

__all__ = [
    "BatchCompletionError",
    "BatchItem",
    "BatchItemStatus",
    "BatchResult",
    "CallbackError",
    "CallbackExternalError",
    "CallbackSubmitterError",
    "CallbackTimeoutError",
    "ChildConfig",
    "ChildContextError",
    "CompletionConfig",
    "CompletionDecision",
    "CompletionItemStatus",
    "CompletionOutcome",
    "CompletionReason",
    "CompletionStatus",
    "DeadlockError",
    "DurableContext",
    "DurableExecutionsError",
    "DurableOperationError",
    "Duration",
    "ExecutionError",
    "InvocationError",
    "InvokeError",
    "JitterStrategy",
    "MapConfig",
    "NestingType",
    "NonDeterministicExecutionError",
    "ParallelBranch",
    "ParallelConfig",
    "PluginLoadError",
    "RetryDecision",
    "RetryPresets",
    "RetryStrategyConfig",
    "RetryableSerDesError",
    "SerDesError",
    "StepConfig",
    "StepContext",
    "StepError",
    "StepInterruptedError",
    "StepSemantics",
    "SuspendExecution",
    "ValidationError",
    "WaitForConditionError",
    "WithRetryConfig",
    "__version__",
    "complete_batch",
    "continue_batch",
    "create_retry_strategy",
    "durable_execution",
    "durable_parallel_branch",
    "durable_step",
    "durable_wait_for_callback",
    "durable_with_child_context",
    "with_retry",
]

_MODULES = {
    "concurrency.models": (
        "BatchCompletionError",
        "BatchItem",
        "BatchResult",
        "CompletionReason",
    ),
    "config": (
        "BatchItemStatus",
        "ChildConfig",
        "CompletionConfig",
        "CompletionDecision",
        "CompletionItemStatus",
        "CompletionOutcome",
        "CompletionStatus",
        "Duration",
        "JitterStrategy",
        "MapConfig",
        "NestingType",
        "ParallelBranch",
        "ParallelConfig",
        "StepConfig",
        "StepSemantics",
        "complete_batch",
        "continue_batch",
    ),
    "context": ("DurableContext",),
    "decorators": (
        "durable_parallel_branch",
        "durable_step",
        "durable_wait_for_callback",
        "durable_with_child_context",
    ),
    "exceptions": (
        "CallbackError",
        "CallbackExternalError",
        "CallbackSubmitterError",
        "CallbackTimeoutError",
        "ChildContextError",
        "DeadlockError",
        "DurableExecutionsError",
        "DurableOperationError",
        "ExecutionError",
        "InvocationError",
        "InvokeError",
        "NonDeterministicExecutionError",
        "PluginLoadError",
        "RetryableSerDesError",
        "SerDesError",
        "StepError",
        "StepInterruptedError",
        "SuspendExecution",
        "ValidationError",
        "WaitForConditionError",
    ),
    "execution": ("durable_execution",),
    "retries": (
        "RetryDecision",
        "RetryPresets",
        "RetryStrategyConfig",
        "WithRetryConfig",
        "create_retry_strategy",
        "with_retry",
    ),
    "types": ("StepContext",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name, or a module of this package, when it is first asked for."""
    module = _HOME.get(name)
    if module is not None:
        value: object = getattr(import_module(f"{__name__}.{module}"), name)
    else:
        if name.startswith("_"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            value = import_module(f"{__name__}.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"{__name__}.{name}":
                raise
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
