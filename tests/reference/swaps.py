"""Scenarios of executions that are left half-finished, so that another SDK has to go on with them.

The same seven operations that suspend, each in the same places: between two waits, one after another, in a
child, and in the branches of maps of several kinds, where one invocation finishes one branch. With the SDKs
taking turns each operation is begun by one and finished by the other, and replayed by both.
"""

from durably.actors.model import ErrorObject
from tests.reference.bodies import ShopError
from tests.reference.conditions import polling
from tests.reference.outside import TIME, Answer
from tests.reference.scenarios import Scenarios, batch_described, outcome

scenario = Scenarios()

FAILURE = ErrorObject("no", "shop.No", "data", ("at shop",))

# ------------------------------------------------------------------ operations that suspend


def waiting(sdk, world, context, tag):
    """A wait, the shorter the later its tag."""
    return context.wait(sdk.seconds(110 - ord(tag[-1])), name=tag)


def retrying(sdk, world, context, tag):
    """A step that is tried twice."""

    def body(step):
        if step.attempt == 1:
            raise ShopError(tag)
        return [tag, world.again(f"second attempt of {tag}")]

    return context.step(body, name=tag, config=sdk.step_config(2))


def called_back(sdk, world, context, tag):
    """A callback, and a step between its creation and its result."""
    callback = context.create_callback(tag)
    context.step(world.body(f"hand over {tag}"), name=f"hand over {tag}")
    return callback.result()


def handed_over(sdk, world, context, tag):
    """A wait for a callback."""
    return context.wait_for_callback(lambda callback_id, _: world.again(f"submit {tag}"), tag)


def invoked(sdk, world, context, tag):
    """An invoke."""
    return context.invoke("shop", {"tag": tag}, tag)


def looked_at(sdk, world, context, tag):
    """A condition that is met at the second look."""

    def check(state, own):
        return [*state, own.attempt, world.again(f"look at {tag}")]

    config = sdk.WaitForConditionConfig(polling(sdk, [1, 1, 2, 2]), [])
    return context.wait_for_condition(check, config, tag)


def grouped(sdk, world, context, tag):
    """A child context with a wait between two steps."""

    def work(child):
        before = child.step(world.body(f"before {tag}", tag), name=f"before {tag}")
        child.wait(sdk.seconds(2), name=f"pause {tag}")
        return [before, child.step(world.body(f"behind {tag}", tag), name=f"behind {tag}")]

    return context.run_in_child_context(work, name=tag)


KINDS = {
    "waits": waiting,
    "retries": retrying,
    "callbacks": called_back,
    "waits_for_callbacks": handed_over,
    "invokes": invoked,
    "conditions": looked_at,
    "children": grouped,
}


def answer(kind, tag, **how):
    """The rounds of answers that one such operation takes."""
    how = how or {"result": f'"{tag}"'}
    if kind == "waits_for_callbacks":
        return [Answer(f"{tag} create callback id", **how)]
    return [Answer(tag, **how)] if kind in ("callbacks", "invokes") else []


def answers(kind, tags):
    """The same of several, one after another."""
    return [each for tag in tags for each in answer(kind, tag)]


def around(world, context, tag, operation):
    """An operation between two steps whose bodies may run once only."""
    context.step(world.body(f"first {tag}"), name=f"first {tag}")
    seen = operation()
    return [seen, context.step(world.body(f"last {tag}", tag), name=f"last {tag}")]


# ------------------------------------------------------------------ the same places for each


def each_kind(name, tags="", **how):
    """Add the decorated scenario for every operation, with answers to `tags`."""

    def add(build):
        for kind, operation in KINDS.items():

            def of_kind(sdk, world, operation=operation):
                return build(sdk, world, lambda context, tag: operation(sdk, world, context, tag))

            of_kind.__name__ = name.format(kind)
            scenario(answers=answers(kind, tags), **how)(of_kind)
        return build

    return add


@each_kind("{}_between_waits", "ab")
def between_waits(sdk, world, operation):
    def handler(event, context):
        seen = []
        for tag in "ab":
            context.wait(sdk.seconds(1), name=f"before {tag}")
            seen.append(around(world, context, tag, lambda tag=tag: operation(context, tag)))
        context.wait(sdk.seconds(1), name="at last")
        return seen

    return handler


@each_kind("{}_in_children_of_children", "ab")
def in_children(sdk, world, operation):
    def work(child):
        inner = child.run_in_child_context(
            lambda own: around(world, own, "a", lambda: operation(own, "a")), name="inner"
        )
        return [inner, around(world, child, "b", lambda: operation(child, "b"))]

    def handler(event, context):
        seen = context.run_in_child_context(work, name="outer")
        context.wait(sdk.seconds(1), name="afterwards")
        return seen

    return handler


def batch_of(sdk, world, operation, tags="abc", **options):
    """A map with such an operation in each branch, and a wait after it."""

    def branch(context, tag, index, items):
        return around(world, context, tag, lambda: operation(context, tag))

    def handler(event, context):
        batch = context.map(tags, branch, name="m", config=sdk.MapConfig(**options))
        context.wait(sdk.seconds(1), name="afterwards")
        return batch_described(batch)

    return handler


@each_kind("a_map_of_{}", "bca")
def in_a_map(sdk, world, operation):
    return batch_of(sdk, world, operation)


@each_kind("a_flat_map_of_{}", "bca")
def in_a_flat_map(sdk, world, operation):
    return batch_of(sdk, world, operation, nesting_type=sdk.NestingType.FLAT)


@each_kind("a_map_of_{}_two_at_a_time", "badc")
def two_at_a_time(sdk, world, operation):
    return batch_of(sdk, world, operation, "abcd", max_concurrency=2)


@each_kind("a_flat_map_of_{}_one_at_a_time", "abc")
def one_at_a_time(sdk, world, operation):
    return batch_of(sdk, world, operation, max_concurrency=1, nesting_type=sdk.NestingType.FLAT)


@each_kind("a_map_of_{}_in_a_map", "acbd")
def in_a_map_in_a_map(sdk, world, operation):
    def branch(context, tags, index, items):
        batch = context.map(
            tags,
            lambda own, tag, _, __: around(world, own, tag, lambda: operation(own, tag)),
            name=f"inner {index}",
            config=sdk.MapConfig(nesting_type=sdk.NestingType.FLAT if index else sdk.NestingType.NESTED),
        )
        return batch.get_results()

    def handler(event, context):
        batch = context.map(["ab", "cd"], branch, name="m")
        context.wait(sdk.seconds(1), name="afterwards")
        return batch_described(batch)

    return handler


# ------------------------------------------------------------------ some of them, in stranger places


def of_all_kinds(sdk, world, nesting):
    """A parallel with an operation of another kind in each branch."""

    def branch(kind):
        tag = f"{kind} a"
        return sdk.ParallelBranch(
            lambda context: around(world, context, tag, lambda: KINDS[kind](sdk, world, context, tag)),
            name=f"the {kind}",
        )

    def handler(event, context):
        config = sdk.ParallelConfig(nesting_type=sdk.NestingType[nesting])
        batch = context.parallel([branch(kind) for kind in KINDS], name="p", config=config)
        context.wait(sdk.seconds(1), name="afterwards")
        return batch_described(batch)

    return handler


ALL_ANSWERS = [
    each for kind in ("invokes", "callbacks", "waits_for_callbacks") for each in answer(kind, f"{kind} a")
]


@scenario(answers=[TIME, *ALL_ANSWERS])
def a_parallel_of_everything(sdk, world):
    return of_all_kinds(sdk, world, "NESTED")


@scenario(answers=[TIME, *ALL_ANSWERS])
def a_flat_parallel_of_everything(sdk, world):
    return of_all_kinds(sdk, world, "FLAT")


@scenario(answers=ALL_ANSWERS, page_size=3)
def a_parallel_of_everything_in_pages(sdk, world):
    return of_all_kinds(sdk, world, "NESTED")


def early(kind, tags, name, **options):
    """Add a scenario of a map of which one branch is enough, and the others are answered too late."""

    def build(sdk, world):
        def branch(context, tag, index, items):
            return around(world, context, tag, lambda: KINDS[kind](sdk, world, context, tag))

        def handler(event, context):
            config = sdk.MapConfig(
                completion_config=sdk.CompletionConfig(min_successful=1),
                **{key: getattr(sdk, type_)[value] for key, (type_, value) in options.items()},
            )
            first = batch_described(context.map(tags, branch, name="m", config=config))
            context.wait(sdk.seconds(1), name="afterwards")
            last = context.create_callback("last").result()
            return [first, last]

        return handler

    build.__name__ = name
    late = [each for tag in tags if tag != "b" for each in answer(kind, tag)]
    scenario(answers=[*answer(kind, "b"), late, Answer("last", "end")])(build)


FLAT = {"nesting_type": ("NestingType", "FLAT")}
early("callbacks", "abc", "a_map_of_callbacks_of_which_one_is_enough")
early("callbacks", "abc", "a_flat_map_of_callbacks_of_which_one_is_enough", **FLAT)
early("invokes", "abc", "a_map_of_invokes_of_which_one_is_enough")
early("invokes", "abc", "a_flat_map_of_invokes_of_which_one_is_enough", **FLAT)
early("waits_for_callbacks", "abc", "a_map_of_waits_for_callbacks_of_which_one_is_enough")
early("waits_for_callbacks", "abc", "a_flat_map_of_waits_for_callbacks_of_which_one_is_enough", **FLAT)


@scenario(answers=[Answer("b", error=FAILURE), Answer("last", "end")])
def a_map_of_callbacks_of_which_one_fails(sdk, world):
    def branch(context, tag, index, items):
        return context.create_callback(tag).result()

    def handler(event, context):
        batch = context.map("abc", branch, name="m")
        context.create_callback("last").result()
        return [batch_described(batch), outcome(batch.throw_if_error)]

    return handler


@scenario(answers=[Answer(tag, error=FAILURE) for tag in "ab"])
def a_map_of_invokes_of_which_too_many_fail(sdk, world):
    completion = sdk.CompletionConfig(tolerated_failure_count=1)
    return batch_of(
        sdk, world, lambda c, tag: invoked(sdk, world, c, tag), "abcd", completion_config=completion
    )


@scenario(answers=[Answer("a", "1"), Answer("b", error=FAILURE), Answer("c", "3")])
def a_predicate_over_callbacks(sdk, world):
    def enough(status):
        if status.success_count == 2:
            return sdk.complete_batch(sdk.CompletionOutcome.FAILED)
        return sdk.continue_batch()

    completion = sdk.CompletionConfig(should_complete=enough)
    return batch_of(
        sdk, world, lambda c, tag: called_back(sdk, world, c, tag), "abcd", completion_config=completion
    )
