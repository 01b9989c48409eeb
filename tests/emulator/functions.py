"""Lambda, as far as durable functions see it: an HTTP server that invokes handlers by name.

    POST /2015-03-31/functions/<name>/invocations   the event; answered with what the handler returns
    GET  /logs/<arn>                                what the execution has logged

It prints `ready <port>` when it can be reached, and `invoked <arn> <status>` after each invocation. A
function that is isolated runs in a process of its own for each invocation, since it ends that process.
"""

import importlib.util
import json
import logging
import os
import subprocess
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from tests.emulator.journal import JOURNAL

OFFICIAL = "aws_durable_execution_sdk_python"
SDK = os.environ.get("TESTS_SDK", "durably.workflows")
"""Under which root the handlers' imports are resolved: ours, or the official SDK's."""


def say(*words: str) -> None:
    """Write a line at once, whatever other threads have just begun to write."""
    os.write(1, f"\n{' '.join(words)}\n".encode())


class Context:
    """The object that Lambda hands to a handler."""

    def __init__(self, function_name: str) -> None:
        self.aws_request_id = str(uuid.uuid4())
        self.function_name = function_name
        self.function_version = "$LATEST"
        self.invoked_function_arn = f"arn:aws:lambda:us-west-2:123456789012:function:{function_name}"
        self.memory_limit_in_mb = 128
        self.tenant_id = None
        self._end = time.monotonic() + 900

    def get_remaining_time_in_millis(self) -> int:
        return int((self._end - time.monotonic()) * 1000)


def load(module: str, sdk: str = SDK) -> ModuleType:
    """A module of handlers, its imports of `durably.workflows` changed to those of `sdk`."""
    if sdk == "durably.workflows":
        return importlib.import_module(module)
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    loaded = sys.modules[module] = ModuleType(module)
    loaded.__file__ = spec.origin
    with open(spec.origin) as file:  # noqa: PTH123  # `origin` is text
        source = file.read().replace("durably.workflows", sdk)
    exec(compile(source, spec.origin, "exec"), vars(loaded))
    return loaded


class Catalogue:
    """Handlers by name: the `FUNCTIONS` of each module, and the names of those that are `ISOLATED`."""

    def __init__(self, modules: Iterable[str]) -> None:
        self.modules = list(modules)
        self.functions: dict[str, Callable[[Any, Any], Any]] = {}
        self.isolated: set[str] = set()
        for module in map(load, self.modules):
            self.functions |= module.FUNCTIONS
            self.isolated |= getattr(module, "ISOLATED", set())

    def invoke(self, name: str, payload: bytes) -> tuple[bytes, bool]:
        """The function's answer, and whether it failed."""
        if name in self.isolated:
            return self._invoke_isolated(name, payload)
        return self.invoke_here(name, payload)

    def invoke_here(self, name: str, payload: bytes) -> tuple[bytes, bool]:
        try:
            return json.dumps(self.functions[name](json.loads(payload), Context(name))).encode(), False
        except Exception as error:
            traceback.print_exc()
            return json.dumps({"errorType": type(error).__name__, "errorMessage": str(error)}).encode(), True

    def _invoke_isolated(self, name: str, payload: bytes) -> tuple[bytes, bool]:
        command = [sys.executable, "-m", "tests.emulator.functions", name, *self.modules]
        done = subprocess.run(command, input=payload, stdout=subprocess.PIPE, check=False)
        lines = [line for line in done.stdout.splitlines() if line]
        for line in lines:
            if line.startswith(b"log "):
                JOURNAL.write(json.loads(line[4:]))
        if done.returncode:
            message = (
                f"RequestId: {uuid.uuid4()} Error: Runtime exited with error: exit status {done.returncode}"
            )
            return json.dumps({"errorType": "Runtime.ExitError", "errorMessage": message}).encode(), True
        return lines[-1], False


def handler_of(catalogue: Catalogue) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            payload = self.rfile.read(int(self.headers["Content-Length"]))
            name = unquote(self.path.split("/")[3]).partition(":")[0]
            if name not in catalogue.functions:
                self._answer(
                    404,
                    b'{"Message": "Function not found"}',
                    {"x-amzn-ErrorType": "ResourceNotFoundException"},
                )
                return
            event = json.loads(payload)
            arn = event.get("DurableExecutionArn") if isinstance(event, dict) else None
            if arn is not None:
                say("invoking", arn)
            body, failed = catalogue.invoke(name, payload)
            self._answer(200, body, {"X-Amz-Function-Error": "Unhandled"} if failed else {})
            if arn is not None:
                say("invoked", arn, "RAISED" if failed else json.loads(body)["Status"])

        def do_GET(self) -> None:
            arn = unquote(self.path.removeprefix("/logs/"))
            self._answer(200, json.dumps(JOURNAL.of(arn)).encode(), {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {"x-amzn-RequestId": str(uuid.uuid4()), **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: standard output is for those who wait."""

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main(arguments: list[str]) -> int:
    """Serve the handlers of these modules at this port."""
    port, *modules = arguments
    _log_to_journal()
    with Server(("127.0.0.1", int(port)), handler_of(Catalogue(modules))) as server:
        say("ready", str(server.server_address[1]))
        server.serve_forever()
    return 0


def _log_to_journal() -> None:
    logging.getLogger().addHandler(JOURNAL)
    logging.getLogger().setLevel(logging.INFO)


def _one_invocation(name: str, modules: list[str]) -> None:
    """Invoke a function once in this process, from standard input to standard output."""
    JOURNAL._forward = lambda record: say("log", json.dumps(record))
    _log_to_journal()
    answer, failed = Catalogue(modules).invoke_here(name, sys.stdin.buffer.read())
    assert not failed
    say(answer.decode())


if __name__ == "__main__":
    _one_invocation(sys.argv[1], sys.argv[2:])
