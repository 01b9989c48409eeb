"""Actors that are no workflow: a bank, a transfer, and the update that is lost when two tellers meet.

They are ordinary Pykka actors, written for threads. `python examples/bank.py` looks for an order of their
messages in which money disappears, and for one in which two branches wait for each other for ever.
"""

from functools import partial

import pykka

from durably.actors.simulation import Exhaustive, explore_pykka, pykka_error
from durably.workflows.testing.shrinking import shrink


class Account(pykka.ThreadingActor):
    """Holds an amount."""

    def __init__(self, amount: int = 0) -> None:
        super().__init__()
        self.amount = amount

    def deposit(self, amount: int) -> None:
        self.amount += amount


class HastyTeller(pykka.ThreadingActor):
    """Reads what an account holds, adds to it, and writes it back."""

    def pay_in(self, account: "pykka.ActorProxy[Account]", amount: int) -> None:
        before = account.amount.get()
        account.amount = before + amount


class CarefulTeller(pykka.ThreadingActor):
    """Leaves the sum to the account."""

    def pay_in(self, account: "pykka.ActorProxy[Account]", amount: int) -> None:
        account.deposit(amount).get()


class Branch(pykka.ThreadingActor):
    """Asks another branch for money, which that one may have to ask for in turn."""

    def transfer(self, other: "pykka.ActorProxy[Branch]", amount: int) -> int:
        return other.withdraw(amount).get()

    def withdraw(self, amount: int) -> int:
        return amount


def two_deposits(teller: type[HastyTeller] | type[CarefulTeller]) -> None:
    """Two tellers pay in 10 each, at the same time."""
    account = Account.start().proxy()
    payments = [teller.start().proxy().pay_in(account, 10) for _ in range(2)]
    pykka.get_all(payments)
    assert account.amount.get() == 20, f"{account.amount.get()} and not 20: a deposit is lost"


def two_transfers() -> None:
    """Two branches transfer to each other, at the same time."""
    one, other = Branch.start().proxy(), Branch.start().proxy()
    pykka.get_all([one.transfer(other, 10), other.transfer(one, 10)])


def main() -> None:
    """Look for what goes wrong, shrink it, and prove that something cannot."""
    lost = explore_pykka(partial(two_deposits, HastyTeller)).failures[0]
    print(lost.error)
    shrunk = shrink(partial(pykka_error, partial(two_deposits, HastyTeller)), lost.choices)
    for deviation in shrunk.deviations if shrunk else ():
        print(f"  if {deviation.take!r} comes before {deviation.instead_of!r}")

    print(explore_pykka(two_transfers).failures[0].error)

    print(explore_pykka(partial(two_deposits, CarefulTeller), strategy=Exhaustive()))


if __name__ == "__main__":
    main()
