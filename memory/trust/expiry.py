"""Expire memories. Searches exclude them from their expiry time; the sweep records it."""

from collections.abc import Sequence
from uuid import UUID

from django.db import connection

from accountability.operations import record
from accountability.types import Effect
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.tenancy.types import SYSTEM
from memory.holds.statements import LOCK_SHARED
from memory.queries import by_scope
from memory.trust.state_changes import change_state
from memory.trust.statements import LOCK_EXPIRED
from memory.types import LIVING, TrustState

BATCH = 500


def expire_due(*, organisation: UUID) -> int:
    """Expire up to 500 due memories, except those under a legal hold, with one decision for each access scope; return their number."""
    with tenant_transaction(organisation):
        with raw_cursor() as cursor:
            cursor.execute(LOCK_SHARED, [organisation])
            states = [str(state) for state in LIVING]
            due = [row[0] for row in cursor.execute(LOCK_EXPIRED, (organisation, states, BATCH)).fetchall()]
        for some in by_scope(organisation, due):
            _expire(organisation, some)
    return len(due)


def _expire(organisation: UUID, due: Sequence[UUID]) -> None:
    decision = record(
        organisation=organisation,
        by=SYSTEM,
        operation="memory.expire",
        effect=Effect.WRITE,
        subject=("memory", str(due[0])) if len(due) == 1 else ("", ""),
        reasoning=f"{len(due)} memories are past their expiry time.",
        outputs={"expired": len(due)},
        memories=[{"id": str(memory)} for memory in due],
    )
    change_state(
        organisation,
        due,
        TrustState.EXPIRED,
        operation="memory.expire",
        reason="",
        by=SYSTEM,
        decision=decision,
    )


def list_organisations_with_expired() -> list[UUID]:
    """Return the organisations with due memories. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_expired_memories()")
        return [row[0] for row in cursor.fetchall()]
