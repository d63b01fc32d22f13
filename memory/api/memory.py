"""`/api/v1/memories/{memory}`: read, change or erase one."""

from typing import Annotated, Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import described
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.times import Moment, not_before
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory import queries
from memory.api.corrections import Correction
from memory.api.memories import MemoryOut, render
from memory.api.shared import RejectionOut, SecretsOut
from memory.erasure.operations import forget
from memory.inputs import (
    REQUESTED_STATE,
    Content,
    Metadata,
    Reason,
    VisibleToIn,
    content_fields,
    requested_state_of,
    visible_to_of,
)
from memory.trust.requested_state import revise_with_state
from memory.trust.revision import CHANGEABLE, Revised
from memory.types import EmbeddingState

NULLABLE = frozenset({"valid_from", "valid_to", "expires_at"})

STATE_FIELDS = frozenset({"state", "trust"})
APART = STATE_FIELDS | {"reason", "visible_to"}


class MemoryPatch(Strict):
    """Changes to a memory: omitted fields stay, null clears a time."""

    content: Content | None = None
    index: bool | None = Field(default=None, description="whether searches find it; lists always do")
    metadata: Metadata | None = None
    memory_type: str | None = Field(default=None, max_length=100)
    tags: list[Annotated[str, Field(max_length=100)]] | None = Field(default=None, max_length=100)
    importance: float | None = Field(default=None, ge=0, le=1)
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    expires_at: Moment | None = None
    visible_to: VisibleToIn | None = None
    state: Any = Field(default=None, description=REQUESTED_STATE)
    trust: Any = Field(default=None, description=REQUESTED_STATE)
    reason: Reason = ""

    _in_order = not_before("valid_to", "valid_from")

    @model_validator(mode="after")
    def check_changes(self) -> "MemoryPatch":
        """Refuse an empty change, and null for fields other than times."""
        if not self.model_fields_set - {"reason"}:
            raise PydanticCustomError(
                "no_change",
                "At least one of {names} is required",
                {"names": ", ".join(sorted(CHANGEABLE | {"visible_to"}))},
            )
        for name in self.model_fields_set - NULLABLE - STATE_FIELDS:
            if getattr(self, name) is None:
                raise ValueError(f"{name} can't be null")
        return self

    def changes(self) -> dict[str, Any]:
        """Return the fields to change."""
        given = {name: getattr(self, name) for name in self.model_fields_set - APART}
        if "content" in given:
            given |= content_fields(given["content"])
        if "tags" in given:
            given["tags"] = tuple(given["tags"])
        return given


class RevisedOut(BaseModel):
    """A changed memory; `decision_id` is null if nothing changed, `rejection` is present if the text contains a rejected value."""

    id: UUID
    state: str
    version: int
    embedding: str
    decision_id: UUID | None
    rejection: RejectionOut | None = None
    secrets: SecretsOut | None = None


def revised_body(revised: Revised) -> dict[str, Any]:
    """Render a revision as a `RevisedOut`."""
    body: dict[str, Any] = {
        "id": str(revised.id),
        "version": revised.version,
        "state": str(revised.state),
        "embedding": str(revised.embedding),
        "decision_id": str(revised.decision) if revised.decision else None,
    }
    if revised.flagged is not None:
        body["rejection"] = revised.flagged.as_json()
    if revised.secrets is not None:
        body |= revised.secrets.mark
    return body


class Deleted(BaseModel):
    """An erased memory; the receipt is at `/api/v1/erasures/{erasure_id}`."""

    id: UUID
    deleted: bool
    decision_id: UUID
    erasure_id: UUID


class MemoryDetail(NativeView):
    """One memory."""

    scopes = {"GET": Scope.MEMORY_READ, "PATCH": Scope.MEMORY_WRITE, "DELETE": Scope.MEMORY_WRITE}
    screened = frozenset({"reason"})

    @extend_schema(operation_id="memories_get", responses={200: MemoryOut})
    def get(self, request: Request, memory: UUID) -> Response:
        """Return a memory in any trust state, with its version as the ETag."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = queries.get_memory(organisation=organisation, memory=memory)
            shown = render(row)
            # links change without a new version
            headers = {"ETag": etag_of(row.version, shown["links"])}
            if row.embedding != EmbeddingState.READY or any(
                link.target_id is None for link in row.links.all()
            ):
                # a vector or link target may still arrive without a new version, so the response must not be cached
                headers["Cache-Control"] = "no-store"
            return Response(shown, headers=headers)

    @described("memories_patch", request=MemoryPatch, responses={200: RevisedOut}, if_match="required")
    def patch(self, request: Request, memory: UUID) -> Response:
        """Create a new version. `If-Match` must name the current version: 428 if missing, 412 if it differs."""
        asked, principal = self.body(MemoryPatch), self.principal
        revised = revise_with_state(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            changes=asked.changes(),
            requested=requested_state_of(asked.state, asked.trust),
            version=if_match(request._request, required=True),
            reason=asked.reason,
            may_reinstate=principal.may(Scope.ADMIN),
            visible_to=visible_to_of(asked.visible_to),
        )
        return Response(revised_body(revised), headers={"ETag": etag_of(revised.version)})

    @described("memories_delete", request=Correction, responses={200: Deleted}, if_match="optional")
    def delete(self, request: Request, memory: UUID) -> Response:
        """Erase a memory with all its versions and index data; return the receipt's id."""
        principal = self.principal
        receipt = forget(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            reason=self.body(Correction).reason if self.json is not None else "",
            version=if_match(request._request),
        )
        body = {
            "id": str(memory),
            "deleted": True,
            "decision_id": str(receipt.decision),
            "erasure_id": str(receipt.id),
        }
        return Response(body)
