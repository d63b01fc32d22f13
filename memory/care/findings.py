"""Find doubles and superseded facts of changed memories, and stale and contradicted ones; inside a tenant transaction."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import unpack_halfvecs
from liftos.kernel.db.transactions import raw_cursor, read_column
from liftos.kernel.embedding.types import ModelInfo
from memory.analysis.facts import Fact, facts_of
from memory.analysis.value_keys import folded_number, form_key
from memory.care.doubles import NEAREST, confidence_of_double, words_of
from memory.care.statements import (
    ADD_FACTS,
    ALL_VECTORS,
    BELIEVED,
    CONTRADICTING,
    ENDED,
    FORGET_FACTS,
    NEAREST_IN_GRAPH,
    SAME_FACTS,
    VECTORS_OF,
    WITHOUT_SOURCES,
)
from memory.care_types import Finding, Kind
from memory.index.collection_statistics import get_corpus
from memory.index.vector_graph import GRAPH_ROWS, is_indexed
from memory.search.arms.meaning.planner_settings import plan_as_usual, plan_for_graph

NEIGHBOURS = 24
"""The nearest memories that are compared with a changed one."""
SERIES = 8
"""Memories of one subject and attribute from which they are taken for a series, in which nothing replaces anything."""
_BLOCK = 500


@dataclass(frozen=True, slots=True)
class Believed:
    """A memory that is still believed."""

    id: UUID
    content: str
    happened_at: datetime
    recorded_at: datetime

    @property
    def place(self) -> tuple[datetime, datetime, bytes]:
        """Its place in time."""
        return self.happened_at, self.recorded_at, self.id.bytes


def read_believed(organisation: UUID, ids: Sequence[UUID]) -> dict[UUID, Believed]:
    """Return those of some memories that are believed and short enough to be compared."""
    rows = raw_cursor().execute(BELIEVED, {"organisation": organisation, "ids": list(ids)})
    return {row[0]: Believed(*row[:4]) for row in rows.fetchall()}


def doubles_of(
    organisation: UUID, scope: int, number: int, model: ModelInfo, memories: Sequence[UUID]
) -> list[Finding]:
    """Return the doubles of changed memories among all of their scope: the later of two is to go.

    Args:
        organisation: the tenant.
        scope: an access scope.
        number: the model's, whose vectors are compared.
        model: the same.
        memories: the changed ones.
    """
    near = _nearest(organisation, scope, number, model, memories)
    texts = read_believed(organisation, list({each for one, other, _ in near for each in (one, other)}))
    words = {ident: words_of(each.content) for ident, each in texts.items()}
    best: dict[UUID, Finding] = {}
    for one, other, cosine in near:
        if one not in texts or other not in texts:
            continue
        sure = confidence_of_double(words[one], words[other], cosine)
        if sure is None:
            continue
        kept, gone = sorted((texts[one], texts[other]), key=lambda each: each.place)
        reason = f"It says the same as an earlier memory, in nearly the same words (similarity {cosine:.2f})."
        finding = Finding(Kind.DOUBLE, gone.id, kept.id, sure, reason)
        if gone.id not in best or best[gone.id].confidence < sure:
            best[gone.id] = finding
    return list(best.values())


def superseded_by(organisation: UUID, scope: int, memories: Sequence[UUID]) -> list[Finding]:
    """Index the facts of changed memories; return those whose value a later memory replaces."""
    texts = read_believed(organisation, memories)
    facts = {ident: facts_of(each.content) for ident, each in texts.items()}
    raw_cursor().execute(FORGET_FACTS, (organisation, list(memories)))
    pairs = [(_key(organisation, fact), ident) for ident, own in facts.items() for fact in own]
    if not pairs:
        return []
    keys = sorted({key for key, _ in pairs})
    raw_cursor().execute(
        ADD_FACTS,
        {
            "organisation": organisation,
            "keys": [key for key, _ in pairs],
            "ids": [ident for _, ident in pairs],
        },
    )
    sharing: defaultdict[int, list[UUID]] = defaultdict(list)
    values = {"organisation": organisation, "scope": scope, "keys": keys, "most": SERIES + 1}
    for key, ident in raw_cursor().execute(SAME_FACTS, values):
        sharing[key].append(ident)
    groups = {key: some for key, some in sharing.items() if 1 < len(some) <= SERIES}
    known = read_believed(organisation, list({each for some in groups.values() for each in some}))
    found: dict[UUID, Finding] = {}
    for key, some in groups.items():
        for finding in _replaced(organisation, key, [known[each] for each in some if each in known]):
            found.setdefault(finding.memory, finding)
    return list(found.values())


def stale(organisation: UUID, scope: int, limit: int) -> Iterator[Finding]:
    """Yield memories whose validity has ended, and those whose sources are all gone."""
    values = {"organisation": organisation, "scope": scope, "limit": limit}
    for memory in read_column(ENDED, values):
        yield Finding(Kind.STALE, memory, memory, 0.95, "Its validity has ended.")
    for memory in read_column(WITHOUT_SOURCES, values):
        yield Finding(
            Kind.STALE, memory, memory, 0.7, "None of the memories it is derived from is believed any more."
        )


def contradicted(organisation: UUID, scope: int, limit: int) -> Iterator[Finding]:
    """Yield active memories that another active one contradicts by a link."""
    values = {"organisation": organisation, "scope": scope, "limit": limit}
    for memory, other in raw_cursor().execute(CONTRADICTING, values).fetchall():
        yield Finding(
            Kind.CONTRADICTION, memory, other, 0.6, "Another active memory contradicts it by a link."
        )


def _replaced(organisation: UUID, key: int, memories: Sequence[Believed]) -> Iterator[Finding]:
    """Yield those of the memories of one fact whose value the latest replaces."""
    stated: list[tuple[Believed, Fact]] = []
    for each in memories:
        stated += [(each, fact) for fact in facts_of(each.content) if _key(organisation, fact) == key]
    if len(stated) < 2:
        return
    stated.sort(key=lambda pair: pair[0].place)
    latest, newest = stated[-1]
    for each, fact in stated[:-1]:
        if each.id != latest.id and newest.value.replaces(fact.value):
            named = fact.attribute
            reason = f"A later memory states another value for the same subject's {named}."
            yield Finding(Kind.SUPERSESSION, each.id, latest.id, 0.9, reason[:300])


def _key(organisation: UUID, fact: Fact) -> int:
    number = folded_number((form_key(organisation, f"fact\x00{fact.key}"),))
    assert number is not None  # noqa: S101  of one key
    return number


def _nearest(
    organisation: UUID, scope: int, number: int, model: ModelInfo, memories: Sequence[UUID]
) -> list[tuple[UUID, UUID, float]]:
    if get_corpus(organisation).documents >= GRAPH_ROWS and is_indexed(number):
        return _nearest_in_graph(organisation, scope, number, model, memories)
    values = {"organisation": organisation, "scope": scope, "model": number}
    ids, matrix = _vectors(ALL_VECTORS, values)
    mine, own = _vectors(VECTORS_OF, values | {"ids": list(memories)})
    return _compare(mine, own, ids, matrix)


def _nearest_in_graph(
    organisation: UUID, scope: int, number: int, model: ModelInfo, memories: Sequence[UUID]
) -> list[tuple[UUID, UUID, float]]:
    values = {
        "organisation": organisation, "scope": scope, "ids": list(memories), "limit": NEIGHBOURS + 1, "farthest": 1 - NEAREST,
    }  # fmt: skip
    plan_for_graph(get_corpus(organisation).documents)
    statement = NEAREST_IN_GRAPH.format(dimension=model.dimension, model=number)
    found = [(one, other, float(cosine)) for one, other, cosine in raw_cursor().execute(statement, values)]
    plan_as_usual()
    # those that have not entered the graph yet
    values = {"organisation": organisation, "scope": scope, "model": number}
    ids, matrix = _vectors(ALL_VECTORS.replace("AND passage = 0", "AND passage = 0 AND NOT in_graph"), values)
    mine, own = _vectors(VECTORS_OF, values | {"ids": list(memories)})
    return found + _compare(mine, own, ids, matrix)


def _vectors(statement: str, values: dict[str, object]) -> tuple[list[UUID], np.ndarray]:
    row = raw_cursor().execute(statement, values, binary=True).fetchone()
    if row is None or row[0] is None:
        return [], np.empty((0, 0), np.float32)
    ids = [UUID(bytes=bytes(row[0][start : start + 16])) for start in range(0, len(row[0]), 16)]
    return ids, unpack_halfvecs(row[1], len(ids)).astype(np.float32)


def _compare(
    mine: Sequence[UUID], own: np.ndarray, ids: Sequence[UUID], matrix: np.ndarray
) -> list[tuple[UUID, UUID, float]]:
    found: list[tuple[UUID, UUID, float]] = []
    if not len(mine) or not len(ids):
        return found
    for start in range(0, len(mine), _BLOCK):
        cosines = own[start : start + _BLOCK] @ matrix.T
        most = min(NEIGHBOURS + 1, len(ids))
        nearest = np.argpartition(-cosines, most - 1, axis=1)[:, :most]
        for row, places in enumerate(nearest):
            one = mine[start + row]
            found += [
                (one, ids[place], float(cosines[row, place]))
                for place in places
                if cosines[row, place] >= NEAREST and ids[place] != one
            ]
    return found
