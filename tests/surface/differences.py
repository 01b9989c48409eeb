"""Where our surface is meant to differ from AWS's, and why: the whole list.

A key is what differs, as `compare.differences` calls it, or a name of which anything may differ. What is
listed and does not differ fails the test.
"""

NESTED = (
    "The wire nests what belongs to one type of operation; our `Operation` and `OperationUpdate` are flat "
    "records (`durably.actors.model`). User code never meets them: plugins get an `OperationInfo`, tests the "
    "operations of `durably.workflows.testing`."
)
RUNNERS = (
    "Objects that AWS's testing package passes to a handler instead of an event. The runner of "
    "`durably.workflows.testing` passes an event, as Lambda does."
)
PROTOCOL = "A protocol for annotations, which no `isinstance` takes; ours has its methods without naming it."
HANDED_OUT = "Never made by a user: it is handed to one."
ITS_OWN = "How the SDK makes it, or makes something of it, for its own use."

DIFFERENCES = {
    **dict.fromkeys(
        (
            "lambda_service.CallbackDetails",
            "lambda_service.CallbackOptions",
            "lambda_service.ChainedInvokeDetails",
            "lambda_service.ChainedInvokeOptions",
            "lambda_service.CheckpointOutput",
            "lambda_service.CheckpointUpdatedExecutionState",
            "lambda_service.ContextDetails",
            "lambda_service.ContextOptions",
            "lambda_service.ExecutionDetails",
            "lambda_service.Operation",
            "lambda_service.OperationUpdate",
            "lambda_service.StateOutput",
            "lambda_service.StepDetails",
            "lambda_service.StepOptions",
            "lambda_service.WaitDetails",
            "lambda_service.WaitOptions",
        ),
        NESTED,
    ),
    **dict.fromkeys(
        (
            "execution.DurableExecutionInvocationInput",
            "execution.DurableExecutionInvocationInputWithClient",
            "execution.InitialExecutionState",
        ),
        RUNNERS,
    ),
    **dict.fromkeys(
        (
            "concurrency.models.BatchResult: is a BatchResult",
            "context.Callback: is a Callback",
            "context.DurableContext: is a DurableContext",
        ),
        PROTOCOL,
    ),
    **dict.fromkeys(("context.Callback()", "context.DurableContext()"), HANDED_OUT),
    **dict.fromkeys(
        (
            "context.DurableContext.create_child_context",
            "context.DurableContext.from_lambda_context",
            "lambda_service.ErrorObject.raise_as_operation_error",
            "lambda_service.ErrorObject.to_durable_operation_error",
            "plugin.InvocationEndInfo.from_durable_execution_invocation_output",
            "plugin.OperationEndInfo.from_operation",
            "plugin.OperationInfo.from_operation",
            "plugin.OperationStartInfo.from_operation",
            "plugin.UserFunctionEndInfo.from_operation",
            "plugin.UserFunctionEndInfo.from_start_info",
            "plugin.UserFunctionStartInfo.from_operation",
        ),
        ITS_OWN,
    ),
    **dict.fromkeys(
        (
            "lambda_service.ErrorObject()",
            "lambda_service.ErrorObject: fields",
            "lambda_service.LambdaClient.checkpoint()",
        ),
        "What must be given there may be left out here.",
    ),
    **dict.fromkeys(
        (
            "lambda_service.DurableServiceClient.checkpoint()",
            "lambda_service.DurableServiceClient.get_execution_state()",
        ),
        "Our own seam, whose arguments are given by position: a client may call them what it likes.",
    ),
}


def is_listed(difference: str) -> bool:
    """Whether the difference, or the name that it is in, is on the list."""
    return any(listed(difference, key) for key in DIFFERENCES)


def listed(difference: str, key: str) -> bool:
    """Whether the key is of this difference, or of the name that it is in."""
    return difference == key or difference.startswith((f"{key}.", f"{key}:", f"{key}("))
