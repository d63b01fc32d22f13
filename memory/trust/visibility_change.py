"""Change who may see a memory: its row, its history and all its index rows move to another access scope in one transaction."""

from dataclasses import dataclass
from uuid import UUID

import psycopg
from django.db import transaction

from accountability.operations import record
from accountability.types import Effect, RiskClass
from liftos.kernel.db.transactions import raw_cursor, seeing_everything_here, tenant_transaction
from liftos.kernel.db.viewers import current_viewer
from liftos.kernel.errors import Conflict, PermissionDenied
from liftos.kernel.outbox.operations import emit
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.errors import ExternalIdTaken
from memory.index.stored import draft_of, reindex
from memory.index.writes import resolve_links
from memory.models import Memory
from memory.ports import tell_followers
from memory.queries import get_memory
from memory.rejection.refusals import vet_value
from memory.trust.corrections import REJECTABLE
from memory.trust.state_changes import lock_in_state
from memory.trust.statements import (
    EXTERNAL_ID_IN_SCOPE,
    LEAVE_FACTS,
    LEAVE_PROPOSALS,
    MOVE_DOCUMENTS,
    MOVE_LINKS,
    MOVE_MEMORIES,
    MOVE_TURNS,
    MOVE_VECTORS,
    MOVE_VERSIONS,
)
from memory.trust.versions import database_now, end_versions
from memory.types import TrustState, VisibleTo
from memory.visibility import scope_of, visible_to

OPERATION = "memory.change_visibility"


class NotOwner(PermissionDenied):
    """Only its owner or an administrator can change who sees a memory."""

    code = "memory.not_owner"


@dataclass(frozen=True, slots=True)
class Moved:
    """A memory after the change; `decision` is None if nothing changed."""

    id: UUID
    version: int
    state: TrustState
    decision: UUID | None


def change_visibility(
    *,
    organisation: UUID,
    by: Actor,
    memory: UUID,
    wanted: VisibleTo,
    version: int | None = None,
    reason: str = "",
    may_curate: bool = False,
    any_state: bool = False,
) -> Moved:
    """Make a memory with all its versions visible to others.

    Args:
        organisation: the tenant.
        by: the actor.
        memory: its id.
        wanted: who may see it; must include the viewer.
        version: the expected version; None for any.
        reason: free text.
        may_curate: whether the caller may change memories of other owners.
        any_state: whether rejected memories, and texts that are rejected there, move too.

    Raises:
        MemoryNotFound, VersionMismatch: as for a revision.
        StateForbids: it is rejected.
        NotVisible: the viewer would not see it.
        NotOwner: another principal stored it.
        ExternalIdTaken: another memory that they see has its external id.
        ValueRejected: its text is rejected there.
    """
    scope = scope_of(organisation, wanted)
    with observe_operation(OPERATION, organisation=str(organisation)), tenant_transaction(organisation):
        before = get_memory(organisation=organisation, memory=memory)
        if not any_state:
            vet_value(organisation, memory=memory, text=before.content, scope=scope)
        allowed = tuple(TrustState) if any_state else REJECTABLE
        row = lock_in_state(organisation, memory, version=version, allowed=allowed, participle="moved")
        if row.content != before.content:
            raise Conflict("The memory was just changed; read it and try again.")
        if row.scope_id == scope:
            return Moved(row.id, row.version, TrustState(row.state), None)
        if not may_curate and (row.owner is None or row.owner != current_viewer().principal):
            raise NotOwner
        _check_external_id(organisation, row, scope)
        decision = _record(organisation, by, row, scope, reason)
        end_versions(
            organisation=organisation,
            memories=[row.id],
            operation=OPERATION,
            reason=reason,
            by=by,
            decision=decision,
            at=(at := database_now()),
        )
        Memory.objects.filter(organisation_id=organisation, id=row.id).update(
            version=row.version + 1, changed_at=max(at, row.changed_at)
        )
        _move(organisation, row, scope)
        tell_followers(organisation, [row.id])
        data = {"memory_id": str(row.id), "operation": OPERATION, "decision_id": str(decision)}
        emit(
            organisation=organisation,
            type="liftos.memory.changed",
            subject=f"memories/{row.id}",
            data=data,
            scope_id=scope,
        )
    return Moved(row.id, row.version + 1, TrustState(row.state), decision)


def _check_external_id(organisation: UUID, row: Memory, scope: int) -> None:
    if not row.external_id:
        return
    values = (organisation, row.source, row.external_id, scope)
    taken = raw_cursor().execute(EXTERNAL_ID_IN_SCOPE, values).fetchone()
    if taken is not None:
        raise ExternalIdTaken(taken[0])


def _record(organisation: UUID, by: Actor, row: Memory, scope: int, reason: str) -> UUID:
    before, after = visible_to(organisation, row.scope_id), visible_to(organisation, scope)
    return record(
        organisation=organisation,
        by=by,
        operation=OPERATION,
        effect=Effect.WRITE,
        risk_class=RiskClass.LIMITED,
        subject=("memory", str(row.id)),
        reasoning=f"Changed who may see the memory. {reason}".strip(),
        inputs={"version": row.version, "visible_to": before.as_json(), "reason": reason},
        outputs={"version": row.version + 1, "visible_to": after.as_json()},
        memories=[{"id": str(row.id)}],
    )


def _move(organisation: UUID, row: Memory, scope: int) -> None:
    """Rewrite the scope of a locked memory and everything derived from it. Sees everything: rows are of both scopes for a moment."""
    with seeing_everything_here():
        earlier = Memory.objects.filter(organisation_id=organisation, head=row.id)
        ids = [row.id, *earlier.values_list("id", flat=True)]
        reindex(organisation, ids, scope=scope)
        values = {"organisation": organisation, "memory": row.id, "ids": ids, "scope": scope}
        try:
            with transaction.atomic():
                raw_cursor().execute(MOVE_MEMORIES, values)
        except psycopg.errors.UniqueViolation as error:
            raise Conflict("Another memory has just taken the external id.", loc=("visible_to",)) from error
        # care looks at it again in its new scope
        for statement in (
            LEAVE_FACTS,
            LEAVE_PROPOSALS,
            MOVE_VECTORS,
            MOVE_LINKS,
            MOVE_TURNS,
            MOVE_DOCUMENTS,
            MOVE_VERSIONS,
        ):
            raw_cursor().execute(statement, values)
        if row.external_id:
            draft = draft_of(row)
            resolve_links(organisation, [(row.id, draft.source, row.external_id, scope)])
