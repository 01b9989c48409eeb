"""Errors to and from the record.

What an operation raises must be the same on its first run and on every replay, and a replay has only
the record. So a failure is always turned into an `ErrorObject` first, and what user code catches is
always rebuilt from one: `error_object_from` and `operation_error_from` are the two directions.
"""

import json

from durably.actors.model import ErrorObject
from durably.workflows.error_names import error_class_for, error_type_of
from durably.workflows.exceptions import DurableOperationError, SerDesError

LARGEST_ERROR = 32_767
"""In bytes of JSON."""
NO_ERROR_RECORDED = "Unknown error. No ErrorObject exists on the Checkpoint Operation."


def error_object_from(exception: BaseException) -> ErrorObject:
    """What is recorded of `exception`.

    An error of ours keeps its data and stack trace; of any other only type and `str()` are recorded.
    """
    if isinstance(exception, SerDesError | DurableOperationError):
        # A subclass of SerDesError is recorded as SerDesError, so that it comes back as one.
        named = SerDesError if isinstance(exception, SerDesError) else type(exception)
        stack = exception.stack_trace
        return ErrorObject(
            exception.message, error_type_of(named), exception.data, None if stack is None else tuple(stack)
        )
    try:
        message = str(exception)
    except Exception as error:  # a broken __str__ must not hide that something failed
        message = f"<str() of this {type(exception).__name__} raised {type(error).__name__}>"
    return ErrorObject(message, error_type_of(exception))


def recorded_error(exception: BaseException) -> ErrorObject:
    """What an operation records of `exception`: `error_object_from`, shortened to what the service takes.

    AWS's SDK sends a longer one all the same, and the execution fails before user code can catch it.
    """
    error = error_object_from(exception)
    if _size(error) <= LARGEST_ERROR:
        return error
    message = error.message or ""
    error = ErrorObject(message, error.type)  # data and stack trace are dropped first
    note = f"... (shortened from {len(message)} characters)"
    keep = len(message)
    while keep and _size(error) > LARGEST_ERROR:
        keep = keep * 3 // 4 if keep < 2 * LARGEST_ERROR else LARGEST_ERROR
        error = ErrorObject(message[:keep] + note, error.type)
    return error


def _size(error: ErrorObject) -> int:
    texts = (error.message, error.type, error.data, *(error.stack_trace or ()))
    if sum(len(text or "") for text in texts) < LARGEST_ERROR // 12:  # a character takes 12 bytes at most
        return 0
    return len(json.dumps(error_to_wire(error)))


def operation_error_from(
    cls: type[DurableOperationError], error: ErrorObject | None
) -> DurableOperationError | SerDesError:
    """The error that an operation of kind `cls` raises for the recorded `error`, its cause set.

    A recorded `SerDesError` comes back as one from any operation. Without a record the message says so.
    """
    if error is None:
        return cls(message=NO_ERROR_RECORDED)
    stack = None if error.stack_trace is None else list(error.stack_trace)
    raised = SerDesError if error_class_for(error.type) is SerDesError else cls
    rebuilt = raised(message=error.message, error_type=error.type, data=error.data, stack_trace=stack)
    rebuilt.__cause__ = DurableOperationError.from_error_fields(
        error.type, error.message, error.data, None if stack is None else stack.copy()
    )
    return rebuilt


error_to_wire = ErrorObject.to_dict
error_from_wire = ErrorObject.from_dict
ErrorObject.recorder = error_object_from
