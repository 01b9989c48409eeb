"""`context.logger`: it says where a record comes from, and does not say anything twice."""

import logging

import pytest

from durably.workflows import MapConfig, NestingType
from tests.workflows.running import SECOND, Run

EXTRAS = ("executionArn", "parentId", "operationName", "attempt", "operationId")


def extras(record):
    return {key: vars(record)[key] for key in EXTRAS if key in vars(record)}


def test_replayed_code_is_silent(caplog):
    """Over three invocations each line is logged once."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        context.logger.info("begin")
        context.step(lambda step: step.logger.info("in the step"))
        context.logger.info("before the wait")
        context.wait(SECOND)
        context.logger.info("between")
        context.wait(SECOND)
        context.logger.info("end")

    Run(handler).result()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["begin", "in the step", "before the wait", "between", "end"]


def test_records_say_where_they_come_from(caplog):
    """The execution everywhere, the parent in a context, the operation and its attempt in a step."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        context.logger.info("root", extra={"own": 7})

        def group(child):
            child.logger.info("child")
            child.step(lambda step: step.logger.info("step"), "work")

        context.run_in_child_context(group, "group")

    run = Run(handler)
    run.result()
    root, child, step = caplog.records
    arn, group, work = run.service.arn, run.named("group").id, run.named("work").id
    assert extras(root) == {"executionArn": arn}
    assert vars(root)["own"] == 7
    assert extras(child) == {"executionArn": arn, "parentId": group}
    assert extras(step) == {
        "executionArn": arn,
        "parentId": group,
        "operationName": "work",
        "attempt": 1,
        "operationId": work,
    }


def test_branches_are_silent_by_themselves(caplog):
    """A branch that goes on speaks while its neighbour still replays nothing new."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        def branch(child, item, *_):
            child.logger.info("start %d", item)
            for turn in range(item):
                child.wait(SECOND)
                child.logger.info("turn %d of %d", turn, item)

        context.map(range(3), branch)

    Run(handler).result()
    said = sorted(record.getMessage() for record in caplog.records)
    assert said == ["start 0", "start 1", "start 2", "turn 0 of 1", "turn 0 of 2", "turn 1 of 2"]


@pytest.mark.parametrize("nesting", NestingType)
def test_a_branch_that_had_to_wait_for_its_turn_speaks_from_its_beginning(caplog, nesting):
    """It begins in an invocation in which the map is replayed, but not this branch."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        def branch(child, item, *_):
            child.logger.info("start %d", item)
            child.wait(SECOND)

        context.map(range(3), branch, config=MapConfig(max_concurrency=1, nesting_type=nesting))

    Run(handler).result()
    assert [record.getMessage() for record in caplog.records] == ["start 0", "start 1", "start 2"]


def test_a_deferred_child_is_silent_by_itself(caplog):
    """It replays although the code that began it is past that when the child's code runs."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        def child(own):
            own.logger.info("begin")
            own.step(lambda step: None)
            own.logger.info("before the waits")
            own.wait(SECOND)
            own.wait(SECOND)
            own.logger.info("end")

        future = context.deferred.run_in_child_context(child)
        context.wait(SECOND)
        context.step(lambda step: None, "new")
        future.result()

    Run(handler).result()
    assert [record.getMessage() for record in caplog.records] == ["begin", "before the waits", "end"]


def test_a_deferred_child_logs_where_its_context_did_when_it_was_begun(caplog):
    """`set_logger` counts for contexts that are made after it, whenever their code runs."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        future = context.deferred.run_in_child_context(lambda child: child.logger.info("before"))
        context.set_logger(logging.getLogger("mine"))
        context.deferred.run_in_child_context(lambda child: child.logger.info("after")).result()
        future.result()

    Run(handler).result()
    assert [record.name for record in caplog.records] == ["root", "mine"]


def test_a_context_that_runs_again_for_its_large_result_is_silent_to_its_end(caplog):
    """Also after its last operation."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        def large(child):
            child.logger.info("begin")
            child.step(lambda step: None)
            child.logger.info("end")
            return "x" * 300_000

        context.run_in_child_context(large)
        context.wait(SECOND)
        context.wait(SECOND)

    Run(handler).result()
    assert [record.getMessage() for record in caplog.records] == ["begin", "end"]


def test_a_logger_of_ones_own_takes_the_place(caplog):
    """`set_logger` counts from then on, in this context, its steps and its children."""
    caplog.set_level(logging.INFO)

    def handler(event, context):
        context.logger.info("1")
        context.set_logger(logging.getLogger("mine"))
        context.logger.info("2")
        context.step(lambda step: step.logger.info("3"))
        context.run_in_child_context(lambda child: child.logger.info("4"))

    Run(handler).result()
    assert [record.name for record in caplog.records] == ["root", "mine", "mine", "mine"]


def test_a_body_that_is_retried_logs_each_attempt(caplog):
    """Attempts are no replay of each other."""
    caplog.set_level(logging.INFO, "root")

    def handler(event, context):
        def body(step):
            step.logger.info("try")
            if step.attempt < 3:
                raise ValueError("no")

        context.step(body, "s")

    Run(handler).result()
    attempts = [vars(record)["attempt"] for record in caplog.records if record.getMessage() == "try"]
    assert attempts == [1, 2, 3]
