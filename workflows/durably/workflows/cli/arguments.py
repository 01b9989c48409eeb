"""What the user wrote on the command line, as what it means; or a `click.UsageError` (exit code 2)."""

import inspect
import json
import math
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import click

from durably.workflows.local.code import Handler, load_module

DEFAULT_HANDLER = "handler"


def split_target(text: str) -> tuple[Path, str | None]:
    """FILE[:HANDLER] as a file that exists and a name."""
    file, colon, name = text.rpartition(":")
    path, handler = (Path(file), name) if colon and not Path(text).is_file() else (Path(text), None)
    if path.is_dir():
        raise click.UsageError(f"{path} is a folder; name a Python file with a durable handler.")
    if not path.is_file():
        raise click.UsageError(f"There is no file {path}.")
    return path, handler


def load(path: Path, name: str | None) -> tuple[Handler, dict[str, Handler]]:
    """The handler `name` of a file, its only one, or the one called `handler`; and all handlers by name.

    Raises:
        HandlerNotFoundError: the file cannot be imported.
    """
    try:
        source = path.read_bytes()
    except OSError as error:
        raise click.UsageError(f"Cannot read {path}: {error.strerror}.") from error
    handlers = handlers_of(load_module(path.resolve(), source))
    names = ", ".join(handlers)
    if name is not None:
        if name in handlers:
            return handlers[name], handlers
        known = f"It has {names}." if handlers else "It has none: decorate one with @durable_execution."
        raise click.UsageError(f"{path} has no durable handler {name!r}. {known}")
    if not handlers:
        raise click.UsageError(f"{path} has no durable handler: decorate a function with @durable_execution.")
    if len(handlers) > 1 and DEFAULT_HANDLER not in handlers:
        raise click.UsageError(
            f"{path} has {len(handlers)} durable handlers: {names}. Name one: {path}:{next(iter(handlers))}"
        )
    return handlers.get(DEFAULT_HANDLER) or next(iter(handlers.values())), handlers


def handlers_of(module: ModuleType) -> dict[str, Handler]:
    """The durable handlers of a module by name: those defined in it; if there are none, those imported."""
    found: dict[str, Handler] = {}
    for name, value in vars(module).items():
        if callable(value) and hasattr(value, "_durable_function") and value not in found.values():
            found[name] = value
    own = {
        name: value
        for name, value in found.items()
        if getattr(inspect.unwrap(value), "__module__", None) == module.__name__
    }
    return own or found


def read_input(text: str | None) -> Any:
    """The value of --input: JSON, @FILE with JSON in it, or - for standard input. None stands for null."""
    if text is None:
        return None
    if text == "-":
        return _read_stdin()
    if not text.startswith("@"):
        return _parse(text, "--input")
    path = Path(text[1:])
    try:
        return _parse(path.read_text(encoding="utf-8-sig"), str(path))
    except OSError as error:
        raise click.UsageError(f"Cannot read the input {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"The input {path} is not UTF-8 text: {error}.") from error


def _read_stdin() -> Any:
    try:
        return _parse(sys.stdin.buffer.read().decode("utf-8-sig"), "standard input")
    except OSError as error:
        raise click.UsageError(f"Cannot read standard input: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"Standard input is not UTF-8 text: {error}.") from error


def _parse(text: str, origin: str) -> Any:
    if not text.strip():
        raise click.UsageError(f"Invalid JSON in {origin}: it is empty. Without --input the input is null.")
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_parse_float)
    except json.JSONDecodeError as error:
        line = (text.splitlines() or [""])[min(error.lineno, text.count("\n") + 1) - 1 :][:1]
        start = max(0, error.colno - 40)
        shown = line[0][start : start + 78] if line else ""
        mark = " " * (error.colno - 1 - start) + "^"
        raise click.UsageError(
            f"Invalid JSON in {origin}: {error.msg} at line {error.lineno}, column {error.colno}.\n"
            f"  {shown}\n  {mark}"
        ) from error
    except ValueError as error:
        raise click.UsageError(f"Invalid JSON in {origin}: {error}") from error
    except RecursionError as error:
        raise click.UsageError(f"Invalid JSON in {origin}: it is nested too deeply.") from error


def _parse_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is beyond the range of a float.")
    return number


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON value.")
