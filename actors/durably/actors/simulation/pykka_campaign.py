"""A scenario of Pykka actors under many schedules: `explore_pykka`, and one of them again."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from durably.actors.simulation.partial_order import PrunedError
from durably.actors.simulation.pykka_actors import simulated_pykka
from durably.actors.simulation.scheduler import Observer
from durably.actors.simulation.strategies import DriftedError, RandomWalk, Replayed, Strategy
from durably.actors.simulation.trace import Trace

T = TypeVar("T")


@attrs.frozen
class PykkaFailure:
    """A schedule in which something went wrong.

    Attributes:
        error: what the scenario raised, a deadlock, or an actor's error that nobody asked for.
        choices: what happened, one choice after the other; `replay_pykka` takes them again.
        number: which schedule it was, from 0.
    """

    error: Exception
    choices: tuple[str, ...]
    number: int

    def __str__(self) -> str:
        steps = "\n".join(f"  {number:4} {choice}" for number, choice in enumerate(self.choices))
        return f"schedule {self.number}: {type(self.error).__name__}: {self.error}\n{steps}"


@attrs.frozen
class PykkaReport:
    """What a campaign has found.

    Attributes:
        schedules: how many were run.
        choices: how many choices were taken in all.
        exhausted: whether there is no other schedule.
        failures: the schedules in which something went wrong.
        pruned: how many of the schedules turned out to make no difference, in a search that looks for that.
    """

    schedules: int
    choices: int
    exhausted: bool
    failures: tuple[PykkaFailure, ...] = ()
    pruned: int = 0

    @property
    def ok(self) -> bool:
        """True if nothing went wrong."""
        return not self.failures

    def __str__(self) -> str:
        extent = "exhausted" if self.exhausted else "explored"
        pruned = f"{self.pruned:,} pruned, " if self.pruned else ""
        sums = f"{self.schedules:,} schedules, {pruned}{self.choices:,} choices, {len(self.failures)} failed"
        return "\n".join([f"{extent}: {sums}", *map(str, self.failures[:1])])

    def check(self) -> None:
        """Nothing, if nothing went wrong.

        Raises:
            AssertionError: something did; its text is the shortest schedule that was found in which it does.
        """
        if self.failures:
            raise AssertionError(str(self)) from self.failures[0].error


def explore_pykka(
    scenario: Callable[[], object],
    *,
    schedules: int = 1000,
    strategy: Strategy | None = None,
    stop_at: int = 1,
    observers: Sequence[Observer] = (),
    actors_may_fail: bool = False,
    share_memory: bool = False,
) -> PykkaReport:
    """Run a scenario of Pykka actors under many schedules.

    Args:
        scenario: starts actors, talks to them, and asserts; it is called once for each schedule.
        schedules: how many at most.
        strategy: chooses them; by default a `RandomWalk`. `Exhaustive` runs all there are.
        stop_at: after how many failures to stop.
        observers: look on in all of them: a `Coverage`, say.
        actors_may_fail: whether an actor may end because it raised where nobody asked.
        share_memory: whether actors use the same objects beside messages. If not, an `Exhaustive` leaves out
            what makes no difference to actors that only send and ask.

    Raises:
        DriftedError: the strategy knows a choice that is not at hand, or an `Exhaustive` has found that the
            scenario depends on more than its choices.
        TypeError: `strategy` is none.
    """
    if isinstance(strategy, str):
        raise TypeError(
            f"strategy={strategy!r} is a name. Here it is a strategy itself: Exhaustive(), Pct(seed), ..."
        )
    strategy = strategy or RandomWalk()
    failures: list[PykkaFailure] = []
    count = choices = 0
    for number in itertools.count():
        if number >= schedules or len(failures) >= stop_at or not strategy.begin(number):
            break
        run = simulated_pykka(
            strategy, observers=observers, actors_may_fail=actors_may_fail, share_memory=share_memory
        )
        try:
            with run:
                scenario()
        except PrunedError:
            pass
        except DriftedError:
            raise
        except Exception as error:
            failures.append(PykkaFailure(error, run.choices, number))
        count += 1
        choices += len(run.choices)
    failures.sort(key=lambda failure: len(failure.choices))
    exhausted, pruned = bool(getattr(strategy, "exhausted", False)), int(getattr(strategy, "pruned", 0))
    return PykkaReport(count, choices, exhausted, tuple(failures), pruned)


def pykka_error(scenario: Callable[[], object], strategy: Strategy) -> Exception | None:
    """What goes wrong in one run of a scenario under a strategy that has begun; None if nothing does.

    Raises:
        DriftedError: the strategy knows a choice that is not at hand.
    """
    try:
        with simulated_pykka(strategy):
            scenario()
    except DriftedError:
        raise
    except Exception as error:
        return error
    return None


def replay_pykka(
    scenario: Callable[[], T], choices: Sequence[str] | Strategy, *, observers: Sequence[Observer] = ()
) -> T:
    """Run a scenario once more with the choices of a schedule, or under a strategy's first run.

    Returns:
        What the scenario returns.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
        Exception: what went wrong then, if it still does.
    """
    strategy = Replayed(choices) if isinstance(choices, Sequence) else choices
    strategy.begin(0)
    with simulated_pykka(strategy, observers=observers):
        return scenario()


def trace_pykka(scenario: Callable[[], Any], choices: Sequence[str] | Strategy = ()) -> Trace:
    """What happens in one schedule, to be looked at: `trace.text()`, `trace.html()` and so on.

    Raises:
        DriftedError: a choice is not at hand any more; it says which ones are.
    """
    trace = Trace()
    try:
        replay_pykka(scenario, choices, observers=[trace])
    except DriftedError:
        raise
    except Exception as error:
        trace.failed(error)
    return trace
