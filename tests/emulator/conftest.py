"""AWS's emulator for the tests of this folder: one that skips time, and one in real time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("aws_durable_execution_sdk_python_testing", reason="AWS's emulator is not installed")

from tests.emulator import handlers
from tests.emulator.world import Execution, World

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What fails only because the emulator has forgotten an execution is run again."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.flaky(reruns=3, only_rerun=["EmulatorStalledError"]))


def world(*, skip_time: bool) -> Iterator[World]:
    world = World([handlers.__name__], skip_time=skip_time, functions=handlers.INVOCABLE)
    yield world
    world.close()


@pytest.fixture(scope="session")
def skipping() -> Iterator[World]:
    """The emulator with `--skip-time`: waits and delays are over at once."""
    yield from world(skip_time=True)


@pytest.fixture(scope="session", autouse=True)
def crashed(skipping: World) -> Execution:
    """An execution whose process dies. It begins first: the emulator lets 5 s pass before it goes on."""
    return skipping.start("crashes")


@pytest.fixture(scope="session")
def real() -> Iterator[World]:
    """The emulator in real time, for what happens while something waits."""
    yield from world(skip_time=False)
