"""What search reads of relations: names and periods that questions give, links between memories, and their traits.

Each function serves all questions of a batch with one statement, and returns what waits for its answer (see
`memory.search.arms`). The questions are of one organisation and under the same filters.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from liftos.kernel.db.binary import TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.search.filters import where
from memory.search.keys import keys_of
from memory.search.relations.spreading_activation import Edge
from memory.search.signals import RARE, Names, Traits
from memory.search.types import Key, Question

BROUGHT = 30
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
SELECT known.name, known.members, (
    SELECT string_agg(uuid_send(memory_id), '') FROM (
        SELECT memory_id FROM memory_entity
        WHERE organisation_id = %(organisation)s AND key = known.name AND known.members <= %(rare)s AND {where}
        ORDER BY memory_id DESC LIMIT %(limit)s
    ) AS newest
) FROM known WHERE known.members > 0
"""
_PERIODS = """
SELECT p.place, string_agg(uuid_send(m.id), '')
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) WITH ORDINALITY AS p(starts, ends, place)
CROSS JOIN LATERAL (
    SELECT id FROM memory_memory WHERE organisation_id = %(organisation)s
    AND happened_at >= p.starts AND happened_at < p.ends AND {where} ORDER BY happened_at LIMIT %(limit)s
) AS m GROUP BY p.place
"""
# Links seen from the given memories, in both directions; of each memory at most MAX_LINKS a direction.
_LINKS = """
SELECT uuid_send(n.id), uuid_send(l.other), l.kind, l.weight, l.forward
FROM unnest(%(ids)s::uuid[]) AS n(id) CROSS JOIN LATERAL (
    (SELECT target_id AS other, kind, weight, true AS forward FROM memory_memorylink
     WHERE organisation_id = %(organisation)s AND memory_id = n.id AND target_id IS NOT NULL LIMIT %(most)s)
    UNION ALL
    (SELECT memory_id, kind, weight, false FROM memory_memorylink
     WHERE organisation_id = %(organisation)s AND target_id = n.id LIMIT %(most)s)
) AS l
"""
# Times as seconds since the epoch: a float is read in a tenth of the time of a timestamp. Whole ones of what happened: a float of
# the last microsecond of the year 9999 is the year 10000.
_TRAITS = """
SELECT uuid_send(m.id), m.thread_id, extract(epoch FROM date_trunc('second', m.happened_at))::float8,
       extract(epoch FROM m.recorded_at)::float8,
       m.asks, m.tells_time, m.importance
FROM unnest(%(ids)s::uuid[]) AS wanted(id) JOIN memory_memory AS m ON m.organisation_id = %(organisation)s AND m.id = wanted.id
WHERE {where}
"""
_NAMED = """
SELECT uuid_send(e.memory_id), e.key, e.kind FROM unnest(%(names)s::text[]) AS n(name)
CROSS JOIN unnest(%(ids)s::uuid[]) AS m(id)
JOIN memory_entity AS e ON e.organisation_id = %(organisation)s AND e.key = n.name AND e.memory_id = m.id
"""

Links = dict[Key, list[Edge]]
Named = dict[Key, list[tuple[str, str]]]


def find_names(questions: Sequence[Question]) -> Callable[[], dict[str, tuple[int, list[Key]]]]:
    """Ask which of the questions' runs of words are entities: name to members (at most RARE + 1) and, of a rare one, the newest."""
    names = list(dict.fromkeys(name for question in giving_way(questions) for name in question.wording.names))
    if not names:
        return dict
    condition, values = where(questions[0].request, "memory_id")
    values |= {"names": TextArray(names), "rare": RARE, "limit": BROUGHT}
    cursor = _execute(_NAMES.format(where=condition), questions, values)
    return lambda: {row[0]: (row[1], keys_of(row[2] or b"")) for row in cursor.fetchall()}


def names_of(question: Question, known: dict[str, tuple[int, list[Key]]]) -> Names:
    """Return one question's part of what `find_names` found."""
    own = {name: known[name] for name in question.wording.names if name in known}
    return Names(
        {name: members for name, (members, _) in own.items()},
        frozenset(key for _, newest in own.values() for key in newest),
    )


def find_in_periods(questions: Sequence[Question]) -> Callable[[], list[frozenset[Key]]]:
    """Ask for memories of the periods that the questions name by year: a set for each question."""
    bounded = [
        (number, period)
        for number, question in enumerate(questions)
        for period in question.wording.periods
        if period.start is not None
    ]
    if not bounded:
        return lambda: [frozenset() for _ in questions]
    condition, values = where(questions[0].request, "memory_memory.id")
    values |= {
        "starts": [period.start for _, period in bounded],
        "ends": [period.end for _, period in bounded],
        "limit": BROUGHT,
    }
    cursor = _execute(_PERIODS.format(where=condition), questions, values)

    def wait() -> list[frozenset[Key]]:
        found: list[set[Key]] = [set() for _ in questions]
        for place, joined in cursor.fetchall():
            found[bounded[place - 1][0]].update(keys_of(joined))
        return [frozenset(each) for each in found]

    return wait


def read_links(questions: Sequence[Question], ids: Iterable[Key]) -> Callable[[], Links]:
    """Ask for the links of given memories, each as seen from the memory it is listed under."""
    wanted = list(ids)
    if not wanted:
        return dict
    cursor = _execute(_LINKS, questions, {"ids": UuidArray(wanted), "most": MAX_LINKS})

    def wait() -> Links:
        links: Links = {}
        for source, other, kind, weight, forward in cursor.fetchall():
            links.setdefault(source, []).append(Edge(source, other, kind, weight, forward))
        return links

    return wait


def read_traits(questions: Sequence[Question], ids: Iterable[Key]) -> Callable[[], dict[Key, Traits]]:
    """Ask for the traits of those memories that the filters let through."""
    wanted = list(ids)
    if not wanted:
        return dict
    condition, values = where(questions[0].request, "m.id")
    cursor = _execute(_TRAITS.format(where=condition), questions, values | {"ids": UuidArray(wanted)})
    return lambda: {row[0]: Traits(*row[1:]) for row in cursor.fetchall()}


def read_named(
    questions: Sequence[Question], names: Iterable[str], ids: Iterable[Key]
) -> Callable[[], Named]:
    """Ask which memories are about which of the names: memory to (name, kind)."""
    wanted, among = list(names), list(ids)
    if not wanted or not among:
        return dict
    cursor = _execute(_NAMED, questions, {"names": TextArray(wanted), "ids": UuidArray(among)})

    def wait() -> Named:
        named: Named = {}
        for memory, name, kind in cursor.fetchall():
            named.setdefault(memory, []).append((name, kind))
        return named

    return wait


def _execute(statement: str, questions: Sequence[Question], values: dict[str, Any]) -> Any:
    return raw_cursor().execute(statement, values | {"organisation": questions[0].organisation}, binary=True)
