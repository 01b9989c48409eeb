"""Branches of a parallel that differ in what they return, with names and without."""

from durably.workflows import BatchResult, DurableContext, ParallelBranch, durable_parallel_branch


def user(context: DurableContext) -> str:
    return context.step(lambda step: "Ada")


def orders(context: DurableContext) -> list[int]:
    return context.step(lambda step: [7])


@durable_parallel_branch("rating")
def rating(context: DurableContext, stars: int) -> float:
    return context.step(lambda step: stars / 5)


def flow(context: DurableContext) -> None:
    plain: BatchResult[str | list[int]] = context.parallel([user, orders])
    named: BatchResult[str | list[int]] = context.parallel(
        [ParallelBranch(user, "user"), ParallelBranch(orders, "orders")]
    )
    mixed: BatchResult[str | list[int] | float] = context.parallel(
        [ParallelBranch(user, "user"), orders, rating(3)]
    )
    results: list[str | list[int]] = plain.get_results() + named.get_results()
    more: list[str | list[int] | float] = mixed.get_results()
    print(results, more)

    # assert-type-error-pyright: "not assignable to declared type \"list\[str\]\""
    narrow: list[str] = plain.get_results()
    print(narrow)
