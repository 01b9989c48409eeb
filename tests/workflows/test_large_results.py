"""Results too large for one record: rebuilt by running the children, or sent by themselves."""

import json

import pytest

from durably.workflows import ChildConfig, ChildContextError, MapConfig, NestingType, SerDesError, StepError
from durably.workflows.config import CompletionConfig
from tests.workflows.running import ONCE, SECOND, Run

LARGEST = 262_144


@pytest.mark.parametrize(("length", "replays"), [(LARGEST - 2, False), (LARGEST - 1, True)])
def test_the_limit_is_262144_characters_of_serialized_text(length, replays):
    """A child's result one character longer is not recorded: its children are run again instead."""
    codes, bodies = [], []

    def handler(event, context):
        def group(child):
            codes.append(1)
            return child.step(lambda step: bodies.append(1) or "x" * length, "s")

        return len(context.run_in_child_context(group, "group"))

    run = Run(handler)
    assert [run.result(), run.result()] == [length] * 2
    assert (len(codes), len(bodies)) == (1 + replays, 1)
    group = run.named("group")
    assert group.replay_children is replays
    assert (group.result == "") is replays
    assert [each.replay_children for each in run.updates("group")] == [None, replays]


def test_the_summary_is_recorded_in_the_place_of_a_large_result():
    """The config's summary generator gets the result; user code still gets the result itself."""
    config = ChildConfig(summary_generator=lambda result: f"{len(result)} characters")

    def handler(event, context):
        large = context.run_in_child_context(lambda child: "x" * 300_000, "large", config)
        small = context.run_in_child_context(lambda child: "small", "small", config)
        return [len(large), small]

    run = Run(handler)
    assert [run.result(), run.result()] == [[300_000, "small"]] * 2
    assert run.named("large").result == "300000 characters"
    assert run.named("small").result == '"small"'


def test_a_summary_that_is_no_text_fails_the_child():
    """The child fails with an error that can be caught, instead of the invocation."""

    def handler(event, context):
        config = ChildConfig(summary_generator=len)  # type: ignore[arg-type]  # on purpose
        try:
            context.run_in_child_context(lambda child: "x" * 300_000, "large", config)
        except (ChildContextError, SerDesError) as error:
            return type(error).__name__

    run = Run(handler)
    assert run.result() in ("ChildContextError", "SerDesError")
    assert run.actions("large") == ["START", "FAIL"]


def test_large_results_nest():
    """A large child inside a large child is rebuilt from the innermost steps."""
    bodies = []

    def handler(event, context):
        def inner(child):
            return child.step(lambda step: bodies.append(1) or "y" * 300_000)

        def outer(child):
            return child.run_in_child_context(inner, "inner") + "z"

        return len(context.run_in_child_context(outer, "outer"))

    run = Run(handler)
    assert [run.result(), run.result()] == [300_001] * 2
    assert bodies == [1]


@pytest.mark.parametrize("deferred", [False, True])
def test_a_payload_that_could_not_be_sent_is_refused_again_when_a_large_child_is_rebuilt(deferred):
    """It left no record: the code catches the same error as in the first run."""

    def handler(event, context):
        def group(child):
            with pytest.raises(SerDesError):
                (child.deferred if deferred else child).invoke("f", object())
            return child.step(lambda step: "x" * 300_000)

        length = len(context.run_in_child_context(group, "group"))
        context.wait(SECOND)
        return length

    assert Run(handler).result() == 300_000


def test_an_invoke_that_is_new_in_a_rebuilt_child_is_refused():
    """Before its function is started."""
    more = []

    def handler(event, context):
        def group(child):
            if more:
                child.invoke("f", 1, "new")
            return "x" * 300_000

        context.run_in_child_context(group, "group")
        more.append(1)
        context.wait(SECOND)

    run = Run(handler)
    assert run.error()["ErrorType"].endswith("NonDeterministicExecutionError")
    assert "new" not in run.recorded


def test_a_large_child_that_does_something_new_on_replay_is_refused():
    """It was recorded as complete, so nothing may happen in it that was not recorded."""
    more = []

    def handler(event, context):
        def group(child):
            if more:
                child.step(lambda step: 1, "new")
            return "x" * 300_000

        return len(context.run_in_child_context(group, "group"))

    run = Run(handler)
    run.invoke()
    more.append(1)
    error = run.error()
    assert error["ErrorType"].endswith("NonDeterministicExecutionError")
    assert "new" in error["ErrorMessage"]


@pytest.mark.parametrize("nesting", list(NestingType))
def test_a_large_map_is_rebuilt_from_its_branches(nesting):
    """Its record says how it was decided; results come from the branches, and no body runs again."""
    bodies = []

    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda step: bodies.append(item) or str(item) * 100_000)

        batch = context.map(range(4), branch, "map", MapConfig(nesting_type=nesting))
        return [batch.completion_reason.value, [each[0] + str(len(each)) for each in batch.get_results()]]

    run = Run(handler)
    expected = ["ALL_COMPLETED", [f"{item}100000" for item in range(4)]]
    assert [run.result(), run.result()] == [expected] * 2
    assert sorted(bodies) == [0, 1, 2, 3]
    record = json.loads(run.named("map").result or "")
    assert record["type"] == "MapResult"
    assert (record["totalCount"], record["successCount"], record["startedIndexes"]) == (4, 4, [])


def test_a_large_decision_is_what_every_replay_returns():
    """A branch that was unfinished stays so, one that never started stays absent, errors stay."""
    config = MapConfig(
        max_concurrency=3, completion_config=CompletionConfig(min_successful=1, tolerated_failure_count=5)
    )
    views = []

    def handler(event, context):
        def branch(child, item, *_):
            if item == 0:
                child.wait(SECOND)
            if item == 1:
                raise ValueError("one")
            return child.step(lambda step: "x" * 300_000, f"s{item}")

        batch = context.map(range(9), branch, "map", config)
        views.append(
            (
                batch.completion_reason.value,
                [(each.index, each.status.value, each.error, len(each.result or "")) for each in batch.all],
            )
        )

    run = Run(handler)
    run.result()
    run.service.advance(10)
    run.result()
    assert views[0] == views[1]
    reason, items = views[0]
    assert reason == "MIN_SUCCESSFUL_REACHED"
    assert items[0][1] == "STARTED"
    assert items[1][1] == "FAILED"
    assert len(items) < 9


def test_a_step_has_no_limit():
    """A result larger than a request may otherwise be goes in a call of its own."""

    def handler(event, context):
        context.step(lambda step: "x", "before")
        size = len(context.step(lambda step: "x" * 900_000, "large"))
        return [size, context.step(lambda step: "after")]

    run = Run(handler)
    assert [run.result(), run.result()] == [[900_000, "after"]] * 2


def test_many_large_results_share_calls_as_far_as_they_fit():
    """No call carries more than 768,000 bytes of updates unless a single one is larger."""
    sizes = []

    def before(updates):
        sizes.append(sum(len(each.payload or "") for each in updates))
        assert len(updates) <= 250

    def handler(event, context):
        return context.map(
            range(30), lambda child, *_: len(child.step(lambda step: "x" * 200_000))
        ).get_results()

    run = Run(handler, before=before)
    assert run.result() == [200_000] * 30
    assert max(sizes) <= 768_000


def test_a_long_error_can_be_caught_where_it_arises():
    """An error larger than the service takes is shortened, instead of failing the execution."""

    def handler(event, context):
        def body(step):
            raise ValueError("x" * 40_000)

        try:
            context.step(body, "s", ONCE)
        except StepError as error:
            return [error.error_type, error.message[:3]]

    run = Run(handler)
    assert [run.result(), run.result()] == [["ValueError", "xxx"]] * 2


def test_a_map_may_come_to_more_than_the_service_records():
    """Only what is sent must fit: of a result of 7 MB the decision is recorded, and the branches are."""

    def handler(event, context):
        batch = context.map(
            range(10), lambda child, item, index, items: child.step(lambda step: "x" * 700_000)
        )
        context.wait(SECOND)
        return sum(len(result) for result in batch.get_results())

    assert Run(handler).result() == 7_000_000


def test_a_child_may_come_to_more_than_the_service_records():
    """Its result is rebuilt from its steps on replay, however large it is."""

    def handler(event, context):
        def child(inner):
            return [inner.step(lambda step: "x" * 3_000_000) for _ in range(3)]

        parts = context.run_in_child_context(child)
        context.wait(SECOND)
        return sum(len(part) for part in parts)

    assert Run(handler).result() == 9_000_000
