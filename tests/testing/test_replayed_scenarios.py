"""The replayer on the scenarios of the comparison: each recorded, and then replayed by the same code.

It is to be silent about all of them, whatever was lost, retried or decided early on the way, but for those
whose code does change between two invocations: what the library refuses there, the replayer names.
"""

import json
import logging
from typing import Any

import pytest

from durably.actors.model import ErrorObject, OperationStatus
from durably.workflows import InvocationError, durable_execution
from durably.workflows.errors import error_from_wire
from durably.workflows.execution import invoke
from durably.workflows.local.event_wire import whole_history
from durably.workflows.local.records import InvocationRecord, StoredExecution
from durably.workflows.local.store import MemoryStore
from durably.workflows.testing.replayer import DivergenceKind, replay
from tests.reference import batches, changes, children, completion, large, steps
from tests.reference.scenarios import Scenario, Sdk, Service, World

OURS = Sdk("durably.workflows")
MOST_INVOCATIONS = 12
SCENARIOS = {
    name: scenario
    for module in (steps, children, batches, completion, large, changes)
    for name, scenario in module.scenario.by_name.items()
}


def record(scenario: Scenario, world: World) -> dict[str, Any]:
    """The history of a scenario, run to its end."""
    service = Service(scenario, world)
    execution, clock = service.memory.execution, service.memory.clock
    store = MemoryStore()
    store.create(StoredExecution(execution.record, tuple(execution.operations.values())), clock.now())
    execution._journal = store
    handler = durable_execution(scenario.build(OURS, world))
    for _ in range(MOST_INVOCATIONS):
        service.next_invocation()
        error = None
        output: dict[str, Any] = {}
        try:
            output = dict(invoke(handler, service.memory.event(), None, service))
        except InvocationError as raised:
            error = ErrorObject(str(raised))
        execution.end_invocation(InvocationRecord("request", clock.now(), clock.now(), error))
        if output.get("Status", "PENDING") != "PENDING":
            if not execution.is_finished:
                fault = error_from_wire(output["Error"]) if "Error" in output else None
                execution.finish(OperationStatus(output["Status"]), output.get("Result"), fault)
            break
        if error is None and not service.goes_on():
            break
    return json.loads(json.dumps(whole_history(store, execution.arn)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_only_what_the_library_refuses_is_named(name, caplog):
    """No false alarm, and no silence where an execution failed because its code had changed."""
    caplog.set_level(logging.CRITICAL)
    scenario, world = SCENARIOS[name], World()
    history = record(scenario, world)
    error = history["Events"][-1].get("ExecutionFailedDetails", {}).get("Error", {}).get("Payload", {})
    changed = (error.get("ErrorType") or "").endswith(".NonDeterministicExecutionError")
    report = replay(durable_execution(scenario.build(OURS, world)), history, compare_results=False)
    assert {each.kind for each in report.divergences} <= {
        DivergenceKind.CHANGED,
        DivergenceKind.ADDED,
        DivergenceKind.REMOVED,
    }
    assert report.ok is not changed, f"{error}\n{report}"
