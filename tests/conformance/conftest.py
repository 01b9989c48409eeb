"""Runs all requirements that are asked for, on both services and side by side, when the first is needed."""

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.cannot_run import CANNOT_RUN
from tests.conformance.outcomes import faults
from tests.conformance.report import table
from tests.conformance.requirements import FOLDER, Requirement, read_all
from tests.emulator.journal import JOURNAL

SERVICES = ("embedded", "emulator")
_VERDICTS = pytest.StashKey[dict[tuple[str, str], str]]()


def _requirements() -> list[Requirement]:
    try:
        return read_all()
    except ImportError:  # PyYAML is not there: as good as no requirements
        return []


REQUIREMENTS = {requirement.id: requirement for requirement in _requirements()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each requirement on each service; a single one that is skipped where there are none."""
    if {"service", "requirement"} <= set(metafunc.fixturenames):
        cases = [
            pytest.param(service, requirement, id=f"{service}-{requirement}")
            for service in SERVICES
            for requirement in REQUIREMENTS
        ]
        absent = pytest.mark.skip(reason=f"no requirements (or no PyYAML to read them): {FOLDER.name}")
        metafunc.parametrize(
            ("service", "requirement"), cases or [pytest.param("none", "none", id="none", marks=absent)]
        )


@contextlib.contextmanager
def _journal() -> Iterator[None]:
    """Everything that is logged at INFO goes to the journal, as in Lambda."""
    root = logging.getLogger()
    level = root.level
    root.addHandler(JOURNAL)
    root.setLevel(logging.INFO)
    yield
    root.setLevel(level)
    root.removeHandler(JOURNAL)


@pytest.fixture(scope="session")
def verdict(request: pytest.FixtureRequest) -> Callable[[str, str], list[str]]:
    """What is wrong with a requirement on a service, one line each."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    pairs = [
        (params["service"], params["requirement"])
        for params in asked
        if {"service", "requirement"} <= set(params)
    ]
    results = _run([pair for pair in pairs if pair[0] in SERVICES and pair not in CANNOT_RUN])
    return lambda service, requirement: results[service, requirement]


def _run(pairs: list[tuple[str, str]]) -> Mapping[tuple[str, str], list[str]]:
    from tests.conformance.services import Embedded, Emulator, needs_real_time

    kinds: dict[str, Callable[[], Any]] = {"embedded": Embedded, "emulator": Emulator}
    services = {name: kinds[name]() for name in SERVICES if any(pair[0] == name for pair in pairs)}

    def run(pair: tuple[str, str]) -> list[str]:
        name, requirement = pair[0], REQUIREMENTS[pair[1]]
        variables = requirement.variables()
        try:
            outcome = services[name].run(requirement, variables)
        except Exception as error:
            return [f"{type(error).__name__}: {error}"]
        found = faults(requirement, outcome, variables)
        if found:
            found += [str(event) for event in outcome.events] + [str(record) for record in outcome.logs]
        return found

    # What takes long by the clock goes first; the rest fits into its pauses.
    pairs = sorted(pairs, key=lambda pair: not needs_real_time(REQUIREMENTS[pair[1]]))
    try:
        with _journal(), ThreadPoolExecutor(48, "requirement") as pool:
            return dict(zip(pairs, pool.map(run, pairs), strict=True))
    finally:
        for service in services.values():
            service.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what came of each requirement, for the table."""
    report = yield
    params = item.callspec.params if hasattr(item, "callspec") else {}
    if {"service", "requirement"} <= set(params) and params["service"] in SERVICES:
        verdicts = item.config.stash.setdefault(_VERDICTS, {})
        pair = params["service"], params["requirement"]
        if pair in CANNOT_RUN:
            verdicts[pair] = f"cannot run: {CANNOT_RUN[pair]}"
        elif report.when == "call":
            verdicts[pair] = "pass" if report.passed else "fail"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    verdicts = config.stash.get(_VERDICTS, {})
    if verdicts:
        terminalreporter.section("conformance with AWS's requirements")
        for line in table(list(REQUIREMENTS.values()), SERVICES, verdicts):
            terminalreporter.write_line(line)
