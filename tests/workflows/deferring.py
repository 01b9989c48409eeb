"""What tests of deferred operations have in common: bodies that last, and results that are rebuilt."""

import threading

from durably.workflows import ChildConfig, Duration
from tests.workflows.running import happens

YEAR = Duration.from_days(365)
HOUR = Duration.from_hours(1)
VIRTUAL = ChildConfig(is_virtual=True)
LARGE = 300_000
"""In characters: a context with such a result is rebuilt on replay by running its code again."""


def nothing(*_):
    return None


def fails(step):
    raise ValueError("no")


class Slow:
    """A body that ends when workflow code lets it, at the latest when the test has failed."""

    def __init__(self, value="slow"):
        self.value = value
        self.released = threading.Event()
        self.runs = 0

    def __call__(self, step):
        self.runs += 1
        happens(self.released)
        return self.value
