"""What plugins are told of operations, and in which order."""

import json

import pytest
from attrs import evolve

from durably.actors.model import ErrorObject
from durably.workflows import (
    ChildConfig,
    CompletionConfig,
    Duration,
    MapConfig,
    NestingType,
    RetryDecision,
    StepConfig,
    StepSemantics,
)
from durably.workflows.plugin import (
    InvocationStatus,
    OperationStatus,
    OperationType,
    UserFunctionOutcome,
)
from durably.workflows.waits import WaitForConditionConfig, WaitForConditionDecision
from tests.plugins.observed import observed
from tests.plugins.recording import Recorder
from tests.workflows.running import ONCE, SECOND, Client, Once, ends, refused

TWICE = StepConfig(
    retry_strategy=lambda error, attempt: (
        RetryDecision.retry(SECOND) if attempt < 2 else RetryDecision.no_retry()
    )
)
LARGE = 300_000


def fails(*_):
    raise ValueError("no")


def one(_step):
    return 1


class TestAStep:
    def test_it_starts_runs_and_ends(self):
        """The start comes before the body, and the end when it is recorded."""
        recorder = Recorder()
        observed(lambda event, context: context.step(one, name="s"), recorder).result()
        assert recorder.told() == [
            "invocation_start first",
            "operation_start s",
            "user_function_start s",
            "user_function_end s",
            "operation_end s",
            "invocation_end SUCCEEDED",
        ]

    def test_what_is_told_of_it(self):
        """Identity, result, attempt; and times where there are any."""
        recorder = Recorder()
        run = observed(lambda event, context: context.step(one, name="s"), recorder)
        run.result()
        record = run.named("s")
        (start,), (end,) = recorder.infos("operation_start"), recorder.infos("operation_end")
        assert (start.operation_id, start.operation_type, start.sub_type) == (
            record.id,
            OperationType.STEP,
            "Step",
        )
        assert type(start.sub_type) is str
        assert (start.start_time, start.status, start.is_replayed) == (None, OperationStatus.STARTED, False)
        assert (end.start_time, end.end_time, end.result) == (record.started_at, record.ended_at, "1")
        assert (end.status, end.attempt, end.is_replayed) == (OperationStatus.SUCCEEDED, 1, False)
        (body,) = recorder.infos("user_function_end")
        assert (body.attempt, body.outcome, body.error) == (1, UserFunctionOutcome.SUCCEEDED, None)
        assert body.start_time <= body.end_time

    def test_a_retry_is_another_start_and_no_end(self):
        """The second invocation starts it again; the attempt that is retried ends no operation."""
        recorder = Recorder()

        def handler(event, context):
            return context.step(lambda step: fails() if step.attempt == 1 else 1, name="s", config=TWICE)

        observed(handler, recorder).result()
        assert [info.is_replayed for info in recorder.infos("operation_start")] == [False, True]
        assert [(info.attempt, info.outcome.value) for info in recorder.infos("user_function_end")] == [
            (1, "FAILED"),
            (2, "SUCCEEDED"),
        ]
        (end,) = recorder.infos("operation_end")
        assert (end.status, end.attempt) == (OperationStatus.SUCCEEDED, 2)

    def test_the_last_failure_is_its_end(self):
        """With the error that is recorded."""
        recorder = Recorder()
        observed(lambda event, context: context.step(fails, name="s", config=ONCE), recorder).error()
        (end,) = recorder.infos("operation_end")
        assert (end.status, end.error) == (OperationStatus.FAILED, ErrorObject("no", "ValueError"))
        (body,) = recorder.infos("user_function_end")
        assert (body.outcome, body.error) == (UserFunctionOutcome.FAILED, ErrorObject("no", "ValueError"))

    def test_one_that_may_have_run_is_told_as_going_on(self):
        """An at-most-once attempt that was interrupted has no user code, only an end."""
        recorder = Recorder()
        once = StepConfig(
            step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY, retry_strategy=ONCE.retry_strategy
        )
        run = observed(lambda event, context: context.step(one, name="s", config=once), recorder)
        run.client.before = Once(lambda updates: ends(updates, "s"), refused(None))
        with pytest.raises(Exception, match="no"):
            run.invoke()
        run.error()
        _, second = recorder.invocations
        assert [repr(note) for note in second if note.hook != "on_operation_change"] == [
            "invocation_start again",
            "operation_start s",
            "operation_end s",
            "invocation_end FAILED",
        ]
        (going_on,) = [note.info for note in second if note.hook == "on_operation_start"]
        assert (going_on.is_replayed, going_on.status) == (True, OperationStatus.STARTED)
        assert going_on.start_time is not None


class TestAReplay:
    def test_what_was_over_is_not_told_again(self):
        """A step of an earlier invocation has its end in that one only."""
        recorder = Recorder()

        def handler(event, context):
            context.step(one, name="before")
            context.wait(SECOND, name="w")

        observed(handler, recorder).result()
        assert recorder.told("operation_start", "operation_end") == [
            "operation_start before",
            "operation_end before",
            "operation_start w",
            "operation_end w",
        ]

    def test_what_the_service_ended_meanwhile_is_told_when_the_code_comes_to_it(self):
        """A wait's end is in the second invocation, and in what that is told at its start."""
        recorder = Recorder()
        observed(lambda event, context: context.wait(SECOND, name="w"), recorder).result()
        _, second = recorder.invocations
        assert [note.hook for note in second] == [
            "on_invocation_start",
            "on_operation_end",
            "on_invocation_end",
        ]
        (updated,) = second[0].info.updated_operations.values()
        assert (updated.name, updated.status) == ("w", OperationStatus.SUCCEEDED)
        assert not recorder.invocations[0][0].info.updated_operations

    def test_what_the_service_did_not_say_is_told_when_an_answer_has_it(self):
        """A callback that was over before this invocation and comes with an answer has its end told, once."""

        class Repeating(Client):
            """Every answer has all operations."""

            def checkpoint(self, *request):
                response = super().checkpoint(*request)
                return evolve(response, operations=tuple(self.service.operations.values()))

        def handler(event, context):
            context.create_callback("c").result()
            return context.step(one, name="first") + context.step(one, name="second")

        recorder = Recorder()
        run = observed(handler, recorder)
        run.client = Repeating(run.service)
        assert run.invoke()["Status"] == "PENDING"
        run.service.complete_callback(run.named("c").callback_id)
        run.invoke(event={**run.service.event(), "UpdatedOperationIds": []})
        assert recorder.told("operation_end").count("operation_end c") == 1

    def test_a_context_goes_on_in_each_invocation_and_ends_once(self):
        """Its code is suspended once, and complete in the second run."""
        recorder = Recorder()

        def handler(event, context):
            return context.run_in_child_context(lambda child: child.wait(SECOND, name="w"), name="c")

        observed(handler, recorder).result()
        assert [info.is_replayed for info in recorder.infos("operation_start", "c")] == [False, True]
        assert [info.outcome.value for info in recorder.infos("user_function_end", "c")] == [
            "INCOMPLETE",
            "SUCCEEDED",
        ]
        assert [info.attempt for info in recorder.infos("user_function_start", "c")] == [1, None]
        assert len(recorder.infos("operation_end", "c")) == 1

    def test_a_large_context_that_is_run_for_its_result_says_so(self):
        """Its code is told as a replay of its children, and its end as a replay."""
        recorder = Recorder()

        def handler(event, context):
            context.run_in_child_context(lambda child: "x" * LARGE, name="c")
            context.wait(SECOND)

        observed(handler, recorder).result()
        assert [info.is_replay_children for info in recorder.infos("user_function_start", "c")] == [
            False,
            True,
        ]
        assert [info.is_replayed for info in recorder.infos("operation_end", "c")] == [False, True]

    @pytest.mark.parametrize("nesting", NestingType)
    def test_a_large_map_that_is_run_for_its_result_says_so(self, nesting):
        """So does the whole map, whether its branches are recorded or not."""
        recorder = Recorder()

        def handler(event, context):
            config = MapConfig(nesting_type=nesting)
            context.map([1, 2], lambda child, item, index, items: "x" * LARGE, name="m", config=config)
            context.wait(SECOND)

        observed(handler, recorder).result()
        again = [info for info in recorder.infos("user_function_end", "m") if info.is_replay_children]
        assert [info.outcome for info in again] == [UserFunctionOutcome.SUCCEEDED]
        assert [info.is_replayed for info in recorder.infos("operation_end", "m")] == [False, True]


class TestContexts:
    def test_children_end_before_their_parent(self):
        """And begin after it."""
        recorder = Recorder()

        def handler(event, context):
            return context.run_in_child_context(lambda child: child.step(one, name="s"), name="c")

        run = observed(handler, recorder)
        run.result()
        assert recorder.told()[1:-1] == [
            "operation_start c",
            "user_function_start c",
            "operation_start s",
            "user_function_start s",
            "user_function_end s",
            "operation_end s",
            "user_function_end c",
            "operation_end c",
        ]
        (end,) = recorder.infos("operation_end", "s")
        assert end.parent_id == run.named("c").id

    def test_a_virtual_context_has_code_and_an_end_but_no_start(self):
        """Nothing is recorded of it, and its operations belong to what is around it."""
        recorder = Recorder()

        def handler(event, context):
            config = ChildConfig(is_virtual=True)
            return context.run_in_child_context(lambda child: child.step(one, name="s"), "c", config)

        observed(handler, recorder).result()
        assert [each for each in recorder.told() if each.endswith(" c")] == [
            "user_function_start c",
            "user_function_end c",
            "operation_end c",
        ]
        (step,) = recorder.infos("operation_end", "s")
        assert step.parent_id is None

    def test_a_virtual_context_that_fails_says_so(self):
        """With the error that its caller gets."""
        recorder = Recorder()
        config = ChildConfig(is_virtual=True)
        observed(lambda event, context: context.run_in_child_context(fails, "c", config), recorder).error()
        (end,) = recorder.infos("operation_end", "c")
        assert (end.status, end.error) == (OperationStatus.FAILED, ErrorObject("no", "ValueError"))


class TestBranches:
    @pytest.mark.parametrize("nesting", NestingType)
    def test_a_map_and_its_branches_are_contexts(self, nesting):
        """Each has code; only branches that are recorded have a start."""
        recorder = Recorder()

        def handler(event, context):
            config = MapConfig(nesting_type=nesting)
            context.map([1, 2], lambda child, item, index, items: item, name="m", config=config)

        observed(handler, recorder).result()
        told = recorder.told()
        for branch in ("map-item-0", "map-item-1"):
            assert told.index("user_function_start m") < told.index(f"user_function_start {branch}")
            assert told.index(f"user_function_end {branch}") < told.index("user_function_end m")
            assert told.index(f"operation_end {branch}") < told.index("operation_end m")
            assert (f"operation_start {branch}" in told) == (nesting is NestingType.NESTED)
        assert recorder.infos("user_function_end", "map-item-0")[0].sub_type == "MapIteration"

    def test_a_suspended_map_is_left_before_what_is_around_it(self):
        """Code is left in the opposite order of its beginning, and each is INCOMPLETE."""
        recorder = Recorder()

        def handler(event, context):
            context.run_in_child_context(
                lambda child: child.map([1], lambda branch, *_: branch.wait(SECOND), name="m"), name="c"
            )

        run = observed(handler, recorder)
        run.invoke()
        left = recorder.infos("user_function_end")
        assert [info.name for info in left] == ["map-item-0", "m", "c"]
        assert {info.outcome for info in left} == {UserFunctionOutcome.INCOMPLETE}

    def test_a_deferred_map_that_nobody_awaits_is_left_too(self):
        """When the invocation ends."""
        recorder = Recorder()

        def handler(event, context):
            context.deferred.map([1], lambda branch, *_: branch.wait(SECOND), name="m")

        observed(handler, recorder).result()
        assert [info.outcome.value for info in recorder.infos("user_function_end", "m")] == ["INCOMPLETE"]

    def test_a_map_whose_predicate_raises_has_failed(self):
        """The predicate is the map's own code."""
        recorder = Recorder()
        config = MapConfig(completion_config=CompletionConfig(should_complete=fails))
        observed(
            lambda event, context: context.map([1], lambda *_: 1, name="m", config=config), recorder
        ).error()
        (end,) = recorder.infos("user_function_end", "m")
        assert (end.outcome, end.error.type) == (UserFunctionOutcome.FAILED, "ValueError")


class TestOtherOperations:
    def test_a_deferred_step_is_told_like_any_other(self):
        """It starts when it is begun, and ends when it is recorded."""
        recorder = Recorder()

        def handler(event, context):
            futures = [context.deferred.step(one, name=name) for name in ("a", "b")]
            return context.all(futures, name="both")

        observed(handler, recorder).result()
        told = recorder.told()
        for name in ("a", "b"):
            assert told.index(f"operation_start {name}") < told.index(f"user_function_start {name}")
            assert told.index(f"user_function_end {name}") < told.index(f"operation_end {name}")
        assert told.index("operation_end a") < told.index("operation_end both")

    def test_a_condition_has_an_attempt_for_each_look(self):
        """Its check is user code."""
        recorder = Recorder()

        def handler(event, context):
            config = WaitForConditionConfig(
                initial_state=0,
                wait_strategy=lambda state, attempt: (
                    WaitForConditionDecision.stop_polling()
                    if state == 2
                    else WaitForConditionDecision.continue_waiting(SECOND)
                ),
            )
            return context.wait_for_condition(lambda state, check: state + 1, config, name="c")

        observed(handler, recorder).result()
        assert [info.attempt for info in recorder.infos("user_function_end", "c")] == [1, 2]
        assert len(recorder.infos("operation_end", "c")) == 1

    def test_a_callback_that_is_answered_meanwhile_has_its_end_in_the_next_invocation(self):
        """With the text that was sent."""
        recorder = Recorder()
        run = observed(lambda event, context: context.create_callback("cb").result(), recorder)
        run.invoke()
        run.service.complete_callback(run.named("cb").callback_id, json.dumps("yes"))
        run.result()
        (end,) = recorder.infos("operation_end", "cb")
        assert (end.operation_type, end.result) == (OperationType.CALLBACK, '"yes"')
        assert [len(notes) for notes in recorder.invocations] == [4, 3]

    def test_an_end_from_outside_is_told_when_it_is_known(self):
        """A wait that is over while a step of another branch runs ends in the same invocation, once."""
        recorder = Recorder()

        def handler(event, context):
            wait = context.deferred.wait(SECOND, name="w")

            def body(step):
                run.service.advance()

            context.step(body, name="s")
            wait.result()

        run = observed(handler, recorder)
        run.result()
        assert len(recorder.infos("operation_end", "w")) == 1


class TestTheInvocation:
    def test_the_first_is_told_apart(self):
        """By what is recorded."""
        recorder = Recorder()
        observed(lambda event, context: context.wait(SECOND), recorder).result()
        assert [info.is_first_invocation for info in recorder.infos("invocation_start")] == [True, False]
        assert [info.status.value for info in recorder.infos("invocation_end")] == ["PENDING", "SUCCEEDED"]

    def test_the_factory_is_told_what_the_plugin_is_told(self):
        """So that a plugin may be made for the invocation."""
        recorder = Recorder()
        observed(lambda event, context: 1, recorder).result()
        assert recorder.started_with == recorder.infos("invocation_start")

    def test_the_input_is_a_copy(self):
        """Neither does a plugin change the handler's, nor the handler the plugin's."""

        def before(note):
            if note.hook == "on_invocation_start":
                note.info.execution_input["items"].append(2)

        def handler(event, context):
            event["items"].append(3)
            return event

        recorder = Recorder(before=before)
        assert observed(handler, recorder, event={"items": [1]}).result() == {"items": [1, 3]}
        assert recorder.infos("invocation_end")[0].execution_input == {"items": [1, 2]}

    def test_a_success_is_told_with_its_result(self):
        """As text, as it is returned."""
        recorder = Recorder()
        observed(lambda event, context: {"a": 1}, recorder).result()
        (end,) = recorder.infos("invocation_end")
        assert (end.status, end.execution_result) == (InvocationStatus.SUCCEEDED, '{"a": 1}')

    def test_a_result_that_is_too_large_to_return_is_told_as_an_empty_text(self):
        """As it is returned."""
        recorder = Recorder()
        observed(lambda event, context: "x" * (6 * 1024 * 1024 - 10), recorder).output()
        assert recorder.infos("invocation_end")[0].execution_result == ""

    def test_a_failure_is_told_with_its_error(self):
        """The error is that of the output."""
        recorder = Recorder()
        observed(fails, recorder).error()
        (end,) = recorder.infos("invocation_end")
        assert (end.status, end.error) == (InvocationStatus.FAILED, ErrorObject("no", "ValueError"))
        assert end.execution_result is None

    def test_an_invocation_that_raises_is_told_as_to_be_repeated(self):
        """With what it raises."""
        recorder = Recorder()
        run = observed(lambda event, context: context.step(one), recorder)
        run.client.before = Once(lambda updates: True, refused(500))
        with pytest.raises(Exception, match="no"):
            run.invoke()
        (end,) = recorder.infos("invocation_end")
        assert end.status is InvocationStatus.RETRY
        assert end.error.type.endswith("CheckpointError")

    def test_the_end_knows_all_operations(self):
        """As they are then; the start knows those of before."""
        recorder = Recorder()
        observed(lambda event, context: context.step(one, name="s"), recorder).result()
        (start,), (end,) = recorder.infos("invocation_start"), recorder.infos("invocation_end")
        assert [info.operation_type.value for info in start.operations.values()] == ["EXECUTION"]
        assert [info.name for info in end.operations.values()][1:] == ["s"]

    def test_what_an_execution_is_about_is_not_shown(self):
        """Infos may be logged as a whole."""
        recorder = Recorder()
        observed(lambda event, context: event, recorder, event="secret").result()
        for note in recorder.notes:
            if "invocation" in note.hook:
                assert "secret" not in repr(note.info)

    def test_times_are_those_of_the_invocations_clock(self):
        """Moments come from the invocation's clock, as records have theirs from the service's."""
        recorder = Recorder()

        def handler(event, context):
            context.wait(Duration.from_days(2))
            context.step(one, name="s")

        run = observed(handler, recorder)
        run.result()
        (start,) = recorder.infos("user_function_start", "s")
        assert abs((start.start_time - run.named("s").started_at).total_seconds()) < 3600
