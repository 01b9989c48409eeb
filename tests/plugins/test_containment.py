"""What a plugin cannot do to an execution, and the little that it can."""

import threading
from contextvars import ContextVar

import pytest
from aws_durable_execution_sdk_python.plugin import PropagationMetadata as OfficialMetadata

from durably.workflows import MapConfig
from durably.workflows.plugin import DurableInstrumentationPlugin, PropagationMetadata
from tests.plugins.observed import Making, observed
from tests.plugins.recording import HOOKS, Note, Recorder
from tests.workflows.running import SECOND, Remaining, happens

BODY_HOOKS = ("on_user_function_start", "on_user_function_end")


def handler(event, context):
    context.step(lambda step: 1, name="s")
    return 2


def raises(hook: str, error: BaseException):
    def before(note: Note) -> None:
        if note.hook == hook:
            raise error

    return before


@pytest.mark.parametrize("hook", HOOKS)
def test_what_a_hook_raises_is_logged_and_ignored(hook: str, caplog):
    """The execution, and the other plugins, go on as if nothing had happened."""
    healthy = Recorder()
    faulty = Recorder(before=raises(hook, ValueError("broken hook")))
    assert observed(handler, faulty, healthy).result() == 2
    assert "broken hook" in caplog.text
    assert f"{hook} of plugin Recording" in caplog.text
    assert faulty.told() == healthy.told()
    assert len(healthy.told()) == 6


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, GeneratorExit])
@pytest.mark.parametrize("hook", [hook for hook in HOOKS if hook != "on_operation_change"])
def test_what_says_stop_stops_the_invocation(hook: str, stop: type[BaseException]):
    """It leaves the handler; the plugins are told that the invocation is to be repeated."""
    recorder = Recorder(before=raises(hook, stop()))
    with pytest.raises(stop):
        observed(handler, recorder).invoke()
    (end,) = recorder.infos("invocation_end")
    assert end.status.value == ("SUCCEEDED" if hook == "on_invocation_end" else "RETRY")


def test_what_says_stop_inside_a_group_of_errors_stops_too(caplog):
    """The rest of the group is logged."""
    group = BaseExceptionGroup("both", [ValueError("the rest"), KeyboardInterrupt()])
    recorder = Recorder(before=raises("on_operation_start", group))
    with pytest.raises(BaseExceptionGroup) as caught:
        observed(handler, recorder).invoke()
    assert isinstance(caught.value.exceptions[0], KeyboardInterrupt)
    assert "the rest" in caplog.text


def test_a_plugin_that_was_never_told_of_the_start_is_not_told_of_the_end():
    """The first one stops the invocation in its start, and is told of the end all the same."""
    first, second = Recorder(before=raises("on_invocation_start", KeyboardInterrupt())), Recorder()
    with pytest.raises(KeyboardInterrupt):
        observed(handler, first, second).invoke()
    assert first.told() == ["invocation_start first", "invocation_end RETRY"]
    assert second.told() == []


def test_all_plugins_are_told_of_the_end_whatever_one_raises():
    """It is their only chance to finish."""
    first, second = Recorder(before=raises("on_invocation_end", SystemExit())), Recorder()
    with pytest.raises(SystemExit):
        observed(handler, first, second).invoke()
    assert second.told()[-1] == "invocation_end SUCCEEDED"


def test_the_failure_of_the_invocation_comes_before_a_plugins(caplog):
    """What the handler raised is raised."""

    def interrupted(event, context):
        raise KeyboardInterrupt("the handler's")

    recorder = Recorder(before=raises("on_invocation_end", SystemExit("the plugin's")))
    with pytest.raises(KeyboardInterrupt, match="the handler's"):
        observed(interrupted, recorder).invoke()
    assert "the failure is raised" in caplog.text


def test_a_factory_may_stop_the_invocation_as_well():
    """Before any hook."""

    def stops():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        observed(handler, Making(stops)).invoke()


def test_a_body_that_is_given_up_is_not_told_of_after_the_end():
    """Plugins are done when the invocation is."""
    release, threads = threading.Event(), []

    def body(step):
        threads.append(threading.current_thread())
        happens(release)

    def slow(event, context):
        context.deferred.step(body, name="late")
        return context.step(lambda step: 1, name="s")

    recorder = Recorder()
    observed(slow, recorder).invoke(Remaining(0))
    told = recorder.told()
    release.set()
    threads[0].join(10)
    assert told[-1] == "invocation_end SUCCEEDED"
    assert recorder.told() == told


class TestThreads:
    def test_hooks_run_on_the_invocations_thread(self):
        """All but those of steps' bodies and changes."""
        recorder = Recorder()

        def fan_out(event, context):
            context.map([1, 2, 3], lambda child, item, index, items: child.step(lambda step: 1))

        observed(fan_out, recorder).result()
        elsewhere = {note.hook for note in recorder.notes if note.thread is not threading.current_thread()}
        assert elsewhere <= {*BODY_HOOKS, "on_operation_change"}

    def test_a_bodys_hooks_run_on_its_thread(self):
        """So that what is bound to a thread can be set and undone."""
        recorder = Recorder()
        ran = {}
        both = threading.Barrier(2, timeout=10)

        def branch(child, item, index, items):
            def body(step):
                both.wait()
                ran[f"s{item}"] = threading.current_thread()

            child.step(body, name=f"s{item}")

        def fan_out(event, context):
            context.map([1, 2], branch, config=MapConfig(max_concurrency=2))

        observed(fan_out, recorder).result()
        for name, thread in ran.items():
            notes = [n for n in recorder.notes if n.hook in BODY_HOOKS and n.info.name == name]
            assert [note.thread for note in notes] == [thread, thread]

    def test_context_variables_that_are_set_before_user_code_are_seen_by_it(self):
        """In a step, a child, a branch; and what is set at the start of the invocation everywhere."""
        where: ContextVar[str] = ContextVar("where")
        whole: ContextVar[str] = ContextVar("whole")
        seen = []

        def before(note):
            if note.hook == "on_invocation_start":
                whole.set("set")
            if note.hook == "on_user_function_start":
                where.set(note.info.name)

        def look(*_):
            seen.append((where.get("nowhere"), whole.get("unset")))

        def branch(child, item, index, items):
            look()
            child.step(look, name="in branch")

        def everywhere(event, context):
            look()
            context.step(look, name="s")
            context.run_in_child_context(look, name="c")
            context.map([1], branch, name="m")
            look()

        observed(everywhere, Recorder(before=before)).result()
        assert seen == [
            ("nowhere", "set"),
            ("s", "set"),
            ("c", "set"),
            ("map-item-0", "set"),
            ("in branch", "set"),
            ("nowhere", "set"),
        ]
        assert whole.get("gone") == "gone"

    def test_a_variable_can_be_reset_where_it_was_set(self, caplog):
        """Start and end of user code see the same context variables, in a map too."""
        where: ContextVar[str] = ContextVar("where")
        tokens = {}

        def before(note):
            if note.hook == "on_user_function_start":
                tokens[note.info.operation_id] = where.set(note.info.name)
            if note.hook == "on_user_function_end":
                where.reset(tokens.pop(note.info.operation_id))

        def nested(event, context):
            context.map([1, 2], lambda child, *_: child.step(lambda step: 1), name="m")
            context.run_in_child_context(lambda child: child.map([1], lambda c, *_: c.wait(SECOND)))

        observed(nested, Recorder(before=before)).result()
        assert not tokens
        assert not caplog.records


class TestChanges:
    def test_changes_have_a_thread_that_ends_with_the_invocation(self):
        """One for the invocation, and none without changes to tell of."""
        recorder = Recorder()
        observed(handler, recorder).result()
        (thread,) = {note.thread for note in recorder.notes if note.hook == "on_operation_change"}
        assert thread is not threading.current_thread()
        assert not thread.is_alive()

    def test_what_is_told_is_what_changed(self):
        """The newest state of each operation; in the end, of all."""
        recorder = Recorder()
        observed(handler, recorder).result()
        newest = {}
        for info in recorder.infos("operation_change"):
            newest.update({each.name: each.status.value for each in info.updated_operations.values()})
        assert newest == {"s": "SUCCEEDED"}
        last = recorder.infos("operation_change")[-1]
        assert [info.name for info in last.operations.values()][1:] == ["s"]
        assert "s" in repr(last)

    def test_a_slow_plugin_delays_nothing_and_is_told_once_of_what_came_meanwhile(self):
        """Answers that arrive while it is in the hook are merged."""
        entered, release = threading.Event(), threading.Event()

        def before(note):
            if note.hook == "on_operation_change" and not release.is_set():
                entered.set()
                happens(release)

        def many(event, context):
            context.step(lambda step: 1, name="first")
            happens(entered)
            for number in range(20):
                context.step(lambda step: 1, name=f"s{number}")
            release.set()

        recorder = Recorder(before=before)
        observed(many, recorder).result()
        _, *rest = recorder.infos("operation_change")
        assert len(rest) <= 2
        names = {each.name for info in rest for each in info.updated_operations.values()}
        assert {f"s{number}" for number in range(20)} <= names

    def test_an_interrupt_there_stops_nobody(self, caplog):
        """That thread has nobody to stop; the next change is told."""
        recorder = Recorder(before=raises("on_operation_change", KeyboardInterrupt()))
        observed(handler, recorder).result()
        assert recorder.told()[-1] == "invocation_end SUCCEEDED"
        assert "on_operation_change raised" in caplog.text

    def test_without_a_thread_changes_are_told_at_the_end(self, monkeypatch, caplog):
        """When the process may not start one."""
        real = threading.Thread.start

        def start(thread):
            if thread.name == "durably-plugin-changes":
                raise RuntimeError("can't start new thread")
            real(thread)

        monkeypatch.setattr(threading.Thread, "start", start)
        recorder = Recorder()
        observed(handler, recorder).result()
        assert [note.hook for note in recorder.notes][-2:] == ["on_operation_change", "on_invocation_end"]
        assert "No thread can be had" in caplog.text

    def test_a_plugin_that_does_not_ask_has_no_thread(self):
        """Not even one that inherits a hook that does nothing."""
        seen = []

        def before(note):
            seen.extend(thread.name for thread in threading.enumerate())

        observed(handler, Recorder(DurableInstrumentationPlugin, ("on_operation_end",), before)).result()
        assert "durably-plugin-changes" not in seen


class TestPropagation:
    def plugin(self, answer):
        class Tracing:
            def provide_propagation_metadata(self, info):
                self_asked.append(info)
                if isinstance(answer, Exception):
                    raise answer
                return answer

        self_asked = self.asked = getattr(self, "asked", [])
        return Making(Tracing)

    def trace(self, *answers):
        run = observed(
            lambda event, context: context.invoke("fn", {}, name="i"),
            *[self.plugin(answer) for answer in answers],
        )
        run.invoke()
        run.invoke()
        (start,) = run.updates("i")
        return start.trace_id

    def test_the_first_trace_id_that_is_not_blank_is_sent(self, caplog):
        """A plugin that disagrees is warned about."""
        answers = (None, PropagationMetadata(), PropagationMetadata(" "), OfficialMetadata("Root=1"))
        assert self.trace(*answers, PropagationMetadata("Root=2")) == "Root=1"
        assert "different trace ids" in caplog.text

    def test_it_is_asked_once_before_start_and_never_on_replay(self):
        """With what identifies the invoke."""
        self.trace(None)
        (info,) = self.asked
        assert (info.target_function_name, info.parent_operation_id) == ("fn", None)

    @pytest.mark.parametrize("answer", [ValueError("no"), 3])
    def test_what_cannot_be_used_is_ignored(self, answer, caplog):
        """The invoke begins without it."""
        assert self.trace(answer) is None
        assert "provide_propagation_metadata" in caplog.text


def test_a_plugin_costs_what_it_does_and_not_more_with_many_operations():
    """Each operation is told of once, however many there are: no hook is given all of them unasked."""
    calls = []

    class Counting:
        def on_operation_change(self, info):
            calls.append(len(info.updated_operations))

    def many(event, context):
        context.map(range(1000), lambda child, item, *_: child.step(lambda step: item))

    run = observed(many, Making(Counting))
    run.result()
    assert sum(calls) <= 3 * len(run.service.operations)
