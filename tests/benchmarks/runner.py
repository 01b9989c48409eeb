"""Starts one process for each measurement, so that none finds another's memory, threads or warm caches."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.benchmarks.contenders import CONTENDERS, PACKAGES
from tests.benchmarks.plan import Planned
from tests.benchmarks.results import Case, Results, Sample

ROOT = Path(__file__).parents[2]
PATIENCE = 150.0
"""Seconds after which a measurement is given up."""


def run(
    plan: Iterable[Planned], results: Results, sdks: Sequence[str], tell: Callable[[Sample], None]
) -> None:
    """Measure all of `plan` into `results`, and `tell` of each sample."""
    for planned in plan:
        failed: set[str] = set()
        for turn in range(max(planned.times(sdk) for sdk in CONTENDERS)):
            for sdk in sdks:
                if turn < planned.times(sdk) and sdk not in failed:
                    sample = measure(planned.case, sdk)
                    results.add(sample)
                    tell(sample)
                    if sample.error is not None:
                        failed.add(sdk)


def measure(case: Case, sdk: str, *, profile: bool = False) -> Sample:
    """Measure once."""
    if case.row == "import":
        return _import(case, sdk)
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.measure",
        case.row,
        sdk,
        str(case.n),
        str(case.latency),
        *(["profile"] if profile else []),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=None if profile else subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Sample(case, sdk, error=f"gave up after {PATIENCE:g} s")
    lines = done.stdout.splitlines()
    if done.returncode or not lines:
        return Sample(case, sdk, error=_failure(done))
    return Sample(case, sdk, **json.loads(lines[-1]))


def _import(case: Case, sdk: str) -> Sample:
    """The floor is an interpreter that does nothing; the others are counted from there on in the report."""
    # What a handler imports: `import durably.workflows` alone loads next to nothing.
    names = "durable_execution, durable_step, DurableContext, StepContext"
    code = "pass" if sdk == "floor" else f"from {PACKAGES[sdk]} import {names}"
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, text=True, check=False
    )
    wall = time.perf_counter() - began
    if done.returncode:
        return Sample(case, sdk, error=_failure(done))
    return Sample(case, sdk, wall=wall)


def _failure(done: subprocess.CompletedProcess[str]) -> str:
    last = (done.stderr or "").strip().splitlines()[-1:]
    return " ".join([f"exit code {done.returncode}:", *last])
