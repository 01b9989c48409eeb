"""More workloads: fan-outs of callbacks and conditions, deferred steps, and batch results above 256 KB."""

import json
from typing import Any

from durably.actors.model import OperationAction, OperationSubType, OperationType, OperationUpdate
from durably.workflows.identity import operation_id
from tests.benchmarks.workloads import HOUR, LARGEST_PAYLOAD, Handler, Traffic, Workload, one

ITEM = "x" * 300
"""What a branch of a large map returns: 1,000 of them are more than 256 KB."""
THE_MAP = operation_id(None, 1)


def _branches(traffic: Traffic, n: int) -> list[str]:
    """The beginning of a map and of its branches, each followed by what `operation` sends; their ids."""
    traffic.start(THE_MAP, OperationSubType.MAP)
    return [operation_id(THE_MAP, index) for index in range(n)]


def _begin(traffic: Traffic, index: int, branch: str) -> str:
    traffic.start(branch, OperationSubType.MAP_ITERATION, f"map-item-{index}", THE_MAP)
    return operation_id(branch, 1)


# ------------------------------------------------------------------ callbacks that nobody has answered yet


def _callbacks(sdk: Any, n: int) -> Handler:
    def branch(context: Any, item: int, index: int, items: Any) -> Any:
        return context.create_callback().result()

    def handler(event: Any, context: Any) -> Any:
        return context.map(range(n), branch).get_results()

    return handler


def _callbacks_floor(traffic: Traffic, n: int) -> None:
    for index, branch in enumerate(_branches(traffic, n)):
        callback = _begin(traffic, index, branch)
        traffic.queue(
            OperationUpdate(
                callback,
                OperationType.CALLBACK,
                OperationAction.START,
                OperationSubType.CALLBACK,
                None,
                branch,
                timeout_seconds=0,
                heartbeat_timeout_seconds=0,
            )
        )
    traffic.flush()


# ------------------------------------------------------------------ conditions that are not met yet


def _conditions(sdk: Any, n: int) -> Handler:
    later = sdk.WaitForConditionDecision.continue_waiting(sdk.Duration.from_seconds(HOUR))
    config = sdk.WaitForConditionConfig(wait_strategy=lambda state, attempt: later, initial_state=0)

    def branch(context: Any, item: int, index: int, items: Any) -> Any:
        return context.wait_for_condition(lambda state, check: state + 1, config)

    def handler(event: Any, context: Any) -> Any:
        return context.map(range(n), branch).get_results()

    return handler


def _conditions_floor(traffic: Traffic, n: int) -> None:
    step, sub_type = OperationType.STEP, OperationSubType.WAIT_FOR_CONDITION
    for index, branch in enumerate(_branches(traffic, n)):
        condition = _begin(traffic, index, branch)
        traffic.queue(OperationUpdate(condition, step, OperationAction.START, sub_type, None, branch))
        traffic.queue(
            OperationUpdate(
                condition,
                step,
                OperationAction.RETRY,
                sub_type,
                None,
                branch,
                "1",
                next_attempt_delay_seconds=HOUR,
            )
        )
    traffic.flush()


# ------------------------------------------------------------------ deferred steps, awaited together


def _deferred(sdk: Any, n: int) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        return sum(context.all([context.deferred.step(one) for _ in range(n)]))

    return handler


def _deferred_floor(traffic: Traffic, n: int) -> None:
    for number in range(1, n + 1):
        traffic.step(operation_id(None, number), None)
    traffic.flush()
    traffic.step(operation_id(None, n + 1), None)
    traffic.flush()


# ------------------------------------------------------------------ a batch result above 256 KB


def _large(sdk: Any, n: int) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        batch = context.map(range(n), lambda branch, *_: ITEM)
        return len(batch.get_results())

    return handler


def _large_floor(traffic: Traffic, n: int) -> None:
    for index, branch in enumerate(_branches(traffic, n)):
        _begin(traffic, index, branch)
        name = f"map-item-{index}"
        traffic.succeed(branch, OperationSubType.MAP_ITERATION, name, THE_MAP, json.dumps(ITEM))
    traffic.flush()
    decision = {
        "type": "MapResult",
        "totalCount": n,
        "completionReason": "ALL_COMPLETED",
        "startedIndexes": [],
        "startedCount": 0,
        "successCount": n,
        "failureCount": 0,
        "status": "SUCCEEDED",
    }
    assert n * len(ITEM) > LARGEST_PAYLOAD, "this row is about results that are too large to be recorded"
    payload = json.dumps(decision)
    traffic.succeed(THE_MAP, OperationSubType.MAP, None, None, payload, replay_children=True)
    traffic.flush()


def _rebuilt(sdk: Any, n: int) -> Handler:
    large, hour = _large(sdk, n), sdk.Duration.from_seconds(HOUR)

    def handler(event: Any, context: Any) -> Any:
        length = large(event, context)
        context.wait(hour)
        return length

    return handler


def _rebuilt_before(traffic: Traffic, n: int) -> None:
    _large_floor(traffic, n)
    traffic.wait(operation_id(None, 2), None)
    traffic.flush()


def _rebuilt_floor(traffic: Traffic, n: int) -> None:
    traffic.read_history()
    for index in range(n):
        assert operation_id(THE_MAP, index) in traffic.history


FAN_OUTS = {
    "callbacks": Workload(_callbacks, _callbacks_floor),
    "conditions": Workload(_conditions, _conditions_floor),
    "deferred": Workload(_deferred, _deferred_floor, lambda n: n),
    "large": Workload(_large, _large_floor, lambda n: n),
    "rebuilt": Workload(_rebuilt, _rebuilt_floor, lambda n: n, history=_rebuilt_before),
}
