"""The plugins of one invocation, and the calls of their hooks.

The invocation has this or None, so that one without plugins pays for a comparison. Nothing here decides
anything about the execution: hooks are told what happened, in the order in which it did.
"""

import functools
import inspect
import logging
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from datetime import UTC, datetime
from typing import Any, TypeVar

from durably.actors.frozen import frozen
from durably.actors.model import ErrorObject, Operation, OperationStatus, OperationType, OperationUpdate
from durably.workflows.errors import error_object_from
from durably.workflows.plugin import (
    DurableInstrumentationPlugin,
    DurableInstrumentationPluginFactory,
    InvocationStartInfo,
    InvocationStatus,
    OperationEndInfo,
    OperationInfo,
    PropagationInput,
    UserFunctionOutcome,
    UserFunctionStartInfo,
)
from durably.workflows.plugins import infos
from durably.workflows.plugins.changes import Changed, ChangeThread
from durably.workflows.plugins.containment import contain
from durably.workflows.plugins.infos import Called
from durably.workflows.plugins.propagation import first_trace_id
from durably.workflows.plugins.vocabulary import BASES, Vocabulary

logger = logging.getLogger("durably.workflows")

T = TypeVar("T")

HOOKS = tuple(
    name
    for name in vars(DurableInstrumentationPlugin)
    if name.startswith("on_") or name == "provide_propagation_metadata"
)


@frozen(eq=False)
class Registered:
    """A plugin: its name, the hooks that it has, and the classes that it knows."""

    name: str
    hooks: Mapping[str, Callable[[Any], Any]]
    vocabulary: Vocabulary


class InvocationPlugins:
    """What an invocation tells its plugins."""

    def __init__(
        self,
        factories: Sequence[DurableInstrumentationPluginFactory],
        start: InvocationStartInfo,
    ) -> None:
        self._factories = factories
        self._start = start
        self._plugins: list[Registered] = []  # whose on_invocation_start has been called
        self._updated = frozenset(start.updated_operations)
        self._ended: set[str] = set()  # operations whose end has been told
        self._running: dict[str, tuple[UserFunctionStartInfo, Context]] = {}  # maps and parallels
        self._changes: ChangeThread | None = None
        self._over = False
        self._now: Callable[[], float] = time.time
        self._history: Mapping[str, Operation] = {}

    def watch(self, history: Mapping[str, Operation], now: Callable[[], float]) -> None:
        """What the invocation knows of its operations, as it changes, and its clock."""
        self._history = history
        self._now = now

    # ------------------------------------------------------------------ the invocation

    def start(self) -> None:
        """Make the plugins, and tell them that the invocation begins."""
        made = [plugin for plugin in map(self._made, self._factories) if plugin is not None]
        for plugin in made:
            # First: what it has set up before it raises, only its end can undo.
            self._plugins.append(plugin)
            self._tell(plugin, "on_invocation_start", self._start)

    def _made(self, factory: DurableInstrumentationPluginFactory) -> Registered | None:
        name = type(factory).__qualname__
        try:
            plugin = factory.create_plugin(Vocabulary.of(factory).say(self._start))
            hooks = None if isinstance(plugin, type) else hooks_of(plugin)
            vocabulary = Vocabulary.of(plugin)
        except BaseException as error:
            stop = contain(error, "Plugin factory %s raised; the invocation goes on without it.", name)
            if stop is not None:
                raise stop from None
            return None
        if hooks is None:
            logger.error(
                "Plugin factory %s made %s, which is no plugin: it has none of the hooks %s. It is ignored.",
                name,
                plugin.__qualname__ if isinstance(plugin, type) else type(plugin).__qualname__,
                ", ".join(HOOKS),
            )
            return None
        return Registered(type(plugin).__qualname__, hooks, vocabulary)

    def finish(
        self, status: InvocationStatus, error: ErrorObject | None = None, result: str | None = None
    ) -> None:
        """End what still runs, and tell all plugins how the invocation ended, whatever they raise."""
        stops: list[BaseException] = []

        def carefully(call: Callable[[], None]) -> None:
            try:
                call()
            except BaseException as stop:
                stops.append(stop)

        for running in reversed(list(self._running)):
            carefully(functools.partial(self._batch_over, running, UserFunctionOutcome.INCOMPLETE, None))
        if self._changes is not None:
            carefully(self._changes.join)
        self._over = True
        operations = infos.recorded_all(self._history)
        end = infos.invocation_end(self._start, operations, status, error, result)
        for plugin in self._plugins:
            carefully(functools.partial(self._tell, plugin, "on_invocation_end", end))
        if stops:
            raise stops[0]

    # ------------------------------------------------------------------ operations

    def begins(self, start: OperationUpdate, record: Operation | None) -> None:
        """An operation begins, is tried again, or goes on from its record; before START is submitted."""
        if record is None or record.status is OperationStatus.READY:
            self._tell_all("on_operation_start", infos.starting(start, again=record is not None))
        elif record.id not in self._updated:
            self._tell_all("on_operation_start", infos.going_on(record))

    def replays(self, record: Operation) -> None:
        """Workflow code comes to an operation that was over before this invocation."""
        if record.id in self._updated and record.status.is_terminal and record.id not in self._ended:
            self._ended.add(record.id)
            self._tell_all("on_operation_end", infos.recorded(OperationEndInfo, record))

    def answered(self, sent: Sequence[str], before: Mapping[str, Operation | None]) -> None:
        """The history has taken in an answer of the service.

        Args:
            sent: the ids of the updates that it answers, in order.
            before: what each operation in it was before.
        """
        history = self._history
        changed = {
            each: history[each]
            for each, was in before.items()
            if was is None or was.status is not history[each].status
        }
        if changed and self._wants("on_operation_change"):
            self._change_thread().submit(changed)
        if not self._wants("on_operation_end"):
            return
        # One that was over before this invocation is in an answer, too, if the service has not said so.
        over = [
            record
            for record in map(history.__getitem__, before)
            if record.status.is_terminal
            and record.type is not OperationType.EXECUTION
            and record.id not in self._ended
        ]
        # A parent's end is sent after its children's. What was not sent has no children, and came before.
        position = {each: index for index, each in enumerate(sent)}
        over.sort(key=lambda record: position.get(record.id, -1))
        for record in over:
            self._ended.add(record.id)
            self._tell_all("on_operation_end", infos.recorded(OperationEndInfo, record))

    def ends_unrecorded(self, place: Called, error: ErrorObject | None, *, is_replayed: bool) -> None:
        """A context has ended that records no end."""
        info = infos.unrecorded_end(place, self._moment(), error, is_replayed=is_replayed)
        self._tell_all("on_operation_end", info)

    # ------------------------------------------------------------------ user code

    def call(
        self,
        place: Called,
        attempt: int | None,
        function: Callable[..., T],
        *args: Any,
        is_replay_children: bool = False,
    ) -> T:
        """Call user code, between its two hooks."""
        start = infos.function_start(place, self._moment(), attempt, is_replay_children=is_replay_children)
        self._tell_all("on_user_function_start", start)
        outcome = UserFunctionOutcome.INCOMPLETE
        error: ErrorObject | None = None
        try:
            result = function(*args)
        except Exception as raised:
            outcome, error = UserFunctionOutcome.FAILED, error_object_from(raised)
            raise
        else:
            outcome = UserFunctionOutcome.SUCCEEDED
            return result
        finally:
            self._function_over(start, outcome, error)

    def batch_begins(
        self, place: Called, attempt: int | None, variables: Context, *, is_replay_children: bool = False
    ) -> None:
        """A map or parallel begins its branches, which will start with a copy of `variables`."""
        start = infos.function_start(place, self._moment(), attempt, is_replay_children=is_replay_children)
        self._running[place.id] = start, variables
        variables.run(self._tell_all, "on_user_function_start", start)

    def batch_ends(self, id: str, error: Exception | None) -> None:
        """A map or parallel has decided, or failed to."""
        outcome = UserFunctionOutcome.SUCCEEDED if error is None else UserFunctionOutcome.FAILED
        self._batch_over(id, outcome, None if error is None else error_object_from(error))

    def left(self, id: str) -> None:
        """Workflow code goes on after an operation, or is unwound: what still runs of it is over."""
        if id in self._running:
            error = sys.exception()
            if isinstance(error, Exception):
                self.batch_ends(id, error)
            else:
                self._batch_over(id, UserFunctionOutcome.INCOMPLETE, None)

    def _batch_over(self, id: str, outcome: UserFunctionOutcome, error: ErrorObject | None) -> None:
        start, variables = self._running.pop(id, (None, None))
        if start is not None and variables is not None:
            variables.run(self._function_over, start, outcome, error)

    def _function_over(
        self, start: UserFunctionStartInfo, outcome: UserFunctionOutcome, error: ErrorObject | None
    ) -> None:
        self._tell_all("on_user_function_end", infos.function_end(start, self._moment(), outcome, error))

    # ------------------------------------------------------------------ invokes

    def trace_id(self, place: Called, function_name: str) -> str | None:
        """What an invoke that begins takes along."""
        assert self._start.execution_arn is not None
        info = PropagationInput(self._start.execution_arn, place.id, function_name, place.parent_id)
        name = "provide_propagation_metadata"
        return first_trace_id(
            (plugin.name, functools.partial(plugin.hooks[name], plugin.vocabulary.say(info)))
            for plugin in self._plugins
            if name in plugin.hooks
        )

    # ------------------------------------------------------------------ telling

    def _wants(self, hook: str) -> bool:
        return any(hook in plugin.hooks for plugin in self._plugins)

    def _tell_all(self, hook: str, info: OperationInfo) -> None:
        if self._over:  # said by a body that was given up
            return
        for plugin in self._plugins:
            self._tell(plugin, hook, info)

    def _tell(self, plugin: Registered, hook: str, info: Any) -> None:
        function = plugin.hooks.get(hook)
        if function is None:
            return
        try:
            function(plugin.vocabulary.say(info))
        except BaseException as error:
            stop = contain(error, "%s of plugin %s raised; ignored.", hook, plugin.name)
            if stop is not None:
                raise stop from None

    def _change_thread(self) -> ChangeThread:
        if self._changes is None:
            self._changes = ChangeThread(self._tell_changes)
        return self._changes

    def _tell_changes(self, changed: Changed) -> None:
        arn = self._start.execution_arn
        assert arn is not None
        updated = infos.recorded_all(changed)
        stop: BaseException | None = None
        for plugin in self._plugins:
            hook = plugin.hooks.get("on_operation_change")
            if hook is None:
                continue
            try:
                hook(plugin.vocabulary.change(arn, updated, self._all_operations))
            except BaseException as error:
                name = plugin.name
                stop = contain(error, "on_operation_change of plugin %s raised; ignored.", name) or stop
        if stop is not None:
            raise stop

    def _all_operations(self) -> dict[str, OperationInfo]:
        return infos.recorded_all(dict(self._history))  # in one go: the invocation's thread adds to it

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), UTC)


def hooks_of(plugin: object) -> dict[str, Callable[[Any], Any]] | None:
    """The hooks that a plugin has, without those that do nothing; None if it is no plugin."""
    found = {name: hook for name in HOOKS if callable(hook := getattr(plugin, name, None))}
    if not found:
        return None
    hooks: dict[str, Callable[[Any], Any]] = {}
    for name, hook in found.items():
        if inspect.iscoroutinefunction(hook):
            logger.error(
                "%s of plugin %s is async, and nobody would await it.", name, type(plugin).__qualname__
            )
        elif getattr(hook, "__qualname__", "") != f"{BASES[0]}.{name}":
            hooks[name] = hook
    return hooks
