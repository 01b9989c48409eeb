"""The embedded durable execution service: what AWS Lambda does for a durable function, in process."""

from durably.workflows.local.clock import Clock, RealClock, SkippingClock
from durably.workflows.local.errors import (
    DatabaseError,
    DatabaseInUseError,
    HandlerNotFoundError,
    LocalServiceError,
    ServiceClosedError,
    ServiceError,
)
from durably.workflows.local.handle import ExecutionFailedError, LocalExecution, WaitingCallback
from durably.workflows.local.memory import MemoryExecution
from durably.workflows.local.service import LocalService

__all__ = [
    "Clock",
    "DatabaseError",
    "DatabaseInUseError",
    "ExecutionFailedError",
    "HandlerNotFoundError",
    "LocalExecution",
    "LocalService",
    "LocalServiceError",
    "MemoryExecution",
    "RealClock",
    "ServiceClosedError",
    "ServiceError",
    "SkippingClock",
    "WaitingCallback",
]
