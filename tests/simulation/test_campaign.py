"""The campaign of `make explore`, in small."""

from tests.simulation.campaign import LONGEST_SWEEP, STRATEGIES, Share, run, shares, sweeps, workflows


def test_schedules_are_shared_evenly():
    """Every workflow gets some under every strategy, with other seeds each time; none is lost."""
    pairs = len(workflows()) * len(STRATEGIES)
    dealt = list(shares(1000 * pairs + 7, first_seed=3))
    assert sum(share.schedules for share in dealt) == 1000 * pairs + 7
    assert len({(share.workflow, share.strategy) for share in dealt}) == pairs
    assert len({share[:3] for share in dealt}) == len(dealt)
    assert min(share.seed for share in dealt) == 3


def test_a_small_campaign_covers_all():
    """Fewer schedules, smaller shares."""
    names = {share.workflow for share in shares(100, first_seed=0)}
    assert names == {*workflows()}


def test_every_workflow_is_swept():
    """As far as there are places for a fault."""
    assert {share.workflow for share in sweeps()} == {*workflows()}
    outcome = run(next(share for share in sweeps() if share.workflow == "approval"))
    assert outcome.failure == ""
    assert 50 < outcome.schedules < LONGEST_SWEEP


def test_a_share_is_run():
    """What came of it is counted."""
    outcome = run(Share("map_of_five", "random", 0, 5))
    assert (outcome.schedules, outcome.failure) == (5, "")
    assert outcome.choices > 100
