"""Replaying recorded histories: does new code still do what executions that are under way have done?

python examples/replay_history.py      # records an execution, and replays two versions against it
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from durably.workflows import DurableContext, Duration, durable_execution
from durably.workflows.local import LocalService, SkippingClock
from durably.workflows.testing import ReplayReport, replay, replay_all


@durable_execution
def handler(event: Any, context: DurableContext) -> str:
    """What is deployed: the customer may withdraw for two weeks."""
    item = (event or {}).get("item", "lamp")
    paid = context.step(lambda _: f"paid for a {item}", name="charge")
    context.wait(Duration.from_days(14), name="withdrawal period")
    return context.step(lambda _: f"{paid}, and sent it", name="send")


def with_a_check(event: Any, context: DurableContext) -> str:
    """What is to be deployed: a step more, in front of a wait in which executions are."""
    item = (event or {}).get("item", "lamp")
    paid = context.step(lambda _: f"paid for a {item}", name="charge")
    context.step(lambda _: "nothing suspicious", name="check")
    context.wait(Duration.from_days(14), name="withdrawal period")
    return context.step(lambda _: f"{paid}, and sent it", name="send")


def record(folder: Path) -> Path:
    """The history of an execution, as a file; of one on AWS the CLI writes it."""
    with LocalService(clock=SkippingClock()) as service:
        execution = service.start(handler, {"item": "lamp"})
        execution.result(timeout=60)
        path = folder / "lamp.json"
        path.write_text(json.dumps(execution.history_json()))
    return path


def main() -> ReplayReport:
    """Check today's code, and the code that is to come."""
    with tempfile.TemporaryDirectory() as folder:
        path = record(Path(folder))
        replay_all(handler, folder).check()  # all that a test needs
        return replay(durable_execution(with_a_check), path)


if __name__ == "__main__":
    print(main())
