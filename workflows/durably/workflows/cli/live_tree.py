"""The display on a terminal: a tree of operations that never grows beyond the screen.

What is drawn is bounded by the height of the terminal, and costs the same for ten operations as for a
hundred thousand: each context shows its counts, and of what it contains the newest, the open and the
failed. Levels further out are filled first.
"""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.console import Group as Renderables
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from durably.actors.model import Operation, OperationStatus
from durably.workflows.cli.progress import FAILURES, Feed, Progress, describe, is_waiting, label, who

FEW = 4
"""How many of the open, the failed and the newest operations a context with many shows."""
INTERVAL = 0.2
"""Seconds between two pictures."""

_DONE = Text("✓ ", "green")
_FAILED = Text("✗ ", "bold red")
_WAITING = Text("◷ ", "yellow")
_RUNNING = Text("● ", "cyan")


class LiveTree:
    """Draws all executions of a feed on standard error, at each `refresh`."""

    interval = INTERVAL

    def __init__(self, feed: Feed, names: Mapping[str, str], console: Console | None = None) -> None:
        self._feed = feed
        self._names = names
        self._console = console or Console(stderr=True)
        self._executions: dict[str, Progress] = {}
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.refresh()
        self._live.stop()

    def refresh(self) -> None:
        """Take in the news, and draw."""
        for arn, changes in self._feed.drain():
            self._executions.setdefault(arn, Progress()).apply(changes)
        self._live.update(self.picture(), refresh=True)

    def picture(self) -> Renderables:
        """The trees as they are now; unfinished executions come last, nearest to the cursor."""
        shown = sorted(self._executions.items(), key=lambda item: not _has_ended(item[1]))
        budget = max(3, self._console.height - 2)
        # Finished executions are one line each, if there are several to show.
        shown = shown[-budget:]
        trees: list[Tree] = []
        left = budget - len(shown)
        for arn, progress in reversed(shown):
            tree, used = self._tree(arn, progress, left // max(1, len(shown) - len(trees)))
            left -= used
            trees.append(tree)
        return Renderables(*reversed(trees))

    def _tree(self, arn: str, progress: Progress, budget: int) -> tuple[Tree, int]:
        now = datetime.now(UTC)
        root = progress.root
        name = who(arn, self._names)
        state = "" if root is None or not root.status.is_terminal else f" {root.status.value.lower()}"
        head = Text.assemble(
            (name, "bold"), f"{state}: {progress.summary()}", no_wrap=True, overflow="ellipsis"
        )
        tree = Tree(head, guide_style="dim")
        left = budget
        queue: deque[tuple[Tree, str | None]] = deque([(tree, None)])
        while queue and left > 0:
            branch, parent_id = queue.popleft()
            group = progress.groups.get(parent_id)
            if group is None:
                continue
            small = len(group.places) <= 3 * FEW and not progress.is_crowd(parent_id)
            shown = list(group.places) if small else group.worth_showing(FEW)
            hidden = len(group.places) - len(shown)
            if len(shown) > left:
                shown = shown[-left:]
            elif hidden and parent_id is None and left > len(shown):
                branch.add(Text(f"... {hidden:,} more ({group.counts()})", "dim"))
                left -= 1
            for key in shown:
                operation = progress.operations[key]
                added = branch.add(_line(operation, progress, now))
                if not operation.status.is_terminal or operation.status in FAILURES:
                    queue.append((added, key))
            left -= len(shown)
        return tree, budget - left


def _has_ended(progress: Progress) -> bool:
    return progress.root is not None and progress.root.status.is_terminal


def _line(operation: Operation, progress: Progress, now: datetime) -> Text:
    status = operation.status
    mark = _RUNNING
    if status is OperationStatus.SUCCEEDED:
        mark = _DONE
    elif status.is_terminal:
        mark = _FAILED
    elif is_waiting(operation):
        mark = _WAITING
    text = Text.assemble(mark, (label(operation), "bold"), " ", no_wrap=True, overflow="ellipsis")
    group = progress.groups.get(operation.id)
    if group is not None and progress.is_crowd(operation.id):
        text.append(f"{group.counts()} ", "cyan")
        if not status.is_terminal:
            return text
    text.append(describe(operation, now), "red" if status in FAILURES else "dim")
    return text
