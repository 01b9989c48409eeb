"""`contextvars`: tracing and logging context reaches workflow code and bodies, and leaks nowhere."""

import contextvars
import threading

from tests.workflows.running import PATIENCE, SECOND, Run

VARIABLE: contextvars.ContextVar[str] = contextvars.ContextVar("VARIABLE", default="unset")


def in_context(value, function):
    def run():
        VARIABLE.set(value)
        return function()

    return contextvars.Context().run(run)


def test_all_code_sees_the_callers_variables():
    """The handler, its children and branches, and bodies alone and beside each other."""

    def handler(event, context):
        seen = [VARIABLE.get(), context.step(lambda step: VARIABLE.get())]
        seen.append(context.run_in_child_context(lambda child: VARIABLE.get()))

        def branch(child, *_):
            return [VARIABLE.get(), child.step(lambda step: VARIABLE.get())]

        return [*seen, *context.map(range(3), branch).get_results()]

    result = in_context("caller", lambda: Run(handler).result())
    assert result == ["caller"] * 3 + [["caller", "caller"]] * 3


def test_a_body_sees_what_its_own_code_has_set():
    """A change counts for the operations after it, in the context that made it and below."""

    def handler(event, context):
        VARIABLE.set("handler")
        first = context.step(lambda step: VARIABLE.get())

        def group(child):
            below = VARIABLE.get()
            VARIABLE.set("child")
            return [below, child.step(lambda step: VARIABLE.get())]

        return [first, context.run_in_child_context(group), VARIABLE.get()]

    assert Run(handler).result() == ["handler", ["handler", "child"], "handler"]


def test_changes_do_not_leak():
    """Not from a body to its code, not from a branch to others, not from the handler to its caller."""

    def handler(event, context):
        context.step(lambda step: VARIABLE.set("body") and None)
        seen = [VARIABLE.get()]

        def branch(child, item, *_):
            before = VARIABLE.get()
            VARIABLE.set(f"branch {item}")
            child.wait(SECOND)
            child.step(lambda step: VARIABLE.set("body") and None)
            return [before, VARIABLE.get()]

        seen += context.map(range(3), branch).get_results()
        VARIABLE.set("handler")
        return seen

    def call():
        return Run(handler).result(), VARIABLE.get()

    result, after = in_context("caller", call)
    assert result == ["caller", *[["caller", f"branch {item}"] for item in range(3)]]
    assert after == "caller"


def test_a_body_sees_its_own_invocations_variables():
    """Two invocations on two threads, whose bodies run at the same time."""
    meeting = threading.Barrier(4)
    results = {}

    def handler(event, context):
        def body(step):
            meeting.wait(PATIENCE)
            return VARIABLE.get()

        return context.map(range(2), lambda child, *_: child.step(body)).get_results()

    def call(name):
        results[name] = in_context(name, lambda: Run(handler).result())

    threads = [threading.Thread(target=call, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert results == {"a": ["a", "a"], "b": ["b", "b"]}


def test_what_finally_sees_is_what_the_code_has_set():
    """A branch that is unwound at suspension has its own variables still."""
    seen = []

    def handler(event, context):
        def branch(child, item, *_):
            VARIABLE.set(f"branch {item}")
            try:
                child.wait(SECOND)
            finally:
                seen.append(VARIABLE.get())

        context.map(range(2), branch)

    run = Run(handler)
    assert in_context("caller", run.invoke) == {"Status": "PENDING"}
    assert sorted(seen) == ["branch 0", "branch 1"]
