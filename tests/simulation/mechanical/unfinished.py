"""Workflows in which something goes on behind an end: of a map, of a context, of the handler."""

from durably.workflows import (
    Duration,
    MapConfig,
    NestingType,
    StepConfig,
    durable_execution,
)
from durably.workflows.config import ParallelConfig
from durably.workflows.exceptions import DurableOperationError, ExecutionError
from tests.simulation.mechanical.steps import CAREFUL, FIRST, FLAT, broken, flaky, summary
from tests.simulation.realistic import TWICE, S, attempts


@durable_execution
def never_awaited(event, context):
    """The root returns, and all kinds of operations go on."""
    context.deferred.step(lambda _: 1, name="step")
    context.deferred.step(broken, name="broken", config=StepConfig(retry_strategy=attempts(9)))
    context.deferred.step(flaky, name="careful", config=CAREFUL)
    context.deferred.wait(S(5), name="wait")
    context.deferred.invoke("nobody", {}, name="invoke")
    context.deferred.run_in_child_context(lambda child: child.wait(S(2)), "child")
    context.deferred.run_in_child_context(
        lambda child: [child.step(lambda _: None, name=f"s{number}") for number in range(3)], "steps"
    )
    context.deferred.map([1, 2], lambda child, item, *_: child.wait(S(item)), "map")
    context.deferred.wait_for_callback(lambda *_: None, name="callback")
    context.create_callback("made")
    return context.step(lambda _: "root", name="last")


@durable_execution
def losers(event, context):
    """One branch wins, and the others are stopped in the middle of something; then the root goes on."""

    def wins(child):
        return child.step(lambda _: "won", name="win")

    def has_a_callback(child):
        callback = child.create_callback("callback")
        child.step(lambda _: 1, name="mail")
        return callback.result()

    def retries(child):
        return child.step(broken, name="retry", config=StepConfig(retry_strategy=attempts(1000)))

    def nests(child):
        def inner(grandchild, item, *_):
            grandchild.step(lambda _: item, name=f"n{item}")
            grandchild.wait(Duration.from_days(1))

        return child.map([1, 2], inner, "inner", MapConfig(max_concurrency=1))

    def shares(child):
        wait = child.deferred.wait(Duration.from_days(1), name="shared")
        return child.parallel([lambda _: wait.result(), lambda _: wait.result()], "sharing")

    def careful(child):
        child.step(flaky, name="c", config=CAREFUL)
        child.invoke("nobody", {}, name="i")

    branches = [wins, has_a_callback, retries, nests, shares, careful]
    context.parallel(branches, "p", ParallelConfig(completion_config=FIRST))
    first = context.step(lambda _: 1, name="after")
    context.wait(S(3), name="w")
    return first + context.step(lambda _: 1, name="later")


def look_outside(context, nesting):
    """Branches that lose while they wait for what was begun outside, or before they have begun."""
    over, goes_on = [], []
    outside = context.deferred.wait(Duration.from_days(1), name="outside")

    def branch(child, item, *_):
        goes_on.extend(over)
        if item == 0:
            child.step(lambda _: 0, name="win")
        else:
            outside.result()
            goes_on.extend(over)

    context.map([0, 1, 2], branch, "m", MapConfig(completion_config=FIRST, nesting_type=nesting))
    over.append("after the end")
    outside.result()
    return goes_on


@durable_execution
def losers_that_look_outside(event, context):
    """With operations of their own."""
    return look_outside(context, NestingType.NESTED)


@durable_execution
def flat_losers_that_look_outside(event, context):
    """Without."""
    return look_outside(context, FLAT)


@durable_execution
def nested_losers(event, context):
    """The winner of a map in a branch; and, a level higher, of the map around it."""

    def waits(child, item, *_):
        if item:
            child.wait(Duration.from_days(item), name="long")
        return child.step(lambda _: item, name=f"s{item}")

    def outer(child, item, *_):
        config = MapConfig(completion_config=FIRST, nesting_type=FLAT if item else NestingType.NESTED)
        child.map([0, 1], waits, f"inner{item}", config)
        child.run_in_child_context(lambda inner: inner.wait(S(1 + 9 * item)), "child")
        return item

    config = MapConfig(completion_config=FIRST)
    context.map([0, 1, 2], outer, "outer", config)
    return context.step(lambda _: "after", name="after")


@durable_execution
def enough_of_many(event, context):
    """A map that is decided before it has begun all of its branches."""

    def branch(child, item, *_):
        if item:
            child.wait(S(9), name="w")
        return item

    config = MapConfig(nesting_type=FLAT, completion_config=FIRST)
    first = context.map(list(range(9)), branch, "m", config).get_results()
    context.wait(S(1), name="after")
    return first


@durable_execution
def many_in_a_loser(event, context):
    """A map of more branches than begin at a time, in a branch that loses meanwhile."""

    def many(child):
        def branch(grandchild, item, *_):
            return grandchild.step(lambda _: item, name="s")

        child.map(list(range(9)), branch, "many")
        child.wait(Duration.from_days(1))

    branches = [lambda child: child.step(lambda _: "won", name="win"), many, many]
    context.parallel(branches, "p", ParallelConfig(completion_config=FIRST))
    return context.step(lambda _: "after", name="after")


@durable_execution
def awaits_itself(event, context):
    """A child context that waits for its own end: nobody can go on, whoever has waited before."""

    def branch(child, item, *_):
        child.wait(Duration.from_days(1) if item else S(1), name="long")

    context.wait(S(1), name="w")
    context.step(flaky, name="retry", config=TWICE)
    context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST))
    context.deferred.step(broken, name="not awaited", config=StepConfig(retry_strategy=attempts(3)))
    context.deferred.wait(Duration.from_days(1), name="not awaited either")
    futures = []
    futures.append(context.deferred.run_in_child_context(lambda child: futures[0].result(), "child"))
    context.step(lambda _: 1, name="s")
    return futures[0].result()


@durable_execution
def raises(event, context):
    """The handler ends with an error, while a branch goes on."""
    context.deferred.wait(S(5), name="wait")
    context.deferred.step(lambda _: 1, name="step")
    context.step(lambda _: 1, name="before")
    raise LookupError("the handler")


@durable_execution
def virtual_contexts(event, context):
    """FLAT branches that lose, with everything in them."""

    def branch(child, item, *_):
        if item == 0:
            return child.step(lambda _: 0, name="win")
        future = child.deferred.step(flaky, name="f", config=TWICE)
        child.create_callback("made")
        child.run_in_child_context(lambda inner: inner.wait(Duration.from_days(1)), f"c{item}")
        return future.result()

    config = MapConfig(nesting_type=FLAT, completion_config=FIRST)
    context.map([0, 1, 2], branch, "m", config)
    return context.step(lambda _: "after", name="after")


@durable_execution
def contexts_that_fail(event, context):
    """A context fails while operations below it go on."""

    def fails(child):
        child.deferred.wait(S(3), name="wait")
        child.deferred.step(flaky, name="retry", config=TWICE)
        child.deferred.run_in_child_context(lambda inner: inner.wait(S(1)) or inner.wait(S(2)), "inner")
        child.step(lambda _: 1, name="before")
        raise LookupError("the child")

    try:
        context.run_in_child_context(fails, "fails")
    except DurableOperationError:
        context.wait(S(5), name="after")
    return context.step(lambda _: "after", name="last")


@durable_execution
def some_started(event, context):
    """What a map says of branches that go on when it is decided."""

    def branch(child, item, *_):
        child.wait(S(1 + 99_999 * item), name="w")

    return summary(context.map([0, 1, 2], branch, "m", MapConfig(completion_config=FIRST)))


@durable_execution
def errors_that_end_more(event, context):
    """What code raises that is not recorded goes up to whoever awaits it."""

    def branch(child, item, *_):
        child.step(lambda _: item, name=f"s{item}")
        if item == 1:
            raise ExecutionError("not recorded")
        child.wait(S(item + 1), name=f"w{item}")

    def twice(child):
        future = child.deferred.run_in_child_context(lambda inner: branch(inner, 1), "e")
        return child.parallel([lambda _: future.result(), lambda _: future.result()], "p")

    found = []
    for call in (
        lambda: context.run_in_child_context(twice, "twice"),
        lambda: context.map([0, 1, 2], branch, "m"),
        lambda: context.run_in_child_context(lambda child: branch(child, 1), "c"),
        context.deferred.run_in_child_context(lambda child: branch(child, 1), "d").result,
    ):
        try:
            call()
        except ExecutionError as error:
            found.append(str(error))
    return [found, context.step(lambda _: "after", name="after")]


UNFINISHED = [
    never_awaited,
    losers,
    losers_that_look_outside,
    flat_losers_that_look_outside,
    nested_losers,
    enough_of_many,
    many_in_a_loser,
    awaits_itself,
    raises,
    virtual_contexts,
    contexts_that_fail,
    errors_that_end_more,
    some_started,
]
