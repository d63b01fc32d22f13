"""Searching decisions by meaning and words, with what came of them. Every search is recorded."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import Any
from uuid import UUID

from accountability.conditions import Conditions, matching
from accountability.models import DecisionRecord
from accountability.operations import record
from accountability.queries import as_decision
from accountability.search.statements import COUNT_TEXTS, NEAREST, SCORED, TERMS, WORDIEST
from accountability.types import Decision, Effect
from liftos.kernel.db.binary import HalfVec
from liftos.kernel.db.transactions import raw_cursor, read_value, tenant_transaction
from liftos.kernel.db.viewers import scope_of_act
from liftos.kernel.embedding import EmbedderUnavailable, TextKind, get_manager
from liftos.kernel.embedding.catalogue import model_number
from liftos.kernel.embedding.types import Profile
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor

CANDIDATES = 200
_MEANING, _WORDS = 0.6, 0.4
ENOUGH_MEANING = 0.2
"""The share by meaning from which a decision is a hit: below what counts as about the same in a search, for a question rarely has the words of an answer."""
ENOUGH_WORDS = 0.5
"""The share of a query's words, by their weights, from which a decision is a hit whatever its meaning."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A decision found.

    Attributes:
        decision: as recorded.
        score: 0..1, the weighted sum of both shares.
        meaning: share by meaning, 0..1; None while it has no vector.
        words: share of the query's words, weighted by how rare they are, 0..1.
    """

    decision: Decision
    score: float
    meaning: float | None
    words: float


@dataclass(frozen=True, slots=True)
class Found:
    """An answer: hits, best first; the search's own record; whether the model was unavailable."""

    hits: list[Hit]
    decision: UUID
    degraded: bool


@dataclass(frozen=True, slots=True)
class _Question:
    organisation: UUID
    model: int | None
    vector: Any
    profile: Profile
    weights: dict[str, float]


def search_decisions(
    *, organisation: UUID, by: Actor, query: str, conditions: Conditions, limit: int
) -> Found:
    """Return the decisions nearest to a question by meaning and words, best first.

    A decision is found if it is about the question (its share by meaning is ENOUGH_MEANING or more), or contains ENOUGH_WORDS.
    Exact: every indexed decision that passes the conditions is compared.

    Args:
        organisation: whose.
        by: who asks.
        query: a question or words.
        conditions: on the decisions.
        limit: 1-100.
    """
    with observe_operation("decision.search", organisation=str(organisation)):
        model, vector, profile = _embed(organisation, query)
        with tenant_transaction(organisation):
            weights = _weights(organisation, query)
            asked = _Question(organisation, model, vector, profile, weights)
            hits = _rank(asked, _candidates(asked, conditions))[:limit]
            rows = {
                row.id: row
                for row in DecisionRecord.objects.filter(
                    organisation_id=organisation, id__in=[ident for ident, *_ in hits]
                ).select_related("payload")
            }
            found = [
                Hit(as_decision(rows[ident]), score, meaning, words)
                for ident, score, meaning, words in hits
                if ident in rows
            ]
            decision = _record(organisation, by, conditions, found, rows.values(), model is None)
    return Found(found, decision, model is None)


def _embed(organisation: UUID, query: str) -> tuple[int | None, Any, Profile]:
    manager = get_manager()
    try:
        vector = manager.embed(query, kind=TextKind.QUERY, organisation=organisation)
        return model_number(manager.model), HalfVec(vector), manager.profile
    except EmbedderUnavailable:
        return None, None, Profile()


def _weights(organisation: UUID, query: str) -> dict[str, float]:
    """Return the terms of a query with their inverse document frequency."""
    total = read_value(COUNT_TEXTS, [organisation])
    rows = raw_cursor().execute(TERMS, {"organisation": organisation, "query": query})
    return {term: log(1 + (total - count + 0.5) / (count + 0.5)) for term, count in rows.fetchall()}


def _candidates(asked: _Question, conditions: Conditions) -> list[UUID]:
    condition, values = "", []
    if any(conditions.values()):
        wanted = matching(organisation=asked.organisation, conditions=conditions).values("id").query
        sql, parameters = wanted.sql_with_params()
        condition, values = f"AND t.decision_id IN ({sql})", list(parameters)
    found: dict[UUID, None] = {}
    with raw_cursor() as cursor:
        if asked.model is not None:
            cursor.execute(
                NEAREST.format(condition=condition),
                [asked.organisation, asked.model, *values, asked.vector, CANDIDATES],
            )
            found |= dict.fromkeys(row[0] for row in cursor.fetchall())
        if asked.weights:
            terms = " | ".join(_quoted(term) for term in asked.weights)
            cursor.execute(
                WORDIEST.format(condition=condition),
                [asked.organisation, terms, *values, terms, CANDIDATES],
            )
            found |= dict.fromkeys(row[0] for row in cursor.fetchall())
    return list(found)


def _quoted(term: str) -> str:
    escaped = term.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def _rank(asked: _Question, candidates: Sequence[UUID]) -> list[tuple[UUID, float, float | None, float]]:
    values = {
        "organisation": asked.organisation,
        "ids": list(candidates),
        "model": asked.model,
        "vector": asked.vector,
        "terms": list(asked.weights),
    }
    total = sum(asked.weights.values())
    scored: list[tuple[UUID, float, float | None, float]] = []
    for ident, cosine, matched in raw_cursor().execute(SCORED, values):
        meaning = None if cosine is None else asked.profile.share(cosine)
        words = sum(asked.weights[term] for term in matched) / total if total else 0.0
        if (meaning or 0.0) >= ENOUGH_MEANING or words >= ENOUGH_WORDS:
            score = _MEANING * (meaning or 0.0) + _WORDS * words
            scored.append(
                (ident, round(score, 6), None if meaning is None else round(meaning, 6), round(words, 6))
            )
    # of equals, the newest
    return sorted(scored, key=lambda each: (each[1], each[0]), reverse=True)


def _record(
    organisation: UUID,
    by: Actor,
    conditions: Conditions,
    hits: Sequence[Hit],
    rows: Any,
    degraded: bool,
) -> UUID:
    return record(
        organisation=organisation,
        by=by,
        operation="decision.search",
        effect=Effect.READ,
        reasoning=f"Found {len(hits)} earlier decisions by meaning and words."
        + (" By words alone: the embedder is unavailable." if degraded else ""),
        # no texts of the question, as for searches of memories: it is compared, and may hold a secret
        inputs={"narrowed_by": sorted(name for name, value in conditions.items() if value)},
        outputs={"results": [{"id": each.decision.id, "score": each.score} for each in hits]},
        scope_id=scope_of_act(row.scope_id for row in rows),
    )
