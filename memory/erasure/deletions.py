"""Delete the memories that pass conditions: up to a thousand at once, more by a job, a thousand per transaction.

A job keeps the ids that passed when it was accepted, so that it deletes what its caller was told. What the caller may do and see is
checked again for each thousand. A crashed worker's thousand is deleted by the next: a transaction erases them and moves the job on.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import connection, transaction

from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.db.viewers import ORGANISATION_SCOPE, current_viewer, viewing
from liftos.kernel.jobs import send_hint
from liftos.kernel.tenancy.authority import scopes_now, viewer_now
from liftos.kernel.tenancy.types import Actor, ActorKind, Scope
from memory.erasure.operations import TOGETHER, Progress, forget_many
from memory.erasure.statements import LOCK_DELETION, MOVE_DELETION
from memory.holds.errors import LegallyHeld
from memory.holds.operations import refuse_held
from memory.listing.queries import matching_ids
from memory.models import DeletionJob
from memory.search.types import SearchRequest

SAMPLE = 10


@dataclass(frozen=True, slots=True)
class Deletion:
    """The effect of a deletion by conditions.

    Attributes:
        count: number of memories that passed.
        sample: the newest of them.
        progress: what was erased at once; None in a dry run, if a worker erases them, or if there are none.
        job: the job of a worker; None otherwise.
    """

    count: int
    sample: tuple[UUID, ...] = ()
    progress: Progress | None = None
    job: UUID | None = None


def delete_matching(
    *, organisation: UUID, by: Actor, narrowed: SearchRequest, reason: str = "", dry_run: bool = False
) -> Deletion:
    """Erase the memories that pass conditions, in any trust state unless the conditions name states.

    Args:
        organisation: the tenant.
        by: the actor.
        narrowed: the conditions.
        reason: for the decisions.
        dry_run: whether to only count them.
    """
    viewer = current_viewer()
    with tenant_transaction(organisation):
        ids = matching_ids(organisation=organisation, narrowed=narrowed)
        if dry_run:
            return Deletion(len(ids), tuple(ids[:SAMPLE]))
        if len(ids) <= TOGETHER:
            [progress] = (
                forget_many(organisation=organisation, by=by, memories=ids, reason=reason) if ids else [None]
            )
            return Deletion(len(ids), progress=progress)
        refuse_held(organisation, ids)
        job = DeletionJob.objects.create(
            organisation_id=organisation,
            actor_kind=by.kind,
            actor_id=by.id,
            on_behalf_of=by.on_behalf_of,
            principal=viewer.principal,
            groups=viewer.listed_groups,
            scope_id=viewer.own or ORGANISATION_SCOPE,
            reason=reason,
            memories=ids,
            count=len(ids),
        )
        transaction.on_commit(lambda: send_hint("memory.work_on_deletions", organisation))
    return Deletion(len(ids), job=job.id)


def work_on_next_thousand(*, organisation: UUID) -> bool:
    """Erase the next thousand memories of an unfinished job; return whether there was one.

    Two workers don't share a job: the second finds it locked.
    """
    with tenant_transaction(organisation), raw_cursor() as cursor:
        row = cursor.execute(LOCK_DELETION, {"organisation": organisation, "together": TOGETHER}).fetchone()
        if row is None:
            return False
        job, kind, actor, behalf, principal, groups, reason, ids = row
        by = Actor(ActorKind(kind), actor, behalf)
        values = {"organisation": organisation, "job": job, "together": TOGETHER}
        if Scope.MEMORY_WRITE not in scopes_now(organisation=organisation, actor=by):
            cursor.execute(MOVE_DELETION, values | {"erased": 0, "erasures": [], "stopped": True})
            return True
        try:
            viewer = viewer_now(organisation=organisation, actor=by, principal=principal, groups=groups)
            with viewing(viewer):
                [done] = forget_many(organisation=organisation, by=by, memories=ids, reason=reason)
        except LegallyHeld:
            # placed after the job was accepted: a retry would meet it again
            cursor.execute(MOVE_DELETION, values | {"erased": 0, "erasures": [], "stopped": True})
            return True
        erasures = [done.receipt.id] if done.receipt else []
        cursor.execute(
            MOVE_DELETION, values | {"erased": done.erased, "erasures": erasures, "stopped": False}
        )
    return True


def list_organisations_with_deletions() -> list[UUID]:
    """Return the organisations with unfinished jobs. Spans tenants through a definer function."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT organisation_id FROM liftos_organisations_with_deletions()")
        return [row[0] for row in cursor.fetchall()]
