"""The logger of a body. A fan-out makes one for each step, and most never log: it is filled in when used."""

from collections.abc import Mapping
from typing import Any

from durably.workflows.logger import Logger, LogInfo, never
from durably.workflows.operations.place import Place
from durably.workflows.types import LoggerInterface

_NOTHING: Mapping[str, object] = {}


class OperationLogger(Logger):
    """Hands on to what the context's logger does; its records say which operation and attempt they come from.

    It is never silent: a body that runs does so for the first time, even where its context still replays.
    """

    __slots__ = ("_attempt", "_place")

    def __init__(self, logger: LoggerInterface, place: Place, attempt: int) -> None:
        self._logger = logger
        self._is_replaying = never
        self._default_extra = _NOTHING
        self._place = place
        self._attempt = attempt

    def _merged(self, extra: Mapping[str, object] | None) -> dict[str, Any]:
        place = self._place
        info = LogInfo(place.context.invocation, place.context.parent_id, place.id, place.name, self._attempt)
        self._default_extra = info
        return super()._merged(extra)
