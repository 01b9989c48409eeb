"""The external system of a requirement: it answers callbacks, some time after it sees them.

Actions are taken side by side: `Delay` counts from when a callback that an action can mean is first seen.
A callback gets at most one success or failure, so the second of two actions that mean any callback means
the second one; a heartbeat leaves a callback for others.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from tests.conformance.matching import Variables, expand


class Callbacks(Protocol):
    """How a service takes answers."""

    def succeed(self, callback_id: str, result: str | None) -> None: ...
    def fail(self, callback_id: str, error: Mapping[str, str]) -> None: ...
    def heartbeat(self, callback_id: str) -> None: ...


class Outside:
    """Takes the actions of one execution."""

    def __init__(
        self, actions: Sequence[Mapping[str, Any]], variables: Variables, service: Callbacks
    ) -> None:
        self._waiting = [expand(dict(action), variables) for action in actions]
        self._due: list[tuple[float, Callable[[], None]]] = []
        self._claimed: set[str] = set()
        self._service = service

    def look(self, callbacks: Iterable[tuple[str, str | None]]) -> None:
        """See callbacks, each with its id and name, and do what is due."""
        callbacks = list(callbacks)
        for action in list(self._waiting):
            for callback_id, name in callbacks:
                if callback_id not in self._claimed and action.get("CallbackName", "*") in ("*", name):
                    self._waiting.remove(action)
                    self._plan(action, callback_id)
                    break
        now = time.monotonic()
        for due in sorted((each for each in self._due if each[0] <= now), key=lambda each: each[0]):
            self._due.remove(due)
            due[1]()

    def _plan(self, action: Mapping[str, Any], callback_id: str) -> None:
        if action["Operation"] != "heartbeat":
            self._claimed.add(callback_id)
        when = time.monotonic() + float(action.get("Delay") or 0)
        self._due.append((when, lambda: self._take(action, callback_id)))

    def _take(self, action: Mapping[str, Any], callback_id: str) -> None:
        payload = action.get("Payload")
        match action["Operation"]:
            case "success":
                self._service.succeed(callback_id, None if payload is None else json.dumps(payload))
            case "failure":
                self._service.fail(callback_id, payload or {})
            case "heartbeat":
                self._service.heartbeat(callback_id)
            case other:
                raise ValueError(f"An action that is not known: {other}")
