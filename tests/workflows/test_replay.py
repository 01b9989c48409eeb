"""Replay: what an earlier invocation has done is not done again, and must be what the code still does."""

import pytest

from durably.workflows import ChildConfig, DurableOperationError, MapConfig, NestingType, StepConfig
from durably.workflows.config import Duration
from tests.workflows.running import SECOND, Run


class TestReplaying:
    def test_is_replaying_says_whether_the_code_repeats_what_was_done(self):
        """True up to the first operation that is not recorded, in each context by itself."""
        seen = []

        def handler(event, context):
            seen.append(("start", context.is_replaying()))
            context.step(lambda step: 1)
            seen.append(("step", context.is_replaying()))
            context.wait(SECOND)
            seen.append(("wait", context.is_replaying()))
            context.step(lambda step: 1)
            seen.append(("end", context.is_replaying()))

        run = Run(handler)
        run.invoke()
        assert seen == [("start", False), ("step", False)]
        run.service.advance()
        seen.clear()
        run.invoke()
        assert seen == [("start", True), ("step", True), ("wait", False), ("end", False)]
        seen.clear()
        run.invoke()
        assert seen[:3] == [("start", True), ("step", True), ("wait", True)]

    def test_a_child_begins_as_its_parent_stands(self):
        """A child whose record is unfinished replays until it does something new."""
        seen = []

        def handler(event, context):
            def group(child):
                seen.append(child.is_replaying())
                child.step(lambda step: 1)
                child.wait(SECOND)
                seen.append(child.is_replaying())

            context.run_in_child_context(group)
            seen.append(context.is_replaying())

        run = Run(handler)
        run.invoke()
        assert seen == [False]
        run.service.advance()
        seen.clear()
        run.invoke()
        assert seen == [True, False, False]

    def test_a_replay_that_does_nothing_new_makes_no_call(self):
        """A thousand recorded steps come from the event alone."""

        def handler(event, context):
            return sum(context.step(lambda step, n=n: n) for n in range(1000))

        run = Run(handler)
        total = run.result()
        calls = run.service.calls
        run = replayed(run, page_size=2000)
        assert run.result() == total
        assert run.service.calls == calls

    def test_a_history_of_many_pages_is_read_completely(self):
        """The event carries the first page, the rest is fetched before the code runs."""
        ran = []

        def handler(event, context):
            for n in range(95):
                context.step(lambda step, n=n: ran.append(n), f"s{n}")
            context.wait(SECOND)
            return len(ran)

        assert Run(handler, page_size=10).result() == 95

    def test_the_handler_gets_its_input_every_time(self):
        """The event of the execution is the same in each invocation."""
        seen = []

        def handler(event, context):
            seen.append(event)
            context.wait(SECOND)

        Run(handler, {"items": [1, None]}).result()
        assert seen == [{"items": [1, None]}] * 2


def replayed(run, page_size):
    """The same execution, its history in pages of this size."""
    run.service._page_size = page_size
    return run


def step(context):
    context.step(lambda step: 1, "work")


def other_step(context):
    context.step(lambda step: 1, "other")


def special_step(context):
    context.step(lambda step: 1, "work", StepConfig(sub_type="Special"))


def wait(context):
    context.wait(SECOND, "work")


def child(context):
    context.run_in_child_context(lambda child: None, "work")


def a_map(context):
    context.map([1], lambda child, *_: 1, "work")


def parallel(context):
    context.parallel([lambda child: 1], "work")


CHANGES = {
    "name": (step, other_step, ["'work'", "'other'"]),
    "name dropped": (step, lambda context: context.step(lambda step: 1), ["'work'", "(no name)"]),
    "subtype": (step, special_step, ["STEP/Step", "STEP/Special"]),
    "type": (step, wait, ["STEP/Step", "WAIT/Wait"]),
    "type back": (wait, step, ["WAIT/Wait", "STEP/Step"]),
    "child for step": (step, child, ["STEP/Step", "CONTEXT/RunInChildContext"]),
    "map for child": (child, a_map, ["CONTEXT/RunInChildContext", "CONTEXT/Map"]),
    "parallel for map": (a_map, parallel, ["CONTEXT/Map", "CONTEXT/Parallel"]),
}


class TestNonDeterminism:
    @pytest.mark.parametrize(("before", "after", "named"), CHANGES.values(), ids=CHANGES.keys())
    def test_another_operation_than_the_recorded_one_is_refused(self, before, after, named):
        """The execution fails with an error that names what was recorded and what was called."""
        first = []

        def handler(event, context):
            context.step(lambda step: None, "same")
            (after if first else before)(context)
            context.wait(SECOND)

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        first.append(1)
        updates = len(run.service.updates)
        error = run.error()
        assert error["ErrorType"].endswith("NonDeterministicExecutionError")
        assert all(each in error["ErrorMessage"] for each in named), error["ErrorMessage"]
        assert len(run.service.updates) == updates

    def test_another_parent_than_the_recorded_one_is_refused(self):
        """A step that was recorded at the root is not found again inside a context."""
        recorded = []

        def handler(event, context):
            config = ChildConfig(is_virtual=not recorded)
            context.run_in_child_context(lambda child: child.step(lambda step: 1, "work"), "group", config)

        run = Run(handler)
        run.invoke()
        recorded.append(1)
        error = run.error()
        assert error["ErrorType"].endswith("NonDeterministicExecutionError")
        assert "'work'" in error["ErrorMessage"]

    @pytest.mark.parametrize("nestings", [list(NestingType), list(NestingType)[::-1]])
    def test_nested_branches_may_not_become_flat_nor_flat_ones_nested(self, nestings):
        """The execution fails instead of running the branches again."""
        runs = iter([*nestings, nestings[1]])
        bodies = []

        def handler(event, context):
            def branch(child, *_):
                child.step(lambda step: bodies.append(1), "work")
                child.wait(SECOND)

            context.map([1], branch, "map", MapConfig(nesting_type=next(runs)))

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        assert run.error()["ErrorType"].endswith("NonDeterministicExecutionError")
        assert bodies == [1]

    def test_a_duration_may_change_under_a_running_execution(self):
        """What is recorded counts: a wait is over when it was to be over."""
        seconds = [10]

        def handler(event, context):
            context.wait(Duration.from_seconds(seconds[0]))
            return "over"

        run = Run(handler)
        run.invoke()
        seconds[0] = 1000
        run.service.advance(10)
        assert run.result() == "over"

    def test_user_code_cannot_take_it_for_a_failure_of_the_step(self):
        """It is an ExecutionError: no StepError that a plan B would swallow."""
        first = []

        def handler(event, context):
            try:
                (other_step if first else step)(context)
            except DurableOperationError:
                return "swallowed"

        run = Run(handler)
        run.invoke()
        first.append(1)
        assert run.error()["ErrorType"].endswith("NonDeterministicExecutionError")
