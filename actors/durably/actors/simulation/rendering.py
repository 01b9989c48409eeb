"""A trace in text and as a Mermaid sequence diagram; `page` has it for a browser."""

from collections.abc import Iterable, Iterator

from durably.actors.simulation.choices import ChoiceKind
from durably.actors.simulation.trace import BEGIN, END, FAILED, SERVICE, TIME, WORLD, Sent, Step, Trace

FIRST = (WORLD, TIME, SERVICE, "checkpoint", "termination")
"""Lanes that stand first, in this order, if they are there."""


def lanes(trace: Trace) -> list[str]:
    """Who takes part: what is no operation first, then by appearance, what belongs together side by side."""
    sent = sent_in(trace)
    seen = dict.fromkeys(
        name
        for step in trace.steps
        for name in (step.who, *(message.to for message in sent.get(step.number, ())))
    )
    # (a body or a task beside the actor that it belongs to)
    groups: dict[str, list[str]] = {}
    for name in seen:
        groups.setdefault(name.removeprefix("body of ").removeprefix("task "), []).append(name)
    first = [name for name in FIRST if name in seen]
    rest = [name for group in groups.values() for name in sorted(group, key=_rank) if name not in FIRST]
    return first + rest


def _rank(name: str) -> int:
    return 2 if name.startswith("body of ") else 1 if name.startswith("task ") else 0


def sent_in(trace: Trace) -> dict[int, list[Sent]]:
    """The messages of each step, by its number."""
    found: dict[int, list[Sent]] = {}
    for message in trace.messages:
        found.setdefault(message.sent_at, []).append(message)
    return found


def as_text(trace: Trace) -> str:
    """Each step on a line, with the number of the choice and its moment; below it what it changed and sent.

    A line with `!` is a fault, one with `>` a choice that came early.
    """
    sent = sent_in(trace)
    return "\n".join(line for step in trace.steps for line in _lines(step, sent.get(step.number, ())))


def _lines(step: Step, sent: Iterable[Sent]) -> Iterator[str]:
    mark = "!" if step.kind in (ChoiceKind.FAULT.name, FAILED) else ">" if step.is_early else " "
    yield f"{mark}{step.label:>5} {step.moment:10.3f}  {step.name}"
    for change in step.changes:
        yield f"{'':20}{change.who}: {change.before} -> {change.after}"
    for message in sent:
        lost = "" if message.handled_at is not None else "  (never handled)"
        yield f"{'':20}{message.sender} -> {message.to}: {message}{lost}"


def as_mermaid(trace: Trace) -> str:
    """A sequence diagram: an arrow where a message is handled, notes for faults and changed states."""
    names = lanes(trace)
    alias = {name: f"p{number}" for number, name in enumerate(names)}
    everybody = f"{alias[names[0]]},{alias[names[-1]]}" if names else ""
    handled: dict[int, list[Sent]] = {}
    for message in trace.messages:
        if message.handled_at is not None:
            handled.setdefault(message.handled_at, []).append(message)
    lines = ["sequenceDiagram", *(f"    participant {alias[name]} as {_quoted(name)}" for name in names)]
    for step in trace.steps:
        if step.kind in (BEGIN, END, FAILED):
            lines.append(f"    Note over {everybody}: {_quoted(step.name)}")
        elif step.kind == ChoiceKind.FAULT.name:
            lines.append(f"    Note over {alias[step.who]}: fault - {_quoted(step.name)}")
        lines += [
            f"    {alias[message.sender]}->>{alias[message.to]}: {_quoted(str(message))}"
            for message in handled.get(step.number, ())
        ]
        for change in step.changes:
            over = alias.get(change.who, alias[step.who])
            lines.append(f"    Note over {over}: {_quoted(change.before)} to {_quoted(change.after)}")
    lines += [
        f"    {alias[message.sender]}--x{alias[message.to]}: {_quoted(str(message))}"
        for message in trace.messages
        if message.handled_at is None
    ]
    return "\n".join(lines)


def _quoted(text: str) -> str:
    """Text that ends no line and no statement of a diagram, and is no markup in it."""
    return "".join(
        character if character.isalnum() or character in " .,_-/()=[]" else f"#{ord(character)};"
        for character in text
    )
