"""An execution with plugins, as the tests of hooks run it."""

from collections.abc import Callable
from typing import Any

from durably.workflows import durable_execution
from tests.workflows.running import Run


def observed(handler: Callable[[Any, Any], Any], *factories: Any, event: Any = None) -> Run:
    """An execution of a handler that has these plugins."""
    run = Run(handler, event)
    run.handler = durable_execution(handler, plugins=list(factories))
    return run


class Making:
    """A factory that makes what it is told to."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def create_plugin(self, info: Any) -> Any:
        return self._make()
