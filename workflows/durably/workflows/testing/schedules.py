"""A schedule as text: the names of its choices, or how it deviates from production's order; and its token."""

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Any

from durably.actors.simulation import Replayed
from durably.workflows.testing.deviations import Deviating, Deviation

TOKEN = "durably-1-"  # how a token of this version begins
LONGEST_TOKEN = 10_000_000
"""In bytes of JSON that are unpacked."""

Schedule = str | Sequence[str] | Sequence[Deviation]
"""A token, the names of all choices, or the deviations from the order of production."""


def token_of(schedule: Sequence[str] | Sequence[Deviation]) -> str:
    """The schedule as one word of letters, digits, `-` and `_`, which can be pasted anywhere."""
    rows = [
        [each.take, each.instead_of, each.take_time, each.instead_of_time, each.invocation]
        if isinstance(each, Deviation)
        else each
        for each in schedule
    ]
    packed = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 9)
    return TOKEN + base64.urlsafe_b64encode(packed).decode().rstrip("=")


def schedule_of(token: str) -> tuple[str, ...] | tuple[Deviation, ...]:
    """What `token_of` has made a token of. Spaces and line breaks in it are left out.

    Raises:
        ValueError: it is no token, is not all of one, or is one of another version.
    """
    text = "".join(token.split())
    if not text.startswith(TOKEN):
        raise ValueError(f"{text[:20]!r} is no schedule: a token of this version begins with {TOKEN!r}.")
    rows = _unpack(text.removeprefix(TOKEN))
    if all(isinstance(row, str) for row in rows):
        return tuple(rows)
    try:
        return tuple(_deviation(*row) for row in rows)
    except TypeError as error:
        raise ValueError("This token is none of this version: its schedule has another form.") from error


def _deviation(
    take: str, instead_of: str, take_time: int, instead_of_time: int, invocation: int
) -> Deviation:
    return Deviation(take, instead_of, take_time, instead_of_time, invocation)


def _unpack(text: str) -> list[Any]:
    damaged = "This token of a schedule is damaged, perhaps cut off: copy all of it."
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj()
        rows: list[Any] = json.loads(unpacker.decompress(packed, LONGEST_TOKEN))
    except (binascii.Error, zlib.error, ValueError) as error:
        raise ValueError(damaged) from error
    if not unpacker.eof:
        raise ValueError(damaged)
    return rows


def strategy_of(schedule: Schedule) -> Replayed | Deviating:
    """What takes the choices of a schedule again.

    Raises:
        ValueError: it is a text that is no token.
    """
    known = schedule_of(schedule) if isinstance(schedule, str) else schedule
    deviations = [each for each in known if isinstance(each, Deviation)]
    if deviations or not known:
        return Deviating(deviations)
    return Replayed([each for each in known if isinstance(each, str)])
