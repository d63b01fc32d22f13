"""The graph of a template's steps."""

from collections import deque
from collections.abc import Mapping, Sequence

Edges = Mapping[str, Sequence[str]]
"""Each step's dependencies; all of them must be keys too."""


def topological(edges: Edges) -> list[str]:
    """Return the steps in topological order, otherwise in the given order; steps in or behind a cycle are left out.

    Source: Kahn 1962; linear in steps and edges.
    """
    waits_for = {name: len(set(needed)) for name, needed in edges.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in edges}
    for name, needed in edges.items():
        for each in set(needed):
            needed_by[each].append(name)
    free = deque(name for name, count in waits_for.items() if not count)
    ordered = []
    while free:
        name = free.popleft()
        ordered.append(name)
        for each in needed_by[name]:
            waits_for[each] -= 1
            if not waits_for[each]:
                free.append(each)
    return ordered


class Reach:
    """The transitive dependencies, as one bit per pair of steps: lookup takes constant time."""

    def __init__(self, edges: Edges) -> None:
        """Read a graph; steps in or behind a cycle are left out."""
        self._bit = {name: 1 << position for position, name in enumerate(edges)}
        self._masks: dict[str, int] = {}
        for name in topological(edges):
            mask = 0
            for needed in edges[name]:
                mask |= self._masks[needed] | self._bit[needed]
            self._masks[name] = mask

    def knows(self, name: str) -> bool:
        """Return whether a step is neither in nor behind a cycle."""
        return name in self._masks

    def is_before(self, name: str, other: str) -> bool:
        """Return whether a step depends on another, directly or not."""
        return bool(self._masks[name] & self._bit[other])


def ancestors(edges: Edges) -> dict[str, set[str]]:
    """Return each step's transitive dependencies; steps in or behind a cycle are left out."""
    reach = Reach(edges)
    return {
        name: {other for other in edges if reach.is_before(name, other)}
        for name in edges
        if reach.knows(name)
    }


def circles(edges: Edges) -> list[list[str]]:
    """Return one dependency cycle per strongly connected component, each as its members in order.

    Fixing a cycle may reveal another one in the same component.
    """
    remaining = set(edges) - set(topological(edges))
    found = []
    for start in edges:
        if start not in remaining:
            continue
        circle = _circle_from(start, edges, remaining)
        if circle is None:
            remaining.discard(start)  # it is only behind a cycle
            continue
        found.append(circle)
        remaining -= _connected_with(circle[0], edges, remaining)
    return found


def _circle_from(start: str, edges: Edges, within: set[str]) -> list[str] | None:
    """Return the shortest cycle through a step, or None."""
    came_from: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        name = waiting.popleft()
        for needed in edges[name]:
            if needed == start:
                backwards = [name]
                while backwards[-1] != start:
                    backwards.append(came_from[backwards[-1]])
                return backwards[::-1]
            if needed in within and needed not in came_from:
                came_from[needed] = name
                waiting.append(needed)
    return None


def _connected_with(member: str, edges: Edges, within: set[str]) -> set[str]:
    """Return the strongly connected component of a step."""
    backwards: dict[str, list[str]] = {name: [] for name in within}
    for name in within:
        for needed in edges[name]:
            if needed in within:
                backwards[needed].append(name)
    forwards = {name: [each for each in edges[name] if each in within] for name in within}
    return _reached(member, forwards) & _reached(member, backwards)


def _reached(start: str, edges: Edges) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        for each in edges[waiting.pop()]:
            if each not in seen:
                seen.add(each)
                waiting.append(each)
    return seen
