"""`/api/v1/memories`: store a memory."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import AfterValidator, BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.preconditions import etag_of
from liftos.kernel.http.views import NativeView
from liftos.kernel.suggestions import suggestion
from liftos.kernel.tenancy.types import MAX_USER, Scope
from memory import operations, queries
from memory.api.shared import RejectionOut, SecretsOut
from memory.inputs import MemoryIn
from memory.models import Memory
from memory.operations import Prepared
from memory.search.types import SearchRequest
from memory.types import MemoryDraft, Outcome, TrustState, trust_of
from memory.visibility import as_json

UserId = Annotated[str, Field(max_length=MAX_USER)] | int | None


class MemoryCreate(MemoryIn):
    """A memory to store.

    `content_type` is stored in the metadata; `user_id` is the user it is stored for.
    """

    content_type: str | None = Field(default=None, max_length=200)
    user_id: UserId = None

    def draft(self) -> MemoryDraft:
        """Return the draft; `content_type` in the metadata takes precedence."""
        draft = super().draft()
        if self.content_type is None:
            return draft
        return replace(draft, metadata={"content_type": self.content_type} | draft.metadata)


class MemoryCreated(BaseModel):
    """A stored memory. `memory_id` repeats `id`; `rejection` is present if the text contains a rejected value."""

    id: UUID
    memory_id: UUID
    outcome: str
    embedding: str
    state: str
    decision_id: UUID
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None


class LinkOut(BaseModel):
    """A link; `target` is null until a memory has the external id, `external_id` is null for links by id."""

    kind: str
    external_id: str | None
    weight: float
    target: UUID | None
    properties: dict[str, Any]
    valid_from: datetime | None
    valid_to: datetime | None


class MemoryOut(BaseModel):
    """A memory."""

    id: UUID
    content: str | dict[str, Any]
    metadata: dict[str, Any]
    memory_type: str
    source: str
    external_id: str | None
    tags: list[str]
    importance: float
    state: str
    embedding: str
    index: bool
    thread: str
    visible_to: str | dict[str, Any]
    links: list[LinkOut]
    valid_from: datetime | None
    valid_to: datetime | None
    expires_at: datetime | None
    superseded_by: UUID | None
    version: int
    recorded_at: datetime
    changed_at: datetime
    created_at: datetime


def _states(text: str) -> str:
    unknown = sorted(set(text.split(",")) - set(TrustState)) if text else []
    if unknown:
        hint = suggestion(unknown[0], TrustState)
        raise ValueError(f"must be a comma-separated list of {', '.join(TrustState)}{hint}")
    return text


StatesText = Annotated[QueryText, AfterValidator(_states)]
"""Trust states in a query string."""


class StatesQuery(BaseModel):
    """The trust states to list; by default those that searches return."""

    states: StatesText = ""

    def narrowed(self) -> SearchRequest:
        """Return the filter as a search request."""
        return SearchRequest(
            query="",
            states=tuple(TrustState(each) for each in self.states.split(",")) if self.states else None,
        )


def render(memory: Memory) -> dict[str, Any]:
    """Render a memory as JSON-ready values."""
    fields = {name: getattr(memory, name) for name in MemoryOut.model_fields if hasattr(memory, name)}
    links = [
        {
            "kind": link.kind,
            "external_id": link.target_external_id or None,
            "weight": link.weight,
            "target": link.target_id,
            "properties": link.properties,
            "valid_from": link.valid_from,
            "valid_to": link.valid_to,
        }
        for link in memory.links.all()
    ]
    fields |= {"content": memory.given_content, "index": memory.is_indexed}
    fields |= {"links": links, "external_id": memory.external_id or None, "created_at": memory.recorded_at}
    fields["visible_to"] = as_json(memory.organisation_id, memory.scope_id)
    return MemoryOut.model_validate(fields).model_dump(mode="json")


class MemoryCollection(NativeView):
    """Stores memories."""

    scopes = {"POST": Scope.MEMORY_PROPOSE}
    screened = frozenset({"reason", "user_id"})

    def prepare(self) -> Prepared:
        """Parse and embed the memory."""
        draft = self.body(MemoryCreate).draft()
        return operations.prepare(self.principal.organisation, [draft], trust_of(self.principal))

    @extend_schema(
        operation_id="memories_create",
        request=MemoryCreate,
        responses={201: MemoryCreated, 200: MemoryCreated},
    )
    @once(prepare=prepare)
    def post(self, request: Request, prepared: Prepared) -> Response:
        """Store a memory. Storing the same one again under its external id returns 200 with the existing id."""
        del request
        principal, user = self.principal, self.body(MemoryCreate).user_id
        stored = operations.commit_one(
            organisation=principal.organisation, by=principal.acting_for(user), prepared=prepared
        )
        body = {
            "id": str(stored.id),
            "memory_id": str(stored.id),
            "outcome": str(stored.outcome),
            "embedding": str(stored.embedding),
            "state": str(prepared.rows[0].state),
            "decision_id": str(stored.decision),
        } | stored.mark
        if stored.outcome is not Outcome.STORED:
            with tenant_transaction(principal.organisation):
                body["state"] = queries.get_memory(
                    organisation=principal.organisation, memory=stored.id
                ).state
            return Response(body, status=200)
        return Response(body, status=201, headers={"ETag": etag_of(1)})
