"""`make demo`: index a folder, be killed half-way, recover, and count what was read twice.

It runs `index_files.py` by the command `durably` as anybody would, in a process of its own. When half of
the reads are confirmed (it looks into the database) that process is killed with SIGKILL, which no program
can catch. `durably recover` goes on. Each read has left a line in a log, so reads are counted for real.

    python examples/demo.py [FOLDER]
"""

import json
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import textwrap
import time
from collections import Counter
from pathlib import Path

from durably.actors.model import Operation, OperationStatus
from durably.workflows.local import DatabaseError
from durably.workflows.local.sqlite_store import SqliteStore

WORKFLOW = Path(__file__).with_name("index_files.py")
INSTALLED = shutil.which("durably", path=str(Path(sys.executable).parent))
DURABLY = [INSTALLED] if INSTALLED else [sys.executable, "-m", "durably.workflows.cli"]


def main() -> None:
    folder = sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_path("stdlib")
    with tempfile.TemporaryDirectory() as temporary:
        database, log = Path(temporary) / "demo.db", Path(temporary) / "reads.log"
        log.touch()

        say(f"1. Index the Python files in {folder}")
        began = time.monotonic()
        event = json.dumps({"folder": folder, "log": str(log)})
        total = run_and_kill(
            ["run", str(WORKFLOW), "--input", event, "--name", "demo", "--database", str(database)], database
        )

        say("2. Killed, with SIGKILL. What the database has, and what was lost:")
        confirmed = confirmed_files(database)
        before = log.read_text(encoding="utf-8").splitlines()
        in_flight = sorted(set(before) - confirmed)
        print(f"   {len(confirmed)} of {total} reads are confirmed")
        print(f"   {len(in_flight)} more were in flight: read, and their results not yet recorded")
        print(textwrap.fill(", ".join(in_flight), 100, initial_indent="     ", subsequent_indent="     "))

        say("3. Recover")
        recovered = subprocess.run(
            [*DURABLY, "recover", "demo", "--database", str(database)], stdout=subprocess.PIPE, check=True
        )
        report = json.loads(recovered.stdout)

        say(f"4. Done, {time.monotonic() - began:.0f} s after the start. Who was read again?")
        after = log.read_text(encoding="utf-8").splitlines()[len(before) :]
        again = Counter(before) & Counter(after)
        wrongly = sorted(confirmed & set(after))
        print(f"   {len(before)} reads before the kill, {len(after)} after it, {report['files']} files")
        print(f"   {len(again)} files were read twice; all of them were in flight")
        print(f"   {len(wrongly)} files whose read was confirmed were read again", *wrongly)

        say("The report:")
        print(textwrap.indent(json.dumps(report, indent=2), "   "))
    if wrongly or set(again) - set(in_flight):
        sys.exit("A confirmed read was repeated: this must never happen.")
    if len(set(before) | set(after)) != report["files"]:
        sys.exit("A file was never read: this must never happen.")


def run_and_kill(arguments: list[str], database: Path) -> int:
    """Run the command until half of the files are read; returns how many files there are."""
    with subprocess.Popen([*DURABLY, *arguments], stdout=subprocess.DEVNULL) as running:
        try:
            while True:
                time.sleep(0.1)
                if running.poll() is not None:
                    sys.exit(f"It was over before it could be killed (exit code {running.returncode}).")
                total = number_of_files(database)
                if total and len(confirmed_files(database)) >= total / 2:
                    return total
        finally:
            running.kill()
            if sys.stderr.isatty():
                sys.stderr.write("\033[?25h\n")  # a killed process cannot show the cursor again


def number_of_files(database: Path) -> int:
    """The length of the list that the first step recorded; 0 until then."""
    found = [operation for operation in operations(database) if operation.name == "list_files"]
    return len(json.loads(found[0].result)) if found and found[0].result else 0


def confirmed_files(database: Path) -> set[str]:
    """The files whose read is recorded as done. Each branch has the name of its file."""
    found = operations(database)
    branches = {operation.id: operation.name or "" for operation in found}
    return {
        branches[operation.parent_id]
        for operation in found
        if operation.name == "read_names"
        and operation.status is OperationStatus.SUCCEEDED
        and operation.parent_id
    }


def operations(database: Path) -> list[Operation]:
    """What the database has of the execution; a look does not disturb the process that owns it."""
    try:
        store = SqliteStore(database, read_only=True)
    except DatabaseError:
        return []  # it has not been made yet
    try:
        return [operation for one in store.summaries() for operation in store.load(one.record.arn).operations]
    finally:
        store.close()


def say(text: str) -> None:
    print(f"\n{text}\n", flush=True)


if __name__ == "__main__":
    main()
