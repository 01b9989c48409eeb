"""The same function under AWS's runner and under ours: one result, operation by operation."""

from collections.abc import Callable
from typing import Any

import pytest

from durably.workflows.testing.runner import DurableFunctionTestRunner
from tests.testing import workflows
from tests.testing.twins import official, official_runner, told

pytest.importorskip("aws_durable_execution_sdk_python_testing.runner")
official_model = pytest.importorskip("aws_durable_execution_sdk_python.lambda_service")

Play = Callable[[Any, Any], Any]


def both(function: str, play: Play) -> tuple[Any, Any]:
    """`play(runner, module)` with our runner and our module, and with theirs."""
    results = []
    for make, module in (
        (DurableFunctionTestRunner, workflows),
        (official_runner, official()),
    ):
        with make(getattr(module, function), poll_interval=0.01) as runner:
            runner.register_durable_function("echo", module.echo)
            runner.register_durable_function("fails", module.fails)
            runner.register_function("plain", lambda event, context: {"got": event})
            results.append(told(play(runner, module)))
    return results[0], results[1]


@pytest.mark.parametrize(
    ("function", "input"),
    [
        ("echo", None),
        ("echo", "plain text"),
        ("echo", '"json text"'),
        ("echo", '{"a": [1, null]}'),
        ("echo", ""),
        ("orders", "12"),
        ("retries", "1"),
        ("retries", "3"),
        ("retries", "4"),
        ("maps", "[1, 2, 3]"),
        ("maps", "[1, -2, 3]"),
        ("maps", "[]"),
        ("in_parallel", None),
        ("fails", None),
        ("polls", "1"),
        ("polls", "4"),
        ("invokes", '{"function": "echo", "payload": {"a": 1}}'),
        ("invokes", '{"function": "fails"}'),
        ("invokes", '{"function": "plain", "payload": [1]}'),
    ],
)
def test_a_run_has_the_same_outcome(function, input):
    """Status, result, error and every operation are what AWS's runner reports."""
    ours, theirs = both(function, lambda runner, _: runner.run(input=input))
    assert ours == theirs


def test_an_unknown_function_fails_the_same():
    """The invoke fails, and what follows the name of the function is each runner's own hint."""
    ours, theirs = both("invokes", lambda runner, _: runner.run(input='{"function": "nobody"}'))
    for outcome in (ours, theirs):
        for error in (outcome["error"], outcome["operations"][0]["error"]):
            error[1] = error[1].partition(".")[0]
    assert ours == theirs


def answered(send: Callable[[Any, str], None]) -> Play:
    def play(runner: Any, _: Any) -> Any:
        arn = runner.run_async(input='{"questions": ["colour"], "heartbeat": 3600}')
        callback_id = runner.wait_for_callback(arn, name="colour")
        runner.send_callback_heartbeat(callback_id)
        send(runner, callback_id)
        return runner.wait_for_result(arn)

    return play


@pytest.mark.parametrize("answer", [None, b"red", b'"red"'])
def test_a_callback_succeeds_the_same(answer):
    """What the test sends is what the function gets."""
    ours, theirs = both("asks", answered(lambda runner, asked: runner.send_callback_success(asked, answer)))
    assert ours == theirs


def test_a_callback_fails_the_same():
    """The error of the test is the error of the function; the official ErrorObject will do."""
    error = official_model.ErrorObject.from_message("no colour")
    ours, theirs = both("asks", answered(lambda runner, asked: runner.send_callback_failure(asked, error)))
    assert ours == theirs


def test_a_callback_fails_the_same_without_an_error():
    """Nothing is made up where the test says nothing."""
    ours, theirs = both("asks", answered(lambda runner, asked: runner.send_callback_failure(asked)))
    assert ours == theirs


def test_wait_for_callback_is_answered_the_same():
    """The callback inside of it has the name that AWS's SDK gives it."""

    def play(runner: Any, _: Any) -> Any:
        arn = runner.run_async(input='{"days": 7}')
        callback_id = runner.wait_for_callback(arn, name="approval create callback id")
        runner.send_callback_success(callback_id, b"yes")
        return runner.wait_for_result(arn)

    ours, theirs = both("approves", play)
    assert ours == theirs


def test_an_answer_to_nobody_is_refused_the_same():
    """An unknown id is not found, an empty one is invalid."""
    for make, module, errors in (
        (DurableFunctionTestRunner, workflows, "durably.workflows.testing.exceptions"),
        (official_runner, official(), "aws_durable_execution_sdk_python_testing.exceptions"),
    ):
        with make(module.asks) as runner:
            for nobody, name in (
                ("nobody", "ResourceNotFoundException"),
                ("", "InvalidParameterValueException"),
            ):
                for send in (
                    runner.send_callback_success,
                    runner.send_callback_failure,
                    runner.send_callback_heartbeat,
                ):
                    with pytest.raises(Exception, match=r"callback") as refused:
                        send(nobody)
                    assert (type(refused.value).__module__, type(refused.value).__name__) == (errors, name)


def test_an_execution_times_out_the_same():
    """One that nobody answers has FAILED by TIMED_OUT, and the callback still waits."""

    def play(runner: Any, _: Any) -> Any:
        return runner.wait_for_result(
            runner.run_async(input='{"questions": ["colour"]}', execution_timeout=1), timeout=30
        )

    ours, theirs = both("asks", play)
    for outcome in (ours, theirs):
        outcome["error"] = outcome["error"][1]  # only the message: AWS's runner gives no type
    assert ours == theirs
