"""`SimulatedDispatcher`: stands where production's hub stands, and leaves every order to the scheduler.

What could come next, with actors and bodies on threads of their own, is a choice: which actor with mail
handles its next message, which runnable task goes on, when a body ends, when the service handles a call and
when its answer arrives, which timer fires. What the hub tells only when there is nothing better to do
(`Flush`, idle messages, `Quiet`) is a choice only then.
"""

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from durably.actors.actor import Actor, Mail, refuse_question
from durably.actors.clock import Clock
from durably.actors.dispatcher import Runtime
from durably.actors.messages import CooldownElapsed, Flush, Message, Quiet
from durably.actors.simulation.breaking_off import CrashError, StuckError
from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.footprints import Letter, ReadClock
from durably.actors.simulation.jobs import Fault, SimulatedJobs
from durably.actors.simulation.scheduler import Scheduler
from durably.actors.stage import Job, Timer
from durably.actors.task import Task

if TYPE_CHECKING:
    from durably.actors.actor import Ref

DELIVER, RESUME = ChoiceKind.DELIVER, ChoiceKind.RESUME  # looked up at every step


class SimulatedDispatcher:
    """See the module.

    Args:
        scheduler: takes the choices.
        clock: virtual; timers move it.
        faults: what may go wrong with a call.
        outside: further choices of the world's, which are no faults: an answer from outside, say.
        may_crash: tells whether the process may die now.
        moved: called when time has passed.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        clock: Clock,
        *,
        faults: Callable[[Job], list[Fault]] | None = None,
        outside: Callable[[], list[Choice]] | None = None,
        may_crash: Callable[[], bool] | None = None,
        moved: Callable[[], object] | None = None,
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
        # What can happen is a choice from when it can until it does: made once, and not at each step.
        self._boxes: dict[Actor, deque[Letter]] = {}
        self._deliveries: dict[Actor, Choice] = {}
        self._resumes: dict[Task, Choice] = {}
        self._jobs = SimulatedJobs(scheduler, self._stirs)
        self._timers: list[Timer] = []
        self._idle: deque[tuple[Ref, Message]] = deque()
        self._flush: Ref | None = None
        self._still = False
        self._stillness = 0
        self._shut = False
        self._runtime: Runtime
        self.dead: list[Task] = []
        """The tasks of a process that has died. Whoever keeps them keeps their `finally` from running."""

    # ------------------------------------------------------------------ what the system asks for

    def post(self, actor: Actor, mail: Mail) -> None:
        if self._shut:
            refuse_question(mail)
            return
        message = mail if isinstance(mail, Message) else mail.message
        letter = Letter(actor, mail, message, self._scheduler.current)
        box = self._boxes.get(actor)
        if box is None:
            self._boxes[actor] = deque((letter,))
            self._deliveries[actor] = self._deliver(letter)
        else:
            box.append(letter)
        if self._footprints is not None:
            self._footprints.posted(letter)
        if self._observers:
            self._sent("", actor.actor_urn, actor, message)

    def timer(self, delay: float, reply_to: "Ref", message: Message, *, needs_company: bool) -> Timer:
        timer = Timer(self.clock.monotonic() + delay, reply_to, message, needs_company)
        self._timers.append(timer)
        self._made(timer)
        return timer

    def work(self, job: Job) -> None:
        self._jobs.add(job)

    def drop(self, job: Job) -> None:
        self._jobs.drop(job)

    def ready(self, task: Task) -> None:
        if self._shut:
            return  # all code is ended now, whether or not it is its turn
        self._resumes[task] = self._resume(task)
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
        self._deliveries.clear()

    def close(self, timeout: float | None) -> list[str]:
        return []

    # ------------------------------------------------------------------ the loop

    def run(self, runtime: Runtime) -> None:
        how = "it broke off"
        self._runtime = runtime
        if self._footprints is not None:
            self._footprints.listen(runtime)
        try:
            while not runtime.over:
                options = self._options()
                if not options:
                    raise StuckError("nothing can happen any more, and the system has not ended")
                self._scheduler.take(options)
            how = "all is still" if runtime.ending is None else runtime.ending.kind.value
        finally:
            for observer in self._observers:
                observer.ended(how)
            if self._footprints is not None:
                self._footprints.ended()

    def crash(self) -> None:
        """Let the process die: its tasks are never unwound.

        Raises:
            CrashError: always.
        """
        self.dead = self._runtime.forget_tasks()
        raise CrashError

    def outstanding(self) -> list[str]:
        """What keeps this from being still, in words."""
        label = self._scheduler.label
        return [
            *(f"{label(actor.actor_urn)} has mail" for actor in self._boxes),
            *(f"{label(task.name)} could go on" for task in self._resumes),
            *self._jobs.outstanding(),
            *(["a batch is to be sent"] if self._flush is not None else []),
            *(f"{type(message).__name__} is to be told" for _, message in self._idle),
        ]

    # ------------------------------------------------------------------ the choices

    def _options(self) -> list[Choice]:
        options = [*self._deliveries.values(), *self._resumes.values()]
        busy = bool(options)
        if self._idle and not busy:
            options.append(self._tell_idle())
        jobs = self._jobs
        if jobs.bodies:
            options += jobs.bodies.values()
        if self._flush is not None and not busy and not self._idle:
            options.append(self._tell_flush())
        if jobs.calls:
            options += jobs.calls.values()
        if jobs.answers:
            options += jobs.answers.values()
        if not options and not self._still:
            options.append(Choice(ChoiceKind.STILL, "all is still", "the system", self._quiet))
        if self._timers:
            armed = self._armed()
            if armed:
                first = min([timer.moment for timer in armed])
                options += [self._fire(timer) for timer in armed if timer.moment == first]
        if self._outside is not None:
            options += self._outside()
        if options:
            options += self._perils()
        return options

    def _perils(self) -> list[Choice]:
        """What may go wrong now."""
        perils: list[Choice] = []
        if self._faults is not None:
            for job in self._jobs.calls:
                perils += self._jobs.failing(job, self._faults(job))
        if self._may_crash is not None and self._may_crash():
            perils.append(Choice(ChoiceKind.FAULT, "the process dies", "the process", self.crash))
        return perils

    def _deliver(self, letter: Letter) -> Choice:
        actor = letter.actor
        who = self._scheduler.label(actor.actor_urn)

        def happen() -> None:
            self._still = False
            box = self._boxes[actor]
            box.popleft()
            if box:
                self._deliveries[actor] = self._deliver(box[0])
            else:
                del self._boxes[actor], self._deliveries[actor]
            self._handle(letter)

        name = f"{who} handles {type(letter.message).__name__} from {letter.sender}"
        return Choice(DELIVER, name, who, happen, letter)

    def _handle(self, letter: Letter) -> None:
        actor = letter.actor
        observers = self._observers
        if observers:
            for observer in observers:
                observer.handling(actor, letter.message)
        try:
            if self._footprints is None:
                actor.deliver(letter.mail)
            else:
                self._footprints.deliver(actor, letter.mail)
        except Exception as error:
            self._runtime.on_actor_failed(actor, error)
        if observers:
            for observer in observers:
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
            del self._resumes[task]
            for observer in self._observers:
                observer.handling(task, task.state)
            task.run()

        return Choice(RESUME, f"{who} goes on", who, happen, task)

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

    # ------------------------------------------------------------------ stillness and time

    def _stirs(self) -> None:
        self._still = False

    def _quiet(self) -> None:
        self._still = True
        self._stillness += 1
        supervisor = self._runtime.supervisor
        if supervisor is None:
            self._runtime.over = not self._armed()
        else:
            self._tell_aside(supervisor, Quiet(self._stillness))

    def _tell_aside(self, to: "Ref", message: Message) -> None:
        """Deliver what is about stillness without ending it."""
        to.tell(message)
        [box] = self._boxes.values()
        self._boxes.clear()
        self._deliveries.clear()
        self._handle(box[0])

    def _armed(self) -> list[Timer]:
        """The timers that may fire."""
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        company = bool(self._jobs.bodies)
        return [timer for timer in self._timers if company or not timer.needs_company]

    def _fire(self, timer: Timer) -> Choice:
        who = self._scheduler.label(timer.reply_to.actor_urn)

        def happen() -> None:
            self._timers.remove(timer)
            timer.cancelled = True
            self.clock.skip_to(timer.moment)
            if self._moved is not None:
                self._moved()
            if type(timer.message) is CooldownElapsed and self._still and not self._boxes:
                self._tell_aside(timer.reply_to, timer.message)
            else:
                self._still = False
                timer.reply_to.tell_if_alive(timer.message)

        name = f"{type(timer.message).__name__} for {who}"
        return Choice(ChoiceKind.TIME, name, f"timer of {who}", happen, timer)
