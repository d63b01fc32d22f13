"""`/api/v1/proposals`: changes of memories that care proposes, to accept or decline."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.dump import as_json
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.pagination import PageQuery, page, page_of
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.care.queries import Proposed, list_proposals
from memory.care.resolving import Resolved, accept, decline
from memory.care_types import Kind, ProposalState
from memory.inputs import Reason
from memory.types import TrustState


class ProposalQuery(PageQuery):
    """Filters of the proposals; open ones by default."""

    kind: Kind | None = None
    state: ProposalState = ProposalState.OPEN
    memory_id: UUID | None = None


class SideOut(BaseModel):
    """A memory of a proposal as it is now; `content` is cut to 500 characters."""

    id: UUID
    content: str
    state: str
    version: int
    recorded_at: datetime


class ProposalOut(BaseModel):
    """A proposal; `id` is also its decision's. Accepting it does `action` (supersede, expire, contest) to `memory`.

    `other` is the memory that stays; null where only one is concerned. `settled_by` is the decision that accepted or declined it.
    """

    id: UUID
    kind: Kind
    action: str
    state: ProposalState
    confidence: float
    reason: str
    memory: SideOut
    other: SideOut | None
    recorded_at: datetime
    settled_at: datetime | None
    settled_by: UUID | None


class SettleIn(Strict):
    """Why a proposal is accepted or declined."""

    reason: Reason = ""


class SettledOut(BaseModel):
    """A proposal after it was accepted or declined; `memory_state` is its memory's new state, null if it was not changed."""

    id: UUID
    state: ProposalState
    decision_id: UUID
    memory_id: UUID
    memory_state: TrustState | None


class ProposalCollection(NativeView):
    """The proposals that the caller may see."""

    scopes = {"GET": Scope.MEMORY_READ}

    @described("proposals_list", query=ProposalQuery, responses={200: page_of(ProposalOut, "ProposalPage")})
    def get(self, request: Request) -> Response:
        """List proposals, newest first."""
        query = self.query(ProposalQuery)
        with tenant_transaction(self.organisation):
            rows = list_proposals(
                organisation=self.organisation,
                limit=query.limit + 1,
                kind=query.kind,
                state=query.state,
                memory=query.memory_id,
                before=query.before,
            )
        return Response(page(request._request, rows, query.limit, [_render(each) for each in rows]))


class ProposalAccept(NativeView):
    """Acceptance of a proposal."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    @described("proposals_accept", request=SettleIn, responses={200: SettledOut})
    @once
    def post(self, request: Request, proposal: UUID) -> Response:
        """Do what a proposal says."""
        del request
        body = self.body(SettleIn)
        done = accept(**self.caller, proposal=proposal, now=timezone.now(), reason=body.reason)
        return Response(_settled(done))


class ProposalDecline(NativeView):
    """Refusal of a proposal."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    @described("proposals_decline", request=SettleIn, responses={200: SettledOut})
    @once
    def post(self, request: Request, proposal: UUID) -> Response:
        """Decline a proposal; it is never made again."""
        del request
        body = self.body(SettleIn)
        done = decline(**self.caller, proposal=proposal, now=timezone.now(), reason=body.reason)
        return Response(_settled(done))


def _render(proposed: Proposed) -> dict[str, Any]:
    return ProposalOut.model_validate(proposed, from_attributes=True).model_dump(mode="json")


def _settled(done: Resolved) -> dict[str, Any]:
    return as_json(SettledOut, done, decision_id=done.decision, memory_id=done.memory)
