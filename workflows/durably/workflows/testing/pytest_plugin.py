"""What pytest offers wherever durably is installed: `durable_runner`, `durable_service`, and `simulate`.

pytest imports this file at every start, of projects that never use it too. So it imports nothing but pytest;
the runner, the service and what they need come with the first test that asks for them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest

if TYPE_CHECKING:
    from durably.workflows.local import LocalService
    from durably.workflows.testing.runner import DurableFunctionTestRunner
    from durably.workflows.testing.simulation_report import SimulationReport


class MakeRunner(Protocol):
    """The type of the fixture `durable_runner`."""

    def __call__(self, handler: Callable[..., Any], **options: Any) -> DurableFunctionTestRunner: ...


@pytest.fixture
def durable_runner() -> Iterator[MakeRunner]:
    """Makes a `DurableFunctionTestRunner` of a durable handler; it is closed at the end of the test.

    `durable_runner(handler, ...)` takes the arguments of `DurableFunctionTestRunner`, any number of times.
    """
    from durably.workflows.testing.runner import DurableFunctionTestRunner

    with ExitStack() as runners:

        def make(handler: Callable[..., Any], **options: Any) -> DurableFunctionTestRunner:
            return runners.enter_context(DurableFunctionTestRunner(handler, **options))

        yield make


@pytest.fixture
def durable_service() -> Iterator[LocalService]:
    """An embedded service in memory, on a clock that skips; it is closed at the end of the test."""
    from durably.workflows.local import LocalService, SkippingClock

    with LocalService(clock=SkippingClock()) as service:
        yield service


class Simulate(Protocol):
    """The type of the fixture `simulate`."""

    def __call__(
        self, handler: Callable[..., Any], event: Any = None, *, check: bool = True, **options: Any
    ) -> SimulationReport: ...


@pytest.fixture
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Runs a durable handler under many schedules; the test fails if something goes wrong in one.

    `simulate(handler, event, ...)` takes the arguments of `durably.workflows.testing.simulate`. Those that
    are not given are those of the marker `@pytest.mark.simulate(schedules=..., strategy=...)`. With
    `check=False` the report is returned whatever was found.
    """
    from durably.workflows.testing.simulation import simulate as run

    marked: dict[str, Any] = {}
    for marker in request.node.iter_markers("simulate"):
        if marker.args:
            raise pytest.UsageError(
                "@pytest.mark.simulate takes arguments by name: schedules=..., strategy=..."
            )
        marked = {**marker.kwargs, **marked}  # the nearest one comes first, and counts

    def simulate_and_check(
        handler: Callable[..., Any], event: Any = None, *, check: bool = True, **options: Any
    ) -> SimulationReport:
        __tracebackhide__ = True
        report = run(handler, event, **{**marked, **options})
        if check and not report.ok:
            pytest.fail(str(report), pytrace=False)
        return report

    return simulate_and_check


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A marker of a test that runs no simulation is a mistake: the test would be green whatever is wrong."""
    marked = any(marker.name == "simulate" for marker in item.own_markers)
    if marked and "simulate" not in getattr(item, "fixturenames", ()):
        pytest.fail(
            "@pytest.mark.simulate only has arguments for the fixture `simulate`, which this test does not "
            "take: def test(simulate): simulate(handler)",
            pytrace=False,
        )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "simulate(schedules, strategy, seed, faults, ...): arguments of the fixture `simulate`, by name",
    )
