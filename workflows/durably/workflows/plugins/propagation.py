"""Which trace id goes along with an invoke: the first that a plugin provides."""

import inspect
import logging
from collections.abc import Callable, Iterable
from typing import Any

from durably.workflows.plugins.containment import contain

logger = logging.getLogger("durably.workflows")


def first_trace_id(plugins: Iterable[tuple[str, Callable[[], Any]]]) -> str | None:
    """The first trace id that is not blank; each plugin is its name and what asks it."""
    chosen: str | None = None
    chosen_from = ""
    for name, ask in plugins:
        try:
            offered = _trace_id_of(ask())
        except BaseException as error:
            stop = contain(error, "provide_propagation_metadata of plugin %s raised; ignored.", name)
            if stop is not None:
                raise stop from None
            continue
        if offered is None or not offered.strip():
            continue
        if chosen is None:
            chosen, chosen_from = offered, name
        elif offered != chosen:
            logger.warning(
                "Plugins %s and %s provide different trace ids; the first is sent.", chosen_from, name
            )
    return chosen


def _trace_id_of(metadata: Any) -> str | None:
    if inspect.iscoroutine(metadata):
        metadata.close()
        raise TypeError("it must be a plain function, and is async")
    if metadata is None:
        return None
    trace_id: object = metadata.x_amzn_trace_id
    if trace_id is not None and not isinstance(trace_id, str):
        raise TypeError(f"x_amzn_trace_id must be text or None, got {trace_id!r}")
    return trace_id
