"""wait_for_condition on AWS's emulator."""


def test_a_condition_is_looked_at_until_it_holds(skipping):
    """Each look leaves its state and the delay until the next."""
    execution = skipping.start("polls", 3)
    assert execution.result() == 3
    events = [event for event in execution.history() if event.get("SubType") == "WaitForCondition"]
    assert [event["EventType"] for event in events] == ["StepStarted", "StepSucceeded"] * 3


def test_a_check_that_fails(skipping):
    """A check has no retries: its error ends the operation."""
    execution = skipping.start("polls-badly")
    error = execution.error()
    assert error["ErrorMessage"] == "cannot look"
    assert error["ErrorType"].endswith("WaitForConditionError")
    assert "StepFailed look" in execution.events()
