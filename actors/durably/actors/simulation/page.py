"""A trace as one page for a browser: lanes, messages as arrows, faults and changed states marked.

The picture is SVG that is drawn here; the script beside it only says what the pointer is over. Nothing is
fetched. Every name is escaped, and the page's own policy refuses any script or style but these two, by their
hashes, so a name cannot become code.
"""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from durably.actors.simulation.choices import ChoiceKind
from durably.actors.simulation.rendering import lanes, sent_in
from durably.actors.simulation.trace import BEGIN, END, FAILED, Sent, Step, Trace

ROW, LANE, HEAD = 26, 104, 118
"""In pixels: the height of a step, the width of a lane, the height of the lanes' names."""
LONGEST_LIST = 60
"""Characters of a step's name in the list; all of it is shown when the pointer is over it."""
LONGEST_LANE = 19


def as_page(trace: Trace, title: str) -> str:
    """A complete HTML document."""
    folder = files("durably.actors.simulation")
    style = folder.joinpath("page.css").read_text("utf-8")
    script = folder.joinpath("page.js").read_text("utf-8")
    names = lanes(trace)
    columns = {name: number * LANE + LANE // 2 for number, name in enumerate(names)}
    width, height = max(len(names), 1) * LANE + 24, len(trace.steps) * ROW
    sent = sent_in(trace)
    faults = sum(step.kind == ChoiceKind.FAULT.name for step in trace.steps)
    choices = sum(step.among > 0 for step in trace.steps)
    moment = trace.steps[-1].moment if trace.steps else 0.0
    summary = (
        f"choices: {choices}, messages: {len(trace.messages)}, faults: {faults}, {moment:g} s of virtual time"
    )
    policy = f"default-src 'none'; style-src {_digest(style)}; script-src {_digest(script)}"
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{style}</style></head><body>",
            f"<header><h1>{escape(title)}</h1><p>{summary}</p>{_LEGEND}</header>",
            '<main><div class="corner"><b>no.</b><b>moment</b><b>choice</b></div>',
            f'<svg class="heads" width="{width}" height="{HEAD}">{_heads(names, columns)}</svg>',
            f'<ol class="steps">{"".join(_item(step) for step in trace.steps)}</ol>',
            f'<svg class="lanes" width="{width}" height="{height}">',
            _ARROWHEAD,
            *(_band(step, width) for step in trace.steps),
            *_lifelines(trace, columns, height),
            *(_arrow(message, columns, trace.steps) for message in trace.messages),
            *(mark for step in trace.steps for mark in _marks(step, columns, len(sent.get(step.number, ())))),
            "</svg></main>",
            '<aside id="what" aria-live="polite">Point at a step, a mark or an arrow.</aside>',
            f"<script>{script}</script></body></html>",
        ]
    )


_LEGEND = (
    '<p class="legend"><span><i class="dot"></i>choice</span><span><i class="dot early"></i>before its turn'
    '</span><span><i class="dot fault"></i>fault</span>'
    '<span><i class="pill"></i>new state</span><span><i class="line"></i>message: from sent to handled</span>'
    '<span><i class="line lost"></i>never handled</span></p>'
)
_ARROWHEAD = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto"><path d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>'
)


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _said(text: str) -> str:
    """Attributes of what says something when the pointer is over it."""
    return f'data-what="{escape(text)}"'


def _kind(step: Step) -> str:
    if step.kind in (ChoiceKind.FAULT.name, FAILED):
        return "fault"
    if step.is_early:
        return "early"
    return "edge" if step.kind in (BEGIN, END) else step.kind.lower()


def _about(step: Step) -> str:
    among = f" · one of {step.among} choices" if step.among else ""
    changed = "".join(f" · {change.who}: {change.before} → {change.after}" for change in step.changes)
    early = " · before its turn" if step.is_early else ""
    number = f"{step.label} · " if step.label else ""
    return f"{number}{step.moment:g} s · {step.name}{among}{early}{changed}"


def _item(step: Step) -> str:
    return (
        f'<li class="{_kind(step)}" data-step="{step.number}" {_said(_about(step))}>'
        f"<span>{step.label}</span><span>{step.moment:g}</span>"
        f"<span>{escape(_shortened(step.name, LONGEST_LIST))}</span></li>"
    )


def _heads(names: list[str], columns: dict[str, int]) -> str:
    return "".join(
        f'<text transform="translate({columns[name] - 4},{HEAD - 8}) rotate(-38)" {_said(name)}>'
        f"{escape(_shortened(name, LONGEST_LANE))}</text>"
        for name in names
    )


def _middle(number: int) -> int:
    return number * ROW + ROW // 2


def _lifelines(trace: Trace, columns: dict[str, int], height: int) -> list[str]:
    first: dict[str, int] = {}
    for step in trace.steps:
        first.setdefault(step.who, step.number)
    for message in trace.messages:
        first[message.to] = min(first.get(message.to, message.sent_at), message.sent_at)
    return [
        f'<line class="life" x1="{x}" x2="{x}" y1="{_middle(first.get(name, 0))}" y2="{height}"/>'
        for name, x in columns.items()
    ]


def _band(step: Step, width: int) -> str:
    return (
        f'<rect class="row {_kind(step)}" x="0" y="{step.number * ROW}" width="{width}" height="{ROW}" '
        f'data-step="{step.number}" {_said(_about(step))}/>'
    )


def _arrow(message: Sent, columns: dict[str, int], steps: Sequence[Step]) -> str:
    x1, x2 = columns[message.sender], columns[message.to]
    y1 = _middle(message.sent_at)
    handled = message.handled_at is not None
    y2 = y1 + ROW // 2 if message.handled_at is None else _middle(message.handled_at)
    if x1 == x2:  # to itself: out of the lane and back
        path = f"M{x1},{y1} C{x1 + 46},{y1} {x1 + 46},{y2} {x2 + 6},{y2}"
    else:
        side = 6 if x1 > x2 else -6
        bend = (x2 - x1) * 0.45
        path = f"M{x1},{y1} C{x1 + bend:.0f},{y1} {x2 - bend:.0f},{y2} {x2 + side},{y2}"
    fate = (
        "never handled" if message.handled_at is None else f"handled in {_place(steps[message.handled_at])}"
    )
    sent = f"sent in {_place(steps[message.sent_at])}"
    said = _said(f"{message.sender} → {message.to}: {message} · {sent}, {fate}")
    ends = f'data-sent="{message.sent_at}" data-handled="{message.handled_at if handled else ""}"'
    css = "message" if handled else "message lost"
    return (
        f'<g class="{css}" {ends} {said}><path class="wide" d="{path}"/><path class="thin" d="{path}"/></g>'
    )


def _place(step: Step) -> str:
    return f"choice {step.label}" if step.label else step.name


def _marks(step: Step, columns: dict[str, int], sent: int) -> list[str]:
    y = _middle(step.number)
    kind = _kind(step)
    if kind == "edge" or step.kind == FAILED:
        return [f'<text class="{kind} note" x="8" y="{y + 4}">{escape(step.name)}</text>']
    x = columns[step.who]
    radius = 6 if kind in ("fault", "early") or sent else 4
    marks = [f'<circle class="{kind}" cx="{x}" cy="{y}" r="{radius}" {_said(_about(step))}/>']
    if kind in ("fault", "early"):
        marks.append(f'<text class="{kind} note" x="{x + 11}" y="{y + 4}">{escape(step.name)}</text>')
    for change in step.changes:
        at = columns.get(change.who, x)
        text = _shortened(change.after, 15)
        long = len(text) * 6 + 10
        marks.append(
            f'<g class="state" {_said(f"{change.who}: {change.before} → {change.after}")}>'
            f'<rect x="{at + 8}" y="{y - 8}" width="{long}" height="16" rx="8"/>'
            f'<text x="{at + 13}" y="{y + 4}">{escape(text)}</text></g>'
        )
    return marks
