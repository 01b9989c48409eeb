"""Exhaustive search that leaves out orders which make no difference: dynamic partial-order reduction.

Two runs that differ only in the order of steps which do not depend on each other come to the same: one of
them is enough. The search goes depth first. At first it takes one choice only, and looks at each step that is
taken for an earlier one on which it depends and which it need not follow (a race). Only where there is one
another choice is taken as well, one that leads to the other order (Flanagan and Godefroid 2005; Abdulla et
al. 2014, "Optimal dynamic partial order reduction": the choices taken at one place are a source set). A
choice that was taken before sleeps until something on which it depends has happened (sleep sets).

What is particular here, and kept sound by taking more choices:

- Some choices are there only while nothing else is (a batch is sent, all is still). Where neither an actor
  has mail nor a task can go on all choices are taken; elsewhere such a step can be in no race.
- A step may take a choice away (a timer is cancelled, a body dropped, a call is handled and cannot fail any
  more). What it takes away is taken as well; all, if the system ends with it.
- What may happen and need not (a crash, what comes from outside) is taken wherever it is at hand. A crash
  makes a process forget all that it did since something outside has changed (a call was handled, time has
  passed, a body has ended); so only right after that it is at hand.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NoReturn

import attrs

from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.footprints import (
    EVERYTHING,
    SERVICE,
    WRITE,
    Footprints,
    Signature,
    Touch,
    conflict,
)
from durably.actors.simulation.strategies import DriftedError

BUSY = (ChoiceKind.DELIVER, ChoiceKind.RESUME)
ONLY_IF_IDLE = (ChoiceKind.IDLE, ChoiceKind.STILL)


class PrunedError(BaseException):
    """The rest of this run would differ from another one only in the order of what does not depend.

    It is no error of what is simulated, and no `Exception`, so that nothing in there takes it for one.
    """


class NotCommutingError(Exception):
    """A message was declared to commute, and its handling does more than to change its actor."""


@attrs.define(eq=False)
class Place:
    """A place in the current run, and what has been and is to be tried there.

    `indices` says where among the choices at hand each option is, and its name; `past` has a bit for each
    earlier place on whose step the one that is chosen here depends.
    """

    options: dict[int, Signature]
    indices: dict[int, tuple[int, str]]
    sleeping: dict[int, frozenset[Touch]]
    todo: set[int]
    chosen: int
    done: dict[int, frozenset[Touch]] = attrs.Factory(dict[int, frozenset[Touch]])
    is_finished: bool = False
    past: int = 0

    @property
    def step(self) -> Signature:
        """What is chosen."""
        return self.options[self.chosen]

    @property
    def touches(self) -> frozenset[Touch]:
        """What that step has touched."""
        return self.done[self.chosen]

    def next(self) -> int | None:
        """What is still to be tried."""
        for key in self.options:
            if key in self.todo and key not in self.done and key not in self.sleeping:
                return key
        return None


class Exhaustive:
    """Every possible run, but for those that differ only in the order of what does not depend on each other.

    `exhausted` is true when there is none left. A run whose rest turns out to make no difference is ended by
    a `PrunedError`, which whoever runs it must let pass; `pruned` counts them.

    Args:
        faults: how many faults may strike in one run.
        independent_bodies: step bodies share nothing, neither with each other nor with workflow code: they
            only take arguments and return results. Then the order in which they end matters only through
            that in which the library learns of it.
        independent_tasks: the same of the code of contexts and branches, futures included: no context awaits
            what another one has begun; and of completion predicates and serializers. With both, user code
            remembers nothing, and whatever comes of one state of the world is tried once.
    """

    def __init__(
        self,
        faults: int = 1,
        *,
        independent_bodies: bool = False,
        independent_tasks: bool = False,
    ) -> None:
        self.exhausted = False
        self.pruned = 0
        self._faults = faults
        self._independent_bodies = independent_bodies
        self._independent_tasks = independent_tasks
        self._places: list[Place] = []
        self._depth = 0
        self._struck: int = 0
        self._makes_no_difference = False
        self._footprints = Footprints()
        self._begun: dict[object, tuple[Place, int]] = {}

    def footprints(self) -> Footprints:
        """Those of a new run; the scheduler asks for them."""
        self._footprints = Footprints(
            independent_bodies=self._independent_bodies, independent_tasks=self._independent_tasks
        )
        return self._footprints

    def begin(self, run: int) -> bool:
        if run:
            if not self._makes_no_difference:
                self._finish(None)
            while self._places:
                place = self._places[-1]
                key = place.next()
                if key is not None:
                    place.chosen, place.is_finished = key, False
                    break
                self._places.pop()
            if not self._places:
                self.exhausted = True
                return False
        else:
            self._begun.clear()
        self._depth = self._struck = 0
        self._makes_no_difference = False
        return True

    def choose(self, options: Sequence[Choice]) -> int:
        if self._makes_no_difference:  # the error has been caught
            raise PrunedError
        place = self._place_of_before(options) if self._depth < len(self._places) else self._go_on(options)
        self._depth += 1
        self._struck += int(place.step.kind is ChoiceKind.FAULT)
        self._footprints.begin(place.step)
        return place.indices[place.chosen][0]

    def _place_of_before(self, options: Sequence[Choice]) -> Place:
        """The place that has been reached again."""
        place = self._places[self._depth]
        index, name = place.indices[place.chosen]
        if index >= len(options) or options[index].name != name:
            raise DriftedError(
                f"At choice {self._depth} there was {name!r}, which is not at hand in another run with the "
                "same choices: something that is simulated depends on more than its choices."
            )
        return place

    def _go_on(self, options: Sequence[Choice]) -> Place:
        """A place that has not been reached before."""
        steps, indices = dict[int, Signature](), dict[int, tuple[int, str]]()
        for index, option in enumerate(options):
            is_fault = option.kind is ChoiceKind.FAULT
            if is_fault and not (
                self._struck < self._faults and (option.subject is not None or self._world_is_new())
            ):
                continue
            step = self._footprints.signature(option)
            steps[step.key], indices[step.key] = step, (index, option.name)
        self._finish(steps.keys())
        place = self._new_place(steps, indices)
        if place is None:
            self._give_up()
        self._places.append(place)
        return place

    def starts_over(self, state: Callable[[], object]) -> None:
        """End the run if all that can come of this state has been tried after another beginning.

        It has been if that beginning was left, since the search goes depth first. What comes of it leads to
        no other order of what was before, since the last step depends on everything.
        """
        if not (self._independent_bodies and self._independent_tasks and self._depth):
            return  # user code may remember more
        last = self._places[self._depth - 1]
        beginning = (last, last.chosen)
        if self._begun.setdefault((state(), self._struck), beginning) != beginning:
            self._finish(None)
            self._give_up()

    def _give_up(self) -> NoReturn:
        self.pruned += 1
        self._makes_no_difference = True
        raise PrunedError

    def _world_is_new(self) -> bool:
        """Whether the last step has done more than to change the memory of a process that may die now."""
        if not self._depth or self._footprints.is_last:
            return True
        step, touches = self._places[self._depth - 1].step, self._footprints.touched
        if step.kind is ChoiceKind.BODY:
            return not self._independent_bodies
        return EVERYTHING in touches or (SERVICE, WRITE) in touches

    # ------------------------------------------------------------------ a new place

    def _new_place(self, options: dict[int, Signature], indices: dict[int, tuple[int, str]]) -> Place | None:
        """The next place of this run; None if everything at hand sleeps."""
        sleeping = self._still_asleep()
        awake = [key for key in options if key not in sleeping]
        if not awake:
            return None
        first = next((key for key in awake if options[key].kind in BUSY), None)
        if first is None:
            return Place(options, indices, sleeping, set(awake), awake[0])
        need_not = {key for key in awake if _need_not(options[key])}
        return Place(options, indices, sleeping, {first} | need_not, first)

    def _still_asleep(self) -> dict[int, frozenset[Touch]]:
        if not self._places:
            return {}
        before = self._places[-1]
        touches = before.touches
        return {
            key: touched
            for key, touched in [*before.sleeping.items(), *before.done.items()]
            if key != before.chosen and not conflict(touched, touches)
        }

    # ------------------------------------------------------------------ a step that was taken

    def _finish(self, at_hand: Iterable[int] | None) -> None:
        """Look at the step that was taken last; nothing is at hand after it if the run is over."""
        if not self._depth or self._places[self._depth - 1].is_finished:
            return
        number = self._depth - 1
        place = self._places[number]
        step = place.step
        place.done[place.chosen] = touches = self._footprints.finish()
        place.is_finished = True
        if step.only_itself and not touches <= step.touches:
            raise NotCommutingError(
                "The handling of a message that was declared to commute touches "
                f"{', '.join(sorted(str(what) for what, _ in touches))} beside its actor."
            )
        for earlier in self._races(number, place, self._footprints.followed):
            self._reverse(earlier, number)
        if _need_not(step):
            return
        if at_hand is None or self._footprints.is_last:
            place.todo |= place.options.keys()
        else:
            place.todo |= place.options.keys() - set(at_hand)

    def _races(self, number: int, place: Place, followed: set[int]) -> list[int]:
        """Find out what the step depends on; the places of the steps before which it could have come."""
        step, touches = place.step, place.touches
        past, races = 0, list[int]()
        for earlier in range(number - 1, -1, -1):
            if past >> earlier & 1:
                continue
            other = self._places[earlier]
            follows = other.chosen in followed or (step.process and step.process == other.step.process)
            if follows or conflict(touches, other.touches):
                past |= other.past | 1 << earlier
                if not follows and step.kind not in ONLY_IF_IDLE:
                    races.append(earlier)
        place.past = past
        return races

    def _reverse(self, earlier: int, later: int) -> None:
        """See to it that the step at `later` is tried before that at `earlier`."""
        place = self._places[earlier]
        past = self._places[later].past
        needed = [
            number
            for number in range(earlier + 1, later)
            if past >> number & 1 and not self._places[number].past >> earlier & 1
        ]
        mask = sum(1 << number for number in needed)
        firsts = [number for number in needed if not self._places[number].past & mask] or [later]
        keys = [self._places[number].chosen for number in firsts]
        keys = [key for key in keys if key in place.options]
        if keys:
            if place.todo.isdisjoint(keys):
                place.todo.add(keys[0])
        elif needed:
            place.todo |= place.options.keys()


def _need_not(step: Signature) -> bool:
    """Whether it may happen at any time, or never, and everything else depends on it."""
    return step.kind in (ChoiceKind.OUTSIDE, ChoiceKind.FAULT) and EVERYTHING in step.touches
