"""How executions end that nobody lets finish, on AWS's emulator."""


def test_an_execution_is_stopped(real):
    """Stopped from outside, a suspended execution is not invoked again."""
    execution = real.start("endless")
    execution.suspended()
    real.client.stop_durable_execution(DurableExecutionArn=execution.arn)
    description = execution.ended()
    assert description["Status"] == "STOPPED"
    assert execution.events()[-1].startswith("ExecutionStopped")
    assert real.outcomes(execution.arn) == ["PENDING"]


def test_an_execution_times_out(real):
    """An execution has a time limit of its own."""
    execution = real.start("endless", timeout_seconds=1)
    assert execution.ended()["Status"] == "TIMED_OUT"


def test_an_execution_is_stopped_while_it_runs(real):
    """The invocation's next checkpoint is refused: it ends without an outcome, and no other follows.

    That a token is no longer valid is told by the message alone, since the emulator's errors have no code.
    """
    execution = real.start("works-on", None)
    execution.happened(lambda events: len(events) > 3)
    real.client.stop_durable_execution(DurableExecutionArn=execution.arn)
    assert execution.ended()["Status"] == "STOPPED"
    assert real.outcome(execution.arn) == "RAISED"
