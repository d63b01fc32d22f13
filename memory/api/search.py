"""`/api/v1/search`: explained search."""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import NO_SPACE
from memory.search.as_json import any_cut, native_hit, verdict
from memory.search.inputs import NativeSearch
from memory.search.pages import DEEPEST, count_findable, first_depth
from memory.search.prompt import as_prompt
from memory.search.service import search
from memory.search.types import MAX_LIMIT, AbstainReason, SearchRequest


class PromptQuery(BaseModel):
    """Options that can be given in the query string instead of the body."""

    format: Literal["results", "prompt"] | None = None
    token_budget: int | None = Field(default=None, ge=1, le=1_000_000)


class TermOut(BaseModel):
    """A term of a score: value = share * weight; `raw` is the arm's own score."""

    arm: str
    raw: float
    share: float
    weight: float
    value: float


class PathStepOut(BaseModel):
    """A relation through which a memory was found: a link from the memory `source`, or a named entity."""

    kind: str
    source: UUID | None
    forward: bool
    name: str


class FoundMemory(BaseModel):
    """A found memory; `truncated` is present if its content was cut (`GET /api/v1/memories/{memory}` returns all of it)."""

    id: UUID
    content: str | dict[str, Any]
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    recorded_at: datetime
    state: str
    version: int
    valid_from: datetime | None
    valid_to: datetime | None
    truncated: bool | None = None


class PassageOut(BaseModel):
    """The passage of a memory that matches best: its content from `start` to `end`, in characters (Unicode code points).

    All of a memory that is one passage. `page` and `heading` are those in which it begins, if known.
    """

    text: str
    start: int
    end: int
    page: int | None = None
    heading: str | None = None


class SearchHit(FoundMemory):
    """A found memory with its score, the sum of `terms`."""

    score: float
    collapsed: int = Field(description="near-doubles that this hit stands for")
    terms: dict[str, float]
    explanation: list[TermOut]
    path: list[PathStepOut]
    passage: PassageOut | None


class SearchOut(BaseModel):
    """Search results; with `format=prompt`, `results` are those in `prompt`, and `tokens` is its size.

    `next` and `previous` are cursors; `total`, if asked for, is the number of memories that pass the conditions.
    `abstained` is true if nothing found is likely to answer the query, with the reason.
    """

    results: list[SearchHit]
    next: str | None
    previous: str | None
    search_type: str
    candidates: int
    degraded: list[str]
    abstained: bool
    abstain_reason: AbstainReason | None
    confidence: float | None
    collapsed: int
    plans: dict[str, str]
    decision_id: UUID
    correlation_id: str
    total: int | None = None
    prompt: str | None = None
    tokens: int | None = None
    truncated: bool | None = None


class PagedSearch(NativeSearch):
    """A search, a page of it, and the number of memories that pass its conditions. An empty query lists them, newest first."""

    cursor: str = Field(default="", max_length=200)
    total: bool = False

    def request(self) -> SearchRequest:
        """Return the search request for the page.

        Raises:
            InvalidRequest: the cursor is not one of this search, or the page lies too deep.
        """
        asked = super().request()
        if not self.cursor:
            return asked
        offset, depth = self._place()
        if offset + self.limit > DEEPEST:
            message = f"At most the best {DEEPEST:,} can be paged through"
            raise InvalidRequest([item("cursor", ("body", "cursor"), message, self.cursor)])
        return replace(asked, offset=offset, depth=depth)

    def cursor_at(self, offset: int, asked: SearchRequest) -> str | None:
        """Return the cursor of the page that begins after so many hits; None beyond the deepest."""
        if offset + self.limit > DEEPEST:
            return None
        place = f"{offset}:{asked.depth or first_depth(asked)}:{self._digest()}"
        return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")

    def _place(self) -> tuple[int, int]:
        """Return how many hits the page leaves out, and the candidates per arm of the first page."""
        try:
            packed = base64.b64decode(self.cursor + "=" * (-len(self.cursor) % 4), b"-_", validate=True)
            offset, depth, digest = packed.decode("ascii").split(":")
            place = int(offset), int(depth)
        except ValueError:
            place, digest = (-1, -1), ""
        if not (0 <= place[0] <= DEEPEST and 0 < place[1] <= MAX_LIMIT and digest == self._digest()):
            raise InvalidRequest(
                [item("cursor", ("body", "cursor"), "Not a cursor of this search", self.cursor)]
            )
        return place

    def _digest(self) -> str:
        asked = self.model_dump_json(exclude={"cursor", "total", "limit", "format", "token_budget"})
        return hashlib.sha256(asked.encode()).hexdigest()[:16]


class Search(NativeView):
    """Explained search."""

    scopes = {"POST": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="search_native",
        request=PagedSearch,
        parameters=query_parameters(PromptQuery),
        responses={200: SearchOut, 404: NO_SPACE},
    )
    def post(self, request: Request) -> Response:
        """Search memories. Each score is the sum of its terms; `format=prompt` adds text for a prompt."""
        del request
        if isinstance(self.json, dict):
            self.json |= self.query(PromptQuery).model_dump(exclude_none=True)
        asked, principal = self.body(PagedSearch), self.principal
        asked_for = asked.request()
        answer = search(organisation=principal.organisation, by=principal.actor, request=asked_for)
        before = max(0, asked_for.offset - asked.limit)
        body: dict[str, Any] = {
            "results": [native_hit(hit) for hit in answer.hits],
            "next": asked.cursor_at(asked_for.reach, asked_for) if answer.has_more else None,
            "previous": asked.cursor_at(before, asked_for) if asked_for.offset else None,
            "search_type": str(answer.search_type),
            "candidates": answer.candidates,
            "degraded": list(answer.degraded),
            **verdict(answer),
            "plans": answer.plans,
            "decision_id": str(answer.decision),
            "correlation_id": self.correlation_id,
        }
        body |= any_cut(answer.hits)
        if asked.total:
            body["total"] = count_findable(principal.organisation, asked_for)
        if asked.format == "prompt":
            prompt = as_prompt(answer.hits, asked.token_budget)
            body |= {
                "results": body["results"][: len(prompt.ids)],
                "prompt": prompt.text,
                "tokens": prompt.tokens,
            }
        return Response(body)
