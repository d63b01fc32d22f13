"""Accept and decline proposals: each is a decision that follows from the proposal's."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict, NotFound
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.care.statements import SUPERSEDED_BY
from memory.care_types import Kind, ProposalState
from memory.models import Memory
from memory.models.care import Proposal
from memory.trust.derived_memories import Because, find_derived, settle_derived
from memory.trust.state_changes import change_state, lock_in_state, record_correction
from memory.trust.statements import CLOSE_MEMORY
from memory.types import LIVING, TrustState


class ProposalNotFound(NotFound):
    """Proposal not found."""

    code = "memory.proposal_not_found"


class ProposalSettled(Conflict):
    """The proposal has been accepted or declined already."""

    code = "memory.proposal_settled"


class ProposalOutdated(Conflict):
    """A memory of the proposal has changed since; the next run of care looks at it again."""

    code = "memory.proposal_outdated"


@dataclass(frozen=True, slots=True)
class Resolved:
    """A proposal after it was accepted or declined.

    Attributes:
        id: the proposal's.
        state: its state.
        decision: the record of what was done.
        memory: the memory it is about.
        memory_state: its trust state now; None if it was not changed.
    """

    id: UUID
    state: ProposalState
    decision: UUID
    memory: UUID
    memory_state: TrustState | None = None


def accept(*, organisation: UUID, by: Actor, proposal: UUID, now: datetime, reason: str = "") -> Resolved:
    """Do what a proposal says: supersede, expire or contest its memory.

    A superseded memory keeps its history and names the one that stays. A double's validity does not end, since what it says still holds.

    Raises:
        ProposalNotFound: there is none that the caller may see.
        ProposalSettled: it was accepted or declined.
        ProposalOutdated: a memory has changed since it was proposed, or is no longer believed.
    """
    with observe_operation("memory.accept", organisation=str(organisation)), tenant_transaction(organisation):
        row = _lock(organisation, proposal)
        kind = Kind(row.kind)
        memory, other = _lock_both(organisation, row)
        state = {
            "supersede": TrustState.SUPERSEDED,
            "expire": TrustState.EXPIRED,
            "contest": TrustState.CONTESTED,
        }[kind.action]
        operation = f"memory.{kind.action}"
        replaces = state is TrustState.SUPERSEDED
        derived = (
            find_derived(organisation, [memory.id], apart=[other.id]) if kind is Kind.SUPERSESSION else None
        )
        text = f"Accepted a proposal: {row.reason} Was {memory.state}."
        outputs = {"proposal": str(row.id), "kind": str(kind)} | (
            {"successor": str(other.id)} if replaces else {}
        )
        decision = record_correction(
            organisation, by, operation, memory, text, reason, outputs, [other.id] if other.id != memory.id else [],
            parents=[row.id],
        )  # fmt: skip
        change_state(
            organisation, [memory.id], state, operation=operation, reason=reason, by=by, decision=decision
        )
        values = {"organisation": organisation, "memory": memory.id, "successor": other.id}
        if kind is Kind.DOUBLE:
            raw_cursor().execute(SUPERSEDED_BY, values)
        elif kind is Kind.SUPERSESSION:
            ends = other.valid_from or other.recorded_at
            raw_cursor().execute(CLOSE_MEMORY, values | {"ends": ends})
        if derived is not None:
            settle_derived(
                organisation, by, derived, source=memory.id, because=Because.SUPERSEDED, parent=decision
            )
        _settle(row, ProposalState.ACCEPTED, decision, now)
        return Resolved(row.id, ProposalState.ACCEPTED, decision, memory.id, state)


def decline(*, organisation: UUID, by: Actor, proposal: UUID, now: datetime, reason: str = "") -> Resolved:
    """Decline a proposal: the memories stay as they are, and the pair is never proposed again.

    Raises:
        ProposalNotFound, ProposalSettled: as for `accept`.
    """
    with (
        observe_operation("memory.decline", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = _lock(organisation, proposal)
        both = list(dict.fromkeys((row.memory_id, row.other_id)))
        decision = record(
            organisation=organisation,
            by=by,
            operation="memory.decline",
            effect=Effect.WRITE,
            subject=("memory", str(row.memory_id)),
            reasoning=f"Declined a proposal: {row.reason} {reason}".strip(),
            inputs={"reason": reason},
            outputs={"proposal": str(row.id), "kind": row.kind},
            memories=[{"id": str(each)} for each in both],
            parents=[row.id],
            scope_id=row.scope_id,
        )
        # the reason may quote them
        cite(organisation=organisation, decision=decision, memories=both)
        _settle(row, ProposalState.DECLINED, decision, now)
        return Resolved(row.id, ProposalState.DECLINED, decision, row.memory_id)


def _lock(organisation: UUID, proposal: UUID) -> Proposal:
    rows = Proposal.objects.filter(organisation_id=organisation, id=proposal).select_for_update()
    row = rows.first()
    if row is None:
        raise ProposalNotFound
    if row.state != ProposalState.OPEN:
        raise ProposalSettled(f"The proposal has been {row.state} already.")
    return row


def _lock_both(organisation: UUID, row: Proposal) -> tuple[Memory, Memory]:
    versions = {row.memory_id: row.memory_version, row.other_id: row.other_version}
    locked: dict[UUID, Memory] = {}
    # every transaction locks memories in id order
    for ident in sorted(versions):
        locked[ident] = lock_in_state(
            organisation, ident, version=None, allowed=tuple(TrustState), participle="changed"
        )
    for ident, version in versions.items():
        if locked[ident].version != version or locked[ident].state not in LIVING:
            raise ProposalOutdated
    return locked[row.memory_id], locked[row.other_id]


def _settle(row: Proposal, state: ProposalState, decision: UUID, now: datetime) -> None:
    row.state, row.settled_at, row.settled_by = state.value, now, decision
    row.save(update_fields=["state", "settled_at", "settled_by"])
