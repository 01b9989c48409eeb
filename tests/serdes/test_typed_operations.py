"""`typed()` without a type takes it from the function that an operation runs."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from durably.workflows import (
    BatchResult,
    ChildConfig,
    DurableContext,
    Duration,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    StepConfig,
    WithRetryConfig,
    durable_parallel_branch,
    durable_step,
    durable_with_child_context,
    with_retry,
)
from durably.workflows.config import CallbackConfig, InvokeConfig, WaitForCallbackConfig
from durably.workflows.exceptions import SerDesError
from durably.workflows.serdes import SerDes, SerDesContext, typed
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.workflows.running import ONCE, Run

if TYPE_CHECKING:
    from elsewhere import OnlyForTypeCheckers, StepContext


@dataclass
class Order:
    id: int
    total: Decimal = Decimal(0)


@durable_step
def fetch(step: StepContext, number: int) -> Order:
    return Order(number, Decimal(number) / 8)


@durable_with_child_context
def group(context: DurableContext, size: int) -> list[Order]:
    return [context.step(fetch(number), config=TYPED) for number in range(size)]


@durable_parallel_branch("counts")
def count(context: DurableContext, number: int) -> dict[Decimal, Order]:
    return {Decimal(number): Order(number)}


def plain(step: StepContext) -> Order:
    return Order(9)


def for_item(context: DurableContext, item: int, index: int, items: OnlyForTypeCheckers) -> Order:
    return Order(item)


class Service:
    def load(self, step: StepContext) -> Order:
        return Order(5)

    def __call__(self, step: StepContext) -> Order:
        return Order(6)


TYPED = StepConfig(serdes=typed())


def twice(flow: Any) -> tuple[Any, Run]:
    """What `flow(context)` comes to, and that a replay comes to the same."""
    seen: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        seen.append(flow(context))
        context.create_callback("later").result()

    run = Run(handler)
    for _ in range(2):
        assert run.invoke()["Status"] == "PENDING"
    assert seen[0] == seen[1]
    return seen[1], run


class TestOperations:
    @pytest.mark.parametrize(
        ("func", "order"),
        [
            (fetch(1), Order(1, Decimal("0.125"))),
            (plain, Order(9)),
            (functools.partial(for_item, item=3, index=0, items=None), Order(3)),
            (Service().load, Order(5)),
            (Service(), Order(6)),
        ],
        ids=["decorated", "bare", "partial", "method", "object"],
    )
    def test_a_step_takes_the_type_from_its_function(self, func, order):
        """However it is wrapped; annotations of its parameters may be for type checkers only."""
        assert twice(lambda context: context.step(func, config=TYPED))[0] == order

    def test_a_function_inside_a_function_may_name_what_is_there(self):
        """A class of the enclosing function that it uses."""

        @dataclass
        class Local:
            n: int

        def body(step: StepContext) -> Local:
            return Local(1)

        assert twice(lambda context: context.step(body, config=TYPED))[0] == Local(1)

    def test_a_child_context_takes_it_from_its_function(self):
        """A list of a class, here."""
        flow = twice(
            lambda context: context.run_in_child_context(group(2), config=ChildConfig(serdes=typed()))
        )
        assert flow[0] == [Order(0), Order(1, Decimal("0.125"))]

    @pytest.mark.parametrize("nesting", list(NestingType))
    @pytest.mark.parametrize(
        "serdes",
        [
            {"serdes": typed()},
            {"item_serdes": typed()},
            {"serdes": typed(Order)},
            {"item_serdes": typed(Order)},
            {"serdes": typed(BatchResult[Order])},
            {"serdes": typed(BatchResult[Order]), "item_serdes": typed()},
        ],
        ids=str,
    )
    def test_a_map_takes_it_from_its_function(self, serdes, nesting):
        """One serdes is enough, for the items and the whole."""
        config = MapConfig[Any](**serdes, nesting_type=nesting)
        batch, _ = twice(lambda context: context.map([1, 2], for_item, config=config))
        assert batch.get_results() == [Order(1), Order(2)]

    def test_a_map_over_nothing_needs_no_item(self):
        """Its batch is empty."""
        batch, _ = twice(lambda context: context.map([], for_item, config=MapConfig(serdes=typed())))
        assert batch.get_results() == []

    def test_a_map_keeps_the_errors_of_its_items(self):
        """They are read back as they were."""

        def broken(context: DurableContext, item: int, index: int, items: Any) -> Order:
            if item == 2:
                raise ValueError("two")
            return Order(item)

        config = MapConfig[Any](serdes=typed())
        batch, _ = twice(lambda context: context.map([1, 2], broken, config=config))
        assert batch.get_results() == [Order(1)]
        assert [error.message for error in batch.get_errors()] == ["two"]

    def test_a_large_batch_is_rebuilt_from_its_items(self):
        """Beyond 256 KB only the items are recorded."""

        def large(context: DurableContext, item: int, index: int, items: Any) -> tuple[str, Order]:
            return "x" * 100_000, Order(item)

        config = MapConfig[Any](serdes=typed())
        batch, _ = twice(lambda context: context.map([1, 2, 3], large, name="large", config=config))
        assert [order for _, order in batch.get_results()] == [Order(1), Order(2), Order(3)]

    def test_each_branch_of_a_parallel_has_the_type_of_its_function(self):
        """In the batch as well."""

        def text(context: DurableContext) -> str:
            return "text"

        branches = [group(1), text, count(3), ParallelBranch(group(0), "none")]
        config = ParallelConfig(serdes=typed())
        batch, _ = twice(lambda context: context.parallel(branches, config=config))
        assert batch.get_results() == [[Order(0)], "text", {Decimal(3): Order(3)}, []]

    def test_a_batch_may_be_the_result_of_a_context(self):
        """By its annotation."""

        def all_of_them(context: DurableContext) -> BatchResult[Order]:
            return context.map([1], for_item, config=MapConfig(serdes=typed()))

        flow, _ = twice(
            lambda context: context.run_in_child_context(all_of_them, config=ChildConfig(serdes=typed()))
        )
        assert flow.get_results() == [Order(1)]

    def test_a_block_that_is_retried_takes_it_from_its_function(self):
        """Not from what runs the attempts."""

        def block(context: DurableContext, attempt: int) -> Order:
            return context.step(fetch(attempt), config=TYPED)

        config = WithRetryConfig[Order](child_context_config=ChildConfig(serdes=typed()))
        order, _ = twice(lambda context: with_retry(context, block, config))
        assert order == Order(1, Decimal("0.125"))

    def test_a_deferred_step_takes_it_from_its_function(self):
        """Like one that is awaited at once."""
        assert twice(lambda context: context.deferred.step(fetch(1), config=TYPED).result())[0].id == 1

    def test_a_condition_takes_it_from_its_check(self):
        """For its state, between all looks."""

        def check(state: Order, context: Any) -> Order:
            return Order(state.id + 1, state.total + Decimal("0.5"))

        def strategy(state: Order, attempt: int) -> WaitForConditionDecision:
            if state.id == 3:
                return WaitForConditionDecision.stop_polling()
            return WaitForConditionDecision.continue_waiting(Duration.from_seconds(1))

        config = WaitForConditionConfig(strategy, Order(0), typed())
        seen: list[Any] = []
        run = Run(lambda event, context: seen.append(context.wait_for_condition(check, config)))
        run.output()
        assert seen == [Order(3, Decimal("1.5"))]

    def test_a_callback_is_answered_with_a_value_of_the_type(self):
        """The submitter's own result has nothing to do with it."""
        config = WaitForCallbackConfig(serdes=typed(Order))
        seen: list[Any] = []

        def handler(event: Any, context: Any) -> None:
            seen.append(context.wait_for_callback(lambda callback_id, ctx: "sent", "approval", config))
            context.create_callback("later").result()

        run = Run(handler)
        run.invoke()
        callback_id = run.named("approval create callback id").callback_id
        run.service.complete_callback(callback_id, '{"id":4,"total":1.5}')
        run.invoke()
        run.invoke()
        assert seen == [Order(4, Decimal("1.5"))] * 2

    def test_an_answer_of_another_type_fails_the_callback(self):
        """With the field that is wrong."""
        config = CallbackConfig(serdes=typed(Order))
        run = Run(lambda event, context: context.create_callback("approval", config).result())
        run.invoke()
        run.service.complete_callback(run.named("approval").callback_id, '{"id":"four"}')
        error = run.error()
        assert "Cannot deserialize Order: at id: expected int" in error["ErrorMessage"]

    def test_a_payload_is_written_by_its_type(self):
        """As plain JSON, for whoever is invoked."""
        config = InvokeConfig[Any, Any](serdes_payload=typed(Order), serdes_result=typed(Order))
        run = Run(lambda event, context: context.invoke("other", Order(1), "call", config))
        run.invoke()
        assert json.loads(run.updates("call")[0].payload or "") == {"id": 1, "total": "0"}


class TestRefusals:
    @pytest.mark.parametrize(
        ("func", "reason"),
        [
            (lambda step: 1, r"<lambda> has no return annotation: write one"),
            (len, r"function len has no return annotation"),
        ],
        ids=["lambda", "builtin"],
    )
    def test_a_function_without_an_annotation_is_refused(self, func, reason):
        """Before anything is checkpointed, and with the name of the step."""
        with pytest.raises(SerDesError, match=reason):
            typed().for_function(func)  # type: ignore[attr-defined]  # what operations call
        run = Run(lambda event, context: context.step(func, "mine", TYPED))
        error = run.error()
        assert error["ErrorType"].endswith("SerDesError")
        assert "(operation 'mine')" in error["ErrorMessage"]
        assert run.recorded == []

    def test_an_annotation_that_is_only_for_type_checkers_is_refused(self):
        """By its name."""

        def body(step: StepContext) -> list[OnlyForTypeCheckers]:
            return []

        run = Run(lambda event, context: context.step(body, "mine", TYPED))
        assert "name 'OnlyForTypeCheckers', which cannot be found" in run.error()["ErrorMessage"]

    def test_a_function_that_returns_what_has_no_json_is_refused(self):
        """With the place in its annotation."""

        def body(step: StepContext) -> dict[str, complex]:
            return {}

        run = Run(lambda event, context: context.step(body, "mine", TYPED))
        assert "at [...]: complex cannot be serialized" in run.error()["ErrorMessage"]

    def test_a_value_of_another_type_fails_the_step_for_good(self):
        """No retry makes it another; the error names operation, type and field."""

        def body(step: StepContext) -> list[Order]:
            return [Order(1), Order("two")]  # type: ignore[arg-type]  # wrong on purpose

        run = Run(lambda event, context: context.step(body, "mine", StepConfig(serdes=typed())))
        error = run.error()
        step = run.named("mine")
        assert "Cannot serialize list[Order]: at [1].id: expected int" in error["ErrorMessage"]
        assert step.id in error["ErrorMessage"]
        assert run.actions("mine") == ["START", "FAIL"]

    @pytest.mark.parametrize(
        "flow",
        [
            lambda context: context.create_callback("mine", CallbackConfig(serdes=typed())),
            lambda context: context.wait_for_callback(print, "mine", WaitForCallbackConfig(serdes=typed())),
            lambda context: context.invoke("f", 1, "mine", InvokeConfig(serdes_payload=typed())),
            lambda context: context.invoke("f", 1, "mine", InvokeConfig(serdes_result=typed())),
        ],
        ids=["callback", "wait_for_callback", "payload", "result"],
    )
    def test_where_no_function_says_the_type_it_must_be_given(self, flow):
        """Nothing is recorded."""
        run = Run(lambda event, context: flow(context))
        message = run.error()["ErrorMessage"]
        assert "give the type, as in typed(Order)" in message
        assert "'mine'" in message
        assert run.recorded == []

    def test_used_by_itself_it_needs_a_type(self):
        """There is no function to ask."""
        with pytest.raises(SerDesError, match="give the type"):
            typed().serialize(1, SerDesContext())
        with pytest.raises(SerDesError, match="give the type"):
            typed().deserialize("1", SerDesContext())


def test_a_serdes_of_ones_own_may_ask_for_the_function():
    """`for_function` gives the serdes to use; `typed()` is one that does so."""

    class Shouting(SerDes[Any]):
        def __init__(self, name: str = "") -> None:
            self.name = name

        def serialize(self, value: Any, serdes_context: SerDesContext) -> str:
            return f"{self.name}: {value}"

        def deserialize(self, data: str, serdes_context: SerDesContext) -> Any:
            return data.upper()

        def for_function(self, func: Any) -> Shouting:
            return Shouting(func.__name__)

    config = StepConfig(serdes=Shouting(), retry_strategy=ONCE.retry_strategy)
    assert twice(lambda context: context.step(plain, config=config))[0].startswith("PLAIN: ORDER(")
