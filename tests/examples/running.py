"""An example as `durably run` runs it, on a service that skips its waits."""

from pathlib import Path

from durably.workflows.cli.arguments import load
from durably.workflows.local import LocalExecution, LocalService, SkippingClock

PATIENCE = 60.0
"""Seconds after which an example is given up."""
NOBODY_ANSWERS = 3600.0
"""Seconds that pass when an example waits for somebody outside."""


def run_example(path: Path, event: object) -> LocalExecution:
    """The execution of the handler that the command would choose, at its end."""
    handler, others = load(path, None)
    with LocalService(clock=SkippingClock()) as service:
        for name, other in others.items():
            service.register(name, other)
        execution = service.start(handler, event)
        service.wait_until_idle(PATIENCE)
        if execution.status == "RUNNING":
            service.advance(NOBODY_ANSWERS)
        execution.wait(PATIENCE)
        return execution
