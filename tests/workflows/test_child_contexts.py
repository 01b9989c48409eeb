"""`context.run_in_child_context`: operations that are grouped, and recorded as one."""

import pytest

from durably.actors.model import OperationStatus
from durably.workflows import ChildConfig, ChildContextError, StepError, durable_with_child_context
from tests.workflows.running import ONCE, SECOND, Run


def fails(step):
    raise ValueError("no")


class TestResults:
    def test_a_child_is_recorded_and_its_code_does_not_run_again(self):
        """Its result is enough for a replay."""
        ran = []

        def handler(event, context):
            def group(child):
                ran.append(1)
                return (child.step(lambda step: 1, "one"), child.step(lambda step: 2, "two"))

            return context.run_in_child_context(group, "group") == (1, 2)

        run = Run(handler)
        assert [run.result(), run.result()] == [True, True]
        assert ran == [1]
        group = run.named("group")
        assert (group.type.value, group.sub_type, group.parent_id) == ("CONTEXT", "RunInChildContext", None)
        assert [run.named(name).parent_id for name in ("one", "two")] == [group.id] * 2

    def test_a_childs_start_comes_before_its_steps_and_its_end_after_them(self):
        """The updates of a group are nested."""

        def handler(event, context):
            context.run_in_child_context(lambda child: child.step(lambda step: 1, "inner"), "outer")

        run = Run(handler)
        run.result()
        assert [(each.name, each.action.value) for each in run.service.updates] == [
            ("outer", "START"),
            ("inner", "START"),
            ("inner", "SUCCEED"),
            ("outer", "SUCCEED"),
        ]

    def test_a_childs_end_is_recorded_before_the_caller_goes_on(self):
        """Code after the call finds SUCCEEDED at the service."""
        seen = []

        def handler(event, context):
            context.run_in_child_context(lambda child: None, "group")
            seen.append(run.named("group").status)

        run = Run(handler)
        run.result()
        assert seen == [OperationStatus.SUCCEEDED]

    def test_a_child_is_named_by_its_decorated_function(self):
        """`durable_with_child_context` lends its name, a name by hand wins."""

        @durable_with_child_context
        def work(child, number):
            return child.step(lambda step: number)

        def handler(event, context):
            return [context.run_in_child_context(work(1)), context.run_in_child_context(work(2), "mine")]

        run = Run(handler)
        assert run.result() == [1, 2]
        assert run.recorded == ["work", "STEP", "mine", "STEP"]

    def test_a_child_that_waits_goes_on_where_it_was(self):
        """Suspension inside a child is suspension of the execution, and its steps are not repeated."""
        ran = []

        def handler(event, context):
            def group(child):
                child.step(lambda step: ran.append("before"))
                child.wait(SECOND)
                child.step(lambda step: ran.append("after"))
                return "ok"

            return context.run_in_child_context(group)

        assert Run(handler).result() == "ok"
        assert ran == ["before", "after"]


class TestDepth:
    @pytest.mark.parametrize("depth", [100, 1000])
    def test_children_may_be_nested_deeper_than_pythons_stack(self, depth):
        """A thousand levels work, first and replayed, and when the innermost one suspends."""

        def handler(event, context):
            def level(number):
                def code(child):
                    if number == depth:
                        child.wait(SECOND)
                        return child.step(lambda step: "bottom")
                    return child.run_in_child_context(level(number + 1))

                return code

            return context.run_in_child_context(level(1), "top")

        run = Run(handler)
        assert run.invoke() == {"Status": "PENDING"}
        assert run.result() == "bottom"
        assert run.result() == "bottom"
        assert len(run.recorded) == depth + 2

    def test_an_error_rises_through_a_hundred_levels(self):
        """Each level records what escaped it."""

        def handler(event, context):
            def level(number):
                def code(child):
                    if number == 100:
                        raise KeyError("bottom")
                    child.run_in_child_context(level(number + 1), f"level {number + 1}")

                return code

            try:
                context.run_in_child_context(level(1), "level 1")
            except ChildContextError as error:
                return error.message

        run = Run(handler)
        assert run.result() == "'bottom'"
        errors = [run.named(f"level {number}").error for number in (99, 100)]
        assert [error.type.rsplit(".", 1)[-1] for error in errors if error] == [
            "ChildContextError",
            "KeyError",
        ]


class TestErrors:
    def test_a_failure_is_wrapped_and_its_cause_says_what_failed(self):
        """ChildContextError caused by StepError; the same on replay."""
        seen = []

        def handler(event, context):
            try:
                context.run_in_child_context(lambda child: child.step(fails, "s", ONCE), "group")
            except ChildContextError as error:
                cause = error.__cause__
                seen.append((str(error), error.error_type, error.data, type(cause), str(cause)))

        run = Run(handler)
        run.invoke()
        run.invoke()
        assert seen[0] == seen[1]
        assert seen[0][0] == "no"
        assert seen[0][1].endswith("StepError")
        assert seen[0][3:] == (StepError, "no")

    def test_an_error_of_the_code_itself_is_wrapped_too(self):
        """The recorded type is the user's own."""

        def handler(event, context):
            def group(child):
                return {}["key"]

            try:
                context.run_in_child_context(group)
            except ChildContextError as error:
                return [error.error_type, error.message]

        assert Run(handler).result() == ["KeyError", "'key'"]

    def test_a_child_may_handle_what_fails_in_it(self):
        """What does not leave the child is no failure of it."""

        def handler(event, context):
            def group(child):
                try:
                    child.step(fails, "s", ONCE)
                except StepError:
                    return child.step(lambda step: "plan b")

            return context.run_in_child_context(group)

        assert Run(handler).result() == "plan b"

    def test_a_result_that_cannot_be_serialized_fails_the_child(self):
        """SerDesError with the type in its message, recorded as the child's failure."""
        run = Run(lambda event, context: context.run_in_child_context(lambda child: {1, 2}, "group"))
        error = run.error()
        assert error["ErrorType"].endswith("SerDesError")
        assert "set" in error["ErrorMessage"]
        assert run.actions("group") == ["START", "FAIL"]


class TestVirtual:
    def test_a_virtual_child_records_nothing_of_itself(self):
        """Its steps belong to the nearest recorded context, and are found again on replay."""
        ran = []

        def handler(event, context):
            def inner(child):
                assert child.is_virtual
                child.step(lambda step: ran.append(1), "inner step")
                return (1,)

            def outer(child):
                assert not child.is_virtual
                return child.run_in_child_context(inner, "inner", ChildConfig(is_virtual=True))

            top = context.run_in_child_context(inner, "top", ChildConfig(is_virtual=True))
            return [top == (1,), context.run_in_child_context(outer, "outer") == (1,)]

        run = Run(handler)
        assert [run.result(), run.result()] == [[True, True]] * 2
        assert run.recorded == ["inner step", "outer", "inner step"]
        steps = [each for each in run.service.operations.values() if each.name == "inner step"]
        assert [each.parent_id for each in steps] == [None, run.named("outer").id]
        assert ran == [1, 1]

    def test_a_virtual_child_that_fails_raises_as_a_recorded_one_does(self):
        """ChildContextError with its cause."""

        def handler(event, context):
            try:
                context.run_in_child_context(
                    lambda child: child.step(fails, "s", ONCE), "v", ChildConfig(is_virtual=True)
                )
            except ChildContextError as error:
                return [error.message, type(error.__cause__).__name__]

        run = Run(handler)
        assert [run.result(), run.result()] == [["no", "StepError"]] * 2

    def test_a_recorded_child_may_not_become_virtual(self):
        """It would lose its record: the execution fails and says so."""
        virtual = []

        def handler(event, context):
            config = ChildConfig(is_virtual=bool(virtual))
            context.run_in_child_context(lambda child: None, "group", config)

        run = Run(handler)
        run.invoke()
        virtual.append(1)
        assert "virtual" in run.error()["ErrorMessage"]
