"""What scenarios of several sections look at: orders of choices, and invariants of their own."""

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from durably.actors import checkpoint, operation
from durably.actors.model import OperationAction
from durably.workflows.testing.simulated_view import RunView


@contextlib.contextmanager
def batches_of(most: int) -> Iterator[None]:
    """No call has more updates than this, so that a few operations make several calls."""
    usual = checkpoint.MAX_UPDATES
    checkpoint.MAX_UPDATES = most
    try:
        yield
    finally:
        checkpoint.MAX_UPDATES = usual


@contextlib.contextmanager
def polls_for(seconds: float) -> Iterator[None]:
    """An operation that waits asks no longer than this for news by itself: 15 minutes of polls are many schedules."""
    usual = operation.POLL_FOR
    operation.POLL_FOR = seconds
    try:
        yield
    finally:
        operation.POLL_FOR = usual


def order(view: RunView, first: str, second: str) -> bool:
    """Whether the first of the choices that begin with one comes before the first that begins with other."""
    for choice in view.choices:
        if choice.startswith(first):
            return True
        if choice.startswith(second):
            return False
    return False


def ends_when_still(view: RunView) -> None:
    """An invariant, where nothing comes due within the cooldown: no timer fires once all is still."""
    if view.choices[-2:-1] == ["all is still"]:
        last = view.choices[-1]
        assert not last.startswith(("Due for", "CooldownElapsed")), f"all is still, and it lasts until {last}"


def once(counts: Mapping[Any, int], what: str) -> None:
    """Nothing if nothing has happened twice.

    Raises:
        AssertionError: something has.
    """
    twice = [key for key, count in counts.items() if count > 1]
    assert not twice, f"{what} twice: {', '.join(map(str, twice))}"


def starts_once(view: RunView) -> None:
    """An invariant: no operation that is not retried has two STARTs."""
    starts = Counter(update.name for update in view.updates if update.action is OperationAction.START)
    once(starts, "START is recorded")


def nothing_begins_after_the_end(view: RunView) -> None:
    """An invariant: what the service has recorded below a context was recorded before the context's end."""
    ended: set[str] = set()
    for update in view.updates:
        assert update.parent_id not in ended, (
            f"{update.action.value} of {update.name} after the end of its map"
        )
        if update.action.value in ("SUCCEED", "FAIL"):
            ended.add(update.id)


def statuses(batch) -> list[str]:
    """How each branch stood when the map was decided."""
    return [item.status.value for item in batch.all]
