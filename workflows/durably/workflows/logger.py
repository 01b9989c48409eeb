"""The logger that workflow code and bodies are handed: it knows where it is, and when to be silent.

While a context replays, what its code logs has been logged by an earlier invocation, so its logger
drops every record. Which context that is, is a callable's business (`is_replaying`): a logger has no
state of its own. A fan-out makes one for each context and step, so making one copies nothing; the
extras of a record are put together only when it is emitted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from durably.workflows.types import LoggerInterface


class ExecutionIdentity(Protocol):
    """Whatever knows the execution's ARN."""

    @property
    def durable_execution_arn(self) -> str: ...


class OperationIdentity(Protocol):
    """Whatever knows an operation's id, name and parent."""

    @property
    def operation_id(self) -> str: ...

    @property
    def parent_id(self) -> str | None: ...

    @property
    def name(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class LogInfo:
    """Where a logger is: the execution, and what is known of the operation."""

    execution_state: ExecutionIdentity
    parent_id: str | None = None
    operation_id: str | None = None
    name: str | None = None
    attempt: int | None = None

    @classmethod
    def from_operation_identifier(
        cls, execution_state: ExecutionIdentity, op_id: OperationIdentity, attempt: int | None = None
    ) -> LogInfo:
        """Where the operation `op_id` is, in its `attempt` (from 1)."""
        return cls(execution_state, op_id.parent_id, op_id.operation_id, op_id.name, attempt)

    def with_parent_id(self, parent_id: str) -> LogInfo:
        """The same below another parent."""
        return LogInfo(self.execution_state, parent_id, self.operation_id, self.name, self.attempt)


def never() -> bool:
    """Records are not dropped."""
    return False


class Logger(LoggerInterface):
    """Hands records on to `logger`, unless `is_replaying()`.

    Each carries `default_extra` (executionArn, parentId, operationName, attempt, operationId: what is
    known of them), overridden by the `extra` of the call.
    """

    __slots__ = ("_default_extra", "_is_replaying", "_logger")

    def __init__(
        self,
        logger: LoggerInterface,
        default_extra: Mapping[str, object] | LogInfo,
        is_replaying: Callable[[], bool] = never,
    ) -> None:
        self._logger = logger
        self._default_extra = default_extra
        self._is_replaying = is_replaying

    @classmethod
    def from_log_info(
        cls, logger: LoggerInterface, info: LogInfo, is_replaying: Callable[[], bool] = never
    ) -> Logger:
        """A logger whose records say where `info` is."""
        return cls(logger, info, is_replaying)

    def with_log_info(self, info: LogInfo) -> Logger:
        """The same logger elsewhere."""
        return Logger(self._logger, info, self._is_replaying)

    def with_is_replaying(self, is_replaying: Callable[[], bool]) -> Logger:
        """The same logger for a context that replays by itself."""
        return Logger(self._logger, self._default_extra, is_replaying)

    def get_logger(self) -> LoggerInterface:
        """The logger that records are handed on to."""
        return self._logger

    def debug(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        if not self._is_replaying():
            self._logger.debug(msg, *args, extra=self._merged(extra))

    def info(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        if not self._is_replaying():
            self._logger.info(msg, *args, extra=self._merged(extra))

    def warning(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        if not self._is_replaying():
            self._logger.warning(msg, *args, extra=self._merged(extra))

    def error(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        if not self._is_replaying():
            self._logger.error(msg, *args, extra=self._merged(extra))

    def exception(self, msg: object, *args: object, extra: Mapping[str, object] | None = None) -> None:
        if not self._is_replaying():
            self._logger.exception(  # noqa: LOG004  # the caller handles the exception
                msg, *args, extra=self._merged(extra)
            )

    def _merged(self, extra: Mapping[str, object] | None) -> dict[str, Any]:
        where = self._default_extra
        merged = _extras(where) if isinstance(where, LogInfo) else dict(where)
        if extra:
            merged.update(extra)
        return merged


def _extras(info: LogInfo) -> dict[str, Any]:
    extras: dict[str, Any] = {"executionArn": info.execution_state.durable_execution_arn}
    if info.parent_id:
        extras["parentId"] = info.parent_id
    if info.name:
        extras["operationName"] = info.name  # a LogRecord has a `name` of its own
    if info.attempt is not None:
        extras["attempt"] = info.attempt
    if info.operation_id:
        extras["operationId"] = info.operation_id
    return extras
