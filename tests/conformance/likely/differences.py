"""What is not as recorded from AWS's SDK, and why: data, by service and case."""

WORDING = {
    ("embedded", "invoke/unknown"): "the service says what to do",
    ("embedded", "invoke/unknown-and-caught"): "the service says what to do",
    ("embedded", "wait/none"): "the error says the upper bound, too, and what was given",
    ("emulator", "wait/none"): "the error says the upper bound, too, and what was given",
}
"""The message of an error is another."""

_CALLBACKS = (
    "AWS's emulator does not tell an invocation which callbacks are over: plugins learn of it late or never"
)
TOLD_LATER = {
    ("embedded", f"plugin/{case}"): _CALLBACKS
    for case in ("callback", "callback-refused", "callback-timeout", "wait-for-callback")
}
"""Plugins are told at the start of the invocation what the records have later, or not at all."""
