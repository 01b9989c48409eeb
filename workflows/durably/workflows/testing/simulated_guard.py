"""The guard: it names workflow code that asks the clock, chance or the system, which no replay repeats.

Workflow code runs again in every invocation, and must come to the same. So it must not read what differs from
run to run, but in the body of a step, whose result is recorded. The interpreter tells of every call that
workflow code makes (its profile hook), so nothing is replaced, and it does not matter under which name a
function was imported. What the library, the standard library and installed packages do for themselves (a
log record's time) is not looked at.
"""

import concurrent.futures
import concurrent.futures.thread
import datetime as dt
import os
import random
import sys
import sysconfig
import threading
import time
import uuid
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

from durably.actors.task import current_task

_CLOCKS: tuple[Callable[..., object], ...] = (
    time.time,
    time.time_ns,
    time.monotonic,
    time.monotonic_ns,
    time.perf_counter,
    time.perf_counter_ns,
    time.process_time,
    time.localtime,
    time.gmtime,
)
_FUNCTIONS: dict[object, str] = {clock: f"time.{clock.__name__}()" for clock in _CLOCKS}
_FUNCTIONS[os.urandom] = "os.urandom()"
if hasattr(os, "getrandom"):
    _FUNCTIONS[os.getrandom] = "os.getrandom()"

_CODES: dict[CodeType, str] = {
    uuid.uuid1.__code__: "uuid.uuid1()",
    uuid.uuid4.__code__: "uuid.uuid4()",
    threading.Thread.start.__code__: "threading.Thread.start()",
    concurrent.futures.ThreadPoolExecutor.submit.__code__: "ThreadPoolExecutor.submit()",
}
_NOTED = (random.__file__, uuid.__file__, concurrent.futures.thread.__file__)
_STDLIB = sysconfig.get_path("stdlib")
_ON_BEHALF = tuple(f"{_STDLIB}{os.sep}{name}.py" for name in ("secrets", "threading", "datetime"))
"""Modules that ask on behalf of whoever calls them."""
_CHANCE = random.__file__
_GENERATOR = getattr(random, "_inst")  # noqa: B009  # what random's functions are methods of
_PLACES = tuple(
    os.path.normcase(sysconfig.get_path(name)) + os.sep
    for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
_CURES = "Do it in a step, whose result is recorded, or take it from the input."


class Guard:
    """Notes what workflow code does that a replay would do otherwise."""

    def __init__(self) -> None:
        self.findings: dict[str, None] = {}
        self._inner: dict[str, bool] = {}

    def __str__(self) -> str:
        return f"{'; '.join(self.findings)}. {_CURES}"

    def watching(self, perform: Callable[[], None]) -> None:
        """Do something that lets workflow code go on, and look at what it does."""
        before = sys.getprofile()
        sys.setprofile(self._called)
        try:
            perform()
        finally:
            sys.setprofile(before)

    def _called(self, frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            what = _CODES.get(code)
            if what is None:
                if code.co_filename != _CHANCE or frame.f_locals.get("self") is not _GENERATOR:
                    return
                what = f"random.{code.co_name}()"
            caller = frame.f_back
        elif event == "c_call":
            what = _builtin(argument)
            if what is None:
                return
            caller = frame
        else:
            return
        self._note(what, caller)

    def _note(self, what: str, caller: FrameType | None) -> None:
        if caller is not None and caller.f_code.co_filename in _NOTED:
            return  # on behalf of a function that is noted itself
        while caller is not None and caller.f_code.co_filename in _ON_BEHALF:
            caller = caller.f_back
        if caller is None or not self._is_users(caller):
            return
        task = current_task()
        if task is not None:
            place = f"{caller.f_code.co_filename}:{caller.f_lineno} in {caller.f_code.co_name}"
            self.findings.setdefault(f"{task.name} calls {what} at {place}")

    def _is_users(self, frame: FrameType) -> bool:
        file = frame.f_code.co_filename
        users = self._inner.get(file)
        if users is None:
            is_ours = str(frame.f_globals.get("__name__", "")).startswith("durably.")
            users = not is_ours and not os.path.normcase(file).startswith((*_PLACES, "<frozen"))
            self._inner[file] = users
        return users


def _builtin(function: Any) -> str | None:
    """What to call a builtin function that must not be called, or None."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", "")
    if isinstance(owner, type):
        if issubclass(owner, dt.datetime | dt.date) and name in ("now", "utcnow", "today"):
            return f"{owner.__name__}.{name}()"
        return None
    if owner is _GENERATOR:
        return f"random.{name}()"
    try:
        return _FUNCTIONS.get(function)
    except TypeError:  # a method of something that cannot be hashed
        return None
