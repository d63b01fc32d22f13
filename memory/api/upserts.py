"""`PUT /api/v1/memories?source=&external_id=`: store a memory, or change the one with its external id."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import QueryText
from liftos.kernel.http.parsing import InvalidRequest, item
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.memories import MemoryCreate
from memory.api.shared import RejectionOut, SecretsOut
from memory.inputs import Reason
from memory.trust.upserting import PreparedUpsert, commit_upsert, prepare_upsert


class UpsertQuery(BaseModel):
    """The memory's place among those of its source."""

    source: Annotated[QueryText, Field(max_length=100)] = ""
    external_id: Annotated[QueryText, Field(min_length=1, max_length=300)]


class MemoryUpsert(MemoryCreate):
    """A memory as it shall be; `source` and `external_id` may repeat those of the query."""

    reason: Reason = ""


class UpsertedOut(BaseModel):
    """A memory after an upsert: `outcome` is stored, changed or unchanged; `decision_id` is null if unchanged."""

    id: UUID
    outcome: str
    version: int
    state: str
    embedding: str
    decision_id: UUID | None
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None


class MemoryUpserts(NativeView):
    """Stores or changes memories by external id."""

    scopes = {"PUT": Scope.MEMORY_WRITE}
    screened = frozenset({"reason", "user_id"})

    def prepare(self) -> PreparedUpsert:
        """Parse and embed the memory."""
        place, asked = self.query(UpsertQuery), self.body(MemoryUpsert)
        for name, value in place.model_dump().items():
            if name in asked.model_fields_set and (getattr(asked, name) or "") != value:
                message = f"Input should be that of the query string, {value[:50]!r}"
                raise InvalidRequest([item("value_error", ("body", name), message, getattr(asked, name))])
        draft = asked.model_copy(update=place.model_dump()).draft()
        keeps_expiry = "expires_at" not in asked.model_fields_set and asked.ttl_seconds is None
        kept = {"expires_at"} if keeps_expiry else set()
        kept |= {"index"} - asked.model_fields_set
        return prepare_upsert(
            organisation=self.organisation,
            draft=draft,
            kept=frozenset(kept),
            version=if_match(self.request._request),
        )

    @described(
        "memories_put",
        query=UpsertQuery,
        if_match="optional",
        request=MemoryUpsert,
        responses={201: UpsertedOut, 200: UpsertedOut},
    )
    @once(prepare=prepare)
    def put(self, request: Request, prepared: PreparedUpsert) -> Response:
        """Store the memory (201), or make it the new version of the one with its external id, if it differs (200)."""
        del request
        asked, principal = self.body(MemoryUpsert), self.principal
        done = commit_upsert(
            organisation=principal.organisation,
            by=principal.acting_for(asked.user_id),
            prepared=prepared,
            reason=asked.reason,
            may_curate=principal.may(Scope.ADMIN),
        )
        body: dict[str, Any] = {
            "id": str(done.id),
            "outcome": done.outcome,
            "version": done.version,
            "state": str(done.state),
            "embedding": str(done.embedding),
            "decision_id": str(done.decision) if done.decision else None,
        }
        if done.flagged is not None:
            body["rejection"] = done.flagged.as_json()
        if done.secrets is not None:
            body |= done.secrets.mark
        status = 201 if done.outcome == "stored" else 200
        return Response(body, status=status, headers={"ETag": etag_of(done.version)})
