"""Where in a workflow an operation stands: its identity, and what was recorded there before."""

from typing import TYPE_CHECKING, Any

from durably.actors.frozen import frozen
from durably.actors.messages import Completed, Failed, Succeeded
from durably.actors.model import (
    ErrorObject,
    Operation,
    OperationAction,
    OperationStatus,
    OperationType,
    OperationUpdate,
)
from durably.workflows.errors import operation_error_from
from durably.workflows.exceptions import DurableOperationError, NonDeterministicExecutionError
from durably.workflows.serdes import SerDes, deserialize, recordable, serialize

if TYPE_CHECKING:
    from durably.workflows.flow import Flow


@frozen(eq=False)
class Place:
    """One operation of `context`, with the record that it had when the invocation began.

    `ends_replay` says that what comes after it has never run before.
    """

    context: "Flow"
    id: str
    kind: OperationType
    sub_type: str
    name: str | None
    record: Operation | None
    ends_replay: bool = False

    @property
    def label(self) -> str:
        """What people call it."""
        return self.name or self.id

    @property
    def parent_id(self) -> str | None:
        """The id of the context that it is recorded in."""
        return self.context.parent_id

    @property
    def is_complete(self) -> bool:
        """Whether it was complete when the invocation began."""
        return self.record is not None and self.record.status.is_terminal

    def check_record(self) -> None:
        """Refuse to go on if something else was recorded here.

        Raises:
            NonDeterministicExecutionError: type, subtype, name or parent differ (empty equals absent).
        """
        record = self.record
        if record is None:
            return
        parent = self.context.parent_id
        if (
            record.type is self.kind
            and (record.sub_type or "") == self.sub_type
            and (record.name or "") == (self.name or "")
            and (record.parent_id or "") == (parent or "")
        ):
            return
        raise NonDeterministicExecutionError(
            f"Operation {self.id}: the code calls {_describe(self.kind, self.sub_type, self.name, parent)}, "
            f"but {_describe(record.type, record.sub_type, record.name, record.parent_id)} was recorded "
            "here. Workflow code must make the same calls in the same order on every run: keep what changes "
            "(time, random numbers, I/O, the version of the code) inside steps.",
            step_id=self.id,
        )

    def missing(self) -> NonDeterministicExecutionError:
        """What it is to find nothing recorded here, in a context that was recorded as complete."""
        return NonDeterministicExecutionError(
            f"Operation {self.label!r} ({self.id}) is called in a context that was recorded as complete, "
            "and in which it was not. Workflow code must make the same calls on every run.",
            step_id=self.id,
        )

    def start(self, **options: Any) -> OperationUpdate:
        """The update that starts it."""
        return OperationUpdate(
            self.id,
            self.kind,
            OperationAction.START,
            self.sub_type,
            self.name or None,
            self.context.parent_id,
            **options,
        )

    def result(
        self, completed: Completed, serdes: SerDes[Any] | None, error_class: type[DurableOperationError]
    ) -> Any:
        """What it comes to for workflow code, the same now as on every replay.

        Raises:
            DurableOperationError: of `error_class`, if it has no result.
        """
        outcome = completed.outcome
        if isinstance(outcome, Succeeded):
            return outcome.value
        if completed.operation is None:  # it is not recorded
            raise operation_error_from(error_class, outcome.error if isinstance(outcome, Failed) else None)
        return self.recorded_result(completed.operation, serdes, error_class)

    def text_of(self, value: Any, serdes: SerDes[Any] | None) -> str | None:
        """The text of a result; None stands for no payload.

        Raises:
            SerDesError: it cannot be serialized.
        """
        # Of the default serializer's errors only the wording depends on the id: there the name helps.
        shown = f"{self.name!r}, {self.id}" if serdes is None and self.name else self.id
        return serialize(serdes, value, shown, self.context.invocation.durable_execution_arn)

    def recordable(self, text: str | None) -> str | None:
        """The text that is to be recorded.

        Raises:
            SerDesError: it is larger than the service takes.
        """
        return recordable(text, f"{self.name!r}, {self.id}" if self.name else self.id)

    def recorded_result(
        self, record: Operation, serdes: SerDes[Any] | None, error_class: type[DurableOperationError]
    ) -> Any:
        """What a terminal record comes to.

        Raises:
            DurableOperationError: of `error_class`, if it has no result.
        """
        if record.status is OperationStatus.SUCCEEDED:
            if record.result is None:
                return None
            return deserialize(serdes, record.result, self.id, self.context.invocation.durable_execution_arn)
        raise operation_error_from(error_class, terminal_error(record))


def terminal_error(record: Operation) -> ErrorObject | None:
    """The error of a terminal record; one that ended otherwise than by failing gets words of its own."""
    if record.error is not None or record.status is OperationStatus.FAILED:
        return record.error
    label = record.name or record.id
    return ErrorObject(f"operation {label!r} ended as {record.status.value}")


def _describe(type: OperationType, sub_type: str | None, name: str | None, parent: str | None) -> str:
    where = f" in context {parent}" if parent else ""
    return f"{type.value}/{sub_type or '-'} {name or '(no name)'!r}{where}"
