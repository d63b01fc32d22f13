"""A change of trust state: its lock, its decision record, its new version and its event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.errors import Conflict
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.tenancy.types import Actor
from memory.models import Memory
from memory.queries import get_memory
from memory.trust.versions import check_version, database_now, end_versions, set_state
from memory.types import TrustState

# memories that a decision record names
NAMED = 500


class StateForbids(Conflict):
    """The memory's trust state does not allow that."""

    code = "memory.state_forbids"


def lock_in_state(
    organisation: UUID, memory: UUID, *, version: int | None, allowed: Sequence[TrustState], participle: str
) -> Memory:
    """Lock a memory and return it.

    Args:
        organisation: whose.
        memory: which.
        version: the version it must have; None for any.
        allowed: the states it may be in.
        participle: of the change, for the message: "confirmed".

    Raises:
        MemoryNotFound, VersionMismatch, StateForbids: it can't be changed so.
    """
    row = get_memory(organisation=organisation, memory=memory, lock=True)
    check_version(row, version)
    if row.state not in allowed:
        raise StateForbids(f"A memory that is {row.state} can't be {participle}.")
    return row


def record_correction(
    organisation: UUID,
    by: Actor,
    operation: str,
    row: Memory,
    text: str,
    reason: str,
    outputs: dict[str, Any] | None = None,
    others: Sequence[UUID] = (),
    *,
    parents: Sequence[UUID] = (),
    risk: RiskClass = RiskClass.MINIMAL,
) -> UUID:
    """Record the decision to correct a memory, and others with it; return its id."""
    decision = record(
        organisation=organisation,
        by=by,
        operation=operation,
        effect=Effect.WRITE,
        risk_class=risk,
        subject=("memory", str(row.id)),
        reasoning=f"{text} {reason}".strip(),
        inputs={"version": row.version, "state": row.state, "reason": reason},
        outputs=outputs,
        memories=[{"id": str(each)} for each in (row.id, *others[:NAMED])],
        parents=parents,
    )
    # the reason may quote them too
    cite(organisation=organisation, decision=decision, memories=others)
    return decision


def change_state(
    organisation: UUID,
    memories: Sequence[UUID],
    state: TrustState,
    *,
    operation: str,
    reason: str,
    by: Actor,
    decision: UUID,
) -> datetime:
    """Give locked memories another trust state, each in a new version and with an event; return the time of the change."""
    at = database_now()
    end_versions(
        organisation=organisation,
        memories=memories,
        operation=operation,
        reason=reason,
        by=by,
        decision=decision,
        at=at,
    )
    set_state(organisation, memories, state, at)
    emit_many(
        organisation=organisation,
        type="liftos.memory.changed",
        events=[
            (
                f"memories/{memory}",
                {
                    "memory_id": str(memory),
                    "operation": operation,
                    "state": str(state),
                    "decision_id": str(decision),
                },
            )
            for memory in memories
        ],
    )
    return at
