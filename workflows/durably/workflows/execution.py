"""`@durable_execution`: an invocation's event in, its output out.

The event says which execution this is and what has been recorded of it; the output says SUCCEEDED, FAILED
or PENDING. What must not be recorded as either (a throttled call, a crash of the process) is raised, and
the service invokes again.
"""

import functools
import inspect
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, overload

from durably.actors.clock import Clock
from durably.actors.dispatcher import Dispatcher
from durably.actors.frozen import frozen
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Ending, EndKind, Outcome, Raised, Succeeded
from durably.actors.model import ErrorObject, Operation, OperationAction, OperationType, OperationUpdate
from durably.actors.system import ActorSystem
from durably.actors.task import Task, where
from durably.actors.termination import DEFAULT_COOLDOWN
from durably.actors.workers import DEFAULT_MAX_WORKERS
from durably.workflows.context import DurableContext
from durably.workflows.errors import error_object_from, error_to_wire, recorded_error
from durably.workflows.event import Event, ExecutionService, input_of
from durably.workflows.exceptions import DeadlockError, InvocationError, SerDesError
from durably.workflows.invocation import Invocation
from durably.workflows.lambda_service import DurableExecutionInvocationOutput, InvocationStatus
from durably.workflows.serdes import recordable
from durably.workflows.service import DurableServiceClient

if TYPE_CHECKING:
    from durably.workflows.plugin import DurableInstrumentationPluginFactory
    from durably.workflows.plugins.invocation import InvocationPlugins

__all__ = ["DurableExecutionInvocationOutput", "InvocationStatus", "Settings", "durable_execution", "invoke"]

logger = logging.getLogger("durably.workflows")

LARGEST_RESPONSE = 6 * 1024 * 1024 - 50
"""In characters of the output's text; a larger result or error is checkpointed instead."""
DEADLINE_MARGIN = 1.0
"""Seconds before the deadline when bodies that still run are given up."""
INTERRUPT_PATIENCE = 1.0
"""Seconds that bodies may still run after Ctrl-C."""

Handler = Callable[[Any, DurableContext], Any]
Output = dict[str, Any]
Plugins = Sequence["DurableInstrumentationPluginFactory"]


@frozen
class Settings:
    """How an invocation runs here; the defaults are right for AWS Lambda.

    Args:
        cooldown: seconds that an invocation in which all is still waits for what comes due by then, instead
            of ending PENDING; it does not wait if nothing does.
        max_workers: how many step bodies may run at once.
        dispatcher: makes what decides the order of things; None for the hub on the calling thread.
    """

    cooldown: float = DEFAULT_COOLDOWN
    max_workers: int = DEFAULT_MAX_WORKERS
    dispatcher: Callable[[], Dispatcher] | None = None


DEFAULT_SETTINGS = Settings()


class DurableHandler(Protocol):
    """What `durable_execution` makes of a function: a Lambda handler."""

    def __call__(self, event: Any, context: Any) -> Output: ...


@overload
def durable_execution(
    func: Handler, *, boto3_client: Any = None, plugins: "Plugins | None" = None
) -> DurableHandler: ...
@overload
def durable_execution(
    func: None = None, *, boto3_client: Any = None, plugins: "Plugins | None" = None
) -> Callable[[Handler], DurableHandler]: ...
def durable_execution(
    func: Handler | None = None, *, boto3_client: Any = None, plugins: "Plugins | None" = None
) -> DurableHandler | Callable[[Handler], DurableHandler]:
    """Make a durable function of `func(input, context)`, as AWS Lambda calls it.

    Args:
        func: gets the execution's input (decoded JSON; {} if there is none) and a `DurableContext`.
        boto3_client: a boto3 client of "lambda"; by default one is made on first use.
        plugins: factories of plugins that observe every invocation; those that the environment variable
            DURABLE_EXECUTION_PLUGINS names follow them.

    Raises:
        TypeError: `func` cannot be a handler.
        PluginLoadError: a plugin cannot be had.

    Raises (when it is called):
        ExecutionError: the event is not a durable invocation.
        ValueError: an operation in it is malformed, or the execution's input is not JSON.
        InvocationError: this invocation cannot go on, another may.
    """
    if func is None:
        return functools.partial(_decorate, boto3_client=boto3_client, plugins=plugins)
    return _decorate(func, boto3_client, plugins)


def _decorate(func: Handler, boto3_client: Any, plugins: "Plugins | None") -> DurableHandler:
    _check_function(func)
    factories = _factories(plugins)

    @functools.wraps(func)
    def handler(event: Any, context: Any) -> Output:
        client = functools.partial(_aws_client, boto3_client)
        return _invoke(func, factories, event, context, client, DEFAULT_SETTINGS)

    # How `invoke` knows a handler.
    setattr(handler, "_durable_function", func)  # noqa: B010
    setattr(handler, "_durable_plugins", factories)  # noqa: B010
    return handler


def _factories(plugins: "Plugins | None") -> "Plugins":
    if not plugins and not os.environ.get("DURABLE_EXECUTION_PLUGINS"):
        return ()  # as nearly always, and nothing need be imported for it
    from durably.workflows.plugin_discovery import load_configured_plugins

    return tuple(load_configured_plugins(plugins))


def _check_function(func: Callable[..., object]) -> None:
    """Refuse what cannot be called with an input and a context, or whose code would never run when it is."""
    if not callable(func):
        raise TypeError(f"durable_execution decorates a function of (input, context), got {func!r}")
    name = getattr(func, "__name__", repr(func))
    if inspect.iscoroutinefunction(func) or inspect.isgeneratorfunction(func):
        kind = "async" if inspect.iscoroutinefunction(func) else "a generator"
        raise TypeError(f"{name} is {kind}; a durable handler is a plain function of (input, context)")
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError):  # not to be known, as of some built-in functions
        return
    try:
        signature.bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"{name} takes {signature}; a durable handler is called with (input, context): {error}"
        ) from error


def invoke(
    handler: Callable[..., Any],
    event: Mapping[str, Any],
    lambda_context: Any,
    client: DurableServiceClient,
    *,
    settings: Settings = DEFAULT_SETTINGS,
) -> Output:
    """Call a durable handler with another service behind it than AWS's.

    Args:
        handler: what `durable_execution` made.
        event: the invocation event, as JSON has it.
        lambda_context: what the handler's `context.lambda_context` is to be, or None.
        client: records the checkpoints.
        settings: see `Settings`.

    Raises:
        TypeError: `handler` is no durable handler.
        ExecutionError, InvocationError: as of the handler itself.
    """
    func: Handler | None = getattr(handler, "_durable_function", None)
    if func is None:
        raise TypeError(f"{handler!r} is not a durable handler: decorate it with @durable_execution")
    factories: Plugins = getattr(handler, "_durable_plugins", ())
    return _invoke(func, factories, event, lambda_context, lambda: client, settings)


def _aws_client(boto3_client: Any) -> DurableServiceClient:
    from durably.workflows.lambda_service import LambdaClient

    return LambdaClient.initialize_client() if boto3_client is None else LambdaClient(boto3_client)


# ------------------------------------------------------------------ the invocation


def _invoke(
    func: Handler,
    factories: Plugins,
    raw_event: Any,
    lambda_context: Any,
    make_client: Callable[[], DurableServiceClient],
    settings: Settings,
) -> Output:
    event = Event.read(raw_event)
    service = ExecutionService(make_client(), event.arn)
    try:
        snapshot = service.all_operations(event)
    except InvocationError as error:
        return _failed_call(error)
    input_event = input_of(snapshot, event.arn)
    run = functools.partial(_run, func, input_event, event, snapshot, service, lambda_context, settings)
    if not factories:
        return run(None)
    from durably.workflows.plugins.observing import observed

    return observed(factories, event, snapshot, lambda_context, run)


def _run(
    func: Handler,
    input_event: Any,
    event: Event,
    snapshot: Mapping[str, Operation],
    service: ExecutionService,
    lambda_context: Any,
    settings: Settings,
    plugins: "InvocationPlugins | None",
) -> Output:
    dispatcher = (
        settings.dispatcher() if settings.dispatcher else HubDispatcher(max_workers=settings.max_workers)
    )
    time_left = _time_left(lambda_context, dispatcher.clock)
    system = ActorSystem(dispatcher)
    invocation = Invocation(
        event.arn,
        event.token,
        snapshot,
        service.call,
        system=system,
        cooldown=settings.cooldown,
        time_left=time_left,
        lambda_context=lambda_context,
        plugins=plugins,
    )
    replaying = any(operation.type is not OperationType.EXECUTION for operation in snapshot.values())

    def root(task: Task) -> Outcome:
        return Succeeded(None, func(input_event, DurableContext(invocation, task, replaying=replaying)))

    patience = None
    try:
        invocation.root(root)
        ending = system.run()
        report = _deadlock(system) if ending is not None and ending.kind is EndKind.DEADLOCK else None
    except KeyboardInterrupt:
        patience = INTERRUPT_PATIENCE
        raise
    finally:
        limits = [limit for limit in (patience, time_left() if time_left else None) if limit is not None]
        left = system.close(min(limits, default=None))
        if left:
            logger.warning(
                "The invocation ends while step bodies still run: %s. Their results are lost.", left
            )
    assert ending is not None
    return _output(ending, report, service, invocation)


def _time_left(lambda_context: Any, clock: Clock) -> Callable[[], float] | None:
    remaining = getattr(lambda_context, "get_remaining_time_in_millis", None)
    if remaining is None:
        return None
    deadline = clock.monotonic() + remaining() / 1000 - DEADLINE_MARGIN
    return lambda: max(0.0, deadline - clock.monotonic())


# ------------------------------------------------------------------ the output


def _output(
    ending: Ending, deadlock: DeadlockError | None, service: ExecutionService, invocation: Invocation
) -> Output:
    if deadlock is not None:
        return _failed(error_object_from(deadlock))
    if ending.kind is EndKind.PENDING:
        return {"Status": "PENDING"}
    if ending.kind is EndKind.CHECKPOINTING_FAILED:
        assert ending.exception is not None
        return _failed_call(ending.exception)
    outcome = ending.outcome
    if isinstance(outcome, Raised):
        return _raised(outcome.exception, service, invocation)
    assert isinstance(outcome, Succeeded)
    try:
        text = json.dumps(outcome.value)
    except Exception as error:
        reason = TypeError(
            f"The handler's result must be JSON: {error}. Return dicts, lists, text and numbers."
        )
        reason.__cause__ = error
        return _raised(reason, service, invocation)
    if len(text) <= LARGEST_RESPONSE:
        return {"Status": "SUCCEEDED", "Result": text}
    try:
        recordable(text, invocation.durable_execution_arn)
    except SerDesError as error:
        return _raised(error, service, invocation)
    return _checkpointed(
        service, invocation, OperationAction.SUCCEED, {"Status": "SUCCEEDED", "Result": ""}, payload=text
    )


def _raised(error: BaseException, service: ExecutionService, invocation: Invocation) -> Output:
    if isinstance(error, InvocationError) and error.is_retryable():
        raise error
    if not isinstance(error, Exception):
        raise error
    logger.error("The execution failed.", exc_info=error)
    output = _failed(error_object_from(error))
    if len(json.dumps(output)) <= LARGEST_RESPONSE:
        return output
    return _checkpointed(
        service, invocation, OperationAction.FAIL, {"Status": "FAILED"}, error=recorded_error(error)
    )


def _checkpointed(
    service: ExecutionService, invocation: Invocation, action: OperationAction, output: Output, **what: Any
) -> Output:
    """Record an end that is too large to return."""
    update_id = f"execution-result-{int(time.time() * 1000)}"
    try:
        service.call((OperationUpdate(update_id, OperationType.EXECUTION, action, **what),), invocation.token)
    except InvocationError as error:
        return _failed_call(error)
    return output


def _failed_call(error: Exception) -> Output:
    """A call was refused or lost: another invocation may succeed, or the execution fails."""
    if not isinstance(error, InvocationError) or error.is_retryable():
        raise error
    logger.error("The durable execution service refused a call for good.", exc_info=error)
    return _failed(error_object_from(error))


def _failed(error: ErrorObject) -> Output:
    return {"Status": "FAILED", "Error": error_to_wire(error)}


def _deadlock(system: ActorSystem) -> DeadlockError:
    """Who waits for whom, when nobody can go on."""
    lines = [
        f"{task.name} waits for {task.awaits!r} at {where(task.frame())}"
        for task in sorted(system.parked(), key=lambda task: task.depth)
    ]
    waits = "; ".join(lines) or "the handler has ended without a result"
    return DeadlockError(f"Nothing can happen any more: {waits}.")
