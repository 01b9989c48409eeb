"""Steps, retries, waits and child contexts on AWS's emulator."""


def test_a_step_and_a_wait(skipping):
    """A step runs once, and its value is there after the wait."""
    execution = skipping.start("greets", "World")
    assert execution.result() == "Hello, World!"
    assert [each for each in execution.events() if "Execution" not in each] == [
        "StepStarted greet",
        "StepSucceeded greet",
        "WaitStarted pause",
        "WaitSucceeded pause",
        "InvocationCompleted",
        "InvocationCompleted",
    ]


def test_what_is_logged_is_logged_once(skipping):
    """A replay repeats no record, and each says where it comes from."""
    execution = skipping.start("greets", "World")
    execution.result()
    logs = [(record["message"].split("\t")[1], record.get("operationName")) for record in execution.logs()]
    assert logs == [("before", None), ("greeting World", "greet"), ("after", None)]


def test_a_step_is_retried(skipping):
    """Failed attempts are recorded with their error and the delay, and the last one counts."""
    execution = skipping.start("retries", 3)
    assert execution.result() == 3
    failures = [event for event in execution.history() if event["EventType"] == "StepFailed"]
    assert [each["StepFailedDetails"]["RetryDetails"] for each in failures] == [
        {"CurrentAttempt": 1, "NextAttemptDelaySeconds": 1},
        {"CurrentAttempt": 2, "NextAttemptDelaySeconds": 1},
    ]
    assert failures[0]["StepFailedDetails"]["Error"]["Payload"] == {
        "ErrorMessage": "attempt 1",
        "ErrorType": "ValueError",
    }


def test_a_step_that_fails_for_good(skipping):
    """When its attempts are used up the step's error ends the execution."""
    error = skipping.start("retries", 99).error()
    assert error["ErrorMessage"] == "attempt 3"
    assert error["ErrorType"].endswith("StepError")


def test_an_error_says_at_each_level_what_escaped_it(skipping):
    """The step records the user's error, its context the step's, the execution the context's."""
    execution = skipping.start("fails-in-a-child")
    kinds = [execution.error()["ErrorType"]]
    kinds += [
        event[details]["Error"]["Payload"]["ErrorType"]
        for event in reversed(execution.history())
        for details in ("ContextFailedDetails", "StepFailedDetails")
        if details in event
    ]
    assert [each.rpartition(".")[2] for each in kinds] == ["ChildContextError", "StepError", "ValueError"]


def test_an_error_may_be_caught(skipping):
    """A failed step's error has the message and the type of what the body raised."""
    assert skipping.start("catches").result() == ["no", "ValueError"]


def test_a_long_wait(skipping):
    """A wait of thirty days is sent in seconds."""
    execution = skipping.start("waits", 30 * 86400)
    assert execution.result() == "awake"
    (wait,) = [event for event in execution.history() if event["EventType"] == "WaitStarted"]
    assert wait["WaitStartedDetails"]["Duration"] == 30 * 86400


def test_a_wait_in_real_time(real):
    """Between two invocations nothing runs: the first has ended before the wait does."""
    execution = real.start("waits", 1)
    assert execution.result() == "awake"
    assert execution.events()[1:5] == [
        "WaitStarted long",
        "InvocationCompleted",
        "WaitSucceeded long",
        "InvocationCompleted",
    ]


def test_a_process_that_ends_within_an_invocation(crashed):
    """What was recorded before the function's process died is not done again after it."""
    assert crashed.result() == 2
    assert crashed.events().count("StepStarted first") == 1
