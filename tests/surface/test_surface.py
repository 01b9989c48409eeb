"""Change one import: every public name of AWS's SDK is here, at the same path, with the same arguments."""

import importlib
import inspect

import aws_durable_execution_sdk_python as official
import pytest

import durably.workflows as ours
from tests.surface.compare import MISSING, OFFICIAL, OURS, differences, find
from tests.surface.differences import DIFFERENCES, is_listed, listed
from tests.surface.names import INTERNAL, PUBLIC, SHADOWED, public

THERE = [pair for pair in public() if find(OURS, *pair) is not MISSING]


@pytest.mark.parametrize(("module", "name"), public(), ids=map(".".join, public()))
def test_a_public_name_is_what_it_is_there(module: str, name: str):
    """Presence, arguments, defaults, members, fields, methods, base classes: all but what is listed."""
    assert [each for each in differences(module, name) if not is_listed(each)] == []


def test_what_is_listed_as_different_differs():
    """A difference that is gone must be taken off the list."""
    found = [each for module, name in public() for each in differences(module, name)]
    assert [key for key in DIFFERENCES if not any(listed(each, key) for each in found)] == []


@pytest.mark.parametrize("name", official.__all__)
def test_what_the_root_exports_is_exported_by_ours(name: str):
    """And it is the same thing that stands below the root."""
    assert name in ours.__all__
    homes = [module for module, names in PUBLIC.items() if name in names.split()]
    assert name == "__version__" or any(getattr(ours, name) is find(OURS, home, name) for home in homes)


@pytest.mark.parametrize(("module", "name"), THERE, ids=map(".".join, THERE))
def test_every_public_name_can_be_imported_from_the_root(module: str, name: str):
    """A name that stands for two things there is the one that is listed."""
    assert name in ours.__all__
    assert getattr(ours, name) is find(OURS, SHADOWED.get((module, name), module), name)


@pytest.mark.parametrize("module", PUBLIC)
def test_every_name_of_a_module_is_either_public_or_of_its_own_use(module: str):
    """So that a new version of AWS's SDK cannot bring one unseen."""
    there = importlib.import_module(f"{OFFICIAL}.{module}")
    defined = {
        name
        for name, value in vars(there).items()
        if not name.startswith("_") and not inspect.ismodule(value)
        if getattr(value, "__module__", None) == there.__name__
    }
    known = {*PUBLIC[module].split(), *INTERNAL.get(module, "").split()}
    assert defined - known == set()
    assert {name for name in known if not hasattr(there, name)} == set()
