"""`/api/v1/search/batch`: several queries in one request."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.views import NativeView
from liftos.kernel.precedence import giving_way
from liftos.kernel.tenancy.types import Scope
from memory.api.search import FoundMemory, PassageOut
from memory.api.shared import NO_SPACE
from memory.search.as_json import any_cut, found_memory, scored_id, verdicts
from memory.search.inputs import NativeSearches
from memory.search.service import search_many
from memory.search.types import AbstainReason


class ScoredId(BaseModel):
    """A hit in a batch; its memory is in `memories`."""

    id: UUID
    score: float
    collapsed: int
    terms: dict[str, float]
    passage: PassageOut | None


class SearchesOut(BaseModel):
    """Results of several queries: ids and scores in the order of the queries; each memory once, by id.

    `abstained`, `abstain_reason` and `collapsed` are in the order of the queries too.
    """

    results: list[list[ScoredId]]
    memories: dict[str, FoundMemory]
    next: None
    search_type: str
    degraded: list[str]
    abstained: list[bool]
    abstain_reason: list[AbstainReason | None]
    confidence: list[float | None]
    collapsed: list[int]
    decision_id: UUID
    correlation_id: str
    truncated: bool | None = None


class SearchBatch(NativeView):
    """Several queries in one request."""

    scopes = {"POST": Scope.MEMORY_READ}
    costly = True

    def cost(self) -> int:
        """Return the number of queries."""
        queries = self.json.get("queries") if isinstance(self.json, dict) else None
        return len(queries) if isinstance(queries, list) else 1

    @extend_schema(
        operation_id="search_batch_native",
        request=NativeSearches,
        responses={200: SearchesOut, 404: NO_SPACE},
    )
    def post(self, request: Request) -> Response:
        """Search for each query, under one decision record. Results are in the order of the queries, each memory once."""
        del request
        asked, principal = self.body(NativeSearches), self.principal
        answers = search_many(
            organisation=principal.organisation,
            by=principal.actor,
            queries=asked.queries,
            request=asked.request(),
        )
        return Response(
            {
                "results": [[scored_id(hit) for hit in hits] for hits in giving_way(answers.hits)],
                "memories": {
                    str(hit.id): found_memory(hit) for hits in giving_way(answers.hits) for hit in hits
                },
                "next": None,
                "search_type": str(answers.search_type),
                "degraded": list(answers.degraded),
                **verdicts(answers),
                "decision_id": str(answers.decision),
                "correlation_id": self.correlation_id,
            }
            | any_cut(hit for hits in answers.hits for hit in hits)
        )
