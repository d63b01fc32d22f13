"""Look-ups of relations: the names and periods in questions, links between memories, and traits.

Each function serves all questions of a batch with one statement, and returns what waits for its answer (see
`memory.search.candidates`). The questions are of one organisation and under the same filters.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from liftos.kernel.db.binary import TextArray, UuidArray
from liftos.kernel.db.transactions import raw_cursor
from liftos.kernel.precedence import giving_way
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.relations.spreading_activation import Edge
from memory.search.relations.statements import LINKS, NAMED, NAMES, PERIODS, TRAITS
from memory.search.signals import RARE, QueryEntities, Traits
from memory.search.types import Key, Question

BROUGHT = 30
# links followed from one memory; a hub has more, and weighs less for it
MAX_LINKS = 50

Links = dict[Key, list[Edge]]
Named = dict[Key, list[tuple[str, str]]]


def find_names(questions: Sequence[Question]) -> Callable[[], dict[str, tuple[int, list[Key]]]]:
    """Ask which of the questions' runs of words are entities: name to members (at most RARE + 1) and, of a rare one, the newest."""
    names = list(
        dict.fromkeys(name for question in giving_way(questions) for name in question.analysis.names)
    )
    if not names:
        return dict
    condition, values = where(questions[0].request, "memory_id")
    values |= {"names": TextArray(names), "rare": RARE, "limit": BROUGHT}
    cursor = _execute(NAMES.format(where=condition), questions, values)
    return lambda: {row[0]: (row[1], keys_of(row[2] or b"")) for row in cursor.fetchall()}


def entities_of(question: Question, known: dict[str, tuple[int, list[Key]]]) -> QueryEntities:
    """Return one question's part of what `find_names` found."""
    own = {name: known[name] for name in question.analysis.names if name in known}
    return QueryEntities(
        {name: members for name, (members, _) in own.items()},
        frozenset(key for _, newest in own.values() for key in newest),
    )


def find_in_periods(questions: Sequence[Question]) -> Callable[[], list[frozenset[Key]]]:
    """Ask for memories of the periods that the questions name by year: a set for each question."""
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
        "limit": BROUGHT,
    }
    cursor = _execute(PERIODS.format(where=condition), questions, values)

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
    cursor = _execute(LINKS, questions, {"ids": UuidArray(wanted), "most": MAX_LINKS})

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
    cursor = _execute(TRAITS.format(where=condition), questions, values | {"ids": UuidArray(wanted)})
    return lambda: {row[0]: Traits(*row[1:]) for row in cursor.fetchall()}


def read_named(
    questions: Sequence[Question], names: Iterable[str], ids: Iterable[Key]
) -> Callable[[], Named]:
    """Ask which memories are about which of the names: memory to (name, kind)."""
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
