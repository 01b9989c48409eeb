"""What was measured, as medians over repeats, and what follows from it: ratios and growth exponents."""

import math
import os
import statistics
from collections.abc import Sequence

import attrs


@attrs.frozen
class Case:
    """A row at one size and latency.

    Attributes:
        row: a name of `rows.WORKLOADS`, or "import".
        n: how many steps, branches or levels.
        latency: milliseconds that a call takes.
    """

    row: str
    n: int
    latency: int = 0

    def __str__(self) -> str:
        return f"{self.row} {self.n:,}" + (f" at {self.latency} ms" if self.latency else "")


@attrs.frozen
class Sample:
    """One measurement; `error` says why there is none. Seconds, MB; see `meter.Cost`."""

    case: Case
    sdk: str
    wall: float = math.nan
    cpu: float = math.nan
    memory: float = math.nan
    threads: float = math.nan
    threads_started: float = math.nan
    calls: float = math.nan
    updates: float = math.nan
    service_cpu: float = math.nan
    adapter_cpu: float = math.nan
    error: str | None = None


FIGURES = (
    "wall",
    "cpu",
    "memory",
    "threads",
    "threads_started",
    "calls",
    "updates",
    "service_cpu",
    "adapter_cpu",
)


class Results:
    """All samples of a run, and how busy the machine was at each."""

    def __init__(self) -> None:
        self.samples: list[Sample] = []
        self.loads: list[float] = []

    def add(self, sample: Sample) -> None:
        self.samples.append(sample)
        self.loads.append(os.getloadavg()[0])

    def of(self, case: Case, sdk: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.case == case and sample.sdk == sdk]

    def cases(self) -> list[Case]:
        return list(dict.fromkeys(sample.case for sample in self.samples))

    def median(self, case: Case, sdk: str) -> Sample | None:
        """The median of every figure, or the error if each repeat had one; None if nothing was measured."""
        samples = self.of(case, sdk)
        good = [sample for sample in samples if sample.error is None]
        if not good:
            return samples[0] if samples else None
        figures = {name: statistics.median(getattr(sample, name) for sample in good) for name in FIGURES}
        return Sample(case, sdk, **figures)

    def figure(self, case: Case, sdk: str, name: str) -> float | None:
        """One median, or None."""
        sample = self.median(case, sdk)
        if sample is None or sample.error is not None:
            return None
        value: float = getattr(sample, name)
        return value

    def ratio(self, case: Case, name: str, to: str) -> float | None:
        """Ours over another's."""
        ours, theirs = self.figure(case, "ours", name), self.figure(case, to, name)
        return None if ours is None or not theirs else ours / theirs

    def exponent(self, row: str, sdk: str, sizes: Sequence[int]) -> float | None:
        """How CPU time grows with N between the two `sizes`: 1 is linear."""
        small, large = (self.figure(Case(row, n), sdk, "cpu") for n in sizes)
        if small is None or large is None:
            return None
        return math.log(large / small) / math.log(sizes[1] / sizes[0])
