"""What happens to a memory after it was stored: corrections, history, receipts of erasure."""

from dataclasses import asdict
from typing import Any, ClassVar
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.http.idempotency.once import once
from liftos.kernel.http.openapi import query_parameters
from liftos.kernel.http.pagination import page
from liftos.kernel.http.preconditions import etag_of, if_match
from liftos.kernel.http.views import NativeView
from liftos.kernel.tenancy.types import Scope
from memory.api.credential_trust import trust_of
from memory.api.trust_schemas import (
    ActorOut,
    ChangeOut,
    Corrected,
    Correction,
    DerivedPolicyIn,
    DerivedPolicyOut,
    ErasureOut,
    ErasurePolicyIn,
    ErasurePolicyOut,
    HistoryPage,
    HistoryQuery,
    Rejected,
    RejectionPolicyIn,
    RejectionPolicyOut,
    Superseded,
    Supersession,
)
from memory.erasure import erasure_policy
from memory.erasure.operations import get_erasure
from memory.erasure.types import Wanted
from memory.trust import corrections
from memory.trust.corrections import Changed
from memory.trust.history import Change, list_history
from memory.trust.policies import DERIVED_POLICY, REJECTION_POLICY, OrganisationPolicy


class _Correction(NativeView):
    """One correction of one memory."""

    scopes = {"POST": Scope.MEMORY_WRITE}

    def reason(self) -> str:
        """Return the body's reason; a correction may come without a body."""
        return self.body(Correction).reason if self.json is not None else ""

    def answer(self, changed: Changed, **more: Any) -> Response:
        """Return the memory's new state, with its version as the ETag."""
        body = {
            "id": str(changed.id),
            "state": str(changed.state),
            "version": changed.version,
            "decision_id": str(changed.decision),
        }
        return Response(body | more, headers={"ETag": etag_of(changed.version)})


class Confirm(_Correction):
    """Vouching for a memory."""

    @extend_schema(operation_id="memories_confirm", request=Correction, responses={200: Corrected})
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Confirm a memory; with the scope `admin` also one that was rejected, whose value may then be written again."""
        principal = self.principal
        changed = corrections.confirm(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            reason=self.reason(),
            version=if_match(request._request),
            may_reinstate=principal.may(Scope.ADMIN),
        )
        return self.answer(changed)


class Contest(_Correction):
    """Doubting a memory."""

    @extend_schema(operation_id="memories_contest", request=Correction, responses={200: Corrected})
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Contest a memory: it is still found, marked contested."""
        principal = self.principal
        changed = corrections.contest(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            reason=self.reason(),
            version=if_match(request._request),
        )
        return self.answer(changed)


class Reject(_Correction):
    """Taking a memory's value for wrong."""

    @extend_schema(operation_id="memories_reject", request=Correction, responses={200: Rejected})
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Reject a memory, and with it its value: however it is written, no later write is taken."""
        principal = self.principal
        changed = corrections.reject(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            reason=self.reason(),
            version=if_match(request._request),
        )
        return self.answer(
            changed, others=[str(other) for other in changed.others], derived=counts_of(changed)
        )


class Supersede(_Correction):
    """Putting a new memory in another's place."""

    @extend_schema(operation_id="memories_supersede", request=Supersession, responses={201: Superseded})
    @once
    def post(self, request: Request, memory: UUID) -> Response:
        """Store a new memory in the place of one that no longer holds; the old one ends when the new one begins to be true."""
        principal, asked = self.principal, self.body(Supersession)
        changed = corrections.supersede(
            organisation=principal.organisation,
            by=principal.actor,
            memory=memory,
            draft=asked.draft(),
            reason=asked.reason,
            version=if_match(request._request),
            trust=trust_of(principal),
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
    """Return what became of memories that were made from one that no longer holds."""
    return changed.derived.counts if changed.derived else None


def render_change(change: Change) -> dict[str, Any]:
    """Return one change as JSON-ready values."""
    actor = ActorOut(kind=change.actor_kind, id=change.actor_id, on_behalf_of=change.on_behalf_of)
    same = ("id", "version", "operation", "reason", "recorded_at", "written_at", "before", "after")
    shown = ChangeOut(
        actor=actor, decision_id=change.decision, **{name: getattr(change, name) for name in same}
    )
    return shown.model_dump(mode="json")


class History(NativeView):
    """What became of a memory."""

    scopes = {"GET": Scope.MEMORY_READ}

    @extend_schema(
        operation_id="memories_history",
        parameters=query_parameters(HistoryQuery),
        responses={200: HistoryPage},
    )
    def get(self, request: Request, memory: UUID) -> Response:
        """List a memory's changes, newest first, each with the fields before and after it."""
        query, organisation = self.query(HistoryQuery), self.principal.organisation
        with tenant_transaction(organisation):
            changes = list_history(
                organisation=organisation, memory=memory, limit=query.limit + 1, before=query.before
            )
        return Response(
            page(request._request, changes, query.limit, [render_change(each) for each in changes])
        )


class _PolicyView(NativeView):
    """One of an organisation's policies."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "PUT": Scope.ADMIN}
    policy: ClassVar[OrganisationPolicy[Any]]

    def show(self) -> Response:
        """Answer with the policy that holds."""
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            policy = self.policy.get(organisation=organisation)
        return Response({"policy": str(policy), "decision_id": None})

    def change(self, policy: Any) -> Response:
        """Set the policy, and answer with it and the record of the change."""
        principal = self.principal
        decision = self.policy.set(organisation=principal.organisation, by=principal.actor, policy=policy)
        return Response({"policy": str(policy), "decision_id": str(decision) if decision else None})


class DerivedPolicyView(_PolicyView):
    """What becomes of memories that were made from one that no longer holds."""

    policy = DERIVED_POLICY

    @extend_schema(operation_id="derived_policy_get", responses={200: DerivedPolicyOut})
    def get(self, request: Request) -> Response:
        """Return the organisation's policy: contest, hide or keep."""
        del request
        return self.show()

    @extend_schema(
        operation_id="derived_policy_set", request=DerivedPolicyIn, responses={200: DerivedPolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the organisation's policy, on record; memories stay as they are until a source of theirs goes."""
        del request
        return self.change(self.body(DerivedPolicyIn).policy)


class RejectionPolicyView(_PolicyView):
    """What becomes of texts that hold a rejected value."""

    policy = REJECTION_POLICY

    @extend_schema(operation_id="rejection_policy_get", responses={200: RejectionPolicyOut})
    def get(self, request: Request) -> Response:
        """Return the organisation's policy: flag, refuse or allow."""
        del request
        return self.show()

    @extend_schema(
        operation_id="rejection_policy_set", request=RejectionPolicyIn, responses={200: RejectionPolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the organisation's policy, on record; it holds for what is written from then on."""
        del request
        return self.change(self.body(RejectionPolicyIn).policy)


class ErasurePolicyView(NativeView):
    """What erasures remove and refuse."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ, "PUT": Scope.ADMIN}

    @extend_schema(operation_id="erasure_policy_get", responses={200: ErasurePolicyOut})
    def get(self, request: Request) -> Response:
        """Return the organisation's policy for erasures."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            return self.answer(erasure_policy.get_policy(organisation=organisation), None)

    @extend_schema(
        operation_id="erasure_policy_set", request=ErasurePolicyIn, responses={200: ErasurePolicyOut}
    )
    def put(self, request: Request) -> Response:
        """Set the organisation's policy, on record; it holds for erasures and writes from now on."""
        del request
        asked, principal = self.body(ErasurePolicyIn), self.principal
        policy = Wanted(asked.scrub_quotes, asked.refuse_erased_ids)
        decision = erasure_policy.set_policy(
            organisation=principal.organisation, by=principal.actor, policy=policy
        )
        return self.answer(policy, decision)

    def answer(self, policy: Wanted, decision: UUID | None) -> Response:
        """Return a policy, with the decision that set it."""
        return Response(asdict(policy) | {"decision_id": str(decision) if decision else None})


class Erasures(NativeView):
    """Receipts."""

    scopes: ClassVar[dict[str, Scope]] = {"GET": Scope.MEMORY_READ}

    @extend_schema(operation_id="erasures_get", responses={200: ErasureOut})
    def get(self, request: Request, erasure: UUID) -> Response:
        """Return the receipt of an erasure."""
        del request
        organisation = self.principal.organisation
        with tenant_transaction(organisation):
            row = get_erasure(organisation=organisation, erasure=erasure)
        caches = dict(row.caches)
        derived, counts = caches.pop("derived_memories", []), caches.pop("derived", None)
        same = (
            "id", "memory_id", "recorded_at", "actor_kind", "actor_id", "on_behalf_of", "part_of", "removed", "decision_id",
        )  # fmt: skip
        shown = ErasureOut(
            caches=caches,
            kept=row.kept,
            derived_memories=derived,
            derived=counts,
            **{name: getattr(row, name) for name in same},
        )
        return Response(shown.model_dump(mode="json"))
