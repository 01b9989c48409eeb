"""The durable functions of `workflows.py`, under AWS's SDK: its imports changed and nothing else."""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

OURS, OFFICIAL = "durably.workflows", "aws_durable_execution_sdk_python"


@cache
def official(module: str = "tests.testing.workflows") -> ModuleType:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    twin = ModuleType(module)
    source = Path(spec.origin).read_text().replace(f"{OURS}.", f"{OFFICIAL}.")
    exec(compile(source, spec.origin, "exec"), vars(twin))
    return twin


@contextmanager
def official_runner(handler: Any, **options: Any) -> Iterator[Any]:
    """AWS's runner, cleaner than it leaves by itself: its threads have ended, and its loop is closed."""
    from aws_durable_execution_sdk_python_testing.runner import DurableFunctionTestRunner

    before = set(threading.enumerate())
    with DurableFunctionTestRunner(handler, **options) as runner:
        yield runner
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
    runner._scheduler._loop.close()


def told(result: Any) -> dict[str, Any]:
    """A test result in words that both runners share; without ids and times."""
    return {
        "status": result.status.value,
        "execution_status": result.execution_status.value,
        "result": result.result,
        "error": _error(result.error),
        "operations": [_operation(each) for each in result.operations],
    }


def _operation(operation: Any) -> dict[str, Any]:
    return {
        "class": type(operation).__name__,
        "id": operation.operation_id,
        "parent": operation.parent_id,
        "type": operation.operation_type.value,
        "status": operation.status.value,
        "name": operation.name,
        "sub_type": operation.sub_type,
        "has_ended": operation.end_timestamp is not None,
        "result": getattr(operation, "result", None),
        "error": _error(getattr(operation, "error", None)),
        "attempt": getattr(operation, "attempt", None),
        "children": [_operation(each) for each in getattr(operation, "child_operations", [])],
    }


def _error(error: Any) -> Any:
    if error is None:
        return None
    kind = error.type and error.type.replace(f"{OFFICIAL}.", f"{OURS}.")
    return [kind, error.message, error.data, list(error.stack_trace or ())]
