"""Actors that are no workflow at all: two tellers, one account, and an update that may be lost."""

import attrs

from durably.actors.actor import Actor, Ref
from durably.actors.clock import VirtualClock
from durably.actors.messages import Message
from durably.actors.simulation import Exhaustive, Scheduler, SimulatedDispatcher, Strategy
from durably.actors.stage import Stage
from durably.actors.system import ActorSystem


@attrs.frozen(eq=False)
class Open(Message):
    pass


@attrs.frozen(eq=False)
class Read(Message):
    teller: Ref


@attrs.frozen(eq=False)
class Balance(Message):
    amount: int


@attrs.frozen(eq=False)
class Write(Message):
    amount: int


@attrs.frozen(eq=False)
class Deposit(Message):
    amount: int


class Account(Actor):
    """Says what it holds, and holds what it is told."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage, "account")
        self.amount = 0

    def on_receive(self, message: Message) -> None:
        if isinstance(message, Read):
            message.teller.tell(Balance(self.amount))
        elif isinstance(message, Write):
            self.amount = message.amount
        elif isinstance(message, Deposit):
            self.amount += message.amount


class Teller(Actor):
    """Pays 10 in when it opens: reads, adds, and writes; or, if it is `careful`, says what to add."""

    def __init__(self, stage: Stage, name: str, account: Ref, careful: bool) -> None:
        super().__init__(stage, name)
        self._account = account
        self._careful = careful

    def on_receive(self, message: Message) -> None:
        if isinstance(message, Open):
            self._account.tell(Deposit(10) if self._careful else Read(self.ref))
        elif isinstance(message, Balance):
            self._account.tell(Write(message.amount + 10))


def one_run(strategy: Strategy, *, careful: bool = False) -> tuple[int, list[str]]:
    """What the account holds when all is still, and the choices that led there."""
    scheduler = Scheduler(strategy)
    system = ActorSystem(SimulatedDispatcher(scheduler, VirtualClock()))
    account = Account(system)
    account.begin()
    for name in ("Ann", "Bob"):
        Teller(system, name, account.ref, careful).begin().tell(Open())
    system.run()
    system.close()
    return account.amount, scheduler.taken


def all_runs(*, careful: bool = False) -> tuple[list[int], Exhaustive]:
    """What the account holds at the end of each possible run."""
    strategy, ends = Exhaustive(), list[int]()
    while strategy.begin(len(ends)):
        ends.append(one_run(strategy, careful=careful)[0])
    return ends, strategy
