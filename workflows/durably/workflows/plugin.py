"""What a plugin sees of an execution, and what a plugin is.

A plugin observes: every hook is told something and answers nothing, `provide_propagation_metadata` excepted.
The names, fields and defaults here are those of AWS's SDK, so that a plugin for one SDK is a plugin for the
other. Where its hooks are called from is in `plugins/`; how factories are found, in `plugin_discovery`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any, Protocol, Self

from durably.actors.model import ErrorObject, OperationStatus

__all__ = [
    "DurableInstrumentationPlugin",
    "DurableInstrumentationPluginFactory",
    "ErrorObject",
    "InvocationEndInfo",
    "InvocationInfo",
    "InvocationStartInfo",
    "InvocationStatus",
    "OperationChangeInfo",
    "OperationEndInfo",
    "OperationInfo",
    "OperationStartInfo",
    "OperationStatus",
    "OperationType",
    "PropagationInput",
    "PropagationMetadata",
    "UserFunctionEndInfo",
    "UserFunctionOutcome",
    "UserFunctionStartInfo",
]


class InvocationStatus(Enum):
    """How an invocation ended. RETRY: it raised, and the service invokes again."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    PENDING = "PENDING"
    RETRY = "RETRY"


class OperationType(Enum):
    """What kind of thing an operation is."""

    EXECUTION = "EXECUTION"
    CONTEXT = "CONTEXT"
    STEP = "STEP"
    WAIT = "WAIT"
    CALLBACK = "CALLBACK"
    CHAINED_INVOKE = "CHAINED_INVOKE"


class UserFunctionOutcome(Enum):
    """How a call of user code ended. INCOMPLETE: it was suspended, or interrupted."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    INCOMPLETE = "INCOMPLETE"

    @classmethod
    def from_error(cls, error: ErrorObject | None) -> Self:
        """FAILED if there is an error, else SUCCEEDED."""
        return cls("SUCCEEDED" if error is None else "FAILED")


# ------------------------------------------------------------------ operations


@dataclass(frozen=True)
class OperationInfo:
    """An operation at one moment. Times are timezone-aware.

    Attributes:
        sub_type: text such as "Step" or "MapIteration"; None for the execution itself.
        parent_id: of the context that it is recorded in; None at the root.
        start_time: as recorded; None if it has not been recorded yet.
        is_replayed: true if the hook repeats what an earlier invocation saw.
        result: the serialized result, if there is one.
        error: the recorded error, if there is one.
        attempt: of a step, how many attempts have ended; of user code, the number of the attempt, from 1.
    """

    operation_id: str
    operation_type: OperationType
    sub_type: str | None
    name: str | None
    parent_id: str | None
    start_time: datetime | None
    is_replayed: bool
    status: OperationStatus
    end_time: datetime | None = field(default=None, kw_only=True)
    result: str | None = field(default=None, kw_only=True)
    error: ErrorObject | None = field(default=None, kw_only=True)
    attempt: int | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class OperationStartInfo(OperationInfo):
    """An operation starts, or one that was not over goes on."""


@dataclass(frozen=True)
class OperationEndInfo(OperationInfo):
    """An operation is over."""


@dataclass(frozen=True)
class OperationChangeInfo:
    """What the service's answers changed since the hook was called last.

    Attributes:
        updated_operations: by id, each in its newest state.
        operations: all of the execution's, by id. Made when it is first read, so ask for it only if needed.
    """

    execution_arn: str | None
    updated_operations: dict[str, OperationInfo]
    operations: dict[str, OperationInfo]


@dataclass(frozen=True)
class UserFunctionStartInfo(OperationInfo):
    """User code is about to be called: a step's body, a condition's check, a context's code.

    Attributes:
        is_replay_children: true if it runs only to rebuild a result that was too large to be recorded.
    """

    is_replay_children: bool = False


@dataclass(frozen=True)
class UserFunctionEndInfo(OperationInfo):
    """User code has returned, raised, or been suspended."""

    is_replay_children: bool
    outcome: UserFunctionOutcome


# ------------------------------------------------------------------ invocations


@dataclass(frozen=True)
class InvocationInfo:
    """One invocation of an execution.

    Attributes:
        request_id: AWS Lambda's, if there is one.
        is_first_invocation: true if nothing was recorded but the execution itself.
        execution_input: the decoded input, a copy of what the handler gets.
        operations: the execution's, by id, as they were when the hook was called.
    """

    request_id: str | None
    execution_arn: str | None
    is_first_invocation: bool
    execution_start_time: datetime | None = None
    # What the execution is about is shown nowhere by accident, and never compared.
    execution_input: Any = field(default=None, kw_only=True, repr=False, compare=False, hash=False)
    operations: dict[str, OperationInfo] = field(
        default_factory=dict[str, OperationInfo], kw_only=True, repr=False, compare=False, hash=False
    )


@dataclass(frozen=True)
class InvocationStartInfo(InvocationInfo):
    """An invocation begins.

    Attributes:
        updated_operations: those that the service changed since the last one: a wait that is over, a
            callback that was completed.
    """

    updated_operations: dict[str, OperationInfo] = field(
        default_factory=dict[str, OperationInfo], kw_only=True, repr=False, compare=False, hash=False
    )


@dataclass(frozen=True)
class InvocationEndInfo(InvocationInfo):
    """An invocation is over.

    Attributes:
        error: what the execution failed with, or what is raised.
        execution_result: the result as JSON; "" if it was too large to be returned and was recorded instead.
    """

    status: InvocationStatus = field(kw_only=True)
    error: ErrorObject | None = None
    execution_result: str | None = field(default=None, kw_only=True, repr=False, compare=False, hash=False)


# ------------------------------------------------------------------ propagation


@dataclass(frozen=True)
class PropagationInput:
    """A function that is about to be invoked."""

    execution_arn: str
    operation_id: str
    target_function_name: str
    parent_operation_id: str | None = None


@dataclass(frozen=True)
class PropagationMetadata:
    """What is to go along with an invoke; the library does not read it."""

    x_amzn_trace_id: str | None = None


# ------------------------------------------------------------------ plugins


class DurableInstrumentationPlugin:
    """A base for plugins; define the hooks you need.

    You need not derive from it: any object with one of these methods is a plugin, and a hook that is not
    there is not called. One instance serves one invocation.

    All hooks but two run on the invocation's own thread, one at a time, and everything else on that thread
    waits meanwhile: the code of all branches, and checkpoints. So a hook must be quick; leave slow work to a
    thread of the plugin's own, and wait for it in `on_invocation_end`. The two are those of a step's body,
    which run on the thread of the body, so those of several steps may run at the same time; and
    `on_operation_change`, which has a thread of its own.

    What a hook raises is logged and ignored, except `KeyboardInterrupt`, `SystemExit` and `GeneratorExit`.
    """

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        """Before the handler runs, and before any other hook."""

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        """After every other hook, when the output is known; also when the invocation raises."""

    def on_operation_start(self, info: OperationStartInfo) -> None:
        """Before START is sent (for a retry once more), or when an operation goes on from its record."""

    def on_operation_end(self, info: OperationEndInfo) -> None:
        """When it is recorded that an operation is over, before workflow code learns of it.

        Once for each operation, children before their parent: in the invocation that sees the end. A context
        that records no end (a virtual one, or one that runs to rebuild a large result) has one in every run.
        """

    def on_operation_change(self, info: OperationChangeInfo) -> None:
        """After answers of the service have changed operations; several answers may come as one.

        Runs on a thread of its own, which has ended before `on_invocation_end`.
        """

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        """Just before user code, on its thread; context variables that are set here are seen by that code."""

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        """Just after user code, on the same thread."""

    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata | None:
        """Before an invoke's START is sent, never on replay: what is to go along with it.

        The first plugin's trace id that is not blank is sent.
        """
        return None


class DurableInstrumentationPluginFactory(Protocol):
    """Makes the plugin of each invocation. An object with this method is one; a plain callable is not.

    A factory keeps what outlives an invocation, such as an exporter. Its class may set
    `__durable_registration_api__ = 1`, and then `exclusive_group` (text: at most one factory of a group may
    be registered) and `on_registration_result(registered)`, called once when the handler is decorated.
    """

    def create_plugin(self, info: Any, /) -> object:
        """A plugin for the invocation that begins, which `info`, an `InvocationStartInfo`, describes.

        It may be any object with hooks; the types are wide so that factories written for AWS's SDK fit.
        One that raises, or returns what is no plugin, is logged, and the invocation goes on without it.
        """
        ...
