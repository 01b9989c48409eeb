"""Any number of invocations in one process, each on its own thread: they share nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor

from durably.workflows import CompletionConfig, MapConfig, StepError
from tests.workflows.running import ONCE, PATIENCE, SECOND, Run, leftovers


def handler(event, context):
    number = event["number"]
    context.step(lambda step: number, "first")
    context.wait(SECOND)

    def branch(child, item, index, items):
        value = child.step(lambda step: number * item)
        child.wait(SECOND)
        if index == 3:
            try:
                child.step(lambda step: {}["missing"], "fails", ONCE)
            except StepError as error:
                raise ValueError(f"{number}: {error.message}") from error
        return child.step(lambda step: value + 1)

    config = MapConfig(completion_config=CompletionConfig.all_completed(), max_concurrency=4)
    batch = context.map(range(8), branch, "map", config)
    context.wait(SECOND)
    return [number, batch.get_results(), [error.message for error in batch.get_errors()]]


def test_thirty_two_at_once():
    """Each with waits, a map and one failing branch: right results, and nothing is left behind."""
    together = threading.Barrier(32)

    def one(number):
        run = Run(handler, {"number": number})
        together.wait(PATIENCE)
        return run.result(), run.result(), len(run.service.operations)

    with leftovers() as left, ThreadPoolExecutor(32) as pool:
        results = list(pool.map(one, range(32)))
    for number, (first, second, operations) in enumerate(results):
        expected = [number * item + 1 for item in range(8) if item != 3]
        assert first == second == [number, expected, [f"{number}: 'missing'"]]
        assert operations == results[0][2]
    assert left == []


def test_one_handler_serves_all_threads():
    """The decorated function has no state of its own."""
    runs = [Run(handler, {"number": number}) for number in range(8)]
    shared = runs[0].handler
    for run in runs:
        run.handler = shared
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda run: run.result()[0], runs))
    assert results == list(range(8))
