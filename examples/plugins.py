"""Plugins: how long each step's body took, in which attempt, without a line of it in the workflow."""

import logging
from typing import Any

from durably.workflows import DurableContext, durable_execution
from durably.workflows.plugin import (
    InvocationEndInfo,
    InvocationStartInfo,
    OperationType,
    UserFunctionEndInfo,
)

logger = logging.getLogger("timing")


class Timing:
    """The plugin of one invocation; a hook that it does not have is not called."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        if info.operation_type is OperationType.STEP and info.start_time and info.end_time:
            seconds = (info.end_time - info.start_time).total_seconds()
            self.lines.append(f"{info.name}, attempt {info.attempt}: {info.outcome.value} in {seconds:.3f} s")

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        for line in self.lines:
            logger.info("%s: %s", info.execution_arn, line)


class TimingFactory:
    """Makes the plugin of each invocation; keeps what outlives them, such as an exporter."""

    def create_plugin(self, info: InvocationStartInfo) -> Timing:
        return Timing()


@durable_execution(plugins=[TimingFactory()])
def handler(event: Any, context: DurableContext) -> int:
    prices = [context.step(lambda step: 20, name="price"), context.step(lambda step: 22, name="shipping")]
    return sum(prices)
