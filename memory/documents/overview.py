"""Document jobs as their owners see them: list, progress, cancel."""

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from accountability.operations import record
from liftos.kernel.db.transactions import tenant_transaction
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor
from memory.documents.errors import DocumentJobNotFound
from memory.errors import JobEnded, NotYourJob
from memory.models import DocumentJob

CANCELLED = 409
"""The status of a cancelled job, which workers skip as they do any with a status."""
_OF_STATUS = {
    "": Q(),
    "queued": Q(status__isnull=True),
    "stored": Q(status__lt=400),
    "failed": Q(status__gte=400, cancelled_at__isnull=True),
    "cancelled": Q(cancelled_at__isnull=False),
}


def status_of(job: DocumentJob) -> str:
    """Return a job's status: queued, stored, failed or cancelled."""
    if job.cancelled_at is not None:
        return "cancelled"
    if job.status is None:
        return "queued"
    return "failed" if job.status >= 400 else "stored"


def list_jobs(
    *, organisation: UUID, limit: int, before: UUID | None = None, status: str = ""
) -> list[DocumentJob]:
    """Return jobs without their files, newest first, inside the caller's tenant transaction.

    Args:
        organisation: whose.
        limit: maximum number.
        before: only jobs older than this id.
        status: only of this status.
    """
    rows = DocumentJob.objects.filter(_OF_STATUS[status], organisation_id=organisation)
    if before is not None:
        rows = rows.filter(id__lt=before)
    return list(rows.defer("file", "options").order_by("-id")[:limit])


def get_job(*, organisation: UUID, job: UUID) -> DocumentJob:
    """Return a job without its file, inside the caller's tenant transaction.

    Raises:
        DocumentJobNotFound: not in this organisation.
    """
    row = DocumentJob.objects.filter(organisation_id=organisation, id=job).defer("file", "options").first()
    if row is None:
        raise DocumentJobNotFound
    return row


def cancel(*, organisation: UUID, by: Actor, job: UUID, of_anybody: bool, reason: str = "") -> DocumentJob:
    """Cancel a document that is not stored yet, even while it is parsed, and delete its file.

    Args:
        organisation: the tenant.
        by: the actor.
        job: which.
        of_anybody: whether the actor may cancel jobs that another one sent.
        reason: recorded with the decision.

    Raises:
        DocumentJobNotFound: not in this organisation.
        NotYourJob: another actor sent it, and only own jobs may be cancelled.
        JobEnded: it is stored, failed or cancelled.
    """
    with (
        observe_operation("memory.cancel_document_job", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        rows = DocumentJob.objects.select_for_update().filter(organisation_id=organisation, id=job)
        row = rows.defer("file", "options").first()
        if row is None:
            raise DocumentJobNotFound
        if not of_anybody and (row.actor_kind, row.actor_id) != (by.kind, by.id):
            raise NotYourJob
        if row.status is not None:
            raise JobEnded
        row.status, row.result, row.cancelled_at = CANCELLED, {}, timezone.now()
        row.file, row.options, row.leased_until = b"", {}, None
        row.save(update_fields=["status", "result", "cancelled_at", "file", "options", "leased_until"])
        record(
            organisation=organisation,
            by=by,
            operation="memory.cancel_document_job",
            subject=("document_job", str(job)),
            reasoning=f"The document was cancelled before it was stored. {reason}",
            inputs={"job": str(job), "reason": reason},
        )
    return row
