"""Build the wheel, look into it, and run the README's example from it in an empty environment.

    python -m tests.house.check_wheel

A test suite that runs on an editable installation says nothing about what users get. So this takes
the way of a user: a virtual environment with nothing but the wheel, an empty folder with the first
Python block of README.md, and the commands of the console block that runs it, to the letter. A line after
a command is its standard output, as JSON.

The commands run as soon as `pyproject.toml` declares the command `durably`.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

from tests.house.readme import Example, read_example

ROOT = Path(__file__).parents[2]
PACKAGES = ("durably/actors/", "durably/workflows/")
IMPORTS = """
import durably.actors, durably.workflows, sys
assert not hasattr(durably, "__file__") or durably.__file__ is None, "durably must stay a namespace package"
heavy = {"boto3", "cattrs", "click", "rich"} & set(sys.modules)
assert not heavy, f"import durably.workflows must not load {sorted(heavy)}"
"""


def build(folder: Path) -> Path:
    """Build the wheel into the folder, and return its path."""
    run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


KINDS = (".py", ".pyi", "/py.typed", ".css", ".js")
"""How the names of files end that belong into a package."""


def surprises(names: list[str]) -> list[str]:
    """What the wheel lacks, and what it holds although nobody expects it there."""
    needed = [package + name for package in PACKAGES for name in ("py.typed", "__init__.py")]
    found = [f"{name} is missing" for name in needed if name not in names]
    for name in names:
        if name == "durably/__init__.py":
            found.append(f"{name} would end the namespace package")
        elif ".dist-info/" in name:
            continue
        elif "__pycache__" in name or not (name.startswith(PACKAGES) and name.endswith(KINDS)):
            found.append(f"{name} does not belong there")
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        found.append("the LICENSE is missing")
    return found


def run(command: list[str] | str, cwd: Path, path: Path | None = None) -> str:
    """Run a command (a string: by the shell) and return its standard output.

    With a folder to be first in PATH, the home is that of nobody: what is stored there goes with it.
    """
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    if path is not None:
        environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
        environment["HOME"] = str(cwd)
    shell = isinstance(command, str)
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment,
        shell=shell,
        stdout=subprocess.PIPE,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{command}\nended with exit code {done.returncode}\n{done.stdout}")
    return done.stdout


def run_example(example: Example, scripts: Path, folder: Path) -> None:
    """Write the example's file into the folder, and run its commands there as a reader would."""
    (folder / example.file).write_text(example.code)
    for command, expected in example.commands:
        output = run(command, cwd=folder, path=scripts)
        if json.loads(output) != json.loads(expected):
            sys.exit(f"README.md: {command}\nprinted  {output}\nREADME.md says {expected}")
        print(f"README.md: {command}: ok")


def main() -> None:
    """Do all of it; a failure ends the process with a message."""
    example = read_example((ROOT / "README.md").read_text())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        wheel = build(folder)
        found = surprises(zipfile.ZipFile(wheel).namelist())
        if found:
            sys.exit("The wheel: " + "; ".join(found))
        venv.create(folder / "venv", with_pip=True)
        scripts = folder / "venv" / "bin"
        run([str(scripts / "python"), "-m", "pip", "install", "--quiet", f"{wheel}[local]"], cwd=folder)
        empty = folder / "empty"
        empty.mkdir()
        run([str(scripts / "python"), "-c", IMPORTS], cwd=empty)
        print(f"{wheel.name}: installs, imports, holds what it should")
        if "durably" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"].get("scripts", {}):
            run_example(example, scripts, empty)
        else:
            print("README.md: not run, since the command durably is not declared in pyproject.toml yet")


if __name__ == "__main__":
    main()
