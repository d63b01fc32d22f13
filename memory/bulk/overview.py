"""Bulk jobs as their owners see them: list, progress, cancel."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from accountability.operations import record
from liftos.kernel.db.transactions import raw_cursor, tenant_transaction
from liftos.kernel.errors import NotFound
from liftos.kernel.ids import LAST_ID
from liftos.kernel.telemetry.manager import observe_operation
from liftos.kernel.tenancy.types import Actor, ActorKind
from memory.bulk.statements import CANCEL_CHUNKS, COUNT_BY_STATUS, LIST_JOBS, OF_STATUS
from memory.errors import JobEnded, NotYourJob
from memory.models import BulkJob


class BulkJobNotFound(NotFound):
    """There is no such bulk job."""

    code = "memory.bulk_job_not_found"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a bulk job.

    Attributes:
        id: the job's.
        recorded_at: when it was accepted.
        by: who sent it.
        cancelled_at: None unless it was cancelled.
        lines: all of them, blank ones too.
        done: lines of processed chunks.
        cancelled: lines of chunks that were cancelled before they were processed.
        counts: results of lines by status; only if asked for.
    """

    id: UUID
    recorded_at: datetime
    by: Actor
    cancelled_at: datetime | None
    lines: int
    done: int
    cancelled: int
    counts: dict[int, int] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Queued, running, done or cancelled."""
        if self.cancelled_at is not None:
            return "cancelled"
        if self.done == self.lines:
            return "done"
        return "running" if self.done else "queued"


def list_jobs(
    *, organisation: UUID, limit: int, before: UUID | None = None, status: str = ""
) -> list[Progress]:
    """Return bulk jobs, newest first, inside the caller's tenant transaction.

    Args:
        organisation: whose.
        limit: maximum number.
        before: only jobs older than this id.
        status: only of this status.
    Source: cost: one query; it reads the chunks of the jobs it returns, and for `done` those of the jobs in between.
    """
    values = {"organisation": organisation, "before": before or LAST_ID, "limit": limit}
    return _read(status, values)


def get_progress(*, organisation: UUID, job: UUID) -> Progress:
    """Return a bulk job's progress, with its results by status, inside the caller's tenant transaction.

    Raises:
        BulkJobNotFound: not in this organisation.
    """
    found = _read("one", {"organisation": organisation, "before": LAST_ID, "limit": 1, "job": job})
    if not found:
        raise BulkJobNotFound
    found[0].counts.update(raw_cursor().execute(COUNT_BY_STATUS, [organisation, job]).fetchall())
    return found[0]


def cancel(*, organisation: UUID, by: Actor, job: UUID, of_anybody: bool, reason: str = "") -> Progress:
    """Cancel the chunks of a job that are not stored. Stored ones stay; a chunk that is just being embedded is dropped.

    Args:
        organisation: the tenant.
        by: the actor.
        job: which.
        of_anybody: whether the actor may cancel jobs that another one sent.
        reason: recorded with the decision.

    Raises:
        BulkJobNotFound: not in this organisation.
        NotYourJob: another actor sent it, and only own jobs may be cancelled.
        JobEnded: it is done or cancelled.
    """
    with (
        observe_operation("memory.cancel_bulk_job", organisation=str(organisation)),
        tenant_transaction(organisation),
    ):
        row = BulkJob.objects.select_for_update().filter(organisation_id=organisation, id=job).first()
        if row is None:
            raise BulkJobNotFound
        if not of_anybody and (row.actor_kind, row.actor_id) != (by.kind, by.id):
            raise NotYourJob
        stopped = raw_cursor().execute(CANCEL_CHUNKS, {"organisation": organisation, "job": job}).fetchone()
        if not stopped or not stopped[0]:
            raise JobEnded
        row.cancelled_at = timezone.now()
        row.save(update_fields=["cancelled_at"])
        progress = get_progress(organisation=organisation, job=job)
        outputs: dict[str, Any] = {"cancelled": progress.cancelled, "done": progress.done}
        record(
            organisation=organisation,
            by=by,
            operation="memory.cancel_bulk_job",
            subject=("bulk_job", str(job)),
            reasoning=f"{progress.cancelled} of {progress.lines} lines were cancelled, {progress.done} were processed before. {reason}",
            inputs={"job": str(job), "lines": progress.lines, "reason": reason},
            outputs=outputs,
        )
    return progress


def _read(status: str, values: dict[str, Any]) -> list[Progress]:
    rows = raw_cursor().execute(LIST_JOBS.format(condition=OF_STATUS[status]), values).fetchall()
    return [
        Progress(ident, recorded_at, Actor(ActorKind(kind), actor, behalf), *figures)
        for ident, recorded_at, kind, actor, behalf, *figures in rows
    ]
