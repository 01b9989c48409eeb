"""The protocol between the actors, explored in every interleaving.

Here run the scenarios that are small enough for every commit; `make explore` runs all of them.
"""

import pytest

from tests.model.run import explore
from tests.model.scenarios import HARMLESS, LARGE, MUTANTS, SCENARIOS

SMALL = [name for name in SCENARIOS if name not in LARGE]
LIMIT = 150_000  # worlds: a small scenario that has outgrown this belongs to the large ones

# A mutant breaks the protocol in one place: the smallest scenario that finds it, and the invariant it violates.
FOUND = {
    "bodies not counted": ("step, wait", "no-early-end"),
    "call in flight not counted": ("two callbacks", "no-lost-update"),
    "runnable task not counted": ("child context", "no-early-end"),
    "no stillness re-check": ("replayed retry", "no-early-end"),
    "no Watch": ("step, replayed callback", "no-lost-wakeup"),
    "Watch does not answer with a terminal record": ("step, replayed wait", "no-early-end"),
    "Settled not told when orphaned": ("call fails, step and wait", "exact-view"),
    "nobody tells orphans": ("future from below", "no-early-end"),
    "known descendants instead of ancestors": ("future from below", "parent-last"),
    "Orphaned unwinds every awaiter": ("future from below", "no-early-end"),
    "K tells before it merges": ("race of replayed wait and callback", "no-lost-wakeup"),
    "END at Finish": ("child left running", "no-early-end"),
    "updates accepted after Close": ("child left running", "parent-last"),
    "batch failure settles nobody": ("crash: callback, step", "no-early-end"),
    "refresh during a call counted as served": ("deferred step", "no-lost-wakeup"),
    "two calls in flight": ("step, wait", "one-call"),
    "late branch revises the decision": ("orphan callback", "stable-decision"),
    "at-most-once body before START is confirmed": ("crash: at-most-once", "at-most-once"),
    "parent's end before its children's updates": ("two branches, one at a time (early)", "parent-last"),
    "a context's end jumps the queue": ("future from below", "service"),
    "a batch waits for an uncounted timer": ("two callbacks", "no-lost-update"),
    "K told last in a turn": ("threads: child leaves a callback", "parent-first"),
    "polls need no company": ("step, replayed callback", "no-hang"),
    "idle messages not counted": ("step, wait", "no-lost-update"),
    "no ticket": ("race of replayed wait and callback", "no-lost-wakeup"),
    "creator resumed before START is confirmed": ("create, step, await", "created-first"),
    "creator resumed only by the end": ("create, step, await", "no-early-end"),
    "creator not told when orphaned": ("create, call fails", "no-lost-wakeup"),
    "arrivals noted only by resume": ("all of two steps", "no-early-end"),
    "orphan's code left parked": ("all in a child left running", "orphans-unwound"),
    "a new ticket for each arrival": ("all of two steps", "no-early-end"),
    "awaiters resumed before their future is settled": ("threads: all of two steps", "no-early-end"),
}
ONLY_WHEN_LARGE = {"Finish beats Failed"}  # no small scenario finds them: `make explore ARGS=--mutants`


@pytest.mark.parametrize("name", SMALL)
def test_the_protocol_holds_in_every_interleaving(name: str):
    """No order of messages, tasks, completions, timers and faults violates an invariant."""
    result = explore(name, limit=LIMIT)
    assert not result.violation, " | ".join((result.violation, *result.trace))


@pytest.mark.parametrize("mutant", FOUND)
def test_a_broken_protocol_is_found(mutant: str):
    """The exploration is no rubber stamp: a protocol that is broken in one place violates an invariant."""
    scenario, invariant = FOUND[mutant]
    result = explore(scenario, mutant, LIMIT)
    assert result.violation.startswith(invariant)
    assert result.trace


def test_every_mutant_and_every_large_scenario_has_a_name_that_exists():
    """The tables of the model speak of scenarios and mutants that are there."""
    assert set(SCENARIOS) >= LARGE
    assert set(MUTANTS) == FOUND.keys() | ONLY_WHEN_LARGE
    assert not set(MUTANTS) & HARMLESS.keys()
