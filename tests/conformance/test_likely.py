"""Cases of our own, recorded from AWS's SDK, under ours on both services. See `likely/cases.py`."""

from tests.conformance.likely import recorded
from tests.conformance.likely.cases import all_cases
from tests.conformance.likely.differences import TOLD_LATER, WORDING


def test_it_goes_as_under_aws_s_sdk(likely_case, verdicts):
    """Status, result, every event with all its fields, and the log."""
    assert not verdicts[likely_case].faults, "\n".join(verdicts[likely_case].faults)


def test_all_cases_are_recorded():
    """No case is without a record, no record or listed difference without a case."""
    names = set(all_cases())
    assert names == set(recorded.read())
    assert {name for _, name in [*WORDING, *TOLD_LATER]} <= names
