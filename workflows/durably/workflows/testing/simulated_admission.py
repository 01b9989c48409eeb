"""How many branches of a map or parallel may be under way, and in which order: a part of the invariants."""

from collections.abc import Callable

import attrs

from durably.actors.actor import Ref
from durably.actors.concurrency import ConcurrencyActor, Limits
from durably.actors.operation import OperationActor
from durably.workflows.testing.invariant import InvariantError
from durably.workflows.testing.onlooking import peek


@attrs.define
class _Admission:
    """What is known of one map or parallel."""

    unfinished: int = 0
    last: int = -1
    is_over: bool = False


class Admissions:
    """Within one invocation."""

    def __init__(self) -> None:
        self._of: dict[Ref, _Admission] = {}

    def go(self, actor: ConcurrencyActor) -> None:
        """It begins, and from here on each of its branches is counted.

        Raises:
            InvariantError: later, where it begins a branch: bounded-admission.
        """
        limits: Limits = peek(actor, "_limits")
        begin: Callable[[Ref, int], None] = peek(actor, "_begin")
        admission = self._of[actor.ref] = _Admission()
        name = actor.actor_urn

        def counted(me: Ref, index: int) -> None:
            if index <= admission.last:
                what = f"{name}: branch {index} begins after branch {admission.last}"
                raise InvariantError("bounded-admission", what)
            if admission.is_over:
                raise InvariantError("bounded-admission", f"{name}: branch {index} begins after the end")
            admission.last = index
            admission.unfinished += 1
            most = limits.max_concurrency
            if most is not None and admission.unfinished > most:
                what = f"{name}: {admission.unfinished} branches are unfinished, and {most} may be"
                raise InvariantError("bounded-admission", what)
            begin(me, index)

        setattr(actor, "_begin", counted)  # noqa: B010  # an onlooker of its own kind

    def branch_done(self, actor: ConcurrencyActor) -> None:
        """One of its branches has finished."""
        self._of[actor.ref].unfinished -= 1

    def over(self, actor: ConcurrencyActor) -> None:
        """It is told to stop."""
        admission = self._of.get(actor.ref)
        if admission is not None:
            admission.is_over = True

    def map_done(self, operation: OperationActor) -> None:
        """Its operation is told what it came to."""
        concurrency: Ref | None = peek(operation, "_concurrency")
        admission = None if concurrency is None else self._of.get(concurrency)
        if admission is not None:
            admission.is_over = True
