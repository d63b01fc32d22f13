"""`/api/v1/decisions/search`: whether something was decided before, and what came of it."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field, field_validator
from rest_framework.request import Request
from rest_framework.response import Response

from accountability.api.decisions import DecisionOut, render
from accountability.api.reviews import ReviewOut, render_review
from accountability.conditions import Conditions
from accountability.reviews.queries import list_reviews_of, states_of
from accountability.search.operations import search_decisions
from accountability.types import Effect, ReviewState
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import EndMoment, Moment, not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope


class DecisionSearchIn(Strict):
    """A question about earlier decisions; the other fields narrow as in the list of decisions."""

    query: str = Field(min_length=1, max_length=2_000)
    limit: int = Field(default=10, ge=1, le=100)
    operation: str = Field(default="", max_length=100)
    subject_id: str = Field(default="", max_length=200)
    actor: str = Field(default="", max_length=200)
    effect: Effect | None = None
    since: Moment | None = None
    until: EndMoment | None = None

    in_order = not_before("until", "since")

    @field_validator("query")
    @classmethod
    def says_something(cls, query: str) -> str:
        """Refuse white space alone."""
        if not query.strip():
            raise ValueError("must not be blank")
        return query.strip()

    @property
    def conditions(self) -> Conditions:
        """The conditions on decisions."""
        return {
            "operation": self.operation,
            "subject_id": self.subject_id,
            "actor": self.actor,
            "effect": self.effect,
            "since": self.since,
            "until": self.until,
        }


class DecisionTerms(BaseModel):
    """The shares that make a score; `meaning` is null while a decision has no vector."""

    meaning: float | None
    words: float


class DecisionHit(BaseModel):
    """A decision found, with its verdicts, oldest first; its outcomes are in `decision`.

    `state` is that of its review, null if it was never queued.
    """

    score: float
    terms: DecisionTerms
    decision: DecisionOut
    state: ReviewState | None
    reviews: list[ReviewOut]


class DecisionSearchOut(BaseModel):
    """Decisions, best first; `decision_id` is the search's own record. `degraded` names arms that were unavailable."""

    results: list[DecisionHit]
    next: None
    degraded: list[str]
    decision_id: UUID


class DecisionSearch(NativeView):
    """Search of decisions."""

    scopes = {"POST": Scope.DECISIONS_READ}

    @described("decisions_search", request=DecisionSearchIn, responses={200: DecisionSearchOut})
    def post(self, request: Request) -> Response:
        """Find earlier decisions by meaning and words, with their verdicts and outcomes."""
        del request
        asked = self.body(DecisionSearchIn)
        found = search_decisions(
            **self.caller, query=asked.query, conditions=asked.conditions, limit=asked.limit
        )
        decisions = [hit.decision for hit in found.hits]
        ids = [each.id for each in decisions]
        with tenant_transaction(self.organisation):
            shown = render(self.organisation, decisions)
            states = states_of(organisation=self.organisation, decisions=ids)
            reviews = list_reviews_of(organisation=self.organisation, decisions=ids)
        results: list[dict[str, Any]] = [
            {
                "score": hit.score,
                "terms": {"meaning": hit.meaning, "words": hit.words},
                "decision": decision,
                "state": states.get(hit.decision.id),
                "reviews": [render_review(each) for each in reviews.get(hit.decision.id, ())],
            }
            for hit, decision in zip(found.hits, shown, strict=True)
        ]
        return Response(
            {
                "results": results,
                "next": None,
                "degraded": ["meaning"] if found.degraded else [],
                "decision_id": str(found.decision),
            }
        )
