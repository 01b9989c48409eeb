"""What is otherwise while a campaign goes on: less garbage collection, and no log of the library's."""

import contextlib
import gc
import logging
from collections.abc import Generator

COLLECTED_AFTER = 5_000
"""So many more objects than there were."""


@contextlib.contextmanager
def short_collections() -> Generator[None]:
    """Garbage collections look at what is made in here only, of which every run leaves a lot.

    To look at all modules again and again takes a sixth of the time of a campaign.
    """
    threshold = gc.get_threshold()
    if gc.get_freeze_count() or not threshold[0] or not gc.isenabled():  # somebody else's affair
        yield
        return
    gc.freeze()
    gc.set_threshold(COLLECTED_AFTER, *threshold[1:])
    try:
        yield
    finally:
        gc.set_threshold(*threshold)
        gc.unfreeze()


@contextlib.contextmanager
def without_log() -> Generator[None]:
    """The library says nothing: what it would log once in production is here logged in every other run."""
    logger = logging.getLogger("durably")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(level)
