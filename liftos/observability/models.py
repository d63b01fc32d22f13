"""Traces that outlive the process: what a decision's trace id leads to."""

from django.db import models
from django.db.models.functions import Now

from liftos.ids import new_id
from liftos.tenancy.models import Organisation


class TraceRecord(models.Model):
    """One root and what ran below it in one process: a request, a task. A trace may have several. Never updated.

    `spans` is a list of objects: span_id, parent_id, name, level, start_ns (since `started_at`), duration_ns,
    status, error_type, tags. The text of an error is not kept: it may repeat content, which erasure would not find.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    # no foreign key in the database: every record would lock the organisation's row (row security checks it)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    trace_id = models.CharField(max_length=32)
    correlation_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    started_at = models.DateTimeField()
    duration_ms = models.FloatField()
    status = models.CharField(max_length=5)
    spans = models.JSONField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["organisation", "trace_id"], name="trace_by_id"),
            models.Index(fields=["organisation", "recorded_at"], name="trace_by_age"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.trace_id}"
