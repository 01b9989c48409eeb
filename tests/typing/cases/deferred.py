"""Deferred operations: what their futures and the combinators give."""

from typing import Any

from durably.workflows import DurableContext, DurableFuture, Duration, InvokeConfig
from durably.workflows.serdes import typed


def flow(context: DurableContext) -> None:
    untyped = context.deferred.invoke("quick", {"order": 7}, name="quick")
    answer: dict[str, Any] = context.race([untyped, context.deferred.invoke("slow", 7)])
    config: InvokeConfig[int, str] = InvokeConfig(serdes_payload=typed(int), serdes_result=typed(str))
    receipt: str = context.deferred.invoke("charge", 999, config=config).result()
    again: DurableFuture[str] = context.deferred.invoke("charge", 999, "again", config)
    paused: DurableFuture[None] = context.deferred.wait(Duration.from_days(1))
    first: str | None = context.race([again, paused])
    print(answer, receipt, first)

    # assert-type-error-pyright: "not assignable to declared type \"int\""
    wrong: int = context.race([again, paused])
    print(wrong)

    # assert-type-error-pyright: "No overloads for \"invoke\""
    context.deferred.invoke("charge", "999", config=config)
