"""The world outside: who answers callbacks, and what invoked functions come to, whenever it may be."""

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.actors.simulation import Choice, ChoiceKind
from durably.workflows.errors import error_object_from
from durably.workflows.local import callbacks
from durably.workflows.local.memory import MemoryExecution

Answers = Mapping[str, Any]
"""By the name of a callback, or of the `wait_for_callback` that has made it, what it is answered.

Text is sent as it is, any other JSON value as its JSON; an exception or an `ErrorObject` is a failure. A
callable is called with the callback's name when it is answered, and its result, or what it raises, counts.
"""

Functions = Mapping[str, Any]
"""By the name of a function, what it comes to: a JSON value, an exception or an `ErrorObject`; or a callable
of the decoded payload that gives one of these."""

MOST_HEARTBEATS = 2
"""In one run, for each callback."""


class Outside:
    """What others than the invocation do to an execution."""

    def __init__(self, service: MemoryExecution, answers: Answers, functions: Functions | None) -> None:
        self._service = service
        self._answers = answers
        self._functions = functions or {}
        self.is_anybody_there = bool(answers or functions)
        """False if nothing ever comes from outside."""
        self._beats: Counter[str] = Counter()
        self._alive: dict[str, datetime] = {}

    def what_is_left(self) -> object:
        """A value: what it remembers."""
        return frozenset(self._beats.items()), frozenset(self._alive.items())

    def choices(self) -> list[Choice]:
        """What could come now."""
        if not self.is_anybody_there:
            return []
        found: list[Choice] = []
        for operation in self._waiting():
            name = self.name(operation)
            if operation.type is OperationType.CHAINED_INVOKE:
                function = self._function(operation)
                if function in self._functions:
                    found.append(self._choice(f"function {function}", "ends", operation, self._end))
            elif name in self._answers:
                who = f"callback {name}"
                found.append(self._choice(who, "is answered", operation, self._answer))
                if self._has_heartbeat(operation) and self._beats[operation.id] < MOST_HEARTBEATS:
                    found.append(self._choice(who, "is given a heartbeat", operation, self._beat))
        return found

    def promised_until(self) -> datetime | None:
        """The first moment at which a callback would time out that is to be answered."""
        if not self._answers:
            return None
        moments = [
            timeouts[0][0]
            for operation in self._waiting()
            if self.name(operation) in self._answers and (timeouts := self._timeouts(operation))
        ]
        return min(moments, default=None)

    def name(self, operation: Operation) -> str:
        """What a callback is called in `answers`; anything else by its own name."""
        name = operation.name or operation.id
        if operation.name in self._answers or operation.parent_id is None:
            return name
        parent = self._service.operations[operation.parent_id]
        return parent.name or name if parent.sub_type == "WaitForCallback" else name

    def described(self) -> str:
        """What it waits for that nobody is going to do, and what to say if somebody is."""
        parts = [
            f"callback {self.name(each)!r}, which nobody answers: say simulate(..., answers={{...}})"
            + _others(self._answers)
            if each.type is OperationType.CALLBACK
            else f"function {self._function(each)!r}, which never ends: say simulate(..., functions={{...}})"
            + _others(self._functions)
            for each in self._waiting()
        ]
        return "; ".join(parts) or "nothing"

    # ------------------------------------------------------------------ how it does it

    def _waiting(self) -> list[Operation]:
        """The callbacks and invokes that have no outcome."""
        service = self._service
        waiting = [service.operations[key] for key in service.execution.requests]
        return [each for each in waiting if each.status is OperationStatus.STARTED]

    def _choice(
        self, who: str, what: str, operation: Operation, happen: Callable[[Operation], None]
    ) -> Choice:
        """Each of them is somebody of their own, and may be as late as any other."""
        return Choice(ChoiceKind.OUTSIDE, f"{who} {what}", who, lambda: happen(operation))

    def _answer(self, operation: Operation) -> None:
        name = self.name(operation)
        text, error = _outcome(self._answers[name], name, as_text=True)
        status = OperationStatus.SUCCEEDED if error is None else OperationStatus.FAILED
        self._service.execution.settle(operation.id, status, text, error)

    def _beat(self, operation: Operation) -> None:
        self._beats[operation.id] += 1
        self._alive[operation.id] = self._service.clock.now()
        self._service.execution.heartbeat(operation.id)

    def _end(self, operation: Operation) -> None:
        request = self._service.execution.requests[operation.id]
        payload = json.loads(request.payload) if request.payload else None
        text, error = _outcome(self._functions[self._function(operation)], payload, as_text=False)
        self._service.complete_invoke(operation.id, text, error)

    def _function(self, operation: Operation) -> str:
        """The bare name, without ARN and qualifier."""
        request = self._service.execution.requests.get(operation.id)
        given = (request.function_name if request is not None else None) or ""
        if given in self._functions:
            return given
        parts = given.split(":")
        named = parts[6:7] if given.startswith("arn:") else parts[:1]
        return named[0] if named else given

    def _timeouts(self, operation: Operation) -> list[tuple[datetime, ErrorObject]]:
        if operation.type is not OperationType.CALLBACK:
            return []
        request = self._service.execution.requests.get(operation.id)
        return callbacks.timeouts(operation, request, self._alive.get(operation.id))

    def _has_heartbeat(self, operation: Operation) -> bool:
        request = self._service.execution.requests.get(operation.id)
        return request is not None and bool(request.heartbeat_timeout_seconds)


def _others(known: Mapping[str, Any]) -> str:
    """What is there instead, for whoever has mistyped a name."""
    return f" (so far for: {', '.join(map(repr, known))})" if known else ""


def _outcome(given: Any, argument: Any, *, as_text: bool) -> tuple[str | None, ErrorObject | None]:
    """What somebody says, as text or as an error."""
    if callable(given) and not isinstance(given, type):
        try:
            given = given(argument)
        except Exception as error:
            given = error
    if isinstance(given, type) and issubclass(given, Exception):
        given = given()
    if isinstance(given, Exception):
        return None, error_object_from(given)
    if isinstance(given, ErrorObject):
        return None, given
    if as_text and (given is None or isinstance(given, str)):
        return given, None
    return json.dumps(given), None
