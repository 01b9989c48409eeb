"""The deterministic scheduler: the very actors and tasks of production, in an order that a strategy chooses.

`Scheduler` owns every choice of a run, `SimulatedDispatcher` stands where the hub stands in production, and a
`Strategy` says which of the choices is taken. No threads and no wall clock take part, so a run is a pure
function of its choices.
"""

from durably.actors.simulation.breaking_off import CrashError, StuckError
from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.commuting import commute
from durably.actors.simulation.coverage import Coverage
from durably.actors.simulation.dispatcher import SimulatedDispatcher
from durably.actors.simulation.partial_order import Exhaustive, NotCommutingError, PrunedError
from durably.actors.simulation.pykka_actors import DeadlockError, UnhandledError, simulated_pykka
from durably.actors.simulation.pykka_campaign import (
    PykkaFailure,
    PykkaReport,
    explore_pykka,
    pykka_error,
    replay_pykka,
    trace_pykka,
)
from durably.actors.simulation.scheduler import Observer, Scheduler, TooLongError
from durably.actors.simulation.strategies import (
    DriftedError,
    Fifo,
    Pct,
    PlainDepthFirst,
    RandomWalk,
    Replayed,
    Strategy,
)
from durably.actors.simulation.sweep import Sweep
from durably.actors.simulation.trace import Trace

__all__ = [
    "Choice",
    "ChoiceKind",
    "Coverage",
    "CrashError",
    "DeadlockError",
    "DriftedError",
    "Exhaustive",
    "Fifo",
    "NotCommutingError",
    "Observer",
    "Pct",
    "PlainDepthFirst",
    "PrunedError",
    "PykkaFailure",
    "PykkaReport",
    "RandomWalk",
    "Replayed",
    "Scheduler",
    "SimulatedDispatcher",
    "Strategy",
    "StuckError",
    "Sweep",
    "TooLongError",
    "Trace",
    "UnhandledError",
    "commute",
    "explore_pykka",
    "pykka_error",
    "replay_pykka",
    "simulated_pykka",
    "trace_pykka",
]
