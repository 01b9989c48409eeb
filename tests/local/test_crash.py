"""A service that is killed in the middle of an execution, and another that goes on with it."""

import os
import signal
import subprocess
import sys
from collections import Counter

from durably.workflows.local import LocalService
from tests.local.scripted import scripted

FLOW = """
from pathlib import Path
from tests.local.scripted import step_done, succeeded

LOG = Path(__file__).with_name("log")

def handler(invocation):
    for number in range(300):
        if invocation.status(f"s{number}") is None:
            with LOG.open("a") as log:
                print(number, file=log)
            invocation.send(step_done(f"s{number}"))
    return succeeded('"all"')
"""

RUNNER = """
import sys
from durably.workflows.local import LocalService
from durably.workflows.local.code import load_handler
from tests.local.scripted import scripted

with LocalService(sys.argv[2], invoker=scripted) as service:
    service.start(load_handler(sys.argv[1], "handler")).result()
"""


def test_a_killed_execution_goes_on_where_it_was(tmp_path):
    """After SIGKILL no confirmed step runs again; at most the one in flight does."""
    flow, database, log = tmp_path / "crash_flow.py", tmp_path / "x.db", tmp_path / "log"
    flow.write_text(FLOW)
    log.touch()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", RUNNER, str(flow), str(database)]
    with subprocess.Popen(command, env=environment) as running:
        while log.read_text().count("\n") < 40:
            assert running.poll() is None
        running.send_signal(signal.SIGKILL)
    path = list(sys.path)
    try:
        with LocalService(database, invoker=scripted) as service:
            [execution] = service.recover()
            assert execution.result(30) == "all"
            assert len(execution.operations()) == 301
    finally:
        sys.path[:] = path
    runs = Counter(log.read_text().split())
    assert len(runs) == 300
    assert sum(runs.values()) - 300 <= 1
