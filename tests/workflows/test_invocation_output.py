"""What an invocation takes and what it answers, as the service has it."""

import json
import math

import pytest

from durably.workflows import durable_execution
from durably.workflows.exceptions import ExecutionError
from durably.workflows.execution import invoke
from tests.workflows.running import Once, Run, refused

LIMIT = 6 * 1024 * 1024 - 50


class TestOutput:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "null"),
            ("a", '"a"'),
            ({"a": [1, 2.5]}, '{"a": [1, 2.5]}'),
            (True, "true"),
            ("é", '"\\u00e9"'),
        ],
    )
    def test_a_result_is_its_json(self, value, text):
        """None is "null"."""
        assert Run(lambda event, context: value).invoke() == {"Status": "SUCCEEDED", "Result": text}

    def test_nan_passes(self):
        """Python's JSON knows it."""
        assert Run(lambda event, context: math.nan).invoke()["Result"] == "NaN"

    def test_a_result_that_is_no_json_fails_the_execution(self):
        """With the TypeError that says so."""
        output = Run(lambda event, context: {1, 2}).invoke()
        assert output["Status"] == "FAILED"
        assert output["Error"]["ErrorType"] == "TypeError"
        assert "set" in output["Error"]["ErrorMessage"]

    def test_an_error_is_its_type_and_message(self):
        """Builtins by their bare name, others with their module; no stack."""

        class MineError(Exception):
            pass

        def fails(event, context):
            raise (ValueError if event == "builtin" else MineError)("no")

        assert Run(fails, "builtin").invoke() == {
            "Status": "FAILED",
            "Error": {"ErrorMessage": "no", "ErrorType": "ValueError"},
        }
        error = Run(fails).invoke()["Error"]
        assert error["ErrorType"].startswith(f"{__name__}.")
        assert error["ErrorType"].endswith("MineError")

    def test_an_execution_error_fails_the_execution(self):
        """The service does not invoke again."""

        def handler(event, context):
            raise ExecutionError("never again")

        output = Run(handler).invoke()
        assert output["Status"] == "FAILED"
        assert output["Error"]["ErrorMessage"] == "never again"

    @pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
    def test_what_is_no_exception_leaves_the_handler(self, error):
        """Nothing is recorded of it."""

        def handler(event, context):
            raise error

        run = Run(handler)
        with pytest.raises(type(error)):
            run.invoke()
        assert run.service.updates == []

    def test_a_result_of_the_largest_size_is_returned(self):
        """6 MiB less 50 characters."""
        run = Run(lambda event, context: "x" * (LIMIT - 2))
        assert len(run.invoke()["Result"]) == LIMIT
        assert run.service.updates == []

    def test_a_larger_result_is_checkpointed_and_left_out(self):
        """An EXECUTION update carries it, the output says SUCCEEDED with an empty result."""
        run = Run(lambda event, context: "x" * (LIMIT - 1))
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": ""}
        (update,) = run.service.updates
        assert (update.type.value, update.action.value) == ("EXECUTION", "SUCCEED")
        assert update.id.startswith("execution-result-")
        assert (update.name, update.sub_type, update.parent_id) == (None, None, None)
        assert len(update.payload or "") == LIMIT + 1
        assert run.service.execution.summary.result == update.payload

    def test_a_result_larger_than_any_checkpoint_fails_the_execution(self):
        """The service takes payloads up to 6,291,456: nothing larger is sent, and the error says so."""
        run = Run(lambda event, context: "x" * 6_291_456)
        output = run.invoke()
        assert output["Status"] == "FAILED"
        assert run.service.updates == []

    def test_a_large_result_whose_checkpoint_may_succeed_another_time_is_raised(self):
        """As any other call."""
        run = Run(lambda event, context: "x" * LIMIT, before=Once(bool, refused(429)))
        with pytest.raises(Exception, match="no"):
            run.invoke()
        assert run.invoke() == {"Status": "SUCCEEDED", "Result": ""}

    def test_an_error_too_large_to_return_is_checkpointed(self):
        """An EXECUTION update carries it, or as much as the service takes; the output is bare."""

        def handler(event, context):
            raise ValueError("x" * LIMIT)

        run = Run(handler)
        output = run.invoke()
        assert output["Status"] == "FAILED"
        assert len(json.dumps(output)) <= LIMIT
        if "Error" in output:
            assert output["Error"]["ErrorType"] == "ValueError"
        else:
            (update,) = run.service.updates
            assert (update.type.value, update.action.value) == ("EXECUTION", "FAIL")
            assert update.error is not None
            assert update.error.type == "ValueError"


def with_input(run, **details):
    """An event whose EXECUTION operation has these details."""
    event = run.service.event()
    event["InitialExecutionState"]["Operations"][0]["ExecutionDetails"] = details
    return event


class TestInput:
    @pytest.mark.parametrize(
        ("details", "decoded"),
        [
            ({}, {}),
            ({"InputPayload": ""}, {}),
            ({"InputPayload": " \n"}, {}),
            ({"InputPayload": "null"}, None),
            ({"InputPayload": "[1]"}, [1]),
            ({"InputPayload": '"text"'}, "text"),
        ],
    )
    def test_the_input_is_decoded_json(self, details, decoded):
        """Absent or blank is {}, null is None."""
        run = Run(lambda event, context: [event])
        assert json.loads(run.invoke(event=with_input(run, **details))["Result"]) == [decoded]

    def test_an_input_that_is_no_json_is_raised(self):
        """The code does not run."""
        ran = []
        run = Run(lambda event, context: ran.append(1))
        with pytest.raises(ValueError, match="Expecting"):
            run.invoke(event=with_input(run, InputPayload="{no"))
        assert ran == []

    def test_unknown_keys_of_an_event_are_ignored(self):
        """What a later version of the service adds does no harm."""
        run = Run(lambda event, context: event, 1)
        event = run.service.event() | {"New": 1}
        event["InitialExecutionState"]["New"] = 2
        assert run.invoke(event=event)["Result"] == "1"

    def test_an_event_without_a_state_has_no_input(self):
        """`InitialExecutionState` is optional."""
        run = Run(lambda event, context: event, 1)
        event = run.service.event()
        del event["InitialExecutionState"], event["UpdatedOperationIds"]
        assert run.invoke(event=event)["Result"] == "{}"

    @pytest.mark.parametrize(("key", "value"), [("Type", "NEW"), ("Status", "ODD"), ("Id", "")])
    def test_malformed_operations_are_refused(self, key, value):
        """A ValueError that names the operation; the code does not run."""
        run = Run(lambda event, context: event)
        event = run.service.event()
        event["InitialExecutionState"]["Operations"][0][key] = value
        with pytest.raises(ValueError, match=key):
            run.invoke(event=event)

    def test_the_lambda_context_is_handed_on(self):
        """As `context.lambda_context`, whatever it is."""
        lambda_context = object()
        seen = []
        Run(lambda event, context: seen.append(context.lambda_context)).invoke(lambda_context)
        assert seen == [lambda_context]

    def test_the_execution_is_known_by_its_arn(self):
        """As `context.execution_context`."""
        run = Run(lambda event, context: context.execution_context.durable_execution_arn)
        assert run.result() == run.service.arn


def test_only_a_durable_handler_can_be_invoked():
    """A bare function is refused with the remedy."""
    with pytest.raises(TypeError, match="durable_execution"):
        invoke(lambda event, context: 1, {}, None, Run(lambda event, context: 1).client)


def test_a_decorated_handler_keeps_its_name_and_docstring():
    """It can be told apart in a traceback, and decorated with or without brackets."""

    @durable_execution
    def one(event, context):
        """Do one."""

    @durable_execution(boto3_client=object())
    def two(event, context):
        """Do two."""

    assert [(f.__name__, f.__doc__) for f in (one, two)] == [("one", "Do one."), ("two", "Do two.")]  # type: ignore[attr-defined]  # functools.wraps
