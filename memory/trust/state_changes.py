"""Changes of trust state: lock, decision record, new version and event."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.viewers import SYSTEM_SCOPE
from liftos.kernel.errors import Conflict
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.tenancy.types import Actor
from memory.models import Memory
from memory.queries import get_memory, read_scopes
from memory.trust.versions import check_version, database_now, end_versions, set_state
from memory.types import TrustState

# maximum memories listed in a decision record
MAX_LISTED = 500


class StateForbids(Conflict):
    """The memory's trust state does not allow this."""

    code = "memory.state_forbids"


def lock_in_state(
    organisation: UUID, memory: UUID, *, version: int | None, allowed: Sequence[TrustState], participle: str
) -> Memory:
    """Lock a memory and return it.

    Args:
        organisation: the tenant.
        memory: its id.
        version: the expected version; None for any.
        allowed: the states in which it can be changed.
        participle: the change in the error message, for example "confirmed".

    Raises:
        MemoryNotFound: not in this organisation.
        VersionMismatch: it has another version.
        StateForbids: it is in another state.
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
    """Record the correction of a memory, and of others with it; return the decision's id."""
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
        memories=[{"id": str(each)} for each in (row.id, *others[:MAX_LISTED])],
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
    """Create a version of locked memories with another trust state, and emit an event for each; return the time."""
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
    data = {"operation": operation, "state": str(state), "decision_id": str(decision)}
    scopes = read_scopes(organisation, memories)
    emit_many(
        organisation=organisation,
        type="liftos.memory.rejected" if state is TrustState.REJECTED else "liftos.memory.changed",
        events=[(f"memories/{memory}", {"memory_id": str(memory)} | data) for memory in memories],
        scope_id=[scopes.get(memory, SYSTEM_SCOPE) for memory in memories],
    )
    return at
