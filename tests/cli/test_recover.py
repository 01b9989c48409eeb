"""`durably recover`: going on after a kill, after Ctrl-C, and after the code has changed."""

import json
import signal
from pathlib import Path

import pytest

from tests.cli.command import SLOW, Running, durably

DURABLE_WAIT = """
from durably.workflows import Duration, durable_execution

@durable_execution
def handler(event, context):
    context.wait(Duration.from_hours(2), name="long")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def kill_in_last_step(folder: Path, name: str = "mine") -> None:
    with Running(folder, "run", "slow.py", "--name", name) as running:
        running.read_until("last: running")
        running.process.send_signal(signal.SIGKILL)


def test_after_a_kill_it_goes_on_and_repeats_no_confirmed_step(folder):
    """Only the step in flight runs again, and the result is printed as `run` would have."""
    kill_in_last_step(folder)
    (folder / "gate").touch()
    done = durably(folder, "recover", "mine")
    assert (done.returncode, json.loads(done.stdout)) == (0, ["first", "last", "old"]), done.stderr
    assert (folder / "log").read_text().split() == ["first", "last", "last"]
    assert "goes on after 2 operations" in done.stderr
    again = durably(folder, "recover", "mine")
    assert (again.returncode, again.stdout) == (0, done.stdout), "what has ended is told again"


def test_all_that_is_unfinished_is_recovered_with_a_line_for_each(folder):
    """Without a name, the lines are objects with the name, the status and the result."""
    kill_in_last_step(folder, "a")
    kill_in_last_step(folder, "b")
    (folder / "gate").touch()
    done = durably(folder, "recover", "--quiet")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"name": name, "status": "SUCCEEDED", "result": ["first", "last", "old"]} for name in ("a", "b")
    ]
    nothing = durably(folder, "recover")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "Nothing to recover" in nothing.stderr


@pytest.mark.parametrize(("options", "answer"), [([], "old"), (["--latest"], "new")])
def test_changed_code_is_used_only_on_demand(folder, options, answer):
    """The stored copy goes on and says that the file has changed; --latest takes the file."""
    kill_in_last_step(folder)
    (folder / "gate").touch()
    (folder / "slow.py").write_text(SLOW.replace('"old"', '"new"'))
    done = durably(folder, "recover", "mine", *options)
    assert json.loads(done.stdout) == ["first", "last", answer]
    assert ("has changed since mine began" in done.stderr) == (not options)
    assert ("durably recover mine --latest" in done.stderr) == (not options)


def test_changed_code_that_does_not_import_loses_nothing(folder):
    """It is explained, and the stored copy goes on the next time."""
    kill_in_last_step(folder)
    (folder / "gate").touch()
    (folder / "slow.py").write_text("import nothing_of_that_name\n")
    broken = durably(folder, "recover", "mine", "--latest")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "nothing_of_that_name" in broken.stderr
    (folder / "slow.py").unlink()
    done = durably(folder, "recover", "mine")
    assert json.loads(done.stdout) == ["first", "last", "old"]
    assert "goes on with the copy that was stored" in done.stderr


def test_ctrl_c_finishes_what_runs_and_says_how_to_go_on(folder):
    """The exit code is 130, there is no traceback, and the command that is named does go on."""
    with Running(folder, "run", "slow.py", "--name", "mine", "-d", "my data.db") as running:
        running.read_until("last: running")
        running.interrupt()
        running.read_until("Interrupted")
        (folder / "gate").touch()
        code, out, err = running.end()
    assert (code, out) == (130, "")
    assert "Traceback" not in err
    assert "durably recover mine --database 'my data.db'" in err
    done = durably(folder, "recover", "mine", "--database", "my data.db")
    assert json.loads(done.stdout) == ["first", "last", "old"]
    assert (folder / "log").read_text().split() == ["first", "last"], "what was finished is recorded"


def test_a_second_ctrl_c_does_not_wait(folder):
    """A step that does not end is left; its execution can be recovered."""
    with Running(folder, "run", "slow.py", "--name", "mine") as running:
        running.read_until("last: running")
        running.interrupt()
        running.read_until("Interrupted")
        running.interrupt()
        code, _, err = running.end()
    assert code == 130
    assert "durably recover mine" in err
    (folder / "gate").touch()
    assert durably(folder, "recover", "-q").returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_wait_is_shown_and_can_be_interrupted(folder, sent):
    """The end of a wait is told; Ctrl-C and SIGTERM end it at once."""
    (folder / "wait.py").write_text(DURABLE_WAIT)
    with Running(folder, "run", "wait.py") as running:
        running.read_until("long: waits until")
        running.process.send_signal(sent)
        code, _, err = running.end()
    assert code == 130
    assert "(2 h 00 min)" in err or "(1 h 59 min)" in err


def test_an_execution_that_is_not_there_is_refused(folder):
    """The unfinished ones are named."""
    kill_in_last_step(folder)
    done = durably(folder, "recover", "yours")
    assert done.returncode == 1
    assert "no execution 'yours'" in done.stderr
    assert "Unfinished are: mine." in done.stderr


def test_there_must_be_a_database_to_recover_from(folder):
    """None is made."""
    done = durably(folder, "recover", "-d", "absent.db")
    assert done.returncode == 1
    assert "no database absent.db" in done.stderr
    assert not (folder / "absent.db").exists()


def test_a_failed_execution_fails_again_when_it_is_asked_for(folder):
    """What was recorded is said, with exit code 1."""
    (folder / "sad.py").write_text(DURABLE_WAIT.replace("context.wait", "raise ValueError; context.wait"))
    assert durably(folder, "run", "sad.py", "-q", "--name", "sad").returncode == 1
    done = durably(folder, "recover", "sad")
    assert done.returncode == 1
    assert "ended already: FAILED" in done.stderr


INVOKES_LATER = SLOW.replace(
    "def handler(", "def other(event, context):\n    return event\n\n@durable_execution\ndef handler("
).replace('"old"]', 'context.invoke("other", "invoked")]')


@pytest.mark.parametrize("options", [[], ["--latest"]])
def test_what_is_recovered_may_invoke_the_handlers_of_its_file(tmp_path, options):
    """As it might have when it began."""
    (tmp_path / "slow.py").write_text(INVOKES_LATER)
    kill_in_last_step(tmp_path)
    (tmp_path / "gate").touch()
    done = durably(tmp_path, "recover", "mine", *options)
    assert (done.returncode, json.loads(done.stdout)) == (0, ["first", "last", "invoked"]), done.stderr


NOT_AWAITED = """
from durably.workflows import Duration, durable_execution

@durable_execution
def slow(event, context):
    context.wait(Duration.from_seconds(1))
    return "at last"

@durable_execution
def handler(event, context):
    asked = context.deferred.invoke("slow", None, name="ask slow")
    return context.race([asked, context.deferred.step(lambda step: "at once", name="now")])
"""


def test_what_was_invoked_and_not_awaited_is_told_and_goes_on(tmp_path):
    """A function that outlives its invoker runs to its end, as on AWS; here by a `recover`."""
    (tmp_path / "race.py").write_text(NOT_AWAITED)
    done = durably(tmp_path, "run", "race.py")
    assert (done.returncode, done.stdout) == (0, '"at once"\n'), done.stderr
    assert "did not wait for ask slow. To go on: durably recover" in done.stderr
    left = durably(tmp_path, "recover", "--quiet")
    assert left.returncode == 0, left.stderr
    assert {**json.loads(left.stdout), "name": ""} == {"name": "", "status": "SUCCEEDED", "result": "at last"}
    assert "Nothing to recover" in durably(tmp_path, "recover").stderr
