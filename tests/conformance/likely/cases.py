"""Cases of our own, not AWS's: what requirements that we do not know are likely to ask.

A case has a handler in one of the modules here. What must come of it, its result, history and logs, was
recorded from AWS's own SDK 3.0.0 on AWS's emulator, and lies in `recorded.jsonl`; see `record.py`.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tests.conformance.registry import Handlers
from tests.conformance.requirements import Requirement

F = TypeVar("F", bound=Callable[[Any, Any], Any])
MODULES = [
    f"tests.conformance.likely.{each}"
    for each in ("steps", "waiting", "children", "invokes", "conditions", "batches", "completions", "plugins")
]


class Cases(Handlers):
    """The handlers of a module, each with the case that it is for."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, dict[str, Any]] = {}

    def case(
        self,
        name: str,
        description: str,
        event: Any = None,
        actions: Sequence[Mapping[str, Any]] = (),
        *,
        first_events: int | None = None,
        real_time: bool = False,
    ) -> Callable[[F], F]:
        """Decorates the handler of a case.

        Args:
            name: `group/what`.
            description: one sentence.
            event: the input.
            actions: what an external system does.
            first_events: how many events are compared, where what comes after them has no order.
            real_time: whether something must happen while it waits.
        """
        self.data[name] = {
            "real_time": real_time or bool(actions),
            "description": description,
            "Input": event,
            "CallbackActions": list(actions),
            "ExpectedResult": {"ExecutionStatus": "any"},
            "first_events": first_events,
        }
        return self.meets(name)


def answers(*payloads: Any, after: float = 3, name: str = "*") -> list[dict[str, Any]]:
    """An external system that succeeds as many callbacks with these payloads."""
    return [
        {"CallbackName": name, "Operation": "success", "Payload": each, "Delay": after} for each in payloads
    ]


def refusal(after: float = 3, name: str = "*") -> dict[str, Any]:
    """An external system that refuses."""
    error = {"ErrorType": "RejectedError", "ErrorMessage": "not approved"}
    return {"CallbackName": name, "Operation": "failure", "Payload": error, "Delay": after}


def all_cases() -> dict[str, Requirement]:
    """What is started, by the name of the case."""
    found: dict[str, Requirement] = {}
    for module in map(importlib.import_module, MODULES):
        for name, data in module.FUNCTIONS.data.items():
            found[name] = Requirement(name, name.partition("/")[0], data["description"], data)
    return found
