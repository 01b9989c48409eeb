"""What a service cannot show, and why: data. Everything else must be as required.

AWS's emulator 1.4.0 keeps some things to itself. Where a requirement expects one of them, the rest of it is
checked all the same, and it counts as met *in part*. A test runs these requirements under AWS's own SDK
too, and finds the same gaps there.
"""

from collections.abc import Mapping

_AMONG_RETRIES = "the history of AWS's emulator has no RetryDetails for a step's success"
_STATE = "the history of AWS's emulator does not have the state that a condition's check leaves"
_CALLBACK = "the history of AWS's emulator does not have the timeouts of a callback"
_VERSION = "the history of AWS's emulator does not have the version of an invoked function"

UNTOLD: Mapping[str, Mapping[str, str]] = {
    "embedded": {},
    "emulator": {
        "StepSucceeded.StepSucceededDetails.RetryDetails": _AMONG_RETRIES,
        "StepSucceeded.StepSucceededDetails.Result.Payload": _STATE,
        "CallbackStarted.CallbackStartedDetails.Timeout": _CALLBACK,
        "CallbackStarted.CallbackStartedDetails.HeartbeatTimeout": _CALLBACK,
        "ChainedInvokeStarted.ChainedInvokeStartedDetails.ExecutedVersion": _VERSION,
    },
}
"""The fields of events that a service never tells, with the reason."""

IN_PART: Mapping[str, frozenset[str]] = {
    "embedded": frozenset(),
    "emulator": frozenset(
        {"1-11", "1-13", "1-15", "3-7", "10-3", "10-13", "10-21"}
        | {"4-3", "4-5", "4-11", "7-5", "7-13"}
        | {"5-1", "5-3", "5-5", "5-7", "5-9", "5-11", "5-13", "5-15"}
        | {"6-1", "6-3", "6-5", "6-13"}
    ),
}
"""The requirements that expect such a field."""

CANNOT_RUN: Mapping[tuple[str, str], str] = {
    (
        "emulator",
        "1-17",
    ): "AWS's emulator records no InvocationCompleted for an invocation whose process ended",
}
"""The requirements that a service cannot show at all, with the reason."""
