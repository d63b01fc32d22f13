"""`/api/v1/memories/{memory}/history`: a memory's changes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import PageQuery, page
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.trust.history import Change, list_history


class ActorOut(BaseModel):
    """The actor; `on_behalf_of` is claimed by the caller."""

    kind: str
    id: str
    on_behalf_of: str


class ChangeOut(BaseModel):
    """A change of a memory, with the fields before and after it; `before` is null for its creation."""

    id: UUID
    version: int
    operation: str
    actor: ActorOut
    reason: str
    recorded_at: datetime
    written_at: datetime | None
    before: dict[str, Any] | None
    after: dict[str, Any]
    decision_id: UUID | None


class HistoryPage(BaseModel):
    """A page of a memory's changes, newest first."""

    results: list[ChangeOut]
    next: str | None


def render_change(change: Change) -> dict[str, Any]:
    """Render a change as JSON-ready values."""
    actor = ActorOut(kind=change.actor_kind, id=change.actor_id, on_behalf_of=change.on_behalf_of)
    same = ("id", "version", "operation", "reason", "recorded_at", "written_at", "before", "after")
    shown = ChangeOut(
        actor=actor, decision_id=change.decision, **{name: getattr(change, name) for name in same}
    )
    return shown.model_dump(mode="json")


class History(NativeView):
    """A memory's history."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="memories_history",
        parameters=query_parameters(PageQuery),
        responses={200: HistoryPage},
    )
    def get(self, request: Request, memory: UUID) -> Response:
        """List a memory's changes, newest first, each with the fields before and after it."""
        query, organisation = self.query(PageQuery), self.principal.organisation
        with tenant_transaction(organisation):
            changes = list_history(
                organisation=organisation, memory=memory, limit=query.limit + 1, before=query.before
            )
        return Response(
            page(request._request, changes, query.limit, [render_change(each) for each in changes])
        )
