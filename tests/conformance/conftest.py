"""Runs all requirements that are asked for, on both services and side by side, when the first is needed."""

import contextlib
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conformance.gaps import CANNOT_RUN, IN_PART, UNTOLD
from tests.conformance.likely import recorded
from tests.conformance.likely.cases import all_cases
from tests.conformance.likely.courses import course_of, faults
from tests.conformance.outcomes import Verdict, judge
from tests.conformance.report import table
from tests.conformance.requirements import FOLDER, Requirement, read_all
from tests.emulator.functions import OFFICIAL
from tests.emulator.journal import JOURNAL

SERVICES = ("embedded", "emulator")
Pair = tuple[str, str]
_VERDICTS = pytest.StashKey[dict[Pair, str]]()


def _requirements() -> list[Requirement]:
    try:
        return read_all()
    except ImportError:  # PyYAML is not there: as good as no requirements
        return []


REQUIREMENTS = {requirement.id: requirement for requirement in _requirements()}


LIKELY = all_cases()
LIKELY_CASES = [(service, case) for service in SERVICES for case in LIKELY]
OFFICIAL_CASES = [
    ("official", each)
    for each in REQUIREMENTS
    if each in IN_PART["emulator"] or ("emulator", each) in CANNOT_RUN
]
"""What the emulator cannot show, under AWS's own SDK."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each requirement on each service; a single one that is skipped where there are none."""
    if "likely_case" in metafunc.fixturenames:
        metafunc.parametrize("likely_case", LIKELY_CASES, ids=["-".join(case) for case in LIKELY_CASES])
    if "case" in metafunc.fixturenames:
        cases = [(service, requirement) for service in SERVICES for requirement in REQUIREMENTS]
    elif "official_case" in metafunc.fixturenames:
        cases = OFFICIAL_CASES
    else:
        return
    absent = pytest.mark.skip(reason=f"{FOLDER.name}: there are no requirements, or no PyYAML to read them")
    metafunc.parametrize(
        "case" if "case" in metafunc.fixturenames else "official_case",
        cases or [pytest.param(("none", "none"), marks=absent)],
        ids=["-".join(case) for case in cases] or ["none"],
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
def verdicts(request: pytest.FixtureRequest) -> dict[Pair, Verdict]:
    """What came of each requirement that this run asks for, by service and requirement."""
    asked = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    pairs = [
        params[kind]
        for params in asked
        for kind in ("case", "official_case", "likely_case")
        if isinstance(params.get(kind), tuple)
    ]
    known = REQUIREMENTS.keys() | LIKELY.keys()
    return _run([pair for pair in pairs if pair[1] in known and pair not in CANNOT_RUN])


def _run(pairs: list[Pair]) -> dict[Pair, Verdict]:
    from tests.conformance.services import Embedded, Emulator, needs_real_time

    kinds: dict[str, Callable[[], Any]] = {
        "embedded": Embedded,
        "emulator": Emulator,
        "official": lambda: Emulator(OFFICIAL),
    }
    services = {name: kinds[name]() for name in kinds if any(pair[0] == name for pair in pairs)}

    everything = REQUIREMENTS | LIKELY
    as_recorded = recorded.read()

    def run(pair: Pair) -> Verdict:
        name, requirement = pair[0], everything[pair[1]]
        variables = requirement.variables()
        try:
            outcome = services[name].run(requirement, variables)
        except Exception as error:
            return Verdict([f"{type(error).__name__}: {error}"])
        if pair[1] in LIKELY:
            course = course_of(outcome, requirement.data["first_events"])
            verdict = Verdict(faults(pair[1], name, as_recorded[pair[1]], course))
        else:
            untold = UNTOLD["embedded" if name == "embedded" else "emulator"]
            verdict = judge(requirement, outcome, variables, untold)
        if not verdict.faults:
            return verdict
        return Verdict([*verdict.faults, *map(str, outcome.events), *map(str, outcome.logs)], verdict.untold)

    # Where something is to happen meanwhile it must not come late: the rest waits until that is over.
    timed = [pair for pair in pairs if needs_real_time(everything[pair[1]])]
    rest = [pair for pair in pairs if not needs_real_time(everything[pair[1]])]
    try:
        with _journal(), ThreadPoolExecutor(48, "requirement") as pool:
            return dict(zip(timed, pool.map(run, timed), strict=True)) | dict(
                zip(rest, pool.map(run, rest), strict=True)
            )
    finally:
        for service in services.values():
            service.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Keep what came of each requirement, for the table."""
    report = yield
    params = item.callspec.params if hasattr(item, "callspec") else {}
    pair = params.get("case", params.get("likely_case"))
    if isinstance(pair, tuple) and (pair[1] in REQUIREMENTS or pair[1] in LIKELY):
        kept = item.config.stash.setdefault(_VERDICTS, {})
        if pair in CANNOT_RUN:
            kept[pair] = f"cannot run: {CANNOT_RUN[pair]}"
        elif report.when == "call" or report.failed:
            untold = item.funcargs["verdicts"][pair].untold if report.passed else ()
            reasons = sorted({UNTOLD[pair[0]][field] for field in untold})
            kept[pair] = f"in part: {'; '.join(reasons)}" if reasons else "pass" if report.passed else "fail"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    kept = config.stash.get(_VERDICTS, {})
    for title, asked in (("AWS's requirements", REQUIREMENTS), ("cases of our own", LIKELY)):
        if any(each in asked for _, each in kept):
            terminalreporter.section(f"conformance with {title}")
            for line in table(list(asked.values()), SERVICES, kept):
                terminalreporter.write_line(line)
