"""Tokens: a schedule as one word that can be pasted, and that names its choices."""

import re

import pytest

from durably.actors.simulation.strategies import DriftedError
from durably.workflows.testing.deviations import Deviating, Deviation
from durably.workflows.testing.schedules import schedule_of, strategy_of, token_of
from tests.simulation.bank import one_run

NAMES = ("checkpoint handles Submit from a", "the answer arrives", "body of \N{SNOWMAN} ends")
DEVIATIONS = (Deviation("the process dies", "the answer arrives"), Deviation("b", "a", 12, 3, 2))


@pytest.mark.parametrize("schedule", [NAMES, DEVIATIONS, ()])
def test_a_token_holds_the_schedule(schedule):
    """Names of choices, or deviations: the same come out."""
    assert schedule_of(token_of(schedule)) == schedule


def test_a_token_can_be_pasted_anywhere():
    """Letters, digits, - and _; a line break in the middle does no harm."""
    token = token_of(NAMES)
    assert re.fullmatch(r"durably-1-[\w-]+", token, re.ASCII)
    assert schedule_of(f" {token[:20]}\n    {token[20:]}\n") == NAMES


def test_a_long_schedule_has_a_short_token():
    """The same names again and again take next to no room."""
    assert len(token_of(NAMES * 300)) < 400


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("checkpoint handles Submit", "begins with 'durably-1-'"),
        ("durably-2-eJyLjgUAARUAuQ", "begins with 'durably-1-'"),
        (token_of(NAMES)[:-6], "copy all of it"),
        (token_of(NAMES)[:30] + "x" + token_of(NAMES)[31:], "copy all of it"),
        ("durably-1-", "copy all of it"),
        ("durably-1-äöü", "copy all of it"),
        (token_of([["b", "a", 3]]), "another form"),
        (token_of([5]), "another form"),
    ],
)
def test_what_is_no_token_is_refused(token, words):
    """The error says what is wrong with it."""
    with pytest.raises(ValueError, match=words):
        schedule_of(token)


class TestDrift:
    """The code is no longer what it was."""

    @pytest.mark.parametrize("schedule", [["Ann handles Audit"], token_of(["Ann handles Audit"])])
    def test_a_choice_that_is_not_at_hand(self, schedule):
        """The error says which ones are."""
        with pytest.raises(DriftedError, match=r"'Ann handles Audit'; expected one of: Ann handles Open"):
            one_run(strategy_of(schedule))

    def test_a_deviation_that_is_not_at_hand(self):
        """The error says which choices were, where it should have been."""
        strategy = Deviating([Deviation("Bob handles Audit", "Ann handles Open from the world")])
        one_run(strategy)
        with pytest.raises(DriftedError, match=r'to "Bob handles Audit" .* one of: Ann handles Open'):
            strategy.check_all_taken()

    def test_a_deviation_from_what_was_never_due(self):
        """The error says so."""
        strategy = Deviating([Deviation("Bob handles Audit", "Ann handles Audit")])
        one_run(strategy)
        with pytest.raises(DriftedError, match='before "Ann handles Audit": the latter was never due'):
            strategy.check_all_taken()

    def test_a_deviation_that_comes_too_seldom(self):
        """The error says which one it should have been."""
        place = "Ann handles Open from the world"
        strategy = Deviating([Deviation("Bob handles Open from the world", place, 9)])
        one_run(strategy)
        with pytest.raises(DriftedError, match='the 9th "Bob handles Open from the world" before "Ann'):
            strategy.check_all_taken()
