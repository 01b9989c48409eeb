"""What plugins are told, made of the service's records."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationUpdate
from durably.actors.model import OperationType as ServiceOperationType
from durably.workflows.plugin import (
    InvocationEndInfo,
    InvocationStartInfo,
    InvocationStatus,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    OperationType,
    UserFunctionEndInfo,
    UserFunctionOutcome,
    UserFunctionStartInfo,
)

Info = TypeVar("Info", bound=OperationInfo)

_TYPES = {each: OperationType(each.value) for each in ServiceOperationType}


class Called(Protocol):
    """An operation as workflow code calls it; a `Place` is one."""

    @property
    def id(self) -> str: ...
    @property
    def kind(self) -> ServiceOperationType: ...
    @property
    def sub_type(self) -> str: ...
    @property
    def name(self) -> str | None: ...
    @property
    def parent_id(self) -> str | None: ...


def recorded(cls: type[Info], record: Operation, *, is_replayed: bool = False) -> Info:
    """A record as a plugin sees it."""
    return cls(
        record.id,
        _TYPES[record.type],
        _plain(record.sub_type),
        record.name,
        record.parent_id,
        record.started_at,
        is_replayed,
        record.status,
        end_time=record.ended_at,
        result=record.result,
        error=record.error,
        attempt=record.attempt if record.type is ServiceOperationType.STEP else None,
    )


def recorded_all(records: Mapping[str, Operation]) -> dict[str, OperationInfo]:
    """All records by id."""
    return {key: recorded(OperationInfo, record) for key, record in records.items()}


def starting(start: OperationUpdate, *, again: bool) -> OperationStartInfo:
    """An operation whose START is about to be sent; `again` if it has a record."""
    return OperationStartInfo(
        start.id,
        _TYPES[start.type],
        _plain(start.sub_type),
        start.name,
        start.parent_id,
        None,
        again,
        OperationStatus.STARTED,
    )


def going_on(record: Operation) -> OperationStartInfo:
    """An operation that had been started before this invocation and was not over."""
    return OperationStartInfo(
        record.id,
        _TYPES[record.type],
        _plain(record.sub_type),
        record.name,
        record.parent_id,
        record.started_at,
        True,
        record.status,
    )


def unrecorded_end(
    place: Called, now: datetime, error: ErrorObject | None, *, is_replayed: bool
) -> OperationEndInfo:
    """The end of a context that no record says anything about."""
    return OperationEndInfo(
        place.id,
        _TYPES[place.kind],
        _plain(place.sub_type),
        place.name or None,
        place.parent_id,
        None,
        is_replayed,
        OperationStatus.SUCCEEDED if error is None else OperationStatus.FAILED,
        end_time=now,
        error=error,
    )


def function_start(
    place: Called, now: datetime, attempt: int | None, *, is_replay_children: bool
) -> UserFunctionStartInfo:
    """User code is about to be called."""
    return UserFunctionStartInfo(
        place.id,
        _TYPES[place.kind],
        _plain(place.sub_type),
        place.name or None,
        place.parent_id,
        now,
        False,
        OperationStatus.STARTED,
        is_replay_children,
        attempt=attempt,
    )


def function_end(
    start: UserFunctionStartInfo, now: datetime, outcome: UserFunctionOutcome, error: ErrorObject | None
) -> UserFunctionEndInfo:
    """User code has ended."""
    return UserFunctionEndInfo(
        start.operation_id,
        start.operation_type,
        start.sub_type,
        start.name,
        start.parent_id,
        start.start_time,
        start.is_replayed,
        start.status,
        start.is_replay_children,
        outcome,
        end_time=now,
        error=error,
        attempt=start.attempt,
    )


def invocation_end(
    start: InvocationStartInfo,
    operations: dict[str, OperationInfo],
    status: InvocationStatus,
    error: ErrorObject | None,
    result: str | None,
) -> InvocationEndInfo:
    """An invocation is over."""
    return InvocationEndInfo(
        start.request_id,
        start.execution_arn,
        start.is_first_invocation,
        start.execution_start_time,
        error,
        execution_input=start.execution_input,
        operations=operations,
        status=status,
        execution_result=result,
    )


def _plain(sub_type: str | None) -> str | None:
    """Plain text of what may be a member of an enum."""
    return None if sub_type is None else str(sub_type)
