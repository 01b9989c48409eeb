"""The replayer: does today's code still do what recorded executions have done?

    def test_the_orders_that_are_under_way():
        replay_all(handler, "tests/histories").check()

A durable execution lasts longer than a deployment. When new code goes on with what older code has begun,
it must make the same calls in the same order, or the execution fails. The replayer finds that out
beforehand, from histories of GetDurableExecutionHistory. It runs the handler's code between the steps, and
no step: nothing outside is touched.

Each history is replayed several times: as a whole with the code of every context, as a whole as the service
would give it, and from the end of every invocation, where the code must wait as it did then. An execution of
n invocations costs what these n invocations have cost, without their steps.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType
from durably.workflows.testing.replay_contexts import compared, held_all, opened, rebuilding
from durably.workflows.testing.replay_history import (
    HistoryError,
    HistorySource,
    RecordedHistory,
    read_history,
)
from durably.workflows.testing.replay_report import (
    Divergence,
    DivergenceKind,
    ReplayError,
    ReplayReport,
    ReplayReports,
    described,
    error_text,
    same_json,
)
from durably.workflows.testing.replay_run import End, Replay

__all__ = [
    "Divergence",
    "DivergenceKind",
    "HistoryError",
    "ReplayError",
    "ReplayReport",
    "ReplayReports",
    "replay",
    "replay_all",
]


def replay(
    handler: Callable[..., Any],
    history: HistorySource,
    *,
    name: str | None = None,
    compare_results: bool = True,
    lambda_context: Any = None,
    arn: str | None = None,
) -> ReplayReport:
    """Replay a durable handler against one recorded history.

    Args:
        handler: what `durable_execution` made.
        history: an answer of GetDurableExecutionHistory with its payloads, as boto3 gives it or as JSON; a
            list of its pages; or the path of a JSON file with either.
        name: what the report calls it; by default the file's name.
        compare_results: whether another result, of a context or the execution, is a divergence.
        lambda_context: what the handler finds as `context.lambda_context`.
        arn: the execution's ARN, if the code looks at it: histories do not have it.

    Raises:
        TypeError: `handler` is no durable handler.
        HistoryError: the history is incomplete, has no payloads, or is something else.
    """
    func = _function_of(handler)
    recorded = read_history(history, name, arn)
    found: dict[tuple[DivergenceKind, str | None], Divergence] = {}
    replays = 0
    for divergences in _Replays(func, recorded, compare_results, lambda_context):
        replays += 1
        for divergence in divergences:
            found.setdefault((divergence.kind, divergence.operation_id), divergence)
    return ReplayReport(recorded.name, tuple(found.values()), replays)


def replay_all(
    handler: Callable[..., Any],
    histories: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    compare_results: bool = True,
    lambda_context: Any = None,
) -> ReplayReports:
    """Replay a durable handler against recorded histories.

    Args:
        handler: what `durable_execution` made.
        histories: a folder, of which every `*.json` is taken, or the paths of the files.
        compare_results: as of `replay`.
        lambda_context: as of `replay`.

    Raises:
        TypeError: `handler` is no durable handler.
        HistoryError: there is none, or one cannot be replayed.
    """
    if isinstance(histories, str | os.PathLike):
        folder = Path(histories)
        paths = sorted(folder.glob("*.json")) if folder.is_dir() else [folder]
        if not paths:
            raise HistoryError(f"There is no history (*.json) in {folder}.")
    else:
        paths = [Path(path) for path in histories]
        if not paths:
            raise HistoryError("There is no history to replay: no path was given.")
    return ReplayReports(
        tuple(
            replay(handler, path, compare_results=compare_results, lambda_context=lambda_context)
            for path in paths
        )
    )


def _function_of(handler: Callable[..., Any]) -> Callable[..., Any]:
    func: Callable[..., Any] | None = getattr(handler, "_durable_function", None)
    if func is None:
        raise TypeError(f"{handler!r} is not a durable handler: decorate it with @durable_execution")
    return func


class _Replays:
    """The replays of one history, one after another."""

    def __init__(
        self, func: Callable[..., Any], history: RecordedHistory, compare_results: bool, lambda_context: Any
    ) -> None:
        self._func = func
        self._history = history
        self._compares = compare_results
        self._lambda_context = lambda_context
        self._large: set[str] = set()  # contexts whose result was too large to record

    def __iter__(self) -> Iterator[list[Divergence]]:
        history = self._history
        last = history.events[-1].number
        everything = held_all(history.operations)
        yield self._with_all_contexts(everything, last)
        yield self._to_the_end(rebuilding(everything, self._large), last)
        for event, operations in history.ends_of_invocations():
            given = held_all(operations)
            yield self._to_a_pause(rebuilding(given, self._large), event)

    def _replay(self, operations: dict[str, Operation], event: int) -> Replay:
        return Replay(self._history, operations, event, self._lambda_context)

    def _with_all_contexts(self, operations: dict[str, Operation], event: int) -> list[Divergence]:
        run = self._replay(opened(operations), event)
        end = run.run(self._func)
        self._large.update(each.id for each in run.ended.values() if each.replay_children)
        found = list(run.divergences)
        if self._compares and not found:
            found += compared(self._history, run, event)
            found += self._compared_end(end, event, found)
        return found

    def _to_the_end(self, operations: dict[str, Operation], event: int) -> list[Divergence]:
        run = self._replay(operations, event)
        end = run.run(self._func)
        return list(run.divergences) or self._compared_end(end, event, run.divergences)

    def _to_a_pause(self, operations: dict[str, Operation], event: int) -> list[Divergence]:
        run = self._replay(operations, event)
        end = run.run(self._func)
        awaited = None if end.is_suspended or run.divergences else self._awaited(operations)
        if awaited is None:
            return list(run.divergences)
        early = DivergenceKind.ENDS_EARLY
        text = f"it waits for {described(awaited)}"
        return [Divergence(early, awaited.id, awaited.name, text, str(end), None, event)]

    def _awaited(self, operations: dict[str, Operation]) -> Operation | None:
        """What the recorded code was waiting for, if it was: it was complete before the code went on."""
        for operation in operations.values():
            if operation.status.is_terminal or operation.type is OperationType.CONTEXT:
                continue
            parent = operations.get(operation.parent_id or "")
            after = self._history.operations[operation.id]
            if after.status.is_terminal and (parent is None or not parent.status.is_terminal):
                return operation
        return None

    def _has_open_step(self) -> bool:
        operations = self._history.operations.values()
        return any(each.type is OperationType.STEP and not each.status.is_terminal for each in operations)

    def _compared_end(self, end: End, event: int, found: list[Divergence]) -> list[Divergence]:
        execution = self._history.execution
        if not self._history.is_decided or found:
            return []
        if execution.status is OperationStatus.SUCCEEDED:
            same = end.result is not None and same_json(end.result, execution.result)
            recorded = f"it returned {execution.result}"
        else:
            if end.is_suspended and self._has_open_step():
                return []  # what failed the execution may have come out of that step
            same = _same_error(execution.error, end)
            recorded = f"it raised {error_text(execution.error)}"
        if same or not (self._compares or end.is_suspended):
            return []
        return [Divergence(DivergenceKind.RESULT, None, None, recorded, str(end), None, event)]


def _same_error(recorded: ErrorObject | None, end: End) -> bool:
    now = end.error
    if now is None or recorded is None:
        return now is not None
    return recorded.type == now.type and (end.in_our_words or recorded.message == now.message)
