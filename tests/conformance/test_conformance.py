"""AWS's requirements for durable execution SDKs, on our service and on AWS's emulator."""

import pytest

from tests.conformance.cannot_run import CANNOT_RUN


def test_a_requirement_is_met(service, requirement, request):
    """The execution's result, history and logs are what the requirement says."""
    if (service, requirement) in CANNOT_RUN:
        pytest.skip(CANNOT_RUN[service, requirement])
    found = request.getfixturevalue("verdict")(service, requirement)
    assert not found, "\n".join(found)
