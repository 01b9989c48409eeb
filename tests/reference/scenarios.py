"""What a comparison is made of: a workflow for either SDK, and what happens to it from outside.

A scenario is a function of `sdk` (all names of one SDK) and `world` (what workflow code may know of the
outside: what has been recorded, what was done before), and gives the function that the SDK decorates. It
is called once for each SDK, so that its closures hold what outlives an invocation.
"""

import importlib
import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any

import attrs

from durably.actors.model import CheckpointResponse, OperationUpdate, StatePage
from durably.workflows.exceptions import CheckpointError, DurableApiErrorCategory, GetExecutionStateError
from durably.workflows.local import MemoryExecution
from durably.workflows.local.clock import SkippingClock
from tests.reference.outside import Answer, Outside

MODULES = ("", ".config", ".context", ".exceptions", ".retries", ".serdes", ".waits")
PATIENCE = 5.0
"""Seconds that a body waits for something to be recorded before it says that it never was."""

# Far from now: both SDKs look at the machine's clock to see whether a wait is over already.
CLOCK_STARTS = datetime(2100, 1, 1, tzinfo=UTC)


class Sdk:
    """The public names of an SDK, wherever below its root they stand."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._modules = [importlib.import_module(root + name) for name in MODULES]

    def __getattr__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"{self.root} has no {name}")

    def seconds(self, count: int) -> Any:
        """A `Duration`."""
        return self.Duration.from_seconds(count)

    def retries(self, attempts: int, delay: int = 1, **more: Any) -> Any:
        """A retry strategy without chance: `attempts`, from `delay` seconds on, doubling."""
        return self.create_retry_strategy(
            self.RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=self.seconds(delay),
                jitter_strategy=self.JitterStrategy.NONE,
                **more,
            )
        )

    def step_config(self, attempts: int = 1, **more: Any) -> Any:
        """Of a step that is tried so often; once by default."""
        return self.StepConfig(retry_strategy=self.retries(attempts), **more)

    def at_most_once(self, attempts: int) -> Any:
        """Of an at-most-once step that is tried so often."""
        return self.step_config(attempts, step_semantics=self.StepSemantics.AT_MOST_ONCE_PER_RETRY)


class World:
    """What workflow code may know of the outside, without it being an operation.

    Attributes:
        seen: what it has noted, whichever SDK ran it.
    """

    def __init__(self) -> None:
        self.seen: list[Any] = []
        self._recorded: set[tuple[str, str]] = set()
        self._news = threading.Condition()
        self._counts: Counter[str] = Counter()
        self._bodies: Counter[tuple[str, int]] = Counter()

    def note(self, updates: Sequence[OperationUpdate]) -> None:
        """Take note of what has been recorded."""
        with self._news:
            self._recorded.update((update.name or "", update.action.value) for update in updates)
            self._news.notify_all()

    def until(self, name: str, action: str = "START") -> None:
        """Block a step's body until that has been recorded of the operation called `name`."""
        with self._news:
            if not self._news.wait_for(lambda: (name, action) in self._recorded, PATIENCE):
                raise AssertionError(f"{action} of {name} was never recorded")

    def again(self, what: str) -> int:
        """How often this has been asked of `what`, this time included."""
        with self._news:
            self._counts[what] += 1
            return self._counts[what]

    def body(self, name: str, value: Any = None) -> Callable[[Any], Any]:
        """A step's body that gives `value`, or raises it, and is to run once in each attempt."""

        def run(step: Any) -> Any:
            with self._news:
                self._bodies[name, step.attempt] += 1
            if isinstance(value, Exception):
                raise value
            return value

        return run

    def ran_again(self) -> list[tuple[str, int]]:
        """Name and attempt of every such body that ran more than once."""
        return [each for each, count in self._bodies.items() if count > 1]


class Fate(Enum):
    """What becomes of a checkpoint, and with it of its invocation."""

    LOST = "not recorded, not answered"
    RECORDED = "recorded, not answered"
    WITHDRAWN = "recorded, and answered without a token"
    REFUSED = "refused for good"


PAGES = "pages of state"


@attrs.frozen
class Crash:
    """What becomes of the first checkpoint that has this update; if it is not answered, no later one is.

    Args:
        name: of the operation, or `PAGES` for the first page that is asked for.
        action: of the update.
        fate: what becomes of it.
    """

    name: str
    action: str = "SUCCEED"
    fate: Fate = Fate.LOST


@attrs.frozen
class Scenario:
    """A workflow, and what happens to it.

    Args:
        name: of the function that made it.
        build: gives the workflow of an SDK in a world.
        input: of the execution.
        crash: where its first invocation is lost, if it is.
        page_size: how many operations an event carries.
        clock: what the service's clock says at the start.
        time_passes: whether the clock moves on whenever news are asked for.
        answers: from outside, in rounds; see `Outside`.
        functions: which ones can be invoked; None for all.
    """

    name: str
    build: Callable[[Sdk, World], Callable[[Any, Any], Any]]
    input: Any = None
    crash: Crash | None = None
    page_size: int = 1000
    clock: Callable[[], datetime] = lambda: CLOCK_STARTS
    time_passes: bool = False
    answers: Sequence[Answer | Sequence[Answer]] = ()
    functions: Collection[str] | None = None


class Service:
    """A `DurableServiceClient` for one run: it notes what is sent, and is where the invocation crashes."""

    def __init__(self, scenario: Scenario, world: World) -> None:
        self.memory = MemoryExecution(
            scenario.input,
            clock=SkippingClock(scenario.clock()),
            page_size=scenario.page_size,
            functions=scenario.functions,
        )
        self.outside = Outside(self.memory, scenario.answers)
        self.offered: list[OperationUpdate] = []
        self._world = world
        self._crash = scenario.crash
        self._time_passes = scenario.time_passes
        self._lost = self._withdrawn = False

    def next_invocation(self) -> None:
        """What was lost is forgotten."""
        self._lost = self._withdrawn = False

    def goes_on(self) -> bool:
        """Whether another invocation follows one that ended PENDING; time has then passed as it must."""
        return self._withdrawn or self.outside.between_invocations()

    def checkpoint(
        self, execution_arn: str, token: str, updates: Sequence[OperationUpdate]
    ) -> CheckpointResponse:
        """As `DurableServiceClient.checkpoint`."""
        self.offered.extend(updates)
        crash, memory = self._crash, self.memory
        if self._lost:
            raise CheckpointError("The connection was lost.")
        if crash is not None and any((u.name, u.action.value) == (crash.name, crash.action) for u in updates):
            self._crash = None
            match crash.fate:
                case Fate.WITHDRAWN:
                    self._withdrawn = self._lost = True
                    operations = memory.checkpoint(execution_arn, token, updates).operations
                    return CheckpointResponse(None, operations)
                case Fate.REFUSED:
                    raise CheckpointError("Refused.", DurableApiErrorCategory.EXECUTION)
                case Fate.RECORDED:
                    memory.checkpoint(execution_arn, token, updates)
            self._lost = True
            raise CheckpointError("The connection was lost.")
        if self._time_passes and not updates:
            memory.advance()
        response = memory.checkpoint(execution_arn, token, updates)
        self._world.note(updates)
        answered = [self.outside.recorded(update.name, update.action.value) for update in updates]
        if any(answered):
            assert response.token is not None
            news = memory.checkpoint(execution_arn, response.token, [])
            response = CheckpointResponse(news.token, (*response.operations, *news.operations))
        return response

    def get_execution_state(
        self, execution_arn: str, token: str, marker: str, max_items: int = 1000
    ) -> StatePage:
        """As `DurableServiceClient.get_execution_state`."""
        crash = self._crash
        if crash is not None and crash.name == PAGES:
            self._crash = None
            permanent = crash.fate is Fate.REFUSED
            category = DurableApiErrorCategory.EXECUTION if permanent else DurableApiErrorCategory.INVOCATION
            raise GetExecutionStateError("No pages today.", category)
        return self.memory.get_execution_state(execution_arn, token, marker, max_items)


class Scenarios:
    """A table of scenarios, written as decorated functions."""

    def __init__(self) -> None:
        self.by_name: dict[str, Scenario] = {}

    def __call__(self, **how: Any) -> Callable[[Callable[[Sdk, World], Any]], Callable[[Sdk, World], Any]]:
        """Add the decorated function, with the arguments of `Scenario`."""

        def add(build: Callable[[Sdk, World], Any]) -> Callable[[Sdk, World], Any]:
            name = build.__name__
            assert name not in self.by_name, name
            self.by_name[name] = Scenario(name, build, **how)
            return build

        return add


def outcome(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a call comes to, as user code sees it; what ends an invocation it does not."""
    try:
        return repr(call(*arguments, **named))
    except Exception as error:
        if any(cls.__name__ == "UnrecoverableError" for cls in type(error).__mro__):
            raise
        return described(error)


def described(error: BaseException) -> dict[str, Any]:
    """All that user code can see of an error that an operation raised."""
    cause = error.__cause__
    fields: Mapping[str, Any] = {
        key: getattr(error, key, None) for key in ("message", "error_type", "data", "stack_trace")
    }
    return {
        "class": type(error).__name__,
        "str": str(error),
        **fields,
        "cause": None if cause is None else [type(cause).__name__, str(cause)],
    }


def batch_described(batch: Any) -> dict[str, Any]:
    """All that user code can see of a batch."""
    return {
        "items": [
            [
                item.index,
                item.status.value,
                repr(item.result)[:80],
                item.error and {"ErrorMessage": item.error.message, "ErrorType": item.error.type},
            ]
            for item in batch.all
        ],
        "reason": batch.completion_reason.value,
        "status": batch.status.value,
        "counts": [batch.total_count, batch.success_count, batch.failure_count, batch.started_count],
    }
