"""Which steps depend on each other: what each of them touches, and a name for it, the same in all orders.

A search that leaves out what makes no difference must know which steps make one. Two steps depend on each
other if one has caused the other, if they happen to the same actor, or if they touch the same thing and do
not both do so in a way that commutes. When in doubt a step touches more than it does: that costs runs, but
loses none.

What a step is called must not depend on what happened beside it. So a step is named by the step that caused
it, and by how many that one had caused before.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

from durably.actors.actor import Actor, Mail
from durably.actors.clock import Clock
from durably.actors.concurrency import ConcurrencyActor
from durably.actors.frozen import frozen
from durably.actors.operation import OperationActor
from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.commuting import way_of
from durably.actors.stage import Job, JobKind, Timer
from durably.actors.task import Task

if TYPE_CHECKING:
    from durably.actors.dispatcher import Runtime

Touch = tuple[object, str]
"""What is touched, and how. Two touches of a thing conflict, but for two in one way that is not WRITE."""

WRITE = ""
READ = "read"
COUNT = "count"
EVERYTHING: Touch = ("everything", WRITE)
CLOCK, COMPANY, CODE, SERVICE = "clock", "company", "user code", "service"
WORLD = (0, 0)


@attrs.frozen
class Signature:
    """A choice, as a search sees it before it is taken.

    Attributes:
        key: its name, the same in all orders in which it is caused by the same.
        cause: the key of the step that caused it; 0 for the world.
        process: a number for the actor, if it happens to one: the same in all runs that begin alike.
        kind: what sort of choice it is.
        touches: what it touches for certain.
        only_itself: whether it has been promised that its actor sends nothing.
    """

    key: int
    cause: int
    process: int
    kind: ChoiceKind
    touches: frozenset[Touch]
    only_itself: bool = False


@attrs.frozen
class Turn:
    """What a flow of code will do next, which has one such thing at a time: the subject of a choice.

    Attributes:
        flow: a name for the flow, the same in all runs that begin alike.
        number: how many it has had before.
        cause: the step that makes it possible; 0 if that was the one before.
        touches: what it touches for certain.
    """

    flow: object
    number: int
    cause: int
    touches: frozenset[Touch]


class Footprints:
    """What the steps of one run touch. The dispatcher tells it what the system asks for meanwhile.

    Args:
        independent_bodies: step bodies share nothing, neither with each other nor with workflow code.
        independent_tasks: the code of contexts and branches shares nothing.
    """

    def __init__(self, *, independent_bodies: bool = False, independent_tasks: bool = False) -> None:
        self.touched: set[Touch] = set()
        self.is_last = False
        """The system has ended with the step in progress."""
        self.followed: set[int] = set()
        """Steps without which the one in progress would have come later, and been the same."""
        self.step = 0
        """The key of the step in progress; 0 before the first."""
        self._independent_bodies = independent_bodies
        self._independent_tasks = independent_tasks
        self._at_first = frozenset[Touch]()
        self._steps = 0
        self._made = 0
        self._origins: dict[object, tuple[int, int]] = {}
        self._tasks: dict[Task, tuple[int, int]] = {}
        self._begun_by: dict[Task, frozenset[Touch]] = {}  # what those tasks touch that have begun it
        self._doing: Signature | None = None
        self._numbers: dict[Actor, int] = {}
        self._timers: list[Timer] = []

    # ------------------------------------------------------------------ from the search

    def begin(self, step: Signature) -> None:
        """From here on it is this step that touches and makes things."""
        self._timers = [timer for timer in self._timers if not timer.cancelled]
        self.step, self._made, self._doing = step.key, 0, step
        self._steps += 1
        self.is_last = False
        self.touched = set(step.touches)
        self._at_first = step.touches
        self.followed = {step.cause}

    def finish(self) -> frozenset[Touch]:
        """The step is over: all that it has touched."""
        if any(timer.cancelled for timer in self._timers):  # which nobody announces
            self.touched.add((CLOCK, WRITE))
        return frozenset({EVERYTHING} if self.is_last or EVERYTHING in self.touched else self.touched)

    def signature(self, choice: Choice) -> Signature:
        """The choice as a search sees it."""
        kind, subject = choice.kind, choice.subject
        if subject is None:  # stillness, a crash, what comes from outside: it depends on all that has been
            key = hash((choice.name, self._steps))
            return Signature(key, 0, 0, kind, frozenset({EVERYTHING}))
        if isinstance(subject, Turn):
            key = hash((subject.flow, subject.number, kind.name))
            return Signature(key, subject.cause, hash(subject.flow), kind, subject.touches)
        cause, number = origin = self._origins.get(subject, WORLD)
        key = hash((cause, number, choice.name if kind is ChoiceKind.FAULT else kind.name))
        process, only_itself, touches = 0, False, set[Touch]()
        if isinstance(subject, Timer):
            touches |= {(CLOCK, WRITE), (SERVICE, WRITE)}
            if any(timer.needs_company for timer in self._timers):
                touches.add((COMPANY, READ))
        elif isinstance(subject, Task):
            touches |= self._begun_by.get(subject, frozenset())
            touches |= {(self._tasks[subject], WRITE), (CODE, READ if self._independent_tasks else WRITE)}
        elif isinstance(subject, Job):
            if kind is ChoiceKind.BODY:
                touches |= {(origin, WRITE), (COMPANY, COUNT)}
                if not self._independent_bodies:
                    touches.add((CODE, WRITE))
            elif kind is not ChoiceKind.ANSWER:
                touches |= {(SERVICE, WRITE), (CLOCK, READ)}
                if kind is ChoiceKind.FAULT:
                    touches.add(("faults", WRITE))
        elif isinstance(subject, Letter):
            process = self._numbers[subject.actor]
            only_itself = way_of(subject.message) != WRITE
            if isinstance(subject.actor, ConcurrencyActor):  # a predicate, and the results' serializers
                touches.add((CODE, READ if self._independent_tasks else WRITE))
            elif _settles_future(subject.actor):
                touches.add((CODE, WRITE))
        return Signature(key, cause, process, kind, frozenset(touches), only_itself)

    # ------------------------------------------------------------------ from the dispatcher

    def posted(self, letter: "Letter") -> None:
        """Something is put into a mailbox, which keeps its order unless the messages commute."""
        self.make(letter)
        self._numbers.setdefault(letter.actor, len(self._numbers) + 1)
        self.touched.add((f"box of {letter.actor.actor_urn}", way_of(letter.message)))

    def deliver(self, actor: Actor, mail: Mail) -> None:
        """Let the actor handle something."""
        alive = actor.ref.is_alive()
        actor.deliver(mail)
        if alive != actor.ref.is_alive():
            self.touch_everything()  # who tells it something finds out

    def name(self) -> tuple[int, int]:
        """A name for something that the step in progress makes: the same in all orders."""
        self._made += 1
        return self.step, self._made

    def make(self, subject: object) -> None:
        """The step in progress makes something that will be a choice."""
        self._origins[subject] = self.name()
        if isinstance(subject, Task) and subject not in self._tasks:
            self._tasks[subject] = self._origins[subject]
            if self._doing is not None and self._doing.kind is ChoiceKind.RESUME:
                # Code that records nothing tells the code that has begun it, without an actor between.
                self._begun_by[subject] = self._doing.touches
        elif isinstance(subject, Timer):
            self.touched.add((CLOCK, WRITE))
            self._timers.append(subject)
        elif isinstance(subject, Job) and subject.kind is JobKind.BODY:
            self.touched.add((COMPANY, COUNT))

    def dropped(self, job: Job) -> None:
        """A body is forgotten, if it has not begun."""
        self.touched |= {(self._origins.get(job, WORLD), WRITE), (COMPANY, COUNT)}

    def touch(self, what: object, way: str = WRITE) -> None:
        """The step in progress touches this."""
        self.touched.add((what, way))

    def follow(self, step: int, what: object) -> None:
        """The step in progress needs `what` that step has done. Could it have waited, it would be the same.

        But what it has touched before that would not have waited.
        """
        if self.touched <= self._at_first and (CODE, WRITE) not in self.touched:
            self.followed.add(step)
        else:
            self.touched.add((what, READ))

    def touch_everything(self) -> None:
        """The step in progress depends on all others."""
        self.touched.add(EVERYTHING)

    def ended(self) -> None:
        """The system has ended with the step in progress."""
        self.is_last = True

    def listen(self, runtime: "Runtime") -> None:
        """Learn of answers to a task that come too late as well: which one does is a matter of order."""
        resume: Callable[..., None] = getattr(runtime, "resume")  # noqa: B009  # of the system, not the protocol

        def resume_noted(task: Task, *answer: object) -> None:
            self.touched.add((self._tasks.get(task, WORLD), WRITE))
            resume(task, *answer)

        setattr(runtime, "resume", resume_noted)  # noqa: B010


@frozen(eq=False)
class Letter:
    """What lies in a mailbox: mail, with the message itself, and who has put it there."""

    actor: Actor
    mail: Mail
    message: object
    sender: str


class ReadClock:
    """A clock whose readers are noted: they depend on the passing of time."""

    def __init__(self, clock: Clock, footprints: Footprints) -> None:
        self._clock = clock
        self._footprints = footprints

    def time(self) -> float:
        self._footprints.touch(CLOCK, READ)
        return self._clock.time()

    def monotonic(self) -> float:
        self._footprints.touch(CLOCK, READ)
        return self._clock.monotonic()

    def skip_to(self, moment: float) -> bool:
        self._footprints.touch(CLOCK)
        return self._clock.skip_to(moment)


def conflict(some: frozenset[Touch], others: frozenset[Touch]) -> bool:
    """Whether two steps that touch these depend on each other."""
    if EVERYTHING in some or EVERYTHING in others:
        return True
    ways = dict[object, set[str]]()
    for what, way in some:
        ways.setdefault(what, set()).add(way)
    return any(way == WRITE or ways[what] != {way} for what, way in others if what in ways)


def _settles_future(actor: Actor) -> bool:
    """Whether workflow code may see that the actor's operation is complete before it is resumed."""
    # What it is that an actor calls is its own affair; only a search has to know that it is the user's.
    if isinstance(actor, OperationActor):
        return actor._settle is not None  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # only looked at
    return False
