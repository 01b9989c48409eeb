"""What a map or parallel records in place of a result too large to record: how it was decided.

Replay runs the branches' code again, and this record then says which of them belong to the result and
how they stood, so that a branch which has ended since cannot change it. Branches start in index order,
so those that ever started are the indexes below `started_total`; of the unfinished and the finished
among them the shorter list is written. Both are plain JSON whatever serializer is configured, in the
form that AWS's SDK writes and reads.
"""

import json
from typing import Any, TypeGuard, TypeVar, cast

import attrs

from durably.workflows.completion import BatchItemStatus
from durably.workflows.concurrency.models import BatchResult, CompletionReason

R = TypeVar("R")


@attrs.frozen
class CompletionRecord:
    """A batch's decision as it was recorded."""

    completion_reason: CompletionReason
    started_total: int
    listed: frozenset[int]
    lists_unfinished: bool

    def was_unfinished(self, index: int) -> bool:
        """Whether branch `index` (below `started_total`) had started and not ended."""
        return (index in self.listed) is self.lists_unfinished


def write_completion_record(result: BatchResult[R], result_type: str, summary: object = None) -> str:
    """The payload for `result`; `result_type` is `MapResult` or `ParallelResult`, `summary` the user's."""
    unfinished = [item.index for item in result.all if item.status is BatchItemStatus.STARTED]
    finished = [item.index for item in result.all if item.status is not BatchItemStatus.STARTED]
    shorter_is_unfinished = len(unfinished) <= len(finished)
    fields: dict[str, object] = {
        "type": result_type,
        "totalCount": len(result.all),
        "completionReason": result.completion_reason.value,
        "startedIndexes" if shorter_is_unfinished else "completedIndexes": (
            unfinished if shorter_is_unfinished else finished
        ),
        "startedCount": len(unfinished),
        "successCount": result.success_count,
        "failureCount": result.failure_count,
        "status": result.status.value,
    }
    if summary is not None:
        fields["summary"] = str(summary)
    return json.dumps(fields)


def read_completion_record(payload: str | None) -> CompletionRecord | None:
    """The decision that `payload` records; None if it records none, or not a valid one. Never raises."""
    if not payload:
        return None
    try:
        fields: Any = json.loads(payload)
    except (ValueError, TypeError, RecursionError):
        return None
    if not isinstance(fields, dict):
        return None
    record = cast("dict[str, Any]", fields)
    try:
        reason = CompletionReason(record.get("completionReason"))
    except ValueError:
        return None
    total: object = record.get("totalCount")
    if not _is_count(total):
        return None
    for name, lists_unfinished in (("startedIndexes", True), ("completedIndexes", False)):
        indexes: object = record.get(name)
        if isinstance(indexes, list):
            listed = cast("list[int]", indexes)
            if not all(_is_count(index) and index < total for index in listed):
                return None
            return CompletionRecord(reason, total, frozenset(listed), lists_unfinished)
    return None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
