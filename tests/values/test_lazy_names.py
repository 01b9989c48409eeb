"""The names of `durably.workflows`, which are loaded when they are first used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import durably.workflows as package


def test_every_public_name_is_there():
    """What is announced can be had, and comes from the module that the table says."""
    assert set(package._HOME) == set(package.__all__) - {"__version__"}
    for name in package.__all__:
        assert getattr(package, name) is not None


def test_type_checkers_are_told_of_the_same_names():
    """The stub takes each from the module that the table says, and has no others."""
    stub = ast.parse(Path(package.__file__).with_suffix(".pyi").read_text())
    told = {
        alias.asname: each.module.removeprefix("durably.workflows.")
        for each in stub.body
        if isinstance(each, ast.ImportFrom) and each.module
        for alias in each.names
    }
    assert told == package._HOME


def test_a_module_of_the_package_is_an_attribute():
    """`durably.workflows.config` needs no import of its own."""
    assert package.config.Duration is package.Duration


def test_a_name_that_does_not_exist_is_an_attribute_error():
    """As of any module."""
    with pytest.raises(AttributeError, match=r"'durably\.workflows' has no attribute 'nonsense'"):
        _ = package.nonsense


def test_importing_the_exceptions_does_not_import_the_rest():
    """A module that only catches errors does not pay for the actors."""
    code = "import sys, durably.workflows.exceptions; print('durably.actors' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
