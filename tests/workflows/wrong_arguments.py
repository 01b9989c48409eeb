"""Every wrong argument: which one it is, and a call that is given it."""

from durably.workflows import ChildConfig, MapConfig, ParallelConfig, StepConfig
from durably.workflows.config import (
    CallbackConfig,
    CompletionConfig,
    Duration,
    InvokeConfig,
    WaitForCallbackConfig,
)
from durably.workflows.retries import RetryStrategyConfig
from durably.workflows.serdes import JsonSerDes, PassThroughSerDes
from durably.workflows.waits import WaitForConditionConfig, WaitStrategyConfig
from tests.workflows.running import SECOND

MIB = 1_048_576
LONG = Duration(100_000_000)
"""A second more than the service lets a callback wait."""


def nothing(*args):
    return None


def looks(**how):
    return WaitForConditionConfig(**{"wait_strategy": nothing, "initial_state": 0, **how})


WRONG = {
    "step of nothing": ("func", lambda c: c.step(None)),
    "step of a result": ("func", lambda c: c.step(42)),
    "step name": ("name", lambda c: c.step(nothing, 7)),
    "step name too long": ("name", lambda c: c.step(nothing, "x" * 257)),
    "step name of two lines": ("name", lambda c: c.step(nothing, "a\nb")),
    "wait name that the service does not take": ("name", lambda c: c.wait(SECOND, "naïve")),
    "step config": ("config", lambda c: c.step(nothing, None, ChildConfig())),
    "step config as a dict": ("config", lambda c: c.step(nothing, None, {})),
    "wait of a number": ("duration", lambda c: c.wait(5)),
    "wait of nothing": ("duration", lambda c: c.wait(None)),
    "wait too short": ("duration", lambda c: c.wait(Duration())),
    "wait too long": ("duration", lambda c: c.wait(Duration.from_days(367))),
    "wait name": ("name", lambda c: c.wait(SECOND, 7)),
    "child of nothing": ("func", lambda c: c.run_in_child_context(None)),
    "child name": ("name", lambda c: c.run_in_child_context(nothing, b"x")),
    "child config": ("config", lambda c: c.run_in_child_context(nothing, None, StepConfig())),
    "map over a generator": ("inputs", lambda c: c.map((n for n in [1]), nothing)),
    "map over a set": ("inputs", lambda c: c.map({1, 2}, nothing)),
    "map over a dict": ("inputs", lambda c: c.map({1: 2}, nothing)),
    "map over a number": ("inputs", lambda c: c.map(3, nothing)),
    "map over nothing": ("inputs", lambda c: c.map(None, nothing)),
    "map of no function": ("func", lambda c: c.map([1], 5)),
    "map name": ("name", lambda c: c.map([1], nothing, 7)),
    "map config": ("config", lambda c: c.map([1], nothing, None, ParallelConfig())),
    "map wants too much": (
        "min_successful",
        lambda c: c.map([1], nothing, None, MapConfig(completion_config=CompletionConfig(min_successful=2))),
    ),
    "parallel of one function": ("functions", lambda c: c.parallel(nothing)),
    "parallel of results": ("functions", lambda c: c.parallel([nothing, 5])),
    "parallel of a generator": ("functions", lambda c: c.parallel(f for f in [nothing])),
    "parallel name": ("name", lambda c: c.parallel([nothing], 7)),
    "parallel config": ("config", lambda c: c.parallel([nothing], None, MapConfig())),
    "parallel wants too much": (
        "min_successful",
        lambda c: c.parallel(
            [nothing], None, ParallelConfig(completion_config=CompletionConfig(min_successful=2))
        ),
    ),
    "callback name": ("name", lambda c: c.create_callback(7)),
    "callback name too long": ("name", lambda c: c.create_callback("x" * 257)),
    "callback name that the service does not take": ("name", lambda c: c.create_callback("a\tb")),
    "callback config": ("config", lambda c: c.create_callback(None, StepConfig())),
    "callback config as a dict": ("config", lambda c: c.create_callback(None, {"timeout": 5})),
    "callback timeout of a number": ("timeout", lambda c: c.create_callback(None, CallbackConfig(timeout=5))),
    "callback timeout of nothing": (
        "timeout",
        lambda c: c.create_callback(None, CallbackConfig(timeout=None)),
    ),
    "callback timeout too long": ("timeout", lambda c: c.create_callback(None, CallbackConfig(timeout=LONG))),
    "callback timeout negative": (
        "seconds",
        lambda c: c.create_callback(None, CallbackConfig(timeout=Duration(-1))),
    ),
    "callback heartbeat of a number": (
        "heartbeat_timeout",
        lambda c: c.create_callback(None, CallbackConfig(heartbeat_timeout=1.5)),
    ),
    "callback heartbeat too long": (
        "heartbeat_timeout",
        lambda c: c.create_callback(None, CallbackConfig(heartbeat_timeout=LONG)),
    ),
    "callback serdes that is a class": (
        "serdes",
        lambda c: c.create_callback(None, CallbackConfig(serdes=JsonSerDes)),
    ),
    "callback subtype": ("sub_type", lambda c: c.create_callback(None, CallbackConfig(sub_type="no way!"))),
    "waiting for a callback of nobody": ("submitter", lambda c: c.wait_for_callback(None)),
    "waiting for a callback of a result": ("submitter", lambda c: c.wait_for_callback("sent")),
    "waiting for a callback name": ("name", lambda c: c.wait_for_callback(nothing, 7)),
    "waiting for a callback name too long": ("name", lambda c: c.wait_for_callback(nothing, "x" * 238)),
    "waiting for a callback name that the service does not take": (
        "name",
        lambda c: c.wait_for_callback(nothing, "naïve"),
    ),
    "waiting for a callback config": (
        "config",
        lambda c: c.wait_for_callback(nothing, None, CallbackConfig()),
    ),
    "waiting for a callback strategy that is none": (
        "retry_strategy",
        lambda c: c.wait_for_callback(
            nothing, None, WaitForCallbackConfig(retry_strategy=RetryStrategyConfig())
        ),
    ),
    "waiting for a callback timeout": (
        "timeout",
        lambda c: c.wait_for_callback(nothing, None, WaitForCallbackConfig(timeout=LONG)),
    ),
    "invoke of nothing": ("function_name", lambda c: c.invoke(None, 1)),
    "invoke of a function": ("function_name", lambda c: c.invoke(nothing, 1)),
    "invoke of an empty name": ("function_name", lambda c: c.invoke("", 1)),
    "invoke of a name too long": ("function_name", lambda c: c.invoke("f" * 257, 1)),
    "invoke name": ("name", lambda c: c.invoke("f", 1, 7)),
    "invoke name too long": ("name", lambda c: c.invoke("f", 1, "x" * 257)),
    "invoke config": ("config", lambda c: c.invoke("f", 1, None, StepConfig())),
    "invoke payload too large": ("payload", lambda c: c.invoke("f", "x" * MIB)),
    "invoke payload too large in bytes": (
        "payload",
        lambda c: c.invoke("f", "ü" * (MIB // 2 + 1), None, InvokeConfig(serdes_payload=PassThroughSerDes())),
    ),
    "invoke payload serdes": ("serdes_payload", lambda c: c.invoke("f", 1, None, InvokeConfig("json"))),
    "invoke result serdes": (
        "serdes_result",
        lambda c: c.invoke("f", 1, None, InvokeConfig(None, JsonSerDes)),
    ),
    "invoke for no tenant": ("tenant_id", lambda c: c.invoke("f", 1, None, InvokeConfig(tenant_id=""))),
    "invoke for a tenant too long": (
        "tenant_id",
        lambda c: c.invoke("f", 1, None, InvokeConfig(tenant_id="t" * 257)),
    ),
    "invoke for a tenant that is a number": (
        "tenant_id",
        lambda c: c.invoke("f", 1, None, InvokeConfig(tenant_id=7)),
    ),
    "condition without a check": ("check", lambda c: c.wait_for_condition(None, looks())),
    "condition of a result": ("check", lambda c: c.wait_for_condition(True, looks())),
    "condition without a config": ("config", lambda c: c.wait_for_condition(nothing, None)),
    "condition config": ("config", lambda c: c.wait_for_condition(nothing, StepConfig())),
    "condition of a strategy alone": ("config", lambda c: c.wait_for_condition(nothing, nothing)),
    "condition of no strategy": (
        "wait_strategy",
        lambda c: c.wait_for_condition(nothing, looks(wait_strategy=WaitStrategyConfig(nothing))),
    ),
    "condition serdes": ("serdes", lambda c: c.wait_for_condition(nothing, looks(serdes=JsonSerDes))),
    "condition name": ("name", lambda c: c.wait_for_condition(nothing, looks(), 7)),
    "condition name too long": ("name", lambda c: c.wait_for_condition(nothing, looks(), "x" * 257)),
}

DEFERRED = {
    f"deferred {name}": (argument, lambda c, call=call: call(c.deferred))
    for name, (argument, call) in WRONG.items()
    if not name.startswith("callback ")  # which is a future in any case
}
"""The same for operations that are begun while the code goes on."""
