"""What outlives the process: traces, and how operations went by the minute and by the hour."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from liftos.kernel.ids import new_id
from liftos.kernel.tenancy.models import Organisation


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


class OperationFigures(models.Model):
    """How one operation of one organisation went in some span of time.

    `buckets` counts durations by the bounds of `liftos.kernel.telemetry.metrics.minutes.BOUNDS_MS`, the last those above all of them; of a
    busy minute it is an estimate from the last 1,000 durations of each process.
    """

    organisation = models.ForeignKey(
        Organisation, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False
    )
    operation = models.CharField(max_length=200)
    count = models.BigIntegerField()
    failures = models.BigIntegerField()
    total_ms = models.FloatField()
    max_ms = models.FloatField()
    buckets = ArrayField(models.BigIntegerField())

    class Meta:
        abstract = True


class OperationMinute(OperationFigures):
    """A minute, as one process saw it. Written again with the same or more while the minute lasts."""

    pk = models.CompositePrimaryKey("organisation_id", "minute", "operation", "process")
    minute = models.DateTimeField()
    process = models.UUIDField()

    def __str__(self) -> str:
        return f"{self.operation} {self.minute:%H:%M}"


class OperationHour(OperationFigures):
    """An hour of all processes, made from its minutes; made anew while minutes may still come."""

    pk = models.CompositePrimaryKey("organisation_id", "hour", "operation")
    hour = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.operation} {self.hour:%d %H:00}"
