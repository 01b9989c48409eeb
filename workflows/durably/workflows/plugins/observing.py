"""An invocation under the eyes of its plugins: from `on_invocation_start` to `on_invocation_end`."""

import contextvars
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from durably.actors.model import Operation, OperationType
from durably.workflows.errors import error_from_wire, error_object_from
from durably.workflows.event import Event, execution_record, input_of
from durably.workflows.plugin import (
    DurableInstrumentationPluginFactory,
    InvocationStartInfo,
    InvocationStatus,
)
from durably.workflows.plugins.infos import recorded_all
from durably.workflows.plugins.invocation import InvocationPlugins

logger = logging.getLogger("durably.workflows")

Output = dict[str, Any]


def observed(
    factories: Sequence[DurableInstrumentationPluginFactory],
    event: Event,
    snapshot: Mapping[str, Operation],
    lambda_context: Any,
    run: Callable[[InvocationPlugins], Output],
) -> Output:
    """What `run` comes to, with the plugins told of its beginning and end.

    Context variables that a plugin sets are seen by the workflow's code, and gone when this returns.

    Raises:
        BaseException: what `run` raises; KeyboardInterrupt and its like from a hook.
    """
    plugins = InvocationPlugins(factories, _start_info(event, snapshot, lambda_context))
    plugins.watch(snapshot, time.time)
    return contextvars.copy_context().run(_observed, plugins, run)


def _observed(plugins: InvocationPlugins, run: Callable[[InvocationPlugins], Output]) -> Output:
    try:
        plugins.start()
        output = run(plugins)
    except BaseException as error:
        try:
            plugins.finish(InvocationStatus.RETRY, error_object_from(error))
        except BaseException:
            logger.exception("A plugin stopped an invocation that had failed already; the failure is raised.")
        raise
    failure = output.get("Error")
    plugins.finish(
        InvocationStatus(output["Status"]),
        None if failure is None else error_from_wire(failure),
        output.get("Result"),
    )
    return output


def _start_info(event: Event, snapshot: Mapping[str, Operation], lambda_context: Any) -> InvocationStartInfo:
    operations = recorded_all(snapshot)
    execution = execution_record(snapshot, event.arn)
    return InvocationStartInfo(
        getattr(lambda_context, "aws_request_id", None),
        event.arn,
        all(record.type is OperationType.EXECUTION for record in snapshot.values()),
        None if execution is None else execution.started_at,
        execution_input=input_of(snapshot, event.arn),  # not the handler's own, which may change it
        operations=operations,
        updated_operations={each: operations[each] for each in event.updated if each in operations},
    )
