"""The actor system of one invocation: it makes actors and tasks, is their stage, and ends them.

Made at the start of an invocation and gone at its end; nothing in it is shared with another one.
"""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import pykka

from durably.actors.actor import Actor, Ref
from durably.actors.dispatcher import Dispatcher
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Ending, Message, Resumption
from durably.actors.stage import Timer
from durably.actors.task import Task, TaskState

P = ParamSpec("P")
A = TypeVar("A", bound=Actor)


class ActorFailedError(Exception):
    """An actor raised, which only a fault in it can cause; the invocation ends with this."""


class ActorSystem:
    """The stage that actors and tasks play on.

    Args:
        dispatcher: what runs next; by default a hub on the calling thread, which must then also `run()`.
    """

    def __init__(self, dispatcher: Dispatcher | None = None) -> None:
        self.dispatcher = dispatcher or HubDispatcher()
        self.supervisor: Ref | None = None
        self.over = False
        self.ending: Ending | None = None
        self.tasks: dict[int, Task] = {}
        self._stoppable: list[Actor] = []
        self._failure: ActorFailedError | None = None
        self.clock = self.dispatcher.clock
        # The stage's methods that the dispatcher answers: bound here, since they are called most.
        self.post = self.dispatcher.post
        self.time = self.clock.time
        self.work = self.dispatcher.work
        self.drop = self.dispatcher.drop
        self.want_flush = self.dispatcher.want_flush
        self.when_idle = self.dispatcher.when_idle
        self.is_still = self.dispatcher.is_still
        self.due_within = self.dispatcher.due_within

    # ------------------------------------------------------------------ actors

    def spawn(
        self, actor_class: "Callable[Concatenate[ActorSystem, P], A]", *args: P.args, **kwargs: P.kwargs
    ) -> Ref:
        """Make and start an actor on this system; `args` follow the stage in its `__init__`."""
        actor = actor_class(self, *args, **kwargs)
        if type(actor).on_stop is not pykka.Actor.on_stop:
            self._stoppable.append(actor)
        return actor.begin()

    def timer(self, delay: float, reply_to: Ref, message: Message, *, needs_company: bool = False) -> Timer:
        return self.dispatcher.timer(delay, reply_to, message, needs_company=needs_company)

    # ------------------------------------------------------------------ tasks

    def spawn_task(self, task: Task) -> None:
        self.tasks[id(task)] = task
        task.on_end = self._task_ended
        task.state = TaskState.RUNNABLE
        self.dispatcher.ready(task)

    def resume(self, task: Task, ticket: int, how: Resumption) -> None:
        if task.answer(ticket, how):
            self.dispatcher.ready(task)

    def parked(self) -> list[Task]:
        """The tasks that wait for something."""
        return [task for task in self.tasks.values() if task.state is TaskState.PARKED]

    def _task_ended(self, task: Task) -> None:
        self.tasks.pop(id(task), None)

    # ------------------------------------------------------------------ the end

    def end(self, ending: Ending) -> None:
        self.ending = ending
        self.over = True

    def on_actor_failed(self, actor: Actor, error: Exception) -> None:
        self._failure = ActorFailedError(f"{actor.actor_urn} failed: {error!r}")
        self._failure.__cause__ = error
        self.over = True

    def forget_tasks(self) -> list[Task]:
        forgotten = list(self.tasks.values())
        self.tasks.clear()
        return forgotten

    def run(self) -> Ending | None:
        """Go on until the end.

        Returns:
            The supervisor's decision; None for a system without one, whose end is that all is still.

        Raises:
            ActorFailedError: an actor raised.
            BaseException: what a step body or workflow code raised that is no `Exception`.
        """
        self.dispatcher.run(self)
        if self._failure is not None:
            raise self._failure
        return self.ending

    def close(self, timeout: float | None = None) -> list[str]:
        """Unwind what is parked, stop everything; call it however `run()` ended.

        Args:
            timeout: seconds to wait for bodies that still run; None waits for ever.

        Returns:
            The names of jobs that still ran after that.
        """
        self.dispatcher.shut()
        try:
            self._unwind()
        finally:
            for actor in self._stoppable:
                actor.halt()
            left = self.dispatcher.close(timeout)
            self.supervisor = None  # no cycle
        return left

    def _unwind(self) -> None:
        """End all workflow code that has begun, deepest first. What it raises meanwhile comes out last."""
        raised: BaseException | None = None
        for task in sorted(self.tasks.values(), key=lambda task: -task.depth):
            if task.unwind():
                try:
                    task.run()
                except BaseException as error:
                    raised = error
        self.tasks.clear()
        if raised is not None:
            raise raised
