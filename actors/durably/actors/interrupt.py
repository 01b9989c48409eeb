"""Ctrl-C: taken at once by workflow code and by sleep, but never in the middle of an actor."""

import signal
import threading
from types import FrameType


class InterruptGuard:
    """Holds `KeyboardInterrupt` back while `held`; does nothing where Python's own handler is not set."""

    def __init__(self) -> None:
        self.held = False
        self._pending = False
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

    def release(self) -> None:
        """Hold back no longer; what was held back is raised now."""
        self.held = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.held:
            self._pending = True
        else:
            signal.default_int_handler(number, frame)
