"""`/api/v1/search`: explained search."""

import base64
import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field, model_validator
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.shared import NO_SPACE
from memory.listing.queries import count_memories
from memory.search.as_json import any_cut, native_hit, verdict
from memory.search.inputs import NativeSearch
from memory.search.prompt import as_prompt
from memory.search.service import search
from memory.search.types import AbstainReason, SearchRequest

DEEPEST = 1_000
"""The best hits of a search that can be paged through."""


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


class StepOut(BaseModel):
    """A relation through which a memory was found: a link from the memory `source`, or a named entity."""

    kind: str
    source: UUID | None
    forward: bool
    name: str


class FoundMemory(BaseModel):
    """A found memory; `truncated` is present if its content was cut (`GET /api/v1/memories/{memory}` returns all of it)."""

    id: UUID
    content: str
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
    path: list[StepOut]
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

    @model_validator(mode="after")
    def check_total(self) -> "PagedSearch":
        """Refuse to count within a space."""
        if self.total and self.space is not None:
            raise ValueError("total can't be combined with space")
        return self

    def request(self) -> SearchRequest:
        """Return the search request for the page.

        Raises:
            InvalidRequest: the cursor is not one of this search, or the page lies too deep.
        """
        offset = self._offset() if self.cursor else 0
        if offset and offset + self.limit > DEEPEST:
            message = f"At most the best {DEEPEST} can be paged through"
            raise InvalidRequest([item("cursor", ("body", "cursor"), message, self.cursor)])
        return replace(super().request(), offset=offset)

    def at(self, offset: int) -> str | None:
        """Return the cursor of the page that begins after so many hits; None beyond the deepest."""
        if offset + self.limit > DEEPEST:
            return None
        return base64.urlsafe_b64encode(f"{offset}:{self._digest()}".encode()).decode().rstrip("=")

    def _offset(self) -> int:
        try:
            text = base64.b64decode(
                self.cursor + "=" * (-len(self.cursor) % 4), b"-_", validate=True
            ).decode()
            offset, _, digest = text.partition(":")
            number = int(offset) if offset.isascii() and offset.isdigit() else -1
        except ValueError:
            number, digest = -1, ""
        if not 0 <= number < DEEPEST or digest != self._digest():
            raise InvalidRequest(
                [item("cursor", ("body", "cursor"), "Not a cursor of this search", self.cursor)]
            )
        return number

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
            "next": asked.at(asked_for.reach) if answer.has_more else None,
            "previous": asked.at(before) if asked_for.offset else None,
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
            with tenant_transaction(principal.organisation):
                body["total"] = count_memories(organisation=principal.organisation, narrowed=asked.narrowed())
        if asked.format == "prompt":
            prompt = as_prompt(answer.hits, asked.token_budget)
            body |= {
                "results": body["results"][: len(prompt.ids)],
                "prompt": prompt.text,
                "tokens": prompt.tokens,
            }
        return Response(body)
