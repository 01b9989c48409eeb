"""The public names of AWS's SDK, by module: what its guide, README, examples and testing package import.

Beside them stands what its modules hold for the SDK's own use. A module that is not listed (`state`,
`suspend`, `identifier`, `threading`, `operation`, `concurrency.executor`, `plugin_discovery`, `constants`) is
of its own use as a whole. Every name that a listed module defines is in one of the two lists, so that a
version with a new name fails the test until somebody decides.
"""

PUBLIC = {
    "config": """
        BatchItemStatus CallbackConfig ChildConfig CompletionConfig CompletionDecision CompletionItemStatus
        CompletionOutcome CompletionStatus Duration InvokeConfig JitterStrategy MapConfig NestingType
        ParallelBranch ParallelConfig StepConfig StepSemantics WaitForCallbackConfig complete_batch
        continue_batch
    """,
    "context": """
        Callback DurableContext ExecutionContext durable_parallel_branch durable_step
        durable_wait_for_callback durable_with_child_context
    """,
    "execution": """
        DurableExecutionInvocationInput DurableExecutionInvocationInputWithClient
        DurableExecutionInvocationOutput InitialExecutionState InvocationStatus durable_execution
    """,
    "retries": """
        LinearRetryStrategyConfig RetryDecision RetryPresets RetryStrategyConfig WithRetryConfig
        create_linear_retry_strategy create_retry_strategy with_retry
    """,
    "waits": "WaitForConditionConfig WaitForConditionDecision WaitStrategyConfig create_wait_strategy",
    "serdes": """
        DEFAULT_JSON_SERDES EXTENDED_TYPES_SERDES ExtendedTypeSerDes JsonSerDes PassThroughSerDes SerDes
        SerDesContext deserialize serialize
    """,
    "exceptions": """
        AwsErrorMetadata AwsErrorObj BackgroundThreadError BotoClientError CallbackError CallbackExternalError
        CallbackSubmitterError CallbackTimeoutError CheckpointError CheckpointErrorCategory ChildContextError
        DurableApiErrorCategory DurableExecutionsError DurableOperationError ExecutionError
        GetExecutionStateError InvalidStateError InvocationError InvokeError NonDeterministicExecutionError
        OrderedLockError OrphanedChildException PluginLoadError RetryableSerDesError SerDesError StepError
        StepInterruptedError SuspendExecution TerminationReason TimedSuspendExecution UnrecoverableError
        ValidationError WaitForConditionError register_operation_error
    """,
    "types": """
        BatchResult Callback DurableContext DurableExecutionArn LambdaContext LoggerInterface OperationContext
        StepContext SummaryGenerator WaitForCallbackContext WaitForConditionCheckContext
    """,
    "logger": "LogInfo Logger",
    "concurrency.models": "BatchCompletionError BatchItem BatchResult CompletionReason",
    "plugin": """
        DurableInstrumentationPlugin DurableInstrumentationPluginFactory InvocationEndInfo InvocationInfo
        InvocationStartInfo InvocationStatus OperationChangeInfo OperationEndInfo OperationInfo
        OperationStartInfo OperationType PropagationInput PropagationMetadata UserFunctionEndInfo
        UserFunctionOutcome UserFunctionStartInfo
    """,
    "filesystem_serdes": """
        FileSystemPathEncoding FileSystemSerDes FileSystemSerDesConfig FileSystemSerDesMode GeneratePreview
    """,
    "preview": "FieldMatchMode PreviewConfig PreviewField PreviewMode build_preview",
    "lambda_service": """
        CallbackDetails CallbackOptions CallbackTimeoutType ChainedInvokeDetails ChainedInvokeOptions
        CheckpointOutput CheckpointUpdatedExecutionState ContextDetails ContextOptions
        DurableExecutionInvocationOutput DurableServiceClient ErrorObject ExecutionDetails InvocationStatus
        LambdaClient Operation OperationAction OperationStatus OperationSubType OperationType OperationUpdate
        StateOutput StepDetails StepOptions WaitDetails WaitOptions
    """,
}

INTERNAL = {
    "config": "P R T",
    "context": "P Params R T U",
    "execution": "handle_checkpoint_error",
    "retries": "T",
    "serdes": """
        BytesCodec Codec ContainerCodec DateTimeCodec DecimalCodec EncodedValue PrimitiveCodec T TYPE_CODEC
        TypeCodec TypeTag UuidCodec
    """,
    "types": "C_co C_contra T U",
    "concurrency.models": """
        Branch BranchEvent BranchEventKind BranchStatus CallableType CompletionPolicy CompletionRecord
        Executable R ResultType envelope_summary_generator
    """,
    "plugin": "PluginExecutor PluginHost",
    "lambda_service": "TimestampConverter",
}

SHADOWED = {
    ("types", "BatchResult"): "concurrency.models",
    ("types", "Callback"): "context",
    ("types", "DurableContext"): "context",
    ("plugin", "InvocationStatus"): "lambda_service",
    ("plugin", "OperationType"): "lambda_service",
}
"""Names that stand for two things there, and which module's the root's is."""


def public() -> list[tuple[str, str]]:
    """Every public name with its module."""
    return [(module, name) for module, names in PUBLIC.items() for name in names.split()]
