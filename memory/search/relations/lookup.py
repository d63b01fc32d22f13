"""Look up named entities, periods, links and traits.

Each function sends one statement for all questions of a batch, which share the organisation and filters, and returns a function
that waits for the result (see `memory.search.candidates`).
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.utils import timezone

from liftos.kernel.db.binary import TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.relations.spreading_activation import Edge
from memory.search.relations.statements import LINKS, NAMED, NAMES, PERIODS, TRAITS
from memory.search.signals import RARE, QueryEntities, Traits
from memory.search.types import Key, Question

# candidates per name or period
CANDIDATES = 30
# links followed per memory and direction; spreading activation damps hubs
MAX_LINKS = 50

Links = dict[Key, list[Edge]]
Named = dict[Key, list[tuple[str, str]]]


def find_names(questions: Sequence[Question]) -> Callable[[], dict[str, tuple[int, list[Key]]]]:
    """Look up candidate names: name to number of members (at most RARE + 1) and, for rare entities, the newest members."""
    names = list(
        dict.fromkeys(name for question in giving_way(questions) for name in question.analysis.names)
    )
    if not names:
        return dict
    condition, values = where(questions[0].request, "memory_id")
    values |= {"names": TextArray(names), "rare": RARE, "limit": CANDIDATES}
    cursor = _execute(NAMES.format(where=condition), questions, values)
    return lambda: {row[0]: (row[1], keys_of(row[2] or b"")) for row in cursor.fetchall()}


def entities_of(question: Question, known: dict[str, tuple[int, list[Key]]]) -> QueryEntities:
    """Return a question's entities from the result of `find_names`."""
    own = {name: known[name] for name in question.analysis.names if name in known}
    return QueryEntities(
        {name: members for name, (members, _) in own.items()},
        frozenset(key for _, newest in own.values() for key in newest),
    )


def find_in_periods(questions: Sequence[Question]) -> Callable[[], list[frozenset[Key]]]:
    """Look up memories in the dated periods that the questions name: one set per question."""
    bounded = [
        (number, period)
        for number, question in enumerate(questions)
        for period in question.analysis.periods
        if period.start is not None
    ]
    if not bounded:
        return lambda: [frozenset() for _ in questions]
    condition, values = where(questions[0].request, "memory_memory.id")
    values |= {
        "starts": [period.start for _, period in bounded],
        "ends": [period.end for _, period in bounded],
        "limit": CANDIDATES,
    }
    cursor = _execute(PERIODS.format(where=condition), questions, values)

    def wait() -> list[frozenset[Key]]:
        found: list[set[Key]] = [set() for _ in questions]
        for place, joined in cursor.fetchall():
            found[bounded[place - 1][0]].update(keys_of(joined))
        return [frozenset(each) for each in found]

    return wait


def read_links(questions: Sequence[Question], ids: Iterable[Key]) -> Callable[[], Links]:
    """Read the links of memories that hold at the time of the search, as seen from each."""
    wanted = list(ids)
    if not wanted:
        return dict
    at = questions[0].request.as_of or timezone.now()
    cursor = _execute(LINKS, questions, {"ids": UuidArray(wanted), "most": MAX_LINKS, "at": at})

    def wait() -> Links:
        links: Links = {}
        for source, other, kind, weight, forward in cursor.fetchall():
            links.setdefault(source, []).append(Edge(source, other, kind, weight, forward))
        return links

    return wait


def read_traits(questions: Sequence[Question], ids: Iterable[Key]) -> Callable[[], dict[Key, Traits]]:
    """Read the traits of the memories that pass the filters."""
    wanted = list(ids)
    if not wanted:
        return dict
    condition, values = where(questions[0].request, "m.id")
    cursor = _execute(TRAITS.format(where=condition), questions, values | {"ids": UuidArray(wanted)})
    return lambda: {row[0]: Traits(*row[1:]) for row in cursor.fetchall()}


def read_named(
    questions: Sequence[Question], names: Iterable[str], ids: Iterable[Key]
) -> Callable[[], Named]:
    """Read which of the names each memory has as entities: memory to (name, kind)."""
    wanted, among = list(names), list(ids)
    if not wanted or not among:
        return dict
    cursor = _execute(NAMED, questions, {"names": TextArray(wanted), "ids": UuidArray(among)})

    def wait() -> Named:
        named: Named = {}
        for memory, name, kind in cursor.fetchall():
            named.setdefault(memory, []).append((name, kind))
        return named

    return wait


def _execute(statement: str, questions: Sequence[Question], values: dict[str, Any]) -> Any:
    return raw_cursor().execute(statement, values | {"organisation": questions[0].organisation}, binary=True)
