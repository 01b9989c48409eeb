"""The same plugin, on the same workflows, under AWS's SDK and under ours: it is told the same.

The workflows are those of `tests/reference`. The plugin derives from AWS's base class under both SDKs. What
one invocation tells of one operation is compared in order, with every field; where nothing runs beside
anything else, so is the order of all that it tells.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from aws_durable_execution_sdk_python.plugin import DurableInstrumentationPlugin

from durably.workflows.exceptions import InvocationError
from durably.workflows.execution import invoke
from tests.plugins.differences import CRASHES, DIFFERENCES
from tests.plugins.recording import Note, Recorder, plain
from tests.reference.differences import DIFFERENCES as OTHER_WORKFLOWS
from tests.reference.differences import WORDING
from tests.reference.handlers import SCENARIOS
from tests.reference.official import run_official
from tests.reference.scenarios import Scenario, Sdk, Service, World

OFFICIAL = Sdk("aws_durable_execution_sdk_python")
OURS = Sdk("durably.workflows")
MOST_INVOCATIONS = 12
AT_ONCE = 8
"""AWS's SDK sleeps 100 ms in every invocation, so several are run at once."""
WORDS = ("error", "result", "execution_result")
"""Fields with messages of errors in them."""

INVOCATION = "the invocation"

Told = tuple[str, dict[str, Any]]
COMPARED = {
    name: scenario
    for name, scenario in SCENARIOS.items()
    if OTHER_WORKFLOWS.get(name) in (None, WORDING) and (scenario.crash is None or name in CRASHES)
}


def run(scenario: Scenario, sdk: Sdk) -> list[list[Told]]:
    """What the plugin is told in each invocation, from the first to the execution's end."""
    world = World()
    service = Service(scenario, world)
    recorder = Recorder(DurableInstrumentationPlugin)
    handler = sdk.durable_execution(scenario.build(sdk, world), plugins=[recorder])
    for _ in range(MOST_INVOCATIONS):
        service.next_invocation()
        try:
            if sdk is OURS:
                output = dict(invoke(handler, service.memory.event(), None, service))
            else:
                output = run_official(handler, service.memory, service=service)
        except (InvocationError, OFFICIAL.InvocationError):
            continue
        if output["Status"] != "PENDING":
            break
        assert service.goes_on(), "nothing that the execution waits for will happen"
    words = scenario.name not in OTHER_WORKFLOWS
    return [
        [told(note, words=words) for note in notes if note.hook != "on_operation_change"]
        for notes in recorder.invocations
    ]


def told(note: Note, *, words: bool) -> Told:
    """A note as it is compared."""
    fields = plain(note.info)
    fields.pop("execution_arn", None)  # another one in each run
    for field in ("operations", "updated_operations"):
        if field in fields:
            fields[field] = sorted(
                (operation["operation_id"], operation["status"], operation["attempt"])
                for operation in fields[field].values()
                if operation["operation_type"] != "EXECUTION"
            )
    if "name" in fields:
        fields["name"] = fields["name"] or None  # an empty name is none: it is not recorded
    if not words:
        for field in WORDS:
            fields.pop(field, None)
    return note.hook, fields


def streams(notes: list[Told]) -> dict[str, list[Told]]:
    """The same by operation, without what a batch that is over has left behind.

    Of the branches that it did not wait for, AWS's SDK runs some until their next operation is refused.
    """
    found: dict[str, list[Told]] = {}
    for hook, fields in notes:
        found.setdefault(fields.get("operation_id", INVOCATION), []).append((hook, fields))
    over = {key for key, told in found.items() if any(hook == "on_operation_end" for hook, _ in told)}
    around = {key: told[0][1]["parent_id"] for key, told in found.items() if key != INVOCATION}

    def is_left_behind(key: str | None) -> bool:
        return key in around and key not in over and (around[key] in over or is_left_behind(around[key]))

    return {key: in_one_go(told) for key, told in found.items() if not is_left_behind(key)}


def in_one_go(told: list[Told]) -> list[Told]:
    """The same, with code that is run again in the same invocation as if it had gone on.

    AWS's SDK runs a branch's code again when its wait is over while another runs; ours goes on where it was.
    """
    gone: list[Told] = []
    for hook, fields in told:
        again = hook == "on_user_function_start" and fields["operation_type"] == "CONTEXT" and gone
        if again and gone[-1][0] == "on_user_function_end" and gone[-1][1]["outcome"] == "INCOMPLETE":
            gone.pop()
            continue
        if hook == "on_user_function_end" and gone and gone[-1][0] == "on_user_function_start":
            fields = {**fields, "attempt": gone[-1][1]["attempt"]}
        gone.append((hook, fields))
    return gone


def in_order(notes: list[Told]) -> list[Told]:
    """All of them, without the ends that came from outside: ours tells of them when they are known, AWS's SDK
    when workflow code asks for them.
    """
    outside = ("WAIT", "CALLBACK", "CHAINED_INVOKE")
    return [
        (hook, fields)
        for hook, fields in notes
        if not (hook == "on_operation_end" and fields["operation_type"] in outside)
    ]


def is_sequential(notes: list[Told]) -> bool:
    """Whether nothing runs beside anything else."""
    return not any(fields.get("sub_type") in ("Map", "Parallel") for _, fields in notes)


Runs = dict[tuple[str, str], Future[list[list[Told]]]]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest) -> Iterator[Runs]:
    """All runs of the scenarios that are selected, by scenario and SDK."""
    names = dict.fromkeys(
        item.callspec.params["name"]
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and "runs" in item.fixturenames
    )
    loggers = [logging.getLogger(sdk.root) for sdk in (OFFICIAL, OURS)]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)  # both report every failure of a workflow, and those are intended
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            (name, sdk.root): pool.submit(run, SCENARIOS[name], sdk)
            for name in names
            for sdk in (OFFICIAL, OURS)
        }
        pool.shutdown(cancel_futures=True)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize("name", COMPARED)
def test_a_plugin_is_told_the_same(name: str, runs: Runs):
    """Every hook of every operation in every invocation, but for what is listed with its reason."""
    official = runs[name, OFFICIAL.root].result()
    ours = runs[name, OURS.root].result()
    if name in DIFFERENCES:
        assert [streams(notes) for notes in ours] != [streams(notes) for notes in official], (
            "the same: take it off the list"
        )
        return
    assert len(ours) == len(official)
    for those_of_ours, those_of_official in zip(ours, official, strict=True):
        assert streams(those_of_ours) == streams(those_of_official)
        if is_sequential(those_of_official):
            assert in_order(those_of_ours) == in_order(those_of_official)


def test_what_is_listed_as_different_is_compared():
    """The lists name no scenario that is gone."""
    assert {*DIFFERENCES, *CRASHES} <= COMPARED.keys()
