"""Bulk stores that were accepted and are carried out by a worker: a job, and its lines in chunks."""

from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation
from memory.types import TrustState


class BulkJob(models.Model):
    """An accepted bulk store. Its counts come from its chunks."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=200)
    on_behalf_of = models.CharField(max_length=200, blank=True)
    trust = models.CharField(max_length=20, default=TrustState.ACTIVE.value)
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "id"], name="bulk_job_of_organisation")
        ]

    def __str__(self) -> str:
        return f"bulk store {self.id}"


class BulkChunk(models.Model):
    """Some lines of a job: their text until they are stored, then what became of each. A worker leases those that it stores."""

    pk = models.CompositePrimaryKey("organisation_id", "job_id", "number")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    number = models.PositiveIntegerField()
    first_line = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()
    text = models.TextField()
    results = models.JSONField(null=True)
    leased_until = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            # a worker asks only for what waits
            models.Index(
                fields=["organisation", "job", "number"],
                name="bulk_waiting",
                condition=models.Q(results__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"lines from {self.first_line}"
