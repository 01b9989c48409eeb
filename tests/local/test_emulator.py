"""The rules beside AWS's emulator: the same batches, the same verdicts, the same operations."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.local import rules
from durably.workflows.local.errors import ServiceError
from durably.workflows.local.transitions import Scope

wire = pytest.importorskip("aws_durable_execution_sdk_python.lambda_service")
core = pytest.importorskip("aws_durable_execution_sdk_python_testing.checkpoint.core")
transformer = pytest.importorskip("aws_durable_execution_sdk_python_testing.checkpoint.transformer")
emulated = pytest.importorskip("aws_durable_execution_sdk_python_testing.execution")
emulator_model = pytest.importorskip("aws_durable_execution_sdk_python_testing.model")

START = datetime(2025, 1, 1, tzinfo=UTC)
SCOPE = Scope(lambda operation_id: operation_id, lambda name: None)
NAMES = {"a": "n", "b": None, "c": "m"}


def theirs(update: OperationUpdate):
    """The update in the emulator's own classes."""
    options = {}
    if update.next_attempt_delay_seconds is not None:
        options["step_options"] = wire.StepOptions(update.next_attempt_delay_seconds)
    if update.wait_seconds is not None:
        options["wait_options"] = wire.WaitOptions(update.wait_seconds)
    if update.function_name is not None:
        options["chained_invoke_options"] = wire.ChainedInvokeOptions(function_name=update.function_name)
    return wire.OperationUpdate(
        operation_id=update.id,
        operation_type=wire.OperationType(update.type.value),
        action=wire.OperationAction(update.action.value),
        sub_type=update.sub_type,
        name=update.name,
        parent_id=update.parent_id,
        payload=update.payload,
        error=update.error and wire.ErrorObject(update.error.message, None, None, None),
        **options,
    )


class Author:
    """Writes random updates of three operations that keep their type, name and parent.

    The emulator is laxer on what these rules leave out here: a new step's SUCCEED may bring an error,
    and an operation may change its type or name within a batch.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        kinds = [*OperationType][1:] + [OperationType.STEP, OperationType.CONTEXT] * 2
        self.kinds = {each: rng.choice(kinds) for each in "abc"}
        self.parents = {each: rng.choice([None, None, "b"]) for each in "abc"}

    def update(self) -> OperationUpdate:
        rng = self.rng
        likely = [OperationAction.START, OperationAction.SUCCEED]
        action = rng.choice([*OperationAction] if rng.random() < 0.4 else likely)
        which = rng.choice("abc")
        kind = self.kinds[which]
        fails = action is OperationAction.FAIL or (action is OperationAction.RETRY and rng.random() < 0.5)
        return OperationUpdate(
            which,
            kind,
            action,
            name=NAMES[which],
            parent_id=self.parents[which],
            payload=None if fails else rng.choice([None, "1"]),
            error=ErrorObject("e") if fails else None,
            next_attempt_delay_seconds=5 if action is OperationAction.RETRY else None,
            wait_seconds=5 if kind is OperationType.WAIT else None,
            function_name="f" if kind is OperationType.CHAINED_INVOKE else None,
        )


def elapsed(operations: dict[str, Operation], now: datetime) -> None:
    for key, operation in operations.items():
        started_wait = operation.type is OperationType.WAIT and operation.status is OperationStatus.STARTED
        due = operation.next_attempt_at or (operation.ends_at if started_wait else None)
        if due is not None and due <= now:
            operations[key] = rules.elapsed(operation, now)


@pytest.mark.parametrize("seed", range(300))
def test_the_rules_agree_with_the_emulator(seed):
    """Batch after batch of random updates, both accept or both refuse, and their operations agree."""
    rng = random.Random(seed)
    author = Author(rng)
    names = ["account_id", "function_name", "function_qualifier", "execution_name", "invocation_id", "input"]
    execution = emulated.Execution.new(
        emulator_model.StartDurableExecutionInput(
            **dict.fromkeys(names, "x"), execution_timeout_seconds=1, execution_retention_period_days=1
        )
    )
    execution.start(START)
    operations: dict[str, Operation] = {}
    now = START
    for _ in range(8):
        now += timedelta(seconds=rng.choice([0, 3, 10]))
        updates = [author.update() for _ in range(rng.choice([1, 1, 2, 3]))]
        arguments = (None, transformer.CheckpointRequestDispatcher(), now)
        try:
            core.CheckpointCore.apply(execution, "token", [theirs(each) for each in updates], *arguments)
            accepted = True
        except emulator_exception():
            accepted = False
        if accepted:
            operations.update(rules.apply(operations, updates, now, SCOPE).operations)
            elapsed(operations, now)
        else:
            try:
                rules.apply(operations, updates, now, SCOPE)
                pytest.fail(f"the emulator refuses {updates}")
            except ServiceError:
                pass
        assert [summary(each) for each in operations.values()] == [
            (each.operation_id, each.operation_type.value, each.status.value, attempts(each), each.parent_id)
            for each in execution.operations[1:]
        ]


def emulator_exception():
    from aws_durable_execution_sdk_python_testing.exceptions import InvalidParameterValueException

    return InvalidParameterValueException


def attempts(operation) -> int:
    return operation.step_details.attempt if operation.step_details else 0


def summary(operation: Operation):
    kind, status = operation.type.value, operation.status.value
    return operation.id, kind, status, operation.attempt, operation.parent_id
