"""Believing, doubting and taking back: confirm, contest, reject, supersede. Each is a new version, on record.

| operation | from | to |
|---|---|---|
| confirm | candidate, contested, active | active |
| confirm, by who may reinstate | rejected | active, and the value may be written again |
| contest | candidate, active | contested |
| reject | candidate, active, contested, superseded, expired | rejected, with all other memories of the value |
| supersede | candidate, active, contested | superseded, by a new memory |

What was made from a memory that is rejected or superseded follows the organisation's policy (memory.life.derived).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from accountability.erasure import cite
from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import Conflict, InvalidInput
from liftos.kernel.outbox.operations import emit_many
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory import operations
from memory.analysis.value_keys import numbers, value_keys
from memory.errors import ExternalIdTaken
from memory.models import Memory
from memory.operations import Prepared
from memory.queries import get_memory
from memory.rejection import tombstones
from memory.trust.derived import Because, Derived, find_derived, settle_derived
from memory.trust.versions import check_version, database_now, end_versions, set_state
from memory.types import LIVING, MemoryDraft, Outcome, Stored, TrustState

S = TrustState
REJECTABLE = (*LIVING, S.SUPERSEDED, S.EXPIRED)
# duplicates of a rejected value that are changed together
TOGETHER = 500

_SAME_VALUE = """
SELECT id FROM memory_memory WHERE organisation_id = %s AND value = ANY(%s) AND head IS NULL AND id <> %s AND state = ANY(%s)
ORDER BY id FOR UPDATE
"""
_CLOSE = """
UPDATE memory_memory SET superseded_by = %(successor)s,
    valid_to = greatest(coalesce(valid_from, %(ends)s), least(coalesce(valid_to, %(ends)s), %(ends)s))
WHERE organisation_id = %(organisation)s AND id = %(memory)s
"""


class StateForbids(Conflict):
    """The memory's trust state does not allow that."""

    code = "memory.state_forbids"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a correction did.

    Attributes:
        id: the memory.
        state: now.
        version: now.
        decision: its record.
        others: further memories of a rejected value that were rejected with it.
        successor: the memory that supersedes it.
        derived: the memories made from it, and what became of them; None where it still holds.
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
        """What an answer says of a successor that was flagged; nothing of another."""
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
    """Vouch for a memory.

    Args:
        organisation: whose.
        by: who does.
        memory: which.
        reason: why, in words.
        version: the version this was decided on from, None for any.
        may_reinstate: take back a rejection too. The value can then be written again.
        parents: decisions that this one follows from.

    Raises:
        MemoryNotFound: there is none in this organisation.
        StateForbids: it is superseded or expired, or rejected and `may_reinstate` is not given.
        VersionMismatch: it is at another version.
    """
    with (
        observe_operation("memory.confirm", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        keys = _hold_value(organisation, memory)
        row = _locked(organisation, memory, version)
        allowed = (*LIVING, S.REJECTED) if may_reinstate else LIVING
        _require(row, "confirmed", allowed)
        lifted = tombstones.lift(organisation, keys) if row.state == S.REJECTED else 0
        text = f"Confirmed, it was {row.state}." + (" Its value may be written again." if lifted else "")
        decision = _record(
            organisation, by, "memory.confirm", row, text, reason, {"lifted": lifted}, parents=parents
        )
        if row.state != S.ACTIVE:
            _to(organisation, [row.id], S.ACTIVE, "memory.confirm", reason, by, decision)
            _tell(organisation, [row.id], "memory.confirm", S.ACTIVE, decision)
        return Changed(row.id, S.ACTIVE, row.version + (row.state != S.ACTIVE), decision)


def contest(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Changed:
    """Doubt a memory: it is still found, marked contested.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
    """
    with (
        observe_operation("memory.contest", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = _locked(organisation, memory, version)
        _require(row, "contested", (S.CANDIDATE, S.ACTIVE))
        text = f"Contested, it was {row.state}."
        decision = _record(organisation, by, "memory.contest", row, text, reason)
        _to(organisation, [row.id], S.CONTESTED, "memory.contest", reason, by, decision)
        _tell(organisation, [row.id], "memory.contest", S.CONTESTED, decision)
        return Changed(row.id, S.CONTESTED, row.version + 1, decision)


def contest_all(
    *, organisation: UUID, by: Actor, memories: Sequence[UUID], reason: str, parents: Sequence[UUID] = ()
) -> tuple[list[UUID], UUID | None]:
    """Doubt several memories by one decision; those that are neither candidate nor active are left as they are.

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
        # locked in the order of their ids, as everybody does
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
        _to(organisation, ids, S.CONTESTED, "memory.contest", reason, by, decision)
        _tell(organisation, ids, "memory.contest", S.CONTESTED, decision)
        return ids, decision


def reject(
    *, organisation: UUID, by: Actor, memory: UUID, reason: str = "", version: int | None = None
) -> Changed:
    """Take a memory's value for wrong, for good: no search finds it and no write brings it back.

    Other memories that say the same, letter case and white space apart, are rejected with it.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
    """
    with observe_operation("memory.reject", organisation=str(organisation)), tenant_transaction(organisation):
        keys = _hold_value(organisation, memory)
        row = _locked(organisation, memory, version)
        _require(row, "rejected", REJECTABLE)
        same = _same_value(organisation, row.id, keys)
        text = f"Rejected, it was {row.state}."
        if same:
            text += f" {len(same)} further memories of the same value with it."
        if not keys:
            text += " It shows nothing, so there is no value to refuse from now on."
        derived = find_derived(organisation, [row.id, *same])
        outputs = {"others": len(same), "value_refused": bool(keys), "derived": derived.counts}
        decision = _record(
            organisation, by, "memory.reject", row, text, reason, outputs, same, risk=RiskClass.LIMITED
        )
        at = _to(organisation, [row.id, *same], S.REJECTED, "memory.reject", reason, by, decision)
        tombstones.bury(organisation=organisation, text=row.content, memory=row.id, decision=decision, at=at)
        _tell(organisation, [row.id, *same], "memory.reject", S.REJECTED, decision)
        derived = settle_derived(
            organisation, by, derived, source=row.id, because=Because.REJECTED, parent=decision
        )
        return Changed(row.id, S.REJECTED, row.version + 1, decision, tuple(same), derived=derived)


def supersede(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    draft: MemoryDraft,
    reason: str = "",
    version: int | None = None,
    trust: TrustState = TrustState.ACTIVE,
) -> Changed:
    """Put a new memory in the place of one that no longer holds.

    The old one is closed, not destroyed: it was true until the new one's `valid_from` (now, if that is not given), and that it
    was believed until now stays on record. Both are told apart by `as_of` and `known_at`.

    Args:
        organisation: whose.
        by: who does.
        memory: the one that no longer holds.
        draft: the new one.
        reason: why, in words.
        version: the version this was decided on from, None for any.
        trust: of the new one.

    Raises:
        MemoryNotFound, StateForbids, VersionMismatch: as for `confirm`.
        ExternalIdTaken, ValueRejected, UnknownSource: the new one can't be stored.
    """
    prepared = operations.prepare(organisation, [draft], trust)
    return commit_supersede(
        organisation=organisation, by=by, memory=memory, prepared=prepared, reason=reason, version=version
    )


def commit_supersede(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    prepared: Prepared,
    reason: str = "",
    version: int | None = None,
) -> Changed:
    """Do what `supersede` does, with the new memory prepared (`memory.operations.prepare`).

    Raises:
        As `supersede`.
    """
    observed = observe_operation("memory.supersede", organisation=str(organisation))
    with observed.count_in(prepared.took_ns), tenant_transaction(organisation):
        [new] = prepared.rows
        if new.draft.valid_from is None:
            now = database_now()
            new = replace(new, draft=replace(new.draft, valid_from=now))
            if new.draft.valid_to is not None and new.draft.valid_to < now:
                raise InvalidInput("valid_to must not be before valid_from, which is now.", loc=("valid_to",))
        # the new one first: locks of values come before locks of rows (memory.rejection.tombstones)
        prepared = replace(prepared, rows=(new,))
        [stored] = operations.commit(organisation, by, prepared, operation="memory.store")
        operations.raise_refusal(stored)
        if stored.outcome is not Outcome.STORED:
            raise ExternalIdTaken(stored.id)
        row = _locked(organisation, memory, version)
        _require(row, "superseded", LIVING)
        text = f"Superseded by {stored.id}, it was {row.state}."
        # the new one may be made from the old one
        derived = find_derived(organisation, [row.id], apart=[stored.id])
        outputs = {"successor": str(stored.id), "derived": derived.counts}
        decision = _record(
            organisation, by, "memory.supersede", row, text, reason, outputs, [stored.id],
            parents=[stored.decision] if stored.decision else [],
        )  # fmt: skip
        _to(organisation, [row.id], S.SUPERSEDED, "memory.supersede", reason, by, decision)
        values = {
            "organisation": organisation,
            "memory": row.id,
            "successor": stored.id,
            "ends": new.draft.valid_from,
        }
        with raw_cursor() as cursor:
            cursor.execute(_CLOSE, values)
        _tell(organisation, [row.id], "memory.supersede", S.SUPERSEDED, decision)
        derived = settle_derived(
            organisation, by, derived, source=row.id, because=Because.SUPERSEDED, parent=decision
        )
        return Changed(row.id, S.SUPERSEDED, row.version + 1, decision, successor=stored, derived=derived)


def _hold_value(organisation: UUID, memory: UUID) -> tuple[bytes, ...]:
    """Lock a memory's value against writers and return its keys. Before the row: see memory.rejection.tombstones."""
    keys = value_keys(organisation, get_memory(organisation=organisation, memory=memory).content)
    if keys:
        tombstones.hold(organisation, keys)
    if value_keys(organisation, get_memory(organisation=organisation, memory=memory).content) != keys:
        raise Conflict("The memory was changed at the same moment; look at it again.")
    return keys


def _locked(organisation: UUID, memory: UUID, version: int | None) -> Memory:
    row = get_memory(organisation=organisation, memory=memory, lock=True)
    check_version(row, version)
    return row


def _require(row: Memory, done: str, allowed: Sequence[TrustState]) -> None:
    if row.state not in allowed:
        raise StateForbids(f"A memory that is {row.state} can't be {done}.")


def _same_value(organisation: UUID, memory: UUID, keys: tuple[bytes, ...]) -> list[UUID]:
    if not keys:
        return []
    states = [str(state) for state in REJECTABLE]
    with raw_cursor() as cursor:
        rows = cursor.execute(_SAME_VALUE, (organisation, numbers(keys), memory, states)).fetchall()
    return [row[0] for row in rows]


def _record(
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
        memories=[{"id": str(each)} for each in (row.id, *others[:TOGETHER])],
        parents=parents,
    )
    # the reason may quote them too
    cite(organisation=organisation, decision=decision, memories=others)
    return decision


def _to(
    organisation: UUID,
    memories: Sequence[UUID],
    state: TrustState,
    operation: str,
    reason: str,
    by: Actor,
    decision: UUID,
) -> datetime:
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
    return at


def _tell(
    organisation: UUID, memories: Sequence[UUID], operation: str, state: TrustState, decision: UUID
) -> None:
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
