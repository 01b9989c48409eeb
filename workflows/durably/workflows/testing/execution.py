"""Where an execution is in its life, as `DurableFunctionTestResult.execution_status` says it."""

from enum import Enum


class ExecutionStatus(Enum):
    """RUNNING until it has come to one of four ends."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"
    TIMED_OUT = "TIMED_OUT"
