"""`context.wait`: time passes, and no invocation need run meanwhile."""

from durably.actors.spec import Kind, Spec
from durably.workflows.exceptions import DurableOperationError
from durably.workflows.operations.place import Place


def wait(place: Place, seconds: int) -> None:
    """Suspend until the wait is over.

    Raises:
        DurableOperationError: the service ended the wait otherwise.
    """
    record = place.record
    if record is not None and record.status.is_terminal:
        place.recorded_result(record, None, DurableOperationError)
        return
    context = place.context
    spec = Spec(Kind.WAIT, place.start(wait_seconds=seconds))
    completed = context.invocation.run(context.task, spec, record)
    place.result(completed, None, DurableOperationError)
