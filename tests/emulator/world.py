"""AWS's emulator and our functions, each in a process of its own, and an outsider's view of both.

Everything goes over HTTP, through boto3 wherever the API has it. What is waited for is told by the
children: a line on standard output after each invocation; between two lines the outcome is asked for now
and then, since the emulator offers nothing to wait on.
"""

import functools
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
from botocore.config import Config

ROOT = Path(__file__).parents[2]
REGION = "us-west-2"
PATIENCE = 30.0
"""Seconds after which what should have come is given up, so that a fault fails and never hangs."""
RUNNING = "RUNNING"
_ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionTimedOut", "ExecutionStopped")


class Child:
    """A child process whose lines are read by a thread; it ends when it is told to, or we do."""

    def __init__(self, arguments: Sequence[str], environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tests.emulator.child", *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.last_lines: deque[str] = deque(maxlen=50)
        self._listeners: list[Callable[[str], object]] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, name="child-output", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._news:
                self.last_lines.append(line)
                listeners = list(self._listeners)
            for listener in listeners:
                listener(line)
        with self._news:
            self._news.notify_all()

    def listen(self, listener: Callable[[str], object]) -> None:
        """Have every line, those of the past first."""
        with self._news:
            past = list(self.last_lines)
            self._listeners.append(listener)
        for line in past:
            listener(line)

    def line(self, containing: str) -> str | None:
        """Wait for a line; `None` if the child ended without it."""
        found: list[str] = []

        def look(line: str) -> None:
            if containing in line:
                with self._news:
                    found.append(line)
                    self._news.notify_all()

        self.listen(look)
        with self._news:
            self._news.wait_for(lambda: found or not self._reader.is_alive() or self.ended, PATIENCE)
        return found[0] if found else None

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()


class EmulatorStalledError(Exception):
    """It has been told that an execution waits, and does not go on with it: it forgets one now and then.

    That is no fault of what is tested here, which has answered all that it was asked: the test is run again.
    """


class World:
    """The emulator, the functions it invokes, and a boto3 client of the emulator."""

    def __init__(
        self,
        modules: Sequence[str],
        *,
        skip_time: bool,
        functions: dict[str, Any],
        sdk: str = "durably.workflows",
    ) -> None:
        for _ in range(5):  # a port that was free may be taken a moment later
            if self._begin(modules, skip_time, functions, sdk):
                break
        else:
            raise RuntimeError("The emulator does not start:\n" + "".join(self._emulator.last_lines))
        self.client = boto3.client(
            "lambda",
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="none",
            aws_secret_access_key="none",
            # The emulator's queue of connections holds five; who finds it full tries again.
            config=Config(max_pool_connections=50, retries={"mode": "standard", "total_max_attempts": 5}),
        )
        self._starting = threading.Lock()
        self._begun = Counter[str]()
        self._outcomes: dict[str, list[str]] = {}
        self._news = threading.Condition()
        self._functions.listen(self._heard)

    def _begin(self, modules: Sequence[str], skip_time: bool, functions: dict[str, Any], sdk: str) -> bool:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | {
            "AWS_ENDPOINT_URL_LAMBDA": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "none",
            "AWS_SECRET_ACCESS_KEY": "none",
            "AWS_EC2_METADATA_DISABLED": "true",
            "TESTS_SDK": sdk,
        }
        self._functions = Child(["functions", "0", *modules], environment)
        ready = self._functions.line("ready ")
        if ready is None:
            self._functions.close()
            raise RuntimeError("The functions cannot be served:\n" + "".join(self._functions.last_lines))
        self.functions_url = f"http://127.0.0.1:{ready.split()[1]}"
        arguments = ["emulator", "start-server", "--host", "127.0.0.1", "--port", str(port)]
        arguments += ["--lambda-endpoint", self.functions_url, "--local-runner-region", REGION]
        arguments += ["--function-configs", json.dumps(functions)]
        self._emulator = Child([*arguments, *(["--skip-time"] if skip_time else [])], environment)
        if self._emulator.line("Server started successfully") is not None:
            return True
        self._emulator.close()
        self._functions.close()
        return False

    def close(self) -> None:
        self.client.close()
        self._emulator.close()
        self._functions.close()

    def _heard(self, line: str) -> None:
        if line.startswith("invoking "):
            self._begun[line.split()[1]] += 1
        elif line.startswith("invoked "):
            _, arn, status = line.split()
            with self._news:
                self._outcomes.setdefault(arn, []).append(status)
                self._news.notify_all()

    # ------------------------------------------------------------------ what an outsider does

    def start(self, function: str, event: Any = None, *, timeout_seconds: int = 3600) -> "Execution":
        """Start an execution: of all that is done here, the only thing that boto3 has no method for."""
        body = {
            "AccountId": "123456789012",
            "FunctionName": function,
            "FunctionQualifier": "$LATEST",
            "ExecutionName": f"x-{uuid.uuid4()}",
            "ExecutionTimeoutSeconds": timeout_seconds,
            "ExecutionRetentionPeriodDays": 1,
            "Input": json.dumps(event),
        }
        request = urllib.request.Request(
            f"{self.url}/start-durable-execution",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
            method="POST",
        )
        for attempts_left in reversed(range(5)):
            try:
                with self._starting, urllib.request.urlopen(request, timeout=PATIENCE) as response:
                    return Execution(self, json.load(response)["ExecutionArn"])
            except ConnectionError:
                if not attempts_left:
                    raise
        raise AssertionError

    def outcomes(self, arn: str) -> list[str]:
        """How each invocation that has ended did so: its Status, or RAISED."""
        with self._news:
            return list(self._outcomes.get(arn, []))

    def outcome(self, arn: str) -> str:
        """Wait for the first invocation's."""
        for _ in self.looks(arn):
            if outcomes := self.outcomes(arn):
                return outcomes[0]
        raise AssertionError

    def logs(self, arn: str) -> list[dict[str, Any]]:
        """What an execution has logged."""
        with urllib.request.urlopen(f"{self.functions_url}/logs/{quote(arn, safe='')}") as response:
            return json.load(response)

    def _more_than(self, arn: str, seen: int) -> bool:
        return len(self._outcomes.get(arn, [])) > seen

    def looks(self, arn: str, patience: float = PATIENCE) -> Iterator[None]:
        """A moment to look at an execution: soon after each of its invocations, and now and then."""
        end = time.monotonic() + patience
        seen, pause = -1, 0.0
        while time.monotonic() < end:
            with self._news:
                self._news.wait_for(functools.partial(self._more_than, arn, seen), pause)
                now = len(self._outcomes.get(arn, []))
            seen, pause = now, 0.005 if now != seen else min(0.25, pause * 2)
            yield
        outcomes = self.outcomes(arn)
        if outcomes[-1:] == ["PENDING"] and len(outcomes) == self._begun[arn]:
            raise EmulatorStalledError(f"{arn} waits, and has not been invoked again in {patience} s.")
        raise TimeoutError(f"{arn} did not come so far in {patience} s: {outcomes}")


class Execution:
    """An execution on the emulator."""

    def __init__(self, world: World, arn: str) -> None:
        self.world = world
        self.arn = arn

    def describe(self) -> dict[str, Any]:
        return self.world.client.get_durable_execution(DurableExecutionArn=self.arn)

    def ended(self, patience: float = PATIENCE) -> dict[str, Any]:
        """Wait for the end, and describe it."""
        for _ in self.world.looks(self.arn, patience):
            description = self.describe()
            if description["Status"] != RUNNING:
                return description
        raise AssertionError

    def result(self) -> Any:
        """What it comes to, decoded."""
        description = self.ended()
        assert description["Status"] == "SUCCEEDED", description
        return json.loads(description["Result"])

    def error(self) -> dict[str, Any]:
        """How it fails."""
        description = self.ended()
        assert description["Status"] == "FAILED", description
        return description["Error"]

    def history(self) -> list[dict[str, Any]]:
        """All events, as the API has them."""
        events: list[dict[str, Any]] = []
        arguments = {"DurableExecutionArn": self.arn, "IncludeExecutionData": True, "MaxItems": 1000}
        while True:
            page = self.world.client.get_durable_execution_history(**arguments)
            events += page["Events"]
            if not page.get("NextMarker"):
                return events
            arguments["Marker"] = page["NextMarker"]

    def happened(self, what: Callable[[list[dict[str, Any]]], Any]) -> Any:
        """Wait until this is true of the history, and return it."""
        for _ in self.world.looks(self.arn):
            events = self.history()
            found = what(events)
            if found:
                return found
            assert events[-1]["EventType"] not in _ENDS, events[-1]
        raise AssertionError

    def callback(self, name: str | None = None) -> str:
        """Wait for a callback (of this name) and return its id; an invocation may still run."""
        return self.happened(
            lambda events: [
                event["CallbackStartedDetails"]["CallbackId"]
                for event in events
                if event["EventType"] == "CallbackStarted" and name in (None, event.get("Name"))
            ]
        )[-1]

    def suspended(self) -> None:
        """Wait until an invocation has ended without the execution's end."""
        self.happened(lambda events: events[-1]["EventType"] == "InvocationCompleted")

    def events(self) -> list[str]:
        """The types of all events, with the operations' names."""
        return [" ".join(filter(None, (e["EventType"], e.get("Name")))) for e in self.history()]

    def logs(self) -> list[dict[str, Any]]:
        return self.world.logs(self.arn)
