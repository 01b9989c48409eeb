"""`SimulatedDispatcher`: stands where production's hub stands, and leaves every order to the scheduler.

What could come next, with actors and bodies on threads of their own, is a choice: which actor with mail
handles its next message, which runnable task goes on, when a body ends, when the service handles a call and
when its answer arrives, which timer fires. What the hub tells only when there is nothing better to do
(`Flush`, idle messages, `Quiet`) is a choice only then.
"""

import functools
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from durably.actors.actor import Actor, Mail, refuse_question
from durably.actors.clock import Clock
from durably.actors.dispatcher import Runtime
from durably.actors.messages import CooldownElapsed, Flush, Message, Quiet
from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.footprints import Letter, ReadClock
from durably.actors.simulation.scheduler import Scheduler
from durably.actors.stage import Job, JobKind, JobState, Timer
from durably.actors.task import Task
from durably.actors.workers import Completion, perform, settle

if TYPE_CHECKING:
    from durably.actors.actor import Ref


class StuckError(Exception):
    """Nothing can happen any more, and the system has not ended."""


class CrashError(BaseException):
    """The process dies here: nothing of it goes on, not even a `finally`."""


Faults = Callable[[Job], list[tuple[str, Callable[[], None]]]]
"""What may go wrong with a call: a name for it, and what to do just before the service handles it."""


class SimulatedDispatcher:
    """See the module.

    Args:
        scheduler: takes the choices.
        clock: virtual; timers move it.
        faults: what may go wrong with a call.
        outside: further choices of the world's: an answer from outside, say.
        may_crash: tells whether the process may die now.
        moved: called when time has passed.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Clock,
        *,
        faults: Faults | None = None,
        outside: Callable[[], list[Choice]] | None = None,
        may_crash: Callable[[], bool] | None = None,
        moved: Callable[[], None] | None = None,
    ) -> None:
        self._footprints = footprints = scheduler.footprints
        self.clock = clock if footprints is None else ReadClock(clock, footprints)
        self._scheduler = scheduler
        scheduler.time, scheduler.current = clock.time, "the world"
        self._observers = scheduler.observers
        for observer in self._observers:
            observer.begun()
        self._faults = faults
        self._outside = outside
        self._may_crash = may_crash
        self._moved = moved
        self._boxes: dict[Actor, deque[Letter]] = {}
        self._runnable: list[Task] = []
        self._jobs: list[Job] = []
        self._answers: list[Completion] = []
        self._timers: list[Timer] = []
        self._idle: deque[tuple[Ref, Message]] = deque()
        self._flush: Ref | None = None
        self._still = False
        self._stillness = 0
        self._shut = False
        self.dead: list[Task] = []
        """The tasks of a process that has died. Whoever keeps them keeps their `finally` from running."""

    # ------------------------------------------------------------------ what the system asks for

    def post(self, actor: Actor, mail: Mail) -> None:
        if self._shut:
            refuse_question(mail)
        else:
            letter = Letter(actor, mail, self._scheduler.current)
            self._boxes.setdefault(actor, deque()).append(letter)
            if self._footprints is not None:
                self._footprints.posted(letter)
            if self._observers:
                self._sent("", actor.actor_urn, actor, letter.message)

    def timer(self, delay: float, reply_to: "Ref", message: Message, *, needs_company: bool) -> Timer:
        timer = Timer(self.clock.monotonic() + delay, reply_to, message, needs_company)
        self._timers.append(timer)
        self._made(timer)
        return timer

    def work(self, job: Job) -> None:
        self._jobs.append(job)
        self._made(job)
        if self._observers:
            self._sent("body of " if job.kind is JobKind.BODY else "call ", job.name, job, job.kind)

    def drop(self, job: Job) -> None:
        if job in self._jobs:
            self._jobs.remove(job)
            job.state = JobState.DROPPED
            if self._footprints is not None:
                self._footprints.dropped(job)

    def ready(self, task: Task) -> None:
        self._runnable.append(task)
        self._made(task)
        if self._observers:
            self._sent("task ", task.name, task, task.state)

    def want_flush(self, reply_to: "Ref", *, awaited: bool) -> None:
        self._flush = reply_to

    def when_idle(self, reply_to: "Ref", message: Message) -> None:
        self._idle.append((reply_to, message))
        if self._footprints is not None:
            self._footprints.touch("who goes on when idle")

    def is_still(self, number: int) -> bool:
        if self._footprints is not None and self._still:
            self._footprints.touch_everything()
        return self._still and number == self._stillness

    def due_within(self, seconds: float) -> bool:
        if self._footprints is not None:
            self._footprints.touch_everything()
        return any(timer.moment - self.clock.monotonic() <= seconds for timer in self._armed())

    def shut(self) -> None:
        self._shut = True
        self._boxes.clear()

    def close(self, timeout: float | None) -> list[str]:
        return []

    # ------------------------------------------------------------------ the loop

    def run(self, runtime: Runtime) -> None:
        how = "it broke off"
        if self._footprints is not None:
            self._footprints.listen(runtime)
        try:
            while not runtime.over:
                options = self._options(runtime)
                if not options:
                    raise StuckError("nothing can happen any more, and the system has not ended")
                self._scheduler.take(options)
            how = "all is still" if runtime.ending is None else runtime.ending.kind.value
        finally:
            for observer in self._observers:
                observer.ended(how)
            if self._footprints is not None:
                self._footprints.ended()

    def crash(self, runtime: Runtime) -> None:
        """Let the process die: its tasks are never unwound.

        Raises:
            CrashError: always.
        """
        self.dead = runtime.forget_tasks()
        raise CrashError

    def outstanding(self) -> list[str]:
        """What keeps this from being still, in words."""
        label = self._scheduler.label
        return [
            *(f"{label(actor.actor_urn)} has mail" for actor in self._boxes),
            *(f"{label(task.name)} could go on" for task in self._runnable),
            *(f"{job.kind.value} of {label(job.name)}" for job in self._jobs),
            *(f"an answer to {label(job.name)}" for job, _, _ in self._answers),
            *(["a batch is to be sent"] if self._flush is not None else []),
            *(f"{type(message).__name__} is to be told" for _, message in self._idle),
        ]

    # ------------------------------------------------------------------ the choices

    def _options(self, runtime: Runtime) -> list[Choice]:
        options = [self._deliver(actor, runtime) for actor in self._boxes]
        options += [self._resume(task) for task in self._runnable]
        busy = bool(options)
        if self._idle and not busy:
            options.append(self._tell_idle())
        options += [self._end_body(job) for job in self._jobs if job.kind is JobKind.BODY]
        if self._flush is not None and not busy and not self._idle:
            options.append(self._tell_flush())
        for job in self._jobs:
            if job.kind is JobKind.CALL:
                options += self._handle_call(job)
        options += [self._arrive(completion) for completion in self._answers]
        if not options and not self._still:
            options.append(
                Choice(ChoiceKind.STILL, "all is still", "the system", lambda: self._quiet(runtime))
            )
        armed = self._armed()
        if armed:
            first = min(timer.moment for timer in armed)
            options += [self._fire(timer, runtime) for timer in armed if timer.moment == first]
        if self._outside is not None:
            options += self._outside()
        if options and self._may_crash is not None and self._may_crash():
            crash = functools.partial(self.crash, runtime)
            options.append(Choice(ChoiceKind.FAULT, "the process dies", "the process", crash))
        return options

    def _deliver(self, actor: Actor, runtime: Runtime) -> Choice:
        letter = self._boxes[actor][0]
        who = self._scheduler.label(actor.actor_urn)
        name = f"{who} handles {_word(letter.message)} from {letter.sender}"

        def happen() -> None:
            self._still = False
            box = self._boxes[actor]
            mail = box.popleft().mail
            if not box:
                del self._boxes[actor]
            self._handle(actor, mail, runtime)

        return Choice(ChoiceKind.DELIVER, name, who, happen, letter)

    def _handle(self, actor: Actor, mail: Mail, runtime: Runtime) -> None:
        for observer in self._observers:
            observer.handling(actor, mail if isinstance(mail, Message) else mail.message)
        alive = actor.ref.is_alive()
        try:
            actor.deliver(mail)
        except Exception as error:
            runtime.on_actor_failed(actor, error)
        if self._footprints is not None and alive != actor.ref.is_alive():
            self._footprints.touch_everything()  # who tells it something finds out
        for observer in self._observers:
            observer.handled(self._scheduler.label(actor.actor_urn), actor)

    def _made(self, subject: object) -> None:
        if self._footprints is not None:
            self._footprints.make(subject)

    def _sent(self, what: str, name: str, key: object, message: object) -> None:
        to = what + self._scheduler.label(name)
        for observer in self._observers:
            observer.sent(to, key, message)

    def _resume(self, task: Task) -> Choice:
        who = f"task {self._scheduler.label(task.name)}"

        def happen() -> None:
            self._still = False
            self._runnable.remove(task)
            for observer in self._observers:
                observer.handling(task, task.state)
            task.run()

        return Choice(ChoiceKind.RESUME, f"{who} goes on", who, happen, task)

    def _tell_idle(self) -> Choice:
        to, message = self._idle[0]
        who = self._scheduler.label(to.actor_urn)

        def happen() -> None:
            self._still = False
            self._idle.popleft()
            to.tell_if_alive(message)

        return Choice(ChoiceKind.IDLE, f"{who} may go on with {type(message).__name__}", who, happen)

    def _tell_flush(self) -> Choice:
        def happen() -> None:
            self._still = False
            to, self._flush = self._flush, None
            if to is not None:
                to.tell_if_alive(Flush())

        return Choice(ChoiceKind.IDLE, "the batch is sent", "checkpoint", happen)

    def _end_body(self, job: Job) -> Choice:
        who = f"body of {self._scheduler.label(job.name)}"

        def happen() -> None:
            self._still = False
            self._take(job)
            settle(perform(job))

        return Choice(ChoiceKind.BODY, f"{who} ends", who, happen, job)

    def _take(self, job: Job) -> None:
        self._jobs.remove(job)
        job.state = JobState.RUNNING
        for observer in self._observers:
            observer.handling(job, job.kind)

    def _handle_call(self, job: Job) -> list[Choice]:
        def happen() -> None:
            self._still = False
            self._take(job)
            self._answers.append(perform(job))
            self._made(job)

        def struck(arm: Callable[[], None]) -> Callable[[], None]:
            def happen_badly() -> None:
                arm()
                happen()

            return happen_badly

        usual = Choice(ChoiceKind.CALL, "the service handles the call", "the service", happen, job)
        faults = [] if self._faults is None else self._faults(job)
        return [
            usual,
            *(Choice(ChoiceKind.FAULT, name, "the service", struck(arm), job) for name, arm in faults),
        ]

    def _arrive(self, completion: Completion) -> Choice:
        def happen() -> None:
            self._still = False
            self._answers.remove(completion)
            settle(completion)

        return Choice(ChoiceKind.ANSWER, "the answer arrives", "the service", happen, completion[0])

    # ------------------------------------------------------------------ stillness and time

    def _quiet(self, runtime: Runtime) -> None:
        self._still = True
        self._stillness += 1
        if runtime.supervisor is None:
            runtime.over = not self._armed()
        else:
            self._tell_aside(runtime.supervisor, Quiet(self._stillness), runtime)

    def _tell_aside(self, to: "Ref", message: Message, runtime: Runtime) -> None:
        """Deliver what is about stillness without ending it."""
        to.tell(message)
        [(actor, box)] = self._boxes.items()
        del self._boxes[actor]
        self._handle(actor, box[0].mail, runtime)

    def _armed(self) -> list[Timer]:
        """The timers that may fire."""
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        company = any(job.kind is JobKind.BODY for job in self._jobs)
        return [timer for timer in self._timers if company or not timer.needs_company]

    def _fire(self, timer: Timer, runtime: Runtime) -> Choice:
        who = self._scheduler.label(timer.reply_to.actor_urn)

        def happen() -> None:
            self._timers.remove(timer)
            timer.cancelled = True
            self.clock.skip_to(timer.moment)
            if self._moved is not None:
                self._moved()
            if type(timer.message) is CooldownElapsed and self._still and not self._boxes:
                self._tell_aside(timer.reply_to, timer.message, runtime)
            else:
                self._still = False
                timer.reply_to.tell_if_alive(timer.message)

        name = f"{type(timer.message).__name__} for {who}"
        return Choice(ChoiceKind.TIME, name, f"timer of {who}", happen, timer)


def _word(mail: object) -> str:
    return type(mail).__name__
