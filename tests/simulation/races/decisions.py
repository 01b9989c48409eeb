"""D. Maps and parallels: when it is enough, and who comes late."""

from durably.workflows import Duration, MapConfig, NestingType, durable_execution
from durably.workflows.config import CompletionConfig
from durably.workflows.testing.simulated import Faults
from durably.workflows.testing.simulated_view import RunView
from tests.simulation.races.registry import Act, every, pct, random, section
from tests.simulation.races.watching import ends_when_still, nothing_begins_after_the_end, statuses

race = section("D. Maps and parallels")
HOUR = Duration.from_hours(1)
FIRST = CompletionConfig.first_successful()
FLAT_FIRST = MapConfig(nesting_type=NestingType.FLAT, completion_config=FIRST)


R28 = race(
    "R28",
    "a child had passed the check that its parent goes on, the parent ended, and the child's SUCCEED was queued: a "
    "write after the end",
    "py#640, py#690",
)


@R28.scenario(every(), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_flat_branches_end_and_one_is_enough():
    """Two branches with a step each: whichever ends first decides, and the other's end comes before it or never."""
    return _two_steps(FLAT_FIRST)


@R28.scenario(every(), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_branches_with_records_return_and_one_is_enough():
    """Two branches that only return: the race is between their own ends and the map's."""

    @durable_execution
    def handler(event, context):
        batch = context.map([1, 2], lambda *_: 1, "m", MapConfig(completion_config=FIRST))
        act.seen.add(" ".join(statuses(batch)))
        return batch.success_count

    act = Act(handler, [1], [nothing_begins_after_the_end])
    return act


@R28.scenario(random(200), faults=Faults(crashes=1), sees=["SUCCEEDED STARTED", "STARTED SUCCEEDED"])
def two_branches_with_steps_end_and_one_is_enough_and_the_process_dies():
    """Records for the branches, a step in each, and a crash anywhere: a replay agrees with the decision."""
    return _two_steps(MapConfig(completion_config=FIRST))


def _two_steps(config):
    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name=f"s{item}")

        batch = context.map([1, 2], branch, "m", config)
        act.seen.add(" ".join(statuses(batch)))
        return batch.success_count

    act = Act(handler, [1], [nothing_begins_after_the_end])
    return act


R29 = race(
    "R29",
    "the parent marked the descendants that it knew as orphans; a branch that still ran began another operation, whose "
    "id was not among them, and it was accepted",
    "py#641 open, js 391171e",
    tests=[
        "tests/actors/test_checkpoint_queue.py::test_a_context_that_begins_too_late_takes_its_children_with_it"
    ],
)


@R29.scenario(every(), sees=["it was cut off", "it went on"])
def a_branch_begins_a_step_while_the_map_is_decided():
    """One branch returns at once, which is enough; the other begins a step, at any moment of that."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: 1, name="s") if item else item

        context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST))
        return "done"

    def note(view):
        act.seen.add("it went on" if any(each.name == "s" for each in view.updates) else "it was cut off")

    act = Act(handler, ["done"], [nothing_begins_after_the_end], note)
    return act


@R29.scenario(pct(300), faults=Faults(crashes=1), sees=["it was cut off", "it went on"])
def a_branch_begins_operations_while_the_map_is_decided():
    """One branch has a step; the other a step, a child with a step in it, and another step."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            if item == 0:
                return child.step(lambda _: 0, name="quick")
            child.step(lambda _: 1, name="s1")
            child.run_in_child_context(lambda inner: inner.step(lambda _: 2, name="s2"), "x")
            return child.step(lambda _: 3, name="s3")

        context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST))
        return "done"

    def note(view):
        names = {update.name for update in view.updates}
        act.seen.add("it went on" if "s3" in names else "it was cut off")

    act = Act(handler, ["done"], [nothing_begins_after_the_end], note)
    return act


R30 = race(
    "R30",
    "the first branch's SUCCEED was in flight, the map had enough and returned, and the others, pending on callbacks, "
    "ended the invocation: the success was lost",
    "js#266, js#271, js#345",
)


@R30.scenario(random(200), faults=Faults(crashes=1, failed=1))
def one_branch_is_enough_and_two_wait_for_callbacks():
    """Nobody answers the callbacks: the map comes to its end by the first branch, whatever call fails."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            if item:
                return child.create_callback(f"c{item}").result()
            return child.step(lambda _: item, name="s")

        batch = context.map([0, 1, 2], branch, "m", MapConfig(completion_config=FIRST))
        return [batch.get_results(), batch.completion_reason.value]

    return Act(handler, [[[0], "MIN_SUCCESSFUL_REACHED"]], [nothing_begins_after_the_end, ends_when_still])


@R30.scenario(every(), sees=["the callback was created", "it was not"])
def one_branch_is_enough_and_one_waits_for_a_callback():
    """One branch returns, the other creates a callback that nobody answers: in every order the map is decided."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.create_callback("c").result() if item else item

        return context.map([0, 1], branch, "m", MapConfig(completion_config=FIRST)).get_results()

    def note(view):
        act.seen.add("the callback was created" if view.named("c") else "it was not")

    act = Act(handler, [[0]], [nothing_begins_after_the_end, ends_when_still], note)
    return act


R31 = race(
    "R31",
    "the map was decided, another branch ended before the summary was sealed, and its SUCCEED was recorded: the live "
    "result said STARTED, a replay SUCCEEDED",
    "js#751, js#759, js#894; java#344, java#348; py fdc952b",
    tests=["tests/workflows/test_large_results.py::test_a_large_decision_is_what_every_replay_returns"],
)


@R31.scenario(every(), faults=Faults(crashes=1), sees=["a replay reads the decision"])
def another_branch_is_in_its_body_while_the_decision_is_sent():
    """Two flat branches, one is enough, and a crash anywhere: what was given once is given again."""
    given: list[list[str]] = []

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name="s") if item else item

        given.append(statuses(context.map([0, 1], branch, "m", FLAT_FIRST)))
        if len(given) > 1:
            act.seen.add("a replay reads the decision")
        return given[-1] == given[0]

    act = Act(handler, [True])
    return act


@R31.scenario(
    pct(200), sees=["a replay after a decision", "SUCCEEDED SUCCEEDED STARTED", "STARTED SUCCEEDED SUCCEEDED"]
)
def a_replay_reads_the_decision_that_was_made():
    """Two of three are enough: what a later invocation is given is what the first was given."""
    return _decided(lambda item: item)


R32 = race(
    "R32",
    "on replay the branches of a map that had ended early ended in another order: skipped ones succeeded, and those "
    "that had succeeded were skipped",
    "java#344, js#122",
)


@R32.scenario(pct(60, faults=0.05), faults=Faults(crashes=1), sees=["a replay after a decision"])
def a_large_map_is_rebuilt_from_its_branches():
    """Results too large to be recorded with the map: it is rebuilt from branches, by the decision that is recorded."""
    return _decided(lambda item: f"{item}" * 300_000)


def _decided(result):
    given: list[list[str]] = []

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: result(item), name=f"s{item}")

        enough = CompletionConfig(min_successful=2 if result(1) == 1 else 1)
        batch = context.map([1, 2, 3], branch, "m", MapConfig(completion_config=enough))
        stood = statuses(batch)
        act.seen.add(" ".join(stood))
        if given and context.is_replaying:
            act.seen.add("a replay after a decision")
        given.append(stood)
        context.wait(HOUR, name="w")
        return statuses(batch) == stood

    def the_same_each_time(view: RunView) -> None:
        if view.named("w"):  # the decision is recorded before anything that follows it
            assert all(stood == given[-1] for stood in given[-2:]), f"it was {given}"

    act = Act(handler, [True], [the_same_each_time])
    return act


R33 = race(
    "R33",
    "the list of results was shared with branches that still ran: it changed after the map had returned it",
    "js#226",
    design="What the handler is given is built when the map is decided, of frozen items; the controller forgets the "
    "branches then, and looks at no late end.",
)


@R33.scenario(every(), sees=["a branch was still in its body"])
def branches_go_on_while_the_result_is_looked_at():
    """One of two is enough: what the handler was given is the same after another step."""

    @durable_execution
    def handler(event, context):
        def branch(child, item, *_):
            return child.step(lambda _: item, name="s") if item else item

        batch = context.map([0, 1], branch, "m", FLAT_FIRST)
        before = [repr(item) for item in batch.all]
        if "STARTED" in statuses(batch):
            act.seen.add("a branch was still in its body")
        context.step(lambda _: None, name="after")
        return [repr(item) for item in batch.all] == before

    act = Act(handler, [True])
    return act


R34 = race(
    "R34",
    "a branch was registered after the map was complete: counts and statuses disagreed, and a replay was built "
    "otherwise",
    "java#409, java#600, java#332",
    tests=["tests/actors/test_map_admission.py::test_nothing_begins_after_the_decision"],
)


@R34.scenario(every(), sees=["SUCCEEDED SUCCEEDED STARTED", "STARTED SUCCEEDED SUCCEEDED"])
def the_third_branch_begins_while_the_map_is_decided():
    """Four branches that only return, two at a time, and two are enough: the counts add up, the fourth never begins."""
    return _two_of_four(lambda child, item, *_: item)


@R34.scenario(
    random(150), faults=Faults(crashes=1), sees=["SUCCEEDED SUCCEEDED STARTED", "STARTED SUCCEEDED SUCCEEDED"]
)
def the_third_branch_begins_and_the_process_dies():
    """The same with a step in each, and a crash."""
    return _two_of_four(lambda child, item, *_: child.step(lambda _: item, name=f"s{item}"))


def _two_of_four(branch):
    @durable_execution
    def handler(event, context):
        config = MapConfig(max_concurrency=2, completion_config=CompletionConfig(min_successful=2))
        batch = context.map([0, 1, 2, 3], branch, "m", config)
        act.seen.add(" ".join(statuses(batch)))
        counts = batch.success_count + batch.failure_count + batch.started_count
        return [counts, len(batch.all), batch.success_count]

    act = Act(handler, [[3, 3, 2]], [nothing_begins_after_the_end])
    return act
