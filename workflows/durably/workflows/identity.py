"""Operation ids: the same place in the code gets the same id in every invocation, and in either SDK.

An id is the first 64 hex digits of the BLAKE2b hash of `<id of the owning context>-<n>`, or of `<n>` at the
root; n counts the context's operations from 1. The branches of a map are numbered from 0.
"""

from hashlib import blake2b


def operation_id(prefix: str | None, number: int) -> str:
    """The id of operation `number` of the context whose id is `prefix` (None at the root)."""
    text = str(number) if prefix is None else f"{prefix}-{number}"
    return blake2b(text.encode()).hexdigest()[:64]
