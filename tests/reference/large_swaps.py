"""Scenarios of large results that one SDK records, without the result itself, and another builds again."""

from tests.reference.bodies import is_
from tests.reference.callbacks import FAILURE
from tests.reference.conditions import polling
from tests.reference.outside import Answer
from tests.reference.scenarios import Crash, Fate, Scenarios, batch_described

scenario = Scenarios()

TEXT = "x" * 120 * 1024


def large_batch(sdk, world, tags="abc", **options):
    """A map of callbacks with long answers, and what is left of it after another callback."""

    def branch(context, tag, index, items):
        context.step(world.body(tag), name=f"first {tag}")
        return context.create_callback(tag).result()

    def handler(event, context):
        batch = context.map(tags, branch, name="m", config=sdk.MapConfig(**options))
        context.step(world.body("between"), name="between")
        last = context.create_callback("last").result()
        context.wait(sdk.seconds(1), name="afterwards")
        return [batch_described(batch), last]

    return handler


LONG = [Answer(tag, TEXT) for tag in "abc"]
END = Answer("last", "end")


@scenario(answers=[*LONG, END])
def a_large_map_of_callbacks(sdk, world):
    return large_batch(sdk, world)


@scenario(answers=[*LONG, END])
def a_large_map_of_callbacks_with_a_summary(sdk, world):
    return large_batch(sdk, world, summary_generator=lambda batch: f"{batch.success_count} \u00fc")


@scenario(answers=[*LONG, END])
def a_large_flat_map_of_callbacks(sdk, world):
    return large_batch(sdk, world, nesting_type=sdk.NestingType.FLAT)


@scenario(answers=[*LONG, END])
def a_large_map_of_callbacks_one_at_a_time(sdk, world):
    return large_batch(sdk, world, max_concurrency=1)


@scenario(answers=[*LONG, END], crash=Crash("m"))
def a_crash_before_the_end_of_a_large_map_of_callbacks(sdk, world):
    return large_batch(sdk, world)


@scenario(answers=[*LONG, END], crash=Crash("m", fate=Fate.RECORDED))
def a_crash_after_the_end_of_a_large_map_of_callbacks(sdk, world):
    return large_batch(sdk, world, nesting_type=sdk.NestingType.FLAT)


@scenario(answers=[*LONG, [Answer("e", TEXT), Answer("d", "late")], END])
def a_large_map_of_callbacks_of_which_some_are_late(sdk, world):
    return large_batch(sdk, world, "abcde", completion_config=sdk.CompletionConfig(min_successful=3))


@scenario(answers=[*LONG, [Answer("e", TEXT), Answer("d", "late")], END])
def a_large_flat_map_of_callbacks_of_which_some_are_late(sdk, world):
    return large_batch(
        sdk,
        world,
        "abcde",
        completion_config=sdk.CompletionConfig(min_successful=3),
        nesting_type=sdk.NestingType.FLAT,
    )


@scenario(answers=[Answer("a", TEXT), Answer("b", error=FAILURE), Answer("c", TEXT), Answer("d", TEXT), END])
def a_large_map_of_callbacks_with_a_failure_and_a_summary(sdk, world):
    return large_batch(
        sdk,
        world,
        "abcdef",
        max_concurrency=2,
        completion_config=sdk.CompletionConfig(min_successful=3, tolerated_failure_count=1),
        summary_generator=lambda batch: f"{batch.started_count} on their way",
    )


@scenario(answers=[Answer("a create callback id", TEXT * 3), Answer("b", f'"{TEXT * 3}"'), END], page_size=2)
def large_results_in_a_large_child(sdk, world):
    def work(child):
        answered = child.wait_for_callback(lambda callback_id, _: world.again("submit"), "a")
        child.wait(sdk.seconds(1), name="inside")
        given = child.run_in_child_context(lambda own: own.invoke("shop", 1, "b"), name="inner")
        config = sdk.WaitForConditionConfig(polling(sdk, 2), 0)
        looks = child.wait_for_condition(lambda state, _: state + world.again("look") * 0 + 1, config, "c")
        return [answered, given, looks, child.step(world.body("s", world.again("child") > 0), name="s")]

    def handler(event, context):
        answered, given, looks, done = context.run_in_child_context(work, name="work")
        context.create_callback("last").result()
        context.wait(sdk.seconds(1), name="afterwards")
        return [len(answered), len(given), looks, done, world.again("handler"), world.again("submit")]

    return handler


@scenario(answers=[[Answer(tag, TEXT * 3) for tag in "ab"], END])
def large_branches_of_a_large_flat_parallel(sdk, world):
    def branch(tag):
        return lambda context: context.run_in_child_context(
            lambda own: [own.create_callback(tag).result(), own.step(is_(tag), name=f"s {tag}")],
            name=f"child {tag}",
        )

    def handler(event, context):
        config = sdk.ParallelConfig(nesting_type=sdk.NestingType.FLAT)
        batch = context.parallel([branch("a"), branch("b")], name="p", config=config)
        context.create_callback("last").result()
        return batch_described(batch)

    return handler
