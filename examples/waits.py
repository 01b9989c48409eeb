"""Waits: branches that wait do so at the same time, and work in another branch goes on meanwhile."""

from typing import Any

from durably.workflows import DurableContext, Duration, ParallelBranch, durable_execution


def remind(context: DurableContext) -> str:
    context.wait(Duration.from_seconds(1), name="before reminding")
    return context.step(lambda step: "reminded", name="remind")


def escalate(context: DurableContext) -> str:
    context.wait(Duration.from_seconds(1), name="before escalating")
    return context.step(lambda step: "escalated", name="escalate")


def report(context: DurableContext) -> str:
    return context.step(lambda step: "reported at once", name="report")


@durable_execution
def handler(event: Any, context: DurableContext) -> list[str]:
    branches = [
        ParallelBranch(remind, "remind"),
        ParallelBranch(escalate, "escalate"),
        ParallelBranch(report, "report"),
    ]
    return context.parallel(branches, name="follow up").get_results()
