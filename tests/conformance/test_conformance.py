"""AWS's requirements for durable execution SDKs, on our service and on AWS's emulator."""

import pytest

from tests.conformance.gaps import CANNOT_RUN, IN_PART, UNTOLD


def test_a_requirement_is_met(case, verdicts):
    """The execution's result, history and logs are what the requirement says, as far as a service tells."""
    if case in CANNOT_RUN:
        pytest.skip(CANNOT_RUN[case])
    verdict = verdicts[case]
    assert not verdict.faults, "\n".join(verdict.faults)
    service, requirement = case
    assert bool(verdict.untold) == (requirement in IN_PART[service]), verdict.untold


def test_a_gap_is_the_services(official_case, verdicts):
    """What our SDK cannot show on AWS's emulator, AWS's own SDK cannot either."""
    verdict = verdicts[official_case]
    if ("emulator", official_case[1]) in CANNOT_RUN:
        assert verdict.faults
    else:
        assert not verdict.faults
        assert verdict.untold
        assert verdict.untold <= UNTOLD["emulator"].keys()
