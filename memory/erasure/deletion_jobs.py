"""Deletions in background as their callers see them: list, progress, cancel."""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.errors import NotFound
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.errors import JobEnded
from memory.models import DeletionJob

_OF_STATUS = {
    "": Q(),
    "queued": Q(finished_at=None, done=0),
    "running": Q(finished_at=None, done__gt=0),
    "done": Q(finished_at__isnull=False, is_stopped=False, cancelled_at=None),
    "stopped": Q(is_stopped=True),
    "cancelled": Q(cancelled_at__isnull=False),
}


class DeletionNotFound(NotFound):
    """There is no such deletion."""

    code = "memory.deletion_not_found"


def list_deletions(
    *, organisation: UUID, limit: int, before: UUID | None = None, status: str = ""
) -> list[DeletionJob]:
    """Return jobs without their ids, newest first, inside the caller's tenant transaction.

    Args:
        organisation: the tenant.
        limit: maximum number.
        before: only jobs older than this id.
        status: only of this status.
    """
    rows = DeletionJob.objects.filter(_OF_STATUS[status], organisation_id=organisation)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.defer("memories").order_by("-id")[:limit])


def get_deletion(*, organisation: UUID, deletion: UUID) -> DeletionJob:
    """Return a job, inside the caller's tenant transaction, without its ids.

    Raises:
        DeletionNotFound: not in this organisation.
    """
    row = DeletionJob.objects.filter(organisation_id=organisation, id=deletion).defer("memories").first()
    if row is None:
        raise DeletionNotFound
    return row


def cancel_deletion(*, organisation: UUID, by: Actor, deletion: UUID, reason: str = "") -> DeletionJob:
    """Stop a deletion before its next thousand; memories that are erased already stay so.

    Args:
        organisation: the tenant.
        by: the actor.
        deletion: which.
        reason: recorded with the decision.

    Raises:
        DeletionNotFound: not in this organisation.
        JobEnded: it is done, stopped or cancelled.
    """
    with (
        observe_operation("memory.cancel_deletion", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        # waits for the thousand that a worker is erasing
        rows = DeletionJob.objects.select_for_update().filter(organisation_id=organisation, id=deletion)
        row = rows.defer("memories").first()
        if row is None:
            raise DeletionNotFound
        if row.finished_at is not None:
            raise JobEnded
        row.cancelled_at = row.finished_at = timezone.now()
        row.reason = ""
        row.save(update_fields=["cancelled_at", "finished_at", "reason"])
        record(
            organisation=organisation,
            by=by,
            operation="memory.cancel_deletion",
            subject=("deletion", str(deletion)),
            reasoning=f"The deletion was cancelled after {row.done} of {row.count} memories. {reason}".strip(),
            inputs={"deletion": str(deletion), "reason": reason},
            outputs={"done": row.done, "count": row.count, "erased": row.erased},
            scope_id=row.scope_id,
        )
    return row
