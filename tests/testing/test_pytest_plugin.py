"""The pytest plugin: fixtures for every project that has durably installed, at no cost for the others."""

import sys
from textwrap import dedent

import pytest

pytest_plugins = ("pytester",)

WORKFLOW = """
from durably.workflows import Duration, durable_execution

@durable_execution
def handler(event, context):
    context.wait(Duration.from_days(365), name="year")
    return context.step(lambda _: event, name="s")
"""


def run(pytester: pytest.Pytester, test: str) -> pytest.RunResult:
    """Run this test file beside the workflow, in a process of its own."""
    pytester.makepyfile(workflow=WORKFLOW, test_it=test)
    return pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")


def test_a_runner_is_made_by_a_fixture(pytester):
    """`durable_runner(handler)` takes the runner's arguments, and as often as a test likes."""
    result = run(
        pytester,
        """
        from workflow import handler

        def test_it(durable_runner):
            one, other = durable_runner(handler), durable_runner(handler, region="eu-west-1")
            assert one.run("1").result == "1"
            assert other.run("2").get_wait("year").status.value == "SUCCEEDED"
        """,
    )
    result.assert_outcomes(passed=1)


def test_runners_are_closed_after_the_test(pytester):
    """Also if it has failed, and if an execution still waits."""
    result = run(
        pytester,
        """
        import threading
        from durably.workflows import durable_execution

        @durable_execution
        def asks(event, context):
            return context.create_callback("never").result()

        def test_fails(durable_runner):
            runner = durable_runner(asks)
            runner.wait_for_callback(runner.run_async())
            assert not "reached"

        def test_nothing_is_left():
            assert [each for each in threading.enumerate() if "durably" in each.name] == []
        """,
    )
    result.assert_outcomes(failed=1, passed=1)


def test_a_service_is_a_fixture(pytester):
    """`durable_service` is a LocalService in memory, and skips time."""
    result = run(
        pytester,
        """
        from workflow import handler

        def test_it(durable_service):
            assert durable_service.start(handler, 7).result(timeout=10) == 7
        """,
    )
    result.assert_outcomes(passed=1)


RACE = """
from durably.workflows import durable_execution

@durable_execution
def handler(event, context):
    seen = []
    context.map(event, lambda child, item, *_: seen.append(child.step(lambda _: item, name=f"s{item}")))
    return seen
"""


class TestSimulate:
    def run(self, pytester: pytest.Pytester, test: str) -> pytest.RunResult:
        """Run this test file beside a workflow that has a race if its input has two items."""
        pytester.makepyfile(race=RACE, test_it="import pytest\nfrom race import handler\n" + dedent(test))
        return pytester.runpytest_subprocess(
            "-p", "no:randomly", "-p", "no:cacheprovider", "--strict-markers"
        )

    def test_a_race_fails_the_test(self, pytester):
        """The report is what the test says, without a traceback of ours."""
        result = self.run(
            pytester,
            """
            def test_it(simulate):
                simulate(handler, [1, 2])
            """,
        )
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*same-answer: it came to *", "*It passes if*", "*replay_schedule(*"])
        result.stdout.no_fnmatch_line("*pytest_plugin.py*")

    def test_what_is_right_passes(self, pytester):
        """The report is returned."""
        result = self.run(
            pytester,
            """
            from durably.workflows.testing import NOTHING

            def test_it(simulate):
                assert simulate(handler, [1], schedules=7, faults=NOTHING).schedules == 7
            """,
        )
        result.assert_outcomes(passed=1)

    def test_a_marker_gives_arguments(self, pytester):
        """That of the test before that of its class or module; and the call before both."""
        result = self.run(
            pytester,
            """
            pytestmark = pytest.mark.simulate(schedules=9, strategy="pct", same_answer=False)

            def test_of_the_module(simulate):
                assert simulate(handler, [1, 2]).schedules == 9

            @pytest.mark.simulate(schedules=5)
            def test_of_its_own(simulate):
                assert simulate(handler, [1, 2]).schedules == 5
                assert simulate(handler, [1, 2], schedules=3).schedules == 3
            """,
        )
        result.assert_outcomes(passed=2)

    def test_a_report_can_be_looked_at(self, pytester):
        """With check=False a race does not fail the test."""
        result = self.run(
            pytester,
            """
            def test_it(simulate):
                report = simulate(handler, [1, 2], check=False)
                assert not report.ok
                assert report.failures[0].shrunk.deviations
            """,
        )
        result.assert_outcomes(passed=1)

    def test_a_marker_with_arguments_by_place_is_refused(self, pytester):
        """The error says how they are given."""
        result = self.run(
            pytester,
            """
            @pytest.mark.simulate(100)
            def test_it(simulate):
                simulate(handler, [1])
            """,
        )
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines(["*takes arguments by name: schedules=*"])

    def test_a_marker_of_a_test_that_simulates_nothing_is_refused(self, pytester):
        """It would be green whatever is wrong. That of a module may be meant for other tests."""
        result = self.run(
            pytester,
            """
            pytestmark = pytest.mark.simulate(schedules=9)

            def test_something_else():
                pass

            @pytest.mark.simulate(schedules=5)
            def test_it():
                pass
            """,
        )
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["*the fixture `simulate`, which this test does not take*"])

    def test_the_marker_is_listed(self, pytester):
        """`pytest --markers` shows it."""
        result = pytester.runpytest_subprocess("--markers", "-p", "no:cacheprovider")
        result.stdout.fnmatch_lines(["@pytest.mark.simulate(schedules, strategy, *"])


def test_the_fixtures_are_listed(pytester):
    """`pytest --fixtures` shows them with what they are for."""
    result = pytester.runpytest_subprocess("--fixtures", "-p", "no:cacheprovider")
    result.stdout.fnmatch_lines(
        ["durable_runner*", "*Makes a `DurableFunctionTestRunner`*", "durable_service*", "*embedded service*"]
    )
    result.stdout.fnmatch_lines(["simulate*", "*Runs a durable handler under many schedules*"])


def test_a_project_that_does_not_use_it_pays_nothing(pytester):
    """At the start of pytest neither boto3 nor anything else of durably is imported."""
    result = run(
        pytester,
        """
        import sys

        def test_it():
            heavy = ("boto3", "botocore", "greenlet", "pykka", "cattrs", "durably.actors")
            assert [name for name in heavy if name in sys.modules] == []
            ours = sorted(name for name in sys.modules if name.startswith("durably."))
            assert ours == [
                "durably.workflows",
                "durably.workflows.testing",
                "durably.workflows.testing.pytest_plugin",
            ]
        """,
    )
    result.assert_outcomes(passed=1)


def test_it_is_registered_with_pytest():
    """The entry point names the module."""
    from importlib.metadata import entry_points

    [found] = entry_points(group="pytest11", name="durably")
    assert found.value == "durably.workflows.testing.pytest_plugin"
    assert found.value in sys.modules
