"""Tests of order.py with pytest: the wait takes no time, and everything that was done can be looked at."""

import json
from datetime import timedelta

from order import handler

from durably.workflows.lambda_service import InvocationStatus, OperationStatus
from durably.workflows.testing.pytest_plugin import MakeRunner

KITE = {"item": "kite", "price": 12}


def test_an_order_is_charged_and_shipped(durable_runner: MakeRunner):
    result = durable_runner(handler).run(KITE)
    assert result.status is InvocationStatus.SUCCEEDED
    assert json.loads(result.result or "") == {"receipt": "receipt for 12", "shipping": "kite is on its way"}


def test_the_price_is_charged_before_anything_is_shipped(durable_runner: MakeRunner):
    result = durable_runner(handler).run(KITE)
    charge, _, ship = result.operations
    assert charge == result.get_step("charge")
    assert (charge.name, ship.name) == ("charge", "ship")
    assert charge.status is OperationStatus.SUCCEEDED


def test_there_is_time_to_change_your_mind(durable_runner: MakeRunner):
    wait = durable_runner(handler).run(KITE).get_wait("time to change your mind")
    assert wait.start_timestamp
    assert wait.end_timestamp
    assert wait.end_timestamp - wait.start_timestamp == timedelta(seconds=1)
