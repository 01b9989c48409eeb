"""What every test of a workflow states besides: it does not hang, and leaves no thread behind."""

import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

AT_MOST = 60


class Hung(BaseException):
    """A test took a minute: the invocation hangs where the traceback says."""


def _hung(_number: int, _frame: FrameType | None) -> None:
    raise Hung


@pytest.fixture(autouse=True)
def _never_a_hang() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _hung)
    signal.alarm(AT_MOST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert [thread.name for thread in threading.enumerate() if thread not in before] == []
