"""Operations that run while the code goes on, and blocks that are run anew, on AWS's emulator."""


def test_deferred_operations(skipping):
    """The combinators' answers are recorded: a replay after a wait of a minute gives the same ones."""
    execution = skipping.start("defers")
    assert execution.result() == ["soon", [True, False], "later", ["soon", "later"]]
    events = execution.events()
    assert [events.count(f"StepStarted {name}") for name in ("soon", "bad")] == [1, 1]


def test_a_block_that_is_retried(skipping):
    """Each attempt has operations of its own, and a wait before it."""
    execution = skipping.start("tries-again")
    assert execution.result() == 3
    events = execution.events()
    assert [event for event in events if event.startswith(("StepSucceeded", "WaitStarted"))] == [
        "StepSucceeded try",
        "WaitStarted block-backoff-1",
        "StepSucceeded try",
        "WaitStarted block-backoff-2",
        "StepSucceeded try",
    ]
