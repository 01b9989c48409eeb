"""Tests of durable functions: run one, without AWS and without waiting, and look at what it did.

    with DurableFunctionTestRunner(handler) as runner:
        result = runner.run(input='{"item": "lamp"}')
    assert result.get_step("charge").status is OperationStatus.SUCCEEDED

Names are loaded when they are first used: pytest imports this package at every start, for its plugin.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durably.workflows.testing.cloud import DurableFunctionCloudTestRunner
    from durably.workflows.testing.deviations import Deviation
    from durably.workflows.testing.exceptions import DurableFunctionsTestError
    from durably.workflows.testing.execution import ExecutionStatus
    from durably.workflows.testing.operations import (
        CallbackOperation,
        ContextOperation,
        ExecutionOperation,
        InvokeOperation,
        Operation,
        StepOperation,
        WaitOperation,
    )
    from durably.workflows.testing.replayer import (
        Divergence,
        DivergenceKind,
        HistoryError,
        ReplayError,
        ReplayReport,
        ReplayReports,
        replay,
        replay_all,
    )
    from durably.workflows.testing.result import DurableFunctionTestResult
    from durably.workflows.testing.runner import DurableChildContextTestRunner, DurableFunctionTestRunner
    from durably.workflows.testing.shrinking import Shrunk
    from durably.workflows.testing.simulated_trace import trace_schedule
    from durably.workflows.testing.simulation import (
        HARMLESS,
        NOTHING,
        Faults,
        HandlerFailedError,
        InvariantError,
        RunView,
        SimulationProgress,
        replay_schedule,
        simulate,
    )
    from durably.workflows.testing.simulation_report import ScheduleFailure, SimulationReport

__all__ = [
    "HARMLESS",
    "NOTHING",
    "CallbackOperation",
    "ContextOperation",
    "Deviation",
    "Divergence",
    "DivergenceKind",
    "DurableChildContextTestRunner",
    "DurableFunctionCloudTestRunner",
    "DurableFunctionTestResult",
    "DurableFunctionTestRunner",
    "DurableFunctionsTestError",
    "ExecutionOperation",
    "ExecutionStatus",
    "Faults",
    "HandlerFailedError",
    "HistoryError",
    "InvariantError",
    "InvokeOperation",
    "Operation",
    "ReplayError",
    "ReplayReport",
    "ReplayReports",
    "RunView",
    "ScheduleFailure",
    "Shrunk",
    "SimulationProgress",
    "SimulationReport",
    "StepOperation",
    "WaitOperation",
    "replay",
    "replay_all",
    "replay_schedule",
    "simulate",
    "trace_schedule",
]

_MODULES = {
    "cloud": ("DurableFunctionCloudTestRunner",),
    "exceptions": ("DurableFunctionsTestError",),
    "execution": ("ExecutionStatus",),
    "operations": (
        "CallbackOperation",
        "ContextOperation",
        "ExecutionOperation",
        "InvokeOperation",
        "Operation",
        "StepOperation",
        "WaitOperation",
    ),
    "replayer": (
        "Divergence",
        "DivergenceKind",
        "HistoryError",
        "ReplayError",
        "ReplayReport",
        "ReplayReports",
        "replay",
        "replay_all",
    ),
    "result": ("DurableFunctionTestResult",),
    "runner": ("DurableChildContextTestRunner", "DurableFunctionTestRunner"),
    "deviations": ("Deviation",),
    "shrinking": ("Shrunk",),
    "simulated_trace": ("trace_schedule",),
    "simulation": (
        "HARMLESS",
        "NOTHING",
        "Faults",
        "HandlerFailedError",
        "InvariantError",
        "RunView",
        "SimulationProgress",
        "replay_schedule",
        "simulate",
    ),
    "simulation_report": ("ScheduleFailure", "SimulationReport"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for."""
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
