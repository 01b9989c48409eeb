"""A plugin of pytest that lets other tests run with a mutant: `pytest -p tests.simulation.mechanical.plugin`.

The environment variable `DURABLY_MUTANT` names it.
"""

import contextlib
import os

from tests.simulation.mechanical.mutants import mutants
from tests.simulation.mutation import mutated

_undo = contextlib.ExitStack()


def pytest_configure() -> None:
    """Before tests are collected."""
    mutant = mutants()[os.environ["DURABLY_MUTANT"]]
    _undo.enter_context(mutated({mutant.module: mutant.source()}))


def pytest_unconfigure() -> None:
    """All is as it was."""
    _undo.close()
