"""LocalService: starting, callbacks, functions that invoke each other, closing, and going on later."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from durably.actors.model import ErrorObject
from durably.workflows.local import (
    ExecutionFailedError,
    HandlerNotFoundError,
    LocalService,
    ServiceClosedError,
    ServiceError,
    SkippingClock,
)
from tests.local.scripted import PENDING, Invocation, scripted, succeeded, update, wait


def local(path: Path | None = None, **options) -> LocalService:
    return LocalService(path, clock=SkippingClock(), invoker=scripted, **options)


def echo(invocation: Invocation):
    execution = next(iter(invocation.operations.values()))
    return succeeded(execution["ExecutionDetails"]["InputPayload"])


def asks(invocation: Invocation):
    """Waits for a callback and returns what it brings."""
    details = invocation.operations.get("c", {}).get("CallbackDetails", {})
    match invocation.status("c"):
        case None:
            invocation.send(update("CALLBACK", "START", "c"))
            return PENDING
        case "SUCCEEDED":
            return succeeded(details["Result"])
        case "FAILED":
            return {"Status": "FAILED", "Error": details["Error"]}
        case _:
            return PENDING


def calls(function: str):
    """A handler that invokes `function` and returns its outcome."""

    def handler(invocation: Invocation):
        status = invocation.status("i")
        if status is None:
            start = update("CHAINED_INVOKE", "START", "i", function_name=function, payload='{"n": 1}')
            status = invocation.send(start)["i"].status.value
            if status == "FAILED":
                return succeeded('"failed in the response"')
        if status == "STARTED":
            return PENDING
        details = invocation.operations["i"]["ChainedInvokeDetails"]
        return succeeded(json.dumps([status, details.get("Result"), details.get("Error")]))

    return handler


class TestStarting:
    def test_the_input_is_any_json_value(self):
        """The handler gets what start() was given, and result() gives what the handler returned."""
        with local() as service:
            assert service.start(echo, {"a": [1, None]}).result(10) == {"a": [1, None]}
            assert service.start(echo).result(10) is None

    def test_an_execution_has_a_name(self):
        """It is the one given, or one made up; a wrong one is refused before anything is stored."""
        with local() as service:
            execution = service.start(echo, name="nightly")
            assert (execution.name, execution.arn.split("/")[1:2]) == ("nightly", ["durable-execution"])
            with pytest.raises(ServiceError, match="Invalid name"):
                service.start(echo, name="no good")
            with pytest.raises(TypeError, match="not JSON serializable"):
                service.start(echo, {1, 2})
            assert [each.record.name for each in service.executions()] == ["nightly"]
            execution.result(10)

    def test_many_executions_run_side_by_side(self):
        """As many invocations as allowed run at once."""
        barrier = threading.Barrier(8)

        def meets(invocation: Invocation):
            barrier.wait(10)
            return succeeded("1")

        with local(max_invocations=8) as service:
            assert [each.result(10) for each in [service.start(meets) for _ in range(8)]] == [1] * 8

    def test_no_more_run_at_once_than_allowed(self):
        """A second execution waits for the thread of the first."""
        order: list[str] = []

        def handler(invocation: Invocation):
            order.append("in")
            order.append("out")
            return succeeded()

        with local(max_invocations=1) as service:
            for execution in [service.start(handler) for _ in range(20)]:
                execution.result(10)
        assert order == ["in", "out"] * 20

    def test_no_thread_is_started_before_there_is_work_or_left_after(self):
        """Threads begin with the first execution and end with the service."""
        before = threading.active_count()
        service = local()
        assert threading.active_count() == before
        service.start(echo).result(10)
        service.close()
        service.close()
        assert threading.active_count() == before


class TestCallbacks:
    @pytest.mark.parametrize("path", [None, "x.db"])
    def test_a_callback_brings_a_result(self, path, tmp_path):
        """Completing a callback invokes the handler again."""
        with local(path and tmp_path / path) as service:
            execution = service.start(asks)
            service.wait_until_idle(10)
            [callback] = execution.callbacks()
            service.heartbeat_callback(callback.callback_id)
            service.succeed_callback(callback.callback_id, '"yes"')
            assert execution.result(10) == "yes"

    def test_a_callback_brings_an_error(self):
        """A failed callback carries the error that it was given."""
        with local() as service:
            execution = service.start(asks)
            service.wait_until_idle(10)
            service.fail_callback(execution.callbacks()[0].callback_id, ErrorObject("denied", "Denied"))
            with pytest.raises(ExecutionFailedError, match="Denied: denied"):
                execution.result(10)

    def test_wrong_callbacks_are_refused(self):
        """An id that is none, a result too long, and a second completion are errors that say so."""
        with local() as service:
            execution = service.start(asks)
            service.wait_until_idle(10)
            callback = execution.callbacks()[0].callback_id
            with pytest.raises(ServiceError, match="Invalid callback id"):
                service.succeed_callback("nonsense")
            with pytest.raises(ServiceError, match="over 1048576 bytes"):
                service.succeed_callback(callback, "x" * 1_048_577)
            for no_text in (b"yes", {"approved": True}):
                with pytest.raises(ServiceError, match=r"must be text, got \w+: use json.dumps"):
                    service.succeed_callback(callback, no_text)
            service.succeed_callback(callback, "1")
            execution.result(10)
            with pytest.raises(ServiceError, match="SUCCEEDED already"):
                service.succeed_callback(callback, "2")

    def test_a_callback_may_be_completed_while_nothing_runs(self, tmp_path):
        """An execution that nobody drives takes its callback's outcome, and finds it when recovered."""
        path = tmp_path / "x.db"
        with local(path) as service:
            execution = service.start(asks)
            service.wait_until_idle(10)
            callback = execution.callbacks()[0].callback_id
        with local(path) as service:
            service.succeed_callback(callback, "5")
        with local(path) as service:
            [recovered] = service.recover()
            assert recovered.result(10) == 5


class TestFunctions:
    def test_an_execution_invokes_another(self):
        """The outcome of a registered function's execution is the operation's."""
        with local() as service:
            service.register("echo", echo)
            assert service.start(calls("echo")).result(10) == ["SUCCEEDED", '{"n": 1}', None]
            assert [each.record.function_name for each in service.executions()] == ["handler", "echo"]

    def test_a_plain_function_is_invoked_once(self):
        """A function that is not durable gets the payload; its failure has the bare type, as on Lambda."""

        def divide(event, context):
            return 10 / event["n"] / event.get("zero", 1)

        class RefusedError(Exception):
            pass

        def fails(event, context):
            raise RefusedError("plain")

        with local() as service:
            service.register("divide", divide, durable=False)
            service.register("fails", fails, durable=False)
            assert service.start(calls("divide")).result(10) == ["SUCCEEDED", "10.0", None]
            error = {"ErrorMessage": "plain", "ErrorType": "RefusedError"}
            assert service.start(calls("fails")).result(10) == ["FAILED", None, error]

    def test_an_unknown_function_fails_in_the_response(self):
        """The checkpoint that starts the invoke says already that there is no such function."""
        with local() as service:
            assert service.start(calls("nobody")).result(10) == "failed in the response"

    def test_a_stopped_function_is_a_stopped_operation(self):
        """The parent learns how its child ended."""
        with local() as service:
            service.register("asks", asks)
            parent = service.start(calls("asks"))
            service.wait_until_idle(10)
            service.stop(service.executions()[1].record.arn, ErrorObject("enough"))
            assert parent.result(10) == ["STOPPED", None, {"ErrorMessage": "enough"}]

    def test_a_function_that_takes_too_long_times_out(self):
        """A function has a timeout for all of its executions, and who invoked one learns that it is over."""
        with local() as service:
            service.register("asks", asks, execution_timeout_seconds=60)
            parent, alone = service.start(calls("asks")), service.start("asks")
            patient = service.start("asks", timeout_seconds=100)
            service.wait_until_idle(10)
            service.advance(60)
            error = {
                "ErrorMessage": "CHAINED_INVOKE timed out after 60 seconds.",
                "ErrorType": "ChainedInvoke.Timeout",
            }
            assert parent.result(10) == ["TIMED_OUT", None, error]
            assert "ChainedInvokeTimedOut" in [each["EventType"] for each in parent.history_json()["Events"]]
            assert alone.wait(10)
            assert alone.status == "TIMED_OUT"
            assert patient.status == "RUNNING"

    def test_the_timeout_outlives_the_service(self, tmp_path):
        """An invoked execution that is recovered still times out."""
        path = tmp_path / "x.db"
        with local(path) as service:
            service.register("asks", asks, execution_timeout_seconds=60)
            service.register("calls", calls("asks"))
            service.start("calls")
            service.wait_until_idle(10)
        with local(path) as service:
            service.register("asks", asks)
            service.register("calls", calls("asks"))
            parent = next(each for each in service.recover() if "calls" in each.arn)
            service.wait_until_idle(10)
            service.advance(60)
            assert parent.result(10)[0] == "TIMED_OUT"

    @pytest.mark.parametrize(
        ("options", "message"), [({}, "positive"), ({"durable": False}, "plain function")]
    )
    def test_a_timeout_that_cannot_be_is_refused(self, options, message):
        """It must be positive, and the function durable."""
        seconds = 60 if options else 0
        with local() as service, pytest.raises(ValueError, match=message):
            service.register("asks", asks, execution_timeout_seconds=seconds, **options)

    def test_a_registered_function_can_be_started_by_name(self):
        """start() takes the name of a registered function; an unknown one is an error."""
        with local() as service:
            service.register("echo", echo)
            assert service.start("echo", 1).result(10) == 1
            with pytest.raises(HandlerNotFoundError, match="'nobody' is registered"):
                service.start("nobody")


class TestClosing:
    def test_closing_ends_an_invocation_at_its_next_checkpoint(self, tmp_path):
        """It gets no token any more, and the execution stays unfinished."""
        service = local(tmp_path / "x.db")
        closing = threading.Thread(target=service.close)

        def handler(invocation: Invocation):
            closing.start()
            while invocation.token is not None:
                invocation.send()
            return PENDING

        execution = service.start(handler)
        with pytest.raises(ServiceClosedError, match="unfinished"):
            execution.result(10)
        closing.join()
        assert execution.status == "RUNNING"
        with pytest.raises(ServiceClosedError):
            service.start(echo)

    def test_a_result_that_came_anyway_counts(self):
        """An invocation that finishes while the service closes has finished."""
        started, release = threading.Event(), threading.Event()

        def handler(invocation: Invocation):
            started.set()
            release.wait()
            return succeeded("3")

        service = local()
        execution = service.start(handler)
        started.wait()
        closing = threading.Thread(target=service.close)
        closing.start()
        release.set()
        closing.join()
        assert execution.result(10) == 3


VERSIONED = """
from tests.local.scripted import PENDING, succeeded, update

def handler(invocation):
    if invocation.status("c") == "SUCCEEDED":
        return succeeded('"VERSION"')
    if invocation.status("c") is None:
        invocation.send(update("CALLBACK", "START", "c"))
    return PENDING
"""


class TestRecovering:
    @pytest.fixture
    def file(self, tmp_path: Path):
        path = tmp_path / "flow.py"
        path.write_text(VERSIONED.replace("VERSION", "first"))
        yield path
        sys.path[:] = [each for each in sys.path if each != str(tmp_path)]
        for name in [name for name in sys.modules if name.startswith("flow_")]:
            del sys.modules[name]

    def begin(self, file: Path) -> tuple[Path, str]:
        """Start an execution of the file and close the service; returns the database and a callback."""
        from durably.workflows.local.code import load_handler

        database = file.with_name("x.db")
        with local(database) as service:
            execution = service.start(load_handler(file, "handler"))
            service.wait_until_idle(10)
            return database, execution.callbacks()[0].callback_id

    def test_an_execution_keeps_the_code_it_began_with(self, file):
        """Though its file has changed, or is gone, it goes on with the stored copy."""
        database, callback = self.begin(file)
        file.unlink()
        with local(database) as service:
            [execution] = service.recover()
            service.succeed_callback(callback)
            assert execution.result(10) == "first"

    def test_an_execution_goes_on_with_new_code_if_told_to(self, file):
        """With `latest` it takes what the file holds now, and keeps to that."""
        database, callback = self.begin(file)
        file.write_text(VERSIONED.replace("VERSION", "second"))
        with local(database) as service:
            service.recover(latest=True)
            service.wait_until_idle(10)
        file.write_text(VERSIONED.replace("VERSION", "third"))
        with local(database) as service:
            [execution] = service.recover()
            service.succeed_callback(callback)
            assert execution.result(10) == "second"

    @pytest.mark.parametrize(
        ("source", "message"),
        [("def handler(:", "SyntaxError"), ("1 / 0", "ZeroDivisionError"), ("", "has no handler 'handler'")],
    )
    def test_code_that_cannot_be_loaded_is_an_error_and_nothing_is_lost(self, file, source, message):
        """The execution says why it cannot go on, and goes on when the code is mended."""
        database, callback = self.begin(file)
        file.write_text(source)
        with local(database) as service:
            [execution] = service.recover(latest=True)
            with pytest.raises(HandlerNotFoundError, match=message):
                execution.result(10)
            [again] = service.recover()
            service.succeed_callback(callback)
            assert again.result(10) == "first"

    def test_a_function_without_a_file_is_found_by_its_name(self, tmp_path):
        """A nested function cannot be stored; recover() takes the one registered under its name."""

        def nested(invocation: Invocation):
            return asks(invocation)

        with local(tmp_path / "x.db") as service:
            service.start(nested)
            service.wait_until_idle(10)
        with local(tmp_path / "x.db") as service:
            with pytest.raises(HandlerNotFoundError, match="'nested' is registered"):
                service.recover()[0].result(10)
            service.register("nested", nested)
            [execution] = service.recover()
            service.succeed_callback(execution.callbacks()[0].callback_id, "1")
            assert execution.result(10) == 1

    def test_what_is_finished_or_running_is_not_recovered(self, tmp_path):
        """recover() is for what nobody drives."""
        with local(tmp_path / "x.db") as service:
            service.start(echo).result(10)
            service.start(asks)
            assert service.recover() == []

    def test_a_chained_invoke_survives_at_both_ends(self, tmp_path):
        """Parent and child are recovered, and the parent gets its child's outcome."""
        database = tmp_path / "x.db"
        with local(database) as service:
            service.register("asks", asks)
            service.start(calls("asks"))
            service.wait_until_idle(10)
        with local(database) as service:
            service.register("asks", asks)
            service.register("handler", calls("asks"))
            parent, child = service.recover()
            service.succeed_callback(child.callbacks()[0].callback_id, "1")
            assert parent.result(10) == ["SUCCEEDED", "1", None]

    def test_a_wait_that_ended_while_nobody_was_there_is_over(self, tmp_path):
        """Time goes on without the service."""

        def handler(invocation: Invocation):
            if invocation.status("w") == "SUCCEEDED":
                return succeeded("1")
            invocation.send(wait("w", 60))
            return PENDING

        database = tmp_path / "x.db"
        with LocalService(database, invoker=scripted) as service:
            execution = service.start(handler)
            service.wait_until_idle(10)
            [waiting] = execution.operations()[1:]
            assert waiting.ends_at is not None
        with LocalService(database, clock=SkippingClock(waiting.ends_at), invoker=scripted) as later:
            later.register("handler", handler)
            [recovered] = later.recover()
            assert recovered.result(10) == 1
            assert recovered.operations()[1].ended_at == waiting.ends_at


def test_a_clock_in_the_place_of_the_path_is_refused():
    """The error says how a clock is given."""
    with pytest.raises(TypeError, match=r"path must be that of a database.*clock="):
        LocalService(SkippingClock())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # the mistake


@pytest.mark.parametrize("name", ["max_invocations", "page_size", "invocation_timeout"])
def test_a_service_of_nothing_is_refused(name):
    """Numbers that must be positive are checked when the service is made."""
    with pytest.raises(ValueError, match=f"{name} must be positive, got 0"):
        local(**{name: 0})


def test_what_cannot_be_started_is_refused_at_once():
    """A handler that is not durable, an input that is no JSON, a timeout that is over at once."""
    with LocalService() as service:
        with pytest.raises(TypeError, match="is not a durable handler: decorate it"):
            service.start(lambda event, context: 1)
        with pytest.raises(TypeError, match="5 is not a durable handler"):
            service.start(5)
    with local() as service:
        with pytest.raises(TypeError, match="The input of an execution must be JSON: Object of type set"):
            service.start(echo, {1, 2})
        with pytest.raises(ValueError, match="timeout_seconds must be positive"):
            service.start(echo, timeout_seconds=0)
        assert list(service.executions()) == []


UNCLOSED = """
from durably.workflows import Duration, durable_execution
from durably.workflows.local import LocalService

@durable_execution
def handler(event, context):
    try:
        context.step(lambda step: print("a step", flush=True))
        context.wait(Duration.from_days(1))
    finally:
        print("unwound", flush=True)

if __name__ == "__main__":
    service = LocalService({path!r})
    execution = service.start(handler, name="left")
    while not any(one.type.value == "WAIT" for one in execution.operations()):
        execution.wait(0.01)
"""


def test_a_service_that_nobody_closes_keeps_no_process_alive(tmp_path):
    """It is closed at the end of the interpreter, and what is unfinished can be recovered."""
    path = tmp_path / "x.db"
    (tmp_path / "script.py").write_text(UNCLOSED.format(path=str(path)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)}
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "a step\nunwound\n", "")
    assert not path.with_name("x.db.lock").exists()
    with LocalService(path, clock=SkippingClock()) as service:
        (execution,) = service.recover()
        assert execution.result(10) is None
