"""Ctrl-C: taken at once by workflow code and by sleep, but never in the middle of an actor."""

import signal
import threading
from types import FrameType


class InterruptGuard:
    """Holds `KeyboardInterrupt` back while `deferred`; does nothing where Python's own handler is not in place."""

    def __init__(self) -> None:
        self.deferred = _Deferred()
        self._installed = False

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self._on_signal)
            self._installed = True

    def __exit__(self, *_error: object) -> None:
        if self._installed:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.deferred.active:
            self.deferred.pending = True
        else:
            signal.default_int_handler(number, frame)


class _Deferred:
    """While entered, an interrupt is kept; it is raised on the way out."""

    __slots__ = ("active", "pending")

    def __init__(self) -> None:
        self.active = False
        self.pending = False

    def __enter__(self) -> None:
        self.active = True

    def __exit__(self, *_error: object) -> None:
        self.active = False
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt
