"""Races that other implementations have had: none can happen here, and `docs/races.md` says so rightly.

`pytest -k R7:` runs the scenarios of one race.
"""

import logging
import re

import pytest

from tests.simulation.races.exploring import explore
from tests.simulation.races.page import PAGE, page, races, row, scenarios, without_counts

ROOT = PAGE.parents[1]
TEXT = PAGE.read_text()
REWRITE = "to write it anew: python -m tests.simulation.races --write"


@pytest.fixture(autouse=True)
def quiet():
    """Executions that fail because they are to would fill the log."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.id)
def test_no_schedule_has(scenario):
    """Nothing goes wrong in its schedules, the race is in some, and the page says how many there are."""
    explored = explore(scenario)
    assert row(scenario, explored) in TEXT, REWRITE


class TestThePage:
    def test_has_every_race_once(self):
        """R1 to R52, and what has been added."""
        ids = [race.id for race in races()]
        assert [each for each in ids if each[0] == "R"] == [f"R{number}" for number in range(1, 53)]
        assert len(set(ids)) == len(ids)

    def test_is_what_the_scenarios_say(self):
        """But for the numbers, at which the scenarios look themselves."""
        assert without_counts(TEXT) == page(without_counts(TEXT), {}), REWRITE

    @pytest.mark.parametrize("test", sorted({test for race in races() for test in race.tests}))
    def test_names_tests_that_exist(self, test):
        """By file, class and function."""
        file, *path = test.split("::")
        source = (ROOT / file).read_text()
        for name in path:
            assert re.search(rf"^ *(def|class) {name}\b", source, re.MULTILINE), name

    def test_says_of_each_race_what_keeps_it_out(self):
        """A scenario, a reason, or a test."""
        assert [race.id for race in races() if not (race.scenarios or race.design or race.tests)] == []
