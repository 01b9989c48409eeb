"""What may go wrong in a simulated run, how often, and what it looks like to the code that it happens to."""

from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager

import attrs

from durably.workflows.local.errors import INVALID_TOKEN, ServiceError


@attrs.frozen
class Faults:
    """What may go wrong, and how often in one run: what is not named does not.

    Whatever happens of these, an execution comes to the same as without, but for `refused`, `raised` and
    `late`.

    Args:
        crashes: the process dies, at any choice.
        throttled: a call is refused with 429 before the service does anything.
        lost: the service has done what a call asked for, and the answer is lost.
        failed: a call fails with 500 before the service does anything.
        stale: a call is refused because of its token, though it is the newest.
        duplicated: the service invokes again while an invocation goes on, whose token is void from then on.
        split: the state, or what has changed, comes in pages of some few operations, which are fetched one
            by one.
        frozen: an hour passes between two choices, as in an environment that is frozen and thawed.
        deadlines: the time of an invocation is over: first it is told so, and then, if it has not ended,
            it is killed.
        refused: a call is refused for good. The execution fails with that error then; or goes on as usual if
            nothing more had to be said.
        raised: the body of a step raises `SimulatedFailure` instead of running. Whether the execution comes
            to the same depends on its retry strategy.
        late: a callback times out although `answers` has an answer to it.
        withdrawn: an answer comes without a token: what the call asked for is done, the invocation may send
            nothing more, and another one follows. It changes nothing either, but is not a part of `HARMLESS`:
            the service does so only when it has a reason to end an invocation.

    Raises:
        TypeError: a number is none.
        ValueError: it is less than 0.
    """

    crashes: int = 0
    throttled: int = 0
    lost: int = 0
    failed: int = 0
    stale: int = 0
    duplicated: int = 0
    split: int = 0
    frozen: int = 0
    deadlines: int = 0
    refused: int = 0
    raised: int = 0
    late: int = 0
    withdrawn: int = 0

    def __attrs_post_init__(self) -> None:
        for name, count in attrs.asdict(self).items():
            if not isinstance(count, int):
                raise TypeError(f"Faults({name}={count!r}): it is a number, of how often in one run.")
            if count < 0:
                raise ValueError(f"Faults({name}={count}): it happens so often in one run, 0 or more.")


NAMES = tuple(each.name for each in attrs.fields(Faults))
NOTHING = Faults()
HARMLESS = Faults(
    crashes=1, throttled=1, lost=1, failed=1, stale=1, duplicated=1, split=2, frozen=1, deadlines=1
)
"""Each fault that must not change what an execution comes to, and that comes of itself."""

CALL_FAULTS = {
    "throttled": "the call is throttled",
    "lost": "the answer to the call is lost",
    "failed": "the call fails",
    "stale": "the token of the call is refused",
    "refused": "the call is refused for good",
    "split": "the answer to the call comes in pages",
    "withdrawn": "the answer to the call has no token",
}
"""What may happen to one request to the service."""


class SimulatedFailure(Exception):  # noqa: N818  # what users see as the type of a step's error
    """What the body of a step raises if a fault of the simulation strikes it."""


class Strikes:
    """Which faults may still strike in this run, and which have."""

    def __init__(self, faults: Faults) -> None:
        counts = [(name, getattr(faults, name)) for name in NAMES]
        self._left: dict[str, int] = {name: count for name, count in counts if count > 0}
        self.struck: Counter[str] = Counter()
        self.count = 0
        """How many have struck."""

    def may(self, fault: str) -> bool:
        """Whether this fault may strike once more."""
        return fault in self._left

    def what_is_left(self) -> object:
        """A value: what may still strike, and what has."""
        return frozenset(self._left.items()), frozenset(self.struck.items())

    def strike(self, fault: str) -> None:
        """It does."""
        if self._left[fault] == 1:
            del self._left[fault]
        else:
            self._left[fault] -= 1
        self.struck[fault] += 1
        self.count += 1


def error_of_call(fault: str) -> Exception | None:
    """How the service says no before it has done anything, or None if it does what it is asked for."""
    if fault == "throttled":
        return ServiceError(429, "ThrottlingException", "Rate exceeded")
    if fault == "failed":
        return ServiceError(500, "ServiceException", "Internal error")
    if fault == "stale":
        return ServiceError(400, "InvalidParameterValueException", INVALID_TOKEN)
    if fault == "refused":
        return ServiceError(400, "InvalidParameterValueException", REFUSED)
    return None


REFUSED = "Refused by the simulation"


def lost_answer() -> Exception:
    """The connection breaks before the answer has come: there is no response at all."""
    return ConnectionError("The connection broke before the answer had come")


@contextmanager
def replaced(owner: type, name: str, other: object) -> Generator[None]:
    """A method of the library is another one for a moment."""
    usual = getattr(owner, name)
    setattr(owner, name, other)
    try:
        yield
    finally:
        setattr(owner, name, usual)
