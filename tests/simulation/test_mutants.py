"""Known faults, put back into the library, are found; and without them nothing is found there."""

import subprocess
import sys
from collections import defaultdict

import pytest

from durably.workflows.testing.simulation import replay_schedule
from tests.model.scenarios import MUTANTS as IN_THE_MODEL
from tests.simulation import hunting_grounds, mutants
from tests.simulation.hunting_grounds import GROUNDS
from tests.simulation.mutants import EQUIVALENT, MUTANTS, USUAL, Found, hunt, hunt_mutant
from tests.simulation.mutation import ROOT, patched


def hunts():
    """Each ground and strategy, with the most schedules that a mutant needs there."""
    most = defaultdict(int)
    for mutant in MUTANTS.values():
        key = mutant.ground, mutant.by
        most[key] = max(most[key], mutant.within)
    return [(ground, by, schedules) for (ground, by), schedules in most.items()]


class TestAMutant:
    @pytest.mark.parametrize("name", MUTANTS)
    def test_is_found(self, name):
        """By its strategy, as a breach of its promise, within its number of schedules."""
        mutant = MUTANTS[name]
        found = hunt_mutant(name, mutant.by, mutant.within)
        assert found is not None
        assert found.what == mutant.found_as

    @pytest.mark.parametrize(("ground", "by", "schedules"), hunts())
    def test_is_what_is_found(self, ground, by, schedules):
        """The same campaigns find nothing in the library as it is."""
        assert hunt(ground, by, schedules) is None

    @pytest.mark.parametrize("name", EQUIVALENT)
    def test_that_is_none_is_not_found(self, name):
        """A patch that nothing can tell from the library is not found where the others are."""
        assert mutants.unfound(name, 5) == []


class TestTheList:
    def test_is_that_of_the_patches(self):
        """Each patch is registered, as a mutant or as equivalent, and nothing else is."""
        assert sorted([*MUTANTS, *EQUIVALENT]) == mutants.names()

    def test_has_all_that_the_model_has(self):
        """What breaks the model is put into the library."""
        covered = [mutants.header_of(name).get("in the model") for name in mutants.names()]
        assert sorted(filter(None, covered)) == sorted(IN_THE_MODEL)

    def test_says_what_each_is(self):
        """In a sentence above its diff."""
        assert all(mutants.header_of(name)["what"].endswith(".") for name in mutants.names())

    def test_uses_every_ground(self):
        """Nothing is kept in which nothing is hunted."""
        assert {mutant.ground for mutant in MUTANTS.values()} == {*GROUNDS}

    def test_is_that_of_the_page(self):
        """The script says which names differ, and none does."""
        command = [sys.executable, "-m", "tests.simulation.mutants", "--check"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, "")

    def test_promises_no_less_than_the_page_says(self):
        """The schedules that the page has for a mutant's strategy are within its number."""
        rows = [line.strip("| \n").split(" | ") for line in mutants.PAGE.read_text().splitlines()]
        measured = {row[0].partition("]")[0].strip("["): [cell.strip() for cell in row] for row in rows}
        columns = dict(zip((USUAL, *mutants.STRATEGIES), (-5, -4, -3, -2), strict=True))
        for name, mutant in MUTANTS.items():
            cell = measured[name][columns[mutant.by]]
            assert cell == "found" if mutant.by == USUAL else int(cell) <= mutant.within, name


class TestShrunk:
    @pytest.mark.parametrize("name", ["known-descendants", "late-await-not-answered", "no-stillness-recheck"])
    def test_it_takes_few_deviations(self, name):
        """A handful are left of the schedule that found it, and the test that is printed shows it again."""
        mutant = MUTANTS[name]
        ground = GROUNDS[mutant.ground]
        with patched(mutants.patch_of(name)), mutants.quiet():
            report = ground.hunt(mutant.by, mutant.within, shrink=True)
            failure = report.failures[0]
            assert failure.shrunk is not None
            assert len(failure.shrunk.deviations) <= 3
            scope = vars(hunting_grounds) | {"replay_schedule": replay_schedule}
            exec(compile(failure.test, "printed", "exec"), scope)
            test = next(value for key, value in scope.items() if key.startswith("test_"))
            with pytest.raises(type(failure.error), match=mutant.found_as):
                test()
        test()

    def test_a_hunt_says_when_it_found_something(self):
        """The number of the schedule; 0 for the usual order, in which no strategy has had a say."""
        assert hunt_mutant("old-token-kept", "pct", 1) == Found(0, "one-call")
        assert hunt_mutant("late-await-not-answered", "random", 5) == Found(1, "no-lost-wakeup")
