"""Branches of a map that end around the moment of its decision, on the real hub."""

import threading
from typing import Any

import pytest

from durably.actors.concurrency import Branch, ConcurrencyActor, Decision, Limits
from durably.actors.messages import Begin, EndKind, Returned, Succeeded
from durably.actors.spec import Kind
from durably.actors.task import Scope, Task
from tests.actors.invocation import Invocation

PATIENCE = 5.0


def good() -> Succeeded:
    return Succeeded("1", 1)


class Fan:
    """A map of two branches of one step each; each step ends when its gate opens."""

    def __init__(self, scene: Invocation, limits: Limits) -> None:
        self.scene = scene
        self.limits = limits
        self.gates = [threading.Event(), threading.Event()]
        self.decisions: list[Any] = []
        self.operation = scene.operation(Kind.MAP, "m", concurrency=self.controller)

    def controller(self, operation: Any) -> Any:
        return self.scene.system.spawn(
            ConcurrencyActor,
            "m",
            operation,
            self.limits,
            [Branch(), Branch()],
            self.begin,
            self.conclude,
            lambda: None,
        )

    def conclude(self, decision: Any) -> Succeeded:
        assert isinstance(decision, Decision)
        self.decisions.append([branch.status.name for branch in decision.branches])
        return good()

    def begin(self, controller: Any, index: int) -> None:
        def make_task(branch: Any) -> Task:
            def code() -> None:
                step = self.scene.operation(Kind.STEP, f"s{index}", body, parent_id=f"b{index}")
                try:
                    self.scene.begin(step, task)
                except BaseException as error:
                    self.scene.log.append(f"branch {index} {type(error).__name__}")
                else:
                    branch.tell(Returned(good()))

            task = Task(f"branch {index}", Scope(f"b{index}", Scope("m")), code, depth=1)
            return task

        def body() -> Succeeded:
            assert self.gates[index].wait(PATIENCE)
            return good()

        more = {"branch": (controller, index), "task": make_task, "parent_id": "m"}
        self.scene.operation(Kind.CONTEXT, f"b{index}", **more).tell(Begin())


@pytest.mark.parametrize("first", [0, 1])
def test_a_branch_that_ends_after_the_decision_changes_nothing(first: int):
    """Either branch may be the first of two, of which one is enough; the other is left as it stood."""
    scene = Invocation()
    fan = Fan(scene, Limits(min_successful=1))
    fan.gates[first].set()

    def handler(task: Task) -> None:
        scene.begin(fan.operation, task)
        fan.gates[1 - first].set()

    scene.root(handler)
    assert scene.run().kind is EndKind.FINISHED
    assert fan.decisions == [["SUCCEEDED" if index == first else "STARTED" for index in (0, 1)]]
    assert scene.log == [f"branch {1 - first} Unwinding"]
    ended = [sent for sent in scene.service.sent if not sent.endswith("START")]
    assert ended == [f"s{first} SUCCEED", f"b{first} SUCCEED", "m SUCCEED"]
