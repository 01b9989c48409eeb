"""The pages do what they say.

A page marks its blocks by what follows the language:

    ```python run               the block is run; a ```text block that follows it is what it prints
    ```python examples/x.py     the block is a part of that file, word for word
    ```console                  a line `$ durably run examples/x.py` is followed by the result of its handler
"""

import contextlib
import io
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.examples.running import run_example

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$(?:\n\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    place: str
    language: str
    mark: str
    text: str
    printed: str | None


def blocks(*, language: str) -> list[Block]:
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(f"{page.relative_to(ROOT)}:{line}", found[1], found[2], found[3], found[4])


PYTHON = blocks(language="python")
COMMANDS = [
    (block.place, command, output)
    for block in blocks(language="console")
    for command, output in re.findall(r"^\$ (durably run examples/.*)\n(.*)", block.text, re.MULTILINE)
]


def place(block: Block) -> str:
    return block.place


@pytest.mark.parametrize("block", [block for block in PYTHON if block.mark == "run"], ids=place)
def test_a_block_that_is_marked_runs(block: Block):
    """It raises nothing, and prints what the page says."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.text, block.place, "exec"), {"__name__": "page"})
    assert printed.getvalue() == (block.printed or "")


@pytest.mark.parametrize("block", [block for block in PYTHON if "/" in block.mark], ids=place)
def test_a_block_that_names_an_example_shows_it(block: Block):
    """What the page shows stands in the file that it names."""
    assert block.text in (ROOT / block.mark).read_text()


@pytest.mark.parametrize("block", [block for block in PYTHON if "/" not in block.mark], ids=place)
def test_a_block_is_python(block: Block):
    """A block that is only to be read compiles all the same."""
    compile(block.text, block.place, "exec")


@pytest.mark.parametrize(("where", "command", "output"), COMMANDS, ids=[where for where, *_ in COMMANDS])
def test_a_command_has_the_result_that_the_page_shows(where: str, command: str, output: str):
    """The result of `durably run`, on a service that skips its waits."""
    _, _, file, *options = shlex.split(command)
    event = json.loads(options[1]) if options else None
    assert run_example(ROOT / file, event).result(0) == json.loads(output), where


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_to_a_heading_that_exists(page: Path):
    """What stands behind the `#` of a link is a heading of the page it leads to."""
    for target, heading in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", page.read_text()):
        if "://" not in target:
            assert heading in headings((page.parent / target) if target else page), (target, heading)


def headings(page: Path) -> set[str]:
    """The headings of a page as GitHub links to them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
