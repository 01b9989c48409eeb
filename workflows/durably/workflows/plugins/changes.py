"""The thread that tells plugins of changes.

An answer of the service may change hundreds of operations, and come a thousand times: so nobody waits for
`on_operation_change`. What arrives while plugins are being told is merged into one notification, so that at
most two are kept however slow they are. The thread ends with the invocation.
"""

import logging
import threading
from collections.abc import Callable, Mapping

from durably.actors.model import Operation

logger = logging.getLogger("durably.workflows")

Changed = Mapping[str, Operation]


class ChangeThread:
    """Calls `deliver` with what has changed, on a thread of its own, or in `join` if there can be none."""

    def __init__(self, deliver: Callable[[Changed], None]) -> None:
        self._deliver = deliver
        self._pending: dict[str, Operation] = {}
        self._over = False
        self._news = threading.Condition()
        self._thread: threading.Thread | None = threading.Thread(
            target=self._run, name="durably-plugin-changes", daemon=True
        )
        try:
            self._thread.start()
        except RuntimeError:
            logger.warning("No thread can be had for on_operation_change: it is called once, at the end.")
            self._thread = None

    def submit(self, changed: Changed) -> None:
        """Let plugins be told."""
        with self._news:
            self._pending.update(changed)
            self._news.notify()

    def join(self) -> None:
        """Return when plugins have been told of everything, and the thread has ended."""
        with self._news:
            self._over = True
            self._news.notify()
        if self._thread is not None:
            self._thread.join()
        elif self._pending:
            self._deliver(self._pending)

    def _run(self) -> None:
        while True:
            with self._news:
                while not (self._pending or self._over):
                    self._news.wait()
                changed, self._pending = self._pending, {}
            if not changed:
                return
            try:
                self._deliver(changed)
            except BaseException:
                # There is nobody on this thread whom it could stop.
                logger.exception("on_operation_change raised; ignored.")
