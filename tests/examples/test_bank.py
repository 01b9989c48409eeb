"""The bank of the page on actors: what it loses, where it hangs, and what is proved of it."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def bank():
    """What the example defines."""
    return runpy.run_path(str(ROOT / "examples" / "bank.py"))


def test_the_example_prints_what_the_page_shows(bank, capsys):
    """The lost deposit and what it takes, the deadlock, and the proof; word for word."""
    bank["main"]()
    page = (ROOT / "docs" / "simulating-actors.md").read_text()
    shown = page.partition("$ python examples/bank.py\n")[2].partition("```")[0]
    assert capsys.readouterr().out == shown


def test_its_actors_run_on_threads_as_well(bank):
    """They are ordinary Pykka actors; one teller alone loses nothing."""
    account, teller = bank["Account"].start(), bank["HastyTeller"].start()
    try:
        teller.proxy().pay_in(account.proxy(), 10).get()
        assert account.proxy().amount.get() == 10
    finally:
        teller.stop()
        account.stop()
