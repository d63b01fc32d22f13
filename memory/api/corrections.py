"""`/api/v1/memories/{memory}/{confirm,contest,reject,supersede}`."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import described
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.strict import Strict
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory import operations
from memory.api.shared import DerivedOut, RejectionOut
from memory.inputs import Reason, Supersession
from memory.operations import Prepared
from memory.trust import corrections
from memory.trust.corrections import Changed
from memory.trust.superseding import commit_supersede
from memory.types import trust_of


class Correction(Strict):
    """The reason for confirming, contesting, rejecting or erasing a memory."""

    reason: Reason = ""


class Corrected(BaseModel):
    """A memory after a correction."""

    id: UUID
    state: str
    version: int
    decision_id: UUID


class Rejected(Corrected):
    """A memory after its rejection; `others` with the same value were rejected with it."""

    others: list[UUID]
    derived: DerivedOut


class Superseded(Corrected):
    """A superseded memory; `successor_state` and `successor_rejection` are set if its successor was flagged."""

    superseded_by: UUID
    embedding: str
    derived: DerivedOut
    successor_state: str | None = None
    successor_rejection: RejectionOut | None = None


class _Correction(NativeView):
    """A correction of a memory."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    def arguments(self, request: Request, memory: UUID) -> dict[str, Any]:
        """Return the arguments that all corrections take; the body is optional."""
        principal = self.principal
        return {
            "organisation": principal.organisation,
            "by": principal.actor,
            "memory": memory,
            "reason": self.body(Correction).reason if self.json is not None else "",
            "version": if_match(request._request),
        }

    def answer(self, changed: Changed, **more: Any) -> Response:
        """Respond with the memory's new state, and its version as the ETag."""
        body = {
            "id": str(changed.id),
            "state": str(changed.state),
            "version": changed.version,
            "decision_id": str(changed.decision),
        }
        return Response(body | more, headers={"ETag": etag_of(changed.version)})


class Confirm(_Correction):
    """Confirm a memory."""

    @described("memories_confirm", request=Correction, responses={200: Corrected}, if_match="optional")
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Confirm a memory. The scope `admin` can also confirm a rejected one, which allows its value to be written again."""
        may_reinstate = self.principal.may(Scope.ADMIN)
        return self.answer(
            corrections.confirm(**self.arguments(request, memory), may_reinstate=may_reinstate)
        )


class Contest(_Correction):
    """Contest a memory."""

    @described("memories_contest", request=Correction, responses={200: Corrected}, if_match="optional")
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Contest a memory. Searches still return it, marked as contested."""
        return self.answer(corrections.contest(**self.arguments(request, memory)))


class Reject(_Correction):
    """Reject a memory."""

    @described("memories_reject", request=Correction, responses={200: Rejected}, if_match="optional")
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Reject a memory and its value: later writes of the value are refused, however it is spelled."""
        changed = corrections.reject(**self.arguments(request, memory))
        return self.answer(
            changed, others=[str(other) for other in changed.others], derived=counts_of(changed)
        )


class Supersede(_Correction):
    """Supersede a memory."""

    screened = frozenset({"reason"})

    def prepare(self, memory: UUID) -> Prepared:
        """Parse and embed the new memory."""
        del memory
        draft = self.body(Supersession).draft()
        return operations.prepare(self.principal.organisation, [draft], trust_of(self.principal))

    @described("memories_supersede", request=Supersession, responses={201: Superseded}, if_match="optional")
    @once(prepare=prepare)
    def post(self, request: Request, memory: UUID, prepared: Prepared) -> Response:
        """Replace a memory by a new one. The old one's validity ends when the new one's begins."""
        principal, asked = self.principal, self.body(Supersession)
        changed = commit_supersede(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            prepared=prepared,
            reason=asked.reason,
            version=if_match(request._request),
        )
        successor = changed.successor
        assert successor is not None  # noqa: S101  supersede always has one
        response = self.answer(
            changed,
            superseded_by=str(successor.id),
            embedding=str(successor.embedding),
            derived=counts_of(changed),
            **changed.successor_mark,
        )
        response.status_code = 201
        return response


def counts_of(changed: Changed) -> dict[str, Any] | None:
    """Return the effect on derived memories, if any."""
    return changed.derived.counts if changed.derived else None
