"""The small types that user code is handed."""

import logging

import aws_durable_execution_sdk_python.types as official
import pytest

from durably.workflows.types import DurableExecutionArn, StepContext, WaitForCallbackContext

ARN = "arn:aws:lambda:us-east-1:123:function:my-fn:$LATEST/durable-execution/order-1/abc-2"


@pytest.mark.parametrize(
    "arn",
    [
        ARN,
        "",
        "x" + ARN,
        ARN + "/more",
        ARN.replace(":$LATEST", ""),
        ARN.replace("aws", "aws-cn"),
        "6b1a/0d2f",
        ARN.replace("durable-execution", "other"),
    ],
)
def test_an_arn_is_taken_apart_as_there(arn: str) -> None:
    """Function, execution and invocation; None for any other form, as an emulator's."""
    ours, theirs = DurableExecutionArn.from_arn(arn), official.DurableExecutionArn.from_arn(arn)
    assert (ours and vars(ours)) == (theirs and vars(theirs))


def test_a_step_knows_its_attempt_and_its_logger() -> None:
    """Both are fields, by position as well."""
    log = logging.getLogger("app")
    assert StepContext(log, 2) == StepContext(logger=log, attempt=2)
    assert WaitForCallbackContext(log).logger is log
