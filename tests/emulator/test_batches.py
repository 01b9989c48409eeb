"""map and parallel on AWS's emulator."""

import pytest


@pytest.mark.parametrize("flat", [False, True], ids=["nested", "flat"])
def test_items_that_wait(skipping, flat):
    """Every item takes its steps once, and results come in the order of the items."""
    execution = skipping.start("maps", {"items": 5, "flat": flat})
    assert execution.result() == [1, 3, 5, 7, 9]
    events = execution.events()
    assert events.count("StepStarted double") == events.count("StepStarted more") == 5
    assert sum("map-item" in event for event in events) == (0 if flat else 10)


def test_items_one_at_a_time(real):
    """With a concurrency of one, a suspended item keeps its place: the next begins after it."""
    execution = real.start("maps", {"items": 2, "flat": False, "max": 1})
    assert execution.result() == [1, 3]
    items = [event for event in execution.events() if "map-item" in event]
    assert items == [
        "ContextStarted map-item-0",
        "ContextSucceeded map-item-0",
        "ContextStarted map-item-1",
        "ContextSucceeded map-item-1",
    ]


def test_failures_within_the_tolerance(skipping):
    """A batch that tolerates one failure goes on after it, and ends early after the second."""
    assert skipping.start("tolerates", [1, -1, 3]).result() == ["ALL_COMPLETED", 2, 1, 3]
    early = skipping.start("tolerates", [-1, -2, 3])
    assert early.result() == ["FAILURE_TOLERANCE_EXCEEDED", 0, 2, 2]


def test_named_branches(skipping):
    """Branches carry their names, and their results the order in which they were given."""
    execution = skipping.start("parallel")
    assert execution.result() == ["a", "b"]
    assert {"ContextStarted left", "ContextSucceeded right"} <= set(execution.events())


def test_a_large_batch_result(skipping):
    """Over 256 KB the batch records a summary, and a replay makes the results from the items' own."""
    execution = skipping.start("maps-large", {"items": 6, "size": 100_000})
    assert execution.result() == [100_000] * 6
    ends = [event for event in execution.history() if event["EventType"] == "ContextSucceeded"]
    (end,) = [event for event in ends if event["SubType"] == "Map"]
    payload = end["ContextSucceededDetails"]["Result"]["Payload"]
    assert len(payload) < 1000
    assert '"totalCount": 6' in payload
    assert execution.events().count("StepStarted text") == 6
