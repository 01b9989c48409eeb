"""Small systems of Pykka actors made at random: what they do makes no sense, and depends on every order."""

import queue
import random
from typing import Any

import attrs
import pykka

from durably.actors.simulation import PrunedError, Strategy, TooLongError, simulated_pykka

DEEDS = (
    "tell",
    "tell",
    "tell",
    "ask",
    "ask in time",
    "ask for later",
    "get",
    "map",
    "call",
    "set",
    "read",
    "grow",
    "look",
    "stop",
    "is alive",
    "count",
    "start",
    "fulfil",
    "await",
    "fail",
)
MODULUS = 9973


@attrs.frozen
class Deed:
    """One thing that an actor does when it is poked, or the scenario."""

    what: str
    to: int
    number: int
    delay: int


@attrs.frozen
class Plan:
    """What each actor does when it is poked with each number; what the scenario does; who may fail."""

    deeds: tuple[tuple[tuple[Deed, ...], ...], ...]
    scenario: tuple[Deed, ...]
    starts_late: tuple[bool, ...]
    may_fail: bool


def make_plan(seed: int) -> Plan:
    """The plan of this seed."""
    choose = random.Random(seed)
    actors, numbers = choose.randint(2, 3), 2

    def deeds(most: int) -> tuple[Deed, ...]:
        return tuple(
            Deed(
                choose.choice(DEEDS),
                choose.randrange(actors),
                choose.randrange(numbers),
                choose.randrange(1, 3),
            )
            for _ in range(choose.randint(1, most))
        )

    return Plan(
        tuple(tuple(deeds(2) for _ in range(numbers)) for _ in range(actors)),
        (*deeds(2), *deeds(2)),
        tuple(choose.random() < 0.2 for _ in range(actors)),
        choose.random() < 0.5,
    )


class Doer:
    """Whoever does deeds, and remembers in what order what came to it."""

    def __init__(self, world: "World", number: int) -> None:
        self.world = world
        self.value = number + 1
        self.kept: Any = None
        self.children: list[Puppet] = []

    def note(self, value: int) -> None:
        """This has come to it now."""
        self.value = (self.value * 31 + value * 7 + 1) % MODULUS

    def do(self, puppet: "Puppet | None", deed: Deed, fuel: int) -> None:
        """Do it; what goes wrong is noted."""
        try:
            self._do(puppet, deed, fuel)
        except pykka.ActorDeadError:
            self.note(2)
        except pykka.Timeout:
            self.note(3)
        except (AttributeError, queue.Full):
            self.note(4)

    def _do(self, puppet: "Puppet | None", deed: Deed, fuel: int) -> None:
        to = self.world.puppets[deed.to].actor_ref
        message = (deed.number, self.value, fuel)
        match deed.what:
            case "tell":
                to.tell(message)
            case "ask":
                self.note(to.ask(message))
            case "ask in time":
                self.note(to.ask(message, timeout=deed.delay))
            case "ask for later":
                self.kept = to.ask(message, block=False)
            case "get" if self.kept is not None:
                self.note(self.kept.get())
            case "map" if self.kept is not None:
                self.kept = self.kept.map(lambda value: value + 1)
            case "call":
                to.proxy().poke.defer(*message)
            case "set":
                to.proxy().mark = self.value
            case "read":
                self.note(to.proxy().mark.get())
            case "grow" if puppet is not None:
                puppet.extra = 1
            case "look":
                self.note(hasattr(to.proxy(), "extra") + 5)
            case "stop":
                self.kept = to.stop(block=False)
            case "is alive":
                self.note(to.is_alive() + 7)
            case "count":
                self.note(len(pykka.ActorRegistry.get_all()))
            case "start":
                child = Puppet.start(self.world, deed.to)._actor_weakref()
                self.children.append(child)
                child.actor_ref.tell(message)
            case "fulfil":
                self.world.promise.set(self.value)
            case "await":
                self.note(self.world.promise.get(timeout=deed.delay))
            case "fail":
                raise ValueError("broken")
            case _:
                pass

    def end(self) -> object:
        """What it has come to."""
        return self.value, tuple(child._doer.end() for child in self.children)


class Puppet(pykka.ThreadingActor):
    """Does what the plan says."""

    extra: int

    def __init__(self, world: "World", number: int) -> None:
        super().__init__()
        self._doer = Doer(world, number)
        self._number = number
        self.mark = 1

    def poke(self, number: int, value: int, fuel: int) -> int:
        """Do what is prescribed for the number."""
        self._doer.note(value + self.mark)
        if fuel:
            for deed in self._doer.world.plan.deeds[self._number][number]:
                self._doer.do(self, deed, fuel - 1)
        return self._doer.value

    def on_receive(self, message: Any) -> int:
        return self.poke(*message)

    def on_stop(self) -> None:
        self._doer.note(6)


class LatePuppet(Puppet):
    """Has something to do when it starts."""

    def on_start(self) -> None:
        self._doer.note(8)
        self.extra = 2


class World:
    """One run of a plan."""

    def __init__(self, plan: Plan, strategy: Strategy) -> None:
        self.plan = plan
        self.simulation = simulated_pykka(strategy, actors_may_fail=plan.may_fail, limit=200)
        self.puppets: list[Any] = []
        self.promise: Any = None
        self.scenario = Doer(self, 100)

    def run(self) -> object:
        """How it ends; None if the run was ended early."""
        how = "still"
        try:
            with self.simulation:
                for number, late in enumerate(self.plan.starts_late):
                    kind = LatePuppet if late else Puppet
                    self.puppets.append(kind.start(self, number)._actor_weakref())
                self.promise = Puppet._create_future()
                for deed in self.plan.scenario:
                    self.scenario.do(None, deed, 2)
        except PrunedError:
            return None
        except TooLongError:
            raise
        except Exception as error:
            how = type(error).__name__
        puppets = tuple((puppet._doer.end(), puppet.mark) for puppet in self.puppets)
        return how, self.scenario.end(), puppets


def ends_of(plan: Plan, strategy: Strategy, *, most: int = 3000) -> tuple[set[object], int]:
    """All ends of a plan, and in how many runs they were found; `most` if there may be others."""
    ends, runs = set[object](), 0
    while runs < most and strategy.begin(runs):
        ends.add(World(plan, strategy).run())
        runs += 1
    return ends - {None}, runs
