"""The same workflow through AWS's SDK and through ours: what is recorded, and what comes of it.

Each runs on an execution of its own, of the same service, to the end. Compared are the updates that the
service accepted (each operation's in order, all of them as a multiset), the operations that are left, how
each invocation ended, and the output. Then the SDKs take turns at one execution: neither may notice.
"""

import contextlib
import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import cycle
from typing import Any

import attrs
import pytest

from durably.workflows.exceptions import InvocationError
from durably.workflows.execution import invoke
from durably.workflows.wire import operation_to_wire, updates_to_wire
from tests.reference.differences import DIFFERENCES, WORDING
from tests.reference.handlers import SCENARIOS
from tests.reference.official import run_official
from tests.reference.scenarios import Scenario, Sdk, Service, World

OFFICIAL = Sdk("aws_durable_execution_sdk_python")
OURS = Sdk("durably.workflows")
MOST_INVOCATIONS = 12
AT_ONCE = 24
"""AWS's SDK sleeps 100 ms in every invocation, so several are run at once."""
STUCK = "nothing that the execution waits for will happen"


@attrs.frozen
class Run:
    """What came of an execution, as JSON, without what the clock decides or the execution is called."""

    updates: list[dict[str, Any]]
    operations: list[dict[str, Any]]
    endings: list[str]
    output: dict[str, Any]

    def parts(self) -> dict[str, Any]:
        """What is to be the same through both SDKs, named."""
        streams: dict[str, list[dict[str, Any]]] = {}
        for update in self.updates:
            streams.setdefault(update["Id"], []).append(update)
        return {
            "output": self.output,
            "endings": self.endings,
            "updates": streams,
            "all updates": sorted(json.dumps(update, sort_keys=True) for update in self.updates),
            "operations": {operation["Id"]: operation for operation in self.operations},
        }


def run(scenario: Scenario, sdks: Sequence[Sdk]) -> Run:
    """Invoke until the execution has ended, by turns; let time pass between the invocations."""
    world = World()
    service = Service(scenario, world)
    handlers = [(sdk, sdk.durable_execution(scenario.build(sdk, world))) for sdk in sdks]
    endings: list[str] = []
    output: dict[str, Any] = {}
    for sdk, handler in cycle(handlers):
        assert len(endings) < MOST_INVOCATIONS, endings
        service.next_invocation()
        try:
            output = _invoked(sdk, handler, service)
        except (InvocationError, OFFICIAL.InvocationError) as error:
            endings.append(f"raised {type(error).__name__}")
            continue
        endings.append(output["Status"])
        if output["Status"] != "PENDING":
            break
        if not service.goes_on():
            endings.append(STUCK)
            break
    assert service.outside.is_done(), "not all answers were awaited"
    assert not world.ran_again(), "a step's body has run again"
    operations = [operation_to_wire(operation) for operation in service.memory.operations.values()]
    return Run(
        [_comparable(update) for update in updates_to_wire(service.memory.updates)],
        [_comparable(operation) for operation in operations],
        endings,
        output,
    )


def _invoked(sdk: Sdk, handler: Any, service: Service) -> dict[str, Any]:
    if sdk is OURS:
        return dict(invoke(handler, service.memory.event(), None, service))
    sent: list[dict[str, Any]] = []
    before = len(service.offered)
    try:
        return run_official(handler, service.memory, service=service, sent=sent)
    finally:
        assert sent == updates_to_wire(service.offered[before:]), (
            "our wire cannot express what AWS's SDK sends"
        )


def _comparable(wire: dict[str, Any]) -> dict[str, Any]:
    if wire["Type"] == "EXECUTION":
        wire["Id"] = "execution"
    for key in ("StartTimestamp", "EndTimestamp"):
        wire.pop(key, None)
    wire.get("StepDetails", {}).pop("NextAttemptTimestamp", None)
    wire.get("WaitDetails", {}).pop("ScheduledEndTimestamp", None)
    wire.get("CallbackDetails", {}).pop("CallbackId", None)  # it names the execution
    return wire


WORDS = ("ErrorMessage", "message", "str", "cause")
"""Where there are messages: in an error on the wire, and in one that is `described`."""


def without_words(parts: Any) -> Any:
    """The same without the messages of errors, wherever they are."""
    if isinstance(parts, str) and parts.startswith(("{", "[")):  # JSON, maybe with an error in it
        with contextlib.suppress(ValueError):
            return json.dumps(without_words(json.loads(parts)))
    if isinstance(parts, dict):
        return {key: without_words(value) for key, value in parts.items() if key not in WORDS}
    if isinstance(parts, list):
        return [without_words(each) for each in parts]
    return parts


ORDERS = {
    "official": (OFFICIAL,),
    "ours": (OURS,),
    "official, ours": (OFFICIAL, OURS),
    "ours, official": (OURS, OFFICIAL),
}
Runs = dict[tuple[str, str], Future[Run]]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """All runs of the scenarios that are selected, by scenario and order of the SDKs."""
    names = dict.fromkeys(
        item.callspec.params["scenario"].name
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and "runs" in item.fixturenames
    )
    loggers = [logging.getLogger(name) for name in (OFFICIAL.root, OURS.root)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # both report every failure of a workflow, and those are intended
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (name, order): pool.submit(run, SCENARIOS[name], sdks)
            for name in names
            for order, sdks in ORDERS.items()
        }
        pool.shutdown(cancel_futures=True)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


each_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)


@each_scenario
def test_both_sdks_record_the_same(scenario: Scenario, runs: Runs):
    """Updates, history, invocations and output are AWS's, but for what is listed with its reason."""
    official = runs[scenario.name, "official"].result().parts()
    ours = runs[scenario.name, "ours"].result().parts()
    assert STUCK not in ours["endings"]
    known = DIFFERENCES.get(scenario.name)
    if known is WORDING:
        assert official != ours, "the same words: take it off the list"
        official, ours = without_words(official), without_words(ours)
    elif known is not None:
        assert {part for part in official if official[part] != ours[part]} == known.parts
        return
    for part in official:
        assert ours[part] == official[part], part


@each_scenario
@pytest.mark.parametrize("order", ["official, ours", "ours, official"])
def test_the_sdks_can_take_turns_at_one_execution(scenario: Scenario, order: str, runs: Runs):
    """What one SDK began the other goes on with, and at the end all is as if one had done it alone."""
    alone = runs[scenario.name, "official"].result().parts()
    together = runs[scenario.name, order].result().parts()
    known = DIFFERENCES.get(scenario.name)
    if known is WORDING:
        alone, together = without_words(alone), without_words(together)
    for part in alone.keys() - (known.parts if known else set()):
        assert together[part] == alone[part], part


def test_what_is_listed_as_different_is_compared():
    """The list of differences names no scenario that is gone."""
    assert DIFFERENCES.keys() <= SCENARIOS.keys()
