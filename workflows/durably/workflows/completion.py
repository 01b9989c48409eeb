"""When a map or parallel is complete: what a user configures, and what a user's predicate sees.

Public at `durably.workflows.config`, which imports everything here; a file of its own because it is
one concept, and the rest of the configuration is many.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from durably.workflows._validation import check_callable, check_int, check_type, is_number, refuse
from durably.workflows.exceptions import ValidationError


class BatchItemStatus(Enum):
    """How a branch stands. STARTED: it was begun and had not ended when the batch completed."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STARTED = "STARTED"


class CompletionOutcome(Enum):
    """What the batch as a whole comes to when a predicate completes it."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


@dataclass(frozen=True)
class CompletionDecision:
    """A predicate's answer. `outcome` goes with `complete=True`, and only with it.

    Made by `continue_batch()` and `complete_batch()`.
    """

    complete: bool
    outcome: CompletionOutcome | None = None

    def __post_init__(self) -> None:
        if self.complete and self.outcome is None:
            raise ValidationError("outcome is required when complete is True")
        if not self.complete and self.outcome is not None:
            raise ValidationError("outcome must be None when complete is False")
        if self.outcome is not None:
            check_type("outcome", self.outcome, CompletionOutcome)


def continue_batch() -> CompletionDecision:
    """Go on: the batch is not complete yet."""
    return CompletionDecision(complete=False)


def complete_batch(outcome: CompletionOutcome = CompletionOutcome.SUCCEEDED) -> CompletionDecision:
    """Complete the batch now, with `outcome`."""
    return CompletionDecision(complete=True, outcome=outcome)


@dataclass(frozen=True)
class CompletionItemStatus:
    """One branch as a predicate sees it. `status` is None until the branch starts."""

    index: int
    name: str | None = None
    status: BatchItemStatus | None = None


@dataclass(frozen=True)
class CompletionStatus:
    """A batch as a predicate sees it.

    `completed_count` is successes plus failures, `total_count` the number of inputs, and `items[i]` is
    always the branch of input `i`. `items` shows the batch as it is during the call, and makes an item when
    it is asked for; to keep them, make a tuple of it.
    """

    success_count: int
    failure_count: int
    completed_count: int
    total_count: int
    items: Sequence[CompletionItemStatus] = ()


@dataclass(frozen=True)
class CompletionConfig:
    """When a map or parallel stops early.

    Args:
        min_successful: complete as soon as so many branches have succeeded; at least 1.
        tolerated_failure_count: stop when more branches than this have failed; at least 0.
        tolerated_failure_percentage: stop when more than this share of all branches has failed; 0 to 100.
        should_complete: decides instead of all the others, and excludes them. It is called before the
            first branch starts and after each change, so it must be deterministic, look at nothing but
            its argument, and stay at "complete" once progress has made it say so.

    With no criterion at all the first failure stops the batch.

    Raises:
        ValidationError: an argument is of the wrong type or out of range, or they exclude each other.
    """

    min_successful: int | None = None
    tolerated_failure_count: int | None = None
    tolerated_failure_percentage: int | float | None = None
    should_complete: Callable[[CompletionStatus], CompletionDecision] | None = None

    def __post_init__(self) -> None:
        if self.min_successful is not None:
            check_int("min_successful", self.min_successful, 1)
        if self.tolerated_failure_count is not None:
            check_int("tolerated_failure_count", self.tolerated_failure_count, 0)
        percentage: object = self.tolerated_failure_percentage
        if percentage is not None and not (is_number(percentage) and 0 <= percentage <= 100):
            raise refuse("tolerated_failure_percentage", "between 0 and 100", percentage)
        check_callable("should_complete", self.should_complete)
        if self.should_complete is not None and self._has_thresholds:
            raise ValidationError(
                "should_complete cannot be combined with min_successful, "
                "tolerated_failure_count, or tolerated_failure_percentage"
            )

    @property
    def _has_thresholds(self) -> bool:
        return (
            self.min_successful is not None
            or self.tolerated_failure_count is not None
            or self.tolerated_failure_percentage is not None
        )

    def validate_for_total(self, total: int) -> None:
        """Check against the number of inputs; map and parallel do, before anything is checkpointed.

        Raises:
            ValidationError: `min_successful` is more than there are.
        """
        if self.min_successful is not None and self.min_successful > total:
            raise ValidationError(
                f"min_successful cannot be greater than total items: {self.min_successful} > {total}"
            )

    @staticmethod
    def first_successful() -> CompletionConfig:
        """Complete with the first success, whatever fails."""
        return CompletionConfig(min_successful=1)

    @staticmethod
    def all_completed() -> CompletionConfig:
        """Run every branch to its end, whatever fails."""
        return CompletionConfig(tolerated_failure_percentage=100)

    @staticmethod
    def all_successful() -> CompletionConfig:
        """Stop at the first failure."""
        return CompletionConfig(tolerated_failure_count=0, tolerated_failure_percentage=0)
