"""The page about errors tells of every class, where it stands, and what becomes of the execution."""

import inspect
import re
from pathlib import Path

import pytest

from durably.workflows import exceptions
from durably.workflows.concurrency.models import BatchCompletionError
from durably.workflows.exceptions import TerminationReason
from tests.workflows.running import Run

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
TREE = re.search(r"```text\n(Exception\n.*?)```", PAGE, re.DOTALL)
CLASSES = {
    name: cls
    for name, cls in {**vars(exceptions), "BatchCompletionError": BatchCompletionError}.items()
    if inspect.isclass(cls) and issubclass(cls, BaseException) and not name.startswith("_")
}


def parents_on_the_page() -> dict[str, str]:
    """Every class of the tree, with the one that it is indented below."""
    assert TREE
    parents, path = {}, []
    for line in TREE[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        path[depth:] = [line.strip()]
        if depth:
            parents[line.strip()] = path[depth - 1]
    return parents


def parent(cls: type) -> str:
    """The nearest base with a public name."""
    return next(base.__name__ for base in cls.__mro__[1:] if not base.__name__.startswith("_"))


def made(cls: type[BaseException]) -> BaseException:
    """An instance with a message, and whatever else it must have."""
    more = {
        "UnrecoverableError": (TerminationReason.UNHANDLED_ERROR,),
        "BackgroundThreadError": (ValueError(),),
        "OrphanedChildException": ("id",),
        "TimedSuspendExecution": (0.0,),
    }
    if cls is BatchCompletionError:
        return BatchCompletionError(message="m")
    return cls("m", *more.get(cls.__name__, ()))


def test_the_tree_is_that_of_the_classes():
    """Every public class is in it, below its base."""
    assert parents_on_the_page() == {name: parent(cls) for name, cls in CLASSES.items()}


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_is_told_of_beside_the_tree(name: str):
    """When it is raised, or that it never is."""
    assert TREE
    assert f"`{name}`" in PAGE.replace(TREE[0], "")


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if issubclass(cls, Exception)])
def test_what_becomes_of_the_execution_is_as_the_page_says(name: str):
    """An error that leaves the handler fails the execution, unless the page says that it is invoked again."""
    row = re.search(r"^\| it is invoked again \|(.*)\|$", PAGE, re.MULTILINE)
    assert row
    again = set(re.findall(r"`(\w+)`", row[1]))
    error = made(CLASSES[name])

    def handler(event, context):
        raise error

    run = Run(handler)
    if name in again:
        with pytest.raises(CLASSES[name]):
            run.invoke()
    else:
        assert run.invoke()["Status"] == "FAILED"


@pytest.mark.parametrize("name", [name for name, cls in CLASSES.items() if not issubclass(cls, Exception)])
def test_what_is_not_to_be_caught_is_no_exception(name: str):
    """Nobody's `except Exception` stops a suspension."""
    assert not isinstance(made(CLASSES[name]), Exception)
