"""Confirm, contest and reject memories; each creates a version and a decision record. See memory/trust/superseding.py for supersede.

| operation | from | to |
|---|---|---|
| confirm | candidate, contested, active | active |
| confirm, if allowed to reinstate | rejected | active, and its value may be written again |
| contest | candidate, active | contested |
| reject | candidate, active, contested, superseded, expired | rejected, with all other memories of its value |
| supersede | candidate, active, contested | superseded, by a new memory |

Memories derived from a rejected or superseded one follow the organisation's policy (`memory.trust.derived_memories`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.analysis.value_keys import numbers, value_keys
from memory.models import Memory
from memory.queries import get_memory
from memory.rejection import tombstones
from memory.trust.derived_memories import Because, Derived, find_derived, settle_derived
from memory.trust.state_changes import change_state, lock_in_state, record_correction
from memory.trust.statements import LOCK_SAME_VALUE
from memory.types import LIVING, Stored, TrustState

S = TrustState
REJECTABLE = (*LIVING, S.SUPERSEDED, S.EXPIRED)


@dataclass(frozen=True, slots=True)
class Changed:
    """A memory after a correction.

    Attributes:
        id: the memory.
        state: its new state.
        version: its new version.
        decision: the correction's record.
        others: further memories of a rejected value, rejected with it.
        successor: the memory that supersedes it.
        derived: the memories derived from it and their changes; None where it still holds.
    """

    id: UUID
    state: TrustState
    version: int
    decision: UUID
    others: tuple[UUID, ...] = ()
    successor: Stored | None = None
    derived: Derived | None = None

    @property
    def successor_mark(self) -> dict[str, Any]:
        """The state and rejection of a flagged successor as response fields; {} for others."""
        mark = self.successor.mark if self.successor else {}
        return {f"successor_{name}": value for name, value in mark.items()}


def confirm(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    reason: str = "",
    version: int | None = None,
    may_reinstate: bool = False,
    parents: Sequence[UUID] = (),
) -> Changed:
    """Confirm a memory.

    Args:
        organisation: the tenant.
        by: the actor.
        memory: its id.
        reason: free text.
        version: the expected version; None for any.
        may_reinstate: whether a rejected memory can be confirmed, which allows its value to be written again.
        parents: decisions that this one follows from.

    Raises:
        MemoryNotFound: not in this organisation.
        StateForbids: superseded, expired, or rejected without `may_reinstate`.
        VersionMismatch: it has another version.
    """
    with (
        observe_operation("memory.confirm", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        keys = _lock_value(organisation, memory)
        allowed = (*LIVING, S.REJECTED) if may_reinstate else LIVING
        row = lock_in_state(organisation, memory, version=version, allowed=allowed, participle="confirmed")
        lifted = (
            tombstones.lift_rejections(organisation, row.scope_id, keys) if row.state == S.REJECTED else 0
        )
        text = f"Confirmed; was {row.state}." + (" Its value may be written again." if lifted else "")
        decision = record_correction(
            organisation, by, "memory.confirm", row, text, reason, {"lifted": lifted}, parents=parents
        )
        if row.state == S.ACTIVE:
            return Changed(row.id, S.ACTIVE, row.version, decision)
        change_state(
            organisation,
            [row.id],
            S.ACTIVE,
            operation="memory.confirm",
            reason=reason,
            by=by,
            decision=decision,
        )
        return Changed(row.id, S.ACTIVE, row.version + 1, decision)


def contest(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Changed:
    """Contest a memory; searches still return it, marked as contested.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
    """
    with (
        observe_operation("memory.contest", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        allowed = (S.CANDIDATE, S.ACTIVE)
        row = lock_in_state(organisation, memory, version=version, allowed=allowed, participle="contested")
        text = f"Contested; was {row.state}."
        decision = record_correction(organisation, by, "memory.contest", row, text, reason)
        change_state(
            organisation,
            [row.id],
            S.CONTESTED,
            operation="memory.contest",
            reason=reason,
            by=by,
            decision=decision,
        )
        return Changed(row.id, S.CONTESTED, row.version + 1, decision)


def contest_all(
    *, organisation: UUID, by: Actor, memories: Sequence[UUID], reason: str, parents: Sequence[UUID] = ()
) -> tuple[list[UUID], UUID | None]:
    """Contest several memories by one decision, except those that are neither candidate nor active.

    Returns:
        The memories contested, and the decision, None if there were none.
    """
    with (
        observe_operation("memory.contest", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        rows = Memory.objects.filter(
            organisation_id=organisation, id__in=memories, head=None, state__in=[S.CANDIDATE, S.ACTIVE]
        )
        # every transaction locks memories in id order
        ids = [row.id for row in rows.select_for_update().order_by("id")]
        if not ids:
            return [], None
        decision = record(
            organisation=organisation,
            by=by,
            operation="memory.contest",
            effect=Effect.WRITE,
            subject=("memory", str(ids[0])) if len(ids) == 1 else ("", ""),
            reasoning=f"Contested {len(ids)} memories. {reason}".strip(),
            inputs={"reason": reason},
            memories=[{"id": str(each)} for each in ids],
            parents=parents,
        )
        cite(organisation=organisation, decision=decision, memories=ids)
        change_state(
            organisation,
            ids,
            S.CONTESTED,
            operation="memory.contest",
            reason=reason,
            by=by,
            decision=decision,
        )
        return ids, decision


def reject(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Changed:
    """Reject a memory and its value permanently: searches exclude it, and later writes of the value are refused.

    Other memories of the same value are rejected with it.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
    """
    with observe_operation("memory.reject", organisation=str(organisation)), tenant_transaction(organisation):
        keys = _lock_value(organisation, memory)
        row = lock_in_state(organisation, memory, version=version, allowed=REJECTABLE, participle="rejected")
        same = _same_value(organisation, row.id, keys)
        text = f"Rejected; was {row.state}."
        if same:
            text += f" Other memories of the same value rejected with it: {len(same)}."
        if not keys:
            text += " It is blank, so no value is refused from now on."
        derived = find_derived(organisation, [row.id, *same])
        outputs = {"others": len(same), "value_refused": bool(keys), "derived": derived.counts}
        decision = record_correction(
            organisation, by, "memory.reject", row, text, reason, outputs, same, risk=RiskClass.LIMITED
        )
        at = change_state(
            organisation,
            [row.id, *same],
            S.REJECTED,
            operation="memory.reject",
            reason=reason,
            by=by,
            decision=decision,
        )
        tombstones.reject_value(
            organisation=organisation,
            scope=row.scope_id,
            text=row.content,
            memory=row.id,
            decision=decision,
            at=at,
        )
        derived = settle_derived(
            organisation, by, derived, source=row.id, because=Because.REJECTED, parent=decision
        )
        return Changed(row.id, S.REJECTED, row.version + 1, decision, tuple(same), derived=derived)


def _lock_value(organisation: UUID, memory: UUID) -> tuple[bytes, ...]:
    """Lock a memory's value against writers, before its row (see `memory.rejection.tombstones`); return the value's keys."""
    keys = value_keys(organisation, get_memory(organisation=organisation, memory=memory).content)
    if keys:
        tombstones.lock_values(organisation, keys)
    if value_keys(organisation, get_memory(organisation=organisation, memory=memory).content) != keys:
        raise Conflict("The memory was just changed; read it and try again.")
    return keys


def _same_value(organisation: UUID, memory: UUID, keys: tuple[bytes, ...]) -> list[UUID]:
    if not keys:
        return []
    states = [str(state) for state in REJECTABLE]
    with raw_cursor() as cursor:
        rows = cursor.execute(LOCK_SAME_VALUE, (organisation, numbers(keys), memory, states)).fetchall()
    return [row[0] for row in rows]
