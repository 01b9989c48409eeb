"""What a map or parallel gives back, and what it records of a large result, beside AWS's."""

import itertools
import json
from typing import Any

import aws_durable_execution_sdk_python.concurrency.models as official
import aws_durable_execution_sdk_python.config as official_config
import pytest

from durably.workflows import config
from durably.workflows.concurrency.completion_record import read_completion_record, write_completion_record
from durably.workflows.concurrency.models import (
    BatchCompletionError,
    BatchItem,
    BatchResult,
    CompletionReason,
)
from durably.workflows.config import BatchItemStatus
from durably.workflows.exceptions import ChildContextError, SerDesError

ERROR = {"ErrorMessage": "no", "ErrorType": "ValueError"}
LETTERS = {"S": "SUCCEEDED", "F": "FAILED", "T": "STARTED"}
BATCHES = ["", "S", "F", "T", "SSS", "SFS", "STF", "TTT", "FFTS", "TTTS"]


def wire(letters: str, reason: str | None = "ALL_COMPLETED") -> dict[str, Any]:
    items = [
        {
            "index": i,
            "status": LETTERS[each],
            "result": i if each == "S" else None,
            "error": ERROR if each == "F" else None,
        }
        for i, each in enumerate(letters)
    ]
    return {"all": items, "completionReason": reason}


@pytest.mark.parametrize("letters", BATCHES)
@pytest.mark.parametrize("reason", list(CompletionReason), ids=lambda each: each.value)
def test_a_batch_says_of_itself_what_it_says_there(letters: str, reason: CompletionReason) -> None:
    """Counts, status, results and errors are the official ones."""
    ours = BatchResult[Any].from_dict(wire(letters, reason.value))
    theirs = official.BatchResult[Any].from_dict(wire(letters, reason.value))
    assert ours.to_dict() == theirs.to_dict() == wire(letters, reason.value)
    for name in ("success_count", "failure_count", "started_count", "total_count", "has_failure"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.status.value == theirs.status.value
    assert ours.get_results() == theirs.get_results()
    assert [each and each.message for each in ours.get_errors()] == [
        each and each.message for each in theirs.get_errors()
    ]
    for name in ("succeeded", "failed", "started"):
        assert [each.index for each in getattr(ours, name)()] == [
            each.index for each in getattr(theirs, name)()
        ]


def test_the_first_failure_is_raised_as_a_child_contexts() -> None:
    """Its cause is rebuilt from the record; a batch without failures raises nothing."""
    BatchResult[Any].from_dict(wire("SST")).throw_if_error()
    with pytest.raises(ChildContextError, match="no") as raised:
        BatchResult[Any].from_dict(wire("SFF")).throw_if_error()
    assert raised.value.error_type == "ValueError"
    assert raised.value.__cause__ is not None


def test_a_failure_without_a_record_is_raised_all_the_same() -> None:
    """The error names the item."""
    batch = BatchResult([BatchItem[int](3, BatchItemStatus.FAILED)], CompletionReason.ALL_COMPLETED)
    with pytest.raises(ChildContextError, match="Batch item 3 failed without an ErrorObject"):
        batch.throw_if_error()
    assert batch.get_errors() == [None]


def test_an_item_that_could_not_be_serialized_raises_that() -> None:
    """A recorded SerDesError comes back as one."""
    data = wire("F")
    data["all"][0]["error"] = {"ErrorType": "aws_durable_execution_sdk_python.exceptions.SerDesError"}
    with pytest.raises(SerDesError):
        BatchResult[Any].from_dict(data).throw_if_error()


def test_a_batch_that_a_predicate_failed_raises_that() -> None:
    """No item need have failed; if one did, its error comes first."""
    reason = "CUSTOM_COMPLETION_FAILED"
    with pytest.raises(BatchCompletionError, match=r"should_complete \(CUSTOM_COMPLETION_FAILED\)") as raised:
        BatchResult[Any].from_dict(wire("S", reason)).throw_if_error()
    assert raised.value.completion_reason is CompletionReason.CUSTOM_COMPLETION_FAILED
    with pytest.raises(ChildContextError):
        BatchResult[Any].from_dict(wire("SF", reason)).throw_if_error()


CRITERIA: list[dict[str, Any]] = [
    {},
    {"min_successful": 1},
    {"min_successful": 2, "tolerated_failure_count": 0},
    {"tolerated_failure_count": 1},
    {"tolerated_failure_percentage": 33.3},
    {"tolerated_failure_percentage": 100},
]


@pytest.mark.parametrize(("letters", "criteria"), list(itertools.product(BATCHES, CRITERIA)))
def test_a_missing_reason_is_inferred_as_there(letters: str, criteria: dict[str, Any], caplog: Any) -> None:
    """From the items and the criteria, with a warning."""
    ours = BatchResult[Any].from_dict(wire(letters, None), config.CompletionConfig(**criteria))
    theirs = official.BatchResult[Any].from_dict(
        wire(letters, None), official_config.CompletionConfig(**criteria)
    )
    assert ours.completion_reason.value == theirs.completion_reason.value
    assert ours.completion_reason.value in caplog.text


@pytest.mark.parametrize("letters", BATCHES)
@pytest.mark.parametrize("answer", ["continue", "SUCCEEDED", "FAILED"])
def test_a_missing_reason_is_asked_of_the_predicate(letters: str, answer: str) -> None:
    """It sees the items; what it completes is its own reason."""

    def predicate(module: Any) -> Any:
        done = (
            module.continue_batch()
            if answer == "continue"
            else module.complete_batch(module.CompletionOutcome(answer))
        )
        return lambda status: done if len(status.items) == len(letters) else None

    ours = BatchResult[Any].from_items(
        BatchResult[Any].from_dict(wire(letters)).all,
        config.CompletionConfig(should_complete=predicate(config)),
    )
    theirs = official.BatchResult[Any].from_items(
        official.BatchResult[Any].from_dict(wire(letters)).all,
        official_config.CompletionConfig(should_complete=predicate(official_config)),
    )
    assert ours.completion_reason.value == theirs.completion_reason.value


@pytest.mark.parametrize("letters", BATCHES)
@pytest.mark.parametrize("summary", [None, "", "mine", 5])
def test_a_large_result_is_recorded_as_there(letters: str, summary: Any) -> None:
    """The text is byte for byte the official one, and both read from it how every branch stood."""
    ours = BatchResult[Any].from_dict(wire(letters, "MIN_SUCCESSFUL_REACHED"))
    theirs = official.BatchResult[Any].from_dict(wire(letters, "MIN_SUCCESSFUL_REACHED"))
    text = write_completion_record(ours, "MapResult", summary)
    assert text == official.CompletionRecord.summary_envelope(theirs, "MapResult", summary)
    record = read_completion_record(text)
    assert record is not None
    assert record.completion_reason is CompletionReason.MIN_SUCCESSFUL_REACHED
    assert record.started_total == len(letters)
    assert [record.was_unfinished(i) for i in range(len(letters))] == [each == "T" for each in letters]


GOOD = {"totalCount": 3, "completionReason": "ALL_COMPLETED", "startedIndexes": [1]}
PAYLOADS: list[str | None] = [
    None,
    "",
    "x",
    "[]",
    "null",
    "5",
    "[" * 50_000,
    json.dumps(GOOD),
    *(
        json.dumps(GOOD | change)
        for change in [
            {"totalCount": None},
            {"totalCount": True},
            {"totalCount": -1},
            {"totalCount": 1.0},
            {"totalCount": "3"},
            {"completionReason": "NOPE"},
            {"completionReason": None},
            {"completionReason": []},
            {"startedIndexes": [3]},
            {"startedIndexes": [-1]},
            {"startedIndexes": [True]},
            {"startedIndexes": ["1"]},
            {"startedIndexes": None},
            {"startedIndexes": None, "completedIndexes": [0, 0, 2]},
            {"startedIndexes": {}, "completedIndexes": []},
            {"startedIndexes": [9], "completedIndexes": [0]},
            {"totalCount": 0, "startedIndexes": []},
            {"type": 5, "summary": {}},
        ]
    ),
]


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda v: str(v)[:60])
def test_a_record_is_valid_where_it_is_valid_there(payload: str | None) -> None:
    """Whatever the payload says, both SDKs obey it or take it for no record."""
    ours = read_completion_record(payload)
    theirs = None
    if not (payload or "").startswith("[["):  # the official SDK raises a RecursionError here
        theirs = official.CompletionRecord.from_summary_payload(payload)
    assert (ours is None) is (theirs is None)
    if ours is not None and theirs is not None:
        assert ours.started_total == theirs.started_total
        unfinished = {i for i in range(ours.started_total) if ours.was_unfinished(i)}
        assert unfinished == theirs.started_indexes


def test_a_record_of_a_huge_batch_costs_what_it_lists() -> None:
    """A count is not spread out into a set of indexes."""
    record = read_completion_record(
        json.dumps(GOOD | {"totalCount": 10**18, "startedIndexes": None, "completedIndexes": [7]})
    )
    assert record is not None
    assert record.was_unfinished(10**17)
    assert not record.was_unfinished(7)
