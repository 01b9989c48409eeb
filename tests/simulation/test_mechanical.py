"""Mutants of the actors, made mechanically: all are known, and those that are found are found again."""

import pytest

from tests.simulation.mechanical.grounds import baseline, thorough, visit
from tests.simulation.mechanical.hunting import find_again
from tests.simulation.mechanical.known import KINDS, found, reasons, seen, survivors
from tests.simulation.mechanical.mutants import mutants, source_of
from tests.simulation.mechanical.page import PAGE, page

ADVICE = (
    "an actor has changed. Run `python -m tests.simulation.mechanical --update`: it hunts what is new. Of "
    "what survives say why in tests/simulation/mechanical/survivors.toml, or do something about it, and "
    "run it once more."
)
SHARES = 12
"""In so many tests, so that they can run beside each other."""


EDITS = [
    ("operation._tell_branch: delete concurrency.tell(BranchDone(index, outcome))", "            pass"),
    ("checkpoint._call_done: delete self._in_flight = None", "sent = self._in_flight or []"),
    ("termination._deadline_near: always self.state is not TerminationState.ENDED", "        if True:"),
    ("checkpoint._finish: never around", "        while False:"),
    ("checkpoint._pump: drop self._queue from self._queue or self._refresh", "elif ((self._refresh)):"),
    ("checkpoint: Flush -> ignored, not _flush", "HANDLERS[Flush] = lambda actor, message: None"),
    (
        "operation: Due while EXECUTING -> impossible, not _ignore",
        "del OperationActor.TRANSITIONS[Due][OperationState.EXECUTING]",
    ),
]


class TestMutants:
    @pytest.mark.parametrize(("name", "text"), EDITS, ids=[name for name, _ in EDITS])
    def test_are_edits_of_the_source(self, name, text):
        """Each kind of edit does what its name says."""
        mutant = mutants()[name]
        assert text in mutant.source()
        assert text not in source_of(mutant.module)

    def test_swap_neighbours(self):
        """Two statements that send something change places; what is between them stays there."""
        source = mutants()["operation._due: swap self._checkpoint.tell(Refresh()) and self._poll()"].source()
        assert "        self._poll()\n        self._checkpoint.tell(Refresh())\n" in source

    def test_are_all_known(self):
        """Each that can be made is found somewhere, or there is a reason why it is not; and none is both."""
        known = [*found(), *survivors()]
        assert sorted(known) == sorted(mutants()), ADVICE

    def test_that_survive_have_a_reason(self):
        """It is of one of the kinds that the page has; and if other tests see it, one is named."""
        for reason in reasons():
            assert reason.kind in KINDS
            assert reason.why.endswith(".")
            if reason.kind == "elsewhere":
                assert [name for name in reason.mutants if not seen()[name]] == []

    @pytest.mark.parametrize("share", range(SHARES))
    def test_are_found_where_they_were(self, share):
        """Each in the schedule in which it was found first, or at least in one of a hundred."""
        names = [*found()][share::SHARES]
        assert [name for name in names if find_again(name, found()[name]) is None] == [], ADVICE


def test_the_original_is_not_found():
    """On no ground anything is wrong with the actors as they are."""
    for ground in thorough():
        assert visit(ground) == baseline(ground), str(ground)


def test_the_page_is_in_step():
    """`--update` has written it since the lists were changed."""
    assert PAGE.read_text() == page(), ADVICE
