"""Tests that were written for AWS's package pass when their imports are changed, and nothing else."""

import pytest

pytest_plugins = ("pytester",)

OFFICIAL = """
import json

import pytest
from aws_durable_execution_sdk_python.config import CallbackConfig, Duration
from aws_durable_execution_sdk_python.context import (
    DurableContext,
    durable_step,
    durable_with_child_context,
)
from aws_durable_execution_sdk_python.execution import InvocationStatus, durable_execution
from aws_durable_execution_sdk_python.lambda_service import ErrorObject, OperationStatus, OperationType
from aws_durable_execution_sdk_python_testing.exceptions import DurableFunctionsTestError
from aws_durable_execution_sdk_python_testing.execution import ExecutionStatus
from aws_durable_execution_sdk_python_testing.model import EventType
from aws_durable_execution_sdk_python_testing.runner import (
    CallbackOperation,
    ContextOperation,
    DurableChildContextTestRunner,
    DurableFunctionTestResult,
    DurableFunctionTestRunner,
    StepOperation,
)


@durable_step
def add(step, left: int, right: int) -> int:
    return left + right


@durable_with_child_context
def twice(context: DurableContext, number: int) -> int:
    return context.step(add(number, number))


@durable_execution
def handler(event, context: DurableContext):
    total = context.run_in_child_context(twice(event["n"]))
    context.wait(Duration.from_hours(3), name="rest")
    question = context.create_callback("more", CallbackConfig(heartbeat_timeout=Duration.from_minutes(5)))
    return context.step(add(total, int(question.result())))


@pytest.fixture
def runner():
    with DurableFunctionTestRunner(handler=handler, poll_interval=0.01) as runner:
        yield runner


def test_answered(runner):
    arn = runner.run_async(input=json.dumps({"n": 4}), execution_timeout=30)
    callback_id = runner.wait_for_callback(execution_arn=arn, name="more", timeout=30)
    runner.send_callback_heartbeat(callback_id=callback_id)
    runner.send_callback_success(callback_id=callback_id, result=b"2")
    result: DurableFunctionTestResult = runner.wait_for_result(execution_arn=arn, timeout=30)

    assert result.status is InvocationStatus.SUCCEEDED
    assert result.execution_status is ExecutionStatus.SUCCEEDED
    assert result.result == "10"
    child: ContextOperation = result.get_context("twice")
    step: StepOperation = child.get_step("add")
    assert (step.result, step.operation_type) == ("8", OperationType.STEP)
    callback: CallbackOperation = result.get_callback("more")
    assert callback.callback_id == callback_id
    assert {each.status for each in result.get_all_operations()} == {OperationStatus.SUCCEEDED}
    kinds = [event.event_type for event in runner.get_execution_history(arn).events]
    assert kinds.count(EventType.CALLBACK_SUCCEEDED.value) == 1
    with pytest.raises(DurableFunctionsTestError):
        result.get_step("nothing")


def test_refused(runner):
    arn = runner.run_async(input=json.dumps({"n": 4}))
    runner.send_callback_failure(runner.wait_for_callback(arn), ErrorObject.from_message("no more"))
    result = runner.wait_for_result(arn)
    assert result.status is InvocationStatus.FAILED
    assert result.error.message == "no more"


def test_part():
    with DurableChildContextTestRunner(twice, 5) as runner:
        assert runner.run(execution_timeout=30).result == "10"
"""


def test_a_test_file_passes_before_and_after(pytester):
    """The two replacements of the page on migrating are enough."""
    pytest.importorskip("aws_durable_execution_sdk_python_testing")
    ours = OFFICIAL.replace("aws_durable_execution_sdk_python_testing", "durably.workflows.testing")
    ours = ours.replace("aws_durable_execution_sdk_python", "durably.workflows")
    pytester.makepyfile(test_before=OFFICIAL, test_after=ours)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=6)
