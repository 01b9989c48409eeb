"""What runs beside the actors: step bodies and calls, each a choice until it has ended.

A body ends in one choice. A call takes two, since others may come between: the service handles it, and its
answer arrives.
"""

from collections.abc import Callable, Sequence

from durably.actors.simulation.choices import Choice, ChoiceKind
from durably.actors.simulation.scheduler import Scheduler
from durably.actors.stage import Job, JobKind, JobState
from durably.actors.workers import Completion, perform, settle

Fault = tuple[str, Callable[[], None]]
"""What may go wrong with a call: a name for it, and what to do just before the service handles it."""


class SimulatedJobs:
    """Those of one dispatcher.

    Args:
        scheduler: takes the choices.
        stirs: called when one of them is taken.

    Attributes:
        bodies: the choices at hand, by the job, of bodies that execute,
        calls: of calls that the service has not handled yet,
        answers: and of those that it has.
    """

    def __init__(self, scheduler: Scheduler, stirs: Callable[[], None]) -> None:
        self.bodies: dict[Job, Choice] = {}
        self.calls: dict[Job, Choice] = {}
        self.answers: dict[Job, Choice] = {}
        self._scheduler = scheduler
        self._stirs = stirs

    def add(self, job: Job) -> None:
        """It begins."""
        if job.kind is JobKind.BODY:
            self.bodies[job] = self._end_body(job)
        else:
            self.calls[job] = self._handle_call(job)
        self._made(job)
        if self._scheduler.observers:
            to = "body of " if job.kind is JobKind.BODY else "call "
            for observer in self._scheduler.observers:
                observer.sent(to + self._scheduler.label(job.name), job, job.kind)

    def drop(self, job: Job) -> None:
        """Nobody waits for it any more: if it has not ended, it never does."""
        jobs = self.bodies if job.kind is JobKind.BODY else self.calls
        if jobs.pop(job, None) is not None:
            job.state = JobState.DROPPED
            if self._scheduler.footprints is not None:
                self._scheduler.footprints.dropped(job)

    def failing(self, job: Job, faults: Sequence[Fault]) -> list[Choice]:
        """The ways in which a call may go wrong."""
        usual = self.calls[job].perform

        def struck(arm: Callable[[], None]) -> Callable[[], None]:
            def happen_badly() -> None:
                arm()
                usual()

            return happen_badly

        return [Choice(ChoiceKind.FAULT, name, "the service", struck(arm), job) for name, arm in faults]

    def outstanding(self) -> list[str]:
        """What has not ended, in words."""
        label = self._scheduler.label
        return [
            *(f"{job.kind.value} of {label(job.name)}" for job in [*self.bodies, *self.calls]),
            *(f"an answer to {label(job.name)}" for job in self.answers),
        ]

    # ------------------------------------------------------------------ the choices

    def _end_body(self, job: Job) -> Choice:
        who = f"body of {self._scheduler.label(job.name)}"

        def happen() -> None:
            del self.bodies[job]
            self._begin(job)
            settle(perform(job))

        return Choice(ChoiceKind.BODY, f"{who} ends", who, happen, job)

    def _handle_call(self, job: Job) -> Choice:
        def happen() -> None:
            del self.calls[job]
            self._begin(job)
            self.answers[job] = self._arrive(perform(job))
            self._made(job)

        return Choice(ChoiceKind.CALL, "the service handles the call", "the service", happen, job)

    def _arrive(self, completion: Completion) -> Choice:
        job = completion[0]

        def happen() -> None:
            self._stirs()
            del self.answers[job]
            settle(completion)

        return Choice(ChoiceKind.ANSWER, "the answer arrives", "the service", happen, job)

    def _begin(self, job: Job) -> None:
        self._stirs()
        job.state = JobState.RUNNING
        for observer in self._scheduler.observers:
            observer.handling(job, job.kind)

    def _made(self, job: Job) -> None:
        if self._scheduler.footprints is not None:
            self._scheduler.footprints.make(job)
