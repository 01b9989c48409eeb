"""Which code an execution runs: where its handler is defined, and the version it began with.

The file of a handler is stored with its executions under its hash, so that one that is recovered
replays with the code it began with, even if the file has changed since. Only that one file is
stored; what it imports is taken as it is.
"""

import hashlib
import importlib.abc
import importlib.util
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs

from durably.workflows.local.errors import HandlerNotFoundError

Handler = Callable[..., Any]
"""A durable handler, as `@durable_execution` makes it."""


@attrs.frozen(slots=True)
class HandlerCode:
    """Where a handler can be found again. All `None` if it cannot: a lambda, or a nested function."""

    file: str | None = None
    name: str | None = None
    hash: str | None = None
    source: bytes | None = None


def code_of(handler: Handler) -> HandlerCode:
    """Where `handler` was defined, with the source of that file as it is now."""
    function = inspect.unwrap(handler)
    name = _name_of(handler, function)
    file = inspect.getsourcefile(function) if inspect.isfunction(function) else None
    if "<" in name or file is None or not Path(file).is_file():
        return HandlerCode()
    loader = getattr(sys.modules.get(function.__module__), "__loader__", None)
    source = loader.get_data("") if isinstance(loader, _StoredSource) else Path(file).read_bytes()
    return HandlerCode(str(Path(file).resolve()), name, hash_of(source), source)


def _name_of(handler: Handler, function: Handler) -> str:
    """What a handler is called in its module: `handler = durable_execution(function)` gives it two names."""
    names: dict[str, Any] = getattr(sys.modules.get(function.__module__), "__dict__", {})
    own: str = getattr(function, "__qualname__", "<locals>")
    if names.get(own) is handler:
        return own
    return next((name for name, value in names.items() if value is handler), own)


def hash_of(source: bytes) -> str:
    """What a version of a file is known by."""
    return hashlib.sha256(source).hexdigest()


def load_handler(file: str | Path, name: str, source: bytes | None = None) -> Handler:
    """Import `file` and return what is called `name` in it.

    `source` is run instead of what the file holds now, under the file's own name, so that what it
    imports from beside it is found.

    Raises:
        HandlerNotFoundError: the file cannot be read or imported, or has no such name.
    """
    path = Path(file).resolve()
    try:
        code = path.read_bytes() if source is None else source
    except OSError as error:
        raise HandlerNotFoundError(f"Cannot read {path}: {error}") from error
    found: Any = load_module(path, code)
    try:
        for part in name.split("."):
            found = getattr(found, part)
    except AttributeError:
        raise HandlerNotFoundError(f"{path} has no handler {name!r}.") from None
    if not callable(found):
        raise HandlerNotFoundError(f"{name!r} in {path} is no function.")
    return found  # type: ignore[no-any-return]  # whatever the user's module has under that name


def load_module(path: Path, source: bytes) -> ModuleType:
    """Import `source` as the module at `path`, under a name that is its version's own.

    Raises:
        HandlerNotFoundError: it does not compile, or raises as it is imported.
    """
    name = f"{path.stem}_{hash_of(source)[:8]}"
    loaded = sys.modules.get(name)
    if loaded is not None and isinstance(loaded.__loader__, _StoredSource):
        return loaded
    spec = importlib.util.spec_from_loader(name, _StoredSource(path, source))
    if spec is None or spec.loader is None:
        raise HandlerNotFoundError(f"Cannot import {path}.")
    module = importlib.util.module_from_spec(spec)
    folder = str(path.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python FILE` does
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise HandlerNotFoundError(f"Cannot import {path}: {type(error).__name__}: {error}") from error
    return module


class _StoredSource(importlib.abc.SourceLoader):
    """Loads a module from source that is at hand, as though it stood in its file."""

    def __init__(self, path: Path, source: bytes) -> None:
        self._path = path
        self._source = source

    def get_filename(self, fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: bytes | str) -> bytes:
        return self._source
