"""What the type checker says to plugins."""

from typing import Any, assert_type

from aws_durable_execution_sdk_python import plugin as official

from durably.workflows import DurableContext, durable_execution
from durably.workflows.plugin import (
    DurableInstrumentationPlugin,
    InvocationStartInfo,
    OperationEndInfo,
    OperationStatus,
)


class Deriving(DurableInstrumentationPlugin):
    def on_operation_end(self, info: OperationEndInfo) -> None:
        assert_type(info.status, OperationStatus)
        assert_type(info.result, str | None)
        # assert-type-error-pyright: "Cannot access attribute \"outcome\""
        info.outcome

    # assert-type-error-pyright: "overrides class"
    def on_invocation_end(self) -> None: ...


class Structural:
    def on_operation_end(self, info: OperationEndInfo) -> None: ...


class Factory:
    def create_plugin(self, info: InvocationStartInfo) -> Deriving:
        return Deriving()


class StructuralFactory:
    def create_plugin(self, info: InvocationStartInfo) -> Structural:
        return Structural()


class OfficialFactory:
    def create_plugin(self, info: official.InvocationStartInfo) -> official.DurableInstrumentationPlugin:
        return official.DurableInstrumentationPlugin()


@durable_execution(plugins=[Factory(), StructuralFactory(), OfficialFactory()])
def handler(event: Any, context: DurableContext) -> None: ...


# assert-type-error-pyright: "No overloads for|Argument of type|is not assignable to"
@durable_execution(plugins=[Factory])
def given_a_class(event: Any, context: DurableContext) -> None: ...


# assert-type-error-pyright: "No overloads for|Argument of type|is not assignable to"
@durable_execution(plugins=[Deriving()])
def given_a_plugin(event: Any, context: DurableContext) -> None: ...
