"""The library with other code in it: what can be another, and that all is as before afterwards."""

import contextlib
from pathlib import Path

import pytest

from durably.actors import checkpoint, operation, termination
from durably.actors.checkpoint import CheckpointActor
from durably.actors.messages import Close, Quiet
from durably.actors.recorded import wire_size
from durably.actors.termination import TerminationActor, TerminationState
from tests.simulation import mutants
from tests.simulation.mutants import hunt_mutant
from tests.simulation.mutation import ROOT, mutated, patched, patched_sources

MODULE = "durably.actors.termination"
SOURCE = (ROOT / "actors/durably/actors/termination.py").read_text()


def changed(old: str, new: str) -> dict[str, str]:
    """The module's source with one place changed."""
    assert SOURCE.count(old) == 1
    return {MODULE: SOURCE.replace(old, new)}


def written(folder: Path, text: str) -> Path:
    """A patch of this text."""
    path = folder / "some.patch"
    path.write_text(text)
    return path


def everything() -> dict[str, object]:
    """What the modules that patches touch are made of: code, constants, tables."""
    found: dict[str, object] = {}
    for module in (checkpoint, termination, operation):
        for name, value in vars(module).items():
            found[f"{module.__name__}.{name}"] = getattr(value, "__code__", value)
            if isinstance(value, type) and value.__module__ == module.__name__:
                for key, each in vars(value).items():
                    if not key.startswith("__"):
                        each = dict(each) if isinstance(each, dict) else getattr(each, "__code__", each)
                        found[f"{module.__name__}.{name}.{key}"] = each
    return found


class TestInPlace:
    def test_whoever_holds_a_function_has_the_other_code(self):
        """A bound method, a class and a table of handlers all have it, until the end."""
        held, before = TerminationActor.HANDLERS[Quiet], TerminationActor._quiet.__code__
        with mutated(changed("        if self.state is TerminationState.ENDED or not", "        if not")):
            assert held is TerminationActor.HANDLERS[Quiet]
            assert held.__code__ is not before
        assert held.__code__ is before

    def test_constants_are_others(self):
        """Of a module; a class has its own."""
        with mutated(changed("DEFAULT_COOLDOWN = 0.05", "DEFAULT_COOLDOWN = 5.0")):
            assert termination.DEFAULT_COOLDOWN == 5.0
        assert termination.DEFAULT_COOLDOWN == 0.05

    def test_tables_have_other_rows(self):
        """One that leads elsewhere leads to the method that is there; one that is left out is gone."""
        with mutated(
            changed("        Quiet: _quiet,\n", "        Quiet: _deadline_near,\n        Close: _quiet,\n")
        ):
            assert TerminationActor.HANDLERS[Quiet] is TerminationActor._deadline_near
            assert TerminationActor.HANDLERS[Close] is TerminationActor._quiet
        assert Close not in TerminationActor.HANDLERS

    def test_methods_and_imports_may_be_new(self):
        """A new method is at home in the module; what it imports is there for it."""
        new = "    def size(self):\n        return wire_size, TerminationState\n\n    def _known("
        source = changed("    def _known(", new)[MODULE]
        source = source.replace(
            "import enum\n", "import enum\nfrom durably.actors.recorded import wire_size\n"
        )
        with mutated({MODULE: source}):
            assert TerminationActor.size(None) == (wire_size, TerminationState)
        assert not hasattr(TerminationActor, "size")
        assert not hasattr(termination, "wire_size")

    def test_what_it_leaves_behind_is_removed(self):
        """State that the other code has put on a class does not outlive it."""
        with mutated({}), mutated({MODULE: SOURCE}):
            TerminationActor.shared = 1
        assert not hasattr(TerminationActor, "shared")

    def test_a_failure_inside_changes_nothing_of_that(self):
        """All is as before, whatever is raised."""
        before = everything()
        with contextlib.suppress(RuntimeError), patched(mutants.patch_of("no-stillness-recheck")):
            assert everything() != before
            raise RuntimeError
        assert everything() == before


class TestAPatch:
    @pytest.mark.parametrize("name", ["resumed-before-settled", "told-before-merged", "finish-beats-failed"])
    def test_is_undone(self, name):
        """New methods, constants, imports and tables among them, nothing of it is left."""
        before = everything()
        with patched(mutants.patch_of(name)):
            assert everything() != before
        assert everything() == before

    def test_may_share_something_for_the_process(self):
        """What its code has put on a class while it ran is gone with it."""
        before = everything()
        assert hunt_mutant("one-token-for-the-process", "pct", 5) is not None
        assert everything() == before

    def test_that_does_not_apply_says_so(self, tmp_path):
        """It names itself."""
        text = mutants.patch_of("no-ticket").read_text().replace("TaskState.PARKED", "TaskState.STOPPED")
        with pytest.raises(AssertionError, match=r"some\.patch does not apply any more"):
            patched_sources(written(tmp_path, text))

    def test_that_touches_nothing_says_so(self, tmp_path):
        """A header alone is no patch."""
        with pytest.raises(AssertionError, match=r"some\.patch touches no file"):
            patched_sources(written(tmp_path, "Nothing.\n"))

    def test_touches_nothing_on_disk(self):
        """The library's files are read only."""
        before = (ROOT / "actors/durably/actors/checkpoint.py").read_text()
        code = CheckpointActor._call_done.__code__
        with patched(mutants.patch_of("told-before-merged")):
            assert CheckpointActor._call_done.__code__ is not code
            assert (ROOT / "actors/durably/actors/checkpoint.py").read_text() == before
