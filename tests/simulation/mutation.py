"""The library with other code in it, for as long as a test looks at it.

`mutated({module: source})` lets the functions of a module run another source: their code objects are
replaced in place, so that whoever holds a function, a class or a table of handlers has the mutated one, and
it does not matter who has imported what. Nothing on disk is touched. `patched(file)` takes the sources from
a patch.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PLAIN = (int, float, str, bytes, tuple, frozenset, type(None))
TABLES = ("HANDLERS", "TRANSITIONS")

Undo = Callable[[], object]


@contextlib.contextmanager
def mutated(sources: Mapping[str, str]) -> Iterator[None]:
    """The modules of these names run these sources.

    A function keeps its defaults, and a class its bases and fields; what else may differ are the code of
    functions and methods, new ones, imports, plain constants of the module or of a class, and the tables of
    handlers.

    Raises:
        ValueError: a function closes over more or fewer variables than before.
    """
    with contextlib.ExitStack() as undo:
        for name, source in sources.items():
            module = import_module(name)
            other = types.ModuleType(name)
            other.__file__ = module.__file__
            # Classes that are made meanwhile look their module up.
            sys.modules[name] = other
            try:
                exec(compile(source, str(module.__file__), "exec"), vars(other))
            finally:
                sys.modules[name] = module
            for owner in (module, *_classes(module)):
                undo.callback(_forget_others, owner, set(vars(owner)))
            for each in _replace(module, other):
                undo.callback(each)
        yield


@contextlib.contextmanager
def patched(patch: Path) -> Iterator[None]:
    """The library with a patch applied, as `git diff` writes it from the project's root."""
    with mutated(patched_sources(patch)):
        yield


def patched_sources(patch: Path) -> dict[str, str]:
    """What a patch makes of the modules that it touches, by their names.

    Raises:
        AssertionError: it does not apply; it is to be made anew.
    """
    lines = patch.read_text().splitlines()
    files = [line.removeprefix("+++ b/") for line in lines if line.startswith("+++ b/")]
    assert files, f"{patch.name} touches no file"
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            (Path(folder) / file).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / file).write_text((ROOT / file).read_text())
        done = subprocess.run(
            ["git", "apply", "--recount", "-C1", str(patch.resolve())],
            cwd=folder,
            env={**os.environ, "GIT_DIR": folder},  # no repository around is asked
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{patch.name} does not apply any more: {done.stderr}"
        return {_module_of(file): (Path(folder) / file).read_text() for file in files}


def _module_of(file: str) -> str:
    """`durably.actors.hub` for `actors/durably/actors/hub.py`."""
    return ".".join(Path(file).with_suffix("").parts[1:])


def _replace(owner: Any, other: Any) -> Iterator[Undo]:
    """What is different in `other`, a module or a class, is put into `owner`; how each change is undone."""
    functions = {id(theirs): mine for mine, theirs in _functions(owner, other)}
    for mine, theirs in _functions(owner, other):
        if mine.__code__ != theirs.__code__:
            yield _put_code(mine, theirs.__code__)
    for name, theirs in list(vars(other).items()):
        mine = vars(owner).get(name, _replace)
        if isinstance(theirs, type) and isinstance(mine, type) and theirs.__module__ == other.__name__:
            yield from _replace_in_class(mine, theirs, functions)
        elif isinstance(theirs, PLAIN) and not name.startswith("__") and mine != theirs:
            yield _put(owner, name, theirs)
        elif mine is _replace and getattr(theirs, "__module__", "") != other.__name__:
            yield _put(owner, name, theirs)  # an import
        elif mine is _replace and isinstance(theirs, types.FunctionType):
            yield _put(owner, name, _moved(theirs, vars(owner)))


def _replace_in_class(mine: type, theirs: type, functions: dict[int, types.FunctionType]) -> Iterator[Undo]:
    scope = vars(sys.modules[mine.__module__])
    for name, their in list(vars(theirs).items()):
        my = vars(mine).get(name, _replace)
        if isinstance(their, types.FunctionType) and my is _replace:
            moved = _moved(their, scope)
            functions[id(their)] = moved
            yield _put(mine, name, moved)
        elif isinstance(their, PLAIN) and not name.startswith("__") and my != their:
            yield _put(mine, name, their)
    for name in TABLES:
        if name in vars(theirs):
            table = getattr(mine, name)
            yield _put_table(
                table, {key: _translated(to, functions) for key, to in getattr(theirs, name).items()}
            )


def _translated(cell: Any, functions: dict[int, types.FunctionType]) -> Any:
    """A handler, or a row of handlers, in terms of the functions that are there."""
    if isinstance(cell, dict):
        return {key: _translated(each, functions) for key, each in cell.items()}
    return functions.get(id(cell), cell)


def _functions(owner: Any, other: Any) -> Iterator[tuple[types.FunctionType, types.FunctionType]]:
    """Pairs of functions of the same name, those in classes included."""
    for name, theirs in vars(other).items():
        mine = vars(owner).get(name)
        if isinstance(theirs, type) and isinstance(mine, type):
            if theirs.__module__ == getattr(other, "__name__", "") or isinstance(other, type):
                yield from _functions(mine, theirs)
        else:
            my_code, their_code = _plain(mine), _plain(theirs)
            if my_code is not None and their_code is not None and my_code.__module__ == _home(owner):
                yield my_code, their_code


def _classes(module: types.ModuleType) -> list[type]:
    """Those that are made in it."""
    return [
        each
        for each in vars(module).values()
        if isinstance(each, type) and each.__module__ == module.__name__
    ]


def _forget_others(owner: Any, known: set[str]) -> None:
    """What the other source has put there while it ran."""
    for name in set(vars(owner)) - known:
        delattr(owner, name)


def _home(owner: Any) -> str:
    return owner.__module__ if isinstance(owner, type) else owner.__name__


def _plain(value: Any) -> types.FunctionType | None:
    """The function in a method, property, class method or static method."""
    if isinstance(value, property):
        value = value.fget
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    return value if isinstance(value, types.FunctionType) else None


def _moved(function: types.FunctionType, scope: dict[str, Any]) -> types.FunctionType:
    """A new function, at home in the module that it is put into."""
    made = types.FunctionType(
        function.__code__, scope, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


def _put_code(function: types.FunctionType, code: types.CodeType) -> Undo:
    before = function.__code__
    function.__code__ = code
    return lambda: setattr(function, "__code__", before)


def _put(owner: Any, name: str, value: object) -> Undo:
    before = vars(owner).get(name, _replace)
    setattr(owner, name, value)
    if before is _replace:
        return lambda: delattr(owner, name)
    return lambda: setattr(owner, name, before)


def _put_table(table: dict[Any, Any], other: dict[Any, Any]) -> Undo:
    before = {key: dict(row) if isinstance(row, dict) else row for key, row in table.items()}

    def fill(rows: dict[Any, Any]) -> None:
        table.clear()
        table.update(rows)

    fill(other)
    return lambda: fill(before)
