"""A user's predicate that says when a map or parallel is complete: what it is shown, and what it answers."""

from collections.abc import Callable, Sequence
from typing import overload

from durably.actors.concurrency import Branch, BranchStatus, CompletionReason
from durably.workflows.completion import (
    BatchItemStatus,
    CompletionDecision,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionStatus,
)
from durably.workflows.exceptions import ValidationError

_ITEM_STATUS = {
    BranchStatus.UNSTARTED: None,
    BranchStatus.STARTED: BatchItemStatus.STARTED,
    BranchStatus.SUCCEEDED: BatchItemStatus.SUCCEEDED,
    BranchStatus.FAILED: BatchItemStatus.FAILED,
}


def ask(
    should_complete: Callable[[CompletionStatus], object],
    succeeded: int,
    failed: int,
    branches: Sequence[Branch],
    given_name: Callable[[int], str | None],
    label: str,
) -> CompletionReason | None:
    """Why the batch `label` is complete, or None if it goes on.

    Raises:
        ValidationError: the predicate gave something else than a decision.
    """
    items = _Items(branches, given_name)
    decision = should_complete(CompletionStatus(succeeded, failed, succeeded + failed, len(branches), items))
    items.close()
    if not isinstance(decision, CompletionDecision):
        raise ValidationError(
            f"should_complete of {label} must return a CompletionDecision, as continue_batch() and "
            f"complete_batch() do. It returned {decision!r}."
        )
    if not decision.complete:
        return None
    if decision.outcome is CompletionOutcome.FAILED:
        return CompletionReason.CUSTOM_COMPLETION_FAILED
    return CompletionReason.CUSTOM_COMPLETION_SUCCEEDED


class _Items(Sequence[CompletionItemStatus]):
    """The branches as a predicate sees them, looked up while it runs: a copy for each change would be
    quadratic in the branches.
    """

    def __init__(self, branches: Sequence[Branch], given_name: Callable[[int], str | None]) -> None:
        self._branches: Sequence[Branch] | None = branches
        self._given_name = given_name

    def close(self) -> None:
        """The batch goes on: what was shown may no longer be so."""
        self._branches = None

    def _open(self) -> Sequence[Branch]:
        if self._branches is None:
            raise ValidationError(
                "CompletionStatus.items can be looked at only during should_complete; "
                "to keep them, make a tuple of it there"
            )
        return self._branches

    def __len__(self) -> int:
        return len(self._open())

    @overload
    def __getitem__(self, index: int) -> CompletionItemStatus: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[CompletionItemStatus, ...]: ...
    def __getitem__(self, index: int | slice) -> CompletionItemStatus | tuple[CompletionItemStatus, ...]:
        positions = range(len(self._open()))[index]
        if isinstance(positions, range):
            return tuple(self._item(position) for position in positions)
        return self._item(positions)

    def _item(self, index: int) -> CompletionItemStatus:
        return CompletionItemStatus(index, self._given_name(index), _ITEM_STATUS[self._open()[index].status])

    def __repr__(self) -> str:
        return "(closed)" if self._branches is None else repr(tuple(self))
