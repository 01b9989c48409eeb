"""`context.wait`: time passes, and no invocation need run meanwhile."""

from typing import TYPE_CHECKING

from durably.actors.model import OperationSubType, OperationType
from durably.actors.spec import Kind, Spec
from durably.workflows._validation import LONGEST_WAIT, check_type, name_of
from durably.workflows.config import Duration
from durably.workflows.exceptions import DurableOperationError, ValidationError
from durably.workflows.operations.planned import Planned

if TYPE_CHECKING:
    from durably.workflows.flow import Flow


def wait(context: "Flow", duration: Duration, name: str | None, *, deferred: bool = False) -> Planned[None]:
    """What `context.wait` comes to.

    Raises (the operation):
        DurableOperationError: the service ended the wait otherwise.
    """
    check_type("duration", duration, Duration)
    seconds = duration.to_seconds()
    if not 1 <= seconds <= LONGEST_WAIT:
        raise ValidationError(
            f"duration must be at least 1 second and at most {LONGEST_WAIT} s (366 days), got {seconds} s"
        )
    place = context.enter(OperationType.WAIT, OperationSubType.WAIT, name_of(name), deferred=deferred)
    if place.is_complete:
        return Planned(place, DurableOperationError)
    return Planned(place, DurableOperationError, None, Spec(Kind.WAIT, place.start(wait_seconds=seconds)))
