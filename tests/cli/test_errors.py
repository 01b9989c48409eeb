"""What `durably` says when it cannot do what it is asked: the exit code, the reason, and what to do."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from durably.workflows.local import LocalService
from tests.cli.command import DURABLY, durably, environment

HANDLER = """
from durably.workflows import durable_execution

@durable_execution
def {0}(event, context):
    return 1
"""
ONE, TWO = HANDLER.format("one"), HANDLER.format("one") + HANDLER.format("two")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.py").write_text(ONE)
    (tmp_path / "two.py").write_text(TWO)
    (tmp_path / "none.py").write_text("def handler(event, context): ...\n")
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "bad.json").write_text('{\n  "a": 1,\n  "b": tru\n}')
    return tmp_path


WRONG_USAGE = {
    "no arguments": (["run"], ["Missing argument"]),
    "a file that is not there": (["run", "absent.py"], ["There is no file absent.py"]),
    "a file that is not there, with a handler": (["run", "absent.py:x"], ["There is no file absent.py"]),
    "a folder": (["run", "."], ["is a folder"]),
    "an unknown handler": (["run", "one.py:uno"], ["no durable handler 'uno'", "It has one."]),
    "a plain function": (["run", "none.py:handler"], ["no durable handler 'handler'", "@durable_execution"]),
    "no handler": (["run", "none.py"], ["no durable handler", "@durable_execution"]),
    "several handlers": (["run", "two.py"], ["2 durable handlers: one, two", "two.py:one"]),
    "no JSON": (["run", "one.py", "--input", "[1, x]"], ["Invalid JSON in --input", "line 1, column 5", "^"]),
    "no value at all": (["run", "one.py", "--input", ""], ["Invalid JSON in --input", "it is empty"]),
    "nothing on standard input": (["run", "one.py", "--input", "-"], ["standard input", "it is empty"]),
    "no number": (["run", "one.py", "--input", "NaN"], ["NaN is no JSON value"]),
    "a number beyond all floats": (["run", "one.py", "--input", "[1e999]"], ["1e999 is beyond"]),
    "a file that holds no JSON": (
        ["run", "one.py", "--input", "@bad.json"],
        ["bad.json", "line 3, column 8"],
    ),
    "a file that holds no text": (["run", "one.py", "--input", "@binary.json"], ["not UTF-8"]),
    "no input file": (["run", "one.py", "--input", "@absent.json"], ["absent.json", "No such file"]),
    "a name with a space": (["run", "one.py", "--name", "a b"], ["Invalid name 'a b'"]),
    "an unknown command": (["fly"], ["No such command"]),
}


@pytest.mark.parametrize(("arguments", "words"), WRONG_USAGE.values(), ids=WRONG_USAGE)
def test_wrong_usage_is_refused_with_exit_code_2(folder, arguments, words):
    """Nothing is started, and no database is made."""
    done = durably(folder, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert all(word in done.stderr for word in words), done.stderr
    assert not (folder / ".durably").exists()


def test_a_file_that_does_not_import_shows_its_own_traceback(folder):
    """The frames are the user's, and exit code 1."""
    (folder / "wrong.py").write_text("def lookup():\n    return {}['key']\n\nlookup()\n")
    done = durably(folder, "run", "wrong.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert 'wrong.py", line 2, in lookup' in done.stderr
    assert "KeyError: 'key'" in done.stderr
    assert done.stderr.count("File ") == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def handler(:\n", ["SyntaxError", "line 1"]),
        (ONE.replace("event, context", "event, context, more"), ["one takes (event, context, more)"]),
        (ONE.replace("def one", "async def one"), ["one is async"]),
        (ONE.replace("return 1", "yield 1"), ["one is a generator"]),
        ("import nothing_of_that_name\n", ["ModuleNotFoundError", "line 1"]),
        ("raise SystemExit('enough')\n", ["SystemExit: enough", "Cannot import"]),
    ],
)
def test_a_file_that_is_no_module_is_explained(folder, text, words):
    """A syntax error, an import that fails, and a file that ends the process are all told apart."""
    (folder / "wrong.py").write_text(text)
    done = durably(folder, "run", "wrong.py")
    assert done.returncode == 1
    assert all(word in done.stderr for word in words), done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_can_be_interrupted_while_its_file_is_imported(folder, number):
    """Exit code 130, as later; and no traceback."""
    (folder / "slow.py").write_text(
        f"import os, signal\nos.kill(os.getpid(), {int(number)})\nwhile True: ..."
    )
    done = durably(folder, "run", "slow.py")
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize("command", [["run", "one.py"], ["recover"]])
def test_a_file_that_is_no_database_of_ours_is_left_as_it_is(folder, command):
    """It is named, and not a byte of it changes."""
    (folder / "notes.txt").write_text("precious " * 100)
    done = durably(folder, *command, "--database", "notes.txt")
    assert done.returncode == 1
    assert "no SQLite database" in done.stderr
    assert (folder / "notes.txt").read_text() == "precious " * 100


@pytest.mark.parametrize("command", [["run", "one.py"], ["recover"]])
def test_a_database_that_another_process_owns_is_refused(folder, command):
    """The process is named, and how to take another database."""
    with LocalService(folder / "x.db"):
        done = durably(folder, *command, "--database", "x.db")
    assert done.returncode == 1
    assert f"in use by process {os.getpid()}" in done.stderr
    assert "--database" in done.stderr


def test_a_database_in_a_folder_that_is_not_there_is_refused(folder):
    """Only the default folder is made."""
    done = durably(folder, "run", "one.py", "-d", "nowhere/x.db")
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="closes descriptors by the shell")
@pytest.mark.parametrize(
    ("redirection", "code", "words"),
    [
        ("--input - <&-", 2, "standard input: it is empty"),
        (">&-", 1, "cannot write the result"),
        pytest.param(
            "> /dev/full",
            1,
            "No space left on device",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full"),
        ),
        ("2>&-", 0, ""),
    ],
)
def test_a_closed_or_full_stream_is_no_crash(folder, redirection, code, words):
    """What can still be said is said, what exit code there is says the rest."""
    done = subprocess.run(
        ["sh", "-c", f'"$@" {redirection}', "sh", *DURABLY, "run", "one.py"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, "1\n" if code == 0 else "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_result_that_could_not_be_written_is_printed_again(folder):
    """Its execution has ended well, and `durably recover` has the result."""
    command = ["sh", "-c", '"$@" >&-', "sh", *DURABLY, "run", "one.py", "--name", "kept"]
    subprocess.run(command, cwd=folder, env=environment(), capture_output=True, timeout=60, check=False)
    done = durably(folder, "recover", "kept")
    assert (done.returncode, done.stdout) == (0, "1\n")


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_the_command_says_what_to_install(folder, missing):
    """The packages click and rich come with durably[local]."""
    code = f"import sys; sys.modules[{missing!r}] = None; from durably.workflows.cli import main; main()"
    done = durably(folder, command=[sys.executable, "-c", code])
    assert done.returncode == 1
    assert missing in done.stderr
    assert "pip install 'durably[local]'" in done.stderr
