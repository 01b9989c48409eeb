"""`context.map` and `context.parallel`: branches beside each other, and one result of them all."""

import threading

import pytest

from durably.actors.model import OperationStatus
from durably.workflows import (
    BatchCompletionError,
    BatchItemStatus,
    ChildContextError,
    CompletionConfig,
    CompletionItemStatus,
    CompletionOutcome,
    MapConfig,
    NestingType,
    ParallelBranch,
    ParallelConfig,
    SerDesError,
    StepConfig,
    StepError,
    ValidationError,
    complete_batch,
    continue_batch,
    durable_parallel_branch,
)
from durably.workflows.exceptions import ExecutionError, InvocationError
from durably.workflows.retries import RetryPresets
from durably.workflows.serdes import JsonSerDes
from tests.workflows.running import ONCE, PATIENCE, SECOND, Run, ends, happens

ALL = CompletionConfig.all_completed()
RETRY = StepConfig(retry_strategy=RetryPresets.fixed())


def view(batch):
    """A batch as JSON has it."""
    return [batch.completion_reason.value, [[item.index, item.status.value] for item in batch.all]]


class TestResults:
    def test_results_come_in_the_order_of_the_inputs(self):
        """Here the branches end in the opposite order."""
        done = [threading.Event() for _ in range(9)]
        done[8].set()

        def handler(event, context):
            def branch(child, item, index, items):
                def body(step):
                    happens(done[index + 1])
                    done[index].set()
                    return items[index] * 10

                return child.step(body)

            return context.map(range(8), branch).get_results()

        run = Run(handler)
        assert [run.result(), run.result()] == [[0, 10, 20, 30, 40, 50, 60, 70]] * 2

    def test_a_function_gets_item_index_and_all_inputs(self):
        """Any sequence will do."""

        def handler(event, context):
            return context.map("abc", lambda child, *given: list(given)).get_results()

        assert Run(handler).result() == [["a", 0, "abc"], ["b", 1, "abc"], ["c", 2, "abc"]]

    def test_parallel_runs_different_functions(self):
        """Functions, decorated ones and named branches, in order."""

        @durable_parallel_branch("third")
        def third(child, value):
            return child.step(lambda step: value)

        def handler(event, context):
            return context.parallel(
                [
                    lambda child: child.step(lambda step: 1),
                    ParallelBranch(lambda child: 2, "second"),
                    third(3),
                ],
                "all",
            ).get_results()

        run = Run(handler)
        assert [run.result(), run.result()] == [[1, 2, 3]] * 2
        branches = [each for each in run.service.operations.values() if each.sub_type == "ParallelBranch"]
        assert [each.name for each in branches] == ["parallel-branch-0", "second", "third"]
        assert {each.parent_id for each in branches} == {run.named("all").id}
        assert run.named("all").sub_type == "Parallel"

    @pytest.mark.parametrize("kind", ["map", "parallel"])
    def test_nothing_to_do_is_done_at_once(self, kind):
        """No branch, ALL_COMPLETED, recorded like any other."""

        def handler(event, context):
            batch = context.map([], lambda child, *_: 1) if kind == "map" else context.parallel([])
            batch.throw_if_error()
            return [*view(batch), batch.status.value]

        run = Run(handler)
        assert [run.result(), run.result()] == [["ALL_COMPLETED", [], "SUCCEEDED"]] * 2
        assert run.actions() == ["START", "SUCCEED"]

    def test_values_are_round_tripped_on_both_runs(self):
        """Tuples stay tuples; a serdes for items is obeyed."""
        seen = []

        def handler(event, context):
            seen.append(context.map([1], lambda child, *_: (1, 2)).get_results())
            config = MapConfig(item_serdes=JsonSerDes())
            seen.append(context.map([1], lambda child, *_: (1, 2), "json", config).get_results())

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen == [[(1, 2)], [[1, 2]]] * 2

    def test_functions_may_be_changed_while_they_run(self):
        """`parallel` runs what it was given, whatever becomes of the list."""

        def handler(event, context):
            functions = [lambda child: functions.clear(), lambda child: 2]
            return context.parallel(functions, config=ParallelConfig(max_concurrency=1)).success_count

        assert Run(handler).result() == 2

    def test_maps_nest(self):
        """A branch may have branches."""

        def handler(event, context):
            def outer(child, item, *_):
                def inner(grandchild, other, *_):
                    return grandchild.step(lambda step: item * other)

                return child.map([1, 2, 3], inner).get_results()

            return context.map([10, 100], outer).get_results()

        run = Run(handler)
        assert [run.result(), run.result()] == [[[10, 20, 30], [100, 200, 300]]] * 2

    def test_a_branch_whose_result_cannot_be_serialized_fails(self):
        """It is that branch's failure, and throw_if_error raises it as a SerDesError."""

        def handler(event, context):
            batch = context.map([1], lambda child, *_: {1})
            try:
                batch.throw_if_error()
            except SerDesError as error:
                return "set" in str(error)

        run = Run(handler)
        assert [run.result(), run.result()] == [True, True]

    def test_the_end_of_a_map_is_recorded_before_its_caller_goes_on(self):
        """Code after the map finds it and all of its branches SUCCEEDED at the service."""
        seen = []

        def handler(event, context):
            context.map(range(5), lambda child, *_: None, "map")
            seen.extend(each.status for each in list(run.service.operations.values())[1:])

        run = Run(handler)
        run.result()
        assert seen == [OperationStatus.SUCCEEDED] * 6


class TestConcurrency:
    def test_no_more_branches_run_than_allowed_and_no_fewer(self):
        """Three at once of twelve: the bodies meet in threes, and a fourth is never there."""
        meeting = threading.Barrier(3)
        lock = threading.Lock()
        running, most = [0], [0]

        def handler(event, context):
            def body(step):
                with lock:
                    running[0] += 1
                    most[0] = max(most[0], running[0])
                meeting.wait(PATIENCE)
                with lock:
                    running[0] -= 1

            return context.map(
                range(12), lambda child, *_: child.step(body), config=MapConfig(max_concurrency=3)
            ).success_count

        assert Run(handler).result() == 12
        assert most == [3]

    def test_a_suspended_branch_keeps_its_place(self):
        """With one at a time the second branch starts only when the first has waited."""
        begun = []

        def handler(event, context):
            def branch(child, item, *_):
                begun.append(item)
                child.wait(SECOND)

            return context.map([0, 1, 2], branch, config=MapConfig(max_concurrency=1)).success_count

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        assert begun == [0]
        assert run.result() == 3
        assert sorted(set(begun)) == [0, 1, 2]

    def test_branches_start_in_the_order_of_the_inputs(self):
        """With a limit and without one."""

        def handler(event, context):
            for limit in (None, 4):
                context.map(
                    range(20),
                    lambda child, *_: child.step(lambda step: 1),
                    config=MapConfig(max_concurrency=limit),
                )

        run = Run(handler)
        run.result()
        started = [
            each.name
            for each in run.service.updates
            if each.sub_type == "MapIteration" and each.action.value == "START"
        ]
        assert started == [f"map-item-{index}" for index in range(20)] * 2

    def test_five_hundred_bodies_can_meet(self):
        """All of them run at the same time if they have to."""
        meeting = threading.Barrier(500)

        def handler(event, context):
            def branch(child, *_):
                return child.step(lambda step: meeting.wait(PATIENCE) >= 0)

            return context.map(range(500), branch).get_results()

        assert Run(handler).result() == [True] * 500

    def test_a_body_may_wait_for_what_another_branch_does_next(self):
        """No body keeps the code of the other branches from going on, whatever was still being recorded."""

        def handler(event, context):
            begun, recording, ended, went_on = (threading.Event() for _ in range(4))
            recordings.append((begun, recording, ended))

            def one(child):
                child.step(lambda step: None, "one")
                child.step(lambda step: happens(went_on), "one waits", ONCE)

            def other(child):
                def body(step):
                    begun.set()
                    happens(recording)
                    ended.set()

                child.step(body, "other")
                went_on.set()

            return context.parallel([one, other]).success_count

        def before(updates):
            begun, recording, ended = recordings[-1]
            if ends(updates, "one"):
                recording.set()
                if begun.is_set():
                    happens(ended)

        recordings: list[tuple[threading.Event, ...]] = []
        for _ in range(10):
            assert Run(handler, before=before).result() == 2

    def test_workflow_code_of_branches_does_not_race(self):
        """Between durable calls a branch has the interpreter for itself: no lock is needed."""
        total = [0]

        def handler(event, context):
            def branch(child, *_):
                for _ in range(5):
                    before = total[0]
                    sum(range(500))
                    total[0] = before + 1
                    child.step(lambda step: None)

            context.map(range(40), branch)
            return total[0]

        assert Run(handler).result() == 200


class TestCompletion:
    def test_enough_successes_end_a_map_early(self):
        """What has not started is left out of the result, what has not ended is STARTED in it."""

        def handler(event, context):
            def branch(child, item, *_):
                if item == 0:
                    child.wait(SECOND)
                return item

            config = MapConfig(max_concurrency=2, completion_config=CompletionConfig.first_successful())
            return view(context.map(range(5), branch, "map", config))

        run = Run(handler)
        first = run.result()
        assert first[0] == "MIN_SUCCESSFUL_REACHED"
        assert first[1][:2] == [[0, "STARTED"], [1, "SUCCEEDED"]]
        assert len(first[1]) < 5
        run.service.advance(5)
        assert run.result() == first

    def test_a_branch_that_ends_after_the_decision_changes_nothing(self):
        """Its body is running when the map is decided, and ends before the invocation does."""
        decided, ran = threading.Event(), []

        def handler(event, context):
            def late(child):
                def body(step):
                    happens(decided)
                    ran.append("late")
                    return "late"

                return child.step(body, "late")

            config = ParallelConfig(completion_config=CompletionConfig.first_successful())
            batch = context.parallel([late, lambda child: child.step(lambda step: "quick")], "both", config)
            decided.set()
            after = context.step(lambda step: "after", "after")
            return [view(batch), batch.get_results(), after]

        run = Run(handler)
        expected = [["MIN_SUCCESSFUL_REACHED", [[0, "STARTED"], [1, "SUCCEEDED"]]], ["quick"], "after"]
        assert [run.result(), run.result()] == [expected] * 2
        assert ran == ["late"]
        assert run.actions("late") in ([], ["START"])

    def test_by_default_a_map_stops_at_its_first_failure(self):
        """Branches that are running are abandoned, the error is in the result and not raised."""

        def handler(event, context):
            def branch(child, item, *_):
                if item == 1:
                    raise ValueError("one")
                return item

            batch = context.map(range(4), branch, config=MapConfig(max_concurrency=1))
            return [view(batch), batch.status.value, [error.message for error in batch.get_errors()]]

        run = Run(handler)
        expected = [
            ["FAILURE_TOLERANCE_EXCEEDED", [[0, "SUCCEEDED"], [1, "FAILED"]]],
            "FAILED",
            ["one"],
        ]
        assert [run.result(), run.result()] == [expected] * 2

    @pytest.mark.parametrize(
        ("completion", "reason", "listed"),
        [
            (CompletionConfig(tolerated_failure_count=2), "FAILURE_TOLERANCE_EXCEEDED", 6),
            (CompletionConfig(tolerated_failure_percentage=20), "FAILURE_TOLERANCE_EXCEEDED", 6),
            (CompletionConfig(tolerated_failure_percentage=50), "ALL_COMPLETED", 10),
            (CompletionConfig.all_completed(), "ALL_COMPLETED", 10),
            (CompletionConfig.all_successful(), "FAILURE_TOLERANCE_EXCEEDED", 2),
            (CompletionConfig(min_successful=3), "MIN_SUCCESSFUL_REACHED", 5),
        ],
    )
    def test_what_is_tolerated_decides(self, completion, reason, listed):
        """Every second of ten branches fails, one after the other."""

        def handler(event, context):
            def branch(child, item, *_):
                if item % 2:
                    raise ValueError(item)
                return item

            config = MapConfig(max_concurrency=1, completion_config=completion)
            batch = context.map(range(10), branch, config=config)
            return [batch.completion_reason.value, batch.total_count]

        run = Run(handler)
        assert [run.result(), run.result()] == [[reason, listed]] * 2

    def test_a_predicate_decides(self):
        """It sees counts, statuses and the names given, and may complete the batch with either outcome."""
        seen = []

        def handler(event, context):
            def enough(status):
                seen.append((status.success_count, status.total_count, [item.name for item in status.items]))
                if status.success_count < 2:
                    return continue_batch()
                return complete_batch(CompletionOutcome[event])

            config = MapConfig(
                max_concurrency=1,
                completion_config=CompletionConfig(should_complete=enough),
                item_namer=lambda item, index: f"item {index}",
            )
            batch = context.map(range(5), lambda child, item, *_: item, config=config)
            try:
                batch.throw_if_error()
            except BatchCompletionError:
                return [view(batch)[0], batch.total_count, "raised"]
            return [view(batch)[0], batch.total_count]

        for outcome, more in (("SUCCEEDED", []), ("FAILED", ["raised"])):
            run = Run(handler, outcome)
            expected = [f"CUSTOM_COMPLETION_{outcome}", 2, *more]
            assert [run.result(), run.result()] == [expected] * 2
        names = [f"item {index}" for index in range(5)]
        assert seen[:3] == [(count, 5, names) for count in range(3)]

    def test_a_predicate_that_raises_fails_the_map(self):
        """The map's own error names what the predicate raised, on replay too."""

        def handler(event, context):
            def broken(status):
                raise KeyError("predicate")

            config = MapConfig(completion_config=CompletionConfig(should_complete=broken))
            try:
                context.map([1], lambda child, *_: 1, "map", config)
            except ChildContextError as error:
                return error.error_type

        run = Run(handler)
        assert [run.result(), run.result()] == ["KeyError"] * 2
        assert run.actions("map") == ["START", "FAIL"]

    @pytest.mark.parametrize("answer", [None, True])
    def test_a_predicate_that_answers_nonsense_fails_the_map(self, answer):
        """No hang and no guess: the map fails, and the error says what the predicate has to return."""

        def handler(event, context):
            config = MapConfig(completion_config=CompletionConfig(should_complete=lambda status: answer))
            try:
                context.map([1], lambda child, *_: 1, "map", config)
            except ChildContextError as error:
                return [error.error_type.rpartition(".")[2], error.message]

        kind, message = Run(handler).result()
        assert kind == "ValidationError"
        assert "should_complete of" in message
        assert "must return a CompletionDecision" in message

    def test_a_predicate_pays_only_for_the_items_that_it_looks_at(self, monkeypatch):
        """A thousand branches, each end shown to the predicate: it makes the items that it is asked for."""
        made = []

        class Counted(CompletionItemStatus):
            def __post_init__(self):
                made.append(self.index)

        monkeypatch.setattr("durably.workflows.operations.predicate.CompletionItemStatus", Counted)

        def handler(event, context):
            def quorum(status):
                assert len(status.items) == status.total_count
                done = status.items[-1].status is BatchItemStatus.SUCCEEDED
                return complete_batch() if done else continue_batch()

            config = MapConfig(completion_config=CompletionConfig(should_complete=quorum))
            return context.map(range(1000), lambda child, *_: None, config=config).total_count

        assert Run(handler).result() == 1000
        assert len(made) <= 1001

    def test_items_may_be_kept_as_a_tuple(self):
        """A status shows the batch during the call; what is looked at later says what to do instead."""
        kept = []

        def handler(event, context):
            def keep(status):
                kept.append((status, tuple(status.items), status.items[:1], repr(status.items)))
                return continue_batch()

            config = MapConfig(completion_config=CompletionConfig(should_complete=keep))
            return context.map([1, 2], lambda child, *_: 1, config=config).success_count

        assert Run(handler).result() == 2
        status, items, first, shown = kept[0]
        assert [item.status for item in items] == [None, None]
        assert (first, shown) == (items[:1], repr(items))
        with pytest.raises(ValidationError, match="make a tuple"):
            status.items[0]

    def test_no_branch_of_an_abandoned_map_begins(self):
        """When the context around a map finishes, the branches that have not begun never do."""
        begun = []

        def handler(event, context):
            def branch(child, item, *_):
                begun.append(item)
                return child.step(lambda step: item)

            config = ParallelConfig(completion_config=CompletionConfig.first_successful())
            return context.parallel(
                [lambda child: child.map(range(2000), branch), lambda child: 1], config=config
            ).success_count

        assert Run(handler).result() == 1
        assert len(begun) < 1000


class TestFailingBranches:
    def test_others_go_on_if_failures_are_tolerated(self):
        """Each branch has its own result or error, the first of which throw_if_error raises."""

        def handler(event, context):
            def branch(child, item, *_):
                def body(step):
                    if item % 2:
                        raise ValueError(f"no {item}")
                    return item

                return child.step(body, f"s{item}", ONCE)

            batch = context.map(range(4), branch, config=MapConfig(completion_config=ALL))
            try:
                batch.throw_if_error()
            except ChildContextError as error:
                cause = error.__cause__
                return [batch.get_results(), error.message, type(cause) is StepError, view(batch)]

        run = Run(handler)
        statuses = [[0, "SUCCEEDED"], [1, "FAILED"], [2, "SUCCEEDED"], [3, "FAILED"]]
        expected = [[0, 2], "no 1", True, ["ALL_COMPLETED", statuses]]
        assert [run.result(), run.result()] == [expected] * 2

    def test_a_branch_that_retries_is_waited_for(self):
        """The others are not run again meanwhile."""
        ran = []

        def handler(event, context):
            def branch(child, item, *_):
                def body(step):
                    ran.append((item, step.attempt))
                    if item == 1 and step.attempt < 3:
                        raise ValueError("not yet")
                    return step.attempt

                return child.step(body, f"s{item}", RETRY)

            return context.map(range(3), branch).get_results()

        assert Run(handler).result() == [1, 3, 1]
        assert sorted(ran) == [(0, 1), (1, 1), (1, 2), (1, 3), (2, 1)]

    def test_an_execution_error_in_a_branch_fails_the_execution(self):
        """It is not counted as one failed item."""

        def handler(event, context):
            def branch(child, *_):
                raise ExecutionError("stop it all")

            context.map([1, 2], branch, config=MapConfig(completion_config=ALL))

        assert Run(handler).error()["ErrorMessage"] == "stop it all"

    def test_an_invocation_error_in_a_branch_ends_the_invocation(self):
        """It leaves the handler, no failure is recorded, and the next invocation may succeed."""
        failures = [InvocationError("try again")]

        def handler(event, context):
            def branch(child, *_):
                if failures:
                    raise failures.pop()
                return 1

            return context.map([1], branch, "map").get_results()

        run = Run(handler)
        with pytest.raises(InvocationError, match="try again"):
            run.invoke()
        assert "FAIL" not in run.actions()
        assert run.result() == [1]


class TestNames:
    def test_items_are_named_by_index_or_by_a_namer(self):
        """The namer gets the item and its index."""

        def handler(event, context):
            context.map(["a", "b"], lambda child, *_: 1, "plain")
            config = MapConfig(item_namer=lambda item, index: f"{item}-{index}")
            context.map(["a", "b"], lambda child, *_: 1, "named", config)

        run = Run(handler)
        run.result()
        assert run.recorded == ["plain", "map-item-0", "map-item-1", "named", "a-0", "b-1"]
        assert run.result() is None

    def test_a_namer_that_raises_fails_the_map_before_any_branch(self):
        """The error names what it raised, on replay too."""

        def handler(event, context):
            config = MapConfig(item_namer=lambda item, index: {}["name"])
            try:
                context.map([1, 2], lambda child, *_: 1, "map", config)
            except ChildContextError as error:
                return error.error_type

        run = Run(handler)
        assert [run.result(), run.result()] == ["KeyError"] * 2
        assert run.recorded == ["map"]

    @pytest.mark.parametrize("name", [5, b"x"])
    def test_a_namer_that_gives_no_text_fails_the_map_before_any_branch(self, name):
        """The map fails with an error that can be caught, instead of the invocation."""

        def handler(event, context):
            config = MapConfig(item_namer=lambda item, index: name)
            try:
                context.map([1, 2], lambda child, *_: 1, "map", config)
            except ChildContextError as error:
                return error.message

        run = Run(handler)
        assert "name" in run.result()
        assert run.recorded == ["map"]


class TestFlat:
    def test_flat_branches_are_no_operations(self):
        """Their steps belong to the map; results, errors and waits are as of nested ones."""
        ran = []

        def handler(event, context):
            def branch(child, item, *_):
                child.step(lambda step: ran.append(item), f"s{item}")
                child.wait(SECOND, f"w{item}")
                if item == 2:
                    raise ValueError("two")
                return (item,)

            config = MapConfig(nesting_type=NestingType.FLAT, completion_config=ALL)
            batch = context.map(range(3), branch, "map", config)
            return [view(batch)[1], batch.get_results() == [(0,), (1,)], batch.get_errors()[0].type]

        run = Run(handler)
        expected = [[[0, "SUCCEEDED"], [1, "SUCCEEDED"], [2, "FAILED"]], True, "ValueError"]
        assert [run.result(), run.result()] == [expected] * 2
        assert sorted(ran) == [0, 1, 2]
        assert sorted(run.recorded) == ["map", "s0", "s1", "s2", "w0", "w1", "w2"]
        inner = [each for each in run.service.operations.values() if each.name and each.name != "map"]
        assert {each.parent_id for each in inner if each.type.value != "EXECUTION"} >= {run.named("map").id}
