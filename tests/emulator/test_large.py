"""Payloads near and over the limits, and states that come in pages, on AWS's emulator."""


def test_a_child_result_over_256_kb(skipping):
    """The record is empty, and a replay makes the result from the child's own operations."""
    execution = skipping.start("large-child", 300_000)
    assert execution.result() == 300_000
    (end,) = [event for event in execution.history() if event["EventType"] == "ContextSucceeded"]
    assert not end["ContextSucceededDetails"]["Result"].get("Payload")
    assert execution.events().count("StepStarted small") == 1


def test_a_summary(skipping):
    """With a summary generator, its text is what is recorded of a large child."""
    execution = skipping.start("summarizes", 300_000)
    assert execution.result() == 300_000
    (end,) = [event for event in execution.history() if event["EventType"] == "ContextSucceeded"]
    assert end["ContextSucceededDetails"]["Result"]["Payload"] == "300000 characters"


def test_a_step_result_of_900_kb(skipping):
    """A result over a request's size goes in a request of its own; it has no limit but the service's."""
    execution = skipping.start("large-step", 900_000)
    assert execution.result() == 900_001
    assert execution.events().count("StepStarted large") == 1


def test_a_result_over_6_mb(skipping):
    """What a response cannot hold is checkpointed; nobody asks why."""
    size = 6 * 1024 * 1024 - 40
    execution = skipping.start("large-result", size)
    assert len(execution.result()) == size


def test_an_error_that_is_too_long(skipping):
    """An error over the service's 32 KB is shortened; user code catches it as any other."""
    assert 1000 < skipping.start("large-error", 40_000).result() <= 40_000


def test_a_state_of_more_operations_than_a_page(skipping):
    """More than a thousand operations come back in pages, and none runs twice."""
    execution = skipping.start("many", {"children": 12, "steps": 100})
    assert execution.result() == 1201
    started = [event for event in execution.events() if event.startswith("StepStarted")]
    assert len(started) == 1201


def test_a_state_of_more_bytes_than_a_page(skipping):
    """A few operations with large results come back in pages too."""
    execution = skipping.start("heavy", 15)
    assert execution.result() == 15 * 500_000
    started = [event for event in execution.events() if event.startswith("StepStarted")]
    assert len(started) == 15
