"""How a simulated run breaks off: it dies, or nothing can happen any more."""


class StuckError(Exception):
    """Nothing can happen any more, and the system has not ended."""


class CrashError(BaseException):
    """The process dies here: nothing of it goes on, not even a `finally`."""
