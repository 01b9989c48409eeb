"""Explore the protocol exhaustively.

    run.py [SCENARIO ...]               each scenario, or those named: one line each
    run.py --mutants [SCENARIO ...]     break the protocol in one place after the other: who finds it?
    --mutant NAME                       only this mutant
    --limit N                           give up a scenario after N worlds (6,000,000; mutants 120,000)
    --trace                             print the interleaving of a violation

A scenario is explored breadth first, so that a violation's interleaving is a shortest one. Beyond
the invariants that `model.py` checks in every world, two are of the whole graph: the end of the
invocation (or, where a new one follows, of the execution) can be reached from every world, and no
cycle exists that could go on for ever although nobody is starved (weak fairness: what is possible
all along is done at last; timers, the service and faults owe nothing).
"""

import argparse
import sys
import time
from array import array
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))  # for a script, `tests` is not on the path

from tests.model.model import Model, Violation
from tests.model.scenarios import HARMLESS, LARGE, MUTANTS, SCENARIOS


class Result(NamedTuple):
    scenario: str
    mutant: str
    states: int
    seconds: float
    ends: dict
    violation: str = ""
    trace: tuple = ()


class Graph:
    """The worlds seen so far, by number, and the steps between them."""

    def __init__(self):
        self.number, self.parent = {}, []
        self.source, self.target, self.who = array("i"), array("i"), array("i")
        self.labels = {}

    def add(self, world, parent, label):
        """The number of a world, and whether it is new. Worlds are told apart by a 64-bit hash."""
        key = hash(tuple(world.values()))
        found = self.number.get(key)
        if found is not None:
            return found, False
        self.number[key] = number = len(self.parent)
        self.parent.append((parent, label))
        return number, True

    def connect(self, source, target, who):
        self.source.append(source)
        self.target.append(target)
        self.who.append(self.labels.setdefault(who, len(self.labels)))

    def path(self, number):
        steps = []
        while number > 0:
            number, label = self.parent[number]
            steps.append(label)
        return tuple(reversed(steps))


def explore(name, mutant="", limit=5_000_000):
    start, ends, graph = time.time(), {}, Graph()
    model = Model(SCENARIOS[name], mutant)

    def result(violation="", trace=()):
        counts = {outcome: len(numbers) for outcome, numbers in sorted(ends.items())}
        return Result(name, mutant, len(graph.parent), time.time() - start, counts, violation, trace)

    first = model.initial()
    graph.add(first, -1, "")
    frontier = deque([(0, first)])
    while frontier:
        number, world = frontier.popleft()
        if world["V"].ended:
            ends.setdefault(world["V"].ended, []).append(number)
        stuck = True
        try:
            for label, who, following in model.successors(world):
                stuck = False
                target, new = graph.add(following, number, label)
                graph.connect(number, target, who)
                if new:
                    frontier.append((target, following))
        except Violation as violation:
            return result(str(violation), (*graph.path(number), "..."))
        if stuck and not world["V"].ended:
            return result("no-hang: nothing can happen", graph.path(number))
        if len(graph.parent) > limit:
            return result("LIMIT")
    lasting = SCENARIOS[name].again
    goals = [
        n for outcome, ns in ends.items() if not (lasting and outcome in ("PENDING", "FAILED")) for n in ns
    ]
    lost = unreached(graph, goals)
    if lost is not None:
        return result("no-hang: the end cannot be reached", graph.path(lost))
    cycle = livelock(graph)
    if cycle is not None:
        number, labels = cycle
        return result("no-hang: it can go on for ever", (*graph.path(number), "then for ever:", *labels))
    return result()


def unreached(graph, goals):
    """A world from which no goal can be reached, or None."""
    size = len(graph.parent)
    before = [[] for _ in range(size)]
    for source, target in zip(graph.source, graph.target):
        before[target].append(source)
    reached, todo = bytearray(size), list(goals)
    for number in todo:
        reached[number] = 1
    while todo:
        for number in before[todo.pop()]:
            if not reached[number]:
                reached[number] = 1
                todo.append(number)
    return next((number for number in range(size) if not reached[number]), None)


def livelock(graph):
    """A cycle in which nobody is starved who could have acted all along, or None."""
    after = [[] for _ in graph.parent]
    for source, target, who in zip(graph.source, graph.target, graph.who):
        after[source].append((target, who))
    nobody = graph.labels.get("", -1)
    for component in components(after):
        inside = set(component)
        acting = {who for number in component for target, who in after[number] if target in inside}
        if not acting:
            continue
        always = set.intersection(*({who for _, who in after[number]} for number in component)) - {nobody}
        if not always - acting:
            names = {value: key for key, value in graph.labels.items()}
            return component[-1], sorted(names[who] or "timers and the service" for who in acting)
    return None


def components(after):
    """The strongly connected components (Tarjan's algorithm, without recursion)."""
    index, low = [-1] * len(after), [0] * len(after)
    on_stack, stack, counter = bytearray(len(after)), [], 0
    for root in range(len(after)):
        if index[root] >= 0:
            continue
        calls = [(root, 0)]
        while calls:
            node, position = calls.pop()
            if position == 0:
                index[node] = low[node] = counter
                counter += 1
                stack.append(node)
                on_stack[node] = 1
            else:
                low[node] = min(low[node], low[after[node][position - 1][0]])
            while position < len(after[node]):
                target = after[node][position][0]
                position += 1
                if index[target] < 0:
                    calls += [(node, position), (target, 0)]
                    break
                if on_stack[target]:
                    low[node] = min(low[node], index[target])
            else:
                if low[node] == index[node]:
                    component = []
                    while not component or component[-1] != node:
                        component.append(stack.pop())
                        on_stack[component[-1]] = 0
                    yield component


def report(result, trace):
    verdict = result.violation or "ok"
    ends = " ".join(f"{outcome} {count}" for outcome, count in result.ends.items())
    print(
        f"{result.scenario:38} {result.states:>9,} states {result.seconds:6.1f} s  {verdict}  [{ends}]",
        flush=True,
    )
    if trace and result.trace:
        print("    " + " | ".join(result.trace), flush=True)


def attempt(task):
    return explore(*task)


def print_mutants(pool, mutants, names, limit, trace):
    """A Markdown table: what the shortest interleaving violates, and who finds the mutant."""
    print("| mutant | what goes wrong | found by |\n|---|---|---|")
    results = pool.map(attempt, [(name, mutant, limit) for mutant in mutants for name in names])
    for mutant in mutants:
        own = [next(results) for _ in names]
        found = sorted((r for r in own if r.violation not in ("", "LIMIT")), key=lambda r: len(r.trace))
        what = found[0].violation if found else "nothing: " + HARMLESS.get(mutant, "NOT FOUND HERE")
        finders = f"{len(found)}: " + "; ".join(r.scenario for r in found[:4]) if found else ""
        print(f"| {mutant} | {what} | {finders} |", flush=True)
        if found and trace:
            print("    " + " | ".join(found[0].trace), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="SCENARIO")
    parser.add_argument("--mutants", action="store_true")
    parser.add_argument("--mutant")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--trace", action="store_true")
    options = parser.parse_args()
    with ProcessPoolExecutor() as pool:
        if options.mutants or options.mutant:
            mutants = [options.mutant] if options.mutant else [*MUTANTS, *HARMLESS]
            names = options.names or [name for name in SCENARIOS if name not in LARGE]
            print_mutants(pool, mutants, names, options.limit or 120_000, options.trace)
            return 0
        failed = False
        names = options.names or list(SCENARIOS)
        for result in pool.map(attempt, [(name, "", options.limit or 6_000_000) for name in names]):
            report(result, options.trace)
            failed |= bool(result.violation)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
