"""What search reads of relations: names and periods that the question gives, links between memories, and their traits.

Each function sends one statement and returns what waits for its answer (see `memory.search.arms`).
"""

from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID

from liftos.db import raw_cursor
from memory.search.evidence import RARE, Names, Traits
from memory.search.filters import where
from memory.search.spread import Edge
from memory.search.types import Question

BROUGHT = 60
# links followed from one memory; a hub has more, and weighs less for it
MAX_LINKS = 50

_NAMES = """
WITH known AS MATERIALIZED (
    SELECT n.name, (
        SELECT count(*) FROM (
            SELECT 1 FROM memory_entity AS e WHERE e.organisation_id = %(organisation)s AND e.key = n.name LIMIT %(rare)s + 1
        ) AS capped
    ) AS members FROM unnest(%(names)s::text[]) AS n(name)
)
SELECT known.name, known.members, e.memory_id FROM known LEFT JOIN LATERAL (
    SELECT memory_id FROM memory_entity
    WHERE organisation_id = %(organisation)s AND key = known.name AND known.members <= %(rare)s AND {where}
    ORDER BY memory_id DESC LIMIT %(limit)s
) AS e ON true WHERE known.members > 0
"""
_PERIODS = """
SELECT DISTINCT m.id FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS p(starts, ends)
CROSS JOIN LATERAL (
    SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s
    AND happened_at >= p.starts AND happened_at < p.ends AND {where} ORDER BY happened_at LIMIT %(limit)s
) AS m
"""
# Two hops from the seeds, in both directions; of each memory at most MAX_LINKS a direction.
_NEAR = """
SELECT n.id AS source, l.other, l.kind, l.weight, l.forward, l.degree FROM {nodes} AS n CROSS JOIN LATERAL (
    SELECT *, count(*) OVER () AS degree FROM (
        (SELECT target_id AS other, kind, weight, true AS forward FROM memory_memorylink
         WHERE organisation_id = %(organisation)s AND memory_id = n.id AND target_id IS NOT NULL LIMIT %(most)s)
        UNION ALL
        (SELECT memory_id, kind, weight, false FROM memory_memorylink
         WHERE organisation_id = %(organisation)s AND target_id = n.id LIMIT %(most)s)
    ) AS links
) AS l
"""
_LINKS = f"""
WITH first AS MATERIALIZED ({_NEAR.format(nodes="(SELECT unnest(%(seeds)s::uuid[]) AS id)")}),
beyond AS MATERIALIZED (SELECT DISTINCT other AS id FROM first WHERE other <> ALL(%(seeds)s::uuid[]))
SELECT * FROM first UNION ALL ({_NEAR.format(nodes="beyond")})
"""  # noqa: S608  put together from texts of our own
_TRAITS = """
SELECT id, thread_id, happened_at, recorded_at, asks, tells_time, importance FROM memory_memory
WHERE organisation_id = %(organisation)s AND id = ANY(%(ids)s) AND {where}
"""
_NAMED = """
SELECT e.memory_id, e.key, e.kind FROM unnest(%(names)s::text[]) AS n(name) CROSS JOIN unnest(%(ids)s::uuid[]) AS m(id)
JOIN memory_entity AS e ON e.organisation_id = %(organisation)s AND e.key = n.name AND e.memory_id = m.id
"""


def find_names(question: Question) -> Callable[[], Names]:
    """Ask which of the question's runs of words are entities, and for the newest memories about the rare ones."""
    if not question.wording.names:
        return Names
    condition, values = where(question.request, "memory_id")
    values |= {"names": question.wording.names, "rare": RARE, "limit": BROUGHT}
    cursor = _execute(_NAMES.format(where=condition), question, values)

    def wait() -> Names:
        rows = cursor.fetchall()
        return Names({row[0]: row[1] for row in rows}, frozenset(row[2] for row in rows if row[2]))

    return wait


def find_in_periods(question: Question) -> Callable[[], frozenset[UUID]]:
    """Ask for memories of the periods that the question names by year."""
    bounded = [period for period in question.wording.periods if period.start is not None]
    if not bounded:
        return frozenset
    condition, values = where(question.request, "memory_memory.id")
    values |= {
        "starts": [period.start for period in bounded],
        "ends": [period.end for period in bounded],
        "limit": BROUGHT,
    }
    cursor = _execute(_PERIODS.format(where=condition), question, values)
    return lambda: frozenset(row[0] for row in cursor.fetchall())


def read_links(question: Question, seeds: list[UUID]) -> Callable[[], list[Edge]]:
    """Ask for the links within two hops of the seeds."""
    cursor = _execute(_LINKS, question, {"seeds": seeds, "most": MAX_LINKS})
    return lambda: [Edge(*row) for row in cursor.fetchall()]


def read_traits(question: Question, ids: list[UUID]) -> Callable[[], dict[UUID, Traits]]:
    """Ask for the traits of those memories that the filters let through."""
    condition, values = where(question.request, "memory_memory.id")
    cursor = _execute(_TRAITS.format(where=condition), question, values | {"ids": ids})
    return lambda: {row[0]: Traits(*row[1:]) for row in cursor.fetchall()}


def read_named(
    question: Question, names: Iterable[str], ids: list[UUID]
) -> Callable[[], list[tuple[UUID, str, str]]]:
    """Ask which memories are about which of the names: (memory, name, kind)."""
    wanted = list(names)
    if not wanted:
        return list
    cursor = _execute(_NAMED, question, {"names": wanted, "ids": ids})
    return cursor.fetchall


def _execute(statement: str, question: Question, values: dict[str, Any]) -> Any:
    return raw_cursor().execute(statement, values | {"organisation": question.organisation})
