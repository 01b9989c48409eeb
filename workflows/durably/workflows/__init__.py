"""Durable workflows: a plain function that survives crashes, long waits and large fan-outs.

Decorate a function with `durable_execution`; what it does through its `DurableContext` is checkpointed,
and when it is invoked again it goes on from there.

Names are loaded when they are first used, so that importing one module of this package (its exceptions, say)
does not import the rest. Here stands which module a name is in; what it is, type checkers read in
`__init__.pyi`.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = {
    "concurrency.models": "BatchCompletionError BatchItem BatchResult CompletionReason",
    "config": """
        BatchItemStatus CallbackConfig ChildConfig CompletionConfig CompletionDecision CompletionItemStatus
        CompletionOutcome CompletionStatus Duration InvokeConfig JitterStrategy MapConfig NestingType
        ParallelBranch ParallelConfig StepConfig StepSemantics WaitForCallbackConfig complete_batch
        continue_batch
    """,
    "context": "Callback DurableContext DurableFuture ExecutionContext Settled",
    "decorators": """
        durable_parallel_branch durable_step durable_wait_for_callback durable_with_child_context
    """,
    "exceptions": """
        AwsErrorMetadata AwsErrorObj BackgroundThreadError BotoClientError CallbackError
        CallbackExternalError CallbackSubmitterError CallbackTimeoutError CheckpointError
        CheckpointErrorCategory ChildContextError DeadlockError DurableApiErrorCategory
        DurableExecutionsError DurableOperationError ExecutionError GetExecutionStateError InvalidStateError
        InvocationError InvokeError NonDeterministicExecutionError OrderedLockError OrphanedChildException
        PluginLoadError RetryableSerDesError SerDesError StepError StepInterruptedError SuspendExecution
        TerminationReason TimedSuspendExecution UnrecoverableError ValidationError WaitForConditionError
        register_operation_error
    """,
    "execution": "durable_execution",
    "filesystem_serdes": """
        FileSystemPathEncoding FileSystemSerDes FileSystemSerDesConfig FileSystemSerDesMode GeneratePreview
    """,
    "lambda_service": """
        CallbackTimeoutType DurableExecutionInvocationOutput DurableServiceClient ErrorObject
        InvocationStatus LambdaClient Operation OperationAction OperationStatus OperationSubType
        OperationType OperationUpdate
    """,
    "logger": "LogInfo Logger",
    "plugin": """
        DurableInstrumentationPlugin DurableInstrumentationPluginFactory InvocationEndInfo InvocationInfo
        InvocationStartInfo OperationChangeInfo OperationEndInfo OperationInfo OperationStartInfo
        PropagationInput PropagationMetadata UserFunctionEndInfo UserFunctionOutcome UserFunctionStartInfo
    """,
    "preview": "FieldMatchMode PreviewConfig PreviewField PreviewMode build_preview",
    "retries": """
        LinearRetryStrategyConfig RetryDecision RetryPresets RetryStrategyConfig WithRetryConfig
        create_linear_retry_strategy create_retry_strategy with_retry
    """,
    "serdes": """
        DEFAULT_JSON_SERDES EXTENDED_TYPES_SERDES ExtendedTypeSerDes JsonSerDes PassThroughSerDes SerDes
        SerDesContext deserialize serialize typed
    """,
    "types": """
        DurableExecutionArn LambdaContext LoggerInterface OperationContext StepContext SummaryGenerator
        WaitForCallbackContext WaitForConditionCheckContext
    """,
    "waits": """
        WaitForConditionConfig WaitForConditionDecision WaitStrategyConfig create_wait_strategy
    """,
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

# Both would read names off this line: pyright has the stub for that, and ruff need not.
__all__ = ["__version__", *_HOME]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]  # as said


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
