"""Tests of simulation.py with pytest: what has a race fails in some order, and what has none in no order."""

import pytest
from simulation import handler, mended

from durably.workflows.testing.pytest_plugin import Simulate


@pytest.mark.simulate(schedules=200)
def test_receipts_do_not_depend_on_a_race(simulate: Simulate):
    simulate(mended, ["kite", "lamp"])


def test_the_race_is_found(simulate: Simulate):
    report = simulate(handler, ["kite", "lamp"], check=False)
    assert "same-answer" in str(report)
