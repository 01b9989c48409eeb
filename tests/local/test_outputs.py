"""What an invocation that raised is recorded with."""

import pytest

from durably.workflows.local.errors import invalid
from durably.workflows.local.outputs import error_of


class OwnError(Exception):
    """One of a user's."""


@pytest.mark.parametrize(("code", "status"), [(None, 0), (0, 0), (3, 3), ("no more", 1)])
def test_a_handler_that_exits_has_ended_its_runtime(code, status):
    """In Lambda sys.exit() ends the process: the error is the runtime's, with Python's exit status."""
    error = error_of(SystemExit(code))
    assert error.type == "Runtime.ExitError"
    assert error.message == f"Runtime exited with error: exit status {status}"


def test_an_exception_goes_by_its_qualified_name():
    """Builtins go by their bare names, all others with their module."""
    assert error_of(ValueError("no")).type == "ValueError"
    assert error_of(OwnError("no")).type == f"{__name__}.OwnError"


def test_a_refusal_of_the_service_goes_by_its_code():
    """What the service answered is told in its own words."""
    refusal = invalid("Invalid checkpoint token")
    assert (error_of(refusal).type, error_of(refusal).message) == (refusal.code, "Invalid checkpoint token")
