"""Actors on one thread: the stage that durable workflows run on.

Four kinds of actors own the checkpoint queue, each operation, the branches of a map, and the decision to end.
`Actor` and `ActorSystem` are for actors of your own: the same base, the same hub, the same virtual time.
"""

from durably.actors.actor import Actor, Ref, WouldDeadlockError
from durably.actors.clock import Clock, VirtualClock, WallClock
from durably.actors.hub import HubDispatcher
from durably.actors.messages import Message
from durably.actors.system import ActorFailedError, ActorSystem

__all__ = [
    "Actor",
    "ActorFailedError",
    "ActorSystem",
    "Clock",
    "HubDispatcher",
    "Message",
    "Ref",
    "VirtualClock",
    "WallClock",
    "WouldDeadlockError",
]
