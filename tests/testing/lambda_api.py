"""The Lambda API in front of AWS's emulator, which itself has no Invoke.

An invocation of a function starts a durable execution on the emulator, and is answered with its ARN, as
Lambda does; every other call goes to the emulator as it is.
"""

import json
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, HTTPServer


class LambdaApi:
    """A server for one client at a time."""

    def __init__(self, emulator_url: str, functions: Collection[str]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._forward(None)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                if not self.path.startswith("/2015-03-31/functions/"):
                    self._forward(body)
                    return
                name = self.path.split("/")[3]
                if name not in functions:
                    self._answer(404, b'{"Type": "User", "Message": "Function not found"}', {})
                    return
                arn = start(emulator_url, name, body.decode())
                status = 202 if self.headers["X-Amz-Invocation-Type"] == "Event" else 200
                self._answer(status, b"", {"X-Amz-Durable-Execution-Arn": arn})

            def _forward(self, body: bytes | None) -> None:
                request = urllib.request.Request(emulator_url + self.path, body, method=self.command)
                request.add_header("Content-Type", "application/json")
                try:
                    with urllib.request.urlopen(request) as response:
                        self._answer(response.status, response.read(), {})
                except urllib.error.HTTPError as refusal:
                    with refusal:
                        self._answer(refusal.code, refusal.read(), {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="lambda-api")
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def start(emulator_url: str, function: str, payload: str) -> str:
    """Start an execution on the emulator."""
    wanted = {
        "AccountId": "123456789012",
        "FunctionName": function,
        "FunctionQualifier": "$LATEST",
        "ExecutionName": f"x-{uuid.uuid4()}",
        "ExecutionTimeoutSeconds": 3600,
        "ExecutionRetentionPeriodDays": 1,
        "Input": payload,
    }
    request = urllib.request.Request(
        f"{emulator_url}/start-durable-execution",
        json.dumps(wanted).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request) as response:
        arn: str = json.load(response)["ExecutionArn"]
        return arn
