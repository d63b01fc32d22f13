"""Bulk jobs and their chunks of lines, processed by workers."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.models.memories import Scoped
from memory.types import TrustState


class BulkJob(Scoped):
    """A bulk job; its counts are those of its chunks."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    # who sent it, if that is known
    principal = models.UUIDField(null=True)
    # the groups that its token stated; None if the stored memberships count
    groups = ArrayField(models.UUIDField(), null=True)
    trust = models.CharField(max_length=20, default=TrustState.ACTIVE.value)
    recorded_at = models.DateTimeField(db_default=Now())
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="bulk_job_of_organisation")
        ]

    def __str__(self) -> str:
        return f"bulk job {self.id}"


class BulkChunk(Scoped):
    """Consecutive lines of a job: their text until stored or cancelled, then their results. Workers lease chunks to store them."""

    pk = models.CompositePrimaryKey("organisation_id", "job_id", "number")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    number = models.PositiveIntegerField()
    first_line = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    text = models.TextField()
    # by line number, what was found in lines that are queued without their secrets
    screened = models.JSONField(null=True)
    # of a cancelled chunk empty
    results = models.JSONField(null=True)
    is_cancelled = models.BooleanField(default=False, db_default=False)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # workers query only unprocessed chunks
            models.Index(
                fields=["organisation", "job", "number"],
                name="bulk_waiting",
                condition=models.Q(results__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"lines from {self.first_line}"
