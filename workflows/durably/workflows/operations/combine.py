"""`context.all`, `all_settled`, `any` and `race`: several futures as one answer, the same on every replay.

What is recorded is not the answer but which future gave it: a step whose result is that future's index, or
null if it took them all. The futures' own results are recorded already.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from durably.actors.messages import Succeeded
from durably.actors.model import OperationType
from durably.actors.spec import Kind, Spec
from durably.workflows._validation import check_sequence, name_of
from durably.workflows.exceptions import NonDeterministicExecutionError, StepError, ValidationError
from durably.workflows.futures import Arrivals, DurableFuture
from durably.workflows.operations.code import ends_more
from durably.workflows.operations.place import Place
from durably.workflows.operations.planned import Planned
from durably.workflows.serdes import DEFAULT_JSON_SERDES

if TYPE_CHECKING:
    from durably.workflows.flow import Flow

T = TypeVar("T")

Futures = Sequence[DurableFuture[T]]


@dataclass(frozen=True)
class Settled(Generic[T]):
    """How one future ended: with a `value`, or with an `error`."""

    value: T | None = None
    error: Exception | None = None

    @property
    def ok(self) -> bool:
        """True if it has a value."""
        return self.error is None

    def result(self) -> T:
        """The value.

        Raises:
            Exception: the error.
        """
        if self.error is not None:
            raise self.error
        return cast(T, self.value)


def all_of(context: "Flow", futures: Futures[T], name: str | None) -> list[T]:
    """The values of all; the error of the first that fails."""
    futures = _given(futures)
    failed = _decided(context, "All", futures, name, lambda future: not _settled(future).ok)
    if failed is not None:
        futures[failed].result()
    return [future.result() for future in futures]


def all_settled(context: "Flow", futures: Futures[T], name: str | None) -> list[Settled[T]]:
    """How each of them ended."""
    futures = _given(futures)
    _decided(context, "AllSettled", futures, name, lambda _future: False)
    return [_settled(future) for future in futures]


def any_of(context: "Flow", futures: Futures[T], name: str | None) -> T:
    """The value of the first that has one."""
    futures = _given(futures, "any")
    first = _decided(context, "Any", futures, name, lambda future: _settled(future).ok)
    if first is not None:
        return futures[first].result()
    errors = [settled.error for settled in map(_settled, futures) if settled.error is not None]
    raise ExceptionGroup(f"all {len(futures)} futures failed", errors)


def race(context: "Flow", futures: Futures[T], name: str | None) -> T:
    """What the first that ends comes to."""
    futures = _given(futures, "race")
    first = _decided(context, "Race", futures, name, lambda _future: True)
    assert first is not None
    return futures[first].result()


def _settled(future: DurableFuture[T]) -> Settled[T]:
    try:
        return Settled(future.result())
    except Exception as error:
        if ends_more(error):
            raise
        return Settled(None, error)


def _given(futures: Futures[T], never_ends: str | None = None) -> Futures[T]:
    """A copy, since the user's own may change while they are awaited; at least one if `never_ends` of none.

    Raises:
        ValidationError: they are no futures.
        ExecutionError: one may not be awaited here.
    """
    check_sequence("futures", futures)
    if not futures and never_ends is not None:
        raise ValidationError(f"futures must not be empty: {never_ends} of nothing never ends")
    for index, future in enumerate(futures):
        if not isinstance(cast(object, future), DurableFuture):
            raise ValidationError(
                f"futures[{index}] must be a DurableFuture, as the methods of context.deferred give, "
                f"got: {future!r}"
            )
    for future in futures:
        future.awaiting_task()
    return tuple(futures)


def _decided(
    context: "Flow",
    sub_type: str,
    futures: Futures[Any],
    name: str | None,
    decides: Callable[[DurableFuture[Any]], bool],
) -> int | None:
    """The index of the first future that `decides`, in the order in which they end; None if none does."""
    place = context.enter(OperationType.STEP, sub_type, name_of(name))
    if place.is_complete:
        recorded: Planned[int | None] = Planned(place, StepError, DEFAULT_JSON_SERDES)
        return _checked(place, recorded.run(), len(futures))
    arrivals = Arrivals(futures, context.task, place.label)
    first = None
    for _ in futures:
        arrived = arrivals.next()
        if decides(futures[arrived]):
            first = arrived
            break
    decision = Spec(Kind.STEP, place.start(), outcome=Succeeded(json.dumps(first), first))
    decided: Planned[int | None] = Planned(place, StepError, DEFAULT_JSON_SERDES, decision)
    return decided.run()


def _checked(place: Place, index: int | None, count: int) -> int | None:
    if index is None or 0 <= index < count:
        return index
    raise NonDeterministicExecutionError(
        f"{place.sub_type} {place.label!r} ({place.id}) was decided by future {index}, but is now "
        f"called with {count} of them. Workflow code must make the same calls on every run.",
        step_id=place.id,
    )
