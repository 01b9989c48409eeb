"""The logger that workflow code is handed."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from durably.workflows.logger import Logger, LogInfo

EXECUTION = SimpleNamespace(durable_execution_arn="arn")


def records(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    keys = ("executionArn", "parentId", "operationName", "attempt", "operationId", "own")
    return [{key: vars(record)[key] for key in keys if key in vars(record)} for record in caplog.records]


def test_records_say_where_they_come_from(caplog: pytest.LogCaptureFixture) -> None:
    """Every level carries the execution and what is known of the operation, and the call's own extras."""
    caplog.set_level(logging.DEBUG)
    info = LogInfo(EXECUTION, parent_id="p", operation_id="o", name="n", attempt=2)
    log = Logger.from_log_info(logging.getLogger("app"), info)
    log.debug("a %s", 1)
    log.info("b")
    log.warning("c")
    log.error("d")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("e", extra={"own": 1, "attempt": 9})
    assert [record.getMessage() for record in caplog.records] == ["a 1", "b", "c", "d", "e"]
    where = {"executionArn": "arn", "parentId": "p", "operationName": "n", "attempt": 2, "operationId": "o"}
    assert records(caplog) == [where] * 4 + [where | {"own": 1, "attempt": 9}]
    assert caplog.records[-1].exc_info


def test_what_is_not_known_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    """At the root there is only the execution."""
    Logger.from_log_info(logging.getLogger("app"), LogInfo(EXECUTION)).warning("x")
    assert records(caplog) == [{"executionArn": "arn"}]


def test_a_logger_is_silent_while_its_context_replays(caplog: pytest.LogCaptureFixture) -> None:
    """Records are dropped as long as `is_replaying` says so, whatever their level."""
    replaying = True
    log = Logger(logging.getLogger("app"), {"own": 1}, lambda: replaying)
    log.error("before")
    try:
        raise ValueError("no")
    except ValueError:
        log.exception("before")
    replaying = False
    log.error("after")
    assert [record.getMessage() for record in caplog.records] == ["after"]


def test_a_logger_elsewhere_keeps_its_target_and_its_replay(caplog: pytest.LogCaptureFixture) -> None:
    """A step's logger is its context's with more known; a child's replays by itself."""
    target = logging.getLogger("app")
    replaying = Logger(target, {}, lambda: True)
    info = LogInfo(EXECUTION, name="n").with_parent_id("p")
    replaying.with_log_info(info).error("dropped")
    replaying.with_log_info(info).with_is_replaying(lambda: False).error("kept")
    assert records(caplog) == [{"executionArn": "arn", "operationName": "n", "parentId": "p"}]
    assert replaying.get_logger() is target


def test_log_info_is_taken_from_an_operations_identity() -> None:
    """Id, parent and name are the operation's, the attempt the caller's."""
    identity = SimpleNamespace(operation_id="o", parent_id="p", name="n")
    assert LogInfo.from_operation_identifier(EXECUTION, identity, 3) == LogInfo(EXECUTION, "p", "o", "n", 3)


def test_a_logger_holds_no_dictionary_of_its_own() -> None:
    """A fan-out makes one for each context and step."""
    assert not hasattr(Logger(logging.getLogger("app"), LogInfo(EXECUTION)), "__dict__")
