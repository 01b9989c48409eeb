"""The time of a simulated run: what an invocation's clock says, and how long it may still take."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from durably.workflows.local.clock import SkippingClock
from durably.workflows.local.lambda_context import LocalLambdaContext


class SimulatedTime:
    """The clock of an invocation: the service's own, so that both agree on what is due."""

    def __init__(self, clock: SkippingClock) -> None:
        self._clock = clock
        self._start = clock.now()

    def time(self) -> float:
        return self._clock.now().timestamp()

    def monotonic(self) -> float:
        return (self._clock.now() - self._start).total_seconds()

    def skip_to(self, moment: float) -> bool:
        self._clock.advance_to(_rounded_up(self._start + timedelta(seconds=moment)))
        return True

    def moment(self, when: datetime) -> float:
        """A time as `monotonic()` has it."""
        return (when - self._start).total_seconds()


def _rounded_up(moment: datetime) -> datetime:
    """To whole milliseconds, as the service has it; never before the moment."""
    rest = moment.microsecond % 1000
    return moment + timedelta(microseconds=1000 - rest) if rest else moment


def lambda_context(number: int, seconds: float, clock: SkippingClock) -> LocalLambdaContext:
    """What Lambda hands to a handler, its time being virtual."""
    deadline = clock.now() + timedelta(seconds=seconds)
    return _LambdaContext(
        f"invocation-{number}",
        "handler",
        "arn:aws:lambda:us-east-1:123456789012:function:handler",
        seconds,
        _remaining=lambda: deadline - clock.now(),
    )


@dataclass(frozen=True)
class _LambdaContext(LocalLambdaContext):
    _remaining: Callable[[], timedelta] = timedelta

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int(self._remaining().total_seconds() * 1000))
