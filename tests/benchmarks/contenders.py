"""Who runs: this SDK, the official one, and the floor, each as a function of an event and a service."""

import importlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from tests.benchmarks.meter import Meter
from tests.benchmarks.workloads import Traffic, Workload

CONTENDERS = ("ours", "floor", "official")
PACKAGES = {"ours": "durably.workflows", "official": "aws_durable_execution_sdk_python"}

Contender = Callable[[Mapping[str, Any], Meter], float]
"""Runs one invocation; the CPU seconds it took that are the benchmark's own."""


class WrongEndError(Exception):
    """An invocation did not end as it had to."""


class Names:
    """The public names of an SDK that the workloads need, wherever below its root they stand."""

    def __init__(self, package: str) -> None:
        modules = (package, f"{package}.config", f"{package}.waits")
        self._modules = [importlib.import_module(module) for module in modules]

    def __getattr__(self, name: str) -> Any:
        return next(getattr(module, name) for module in self._modules if hasattr(module, name))


def contender(name: str, workload: Workload, n: int) -> Contender:
    """One of `CONTENDERS`, ready to run `workload` of `n`."""
    if name == "floor":
        return lambda event, meter: _floor(workload, n, event, meter)
    sdk = Names(PACKAGES[name])
    handler = sdk.durable_execution(workload.handler(sdk, n))
    if name == "ours":
        return lambda event, meter: _ours(workload, n, handler, event, meter)
    return lambda event, meter: _official(workload, n, handler, event, meter)


def _ours(workload: Workload, n: int, handler: Any, event: Mapping[str, Any], meter: Meter) -> float:
    from durably.workflows.execution import invoke

    _check(invoke(handler, event, None, meter), workload, n)
    return 0.0


def _official(workload: Workload, n: int, handler: Any, event: Mapping[str, Any], meter: Meter) -> float:
    from tests.benchmarks.official_client import OfficialClient, invoke_official

    client = OfficialClient(meter)
    _check(invoke_official(handler, event, client), workload, n)
    return client.cpu


def _floor(workload: Workload, n: int, event: Mapping[str, Any], meter: Meter) -> float:
    workload.floor(Traffic(meter, event), n)
    return 0.0


def _check(output: Mapping[str, Any], workload: Workload, n: int) -> None:
    expected = "PENDING" if workload.result is None else "SUCCEEDED"
    if output["Status"] != expected:
        error = output.get("Error") or {}
        kind = str(error.get("ErrorType") or "").rsplit(".", 1)[-1]
        raise WrongEndError(f"{output['Status']}: {kind} {error.get('ErrorMessage') or ''}".strip())
    if workload.result is not None and json.loads(output["Result"]) != workload.result(n):
        raise WrongEndError(f"{output['Result'][:100]} instead of {workload.result(n)!r}")
