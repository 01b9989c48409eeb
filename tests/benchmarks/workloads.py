"""What is measured: workflows for either SDK, and the same traffic made by hand.

Each workload is a handler (a function of an SDK's names and N), the floor's way to make the same updates in
the same number of calls, and, where a later invocation is the one measured, the history that the earlier
ones left. The floor writes that history too: ids and updates are the same whoever sends them, and no SDK
then finds the memory of its own first invocation still warm.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs

from durably.actors.model import OperationAction, OperationSubType, OperationType, OperationUpdate
from durably.workflows.identity import operation_id
from durably.workflows.service import DurableServiceClient

START, SUCCEED = OperationAction.START, OperationAction.SUCCEED
STEP, CONTEXT, WAIT = OperationType.STEP, OperationType.CONTEXT, OperationType.WAIT
LARGEST_BATCH = 250
LARGEST_PAYLOAD = 262_144
BODY_SECONDS = 0.010
POOL_THREADS = 64
HOUR = 3600

Handler = Callable[[Any, Any], Any]


class Traffic:
    """Sends updates without an SDK: in order, at most 250 a call, one call at a time."""

    def __init__(self, client: DurableServiceClient, event: Mapping[str, Any]) -> None:
        self._client = client
        self._arn = event["DurableExecutionArn"]
        self._token = event["CheckpointToken"]
        self._marker = event["InitialExecutionState"]["NextMarker"]
        self._queue: list[OperationUpdate] = []
        self.history = {operation["Id"] for operation in event["InitialExecutionState"]["Operations"]}

    def queue(self, update: OperationUpdate) -> None:
        """Send `update` with the next call, which is now if that makes it full."""
        self._queue.append(update)
        if len(self._queue) == LARGEST_BATCH:
            self.flush()

    def flush(self) -> None:
        """Send what is queued."""
        updates, self._queue = self._queue, []
        if updates:
            token = self._client.checkpoint(self._arn, self._token, updates).token
            assert token is not None
            self._token = token

    def read_history(self) -> None:
        """Fetch what the event did not carry."""
        while self._marker:
            page = self._client.get_execution_state(self._arn, self._token, self._marker)
            self.history.update(operation.id for operation in page.operations)
            self._marker = page.next_marker

    def step(self, id: str, parent: str | None) -> None:
        """A step of no name whose result is 1."""
        self.queue(OperationUpdate(id, STEP, START, OperationSubType.STEP, None, parent))
        self.queue(OperationUpdate(id, STEP, SUCCEED, OperationSubType.STEP, None, parent, "1"))

    def wait(self, id: str, parent: str | None) -> None:
        """The beginning of a wait of an hour."""
        self.queue(OperationUpdate(id, WAIT, START, OperationSubType.WAIT, None, parent, wait_seconds=HOUR))

    def start(self, id: str, sub_type: str, name: str | None = None, parent: str | None = None) -> None:
        """The beginning of a context."""
        self.queue(OperationUpdate(id, CONTEXT, START, sub_type, name, parent))

    def succeed(
        self,
        id: str,
        sub_type: str,
        name: str | None,
        parent: str | None,
        payload: str = "1",
        *,
        replay_children: bool = False,
    ) -> None:
        """The end of a context."""
        end = OperationUpdate(id, CONTEXT, SUCCEED, sub_type, name, parent, payload)
        self.queue(attrs.evolve(end, replay_children=replay_children))


@attrs.frozen
class Workload:
    """See the module.

    Attributes:
        handler: the workflow of N, written with the names of an SDK.
        floor: makes the same traffic, or does the same without a service at all.
        result: what the handler has to return, or None if it has to suspend.
        history: sends what earlier invocations recorded, if a later one is measured; what that waits for is
            then over.
    """

    handler: Callable[[Any, int], Handler]
    floor: Callable[[Traffic, int], None]
    result: Callable[[int], Any] | None = None
    history: Callable[[Traffic, int], None] | None = None


def one(_step: Any) -> int:
    """The body of every step here that is not meant to take long."""
    return 1


# ------------------------------------------------------------------ steps, one after the other


def _steps(sdk: Any, n: int) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        return sum(context.step(one) for _ in range(n))

    return handler


def _steps_floor(traffic: Traffic, n: int) -> None:
    for number in range(1, n + 1):
        traffic.step(operation_id(None, number), None)
        traffic.flush()


# ------------------------------------------------------------------ a map of branches of one step


def _map(body: Callable[[Any], int], **config: Any) -> Callable[[Any, int], Handler]:
    def make(sdk: Any, n: int) -> Handler:
        def branch(context: Any, item: int, index: int, items: Any) -> Any:
            return context.step(body)

        def handler(event: Any, context: Any) -> Any:
            made = sdk.MapConfig(**config) if config else None
            return sum(context.map(range(n), branch, config=made).get_results())

        return handler

    return make


def _map_floor(at_once: int | None = None) -> Callable[[Traffic, int], None]:
    """All branches together, or `at_once` a call: the next may begin when the one before is recorded."""

    def floor(traffic: Traffic, n: int) -> None:
        the_map = operation_id(None, 1)
        traffic.start(the_map, OperationSubType.MAP)
        size = at_once or n
        for begin in range(0, n, size):
            for index in range(begin, min(begin + size, n)):
                branch, name = operation_id(the_map, index), f"map-item-{index}"
                traffic.start(branch, OperationSubType.MAP_ITERATION, name, the_map)
                traffic.step(operation_id(branch, 1), branch)
                traffic.succeed(branch, OperationSubType.MAP_ITERATION, name, the_map)
            if at_once:
                traffic.flush()
        traffic.flush()
        traffic.succeed(the_map, OperationSubType.MAP, None, None, _map_payload(n))
        traffic.flush()

    return floor


def _map_payload(n: int) -> str:
    items = ",".join(
        f'{{"t":"m","v":{{"index":{{"t":"i","v":{index}}},"status":{{"t":"s","v":"SUCCEEDED"}},'
        '"result":{"t":"i","v":1},"error":{"t":"n","v":null}}}'
        for index in range(n)
    )
    text = (
        f'{{"t":"br","v":{{"all":{{"t":"l","v":[{items}]}},'
        '"completionReason":{"t":"s","v":"ALL_COMPLETED"}}}'
    )
    return text if len(text) <= LARGEST_PAYLOAD else ""


# ------------------------------------------------------------------ bodies that take 10 ms


def sleeper(_step: Any) -> int:
    """A body that waits for something slow."""
    time.sleep(BODY_SECONDS)
    return 1


def _pool(traffic: Traffic, n: int) -> None:
    """No traffic at all: n bodies on a bare pool of threads."""
    with ThreadPoolExecutor(POOL_THREADS) as pool:
        assert sum(pool.map(sleeper, range(n))) == n


# ------------------------------------------------------------------ branches that wait


def _waiting(sdk: Any, n: int) -> Handler:
    hour = sdk.Duration.from_seconds(HOUR)

    def branch(context: Any, item: int, index: int, items: Any) -> int:
        context.wait(hour)
        return 1

    def handler(event: Any, context: Any) -> Any:
        return sum(context.map(range(n), branch).get_results())

    return handler


def _waiting_begun(traffic: Traffic, n: int) -> None:
    the_map = operation_id(None, 1)
    traffic.start(the_map, OperationSubType.MAP)
    for index in range(n):
        branch = operation_id(the_map, index)
        traffic.start(branch, OperationSubType.MAP_ITERATION, f"map-item-{index}", the_map)
        traffic.wait(operation_id(branch, 1), branch)
    traffic.flush()


def _waiting_ended(traffic: Traffic, n: int) -> None:
    traffic.read_history()
    the_map = operation_id(None, 1)
    for index in range(n):
        branch = operation_id(the_map, index)
        assert operation_id(branch, 1) in traffic.history
        traffic.succeed(branch, OperationSubType.MAP_ITERATION, f"map-item-{index}", the_map)
    traffic.flush()
    traffic.succeed(the_map, OperationSubType.MAP, None, None, _map_payload(n))
    traffic.flush()


# ------------------------------------------------------------------ replay


def _replayed(sdk: Any, n: int) -> Handler:
    hour = sdk.Duration.from_seconds(HOUR)

    def handler(event: Any, context: Any) -> Any:
        total = sum(context.step(one) for _ in range(n))
        context.wait(hour)
        return total

    return handler


def _replayed_before(traffic: Traffic, n: int) -> None:
    for number in range(1, n + 1):
        traffic.step(operation_id(None, number), None)
    traffic.wait(operation_id(None, n + 1), None)
    traffic.flush()


def _replayed_floor(traffic: Traffic, n: int) -> None:
    traffic.read_history()
    for number in range(1, n + 2):
        assert operation_id(None, number) in traffic.history


# ------------------------------------------------------------------ nesting


def _nested(sdk: Any, n: int) -> Handler:
    def below(context: Any, depth: int) -> Any:
        if depth == 0:
            return context.step(one)
        return context.run_in_child_context(lambda child: below(child, depth - 1)) + 1

    def handler(event: Any, context: Any) -> Any:
        return below(context, n)

    return handler


def _nested_floor(traffic: Traffic, n: int) -> None:
    ids: list[str] = []
    for _ in range(n):
        parent = ids[-1] if ids else None
        ids.append(operation_id(parent, 1))
        traffic.start(ids[-1], OperationSubType.RUN_IN_CHILD_CONTEXT, None, parent)
    traffic.step(operation_id(ids[-1], 1), ids[-1])
    traffic.flush()
    for depth in reversed(range(n)):
        parent = ids[depth - 1] if depth else None
        traffic.succeed(ids[depth], OperationSubType.RUN_IN_CHILD_CONTEXT, None, parent, str(n - depth))
        traffic.flush()


# ------------------------------------------------------------------ nothing at all


def _trivial(sdk: Any, n: int) -> Handler:
    def handler(event: Any, context: Any) -> Any:
        return event

    return handler


def _no_traffic(traffic: Traffic, n: int) -> None:
    pass


CORE = {
    "steps": Workload(_steps, _steps_floor, lambda n: n),
    "map": Workload(_map(one), _map_floor(), lambda n: n),
    "map10": Workload(_map(one, max_concurrency=10), _map_floor(10), lambda n: n),
    "waits": Workload(_waiting, _waiting_begun),
    "resume": Workload(_waiting, _waiting_ended, lambda n: n, history=_waiting_begun),
    "bodies": Workload(_map(sleeper), _pool, lambda n: n),
    "replay": Workload(_replayed, _replayed_floor, lambda n: n, history=_replayed_before),
    "nesting": Workload(_nested, _nested_floor, lambda n: n + 1),
    "trivial": Workload(_trivial, _no_traffic, lambda n: "input"),
}
