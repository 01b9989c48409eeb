"""Reads the example out of README.md: its file, and the commands that run it."""

import re
from typing import NamedTuple


class Example(NamedTuple):
    """The example's file name (the comment on its first line), its code, and its commands.

    A command comes with what the README says that it prints.
    """

    file: str
    code: str
    commands: list[tuple[str, str]]


def read_example(text: str) -> Example:
    """Find the first Python block, and the console blocks whose commands name its file."""
    code = re.search(r"^```python\n(# (\S+\.py)\n.*?)^```$", text, re.DOTALL | re.MULTILINE)
    if code is None:
        raise ValueError("README.md has no Python block whose first line is a comment with its file name")
    file, commands = code[2], []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE):
            if file in command:
                commands.append((command, output))
    if not commands:
        raise ValueError(f"README.md has no console block with a command that runs {file}")
    return Example(file, code[1], commands)
