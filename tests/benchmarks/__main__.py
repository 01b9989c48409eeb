"""`python -m tests.benchmarks`: see README.md."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.contenders import CONTENDERS
from tests.benchmarks.plan import QUICK, WHOLE, Planned, growth
from tests.benchmarks.report import as_json, line, markdown
from tests.benchmarks.results import Case, Results, Sample
from tests.benchmarks.rows import WORKLOADS
from tests.benchmarks.runner import measure, run

ROWS = (*WORKLOADS, "import")


def main() -> None:
    """Measure what the arguments say, and print the table."""
    options = _arguments()
    if options.profile:
        for planned in _plan(options):
            sample = measure(planned.case, options.sdk[0], profile=True)
            print(line(sample))
        return
    results = Results()
    run(_plan(options), results, options.sdk, _tell)
    if options.json is not None:
        options.json.write_text(as_json(results))
    print(markdown(results))


def _tell(sample: Sample) -> None:
    print(line(sample), file=sys.stderr, flush=True)


def _plan(options: argparse.Namespace) -> list[Planned]:
    if options.n is not None:
        repeats = options.repeat or 3
        return [
            Planned(Case(row, n, latency), repeats, repeats, repeats)
            for row in options.row or ROWS
            for n in options.n
            for latency in options.latency or [0]
        ]
    plan: list[Planned] = []
    if options.growth != "only":
        plan += QUICK if options.quick else WHOLE
    if options.growth in ("also", "only") or (options.growth is None and not options.quick):
        plan += growth(options.repeat or 5)
    return [
        planned
        for planned in plan
        if (options.row is None or planned.case.row in options.row)
        and (options.latency is None or planned.case.latency in options.latency)
    ]


def _names(known: tuple[str, ...]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        found = text.split(",")
        for name in found:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return found

    return names


def _numbers(text: str) -> list[int]:
    return [int(number.replace("_", "")) for number in text.split(",")]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--row", type=_names(ROWS), metavar="ROW,...", help=", ".join(ROWS))
    parser.add_argument(
        "--sdk",
        type=_names(CONTENDERS),
        metavar="SDK,...",
        default=list(CONTENDERS),
        help=", ".join(CONTENDERS),
    )
    parser.add_argument("--n", type=_numbers, metavar="N,...", help="these sizes instead of the planned ones")
    parser.add_argument("--latency", type=_numbers, metavar="MS,...", help="0 and 10 by default")
    parser.add_argument("--repeat", type=int, help="how often, with --n (3) and for growth (5)")
    parser.add_argument("--quick", action="store_true", help="smaller sizes, no growth: a minute")
    parser.add_argument(
        "--growth", choices=("also", "only", "none"), help="growth exponents: also, only or not"
    )
    parser.add_argument("--profile", action="store_true", help="where the time goes; of the first --sdk")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    return parser.parse_args()


if __name__ == "__main__":
    main()
