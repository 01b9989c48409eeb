"""The codec of a `BatchResult`: what it is made of in plain JSON, its items' results by their type."""

from collections.abc import Callable
from typing import Any

from durably.actors.model import ErrorObject
from durably.workflows._typed.codec import Codec, Mismatch, expected
from durably.workflows.completion import BatchItemStatus
from durably.workflows.concurrency.models import BatchItem, BatchResult, CompletionReason
from durably.workflows.errors import error_from_wire
from durably.workflows.types import BatchResult as BatchResultProtocol


def is_batch(class_: type) -> bool:
    return class_ is BatchResult or class_ is BatchResultProtocol


def batch_codec(type_: Any, item: Codec) -> Codec:
    """All items of one type."""
    return items_codec(type_, lambda _index: item)


def items_codec(type_: Any, item_of: Callable[[int], Codec]) -> Codec:
    """Each item of a type of its own, by its index among the inputs."""

    def write(value: Any) -> Any:
        if value.__class__ is not BatchResult:
            raise expected("BatchResult", value)
        items: list[BatchItem[Any]] = value.all
        return {
            "all": [_write_item(each, item_of) for each in items],
            "completionReason": value.completion_reason.value,
        }

    def read(tree: Any, _: Any) -> Any:
        try:
            items = [_read_item(each, item_of) for each in tree["all"]]
            return BatchResult(items, CompletionReason(tree["completionReason"]))
        except (LookupError, TypeError, ValueError, AttributeError):
            raise expected("the object of a BatchResult", tree) from None

    return Codec(type_, (BatchResult,), frozenset((dict,)), write, read)


def _write_item(item: BatchItem[Any], item_of: Callable[[int], Codec]) -> dict[str, Any]:
    tree = item.to_dict()
    if item.status is BatchItemStatus.SUCCEEDED:
        try:
            tree["result"] = item_of(item.index).write(item.result)
        except Mismatch as error:
            error.under(f".all[{item.index}].result")
            raise
    return tree


def _read_item(tree: dict[str, Any], item_of: Callable[[int], Codec]) -> BatchItem[Any]:
    index, status = tree["index"], BatchItemStatus(tree["status"])
    error: ErrorObject | None = error_from_wire(tree["error"]) if tree.get("error") else None
    if status is not BatchItemStatus.SUCCEEDED:
        return BatchItem(index, status, None, error)
    try:
        return BatchItem(index, status, item_of(index).read(tree["result"], None), error)
    except Mismatch as mismatch:
        mismatch.under(f".all[{index}].result")
        raise
