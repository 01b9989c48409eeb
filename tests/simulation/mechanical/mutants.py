"""Mutants of the four actors, made mechanically: nobody chooses what is worth breaking.

Each is an edit of the source of one actor's file, found in its syntax tree:

    delete   a statement is deleted that sends something or changes what the actor knows
    swap     two statements of a block that both send something change places
    guard    the condition of an `if` always holds, or never; that of a `while` never
    drop     one operand of an `and` or `or` is dropped
    cell     a cell of a table of transitions ignores its message; if it does so anyway, there is no cell

Its name says what is edited in the words of the source, and not where, so that names survive edits elsewhere.
"""

import ast
import functools
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

ACTORS = ("checkpoint", "concurrency", "operation", "termination")
PACKAGE = "durably.actors"
LONGEST = 100
"""In characters of a statement in a name."""
CALLBACKS = ("_settle", "_begin", "observe")
"""What an actor is given and calls: that sends something as well."""

Edit = tuple[int, int, str]
"""From where to where in the source, and what stands there instead."""
Function = ast.FunctionDef


class Mutant(NamedTuple):
    """One edit of one file."""

    name: str
    module: str
    kind: str
    edits: tuple[Edit, ...]

    def source(self) -> str:
        """The source of the whole module with the edit."""
        return edited(source_of(self.module), self.edits)


def edited(source: str, edits: Sequence[Edit]) -> str:
    """The source with the edits, which do not overlap."""
    for start, end, text in sorted(edits, reverse=True):
        source = source[:start] + text + source[end:]
    return source


@functools.cache
def source_of(module: str) -> str:
    """As it is on disk."""
    return Path(str(import_module(module).__file__)).read_text()


@functools.cache
def mutants() -> dict[str, Mutant]:
    """All of them by name."""
    found = [mutant for actor in ACTORS for mutant in _of_module(actor)]
    names = Counter(mutant.name for mutant in found)
    seen = Counter[str]()
    told_apart: dict[str, Mutant] = {}
    for mutant in found:
        seen[mutant.name] += 1
        number = f" [{seen[mutant.name]}]" if names[mutant.name] > 1 else ""
        told_apart[mutant.name + number] = mutant._replace(name=mutant.name + number)
    return told_apart


def _of_module(actor: str) -> Iterator[Mutant]:
    module = f"{PACKAGE}.{actor}"
    source = source_of(module)
    assert source.isascii(), "columns are counted in bytes"
    tree = ast.parse(source)
    code = _Code(source, tree)
    for name, function in _functions(tree):
        if function.name != "__init__":
            for kind, text, edits in code.edits_of(function):
                yield Mutant(f"{actor}.{name}: {text}", module, kind, tuple(edits))
    for text, edit in _cells(module, len(source)):
        yield Mutant(f"{actor}: {text}", module, "cell", (edit,))


def _functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Those of the module, and the methods of its classes; of the actor itself without its name."""
    for node in tree.body:
        if isinstance(node, Function):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            prefix = "" if node.name.endswith("Actor") else f"{node.name}."
            yield from ((prefix + each.name, each) for each in node.body if isinstance(each, Function))


class _Code:
    """The source of a module, where its lines begin, and which of its methods send something."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self._source = source
        lengths = [len(line) for line in source.splitlines(keepends=True)]
        self._starts = [0, *itertools.accumulate(lengths)]
        self._sending = {*CALLBACKS}
        methods = [function for _, function in _functions(tree)]
        grown = -1
        while grown != len(self._sending):
            grown = len(self._sending)
            self._sending |= {function.name for function in methods if self._sends(function)}

    def edits_of(self, function: Function) -> Iterator[tuple[str, str, list[Edit]]]:
        """Kind, name and edits of the mutants of a function."""
        for node in ast.walk(function):
            for block in _blocks(node):
                yield from self._deletions(block)
                yield from self._swaps(block)
            if isinstance(node, ast.If | ast.IfExp):
                yield from self._constants(node.test, "always", "never")
            elif isinstance(node, ast.While):
                yield from self._constants(node.test, "never")
            elif isinstance(node, ast.BoolOp):
                yield from self._dropped_operands(node)

    # ------------------------------------------------------------------ kinds of mutants

    def _deletions(self, block: list[ast.stmt]) -> Iterator[tuple[str, str, list[Edit]]]:
        for node in block:
            if isinstance(node, ast.Assign):
                yield from self._kept(node)
            elif _is_effect(node):
                yield self._deleted(node)

    def _deleted(self, node: ast.stmt) -> tuple[str, str, list[Edit]]:
        return "delete", f"delete {_said(node)}", [self._edit(node, "pass")]

    def _kept(self, node: ast.Assign) -> Iterator[tuple[str, str, list[Edit]]]:
        """An assignment of several, as `a, self._b = self._b, None`, loses those that change something."""
        pairs = [(target, node.value) for target in node.targets]
        if isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(node.targets[0].elts, node.value.elts, strict=True))
        for index, (target, value) in enumerate(pairs):
            if isinstance(target, ast.Name):
                continue
            left = [f"{ast.unparse(to)} = {ast.unparse(it)}" for to, it in pairs[:index] + pairs[index + 1 :]]
            name = f"delete {_shortened(f'{ast.unparse(target)} = {ast.unparse(value)}')}"
            yield "delete", name, [self._edit(node, "; ".join(left) or "pass")]

    def _swaps(self, block: list[ast.stmt]) -> Iterator[tuple[str, str, list[Edit]]]:
        sending = [node for node in block if self._sends(node) and not _leaves(node)]
        for first, second in itertools.pairwise(sending):
            edits = [self._edit(first, self._text(second)), self._edit(second, self._text(first))]
            yield "swap", f"swap {_said(first)} and {_said(second)}", edits

    def _constants(self, test: ast.expr, *words: str) -> Iterator[tuple[str, str, list[Edit]]]:
        for word in words:
            yield "guard", f"{word} {_said(test)}", [self._edit(test, str(word == "always"))]

    def _dropped_operands(self, node: ast.BoolOp) -> Iterator[tuple[str, str, list[Edit]]]:
        word = " and " if isinstance(node.op, ast.And) else " or "
        for dropped in node.values:
            left = word.join(f"({self._text(value)})" for value in node.values if value is not dropped)
            yield "drop", f"drop {_said(dropped)} from {_said(node)}", [self._edit(node, f"({left})")]

    # ------------------------------------------------------------------ text

    def _sends(self, node: ast.AST) -> bool:
        """Whether something is told, asked of the stage, or handed to who waits, perhaps by an own method."""
        return any(isinstance(each, ast.Call) and self._is_send(each.func) for each in ast.walk(node))

    def _is_send(self, called: ast.expr) -> bool:
        if not isinstance(called, ast.Attribute):
            return False
        if called.attr == "tell" or ast.unparse(called.value) == "self.stage":
            return called.attr not in ("time", "is_still", "due_within")  # those only ask
        return ast.unparse(called.value) == "self" and called.attr in self._sending

    def _edit(self, node: ast.stmt | ast.expr, text: str) -> Edit:
        return self._place(node.lineno, node.col_offset), self._end(node), text

    def _text(self, node: ast.stmt | ast.expr) -> str:
        return self._source[self._place(node.lineno, node.col_offset) : self._end(node)]

    def _end(self, node: ast.stmt | ast.expr) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._place(node.end_lineno, node.end_col_offset)

    def _place(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column


def _cells(module: str, end: int) -> Iterator[tuple[str, Edit]]:
    """The cells of the tables as they are, each changed by a line behind the source."""
    for owner in vars(import_module(module)).values():
        if not isinstance(owner, type) or owner.__module__ != module:
            continue
        for message, handler in vars(owner).get("HANDLERS", {}).items():
            line = f"\n{owner.__name__}.HANDLERS[{message.__name__}] = lambda actor, message: None\n"
            yield f"{message.__name__} -> ignored, not {handler.__name__}", (end, end, line)
        for message, row in vars(owner).get("TRANSITIONS", {}).items():
            for state, handler in row.items():
                cell = f"{owner.__name__}.TRANSITIONS[{message.__name__}]"
                key = f"{type(state).__name__}.{state.name}"
                if handler.__name__ == "_ignore":
                    change, line = "impossible", f"\ndel {cell}[{key}]\n"
                else:
                    change, line = "ignored", f"\n{cell}[{key}] = {owner.__name__}._ignore\n"
                name = f"{message.__name__} while {state.name} -> {change}, not {handler.__name__}"
                yield name, (end, end, line)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements in a node."""
    for field in ("body", "orelse", "finalbody"):
        block = getattr(node, field, None)
        if isinstance(block, list):
            yield block


def _is_effect(node: ast.stmt) -> bool:
    """A call, or a change of something that is no local variable."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.Delete) or (
        isinstance(node, ast.AugAssign) and not isinstance(node.target, ast.Name)
    )


def _leaves(node: ast.AST) -> bool:
    """Whether it may end the function: what comes after it is no neighbour then."""
    return any(isinstance(each, ast.Return | ast.Raise) for each in ast.walk(node))


def _said(node: ast.AST) -> str:
    """Its first line, in the words of the source."""
    return _shortened(ast.unparse(node).splitlines()[0])


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
