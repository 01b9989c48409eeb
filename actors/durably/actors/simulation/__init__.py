"""The deterministic scheduler: the very actors and tasks of production, in an order that a strategy chooses.

`Scheduler` owns every choice of a run, `SimulatedDispatcher` stands where the hub stands in production, and a
`Strategy` says which of the choices is taken. No threads and no wall clock take part, so a run is a pure
function of its choices.
"""

from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.commuting import commute
from durably.actors.simulation.dispatcher import CrashError, SimulatedDispatcher, StuckError
from durably.actors.simulation.partial_order import Exhaustive
from durably.actors.simulation.scheduler import Scheduler, TooLongError
from durably.actors.simulation.strategies import (
    Fifo,
    Pct,
    PlainDepthFirst,
    RandomWalk,
    Replayed,
    Strategy,
)
from durably.actors.simulation.sweep import Sweep

__all__ = [
    "Choice",
    "ChoiceKind",
    "CrashError",
    "Exhaustive",
    "Fifo",
    "Pct",
    "PlainDepthFirst",
    "RandomWalk",
    "Replayed",
    "Scheduler",
    "SimulatedDispatcher",
    "Strategy",
    "StuckError",
    "Sweep",
    "TooLongError",
    "commute",
]
