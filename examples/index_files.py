"""Index a folder of Python code: which names does it use most?

    durably run examples/index_files.py
    durably run examples/index_files.py --input '{"folder": "src", "pattern": "*.py"}'

Every file is read in a branch of its own, thousands of them, some dozens at a time. Every read is a step:
once its result is recorded the file is never read again, however often the process is killed and recovered.

The input is a JSON object, and every key of it may be left out:
    folder   what to index; by default Python's own standard library
    pattern  which files in it, "*.py" by default
    log      a file to which each read adds a line, for those who want to count reads (`demo.py` does)
"""

import sysconfig
import tokenize
from collections import Counter
from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path
from typing import TypedDict

from durably.workflows import (
    DurableContext,
    Duration,
    JitterStrategy,
    MapConfig,
    RetryStrategyConfig,
    StepConfig,
    StepContext,
    create_retry_strategy,
    durable_execution,
    durable_step,
)

FLAKY_EVERY = 100
"""The first attempt to read one in so many files fails: in the real world, a network drive."""

AT_ONCE = 64
"""How many branches run beside each other. Without a limit all would: right for steps that wait for others,
but these compute, and a laptop has few processors."""

# A step that raises is tried again: here up to three times, a second apart. The delay is no sleep. While
# it passes other branches run, and if there is nothing else to do the function is not running at all.
RETRY_READS = StepConfig(
    retry_strategy=create_retry_strategy(
        RetryStrategyConfig(
            max_attempts=3,
            initial_delay=Duration.from_seconds(1),
            backoff_rate=1,
            jitter_strategy=JitterStrategy.NONE,
            retryable_error_types=[OSError],
        )
    )
)


class Names(TypedDict):
    """What is recorded of a file. One that is no code is skipped."""

    total: int
    most_used: dict[str, int]
    skipped: bool


class Report(TypedDict):
    """The result of the whole execution."""

    folder: str
    files: int
    skipped: list[str]
    names: int
    most_used: dict[str, int]


# Steps do the work: reading files, the time, random numbers, whatever may differ between two runs. Their
# results are recorded, so they must be JSON (or what the default serializer adds: dates, Decimals, ...),
# and are best kept small.


@durable_step
def list_files(step: StepContext, folder: str, pattern: str) -> list[str]:
    """The files, sorted. Recorded, so that a file which appears later does not change the branches."""
    files = sorted(str(path.relative_to(folder)) for path in Path(folder).rglob(pattern) if path.is_file())
    return [file for file in files if "site-packages" not in file]


@durable_step
def read_names(step: StepContext, folder: str, file: str, index: int, log: str | None) -> Names:
    """Read a file and count the names in it."""
    if index % FLAKY_EVERY == 0 and step.attempt == 1:
        raise OSError(f"{file} could not be read just now")
    if log is not None:
        with Path(log).open("a", encoding="utf-8") as lines:
            lines.write(f"{file}\n")
    try:
        with tokenize.open(Path(folder) / file) as source:
            tokens = tokenize.generate_tokens(source.readline)
            words = Counter(token.string for token in tokens if token.type == tokenize.NAME)
    except (SyntaxError, UnicodeDecodeError, tokenize.TokenError):
        return {"total": 0, "most_used": {}, "skipped": True}
    names = Counter({word: count for word, count in words.items() if not iskeyword(word)})
    return {"total": names.total(), "most_used": dict(names.most_common(100)), "skipped": False}


@durable_step
def make_report(step: StepContext, folder: str, files: Sequence[str], read: Sequence[Names]) -> Report:
    """Add up what was counted in the files."""
    used: Counter[str] = Counter()
    for one in read:
        used.update(one["most_used"])
    return {
        "folder": folder,
        "files": len(files),
        "skipped": [file for file, one in zip(files, read, strict=True) if one["skipped"]],
        "names": sum(one["total"] for one in read),
        "most_used": dict(used.most_common(10)),
    }


# The handler only decides what is done. It runs again from its top whenever the execution is resumed, and
# every operation that was recorded gives its result at once. So it must make the same calls every time.


@durable_execution
def handler(event: dict[str, str] | None, context: DurableContext) -> Report:
    event = event or {}
    folder = event.get("folder") or sysconfig.get_path("stdlib")
    log = event.get("log")

    files = context.step(list_files(folder, event.get("pattern", "*.py")))

    def index_file(branch: DurableContext, file: str, index: int, files: Sequence[str]) -> Names:
        """A branch of the map. It has a context of its own, and may use nothing but that."""
        return branch.step(read_names(folder, file, index, log), config=RETRY_READS)

    read = context.map(
        files,
        index_file,
        name="read files",
        config=MapConfig(max_concurrency=AT_ONCE, item_namer=lambda file, index: _ascii(file)),
    )
    read.throw_if_error()  # a branch that has failed for good, after three attempts

    context.wait(Duration.from_seconds(2), name="breathe")  # could be a year: nothing runs meanwhile

    return context.step(make_report(folder, files, read.get_results()))


def _ascii(file: str) -> str:
    """A file's name as the name of an operation: up to 256 printable ASCII characters."""
    return file.encode("ascii", "replace").decode()[-256:]
