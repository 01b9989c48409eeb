"""What `map` and `parallel` share: branches, their results, and the decision when it is enough."""

import contextvars
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from durably.actors.actor import Ref
from durably.actors.concurrency import (
    Branch,
    BranchStatus,
    CompletionReason,
    ConcurrencyActor,
    Decision,
    Limits,
)
from durably.actors.frozen import frozen
from durably.actors.messages import Begin, BranchDone, Failed, Outcome, Raised, Succeeded
from durably.actors.model import Operation, OperationStatus, OperationType
from durably.actors.spec import Kind, Spec
from durably.actors.task import Scope, Task
from durably.workflows.completion import (
    BatchItemStatus,
    CompletionConfig,
)
from durably.workflows.concurrency.completion_record import read_completion_record, write_completion_record
from durably.workflows.concurrency.models import BatchItem, BatchResult, infer_completion_reason
from durably.workflows.exceptions import (
    ChildContextError,
    ExecutionError,
    NonDeterministicExecutionError,
)
from durably.workflows.identity import operation_id
from durably.workflows.operations.child import rebuilt, refuse_recorded
from durably.workflows.operations.code import LARGEST_RESULT, ContextCode, outcome_of
from durably.workflows.operations.place import Place, terminal_error
from durably.workflows.operations.planned import Planned
from durably.workflows.operations.predicate import ask
from durably.workflows.serdes import SerDes, deserialize
from durably.workflows.types import SummaryGenerator

if TYPE_CHECKING:
    from durably.workflows.context import DurableContext
    from durably.workflows.plugins.invocation import InvocationPlugins

R = TypeVar("R")


@frozen(eq=False)
class Batch:
    """A map or parallel: its place, its branches by index, and how it was configured.

    `run(context, index)` is the branch's code, `given_name(index)` the name that the user gave it, if any.
    """

    place: Place
    context: "DurableContext"  # the one that branches belong to
    size: int
    run: Callable[["DurableContext", int], Any]
    given_name: Callable[[int], str | None]
    name_prefix: str
    branch_sub_type: str
    result_type: str
    max_concurrency: int | None
    completion: CompletionConfig
    serdes: SerDes[Any] | None
    item_serdes: Sequence[SerDes[Any] | None]  # by index
    summary_generator: SummaryGenerator[Any] | None
    flat: bool
    scope: Scope  # of the map itself
    variables: contextvars.Context = attrs.field(factory=contextvars.copy_context)
    broken: Exception | None = None  # raised where branches were named
    unrecorded: dict[int, Task] = attrs.field(factory=dict[int, Task])  # by index: no operation ends them

    @property
    def _plugins(self) -> "InvocationPlugins | None":
        return self.place.context.invocation.plugins

    # ------------------------------------------------------------------ as a whole

    def planned(self) -> Planned[BatchResult[Any]]:
        """What is to happen: nothing, if it is complete, but reading or rebuilding the result.

        Raises (the operation):
            ChildContextError: the result, the summary or the predicate failed.
        """
        place = self.place
        record = place.record
        if record is not None and record.status is OperationStatus.SUCCEEDED and record.replay_children:
            return Planned(place, ChildContextError, read=lambda _completed: self._rebuilt(record))
        if place.is_complete:
            return Planned(place, ChildContextError, self.serdes)

        branches = self._branches()

        def concurrency_for(operation: Ref) -> Ref:
            if self._plugins is not None:
                self._plugins.batch_begins(place, 1 if record is None else None, self.variables)
            return ConcurrencyActor(
                place.context.invocation.system,
                place.label,
                operation,
                self._limits(),
                branches,
                self._begin,
                self._conclude,
                self._stop,
            ).ref

        spec = Spec(Kind.MAP, place.start(), concurrency=concurrency_for)
        return Planned(place, ChildContextError, self.serdes, spec)

    def _limits(self) -> Limits:
        config = self.completion
        if self.broken is not None:
            return Limits(custom=self._raise_broken)
        return Limits(
            self.max_concurrency,
            config.min_successful,
            config.tolerated_failure_count,
            config.tolerated_failure_percentage,
            self._ask_predicate if config.should_complete is not None else None,
        )

    def _raise_broken(self, *_progress: object) -> CompletionReason | None:
        assert self.broken is not None
        raise self.broken

    def _ask_predicate(
        self, succeeded: int, failed: int, branches: Sequence[Branch]
    ) -> CompletionReason | None:
        assert self.completion.should_complete is not None
        return ask(
            self.completion.should_complete, succeeded, failed, branches, self.given_name, self.place.label
        )

    # ------------------------------------------------------------------ branches

    def _branches(self) -> list[Branch]:
        """One for each input; what was recorded as complete counts as that."""
        if self.place.record is None:
            return [Branch() for _ in range(self.size)]
        snapshot = self.place.context.invocation.snapshot
        branches: list[Branch] = []
        for index in range(self.size):
            record = snapshot.get(operation_id(self.place.id, index))
            branch = Branch(record)
            if record is not None and record.status.is_terminal and not record.replay_children:
                self._branch_place(index).check_record()
                succeeded = record.status is OperationStatus.SUCCEEDED
                branch.status = BranchStatus.SUCCEEDED if succeeded else BranchStatus.FAILED
            branches.append(branch)
        return branches

    def _branch_place(self, index: int) -> Place:
        given = self.given_name(index)
        name = f"{self.name_prefix}{index}" if given is None else given
        own_id = operation_id(self.place.id, index)
        record = self.context.invocation.snapshot.get(own_id)
        return Place(self.context, own_id, OperationType.CONTEXT, self.branch_sub_type, name, record)

    def _begin(self, concurrency: Ref, index: int) -> None:
        """Let a branch begin; a branch that is recorded as complete only rebuilds its large result."""
        place = self._branch_place(index)
        invocation = place.context.invocation
        record = place.record

        def done(outcome: Outcome | None) -> None:
            self.unrecorded.pop(index, None)
            if outcome is not None:
                concurrency.tell(BranchDone(index, outcome))

        if record is not None:
            try:
                place.check_record()
                if self.flat:
                    refuse_recorded(place)
            except ExecutionError as error:
                done(Raised(error))
                return
        if self.flat or (record is not None and record.status.is_terminal):
            code = BranchCode(self, place, index, replayed=not self.flat)
            task = self.unrecorded[index] = code.task(done)
            invocation.system.spawn_task(task)
            return
        code = BranchCode(self, place, index)
        spec = Spec(Kind.CONTEXT, place.start(), task=code.task, branch=(concurrency, index))
        invocation.operation(spec).tell(Begin(None, record))

    def _stop(self) -> None:
        """The map or parallel is over, whatever its branches are parked on."""
        for task in self.unrecorded.values():
            self.context.invocation.unwind(task)

    # ------------------------------------------------------------------ results

    def _conclude(self, decision: Decision | Exception) -> Outcome:
        """What the operation records of the decision."""
        if self._plugins is not None:
            self._plugins.batch_ends(self.place.id, decision if isinstance(decision, Exception) else None)
        try:
            if isinstance(decision, Exception):
                raise decision
            items = [
                self._item(index, branch)
                for index, branch in enumerate(decision.branches)
                if branch.status is not BranchStatus.UNSTARTED
            ]
            return self._recorded(BatchResult(items, decision.reason))
        except Exception as error:
            return outcome_of(error)

    def _item(self, index: int, branch: Branch) -> BatchItem[Any]:
        if branch.status is BranchStatus.STARTED:
            return BatchItem(index, BatchItemStatus.STARTED)
        if isinstance(branch.outcome, Succeeded):
            return BatchItem(index, BatchItemStatus.SUCCEEDED, branch.outcome.value)
        if isinstance(branch.outcome, Failed):
            return BatchItem(index, BatchItemStatus.FAILED, None, branch.outcome.error)
        assert branch.record is not None
        return self._recorded_item(index, branch.record)

    def _recorded_item(self, index: int, record: Operation) -> BatchItem[Any]:
        if record.status is not OperationStatus.SUCCEEDED:
            return BatchItem(index, BatchItemStatus.FAILED, None, terminal_error(record))
        value = None
        if record.result is not None:
            arn = self.place.context.invocation.durable_execution_arn
            value = deserialize(self.item_serdes[index], record.result, record.id, arn)
        return BatchItem(index, BatchItemStatus.SUCCEEDED, value)

    def _recorded(self, result: BatchResult[Any]) -> Succeeded:
        place, arn = self.place, self.place.context.invocation.durable_execution_arn
        text = place.text_of(result, self.serdes)
        if self.serdes is None and all(each is None for each in self.item_serdes):
            back: Any = result  # each item has been read back already, and the default serializer keeps it
        else:
            back = None if text is None else deserialize(self.serdes, text, place.id, arn)
        if text is None or len(text) <= LARGEST_RESULT:
            return Succeeded(text, back)
        summary = self.summary_generator(result) if self.summary_generator else None
        return Succeeded(
            place.recordable(write_completion_record(result, self.result_type, summary)), back, True
        )

    def _rebuilt(self, record: Operation) -> BatchResult[Any]:
        """A large result, from its branches' records and the decision that was recorded with it."""
        plugins = self._plugins
        if plugins is None:
            return self._rebuilt_from(record)
        result = plugins.call(self.place, None, self._rebuilt_from, record, is_replay_children=True)
        plugins.ends_unrecorded(self.place, None, is_replayed=True)
        return result

    def _rebuilt_from(self, record: Operation) -> BatchResult[Any]:
        decision = read_completion_record(record.result)
        total = self.size if decision is None else min(decision.started_total, self.size)
        items: list[BatchItem[Any]] = []
        for index in range(total):
            if decision is not None and decision.was_unfinished(index):
                items.append(BatchItem(index, BatchItemStatus.STARTED))
            else:
                items.append(self._rebuilt_item(index, decided=decision is not None))
        if decision is None:
            return BatchResult(items, infer_completion_reason(items, total, self.completion))
        return BatchResult(items, decision.completion_reason)

    def _rebuilt_item(self, index: int, *, decided: bool) -> BatchItem[Any]:
        place = self._branch_place(index)
        place.check_record()
        record = place.record
        if self.flat:
            refuse_recorded(place)
        else:
            if record is None or not record.status.is_terminal:
                if not decided:
                    return BatchItem(index, BatchItemStatus.STARTED)
                raise NonDeterministicExecutionError(
                    f"Branch {place.label!r} ({place.id}) was complete when its batch was, but has no such "
                    "record. Do not change nesting_type while executions are under way.",
                    step_id=place.id,
                )
            if not record.replay_children:
                return self._recorded_item(index, record)
        outcome = rebuilt(BranchCode(self, place, index, replayed=True)).outcome
        if isinstance(outcome, Failed):
            return BatchItem(index, BatchItemStatus.FAILED, None, outcome.error)
        assert isinstance(outcome, Succeeded)
        return BatchItem(index, BatchItemStatus.SUCCEEDED, outcome.value)


class BranchCode(ContextCode):
    """The code of one branch."""

    __slots__ = ("_batch", "_index")

    def __init__(self, batch: Batch, place: Place, index: int, *, replayed: bool = False) -> None:
        super().__init__(
            place,
            batch.scope,
            None,
            batch.item_serdes[index],
            virtual=batch.flat,
            replayed=replayed,
            variables=batch.variables,
        )
        self._batch = batch
        self._index = index

    def call(self, context: "DurableContext") -> Any:
        """Run the branch."""
        return self._batch.run(context, self._index)
