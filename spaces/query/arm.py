"""The conceptual arm of search: ranks memories by similarity to a target on the dimensions that count."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import numpy as np

from liftos.kernel.db.binary import UuidArray
from liftos.kernel.db.transactions import raw_cursor, seen_by_current_viewer
from liftos.kernel.db.viewers import seeing_everything
from memory.search.arms.interface import Arm, Found
from memory.search.filter_sql import where
from memory.search.keys import keys_of
from memory.search.types import Key, Question, SearchRequest, SearchType
from spaces.geometry.metric import similarities
from spaces.query.matrix import PositionMatrix, matrix_of
from spaces.query.statements import FILTERED_MEMBERS, MEMBERS_AMONG
from spaces.query.targets import Target, confine, targets_for
from spaces.types import Array

# The best candidates (a multiple of the limit, and a minimum) are filtered first; if too few pass, all memories are filtered.
OVERSAMPLING = 4
MIN_CANDIDATES = 200


class ConceptualArm(Arm):
    """Scores exp(-c · distance) to the target, times the known share of the weight and its confidence: 0..1.

    It takes part in hybrid search if the request names a space, or a target in one (measured in docs/spaces.md).
    """

    name = "conceptual"
    search_types = frozenset({SearchType.CONCEPTUAL, SearchType.HYBRID})
    # queries that name no dimension don't need it
    is_optional = True

    def takes_part(self, request: SearchRequest) -> bool:
        """Return whether the search is conceptual, or names a space or a target in one."""
        return request.is_conceptual or request.is_by_one_arm

    def prepare(
        self, organisation: UUID, queries: Sequence[str], request: SearchRequest
    ) -> Sequence[Target | None]:
        """Return each query's target. See `memory.search.arms.interface.Arm`."""
        return targets_for(organisation=organisation, queries=queries, request=request)

    def find(self, questions: Sequence[Question], limit: int) -> Callable[[], list[Found]]:
        """Compare all members with the target. See `memory.search.arms.interface.Arm`."""
        return lambda: [_find(question, question.prepared[self.name], limit) for question in questions]


class SpaceScope:
    """Restricts a search of any type to the members of the space it names."""

    def confine(self, organisation: UUID, request: SearchRequest) -> SearchRequest:
        """Return the request restricted to the members. See `memory.ports.Scope`."""
        return confine(organisation, request)

    def test(self, column: str) -> str:
        """Return an SQL condition that is true for members."""
        # not EXISTS: within it an unqualified column name would refer to the subquery
        return (
            f"{column} IN (SELECT own.memory_id FROM spaces_member AS own "
            "WHERE own.organisation_id = %(organisation)s AND own.space_id = %(members_of)s)"
        )


def scores_of(points: Array, target: Target) -> Array:
    """Return the arm's scores, 0..1, shape (n,): similarity times the weighted mean confidence.

    Args:
        points: from `PositionMatrix`, shape (n, 2k).
        target: in k dimensions.
    """
    size = len(target.point)
    near, _ = similarities(points[:, :size], target.point, target.metric)
    counted = np.where(np.isnan(target.point), 0.0, target.metric.weights)
    # unknown coordinates have confidence 0
    return near * (points[:, size:] @ (counted / counted.sum()))


def _matrix(question: Question, target: Target) -> PositionMatrix:
    return matrix_of(
        organisation=question.organisation, layout=target.view.layout.id, dimensions=target.view.dimensions
    )


def _find(question: Question, target: Target, limit: int) -> Found:
    matrix = _matrix(question, target)
    keys, points = matrix.refresh()
    scores = scores_of(points, target)
    if target.excluded is not None:
        for place in matrix.places_of([target.excluded.bytes]):
            if place is not None and place < len(scores):
                scores[place] = 0.0
    # every memory with a position in the layout is a member
    condition, values = where(replace(question.request, members_of=None), "p.memory_id")
    values |= {"organisation": question.organisation, "layout": target.view.layout.id}
    wanted = max(MIN_CANDIDATES, OVERSAMPLING * limit)
    best = _best(scores, keys, wanted)
    passing = _read_keys(
        MEMBERS_AMONG.format(where=condition), values | {"ids": UuidArray(keys[place] for place in best)}
    )
    plan = "all compared"
    chosen = [place for place in best if keys[place] in passing]
    if len(chosen) < limit and len(best) == wanted:
        passing = _read_keys(FILTERED_MEMBERS.format(where=condition), values)
        places = [
            place for place in matrix.places_of(list(passing)) if place is not None and place < len(keys)
        ]
        allowed = np.zeros(len(keys))
        allowed[places] = scores[places]
        chosen = _best(allowed, keys, limit)
        plan = "filtered, all that pass compared"
    elif not question.request.is_filtered:
        _forget_removed(
            question, target, matrix, [keys[place] for place in best if keys[place] not in passing]
        )
    return Found(
        {keys[place]: float(scores[place]) for place in chosen},
        plan,
        ask=lambda ids: partial(_score, question, target, ids),
    )


def _score(question: Question, target: Target, ids: Sequence[Key]) -> dict[Key, float]:
    """Return the scores of some memories, without those that are not in the space."""
    matrix = _matrix(question, target)
    _, points = matrix.refresh()
    placed = [(key, place) for key, place in zip(ids, matrix.places_of(list(ids)), strict=True)]
    known = [(key, place) for key, place in placed if place is not None and place < len(points)]
    if not known:
        return {}
    scores = scores_of(points[[place for _, place in known]], target)
    return {key: score for (key, _), score in zip(known, scores.tolist(), strict=True) if score}


def _best(scores: Array, keys: Sequence[Key], count: int) -> list[int]:
    """Return the places of the highest scores above 0; ties by id, so that searches are deterministic."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > count:
        edge = np.partition(scores[positive], len(positive) - count)[len(positive) - count]
        # keep all that tie with the last, so that the ids decide among them
        positive = positive[scores[positive] >= edge]
    ordered = sorted(positive.tolist(), key=lambda place: (-scores[place], keys[place]))
    return ordered[:count]


def _read_keys(statement: str, values: dict[str, Any]) -> set[Key]:
    row = raw_cursor().execute(statement, values, binary=True).fetchone()
    return set(keys_of(bytes(row[0]))) if row and row[0] else set()


def _forget_removed(question: Question, target: Target, matrix: PositionMatrix, missing: list[Key]) -> None:
    """Drop memories from the matrix that have been removed from the space."""
    if missing:
        values = {
            "organisation": question.organisation,
            "layout": target.view.layout.id,
            "ids": UuidArray(missing),
        }
        # what the caller can't see has not been removed
        with seeing_everything(), seen_by_current_viewer():
            present = _read_keys(MEMBERS_AMONG.format(where="true"), values)
        matrix.forget([key for key in missing if key not in present])
