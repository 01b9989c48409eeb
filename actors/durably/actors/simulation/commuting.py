"""Which messages commute: whatever order an actor handles them in, it is in the same state afterwards.

A search need not try both orders of two such messages. To commute they must come from senders of their own,
and handling them must do nothing but change the actor: what it sends, others would get in another order.
The search raises if it does.
"""

from durably.actors.messages import Message, Settled, Waiting

_ways: dict[type, str] = {}


def commute(name: str, *messages: type[Message]) -> None:
    """Declare that any two messages of these classes commute, if no one actor has sent both.

    Args:
        name: what the handling of all of them is called; every set has one of its own.
        messages: the classes.

    Raises:
        ValueError: a class is in another set already, or the name is empty.
    """
    if not name:
        raise ValueError("messages that commute need a name for what their handling does")
    for message in messages:
        if _ways.get(message, name) != name:
            raise ValueError(f"{message.__name__} commutes as {_ways[message]!r} already, not as {name!r}")
    _ways.update(dict.fromkeys(messages, name))


def way_of(message: object) -> str:
    """The name of the set that a message is in, or "" if it commutes with none."""
    return _ways.get(type(message), "")


def declared() -> dict[str, list[type]]:
    """All sets of messages that were declared to commute."""
    sets: dict[str, list[type]] = {}
    for message, name in _ways.items():
        sets.setdefault(name, []).append(message)
    return sets


commute("who waits is counted", Waiting, Settled)
