"""The rules of the house that no linter knows."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.check_wheel import surprises
from tests.house.readme import read_example

ROOT = Path(__file__).parents[2]
LIBRARY = sorted(p for top in ("actors", "workflows") for p in (ROOT / top / "durably").rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("test_*.py"))
LONGEST = 400  # "some 300": a file that is longer holds more than one concept


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_durably_is_a_namespace_package():
    """Neither half of the library claims the name `durably` for itself."""
    assert not [p for top in ("actors", "workflows") for p in (ROOT / top / "durably").glob("*.py")]


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_a_file_opens_with_what_lives_in_it_and_ends_before_it_is_long(path: Path):
    """A file of the library has a docstring, and not many more than 300 lines."""
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), "open it with what lives here, and why it is so"
    assert text.count("\n") <= LONGEST, "one concept a file: split it"


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_a_test_says_in_one_sentence_what_it_states(path: Path):
    """Every test has a docstring."""
    silent = [f.name for f in functions(path) if f.name.startswith("test_") and not ast.get_docstring(f)]
    assert not silent


@pytest.mark.parametrize("path", TESTS, ids=relative)
def test_a_test_never_sleeps(path: Path):
    """A test waits for events, never for time to pass."""
    sleeps = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("time.sleep", "sleep")
    ]
    assert not sleeps, f"lines {sleeps}"


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_the_library_neither_pickles_nor_evaluates(path: Path):
    """What comes from a service or a file is data, and is never run."""
    tree = ast.parse(path.read_text())
    imported = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
    assert not imported & {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
    assert not called & {"eval", "exec"}


@pytest.mark.parametrize("path", LIBRARY, ids=relative)
def test_an_exception_from_the_type_checker_carries_its_reason(path: Path):
    """`type: ignore` and `pyright: ignore` name the rule, and say why."""
    bare = [
        number
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for marker in ("# type: ignore", "# pyright: ignore")
        if marker in line and not line.partition(marker)[2].partition("]")[2].strip(" #-:")
    ]
    assert not bare, f"lines {bare}"


def test_the_command_line_is_an_extra():
    """The core depends on five packages, and on click and rich only with the extra `local`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {requirement.partition(">")[0] for requirement in project["dependencies"]}
    assert names == {"attrs", "boto3", "cattrs", "greenlet", "pykka"}
    extra = {requirement.partition(">")[0] for requirement in project["optional-dependencies"]["local"]}
    assert extra == {"click", "rich"}


def test_the_continuous_integration_runs_make_test():
    """`.ci/run` does what everybody does before committing, and nothing else."""
    assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"


def test_the_readme_has_an_example_that_can_be_run():
    """The README's first Python block names its file, compiles, and is run by a command with its result."""
    example = read_example((ROOT / "README.md").read_text())
    compile(example.code, example.file, "exec")
    assert all(command.startswith("durably run") and output.strip() for command, output in example.commands)


def test_a_page_links_to_what_exists():
    """No link of a page leads nowhere."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert not [
        (page.name, target) for page in pages for target in links(page) if not (page.parent / target).exists()
    ]


GOOD = [
    *(f"durably/{half}/{name}" for half in ("actors", "workflows") for name in ("__init__.py", "py.typed")),
    "durably-0.1.0.dist-info/METADATA",
    "durably-0.1.0.dist-info/licenses/LICENSE",
]


def test_a_wheel_with_both_halves_is_no_surprise():
    """The two packages, each with its marker for type checkers, and the metadata: that is a wheel."""
    assert surprises(GOOD) == []


@pytest.mark.parametrize(
    "extra",
    [
        "tests/__init__.py",
        "durably/__init__.py",
        "durably/actors/__pycache__/x.pyc",
        "durably/actors/x.py.orig",
    ],
)
def test_a_wheel_with_something_else_is_a_surprise(extra: str):
    """Tests, caches, left-overs, or a file that would end the namespace package are found in a wheel."""
    assert len(surprises([*GOOD, extra])) == 1


@pytest.mark.parametrize("name", [name for name in GOOD if "METADATA" not in name])
def test_a_wheel_that_lacks_something_is_a_surprise(name: str):
    """A wheel without a package, a marker or the license is found."""
    assert len(surprises([other for other in GOOD if other != name])) == 1


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def links(page: Path) -> list[str]:
    """The local files that a page links to."""
    targets = [part.partition(")")[0].partition("#")[0] for part in page.read_text().split("](")[1:]]
    return [target for target in targets if target and "://" not in target]
