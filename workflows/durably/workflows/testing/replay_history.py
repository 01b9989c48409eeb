"""Recorded histories for the replayer: the answers of GetDurableExecutionHistory, as records of operations.

An answer may come from AWS, from its emulator or from the embedded service; from boto3 with `datetime`s or
from a file of JSON; as one page, several, or a bare list of events, in either order. Times are not looked
at: what a handler does must not depend on them.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias, cast

import attrs

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.errors import error_from_wire
from durably.workflows.local.records import make_arn

HistorySource: TypeAlias = "Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | os.PathLike[str]"
"""An answer, several pages, a list of events, or the path of a JSON file with one of these."""

_SUBJECTS = {
    "Execution": OperationType.EXECUTION,
    "Context": OperationType.CONTEXT,
    "Step": OperationType.STEP,
    "Wait": OperationType.WAIT,
    "Callback": OperationType.CALLBACK,
    "ChainedInvoke": OperationType.CHAINED_INVOKE,
}
_ENDS = {
    "Succeeded": OperationStatus.SUCCEEDED,
    "Failed": OperationStatus.FAILED,
    "Cancelled": OperationStatus.CANCELLED,
    "TimedOut": OperationStatus.TIMED_OUT,
    "Stopped": OperationStatus.STOPPED,
}
_REFUSALS = ("CheckpointError", "GetExecutionStateError")
_NO_OPERATION = ("ExecutionPaused", "ExecutionResumed")
_PAYLOAD_ADVICE = (
    "Ask for it with its payloads: get_durable_execution_history(IncludeExecutionData=True), "
    "`aws lambda get-durable-execution-history --include-execution-data`, or execution.history_json()."
)


class HistoryError(ValueError):
    """A recorded history cannot be replayed: it is incomplete, has no payloads, or is something else."""


@attrs.frozen
class RecordedHistory:
    """What an execution did.

    Attributes:
        name: where it was read from.
        arn: the execution's, or one made up if the answer has none.
        events: in order of their numbers.
        execution: the EXECUTION operation as it is in the end; STARTED if the execution goes on.
        operations: the others by id, as they are in the end.
    """

    name: str
    arn: str
    events: Sequence["RecordedEvent"]
    execution: Operation
    operations: Mapping[str, Operation]

    @property
    def is_decided(self) -> bool:
        """Whether the handler's own code brought the execution to its end, and no refusal of the service."""
        status, error = self.execution.status, self.execution.error
        if status is OperationStatus.FAILED and error is not None:
            return (error.type or "").rpartition(".")[2] not in _REFUSALS
        return status is OperationStatus.SUCCEEDED or status is OperationStatus.FAILED

    def ends_of_invocations(self) -> Iterator[tuple[int, dict[str, Operation]]]:
        """At the end of each invocation but the last, the number of the event and what was recorded then."""
        so_far: dict[str, Operation] = {}
        last = max((event.number for event in self.events if event.update is not None), default=0)
        for event in self.events:
            if event.update is not None:
                so_far[event.update.id] = event.update
            elif event.ends_invocation and so_far and event.number < last:
                yield event.number, dict(so_far)


@attrs.frozen
class RecordedEvent:
    """One event: the operation as it was after it, unless it is of the execution itself."""

    number: int
    update: Operation | None = None
    ends_invocation: bool = False


def far_away() -> datetime:
    """A time at which no replay is under way any more."""
    return datetime.now(UTC) + timedelta(days=3650)


def read_history(source: HistorySource, name: str | None = None, arn: str | None = None) -> RecordedHistory:
    """Read an answer of GetDurableExecutionHistory.

    Raises:
        HistoryError: it is none, a page is missing, or it has no payloads.
    """
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        return _read(_load(path), name or path.name, arn)
    return _read(source, name or "the history", arn)


def _load(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HistoryError(f"Cannot read the history {path}: {error}.") from error
    except ValueError as error:
        raise HistoryError(f"{path} is no JSON: {error}.") from error


def _read(answer: Any, name: str, arn: str | None) -> RecordedHistory:
    wires = _in_order(answer, name)
    _check_payloads(wires, name)
    reader = _Reader(name)
    for wire in wires:
        reader.read(wire)
    execution = reader.execution
    if execution is None:
        raise HistoryError(f"{name} has no ExecutionStarted event: it is no history from its beginning.")
    arn = arn or make_arn("replayed", "replayed", execution.id)
    return RecordedHistory(name, arn, reader.events, execution, reader.operations)


def _in_order(answer: Any, name: str) -> list[Mapping[str, Any]]:
    """The events of all pages by number, each once."""
    pages: Sequence[Any] = cast("Sequence[Any]", answer) if isinstance(answer, list | tuple) else [answer]
    events: dict[int, Mapping[str, Any]] = {}
    markers = 0
    for page in pages:
        if not isinstance(page, Mapping) or not ("Events" in page or "EventType" in page):
            raise HistoryError(
                f"{name} is no answer of GetDurableExecutionHistory: there are no Events in it."
            )
        fields = cast("Mapping[str, Any]", page)
        found: Any = fields.get("Events", [fields])
        markers += bool(fields.get("NextMarker"))
        for each in found:
            event = cast("Mapping[str, Any]", each if isinstance(each, Mapping) else {})
            number = event.get("EventId")
            if not isinstance(number, int) or not isinstance(event.get("EventType"), str):
                raise HistoryError(f"{name} has an event without EventType or EventId: {each!r:.100}")
            events[number] = event
    if not events:
        raise HistoryError(f"{name} has no events.")
    ordered = sorted(events)
    missing = [number for number in range(1, ordered[-1]) if number not in events]
    if missing:
        raise HistoryError(
            f"{name} has no event {missing[0]}, but event {ordered[-1]}: give all pages, as a list."
        )
    if "EventType" not in pages[0] and markers >= len(pages):
        raise HistoryError(f"{name} is not complete (it has a NextMarker): give all pages, as a list.")
    return [events[number] for number in ordered]


def _check_payloads(wires: Sequence[Mapping[str, Any]], name: str) -> None:
    results = 0
    payloads = 0
    for wire in wires:
        for part in ("Input", "Result", "Error"):
            data = _details(wire).get(part)
            if data is None:
                continue
            if data.get("Truncated") and data.get("Payload") is None:  # the emulator marks every error
                raise HistoryError(
                    f"{name} has no payload of {part.lower()} in event {wire['EventId']} "
                    f"({wire['EventType']}), and cannot be replayed without it. {_PAYLOAD_ADVICE}"
                )
            payloads += data.get("Payload") is not None
            results += part == "Result"
    if results and not payloads:
        raise HistoryError(f"{name} has no payloads, and cannot be replayed without. {_PAYLOAD_ADVICE}")


def _details(wire: Mapping[str, Any]) -> Mapping[str, Any]:
    return wire.get(f"{wire['EventType']}Details") or {}


class _Reader:
    """Makes operations of events, one after another."""

    def __init__(self, name: str) -> None:
        self.events: list[RecordedEvent] = []
        self.execution: Operation | None = None
        self.operations: dict[str, Operation] = {}
        self._name = name

    def read(self, wire: Mapping[str, Any]) -> None:
        kind, number = wire["EventType"], wire["EventId"]
        if kind == "InvocationCompleted":
            self.events.append(RecordedEvent(number, ends_invocation=True))
            return
        if kind in _NO_OPERATION:
            return
        subject = next((each for each in _SUBJECTS if kind.startswith(each)), "")
        verb = kind.removeprefix(subject)
        if not subject or (verb != "Started" and verb not in _ENDS):
            raise HistoryError(f"{self._name} has an event {number} of an unknown type: {kind}.")
        if subject == "Execution":
            self._read_execution(wire, verb)
            return
        if not wire.get("Id"):
            raise HistoryError(f"{self._name} has an event {number} ({kind}) without an Id.")
        operation = self._after(wire, _SUBJECTS[subject], verb)
        self.operations[operation.id] = operation
        self.events.append(RecordedEvent(number, operation))

    def _read_execution(self, wire: Mapping[str, Any], verb: str) -> None:
        details = _details(wire)
        if verb == "Started":
            self.execution = Operation(
                wire.get("Id") or "execution",
                OperationType.EXECUTION,
                OperationStatus.STARTED,
                name=wire.get("Name"),
                input_payload=_payload(details, "Input"),
            )
        elif self.execution is not None:
            self.execution = attrs.evolve(
                self.execution, status=_ENDS[verb], result=_payload(details, "Result"), error=_error(details)
            )

    def _after(self, wire: Mapping[str, Any], kind: OperationType, verb: str) -> Operation:
        details = _details(wire)
        before = self.operations.get(wire["Id"])
        if before is None:
            before = Operation(
                wire["Id"],
                kind,
                OperationStatus.STARTED,
                wire.get("SubType") or None,
                wire.get("Name") or None,
                wire.get("ParentId") or None,
                callback_id=details.get("CallbackId"),
            )
        if verb == "Started":
            return attrs.evolve(before, status=OperationStatus.STARTED)
        retry: Mapping[str, Any] = details.get("RetryDetails") or {}
        return attrs.evolve(
            before,
            # An attempt that another one follows; the emulator says 0 of one that none does.
            status=OperationStatus.PENDING if retry.get("NextAttemptDelaySeconds") else _ENDS[verb],
            result=_payload(details, "Result"),
            error=_error(details),
            attempt=retry.get("CurrentAttempt") or before.attempt + 1,
        )


def _payload(details: Mapping[str, Any], part: str) -> str | None:
    data: Mapping[str, Any] = details.get(part) or {}
    return data.get("Payload")


def _error(details: Mapping[str, Any]) -> ErrorObject | None:
    data: Mapping[str, Any] = details.get("Error") or {}
    payload = data.get("Payload")
    return None if payload is None else error_from_wire(payload)
