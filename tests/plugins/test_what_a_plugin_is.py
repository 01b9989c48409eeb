"""What is accepted as a plugin, and in whose words it is told."""

import subprocess
import sys

import aws_durable_execution_sdk_python.plugin as official
import pytest

from durably.workflows import durable_execution, plugin
from durably.workflows.execution import invoke
from durably.workflows.local import MemoryExecution
from tests.plugins.observed import Making, observed
from tests.plugins.recording import HOOKS, Recorder


def handler(event, context):
    context.step(lambda step: 1, name="s")
    return 2


@pytest.mark.parametrize("base", [object, plugin.DurableInstrumentationPlugin])
def test_a_plugin_needs_no_base_class(base):
    """It is told in our classes, with or without."""
    recorder = Recorder(base)
    observed(handler, recorder).result()
    kinds = (plugin.InvocationInfo, plugin.OperationInfo, plugin.OperationChangeInfo)
    assert all(isinstance(note.info, kinds) for note in recorder.notes)
    assert {note.hook for note in recorder.notes} == set(HOOKS)


def test_a_plugin_of_awss_sdk_is_told_in_that_sdks_classes():
    """Its `isinstance`, `match` and `is` mean what they mean there."""
    recorder = Recorder(official.DurableInstrumentationPlugin)
    observed(handler, recorder).result()
    (end,) = recorder.infos("operation_end")
    assert isinstance(end, official.OperationEndInfo)
    assert end.operation_type is official.OperationType.STEP
    assert end.status is official.OperationStatus.SUCCEEDED
    (body,) = recorder.infos("user_function_end")
    assert body.outcome is official.UserFunctionOutcome.SUCCEEDED
    (over,) = recorder.infos("invocation_end")
    assert over.status is official.InvocationStatus.SUCCEEDED
    assert {type(info) for info in over.operations.values()} == {official.OperationInfo}
    changed = recorder.infos("operation_change")[-1]
    assert isinstance(changed, official.OperationChangeInfo)
    assert {type(info) for info in changed.operations.values()} == {official.OperationInfo}


def test_an_error_is_told_in_that_sdks_class_too():
    """With a stack trace that is a list."""

    def broken(event, context):
        raise ValueError("no")

    recorder = Recorder(official.DurableInstrumentationPlugin)
    observed(broken, recorder).error()
    (end,) = recorder.infos("invocation_end")
    assert end.error == official.ErrorObject("no", "ValueError", None, None)


def test_a_factory_that_derives_from_awss_protocol_is_told_in_its_classes():
    """The plugin that it makes may be anything."""
    seen = []

    class Factory(official.DurableInstrumentationPluginFactory):
        def create_plugin(self, info):
            seen.append(type(info))
            return Recorder().create_plugin(info)

    observed(handler, Factory()).result()
    assert seen == [official.InvocationStartInfo]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_is_not_there_is_not_called(hook: str):
    """A plugin with one hook is told of that alone."""
    recorder = Recorder(hooks=(hook,))
    observed(handler, recorder).result()
    assert {note.hook for note in recorder.notes} == {hook}


@pytest.mark.parametrize("made", [None, 3, Recorder], ids=repr)
def test_what_is_no_plugin_is_ignored(made, caplog):
    """None, any object, a class: the log says what was made, and the others go on."""
    recorder = Recorder()
    assert observed(handler, Making(lambda: made), recorder).result() == 2
    assert "which is no plugin" in caplog.text
    assert recorder.told()


def test_an_async_hook_is_reported_and_not_called(caplog):
    """Nobody would await it; the other hooks are called."""

    class Async(Recorder(hooks=("on_invocation_end",)).plugin_class):
        async def on_operation_end(self, info): ...

    recorder = Recorder()
    recorder.plugin_class = Async
    observed(handler, recorder).result()
    assert "on_operation_end of plugin" in caplog.text
    assert recorder.told() == ["invocation_end SUCCEEDED"]


def test_a_factory_that_raises_is_ignored(caplog):
    """The invocation goes on without its plugin."""

    def broken():
        raise ValueError("no exporter")

    assert observed(handler, Making(broken)).result() == 2
    assert "Making" in caplog.text
    assert "no exporter" in caplog.text


def test_each_invocation_has_a_plugin_of_its_own():
    """State of an invocation may be kept on it."""
    recorder = Recorder()
    run = observed(handler, recorder)
    run.result()
    run.invoke()
    assert len(recorder.invocations) == 2


def test_plugins_are_told_in_the_order_in_which_they_are_given():
    """Each of everything."""
    told = []
    recorders = [
        Recorder(before=lambda note, index=index: told.append((index, note.hook))) for index in (1, 2)
    ]
    observed(handler, *recorders).result()
    starts = [index for index, hook in told if hook == "on_operation_start"]
    assert starts == [1, 2]
    assert recorders[0].told() == recorders[1].told()


def test_a_handler_with_plugins_is_called_as_any_other():
    """With an event and a Lambda context, whose request id plugins learn."""

    class LambdaContext:
        aws_request_id = "request 7"

    recorder = Recorder()
    run = observed(handler, recorder)
    run.invoke(LambdaContext())
    assert recorder.infos("invocation_start")[0].request_id == "request 7"
    assert recorder.infos("invocation_start")[0].execution_arn == run.service.arn


def test_without_plugins_nothing_of_them_is_imported():
    """Nor done."""
    program = """
import sys
from durably.workflows import durable_execution
from durably.workflows.execution import invoke
from durably.workflows.local import MemoryExecution
handler = durable_execution(lambda event, context: context.step(lambda step: 1))
service = MemoryExecution()
assert invoke(handler, service.event(), None, service) == {"Status": "SUCCEEDED", "Result": "1"}
print([name for name in sys.modules if name.startswith("durably.workflows.plugin")])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_decorator_takes_plugins_with_and_without_parentheses():
    """As AWS's does."""
    recorder = Recorder()

    @durable_execution(plugins=[recorder])
    def decorated(event, context):
        return 1

    service = MemoryExecution()
    assert invoke(decorated, service.event(), None, service)["Result"] == "1"
    assert recorder.told() == ["invocation_start first", "invocation_end SUCCEEDED"]
