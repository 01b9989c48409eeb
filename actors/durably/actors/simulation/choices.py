"""A choice: one thing that could happen next, under a name that is the same in every run."""

import enum
from collections.abc import Callable

from durably.actors.frozen import frozen


class ChoiceKind(enum.Enum):
    """What sort of thing happens. FAULTs are what a world may do to an invocation, and need not."""

    DELIVER = "an actor handles its next message"
    RESUME = "a task goes on"
    BODY = "a step body ends"
    CALL = "the service handles a call"
    ANSWER = "the answer to a call arrives"
    IDLE = "nothing better is to be done"
    STILL = "nothing is outstanding"
    TIME = "a timer fires"
    FAULT = "something goes wrong"
    OUTSIDE = "somebody outside does something"


@frozen(eq=False)
class Choice:
    """One thing that could happen next.

    `name` says it in words and tells it from the other choices at hand; `who` is the actor, task or job that
    it happens to; `perform` lets it happen. `subject` is what it is about, if that is one thing that a step
    before it has made: a letter, a task, a job or a timer.
    """

    kind: ChoiceKind
    name: str
    who: str
    perform: Callable[[], None]
    subject: object = None
