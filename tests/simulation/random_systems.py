"""Small actor systems made at random: what they do makes no sense, and depends on every order it can."""

import contextlib
import random
from collections.abc import Callable

import attrs

from durably.actors.actor import Actor, Ref
from durably.actors.clock import VirtualClock
from durably.actors.messages import Awaiter, Completed, Message
from durably.actors.simulation import (
    CrashError,
    Exhaustive,
    PrunedError,
    Scheduler,
    SimulatedDispatcher,
    Strategy,
    commute,
)
from durably.actors.stage import Job, JobKind, Timer
from durably.actors.system import ActorFailedError, ActorSystem
from durably.actors.task import Task, Unwinding

DEEDS = (
    "send",
    "send",
    "send",
    "timer",
    "cancel",
    "body",
    "drop",
    "call",
    "idle",
    "flush",
    "clock",
    "task",
    "wake",
    "count",
)
MODULUS = 9973


@attrs.frozen(eq=False)
class Poke(Message):
    """Do what is prescribed for `number`; `fuel` says how long a chain of them may still get."""

    number: int
    fuel: int
    value: int
    awaiter: Awaiter | None = None


@attrs.frozen(eq=False)
class Count(Message):
    """Add to a count: it does not matter in which order."""

    value: int


commute("counted in a random system", Count)


@attrs.frozen
class Deed:
    """One thing that an actor does when it is poked."""

    what: str
    to: int
    number: int
    delay: int


@attrs.frozen
class Plan:
    """A system: what each of its actors does when it is poked with each number, and who is poked first.

    It has some `lives`, one after the other: of one that is over, or that a crash has ended, only the service
    is left. If it is `independent`, bodies and tasks share nothing.
    """

    deeds: tuple[tuple[tuple[Deed, ...], ...], ...]
    first: tuple[tuple[int, int], ...]
    breaks_at: int
    crashes: int
    faults: int
    lives: int
    independent: bool

    def search(self) -> Exhaustive:
        """One that may be used for it."""
        return Exhaustive(2, independent_bodies=self.independent, independent_tasks=self.independent)


def make_plan(seed: int) -> Plan:
    """The plan of this seed."""
    choose = random.Random(seed)
    actors, numbers = choose.randint(2, 3), 2
    deeds = tuple(
        tuple(
            tuple(
                Deed(
                    choose.choice(DEEDS),
                    choose.randrange(actors),
                    choose.randrange(numbers),
                    choose.randrange(2),
                )
                for _ in range(choose.randint(0, 2))
            )
            for _ in range(numbers)
        )
        for _ in range(actors)
    )
    first = tuple((choose.randrange(actors), choose.randrange(numbers)) for _ in range(choose.randint(2, 3)))
    breaks_at, crashes, faults = (choose.choice([0, 0, other]) for other in (5, 1, 1))
    lives = choose.choice([1, 1, 2])
    return Plan(deeds, first, breaks_at, crashes, faults, lives, lives > 1 or choose.random() < 0.3)


class Puppet(Actor):
    """Does what its plan says, and remembers in what order it was poked."""

    def __init__(self, world: "World", number: int) -> None:
        super().__init__(world.system, f"puppet {number}")
        self.world = world
        self.number = number
        self.state = number + 1
        self.count = 0

    def on_receive(self, message: Message) -> None:
        if isinstance(message, Count):
            self.count += message.value
            return
        assert isinstance(message, Poke)
        self.state = (self.state * 31 + message.value * 7 + message.number + 1) % MODULUS
        breaks_at = self.world.plan.breaks_at
        if breaks_at and self.state % breaks_at == 0:
            raise ValueError("broken")
        if message.fuel:
            for deed in self.world.plan.deeds[self.number][message.number]:
                self.world.do(self, deed, message.fuel - 1, message.awaiter)


class World:
    """One run of a plan."""

    def __init__(self, plan: Plan, strategy: Strategy, fuel: int) -> None:
        self.plan = plan
        self.crashes, self.faults = plan.crashes, plan.faults
        self.lives = plan.lives
        self.fuel = fuel
        self.clock = VirtualClock()
        self.scheduler = Scheduler(strategy, limit=500)
        self.service = self.outside = 1

    def what_is_left(self) -> object:
        """Of the lives so far."""
        return self.lives, self.service, self.crashes, self.faults, self.clock.time()

    def _begin(self) -> None:
        dispatcher = SimulatedDispatcher(
            self.scheduler, self.clock, faults=self.faults_of, may_crash=lambda: self.crashes > 0
        )
        self.system = ActorSystem(dispatcher)
        self.puppets = [Puppet(self, number) for number in range(len(self.plan.deeds))]
        self.timers: dict[int, Timer] = {}
        self.jobs: dict[int, Job] = {}
        self.memory = [1]
        for to, number in self.plan.first:
            self.puppets[to].ref.tell(Poke(number, self.fuel, self.service))

    def faults_of(self, job: Job) -> list[tuple[str, Callable[[], None]]]:
        """A call may be bad, once."""

        def strike() -> None:
            self.faults -= 1
            self.service = self.service * 5 % MODULUS

        return [("the call is bad", strike)] if self.faults else []

    def do(self, puppet: Puppet, deed: Deed, fuel: int, awaiter: Awaiter | None) -> None:
        """What a poked actor does."""
        system, to = self.system, self.puppets[deed.to].ref
        poke = Poke(deed.number, fuel, puppet.state, awaiter)
        match deed.what:
            case "send":
                to.tell(poke)
            case "count":
                to.tell(Count(puppet.state))
            case "timer":
                self.timers[puppet.number] = system.timer(deed.delay, to, poke)
            case "cancel" if puppet.number in self.timers:
                self.timers[puppet.number].cancelled = True
            case "body":
                self.jobs[puppet.number] = Job(JobKind.BODY, lambda: self._body(poke), to)
                system.work(self.jobs[puppet.number])
            case "drop" if puppet.number in self.jobs:
                system.drop(self.jobs[puppet.number])
            case "call":
                system.work(Job(JobKind.CALL, lambda: self._call(poke), to))
            case "idle":
                system.when_idle(to, poke)
            case "flush":
                system.timer(deed.delay, to, poke, needs_company=True)
            case "clock":
                puppet.state = (puppet.state + int(system.time())) % MODULUS
            case "task":
                self._spawn(to, poke)
            case "wake" if awaiter is not None:
                system.resume(awaiter.task, awaiter.ticket, Completed(None))
            case _:
                pass

    def _body(self, poke: Poke) -> Poke:
        if self.plan.independent:
            return attrs.evolve(poke, value=poke.value * 3 % MODULUS)
        self.memory[0] = (self.memory[0] * 3 + poke.value) % MODULUS
        self.outside = (self.outside * 3 + poke.value) % MODULUS
        return attrs.evolve(poke, value=self.memory[0])

    def _call(self, poke: Poke) -> Poke:
        self.service = (self.service * 3 + poke.value) % MODULUS
        return attrs.evolve(poke, value=self.service)

    def _spawn(self, to: Ref, poke: Poke) -> None:
        def code() -> None:
            share(7, poke.value)
            awaiter = task.awaiter()
            for puppet in self.puppets:
                puppet.ref.tell(Poke(poke.number, poke.fuel, memory[0], awaiter))
            with contextlib.suppress(Unwinding):
                go_on()

        def go_on() -> None:
            task.park("a poke")
            share(2, 0)
            to.tell(Poke(poke.number, max(0, poke.fuel - 1), memory[0]))

        def share(factor: int, value: int) -> None:
            memory[0] = (memory[0] * factor + value) % MODULUS

        memory = [1] if self.plan.independent else self.memory
        task = Task(f"task of {poke.value}", None, code)
        self.system.spawn_task(task)

    def run(self) -> tuple[object, ...]:
        """How it ends: the states of all, and what went wrong."""
        end: tuple[object, ...] = ()
        try:
            while self.lives:
                self.scheduler.starts_over(self.what_is_left)
                self.lives -= 1
                end = self._live()
        except PrunedError:
            return ("pruned",)
        return end

    def _live(self) -> tuple[object, ...]:
        self._begin()
        how = "still"
        try:
            self.system.run()
        except ActorFailedError:
            how = "broken"
        except CrashError:
            self.crashes -= 1
            return "crashed", self.service, self.outside, self.clock.time()
        finally:
            self.system.close()
        return (how, *((puppet.state, puppet.count) for puppet in self.puppets), *self.memory, self.service)


def ends_of(plan: Plan, strategy: Strategy, *, fuel: int = 2, most: int = 3000) -> tuple[set[object], int]:
    """All ends of a plan, and in how many runs they were found; `most` or more if there may be others."""
    ends, runs = set[object](), 0
    while runs < most and strategy.begin(runs):
        end = World(plan, strategy, fuel).run()
        runs += 1
        if end[0] != "pruned":
            ends.add(end)
    return ends, runs
