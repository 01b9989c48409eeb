"""Ctrl-C: taken at once by user code and by sleep, but never in the middle of the hub or of an actor."""

import signal
import threading
from types import FrameType


class InterruptGuard:
    """Holds `KeyboardInterrupt` back while entered, but for what is done in `allowed`.

    Does nothing where Python's own handler is not set, and on other threads than the main one.
    """

    def __init__(self) -> None:
        self.allowed = _Allowed(self)
        self.held = False
        self.pending = False
        self._installed = False

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self.held = True
            signal.signal(signal.SIGINT, self._on_signal)
            self._installed = True

    def __exit__(self, *_error: object) -> None:
        if self._installed:
            if signal.getsignal(signal.SIGINT) == self._on_signal:  # else user code has set its own
                signal.signal(signal.SIGINT, signal.default_int_handler)
            self._installed = False
            self.held = False
            self.check()

    def check(self) -> None:
        """Raise now what was held back."""
        if self.pending:
            self.pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.held:
            self.pending = True
        else:
            signal.default_int_handler(number, frame)


class _Allowed:
    """While entered, an interrupt is raised at once; one that was held back is raised on the way in."""

    __slots__ = ("_guard",)

    def __init__(self, guard: InterruptGuard) -> None:
        self._guard = guard

    def __enter__(self) -> None:
        self._guard.held = False
        self._guard.check()

    def __exit__(self, *_error: object) -> None:
        self._guard.held = True
