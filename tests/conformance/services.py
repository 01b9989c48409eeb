"""The services that requirements are checked on: ours, embedded in this process, and AWS's emulator."""

import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from durably.actors.model import ErrorObject
from durably.workflows.local import LocalExecution, LocalService, SkippingClock
from tests.conformance.likely.cases import MODULES as LIKELY
from tests.conformance.matching import Variables, expand
from tests.conformance.outcomes import Outcome
from tests.conformance.outside import Outside
from tests.conformance.requirements import Requirement
from tests.emulator.journal import JOURNAL
from tests.emulator.world import RUNNING, World

MODULES = [
    f"tests.conformance.{each}"
    for each in (
        "steps",
        "waits",
        "children",
        "callbacks",
        "invokes",
        "conditions",
        "submissions",
        "parallels",
        "maps",
        "plugins",
    )
] + LIKELY
PATIENCE = 60.0
"""Seconds after which an execution that should have come to its end is looked at as it is."""


class Service(Protocol):
    """Where executions run."""

    name: str

    def run(self, requirement: Requirement, variables: Variables) -> Outcome:
        """Start an execution, do what an external system is to do, and wait until it has come far enough."""
        ...

    def close(self) -> None: ...


def needs_real_time(requirement: Requirement) -> bool:
    """Whether something is to happen while it waits: an answer, a timeout, or nothing at all."""
    told = requirement.data.get("real_time", "callback" in requirement.group)
    return told or not requirement.result


def has_come_far_enough(requirement: Requirement, events: Sequence[Mapping[str, Any]]) -> bool:
    return len(events) >= max((event.get("EventId", 0) for event in requirement.events), default=0)


class Embedded:
    """Our service. Where nothing is to happen meanwhile, it skips the time."""

    name = "embedded"

    def __init__(self) -> None:
        self._handlers: dict[str, Callable[[Any, Any], Any]] = {}
        targets: dict[str, Any] = {}
        for module in map(importlib.import_module, MODULES):
            self._handlers |= module.FUNCTIONS
            targets |= getattr(module, "INVOCABLE", {})
        self._changed = threading.Condition()
        self._skipping = LocalService(clock=SkippingClock(), observer=self._observe)
        self._real = LocalService(observer=self._observe)
        for service in (self._skipping, self._real):
            for target, config in targets.items():
                durable = config.get("DurableConfig")
                service.register(
                    target,
                    self._handlers[target],
                    durable=durable is not None,
                    execution_timeout_seconds=(durable or {}).get("ExecutionTimeout"),
                )

    def close(self) -> None:
        self._skipping.close()
        self._real.close()

    def run(self, requirement: Requirement, variables: Variables) -> Outcome:
        service = self._real if needs_real_time(requirement) else self._skipping
        event = expand(requirement.data.get("Input"), variables)
        execution = service.start(self._handlers[requirement.id], event)
        outside = Outside(requirement.actions, variables, LocalCallbacks(service))
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and not self._is_done(requirement, execution):
            outside.look((each.callback_id, each.name) for each in execution.callbacks())
            with self._changed:
                self._changed.wait(0.1)
        execution.stop()
        root = execution.operations()[0]
        events = execution.history_json()["Events"]
        status = RUNNING if execution.status == "STOPPED" else execution.status
        return Outcome(status, root.result, events, JOURNAL.of(execution.arn))

    def _is_done(self, requirement: Requirement, execution: LocalExecution) -> bool:
        if requirement.result:
            return execution.wait(0)
        return has_come_far_enough(requirement, execution.history_json()["Events"])

    def _observe(self, arn: str, operations: Mapping[str, Any]) -> None:
        with self._changed:
            self._changed.notify_all()


class LocalCallbacks:
    """Answers to a `LocalService`."""

    def __init__(self, service: LocalService) -> None:
        self._service = service

    def succeed(self, callback_id: str, result: str | None) -> None:
        self._service.succeed_callback(callback_id, result)

    def fail(self, callback_id: str, error: Mapping[str, str]) -> None:
        self._service.fail_callback(
            callback_id, ErrorObject(error.get("ErrorMessage"), error.get("ErrorType"))
        )

    def heartbeat(self, callback_id: str) -> None:
        self._service.heartbeat_callback(callback_id)


LONG = 20
"""In looks: an invocation that has told nothing new for so long waits for an answer itself."""


class Emulator:
    """AWS's emulator and the handlers as processes, in real time: skipped, a wait is over too soon to see."""

    name = "emulator"

    def __init__(self, sdk: str = "durably.workflows") -> None:
        targets: dict[str, Any] = {}
        for module in map(importlib.import_module, MODULES):
            targets |= getattr(module, "INVOCABLE", {})
        self._world = World(MODULES, skip_time=False, functions=targets, sdk=sdk)

    def close(self) -> None:
        self._world.close()

    def run(self, requirement: Requirement, variables: Variables) -> Outcome:
        event = expand(requirement.data.get("Input"), variables)
        execution = self._world.start(requirement.id, event)
        outside = Outside(requirement.actions, variables, RemoteCallbacks(self._world.client))
        quiet = length = 0  # how many looks there were since the history was shorter
        for _ in self._world.looks(execution.arn, PATIENCE):
            if execution.describe()["Status"] != RUNNING:
                break
            if requirement.actions or not requirement.result:
                events = execution.history()
                quiet, length = quiet + 1 if len(events) == length else 0, len(events)
                # An answer comes when the invocation is over: while it ends, the order of the two is chance.
                if quiet > LONG or (events and events[-1]["EventType"] == "InvocationCompleted"):
                    outside.look(waiting_callbacks(events))
                if not requirement.result and has_come_far_enough(requirement, events):
                    break
        description = execution.describe()
        # The emulator leaves the details of an invocation out of what it sends.
        events = [
            {**event, "InvocationCompletedDetails": {}}
            if event["EventType"] == "InvocationCompleted"
            else event
            for event in execution.history()
        ]
        if description["Status"] == RUNNING:
            self._world.client.stop_durable_execution(DurableExecutionArn=execution.arn)
        return Outcome(description["Status"], description.get("Result"), events, execution.logs())


class RemoteCallbacks:
    """Answers over boto3."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def succeed(self, callback_id: str, result: str | None) -> None:
        arguments = {} if result is None else {"Result": result.encode()}
        self._client.send_durable_execution_callback_success(CallbackId=callback_id, **arguments)

    def fail(self, callback_id: str, error: Mapping[str, str]) -> None:
        self._client.send_durable_execution_callback_failure(CallbackId=callback_id, Error=dict(error))

    def heartbeat(self, callback_id: str) -> None:
        self._client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)


def waiting_callbacks(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str | None]]:
    """The id and name of each callback that a history has and that waits for its answer."""
    waiting: dict[str, tuple[str, str | None]] = {}
    for event in events:
        if event["EventType"] == "CallbackStarted":
            waiting[event["Id"]] = (event["CallbackStartedDetails"]["CallbackId"], event.get("Name"))
        elif event["EventType"].startswith("Callback"):
            waiting.pop(event["Id"], None)
    return list(waiting.values())
