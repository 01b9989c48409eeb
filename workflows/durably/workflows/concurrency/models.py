"""What a map or parallel gives back: a `BatchResult` of `BatchItem`s, and why it completed.

How a batch runs is not here: that is the business of the concurrency actor.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

from durably.actors.concurrency import CompletionReason, Limits
from durably.actors.model import ErrorObject
from durably.workflows.completion import (
    BatchItemStatus,
    CompletionConfig,
    CompletionItemStatus,
    CompletionOutcome,
    CompletionStatus,
)
from durably.workflows.errors import error_from_wire, error_to_wire, operation_error_from
from durably.workflows.exceptions import ChildContextError, DurableOperationError, register_operation_error

__all__ = ["BatchCompletionError", "BatchItem", "BatchResult", "CompletionReason", "infer_completion_reason"]

R = TypeVar("R")

_logger = logging.getLogger(__name__)


class BatchCompletionError(DurableOperationError):
    """A predicate completed the batch as failed, though no branch need have failed."""

    def __init__(
        self,
        completion_reason: CompletionReason = CompletionReason.CUSTOM_COMPLETION_FAILED,
        message: str | None = None,
        error_type: str | None = None,
        data: str | None = None,
        stack_trace: list[str] | None = None,
    ) -> None:
        default = f"Batch completed as failed by should_complete ({completion_reason.value})"
        super().__init__(message or default, error_type, data, stack_trace)
        self.completion_reason = completion_reason


register_operation_error(BatchCompletionError)


@dataclass(frozen=True)
class BatchItem(Generic[R]):
    """One branch: its index among the inputs, and its result if SUCCEEDED or its error if FAILED.

    A failed item has no error only if none was recorded for it.
    """

    index: int
    status: BatchItemStatus
    result: R | None = None
    error: ErrorObject | None = None

    def to_dict(self) -> dict[str, Any]:
        """The item as it is serialized; the result as it stands."""
        return {
            "index": self.index,
            "status": self.status.value,
            "result": self.result,
            "error": error_to_wire(self.error) if self.error is not None else None,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BatchItem[R]:
        """The item that `to_dict` gave."""
        error = data.get("error")
        return cls(
            data["index"],
            BatchItemStatus(data["status"]),
            data.get("result"),
            error_from_wire(error) if error else None,
        )


@dataclass(frozen=True)
class BatchResult(Generic[R]):
    """The branches of a map or parallel, in order of the inputs.

    `all` leaves out inputs whose branch never started, so `total_count` may be less than the number of
    inputs. A branch that had started and not ended when the batch completed is STARTED.
    """

    all: list[BatchItem[R]]
    completion_reason: CompletionReason

    def to_dict(self) -> dict[str, Any]:
        """The batch as it is serialized; results as they stand."""
        return {
            "all": [item.to_dict() for item in self.all],
            "completionReason": self.completion_reason.value,
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], completion_config: CompletionConfig | None = None
    ) -> BatchResult[R]:
        """The batch that `to_dict` gave. A missing reason is inferred, with a warning."""
        items: list[BatchItem[R]] = [BatchItem[R].from_dict(item) for item in data["all"]]
        reason = data.get("completionReason")
        if reason is not None:
            return cls(items, CompletionReason(reason))
        inferred = cls.from_items(items, completion_config)
        _logger.warning(
            "A batch result was recorded without its completionReason; inferred %s from its items.",
            inferred.completion_reason.value,
        )
        return inferred

    @classmethod
    def from_items(
        cls, items: list[BatchItem[R]], completion_config: CompletionConfig | None = None
    ) -> BatchResult[R]:
        """A batch of `items` with the reason that they suggest, taking them for all of its branches."""
        return cls(items, infer_completion_reason(items, len(items), completion_config))

    def succeeded(self) -> list[BatchItem[R]]:
        """The items that succeeded."""
        return self._with(BatchItemStatus.SUCCEEDED)

    def failed(self) -> list[BatchItem[R]]:
        """The items that failed."""
        return self._with(BatchItemStatus.FAILED)

    def started(self) -> list[BatchItem[R]]:
        """The items that had started and not ended."""
        return self._with(BatchItemStatus.STARTED)

    def _with(self, status: BatchItemStatus) -> list[BatchItem[R]]:
        return [item for item in self.all if item.status is status]

    @property
    def status(self) -> BatchItemStatus:
        """What a predicate made of the batch; else FAILED if any item failed, or SUCCEEDED."""
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED:
            return BatchItemStatus.FAILED
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_SUCCEEDED:
            return BatchItemStatus.SUCCEEDED
        return BatchItemStatus.FAILED if self.has_failure else BatchItemStatus.SUCCEEDED

    @property
    def has_failure(self) -> bool:
        return any(item.status is BatchItemStatus.FAILED for item in self.all)

    def throw_if_error(self) -> None:
        """Raise the first failed item's error, or that a predicate failed the batch.

        Raises:
            ChildContextError: an item failed.
            SerDesError: an item's result could not be serialized.
            BatchCompletionError: a predicate completed the batch as failed, and no item failed.
        """
        for item in self.all:
            if item.status is BatchItemStatus.FAILED:
                if item.error is None:
                    raise ChildContextError(f"Batch item {item.index} failed without an ErrorObject.")
                raise operation_error_from(ChildContextError, item.error)
        if self.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED:
            raise BatchCompletionError(self.completion_reason)

    def get_results(self) -> list[R]:
        """The results of the items that succeeded, in order."""
        return [cast(R, item.result) for item in self.succeeded()]

    def get_errors(self) -> list[ErrorObject | None]:
        """One entry for each failed item, in order; None where no error was recorded."""
        return [item.error for item in self.failed()]

    @property
    def success_count(self) -> int:
        return len(self.succeeded())

    @property
    def failure_count(self) -> int:
        return len(self.failed())

    @property
    def started_count(self) -> int:
        return len(self.started())

    @property
    def total_count(self) -> int:
        return len(self.all)


def infer_completion_reason(
    items: list[BatchItem[R]], total: int, config: CompletionConfig | None
) -> CompletionReason:
    """Why a batch of `total` branches that came to `items` completed, for want of a recorded reason."""
    config = config or CompletionConfig()
    succeeded = sum(item.status is BatchItemStatus.SUCCEEDED for item in items)
    failed = sum(item.status is BatchItemStatus.FAILED for item in items)
    if config.should_complete is not None:
        snapshot = tuple(CompletionItemStatus(index=item.index, status=item.status) for item in items)
        decision = config.should_complete(
            CompletionStatus(succeeded, failed, succeeded + failed, total, snapshot)
        )
        if decision.complete:
            if decision.outcome is CompletionOutcome.FAILED:
                return CompletionReason.CUSTOM_COMPLETION_FAILED
            return CompletionReason.CUSTOM_COMPLETION_SUCCEEDED
        return CompletionReason.ALL_COMPLETED
    limits = Limits(
        None,
        config.min_successful,
        config.tolerated_failure_count,
        config.tolerated_failure_percentage,
    )
    if limits.tolerance_exceeded(total, failed):
        return CompletionReason.FAILURE_TOLERANCE_EXCEEDED
    minimum = config.min_successful
    if succeeded + failed < total and minimum is not None and succeeded >= minimum:
        return CompletionReason.MIN_SUCCESSFUL_REACHED
    return CompletionReason.ALL_COMPLETED
