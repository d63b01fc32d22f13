"""Reads of links, inside the caller's tenant transaction."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from liftos.kernel.db.transactions import raw_cursor, read_value
from memory.index.writes import source_of
from memory.links.errors import LinkNotFound
from memory.links.statements import FIND_LINK, FIND_NAMED, LIST_LINKS, NEIGHBOURS, READ_NODES
from memory.links.types import Direction, Graph, Link, Node
from memory.queries import get_memory
from memory.types import LinkDraft

MAX_EDGES = 5_000
"""Links in one graph."""
NODE_CHARACTERS = 200
"""Characters of a memory's text in a graph."""


def list_links(
    *,
    organisation: UUID,
    memory: UUID,
    direction: Direction,
    limit: int,
    before: UUID | None = None,
    kinds: Sequence[str] | None = None,
    as_of: datetime | None = None,
) -> list[Link]:
    """Return a memory's links, newest first.

    Args:
        organisation: the tenant.
        memory: its id.
        direction: links from it, to it, or both.
        limit: page size.
        before: the last link of the previous page.
        kinds: only these; None for all.
        as_of: only links that held then; None for all.

    Raises:
        MemoryNotFound: not in this organisation.
    """
    get_memory(organisation=organisation, memory=memory)
    values = _values(organisation, direction, kinds, as_of) | {
        "memory": memory,
        "limit": limit,
        # a cursor of another list may be any 128 bits; all links are below
        "before": min(before.int, 2**63 - 1) if before else None,
    }
    with raw_cursor() as cursor:
        return [_link(row) for row in cursor.execute(LIST_LINKS, values).fetchall()]


def get_link(*, organisation: UUID, memory: UUID, named: LinkDraft) -> Link:
    """Return a memory's link of a kind to a target.

    Raises:
        MemoryNotFound: the memory is not in this organisation.
        LinkNotFound: it has no such link.
    """
    found = find_links(organisation, memory, named, *find_target(organisation, memory, named))
    if not found:
        raise LinkNotFound
    return found[0]


def find_target(organisation: UUID, memory: UUID, named: LinkDraft) -> tuple[str, UUID | None]:
    """Return the source of a link's external id, and the target, None if no memory has the external id.

    Raises:
        MemoryNotFound: the linking memory is not in this organisation.
    """
    row = get_memory(organisation=organisation, memory=memory)
    source = source_of(named, row.source)
    if named.target is not None:
        return source, named.target
    return source, read_value(FIND_NAMED, (organisation, source, named.external_id, row.scope_id))


def find_links(
    organisation: UUID, memory: UUID, named: LinkDraft, source: str, target: UUID | None
) -> list[Link]:
    """Return a memory's links of a kind to a target, two if it is linked by its id and by its external id."""
    values = {
        "organisation": organisation,
        "memory": memory,
        "kind": named.kind,
        "target": target,
        "source": source,
        "external_id": named.external_id,
    }
    with raw_cursor() as cursor:
        return [_link(row) for row in cursor.execute(FIND_LINK, values).fetchall()]


def read_graph(
    *,
    organisation: UUID,
    memory: UUID,
    depth: int,
    limit: int,
    direction: Direction,
    kinds: Sequence[str] | None = None,
    as_of: datetime,
) -> Graph:
    """Return the memories within `depth` links of one, nearest first, then by strength of the link.

    Args:
        organisation: the tenant.
        memory: the root.
        depth: maximum number of links from the root.
        limit: maximum number of memories, the root included.
        direction: whether to follow links forwards, backwards or both ways.
        kinds: only these; None for all.
        as_of: only links that hold then.

    Raises:
        MemoryNotFound: not in this organisation.
    """
    get_memory(organisation=organisation, memory=memory)
    values = _values(organisation, direction, kinds, as_of) | {"limit": MAX_EDGES + 1}
    graph, distances, seen = Graph(), {memory: 0}, set[int]()
    frontier = [memory]
    for distance in range(1, depth + 1):
        if not frontier:
            break
        with raw_cursor() as cursor:
            found = cursor.execute(NEIGHBOURS, values | {"memories": frontier}).fetchall()
        graph.truncated |= len(found) > MAX_EDGES
        frontier = []
        for link in map(_link, found):
            if link.number in seen:
                continue
            new = {each for each in (link.memory, link.target) if each and each not in distances}
            if len(graph.edges) >= MAX_EDGES or len(distances) + len(new) > limit:
                graph.truncated = True
                continue
            seen.add(link.number)
            graph.edges.append(link)
            distances |= dict.fromkeys(new, distance)
            frontier += new
    with raw_cursor() as cursor:
        read = {"organisation": organisation, "memories": list(distances), "characters": NODE_CHARACTERS}
        rows = {row[0]: row[1:] for row in cursor.execute(READ_NODES, read).fetchall()}
    graph.nodes = [Node(id_, distance, *rows[id_]) for id_, distance in distances.items() if id_ in rows]
    return graph


def _link(row: Sequence[Any]) -> Link:
    """Return a row of `memory.links.statements._COLUMNS`; Django has psycopg leave jsonb as text."""
    link = Link(*row)
    return replace(link, properties=json.loads(row[7]))


def _values(
    organisation: UUID, direction: Direction, kinds: Sequence[str] | None, as_of: datetime | None
) -> dict[str, Any]:
    return {
        "organisation": organisation,
        "out": direction is not Direction.IN,
        "in": direction is not Direction.OUT,
        "kinds": list(kinds) if kinds is not None else None,
        "at": as_of,
    }
