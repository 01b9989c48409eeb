"""What a plugin may raise: everything is logged and ignored, but for the three that tell a thread to stop."""

import logging
from typing import cast

logger = logging.getLogger("durably.workflows")

STOP = (KeyboardInterrupt, SystemExit, GeneratorExit)


def contain(error: BaseException, message: str, *args: object) -> BaseException | None:
    """Log what plugin code raised.

    Returns:
        What must be raised all the same: `error`, or the part of a group of errors, that says stop.
    """
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        stop, rest = group.split(STOP)
        if rest is not None:
            logger.error(message, *args, exc_info=rest)
        return stop
    if isinstance(error, STOP):
        return error
    logger.error(message, *args, exc_info=error)
    return None
