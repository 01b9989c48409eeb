"""The workflows on which the protocol is explored, and the mutants that must be found.

Small on purpose: every interleaving of each is visited. Names say what is raced.
"""

from tests.model.model import Record, Scenario, Spec

STEP, WAIT, CALLBACK = Spec("step"), Spec("wait"), Spec("callback")
DECIDED = Spec("decided")
CRASH = {"faults": ("crash", "fail", "lost"), "budget": 1, "again": True}
FAULTS = {"faults": ("fail", "lost"), "budget": 1}


def sequence(**operations):
    """The root runs them one after the other."""
    return {"root": (*(("go", name) for name in operations), ("return",))}, operations


def child(*steps, tail=(), **operations):
    """The root runs a context x with these steps, then the tail."""
    scripts = {"root": (("go", "x"), *tail, ("return",)), "t1": (*steps, ("return",))}
    inside = ("s", "c")
    operations = {n: s._replace(above=("x",)) if n in inside else s for n, s in operations.items()}
    return scripts, {"x": Spec("context", task="t1"), **operations}


def leaves_callback():
    return child(("begin", "c"), ("go", "s"), tail=(("go", "w"),), s=STEP, c=CALLBACK, w=WAIT)


def creating(*between):
    """A callback is created, something else happens, then it is awaited."""
    return {"root": (("create", "c"), *between, ("await", "c"), ("return",))}, {"c": CALLBACK, "s": STEP}


def created_beside():
    """A callback is created while a body executes."""
    scripts = {"root": (("begin", "s"), ("create", "c"), ("await", "s"), ("await", "c"), ("return",))}
    return scripts, {"s": STEP, "c": CALLBACK}


def creating_in(workflow, operation):
    """The same workflow, in which this callback is not begun and awaited but created, and then awaited."""
    scripts, operations = workflow
    steps = {("go", operation): (("create", operation), ("await", operation))}
    created = {
        task: tuple(step for written in script for step in steps.get(written, (written,)))
        for task, script in scripts.items()
    }
    return created, operations


def combined(*first, then=(), **operations):
    """All of some futures, or first some of them."""
    begin = (("begin", name) for name in operations)
    script = (*begin, *first, ("all", *operations), *(("go", name) for name, _ in then), ("return",))
    return {"root": script}, operations | dict(then)


def all_left_running():
    """A context that nobody awaits awaits two at once while the root returns."""
    inside = (("begin", "s"), ("begin", "t"), ("all", "s", "t"), ("return",))
    scripts = {"root": (("begin", "x"), ("return",)), "t1": inside}
    operations = {
        "x": Spec("context", task="t1"),
        "s": Spec("decided", ("x",)),
        "t": Spec("callback", ("x",)),
    }
    return scripts, operations


def mapped(*branches, tail=(), **limits):
    """A map m; a branch is a dict of operations that it runs one after the other."""
    operations = {"m": Spec("map", branches=tuple(f"b{i}" for i in range(len(branches))), **limits)}
    scripts = {"root": (("go", "m"), *(("go", name) for name, _ in tail), ("return",))}
    for i, inner in enumerate(branches):
        operations[f"b{i}"] = Spec("context", ("m",), f"t{i}", branch_of="m")
        operations |= {name: spec._replace(above=("m", f"b{i}")) for name, spec in inner.items()}
        scripts[f"t{i}"] = (*(("go", name) for name in inner), ("return",))
    return scripts, operations | dict(tail)


def race(*then, w=WAIT):
    """The first of two; what comes next is in danger of the second."""
    begin = (("begin", "x"), ("begin", "w"), ("await", "x", "w"))
    return {"root": (*begin, *then, ("return",))}, {"x": WAIT, "w": w, "s": STEP}


def unawaited():
    scripts = {"root": (("begin", "s"), ("begin", "x"), ("go", "w"), ("return",))}
    return scripts, {"s": Spec("step", retries=1), "x": WAIT, "w": WAIT}


def deferred():
    scripts = {"root": (("begin", "s"), ("go", "w"), ("await", "s"), ("return",))}
    return scripts, {"s": STEP, "w": WAIT}


def beside(operation):
    """An operation is awaited while a body executes."""
    scripts = {"root": (("begin", "s"), ("go", "o"), ("await", "s"), ("return",))}
    return scripts, {"s": STEP, "o": operation}


def left_running():
    """A context that nobody awaits goes on while the root returns."""
    scripts = {"root": (("begin", "x"), ("return",)), "t1": (("go", "s"), ("go", "c"), ("return",))}
    above = ("x",)
    return scripts, {"x": Spec("context", task="t1"), "s": Spec("step", above), "c": Spec("callback", above)}


def future_from_below():
    """A future is awaited outside the context that began it, which has finished."""
    return child(("begin", "c"), tail=(("await", "c"), ("go", "w")), c=CALLBACK, w=WAIT)


def future_from_above():
    """A branch that is orphaned awaits a future of the root's."""
    scripts = {"root": (("begin", "w"), ("go", "m"), ("go", "v"), ("return",))}
    scripts |= {"t0": (("return",),), "t1": (("await", "w"), ("go", "s"), ("return",))}
    operations = {"w": WAIT, "v": WAIT, "m": Spec("map", branches=("b0", "b1"), minimum=1)}
    operations |= {f"b{i}": Spec("context", ("m",), f"t{i}", branch_of="m") for i in (0, 1)}
    return scripts, operations | {"s": Spec("step", ("m", "b1"))}


def nested(inner, steps=(("go", "s"),), tail=()):
    """x begins y and does not await it; y runs u."""
    scripts = {"root": (("go", "x"), *tail, ("return",)), "t1": (("begin", "y"), *steps, ("return",))}
    scripts["t2"] = (("go", "u"), ("return",))
    operations = {"x": Spec("context", task="t1"), "y": Spec("context", ("x",), "t2")}
    operations |= {"u": inner._replace(above=("x", "y"))}
    operations |= {"s": Spec("step", ("x",))} if steps else {}
    return scripts, operations | ({"w": WAIT} if tail else {})


def map_in_branch(inner, other, **limits):
    """Branch b0 of m runs a map n over one branch; b1 runs something else."""
    scripts = {"root": (("go", "m"), ("return",)), "t0": (("go", "n"), ("return",))}
    scripts |= {"t1": (("go", "v"), ("return",)), "t2": (("go", "u"), ("return",))}
    operations = {"m": Spec("map", branches=("b0", "b1"), **limits)}
    operations |= {f"b{i}": Spec("context", ("m",), f"t{i}", branch_of="m") for i in (0, 1)}
    operations |= {"n": Spec("map", ("m", "b0"), branches=("c0",))}
    operations |= {"c0": Spec("context", ("m", "b0", "n"), "t2", branch_of="n")}
    operations |= {"u": inner._replace(above=("m", "b0", "n", "c0")), "v": other._replace(above=("m", "b1"))}
    return scripts, operations


def deadlock():
    """Two contexts that await each other."""
    scripts = {"root": (("begin", "x"), ("begin", "y"), ("await", "x"), ("return",))}
    scripts |= {"t1": (("await", "y"), ("return",)), "t2": (("await", "x"), ("return",))}
    return scripts, {"x": Spec("context", task="t1"), "y": Spec("context", task="t2")}


def build():
    """Every scenario by name."""
    retry, once = Spec("step", retries=2), Spec("at_most_once", retries=1)
    started = {"w": Record("STARTED")}
    table = {
        "step, wait": (sequence(s=STEP, w=WAIT), {}),
        "at-most-once step, wait": (sequence(s=once, w=WAIT), {}),
        "two callbacks": (sequence(c=CALLBACK, d=CALLBACK), {}),
        "retry": (sequence(s=retry), {}),
        "callback beside a body": (beside(CALLBACK), {}),
        "callback beside a body, two polls": (beside(CALLBACK), {"polls": 2}),
        "retry beside a body, two polls": (beside(Spec("step", retries=1)), {"polls": 2}),
        "step, replayed callback": (sequence(s=STEP, w=CALLBACK), {"records": started}),
        "step, replayed wait": (sequence(s=STEP, w=WAIT), {"records": started}),
        "replayed retry": (sequence(s=Spec("step", retries=2)), {"records": {"s": Record("PENDING", 1)}}),
        "call fails, step and wait": (sequence(s=STEP, w=WAIT), FAULTS),
        "call fails, deferred": (deferred(), FAULTS),
        "deferred step": (deferred(), {}),
        "deferred, nobody awaits": (unawaited(), {}),
        "race of two waits": (race(("go", "s")), {}),
        "race of replayed wait and callback": (
            race(("go", "s"), w=CALLBACK),
            {"records": dict.fromkeys("xw", Record("STARTED"))},
        ),
        "child context": (child(("go", "s"), tail=(("go", "w"),), s=STEP, w=WAIT), {}),
        "child leaves a retry": (
            child(("begin", "s"), tail=(("go", "w"),), s=Spec("step", retries=1), w=WAIT),
            {},
        ),
        "child leaves a callback": (leaves_callback(), {}),
        "child left running": (left_running(), {}),
        "future from below": (future_from_below(), {}),
        "future from above": (future_from_above(), {}),
        "nested, step": (nested(STEP), {}),
        "nested, callback": (nested(CALLBACK, steps=(), tail=(("go", "w"),)), {}),
        "nested, call fails": (nested(STEP), FAULTS),
        "deadlock": (deadlock(), {"deadlock": True}),
        "create, step, await": (creating(("go", "s")), {}),
        "create, await": (creating(), {}),
        "create beside a body": (created_beside(), {}),
        "create in a child": (
            creating_in(child(("go", "c"), tail=(("go", "w"),), c=CALLBACK, w=WAIT), "c"),
            {},
        ),
        "create in a child that finishes early": (
            creating_in(nested(CALLBACK, steps=(), tail=(("go", "w"),)), "u"),
            {},
        ),
        "create, call fails": (creating(("go", "s")), FAULTS),
        "crash: create, step, await": (creating(("go", "s")), CRASH),
        "threads: create, step, await": (creating(("go", "s")), {"threads": True}),
        "threads: create in a child that finishes early": (
            creating_in(nested(CALLBACK, steps=(), tail=(("go", "w"),)), "u"),
            {"threads": True},
        ),
        "all of two waits": (combined(w=WAIT, x=WAIT), {}),
        "all of three steps": (combined(s=STEP, t=STEP, u=STEP), {}),
        "all of two waits, recorded": (combined(w=WAIT, x=WAIT, then=[("d", DECIDED)]), {}),
        "all of a wait and a step": (combined(w=WAIT, s=STEP), {}),
        "all of two steps": (combined(s=STEP, t=STEP), {}),
        "all of a step and a callback, replayed": (
            combined(s=STEP, c=CALLBACK),
            {"records": {"c": Record("STARTED")}},
        ),
        "all of a wait and a retry": (combined(w=WAIT, s=Spec("step", retries=1)), {}),
        "race of two waits, then all": (combined(("await", "w", "x"), w=WAIT, x=WAIT), {}),
        "all of two waits, call fails": (combined(w=WAIT, x=WAIT), FAULTS),
        "crash: all of two waits": (combined(w=WAIT, x=WAIT), CRASH),
        "crash: all of two waits, recorded": (combined(w=WAIT, x=WAIT, then=[("d", DECIDED)]), CRASH),
        "crash: all of a wait and a step": (combined(w=WAIT, s=STEP), CRASH),
        "threads: all of two waits": (combined(w=WAIT, x=WAIT), {"threads": True}),
        "threads: all of two steps": (combined(s=STEP, t=STEP), {"threads": True}),
        "all in a child left running": (
            all_left_running(),
            {"records": dict.fromkeys("xst", Record("STARTED"))},
        ),
        "decided": (sequence(d=DECIDED, w=WAIT), {}),
        "crash: decided": (sequence(d=DECIDED, w=WAIT), CRASH),
        "map over nothing": (mapped(tail=(("w", WAIT),)), {}),
        "crash: step, wait": (sequence(s=STEP, w=WAIT), CRASH),
        "crash: at-most-once": (sequence(s=once, w=WAIT), CRASH),
        "crash: at-most-once, twice": (sequence(s=once), {**CRASH, "budget": 2}),
        "crash: retry": (sequence(s=retry), CRASH),
        "crash: callback, step": (sequence(c=CALLBACK, s=STEP), CRASH),
        "crash: race": (race(), CRASH),
        "crash: deferred": (deferred(), CRASH),
        "crash: child leaves a callback": (leaves_callback(), CRASH),
        "threads: step, wait": (sequence(s=STEP, w=WAIT), {"threads": True}),
        "threads: retry": (sequence(s=retry), {"threads": True}),
        "threads: race": (race(("go", "s")), {"threads": True}),
        "threads: call fails": (deferred(), {"threads": True, **FAULTS}),
        "threads: child leaves a callback": (leaves_callback(), {"threads": True}),
    }
    maps = {
        "two branches": (mapped({"w": WAIT}, {"s": STEP}), {}),
        "two branches, one a call": (mapped({"w": WAIT}, {"s": STEP}), {"batch": 1}),
        "two branches, one at a time": (mapped({"w": WAIT}, {"s": STEP}, at_once=1), {}),
        "first of wait and step": (mapped({"w": WAIT}, {"s": STEP}, minimum=1), {}),
        "orphan body": (mapped({"s": STEP}, {"t": STEP}, minimum=1), {}),
        "orphan callback": (mapped({}, {"c": CALLBACK}, tail=(("w", WAIT),), minimum=1), {}),
        "orphan retry": (mapped({}, {"s": Spec("step", retries=1)}, tail=(("w", CALLBACK),), minimum=1), {}),
        "orphan creator": (creating_in(mapped({}, {"c": CALLBACK}, tail=(("w", WAIT),), minimum=1), "c"), {}),
        "orphan, call fails": (mapped({}, {"c": CALLBACK}, tail=(("w", WAIT),), minimum=1), FAULTS),
        "map in a branch": (map_in_branch(STEP, WAIT), {}),
        "map in an orphan branch": (map_in_branch(STEP, STEP, minimum=1), {}),
        "crash: two branches": (mapped({"w": WAIT}, {"s": STEP}), {**CRASH, "faults": ("crash",)}),
        "crash: orphan body": (mapped({}, {"t": STEP}, minimum=1), CRASH),
        "crash: one at a time": (mapped({"s": STEP}, {"w": WAIT}, at_once=1), CRASH),
        "threads: orphan body": (mapped({}, {"t": STEP}, minimum=1), {"threads": True}),
    }
    for name, (workflow, options) in maps.items():
        table[name] = (workflow, options)
        table[name + " (early)"] = (workflow, {**options, "early": True})
    return {name: Scenario(*workflow, **options) for name, (workflow, options) in table.items()}


SCENARIOS = build()

# Too large to hunt mutants in.
LARGE = {
    "crash: deferred",
    "crash: all of two waits",
    "crash: all of two waits, recorded",
    "crash: all of a wait and a step",
    "threads: create in a child that finishes early",
    "threads: all of two waits",
    "all of three steps",
    "all of a wait and a retry",
    "all of two waits, call fails",
    "orphan creator",
    "orphan creator (early)",
    "first of wait and step",
    "orphan body",
    "orphan body (early)",
    "race of replayed wait and callback",
    "threads: call fails",
    "two branches",
    "two branches (early)",
    "deferred, nobody awaits",
    "race of two waits",
    "future from above",
    "nested, call fails",
    "crash: race",
    "threads: race",
    "first of wait and step (early)",
    "orphan callback (early)",
    "orphan retry",
    "orphan retry (early)",
    "orphan, call fails",
    "orphan, call fails (early)",
    "map in a branch",
    "map in a branch (early)",
    "map in an orphan branch",
    "map in an orphan branch (early)",
    "crash: two branches",
    "crash: two branches (early)",
    "crash: orphan body",
    "crash: orphan body (early)",
    "threads: orphan body (early)",
}

# What breaks when the protocol is changed in one place: the key is the change. Those in HARMLESS
# break nothing; why, stands there.
MUTANTS = (
    "bodies not counted",
    "call in flight not counted",
    "runnable task not counted",
    "idle messages not counted",
    "no stillness re-check",
    "no Watch",
    "Watch does not answer with a terminal record",
    "K tells before it merges",
    "Settled not told when orphaned",
    "nobody tells orphans",
    "known descendants instead of ancestors",
    "Orphaned unwinds every awaiter",
    "no ticket",
    "END at Finish",
    "updates accepted after Close",
    "batch failure settles nobody",
    "refresh during a call counted as served",
    "two calls in flight",
    "late branch revises the decision",
    "Finish beats Failed",
    "at-most-once body before START is confirmed",
    "parent's end before its children's updates",
    "a context's end jumps the queue",
    "a batch waits for an uncounted timer",
    "K told last in a turn",
    "polls need no company",
    "creator resumed before START is confirmed",
    "creator resumed only by the end",
    "creator not told when orphaned",
    "arrivals noted only by resume",
    "awaiters resumed before their future is settled",
    "a new ticket for each arrival",
    "orphan's code left parked",
)  # "K told last in a turn" matters only where turns overlap: one thread for each actor
HARMLESS = {
    "Waiting told after a second turn": "the turn is a message, and counted: stillness comes after it",
    "a stale Quiet counts": "it is handled with the view of its own stillness, and only starts a stale cooldown",
    "batch failure told to V only": "END unwinds whatever is parked",
    "futures of orphans not told": "their context unwinds its code; one that records nothing, which the model has not, could not",
}
