"""Handlers and plugins for the requirements of plugins (10-x)."""

from collections.abc import Callable
from typing import Any

from durably.workflows import DurableContext, ParallelBranch, StepContext, durable_execution
from durably.workflows.config import Duration, ParallelConfig, StepConfig
from durably.workflows.plugin import (
    DurableInstrumentationPlugin,
    InvocationEndInfo,
    InvocationStartInfo,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    OperationType,
    UserFunctionEndInfo,
    UserFunctionStartInfo,
)
from durably.workflows.retries import RetryDecision, RetryPresets
from tests.conformance.registry import Handlers
from tests.emulator.journal import log_line

FUNCTIONS = Handlers()


class Logging(DurableInstrumentationPlugin):
    """Logs what it is told of: the invocations, and the operations of one type."""

    def __init__(
        self, arn: str | None, name: str = "CONFPLUGIN", kind: OperationType = OperationType.STEP
    ) -> None:
        self._arn = arn
        self._name = name
        self._kind = kind

    def log(self, hook: str, **fields: Any) -> None:
        log_line({"plugin": self._name, "hook": hook, "durableExecutionArn": self._arn, **fields})

    def minds(self, info: OperationInfo) -> bool:
        return info.operation_type is self._kind


class Factory:
    """Makes plugins for an invocation."""

    def __init__(self, make: Callable[[str | None], DurableInstrumentationPlugin]) -> None:
        self._make = make

    def create_plugin(self, info: InvocationStartInfo) -> DurableInstrumentationPlugin:
        return self._make(info.execution_arn)


class Invocations(Logging):
    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        self.log("invocation-start", first=info.is_first_invocation)

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        self.log("invocation-end", status=info.status.value)


class Attempts(Logging):
    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        if self.minds(info):
            self.log("attempt-start", n=info.attempt, op=info.operation_id)

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        if self.minds(info):
            self.log("attempt-end", n=info.attempt, op=info.operation_id, outcome=info.outcome.value)


class Ends(Logging):
    def on_operation_end(self, info: OperationEndInfo) -> None:
        parent = info.parent_id or "NONE"
        self.log("operation-end", op=info.operation_id, parent=parent, status=info.status.value)


class AttemptsAndEnds(Attempts):
    def on_operation_end(self, info: OperationEndInfo) -> None:
        if self.minds(info):
            self.log("operation-end", op=info.operation_id, status=info.status.value)


class StartsAndEnds(Logging):
    def on_operation_start(self, info: OperationStartInfo) -> None:
        if self.minds(info):
            self.log("operation-start", op=info.operation_id, replay=info.is_replayed)

    def on_operation_end(self, info: OperationEndInfo) -> None:
        if self.minds(info):
            self.log("operation-end", op=info.operation_id, status=info.status.value)


class Updates(Logging):
    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        for operation in info.updated_operations.values():
            if self.minds(operation):
                first, status = info.is_first_invocation, operation.status.value
                self.log("updated-on-invoke", op=operation.operation_id, status=status, first=first)


class Everything(Invocations, Attempts):
    """All hooks of a step."""

    def on_operation_start(self, info: OperationStartInfo) -> None:
        if self.minds(info):
            self.log("operation-start", op=info.operation_id)

    def on_operation_end(self, info: OperationEndInfo) -> None:
        if self.minds(info):
            self.log("operation-end", op=info.operation_id, status=info.status.value)


class Faulty(Everything):
    """Fails in every hook, after it has logged."""

    def log(self, hook: str, **fields: Any) -> None:
        super().log(hook)
        raise RuntimeError(f"{hook} fails")


class InvocationFields(Logging):
    """Says all that the infos of an invocation have."""

    def fields(self, info: InvocationStartInfo | InvocationEndInfo) -> dict[str, Any]:
        started = info.execution_start_time
        return {
            "isFirstInvocation": info.is_first_invocation,
            "requestId": info.request_id,
            "operationsCount": len(info.operations),
            "executionStartTimestamp": started and started.isoformat(),
        }

    def log(self, hook: str, **fields: Any) -> None:
        super().log(hook, **{key: value for key, value in fields.items() if value is not None})

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        updated = len(info.updated_operations)
        self.log("invocation-start", **self.fields(info), updatedOperationsCount=updated)

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        status = info.status.value
        terminal = status in ("SUCCEEDED", "FAILED")
        error = info.error and info.error.message
        self.log(
            "invocation-end", **self.fields(info), status=status, terminal=terminal, executionError=error
        )


class OperationFields(Logging):
    """Says all that the infos of an operation have."""

    def dump(self, hook: str, info: OperationInfo, **more: Any) -> None:
        if not self.minds(info):
            return
        fields = {
            "id": info.operation_id,
            "name": info.name,
            "type": info.operation_type.value,
            "subType": info.sub_type,
            "parentId": info.parent_id,
            "attempt": info.attempt,
            "startTimestamp": info.start_time and info.start_time.isoformat(),
            "endTimestamp": info.end_time and info.end_time.isoformat(),
            "isReplay": info.is_replayed,
            "error": info.error and info.error.message,
        }
        self.log(hook, **{key: value for key, value in (fields | more).items() if value is not None})


class AttemptFields(OperationFields):
    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        self.dump("attempt-start", info)

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        self.dump("attempt-end", info, outcome=info.outcome.value)


class ContextFields(OperationFields):
    def on_operation_start(self, info: OperationStartInfo) -> None:
        self.dump("operation-start", info)

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        self.dump("fn-start", info, isReplayingChildren=info.is_replay_children)


def with_plugins(*makers: Callable[[str | None], DurableInstrumentationPlugin]) -> Any:
    """`durable_execution` with these plugins."""
    return lambda function: durable_execution(function, plugins=[Factory(make) for make in makers])


def once_a_second(attempts: int) -> StepConfig:
    def strategy(error: Exception, attempt: int) -> RetryDecision:
        more = attempt < attempts
        return RetryDecision.retry(Duration.from_seconds(1)) if more else RetryDecision.no_retry()

    return StepConfig(retry_strategy=strategy)


def flaky(step: StepContext) -> str:
    if step.attempt == 1:
        raise RuntimeError("not yet")
    return "Operation succeeded"


def never(step: StepContext) -> None:
    raise RuntimeError("never")


def greets(event: Any, context: DurableContext) -> str:
    def body(step: StepContext) -> str:
        step.logger.info("Greeting step running for: %s", event)
        return f"Hello, {event}!"

    return context.step(body)


FUNCTIONS.meets("10-1")(with_plugins(Invocations)(greets))
FUNCTIONS.meets("10-5")(
    with_plugins(lambda arn: Invocations(arn, "CONFPLUGIN-A"), lambda arn: Invocations(arn, "CONFPLUGIN-B"))(
        greets
    )
)
FUNCTIONS.meets("10-17")(
    with_plugins(
        lambda arn: Faulty(arn, "CONFPLUGIN-FAULTY"), lambda arn: Everything(arn, "CONFPLUGIN-HEALTHY")
    )(greets)
)


@FUNCTIONS.meets("10-3")
@with_plugins(Attempts)
def retries(event: Any, context: DurableContext) -> str:
    return context.step(flaky, config=once_a_second(3))


@FUNCTIONS.meets("10-7")
@with_plugins(Invocations)
def fails(event: Any, context: DurableContext) -> None:
    context.step(never, config=StepConfig(retry_strategy=RetryPresets.none()))


@FUNCTIONS.meets("10-9")
@with_plugins(lambda arn: Updates(arn, kind=OperationType.WAIT))
def waits(event: Any, context: DurableContext) -> None:
    context.wait(Duration.from_seconds(2))


@FUNCTIONS.meets("10-11")
@with_plugins(Ends)
def greets_in_a_child(event: Any, context: DurableContext) -> str:
    return context.run_in_child_context(lambda child: greets(event, child))


@FUNCTIONS.meets("10-13")
@with_plugins(StartsAndEnds)
def succeeds_then_retries(event: Any, context: DurableContext) -> str:
    context.step(lambda _: "a", name="a")
    return context.step(flaky, name="b", config=once_a_second(3))


@FUNCTIONS.meets("10-15")
@with_plugins(AttemptsAndEnds)
def gives_up(event: Any, context: DurableContext) -> None:
    context.step(never, config=once_a_second(2))


@FUNCTIONS.meets("10-19")
@with_plugins(InvocationFields)
def waits_then_returns(event: Any, context: DurableContext) -> str:
    context.wait(Duration.from_seconds(2))
    return f"done-{event}"


@FUNCTIONS.meets("10-21")
@with_plugins(AttemptFields)
def retries_by_name(event: Any, context: DurableContext) -> str:
    context.step(flaky, name="flaky", config=once_a_second(3))
    return "ok"


@FUNCTIONS.meets("10-23")
@with_plugins(lambda arn: ContextFields(arn, kind=OperationType.CONTEXT))
def two_branches(event: Any, context: DurableContext) -> Any:
    def first(child: DurableContext) -> str:
        child.step(lambda _: "x", name="inner")
        child.wait(Duration.from_seconds(2))
        return "a-done"

    branches = [
        ParallelBranch(first, name="branch-a"),
        ParallelBranch(lambda child: "b-done", name="branch-b"),
    ]
    return context.parallel(branches, "ctx", ParallelConfig(max_concurrency=1)).get_results()
