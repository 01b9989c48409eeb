"""The fixtures that pytest offers wherever durably is installed: `durable_runner` and `durable_service`.

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
