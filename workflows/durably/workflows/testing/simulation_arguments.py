"""What `simulate` is given: refused before anything runs, if it is not what it is to be."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from durably.workflows.testing.inputs import check_handler
from durably.workflows.testing.simulated_faults import Faults


def check_numbers(**numbers: object) -> None:
    """Refuse numbers of which nothing would come.

    Raises:
        TypeError: one is no whole number.
        ValueError: one is less than 1.
    """
    for name, number in numbers.items():
        if not isinstance(number, int):
            raise TypeError(f"{name}={number!r} is no whole number.")
        if number < 1:
            raise ValueError(f"{name}={number}: nothing would be run. It is 1 or more.")


def check_arguments(
    handler: Callable[..., Any],
    event: object,
    strategy: object,
    faults: object,
    answers: object,
    functions: object,
    invariants: object,
    observers: object,
) -> None:
    """Refuse what a run could not use.

    Raises:
        TypeError: it says which argument it is, and what it ought to be.
    """
    check_handler(handler)
    try:
        json.dumps(event)
    except (TypeError, ValueError) as error:
        raise TypeError(f"event={event!r} is no JSON value: {error}.") from error
    if isinstance(strategy, type) or not all(hasattr(strategy, name) for name in ("begin", "choose")):
        raise TypeError(f"strategy={strategy!r} is neither the name of a strategy nor one, such as Pct(1).")
    if not isinstance(faults, Faults):
        raise TypeError(f"faults={faults!r} is no Faults, such as Faults(crashes=1), HARMLESS or NOTHING.")
    for name, given in (("answers", answers), ("functions", functions)):
        if given is not None and not isinstance(given, Mapping):
            raise TypeError(f"{name}={given!r} is no mapping, such as {{'name': 'yes'}}.")
    for name, given in (("invariants", invariants), ("observers", observers)):
        if not isinstance(given, Sequence):
            raise TypeError(f"{name}={given!r} is no list.")
    for each in cast(Sequence[object], invariants):
        if not callable(each):
            raise TypeError(f"invariants: {each!r} cannot be called with a RunView.")
    for each in cast(Sequence[object], observers):
        if isinstance(each, type) or not hasattr(each, "chosen"):
            raise TypeError(f"observers: {each!r} is no Observer, such as Coverage().")
